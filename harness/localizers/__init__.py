"""Localizers: a path, a quadrature and a selection, composed."""

from collections.abc import Callable
from typing import cast

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError, near_matches
from harness.localizers.activation import ActivationValue
from harness.localizers.integrated_gradients import IntegratedGradients
from harness.localizers.localizer import AttributionMap, HasVariant, Localizer, Unscored
from harness.localizers.multilingual import MultilingualIntegratedGradients
from harness.localizers.random_control import RandomControl
from harness.localizers.sequential import SequentialIntegratedGradients
from harness.own_code import import_own

__all__ = ["LOCALIZERS", "AttributionMap", "HasVariant", "Localizer", "Unscored", "make_localizer"]

LOCALIZERS: dict[str, Callable[[Quadrature], Localizer]] = {
    "ig": lambda quadrature: IntegratedGradients(quadrature=quadrature),
    "sig": lambda quadrature: SequentialIntegratedGradients(quadrature=quadrature),
    "amig": lambda quadrature: MultilingualIntegratedGradients(quadrature=quadrature),
    "amig-paper": lambda quadrature: MultilingualIntegratedGradients(quadrature=quadrature, reading="paper"),
    "activation": lambda _quadrature: ActivationValue(),
    "random": lambda quadrature: RandomControl(of=IntegratedGradients(quadrature=quadrature)),
}


def make_localizer(name: str, *, quadrature: Quadrature) -> Localizer:
    """A built-in localizer, or one found as `package.module:attribute`.

    The attribute is a localizer, or something that gives one when it is called without arguments.

    Raises:
        ConfigError: nothing has that name, or what has it is no localizer.
    """
    if name in LOCALIZERS:
        return LOCALIZERS[name](quadrature)
    if ":" not in name:
        raise ConfigError(
            f"no localizer {name!r}. {near_matches(name, LOCALIZERS)} One of your own is package.module:attribute.",
            setting="localizer",
            value=name,
        )
    found = import_own(name, setting="localizer")
    candidate = found if isinstance(found, Localizer) and not isinstance(found, type) else _called(found, name)
    missing = [member for member in ("name", "config", "attribute") if not hasattr(candidate, member)]
    if missing:
        raise ConfigError(
            f"{name!r} is no localizer: {type(candidate).__name__} has no {', '.join(missing)}. It needs the members"
            " name, config() and attribute(model, queries, *, batch_size); see docs/own-localizers.md",
            setting="localizer",
            value=name,
        )
    return cast(Localizer, candidate)


def _called(found: object, name: str) -> object:
    """What a class or function gives when it is called without arguments."""
    if not callable(found):
        return found
    try:
        return found()
    except Exception as error:  # whatever it does
        raise ConfigError(
            f"--localizer {name!r} failed when it was called without arguments: {type(error).__name__}: {error}",
            setting="localizer",
            value=name,
        ) from error
