"""What scaling synapses changes in numbers: knowledge neurons, how they stand out, and the answer (numpy only).

All changes are counted as the paper's +- does: decreases where synapses are suppressed, increases where they are
enhanced, so that a change in the claimed direction is positive.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Float, Int

DIRECTION: Final[Mapping[str, int]] = {"suppress": -1, "enhance": 1}
"""Sign of a change in the claimed direction."""

QUANTITIES: Final = ("value", "value_mean", "log_p", "prob", "contrast")
"""What is measured of every set under every factor; see `changes`."""

CANCELLED: Final = 0.1
"""The mean activation of knowledge neurons is no denominator below this share of their mean absolute activation."""

LEAST_PROBABILITY: Final = 1e-8
"""Lowest answer probability that a relative change is taken of."""

_ALIKE: Final = 1e-9
"""Neurons whose |activation| differs by less, relative to the largest, are all alike but for rounding."""


def contrast(neurons: Float[np.ndarray, "items neurons"], own: Int[np.ndarray, " kn"]) -> Float[np.ndarray, " items"]:
    """How far knowledge neurons stand out: mean |activation| of them less that of all others, in the others' sigma.

    Args:
        neurons: activations at the last query token, all layers in one row.
        own: the query's knowledge neurons.

    Returns:
        nan where the others are all alike, or there are none.
    """
    size = np.abs(neurons, dtype=np.float64)
    others = np.delete(size, own, axis=1)
    if others.shape[1] == 0:
        return np.full(len(neurons), np.nan)
    spread = others.std(axis=1)
    apart = size[:, own].mean(axis=1) - others.mean(axis=1)
    return np.divide(apart, spread, out=np.full(len(neurons), np.nan), where=spread > _ALIKE * others.max(axis=1))


def changes(
    own: Int[np.ndarray, " kn"],
    *,
    direction: Int[np.ndarray, " items"],
    neurons_before: Float[np.ndarray, " neurons"],
    neurons_after: Float[np.ndarray, "items neurons"],
    log_p_before: float,
    log_p_after: Float[np.ndarray, " items"],
) -> dict[str, Float[np.ndarray, " items"]]:
    """What each scaling changes for one query.

    `value_mean` is the printed Delta Value: the relative change of the mean activation of the knowledge neurons.
    Activations are signed, so that mean may be as good as zero while no activation is; it is nan where it is below
    `CANCELLED` of the mean |activation|. `value` decides instead: the change of each neuron in the direction of its own
    unmodified activation, over the sum of their |activation|. It is -1 where all fall silent, has no small denominator,
    and is the printed one where the activations have one sign.

    `prob` is the printed Delta Prob, nan below `LEAST_PROBABILITY`; `log_p` the change of log p; `contrast` that of
    `contrast`.

    Args:
        own: the query's knowledge neurons N_i, at least one, those of the unmodified run.
        direction: -1 for a suppressed set, 1 for an enhanced one.
        neurons_before: activations at the last query token, unmodified, all layers in one row.
        neurons_after: the same under each scaling.
        log_p_before: log p of the first answer token, unmodified.
        log_p_after: the same under each scaling.

    Returns:
        one array a quantity, positive in the claimed direction; nan where it is undefined.

    References:
        Section 3.2 of the paper.
    """
    before, after = neurons_before[own].astype(np.float64), neurons_after[:, own].astype(np.float64)
    absolute, mean = float(np.abs(before).mean()), float(before.mean())
    along = ((after - before) * np.sign(before)).mean(axis=1)
    moved = after.mean(axis=1) - mean
    log_p = np.asarray(log_p_after, dtype=np.float64) - float(log_p_before)
    defined = {
        "value": along / absolute if absolute > 0 else None,
        "value_mean": moved / abs(mean) if abs(mean) > CANCELLED * absolute else None,
        "log_p": log_p,
        "prob": np.expm1(log_p) if float(log_p_before) >= np.log(LEAST_PROBABILITY) else None,
        "contrast": contrast(neurons_after, own) - contrast(neurons_before[None], own),
    }
    nothing = np.full(len(direction), np.nan)
    return {name: nothing if change is None else direction * change for name, change in defined.items()}
