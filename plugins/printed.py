"""Where the paper printed a number: only there is a test whether it comes out again."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from plugins.benchmark import Benchmark
from plugins.settings import Request
from reports.paper import PaperCell, printed_cell

if TYPE_CHECKING:  # These import torch or scipy, which only the benchmark itself should cost.
    from harness.consistency import Threshold
    from harness.localizers import Localizer
    from harness.models.handle import ModelHandle


@pytest.fixture
def printed(model: "ModelHandle", localizer: "Localizer", threshold: "Threshold") -> PaperCell:
    """The paper's row for the test's cell; tests of other cells are deselected."""
    cell = model.alias and printed_cell(model.alias, localizer.name, threshold.name)
    assert cell, "a cell that the paper did not print was not deselected"
    return cell


@pytest.fixture
def obstacle(benchmark_session: Benchmark) -> str | None:
    """Why this session's facts are not the paper's, with what to do; None if they are."""
    return why_not_the_papers_facts(benchmark_session.request)


def why_not_the_papers_facts(request: Request) -> str | None:
    """The options by which a session asks for other facts than all of ParaRel's; None if there is none."""
    others = {
        "--data": request.data not in (None, "pararel"),
        "--relations": bool(request.relations),
        "--limit": request.limit is not None,
        "--facts": request.known_only,
    }
    given = [name for name, other in others.items() if other]
    if not given:
        return None
    return f"The paper's numbers are of all facts of ParaRel; leave out {' and '.join(given)} to compare with them."


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects replications in cells that the paper did not print."""
    empty = [item for item in items if _is_empty(item)]
    if empty:
        dropped = set(empty)
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=empty)


def _is_empty(item: pytest.Item) -> bool:
    """Whether the test asks for a printed cell and there is none."""
    if "printed" not in getattr(item, "fixturenames", ()):
        return False
    cell = cast(dict[str, Any], getattr(item, "callspec").params)  # noqa: B009
    alias = cell["model"].alias
    return alias is None or printed_cell(alias, cell["localizer"].name, cell["threshold"].name) is None
