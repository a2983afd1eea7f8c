"""Localizers: a path, a quadrature and a selection, composed."""

import importlib
from collections.abc import Callable

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError, near_matches
from harness.localizers.activation import ActivationValue
from harness.localizers.integrated_gradients import IntegratedGradients
from harness.localizers.localizer import AttributionMap, HasVariant, Localizer, Unscored
from harness.localizers.multilingual import MultilingualIntegratedGradients
from harness.localizers.random_control import RandomControl
from harness.localizers.sequential import SequentialIntegratedGradients

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
    module_name, colon, attribute = name.partition(":")
    if not colon:
        raise ConfigError(
            f"no localizer {name!r}. {near_matches(name, LOCALIZERS)} One of your own is package.module:attribute.",
            setting="localizer",
            value=name,
        )
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"no localizer {name!r}: {error}", setting="localizer", value=name) from error
    candidate = found if isinstance(found, Localizer) and not isinstance(found, type) else found()
    if not isinstance(candidate, Localizer):
        raise ConfigError(
            f"{name!r} is no localizer: it needs the members name, config() and attribute(model, queries, batch_size=)",
            setting="localizer",
            value=name,
        )
    return candidate
