"""Fixtures for claims that span localizers, models or cells; the ids of their tests name the axes not spanned."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from plugins.benchmark import Benchmark
from plugins.fixtures import finish

if TYPE_CHECKING:  # These import torch or scipy, which only the benchmark itself should cost.
    from harness.claims import Claim, JointClaim
    from harness.consistency import Threshold
    from harness.localizers import Localizer
    from harness.models.handle import ModelHandle

JudgeJointly: TypeAlias = "Callable[[Callable[..., JointClaim]], None]"
"""Takes what makes the claim; its procedure, margin and threshold come from the session and the test."""

JudgeEverywhere: TypeAlias = "Callable[[Callable[..., Claim]], None]"
"""The same for a claim about one cell, which is decided in all of them."""


@pytest.fixture
def judge_localizers(
    request: pytest.FixtureRequest, benchmark_session: Benchmark, model: "ModelHandle", threshold: "Threshold"
) -> "JudgeJointly":
    """Decides a claim about all localizers of the session on one model."""

    def judge(claim_type: "Callable[..., JointClaim]") -> None:
        claim = benchmark_session.build(claim_type, threshold=threshold)
        localizers = benchmark_session.localizers
        row = benchmark_session.workspace.judge_localizers(claim, model, localizers, threshold.name)
        finish(request.node, benchmark_session, row)

    return judge


@pytest.fixture
def judge_models(
    request: pytest.FixtureRequest, benchmark_session: Benchmark, localizer: "Localizer", threshold: "Threshold"
) -> "JudgeJointly":
    """Decides a claim about all models of the session under one localizer."""

    def judge(claim_type: "Callable[..., JointClaim]") -> None:
        claim = benchmark_session.build(claim_type, threshold=threshold)
        models = benchmark_session.models
        row = benchmark_session.workspace.judge_models(claim, models, localizer, threshold.name)
        finish(request.node, benchmark_session, row)
        benchmark_session.backend.free_memory()

    return judge


@pytest.fixture
def judge_everywhere(
    request: pytest.FixtureRequest, benchmark_session: Benchmark, model: "ModelHandle"
) -> "JudgeEverywhere":
    """Decides whether a claim holds under every localizer and threshold of the session."""

    def judge(claim_type: "Callable[..., Any]") -> None:
        thresholds = benchmark_session.request.thresholds
        claims = {each.name: benchmark_session.build(claim_type, threshold=each) for each in thresholds}
        row = benchmark_session.workspace.judge_everywhere(claims, model, benchmark_session.localizers)
        finish(request.node, benchmark_session, row)

    return judge
