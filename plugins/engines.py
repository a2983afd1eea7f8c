"""Whether the engine that is asked for can be used in this session; told before anything is computed."""

import pytest

from harness.errors import ConfigError
from harness.execution.engines import check_ray
from plugins.benchmark import BENCHMARK
from plugins.run_log import run_log


def check_engine(config: pytest.Config) -> None:
    """Checks what a session of the benchmark asks for.

    Raises:
        pytest.UsageError: ray is not installed, or several processes would each hand out work.
        pytest.Collector.CollectError: the same, if pytest came upon the benchmark only while collecting.
    """
    if config.stash[BENCHMARK].request.engine != "ray":
        return
    kind = pytest.Collector.CollectError if run_log(config).collecting else pytest.UsageError
    if hasattr(config, "workerinput") or config.getoption("tx", default=None):
        raise kind("--engine ray starts processes of its own; leave out -n")
    try:
        check_ray()
    except ConfigError as error:
        raise kind(str(error)) from None
