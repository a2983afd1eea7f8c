"""The engines by name."""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError
from harness.execution.engine import Engine
from harness.execution.local import InProcess
from harness.execution.worker import LocalizerSpec, Specs


def make_engine(
    name: str,
    *,
    localizers: Sequence[str],
    quadrature: Quadrature,
    answer: str,
    adapter: str | None,
    address: str,
    actors: int | None,
) -> Engine:
    """The engine called `name`; connects to nothing yet.

    Args:
        name: `local` or `ray`.
        localizers: the session's, as `--localizer` names them.
        quadrature: of the built-in ones.
        answer: which answer tokens they count.
        adapter: package.module:attribute of a family's row; None for none.
        address: of the Ray cluster.
        actors: processes on Ray; None for one a GPU or share of the cores.

    Raises:
        ConfigError: it needs a package that is not installed.
    """
    if name == "local":
        return InProcess()
    check_ray()
    specs = [LocalizerSpec(name=n, rule=quadrature.rule, steps=quadrature.steps, answer=answer) for n in localizers]
    on_ray: Any = importlib.import_module("harness.execution.on_ray")
    return on_ray.RayEngine(Specs(specs), adapter=adapter, address=address, actors=actors)


def check_ray() -> None:
    """Raises ConfigError unless ray is installed."""
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("--engine ray needs the package ray: pip install -e '.[ray]'", setting="engine", value="ray")
