"""Joins the session to the harness; whoever registers this module imports torch."""

import os

import pytest

from harness.models.placement import share_cores
from plugins.backend import HarnessBackend
from plugins.benchmark import BENCHMARK, activate
from plugins.engines import check_engine
from plugins.fixtures import benchmark_session, judge, model
from plugins.gpus import Lender, take_gpu
from plugins.joint import judge_everywhere, judge_localizers, judge_models
from plugins.parametrization import pytest_generate_tests
from plugins.printed import obstacle, printed, pytest_collection_modifyitems

__all__ = [
    "benchmark_session",
    "judge",
    "judge_everywhere",
    "judge_localizers",
    "judge_models",
    "model",
    "obstacle",
    "printed",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
]


def pytest_configure(config: pytest.Config) -> None:
    """Reads the options and resolves models and localizers, so that a mistake is told before anything is computed."""
    take_gpu(config)
    activate(config, HarnessBackend())
    check_engine(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Lender(config), "kntests-gpus")
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:  # of which so many have something to compute as there are models
        share_cores(min(workers, len(config.stash[BENCHMARK].models)))
