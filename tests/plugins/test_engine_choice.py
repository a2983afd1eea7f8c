"""--engine ray: mistakes end the session before anything is computed."""

import pytest

from harness.errors import ConfigError
from plugins import engines
from plugins.benchmark import BENCHMARK


class Asked:
    """A benchmark whose session was asked for an engine."""

    def __init__(self, engine: str) -> None:
        self.request = self
        self.engine = engine


def checked(bench, engine: str, **options: object) -> None:
    config = bench.pytester.parseconfig()
    config.stash[BENCHMARK] = Asked(engine)
    for name, value in options.items():
        setattr(config.option, name, value)
    engines.check_engine(config)


def missing() -> None:
    raise ConfigError("--engine ray needs the package ray: pip install -e '.[ray]'", setting="engine", value="ray")


def test_ray_has_to_be_installed(bench, monkeypatch):
    monkeypatch.setattr(engines, "check_ray", missing)
    with pytest.raises(pytest.UsageError, match=r"pip install -e '\.\[ray\]'"):
        checked(bench, "ray")
    checked(bench, "local")


def test_ray_and_xdist_do_not_both_start_processes(bench, monkeypatch):
    monkeypatch.setattr(engines, "check_ray", lambda: None)
    with pytest.raises(pytest.UsageError, match="leave out -n"):
        checked(bench, "ray", tx=["popen", "popen"])
    checked(bench, "ray")
    checked(bench, "local", tx=["popen", "popen"])
