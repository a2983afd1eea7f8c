"""Tables 2 and 3 of the paper as data."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from harness.errors import RecordError

METRICS: Final = ("reliability", "generalization", "locality", "average", "perplexity_change")
"""What is printed of every set of edits, in the order of the columns."""

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperEdits:
    """The edits of one kind, of one class of facts, through one set of neurons, on one model.

    Attributes:
        model: alias, as `--model` takes it.
        kind: `erase` or `update`.
        neurons: `local` is N_i, `global` N_g, `cas` the consistency-aware neurons ("Ours").
        facts: `consistent` (K_I) or `inconsistent` (K_II).
        printed: by metric.
        average: the mean of the first three metrics as printed, computed again.
        notes: where the printed numbers contradict each other.
    """

    model: str
    kind: str
    neurons: str
    facts: str
    printed: dict[str, float]
    average: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperEditTable:
    """Table 2 or 3.

    Attributes:
        source: where it is printed.
        cells: row by row.
        notes: what holds for the table as a whole.
    """

    source: str
    cells: tuple[PaperEdits, ...]
    notes: tuple[str, ...]

    def cell(self, model: str, kind: str, neurons: str, facts: str) -> PaperEdits | None:
        """What is printed for these edits; None if nothing."""
        asked = (model, kind, neurons, facts)
        found = [cell for cell in self.cells if (cell.model, cell.kind, cell.neurons, cell.facts) == asked]
        return found[0] if found else None


@cache
def load_edit_table(number: int) -> PaperEditTable:
    """Table 2 or 3.

    Raises:
        RecordError: the file that holds it does not say what it should.
    """
    file = _FOLDER / f"table{number}.json"
    try:
        data = cast(dict[str, Any], json.loads(file.read_text(encoding="utf-8")))
        cells = tuple(_cell(row) for row in data["cells"])
        return PaperEditTable(source=data["source"], cells=cells, notes=tuple(data["notes"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{file.name} cannot be read: {error!r}", field=file.name) from error


def _cell(row: dict[str, Any]) -> PaperEdits:
    return PaperEdits(
        model=row["model"],
        kind=row["kind"],
        neurons=row["neurons"],
        facts=row["facts"],
        printed={metric: float(row["printed"][metric]) for metric in METRICS},
        average=row["recomputed"]["average"],
        notes=tuple(row["notes"]),
    )
