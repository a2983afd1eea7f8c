"""Localizers: a path, a quadrature and a selection, composed."""

import inspect
from collections.abc import Callable
from typing import cast

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError, near_matches
from harness.localizers.activation import ActivationValue
from harness.localizers.answer import check_answer
from harness.localizers.integrated_gradients import IntegratedGradients
from harness.localizers.localizer import AttributionMap, HasVariant, Localizer, Unscored
from harness.localizers.multilingual import MultilingualIntegratedGradients
from harness.localizers.random_control import RandomControl
from harness.localizers.sequential import SequentialIntegratedGradients
from harness.own_code import import_own

__all__ = ["LOCALIZERS", "AttributionMap", "HasVariant", "Localizer", "Unscored", "make_localizer"]

LOCALIZERS: dict[str, Callable[[Quadrature, str], Localizer]] = {
    "ig": lambda quadrature, answer: IntegratedGradients(quadrature=quadrature, answer=answer),
    "sig": lambda quadrature, answer: SequentialIntegratedGradients(quadrature=quadrature, answer=answer),
    "amig": lambda quadrature, answer: MultilingualIntegratedGradients(quadrature=quadrature, answer=answer),
    "amig-paper": lambda quadrature, answer: MultilingualIntegratedGradients(
        quadrature=quadrature, answer=answer, reading="paper"
    ),
    "activation": lambda _quadrature, _answer: ActivationValue(),
    "random": lambda quadrature, answer: RandomControl(of=IntegratedGradients(quadrature=quadrature, answer=answer)),
}


def make_localizer(name: str, *, quadrature: Quadrature, answer: str = "first") -> Localizer:
    """A built-in localizer, or one found as `package.module:attribute`.

    The attribute is a localizer, or something that gives one when it is called without arguments; with
    `answer="joint"` where the joint probability is asked for and it takes that argument.

    Args:
        name: which one.
        quadrature: of the built-in path integrals.
        answer: which answer tokens count: one of `harness.localizers.answer.ANSWERS`.

    Raises:
        ConfigError: nothing has that name, or what has it is no localizer, or it cannot count the answer so.
    """
    check_answer(answer)
    if name in LOCALIZERS:
        return LOCALIZERS[name](quadrature, answer)
    if ":" not in name:
        raise ConfigError(
            f"no localizer {name!r}. {near_matches(name, LOCALIZERS)} One of your own is package.module:attribute.",
            setting="localizer",
            value=name,
        )
    found = import_own(name, setting="localizer")
    is_one = isinstance(found, Localizer) and not isinstance(found, type)
    candidate = found if is_one else _called(found, name, answer)
    missing = [member for member in ("name", "config", "attribute") if not hasattr(candidate, member)]
    if missing:
        raise ConfigError(
            f"{name!r} is no localizer: {type(candidate).__name__} has no {', '.join(missing)}. It needs the members"
            " name, config() and attribute(model, queries, *, batch_size); see docs/own-localizers.md",
            setting="localizer",
            value=name,
        )
    if answer != "first" and getattr(candidate, "answer", "first") != answer:
        raise ConfigError(
            f"--answer {answer} was asked for, but {name!r} does not take it: a localizer of your own that does has an"
            f" attribute `answer` that is then {answer!r}; see docs/own-localizers.md. Or leave --answer out",
            setting="answer",
            value=answer,
        )
    return cast(Localizer, candidate)


def _called(found: object, name: str, answer: str) -> object:
    """What a class or function gives when it is called without arguments, or with an answer that is not the first."""
    if not callable(found):
        return found
    try:
        return found(answer=answer) if answer != "first" and _takes_answer(found) else found()
    except Exception as error:  # whatever it does
        raise ConfigError(
            f"--localizer {name!r} failed when it was called without arguments: {type(error).__name__}: {error}",
            setting="localizer",
            value=name,
        ) from error


def _takes_answer(found: Callable[..., object]) -> bool:
    """Whether it can be called with `answer`."""
    try:
        return "answer" in inspect.signature(found).parameters
    except (TypeError, ValueError):  # something without a signature
        return False
