"""What of one run is held against what of another: models and localizers of one name, or the single one of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.run import SavedRun

Cell = tuple[str, str]
"""A model and a localizer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A cell of one run and the cell of another that it is compared with.

    Attributes:
        before: model and localizer in the reference.
        after: model and localizer in the new run.
        model: the model's name, or both where they differ.
        localizer: the same of the localizer.
    """

    before: Cell
    after: Cell
    model: str
    localizer: str


def run_names(runs: Sequence[SavedRun]) -> list[str]:
    """The runs' folders; one that is called as another has a number behind its name."""
    names: list[str] = []
    for run in runs:
        name, number = run.folder.name, 2
        while name in names:
            name, number = f"{run.folder.name} ({number})", number + 1
        names.append(name)
    return names


def single_model(runs: Iterable[SavedRun]) -> bool:
    """Whether every run has one model, so that models are compared whatever their names."""
    return all(len(run.record.manifest.models) == 1 for run in runs)


def paired_cells(before: Sequence[Cell], after: Sequence[Cell]) -> list[Pair]:
    """The cells that both runs have.

    Args:
        before: model and localizer of those of the reference.
        after: of those of the new run.
    """
    models, localizers = ([_each(cells, part) for cells in (before, after)] for part in (0, 1))
    pairs = [
        Pair(before=(one, first), after=(other, second), model=joined(one, other), localizer=joined(first, second))
        for one, other in _alike(*models)
        for first, second in _alike(*localizers)
    ]
    return [pair for pair in pairs if pair.before in before and pair.after in after]


def joined(before: str, after: str) -> str:
    """One name, or both with an arrow between them."""
    return before if before == after else f"{before} -> {after}"


def _each(cells: Sequence[Cell], part: int) -> list[str]:
    return list(dict.fromkeys(cell[part] for cell in cells))


def _alike(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    return [(name, name) for name in before if name in after]
