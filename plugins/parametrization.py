"""Every claim in every cell of model x localizer x threshold."""

import pytest

from plugins.benchmark import BENCHMARK


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrizes the axes that a test uses.

    Each axis by a call of its own, and only the model at session scope: then pytest orders the tests so that every
    model is set up once. One call for all axes, or a second axis at session scope, makes it load models repeatedly.

    A test that reaches no fixture of ours has axes of its own, whatever their names.
    """
    if "benchmark_session" not in metafunc.fixturenames:
        return
    benchmark = metafunc.config.stash[BENCHMARK]
    models, localizers, thresholds = benchmark.models, benchmark.localizers, benchmark.request.thresholds
    if "model" in metafunc.fixturenames:
        ids = [f"model:{model.name}" for model in models]
        metafunc.parametrize("model", models, indirect=True, scope="session", ids=ids)
    if "localizer" in metafunc.fixturenames:
        metafunc.parametrize("localizer", localizers, ids=[f"localizer:{item.name}" for item in localizers])
    if "threshold" in metafunc.fixturenames:
        metafunc.parametrize("threshold", thresholds, ids=[f"threshold:{item.name}" for item in thresholds])
