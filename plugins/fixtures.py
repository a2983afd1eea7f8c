"""Fixtures of the benchmark; `localizer` and `threshold` come from `plugins.parametrization` alone."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from harness.records import ClaimRow
from plugins.benchmark import BENCHMARK, Benchmark
from plugins.run_log import attach_row
from plugins.verdicts import conclude

if TYPE_CHECKING:  # These import torch or scipy, which only the benchmark itself should cost.
    from harness.claims import Claim, MeasuredClaim
    from harness.localizers import Localizer
    from harness.models.handle import ModelHandle


@pytest.fixture(scope="session")
def benchmark_session(pytestconfig: pytest.Config) -> Benchmark:
    """The session's options, models and workspace."""
    return pytestconfig.stash[BENCHMARK]


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest, benchmark_session: Benchmark) -> "Iterator[ModelHandle]":
    """One model; its weights are gone before the next one's are read."""
    handle: ModelHandle = request.param
    yield handle
    handle.release()
    benchmark_session.backend.free_memory()


class Judge:
    """Decides a claim in the test's cell; the verdict becomes the test's outcome."""

    def __init__(
        self,
        benchmark: Benchmark,
        item: pytest.Item,
        model: "ModelHandle",
        localizer: "Localizer",
    ) -> None:
        self._benchmark = benchmark
        self._item = item
        self._model = model
        self._localizer = localizer

    def __call__(
        self, claim_type: "Callable[..., Claim | MeasuredClaim] | Claim | MeasuredClaim", **choices: Any
    ) -> None:
        """Decides the claim and ends the test if the verdict does not pass.

        Args:
            claim_type: makes the claim; its procedure and margin come from the options. Or a claim, as it is.
            choices: what the claim takes besides, such as the test's threshold.

        Raises:
            HarnessError: the claim cannot be decided.
        """
        claim = self._benchmark.build(claim_type, **choices)
        threshold = choices.get("threshold")
        name = None if threshold is None else threshold.name
        finish(self._item, self._benchmark, self._benchmark.workspace.judge(claim, self._model, self._localizer, name))


def finish(item: pytest.Item, benchmark: Benchmark, row: ClaimRow) -> None:
    """Hands the row to the test's report and ends the test as the verdict demands."""
    attach_row(item, row)
    conclude(row, benchmark.request.fail_on)


@pytest.fixture
def judge(
    request: pytest.FixtureRequest, benchmark_session: Benchmark, model: "ModelHandle", localizer: "Localizer"
) -> Judge:
    """Call it with a claim."""
    return Judge(benchmark_session, request.node, model, localizer)
