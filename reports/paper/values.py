"""Tables 1 and 4 of the paper as data."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from harness.errors import RecordError

_FILE: Final = Path(__file__).with_name("table1.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperCell:
    """A model under a localizer and a threshold.

    Attributes:
        model: alias, as `--model` takes it.
        localizer: built-in localizer that stands for the paper's method.
        threshold: as `--threshold` takes it.
        r_consistent: R:I, the share of K_I, as printed.
        s_consistent: S:I, their mean CS2.
        r_inconsistent: R:II, the share of K_II.
        s_inconsistent: S:II, their mean CS2.
        welch_t: t, None where none is printed.
        cut: the threshold in Table 4.
        recomputed: `r_inconsistent` as 1 - R:I, and `mean_cs2` of all facts from both classes.
        notes: where the printed numbers contradict each other.
    """

    model: str
    localizer: str
    threshold: str
    r_consistent: float
    s_consistent: float
    r_inconsistent: float
    s_inconsistent: float
    welch_t: float | None
    cut: float
    recomputed: dict[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperUnanimity:
    """The share of facts that all three localizers call K_II.

    Attributes:
        model: alias.
        threshold: as `--threshold` takes it.
        printed: the column with the intersection sign.
        by_chance: the product of the three shares, what independent localizers would agree on.
        notes: where the printed numbers contradict what the text says of them.
    """

    model: str
    threshold: str
    printed: float
    by_chance: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTable1:
    """Table 1 with the cuts of Table 4.

    Attributes:
        source: where it is printed.
        localizers: built-in localizer -> the method that it stands for, as the paper names it.
        models: alias -> model, as the paper names it.
        cells: by model, threshold and localizer.
        unanimous: by model and threshold.
        notes: what holds for the table as a whole.
    """

    source: str
    localizers: dict[str, str]
    models: dict[str, str]
    cells: tuple[PaperCell, ...]
    unanimous: tuple[PaperUnanimity, ...]
    notes: tuple[str, ...]


@cache
def load_table1() -> PaperTable1:
    """The table.

    Raises:
        RecordError: the file that holds it does not say what it should.
    """
    try:
        data = cast(dict[str, Any], json.loads(_FILE.read_text(encoding="utf-8")))
        return PaperTable1(
            source=data["source"],
            localizers=dict(data["localizers"]),
            models=dict(data["models"]),
            cells=tuple(_cell(row) for row in data["cells"]),
            unanimous=tuple(_unanimous(row) for row in data["unanimous"]),
            notes=tuple(data["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{_FILE.name} cannot be read: {error!r}", field=_FILE.name) from error


def localizer_title(name: str) -> str:
    """The localizer's name behind that of the paper's method, if it stands for one."""
    method = load_table1().localizers.get(name)
    return name if method is None else f"{method.partition(' [')[0]} ({name})"


def printed_cell(model: str, localizer: str, threshold: str) -> PaperCell | None:
    """What the paper printed for this cell; None if nothing."""
    asked = (model, localizer, threshold)
    found = [cell for cell in load_table1().cells if (cell.model, cell.localizer, cell.threshold) == asked]
    return found[0] if found else None


def printed_unanimity(model: str, threshold: str) -> PaperUnanimity | None:
    """The share of facts that the paper's localizers all call K_II; None if none is printed."""
    asked = (model, threshold)
    found = [row for row in load_table1().unanimous if (row.model, row.threshold) == asked]
    return found[0] if found else None


def _cell(row: dict[str, Any]) -> PaperCell:
    return PaperCell(
        model=row["model"],
        localizer=row["localizer"],
        threshold=row["threshold"],
        recomputed=dict(row["recomputed"]),
        notes=tuple(row["notes"]),
        **row["printed"],
    )


def _unanimous(row: dict[str, Any]) -> PaperUnanimity:
    return PaperUnanimity(
        model=row["model"],
        threshold=row["threshold"],
        printed=row["printed"],
        by_chance=row["recomputed"]["by_chance"],
        notes=tuple(row["notes"]),
    )
