"""What weights of low precision change: a sample of queries localized again in float32."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from harness.consistency import StaticThreshold
from harness.errors import HarnessError
from harness.models.placement import free_memory
from harness.pipeline.cell import Cell
from harness.pipeline.sample import compare, sample_of

LOW = ("bfloat16", "float16")
"""Dtypes of which a run says how far its knowledge neurons are those of `FULL`."""

FULL = "float32"


def compare_precision(
    cells: Sequence[Cell], *, queries: int
) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, int]]:
    """Localizes a sample of each model's queries again in float32, under all its localizers on one load.

    The weights of low precision are dropped first, so both are never in memory together. What fails, such as memory
    that is too small for float32, takes nothing from the run: it is the reason why there is no comparison.

    Args:
        cells: models under localizers, whose localizations are in the store; those that are not of low precision are
            left out.
        queries: size of the sample.

    Returns:
        builtins by model and localizer, and how often each model was loaded in float32.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    loads: dict[str, int] = {}
    for model in dict.fromkeys(cell.model for cell in cells if cell.model.dtype in LOW):
        model.release()
        free_memory()
        exact = model.in_dtype(FULL)
        found[model.name] = {
            cell.localizer.name: _compared_or_why_not(cell, replace(cell, model=exact), queries)
            for cell in cells
            if cell.model is model
        }
        loads[model.name] = exact.n_loads
        exact.release()
        free_memory()
    return found, loads


def _compared_or_why_not(cell: Cell, exact: Cell, queries: int) -> dict[str, Any]:
    try:
        return _compared(cell, exact, queries)
    except (HarnessError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        return {"reason": str(error) or "memory is too small"}


def _compared(cell: Cell, exact: Cell, queries: int) -> dict[str, Any]:
    """The comparison under one localizer."""
    localized = cell.localized(stored=True)
    sample = sample_of(localized.plan, queries, seed=cell.settings.seed)
    rows = cell.rows(sample.plan, label=None)
    reference = exact.rows(sample.plan, label=f"{cell.label} in {FULL}")
    threshold = StaticThreshold()
    low, full = (compare(sample, found, reference, threshold) for found in (rows, reference))
    return {
        "compared_with": FULL,
        **asdict(low.overlap),
        "threshold": threshold.name,
        **{
            name: {cell.model.dtype: getattr(low, name), FULL: getattr(full, name)}
            for name in ("n_facts", "mean_cs2", "share_inconsistent")
        },
    }
