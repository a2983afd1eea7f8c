"""Chunks of draws, each a line of a file once it is finished, so that the same command goes on where it broke off."""

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from scripts.calibration.case import BOOTSTRAP_DRAWS, Case
from scripts.calibration.edits import edit_cases
from scripts.calibration.effects import effect_cases
from scripts.calibration.joint import joint_cases
from scripts.calibration.localized import localized_cases
from scripts.calibration.selection import selection_cases
from scripts.calibration.shares import other_cases, share_cases

VERSIONS: Final = {"shares": 4, "localizations": 4, "edits": 4}
"""Of what is simulated and counted in a topic, where it is not `FIRST`; raised by hand where a change reaches it, and
results of another version are drawn again."""

FIRST: Final = 3


def version_of(case: str) -> int:
    """The version of the topic of a case, by its key."""
    return VERSIONS.get(case.split(" | ")[0], FIRST)


CHUNK: Final = 100


class Task(NamedTuple):
    """Draws of a case: those from chunk * CHUNK on."""

    case: str
    chunk: int
    draws: int


class Counted(NamedTuple):
    """How often what came true, in so many draws."""

    draws: int
    events: Counter[str]


def all_cases() -> dict[str, Case]:
    """Every case by its key."""
    return {
        case.key: case
        for cases in (share_cases, joint_cases, other_cases, effect_cases, localized_cases, selection_cases, edit_cases)
        for case in cases()
    }


def tasks_of(cases: Sequence[str], draws: int) -> list[Task]:
    """Chunks of all cases, the first chunk of every case first: what is broken off is even."""
    return [
        Task(case, chunk, min(CHUNK, draws - chunk * CHUNK)) for chunk in range(-(-draws // CHUNK)) for case in cases
    ]


def run_task(task: Task) -> Counter[str]:
    """Draws a chunk; it depends on the task alone, in whatever process it runs."""
    case, counts = _cases()[task.case], Counter[str]()
    for draw in range(task.chunk * CHUNK, task.chunk * CHUNK + task.draws):
        counts.update(case.drawn(draw))
    return counts


_known: dict[str, Case] = {}


def _cases() -> dict[str, Case]:
    if not _known:
        _known.update(all_cases())
    return _known


def read(path: Path) -> dict[tuple[str, int], Counted]:
    """Finished chunks by case and number; of two of a number the longer. A line that was cut off counts as missing."""
    found: dict[tuple[str, int], Counted] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if (row["version"], row["bootstrap_draws"]) != (version_of(row["case"]), BOOTSTRAP_DRAWS):
            continue
        place = row["case"], row["chunk"]
        if place not in found or found[place].draws < row["draws"]:
            found[place] = Counted(row["draws"], Counter(row["events"]))
    return found


def by_case(chunks: dict[tuple[str, int], Counted]) -> dict[str, Counted]:
    """All chunks of a case together."""
    found: dict[str, Counted] = {}
    for (case, _), counted in sorted(chunks.items()):
        before = found.get(case, Counted(0, Counter()))
        found[case] = Counted(before.draws + counted.draws, before.events + counted.events)
    return found


def compute(tasks: Sequence[Task], path: Path, *, processes: int) -> None:
    """Appends a line for every chunk that is missing."""
    present = read(path)
    missing = [task for task in tasks if _draws_of(present, task) < task.draws]
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    started = time.perf_counter()
    with path.open("a", encoding="utf-8") as file:
        for number, (task, events) in enumerate(zip(missing, _run(missing, processes), strict=True), 1):
            made_as = {"version": version_of(task.case), "bootstrap_draws": BOOTSTRAP_DRAWS}
            row = {**made_as, **task._asdict(), "events": events}
            file.write(json.dumps(row, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
            print(f"{number} of {len(missing)} chunks, {time.perf_counter() - started:.0f} s: {task.case}", flush=True)


def _draws_of(present: dict[tuple[str, int], Counted], task: Task) -> int:
    counted = present.get((task.case, task.chunk))
    return counted.draws if counted else 0


def _run(tasks: Sequence[Task], processes: int) -> Iterator[Counter[str]]:
    """The tasks' counts in their order, in this process or in several."""
    if processes == 1:
        yield from map(run_task, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(run_task, tasks)
