"""Replication is tested only where the paper printed something."""

import pytest

from plugins.printed import why_not_the_papers_facts

TEST = """
import pytest

@pytest.mark.statistical
def test_printed(model, localizer, threshold, printed):
    assert printed.r_inconsistent > 0
"""
CONFTEST = """
from plugins.benchmark import activate
from plugins.fixtures import benchmark_session, judge, model
from plugins.parametrization import pytest_generate_tests
from plugins.printed import obstacle, printed, pytest_collection_modifyitems
from tests.plugins.fakes import FakeBackend

def pytest_configure(config):
    activate(config, FakeBackend())
"""


@pytest.fixture
def printed_bench(bench):
    bench.write("kntests/conftest.py", CONFTEST)
    bench.write("kntests/test_claims.py", TEST)
    return bench


def test_other_models_have_no_such_test(printed_bench):
    assert printed_bench.run("--model=tiny-gpt2").parseoutcomes() == {"deselected": 2}


def test_the_papers_models_have_one_a_printed_cell(printed_bench):
    result = printed_bench.run("--model=gpt2", "--model=tiny-gpt2", "--threshold=static:0.1,otsu,static:0.2")
    assert result.parseoutcomes() == {"passed": 2, "deselected": 4}


class Asked:
    data = None
    relations = ()
    limit = None
    known_only = False


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"data": "./my-facts"}, "--data"),
        ({"relations": ("P36",)}, "--relations"),
        ({"limit": 3}, "--limit"),
        ({"known_only": True}, "--facts"),
    ],
)
def test_other_facts_than_all_of_pararel_are_an_obstacle(change, named):
    asked = Asked()
    assert why_not_the_papers_facts(asked) is None
    for name, value in change.items():
        setattr(asked, name, value)
    assert f"leave out {named}" in why_not_the_papers_facts(asked)
