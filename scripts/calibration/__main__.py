"""How often each rule errs and sees, and how often each interval covers: one command that goes on where it broke off.

python -m scripts.calibration                                  # draws what is missing, writes page and table
python -m scripts.calibration shares trend --draws 500         # only these topics
python -m scripts.calibration --draws 0                        # only page and table, from what is there
"""

import argparse
import os
from pathlib import Path

from scripts.calibration.page import write_page
from scripts.calibration.results import all_cases, by_case, compute, read, tasks_of
from scripts.calibration.table import TABLE, write_table


def main() -> None:
    """Draws what is missing and writes the page, and the table that reports draw."""
    cases = all_cases()
    topics = list(dict.fromkeys(case.topic for case in cases.values()))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topics", nargs="*", default=topics, help=f"of {', '.join(topics)}; all if none is named")
    parser.add_argument("--draws", type=int, default=2000, help="populations a case")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=Path(".kntests/calibration"), help="folder of the results")
    parser.add_argument("--page", type=Path, default=Path("docs/calibration.md"))
    parser.add_argument("--table", type=Path, default=TABLE, help="what reports draw of it")
    asked = parser.parse_args()
    unknown = set(asked.topics) - set(topics)
    if unknown:
        parser.error(f"unknown topics {', '.join(sorted(unknown))}; there are {', '.join(topics)}")
    results = asked.results / "simulated.jsonl"
    wanted = [key for key, case in cases.items() if case.topic in asked.topics]
    compute(tasks_of(wanted, asked.draws), results, processes=asked.processes)
    counted = by_case(read(results))
    write_page(asked.page, counted)
    write_table(asked.table, counted)
    print(f"written: {asked.page}, {asked.table}")


if __name__ == "__main__":
    main()
