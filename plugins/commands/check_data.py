"""`kntests check-data`: reads a data folder; says what it gives, or every line that is wrong."""

import argparse
import sys
from pathlib import Path

from tabulate import tabulate

from harness.data.check import FolderCheck, check_folder
from harness.data.facts import Dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder."""
    parser.add_argument("path", metavar="PATH", type=Path, help="data folder, as --data takes it; see docs/data.md")
    parser.epilog = "Exits with 1 if a line is wrong or no relation is left to work with."


def run(arguments: argparse.Namespace) -> int:
    """Prints problems to stderr, or else what the folder gives."""
    check = check_folder(arguments.path.expanduser())
    for problem in check.problems:
        print(problem, file=sys.stderr)
    if check.dataset is None:
        n = len(check.problems)
        print(f"{n} {'problem' if n == 1 else 'problems'} in {arguments.path}; nothing of it was used", file=sys.stderr)
        return 1
    print("\n".join(_report(check, check.dataset)))
    return 0


def _report(check: FolderCheck, dataset: Dataset) -> list[str]:
    rows = [
        (
            relation.name,
            f"{len(relation.facts):,}",
            f"{len(relation.patterns)} of {len(check.patterns[relation.name])}",
            f"{len(relation.facts) * len(relation.patterns):,}",
        )
        for relation in dataset.relations
    ]
    used = sum(len(relation.patterns) for relation in dataset.relations)
    rows.append(("all", f"{dataset.n_facts:,}", f"{used} of {dataset.n_patterns}", f"{dataset.n_queries:,}"))
    headers = ("relation", "facts", "patterns used", "queries")
    lines = tabulate(rows, headers, colalign=("left", "right", "right", "right"), disable_numparse=True).splitlines()
    if dataset.skipped:
        lines += ["", "Relations that are skipped:"]
        lines += [f"  {name} ({_facts(check.n_facts.get(name, 0))}): {reason}" for name, reason in dataset.skipped]
    if check.unusable_patterns:
        lines += ["", "Patterns that are skipped, because the answer does not come last:"]
        lines += [f"  {pattern.id}  {pattern.text}" for pattern in check.unusable_patterns]
    if check.repeated_patterns:
        lines += ["", "Patterns that ask the same as an earlier one, which makes facts look consistent:"]
        lines += [f"  {pattern.id}  {pattern.text}  (as {earlier.id})" for pattern, earlier in check.repeated_patterns]
    return lines


def _facts(n: int) -> str:
    return f"{n:,} {'fact' if n == 1 else 'facts'}"
