"""How often each rule errs and sees, and how often each interval covers: one command that goes on where it broke off.

python -m scripts.calibration                                  # draws what is missing, writes docs/calibration.md
python -m scripts.calibration shares trend --draws 500         # only these topics
python -m scripts.calibration --draws 0                        # only the page, from what is there
"""

import argparse
import os
from pathlib import Path

from scripts.calibration.page import write_page
from scripts.calibration.results import all_cases, by_case, compute, read, tasks_of


def main() -> None:
    """Draws what is missing and writes the page."""
    cases = all_cases()
    topics = list(dict.fromkeys(case.topic for case in cases.values()))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topics", nargs="*", default=topics, help=f"of {', '.join(topics)}; all if none is named")
    parser.add_argument("--draws", type=int, default=2000, help="populations a case")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=Path(".kntests/calibration"), help="folder of the results")
    parser.add_argument("--page", type=Path, default=Path("docs/calibration.md"))
    asked = parser.parse_args()
    unknown = set(asked.topics) - set(topics)
    if unknown:
        parser.error(f"unknown topics {', '.join(sorted(unknown))}; there are {', '.join(topics)}")
    results = asked.results / "simulated.jsonl"
    wanted = [key for key, case in cases.items() if case.topic in asked.topics]
    compute(tasks_of(wanted, asked.draws), results, processes=asked.processes)
    write_page(asked.page, by_case(read(results)))
    print(f"written: {asked.page}")


if __name__ == "__main__":
    main()
