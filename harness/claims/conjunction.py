"""Claims of the form "in every cell": one row a model, made of the rows of its cells.

An intersection-union test: every cell is tested at its own level, none is adjusted, and the claim holds only if it
holds in the worst cell.
"""

import math
from collections.abc import Sequence
from typing import Final

from harness.claims.verdict import Verdict
from harness.errors import ConfigError
from harness.records import ClaimRow

WORST_FIRST: Final = (
    Verdict.REFUTED,
    Verdict.VOID,
    Verdict.INCONCLUSIVE,
    Verdict.NOT_APPLICABLE,
    Verdict.SUPPORTED,
)
"""One cell in which the claim fails refutes it, whatever the others say."""


def in_every_cell(rows: Sequence[ClaimRow]) -> ClaimRow:
    """The row that says whether a claim holds in all cells of a model: the worst cell's numbers and verdict.

    Among cells of the same verdict the one with the lowest interval is the worst. The p-value of "it fails in some
    cell" is the largest of theirs, and does not exist where one of them does not; where a model carries verdicts of all
    cells, it is expected to show the worst of them.

    Args:
        rows: of one claim on one model, one a localizer and threshold.

    Raises:
        ConfigError: there is no row, or they are of several claims or models.
    """
    if len({(row.claim, row.model) for row in rows}) != 1:
        raise ConfigError("a conjunction takes rows of one claim on one model", setting="rows", value=rows)
    worst = min(rows, key=_badness)
    p_values = [row.p_value for row in rows]
    expected = [row.expected for row in rows]
    counts = {word: sum(row.verdict == word for row in rows) for word in WORST_FIRST}
    shown = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    return ClaimRow(
        claim=f"{worst.claim}_everywhere",
        statement=f"In every cell: {worst.statement}",
        marker=worst.marker,
        model=worst.model,
        localizer="+".join(sorted({row.localizer for row in rows})),
        threshold=None,
        verdict=worst.verdict,
        reason=f"{shown} of {len(rows)} cells; the worst is {_cell(worst)}. {worst.reason}",
        expected=None if None in expected else next(str(word) for word in WORST_FIRST if word in expected),
        estimate=worst.estimate,
        ci_low=worst.ci_low,
        ci_high=worst.ci_high,
        margin=worst.margin,
        p_value=None if None in p_values else max(p for p in p_values if p is not None),
        n_facts=worst.n_facts,
        n_queries=worst.n_queries,
        n_relations=worst.n_relations,
        n_unscored=worst.n_unscored,
        extras={"worst": _cell(worst), "cells": {_cell(row): row.verdict for row in rows}},
    )


def _badness(row: ClaimRow) -> tuple[int, float]:
    return WORST_FIRST.index(Verdict(row.verdict)), math.inf if row.ci_low is None else row.ci_low


def _cell(row: ClaimRow) -> str:
    return f"{row.localizer} {row.threshold or ''}".rstrip()
