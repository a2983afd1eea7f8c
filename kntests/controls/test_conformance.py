"""The conformance kit: what every localizer, built in or one's own, has to keep to on this session's models."""

import pytest

from harness.execution.plan import make_plan
from harness.localizers import Localizer
from harness.localizers.conformance import CHECKS, Trial
from harness.models.handle import ModelHandle
from harness.models.queries import EncodedQuery
from plugins.benchmark import Benchmark

QUERIES = 6


@pytest.fixture(scope="session")
def queries(model: ModelHandle, benchmark_session: Benchmark) -> list[EncodedQuery]:
    """A few of the session's queries: the shortest, the longest, and some between."""
    dataset = benchmark_session.workspace.dataset(model)
    few = dataset.sample(1, benchmark_session.request.seed)
    plan = make_plan(few.queries(), model.tokenizer, context_length=model.context_length)
    if not plan.requests:
        pytest.skip(f"no query of {dataset.name} can be put to {model.name}: {plan.unscored}")
    ordered = sorted((r.encoded for r in plan.requests), key=lambda query: (len(query.prompt_ids), query.key))
    step = max(1, (len(ordered) - 1) // (QUERIES - 1))
    return ordered[::step][: QUERIES - 1] + ordered[-1:]


@pytest.mark.controls
@pytest.mark.parametrize("check", CHECKS)
def test_localizer_conforms(check: str, model: ModelHandle, localizer: Localizer, queries: list[EncodedQuery]) -> None:
    """Scores are finite and depend on the query alone, and the model is left as it was."""
    complaint = CHECKS[check](Trial(localizer=localizer, model=model.loaded(), queries=queries))
    if complaint is not None:
        pytest.fail(f"{localizer.name} on {model.name}: {complaint}", pytrace=False)
