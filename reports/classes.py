"""K_I and K_II of single facts: CS2 over all of a fact's queries, cut where the paper's own statistic cuts."""

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from harness.records import RunRecord

CLASS_NOTE: Final = (
    "The class of a fact here is that of its CS2 over all its queries, as the paper cuts it. Claims are decided on the"
    " mean over subsets of four queries, where Otsu's cut lies elsewhere."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where a threshold cuts the CS2 of a model and localizer.

    Attributes:
        threshold: id of the threshold.
        value: facts at or below it are inconsistent.
    """

    threshold: str
    value: float


def cuts_of(record: RunRecord, model: str, localizer: str) -> list[Cut]:
    """The cuts of CS2 over all queries that the claims of a cell found, in the record's order."""
    found: dict[str, float] = {}
    for row in record.claims:
        paper = row.extras.get("paper")
        printed = cast(dict[str, Any], paper).get("cut") if isinstance(paper, dict) else None
        if (row.model, row.localizer) == (model, localizer) and row.threshold and isinstance(printed, (int, float)):
            found.setdefault(row.threshold, float(printed))
    return [Cut(threshold=threshold, value=value) for threshold, value in found.items()]


def classes(cs2: np.ndarray, cut: Cut) -> str:
    """A letter a fact: `1` for K_I, `2` for K_II, `-` for a fact without a score."""
    letters = np.where(np.isnan(cs2), "-", np.where(cs2 > cut.value, "1", "2"))
    return "".join(letters.tolist())
