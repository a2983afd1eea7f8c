"""Where the knowledge neurons are known by construction, a localizer has to find them, and nothing else."""

import pytest

from harness.localizers import Localizer
from harness.models.handle import ModelHandle
from harness.pipeline.planted import agreement
from plugins.benchmark import Benchmark

LEAST = 0.95
"""Precision and recall that a localizer needs: the planted models are built without noise."""


@pytest.mark.controls
def test_localizer_finds_the_planted_neurons(
    model: ModelHandle, localizer: Localizer, benchmark_session: Benchmark
) -> None:
    """The neurons that were planted are found, query by query."""
    if model.world is None:
        pytest.skip(f"nobody knows where {model.name} holds its facts; only planted models say")
    workspace = benchmark_session.workspace
    found = agreement(workspace.evidence(model, localizer), workspace.dataset(model), model.world)
    if min(found.precision, found.recall) < LEAST:
        pytest.fail(
            f"control of planted neurons: of what {localizer.name} finds in {model.name}, {found.precision:.1%} was"
            f" planted there, and of what was planted it finds {found.recall:.1%}; {LEAST:.0%} are needed. The model is"
            " right by construction, so the localizer or what reads it is wrong, and its verdicts mean nothing.",
            pytrace=False,
        )
