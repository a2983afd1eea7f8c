"""Injects faults into small real stores and counts what each kind costs: entries lost, computed again, wrong numbers.

    python -m scripts.faults            # a minute or two; exit status 1 if anything was lost or wrong

The rows are real localizations, made once; every trial has a store of its own with some of them finished. A fault is
injected, the same command runs again, and what it finds is compared with an undisturbed store, to the last bit. An
entry is lost if it was finished, the fault did not touch its shard, and it is gone. What is computed again was finished
and lay in a shard that the fault damaged.
"""

import sys
import tempfile
import time
import warnings
from pathlib import Path

from tabulate import tabulate

from scripts.faults.kinds import KINDS
from scripts.faults.world import Cost, World


def main() -> int:
    """Prints a line a kind; 1 if an entry was lost or a number is wrong."""
    warnings.simplefilter("ignore")  # of shards that are set aside
    rows: list[tuple[str | int, ...]] = []
    costs: list[Cost] = []
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        for kind, inject in KINDS.items():
            cost, started = Cost(), time.monotonic()
            inject(world, cost)
            costs.append(cost)
            seconds = f"{time.monotonic() - started:.1f}"
            rows.append((kind, cost.faults, cost.lost, cost.again, cost.wrong, seconds))
    heads = ["fault", "injected", "entries lost", "computed again", "wrong results", "seconds"]
    print(tabulate(rows, heads, tablefmt="github", disable_numparse=True, colalign=("left", *["right"] * 5)))
    return int(any(cost.lost or cost.wrong for cost in costs))


if __name__ == "__main__":
    sys.exit(main())
