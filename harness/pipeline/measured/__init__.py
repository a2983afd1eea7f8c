"""Interventions and edits on what was localized: one file a kind of measurement, stored and resumable."""

from collections.abc import Mapping
from typing import Final

from harness.pipeline.measured import attention, attention_figures
from harness.pipeline.measured.mapping import MAPPING
from harness.pipeline.measured.measurement import Classes, Measured, Measurement, per_fact, sampled_facts

__all__ = ["MEASUREMENTS", "Classes", "Measured", "Measurement", "per_fact", "sampled_facts"]

MEASUREMENTS: Final[Mapping[str, Measurement]] = {
    "mapping": MAPPING,
    "attention": Measurement(
        markers=("attention",),
        file="measured/attention.csv",
        measure=attention.measure,
        figures=attention_figures.figures,
    ),
}
"""Every kind, by the name that `MeasuredClaim.reads` gives it."""
