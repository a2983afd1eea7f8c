"""Thresholds on CS2: a fact is consistent (K_I) if its CS2 lies above the cut, else inconsistent (K_II)."""

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from harness.errors import ConfigError, near_matches

TIE: Final = 1e-12
"""Between-class variances that differ by less than this share of the largest are equal."""


@runtime_checkable
class Threshold(Protocol):
    """Where CS2 is cut."""

    @property
    def name(self) -> str:
        """As it is asked for and recorded: `static:0.1`, `otsu`."""
        ...

    @property
    def adaptive(self) -> bool:
        """Whether the cut is estimated from the values; such a cut is itself uncertain, and it cuts anything in two."""
        ...

    def cut(self, values: Float[np.ndarray, " facts"], weights: Float[np.ndarray, " facts"] | None = None) -> float:
        """The value at or below which a fact is inconsistent.

        Args:
            values: CS2 of each fact, all defined.
            weights: how often each fact counts; once if absent.
        """
        ...

    def splits(
        self, counts: Float[np.ndarray, "draws distinct"], sums: Float[np.ndarray, "draws distinct"]
    ) -> Int[np.ndarray, " draws"]:
        """Where many reweightings of the same sorted distinct values are cut, for an adaptive threshold.

        Args:
            counts: cumulative weight up to and with each distinct value.
            sums: cumulative weight * (value - c) up to and with each distinct value, c any constant.

        Returns:
            index of the last distinct value at or below the cut, one a reweighting.
        """
        ...


@dataclass(frozen=True, slots=True)
class StaticThreshold:
    """A cut that is set beforehand (the paper's is 0.1).

    Attributes:
        value: the cut, strictly between 0 and 1.
    """

    value: float = 0.1

    def __post_init__(self) -> None:
        """Raises ConfigError if the cut cannot separate anything."""
        if not 0.0 < self.value < 1.0:
            raise ConfigError(
                f"a static threshold was set to {self.value}; CS2 lies in [0, 1], so the cut must lie strictly between"
                " 0 and 1. Write for example static:0.1",
                setting="threshold",
                value=self.value,
            )

    @property
    def name(self) -> str:
        """`static:` and the cut."""
        return f"static:{self.value:g}"

    @property
    def adaptive(self) -> bool:
        """False: the cut does not depend on the values."""
        return False

    def cut(self, values: Float[np.ndarray, " facts"], weights: Float[np.ndarray, " facts"] | None = None) -> float:
        """The set value, whatever the facts are."""
        return self.value

    def splits(
        self, counts: Float[np.ndarray, "draws distinct"], sums: Float[np.ndarray, "draws distinct"]
    ) -> Int[np.ndarray, " draws"]:
        """Has no answer: cumulative weights do not say where a set value lies.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            "a static threshold is not re-estimated from draws; use its cut", setting="threshold", value=self.name
        )


@dataclass(frozen=True, slots=True)
class OtsuThreshold:
    """Otsu's cut, exact: no histogram.

    It maximises the between-class variance n0 * n1 * (mean1 - mean0)^2 over the midpoints of adjacent distinct values;
    the first maximiser counts. Values that are all equal are cut at that value, so all of them lie at or below it.
    """

    @property
    def name(self) -> str:
        """`otsu`."""
        return "otsu"

    @property
    def adaptive(self) -> bool:
        """True: the cut is estimated from the values."""
        return True

    def cut(self, values: Float[np.ndarray, " facts"], weights: Float[np.ndarray, " facts"] | None = None) -> float:
        """The midpoint that separates the values best.

        Raises:
            ConfigError: there is no value of positive weight, or a value is not finite.
        """
        weight = np.ones(len(values)) if weights is None else weights
        values, weight = values[weight > 0], weight[weight > 0]
        if len(values) == 0 or not np.isfinite(values).all():
            raise ConfigError(
                f"Otsu's threshold needs at least one value, all finite; got {len(values)} values",
                setting="threshold",
                value=self.name,
            )
        distinct, inverse = np.unique(values, return_inverse=True)
        at_value = np.bincount(inverse, weights=weight)
        counts, sums = np.cumsum(at_value), np.cumsum(at_value * (distinct - values.mean()))
        split = int(self.splits(counts[None], sums[None])[0])
        return float(distinct[split : split + 2].mean())

    def splits(
        self, counts: Float[np.ndarray, "draws distinct"], sums: Float[np.ndarray, "draws distinct"]
    ) -> Int[np.ndarray, " draws"]:
        """Otsu's cut of every reweighting; see `Threshold.splits`."""
        last = counts.shape[1] - 1
        total, total_sum = counts[:, -1:], sums[:, -1:]
        below = counts[:, :-1]
        if last == 0:
            return np.zeros(len(counts), dtype=np.int64)
        # n0 * n1 * (mean1 - mean0)^2 = (total * sum0 - n0 * total_sum)^2 / (n0 * n1)
        variance = sums[:, :-1] * total
        variance -= below * total_sum
        variance *= variance
        pairs = total - below
        pairs *= below
        np.divide(variance, pairs, out=variance, where=pairs > 0)
        variance[pairs <= 0] = 0.0
        best = variance.max(axis=1, keepdims=True)
        first = np.argmax(variance >= best * (1 - TIE), axis=1)
        return np.where(pairs.max(axis=1) > 0, first, last)


def parse_threshold(text: str) -> Threshold:
    """The threshold called `static:0.1` (any cut strictly between 0 and 1), `static` or `otsu`.

    Raises:
        ConfigError: no threshold has this name, or its value is out of range.
    """
    name, colon, value = text.strip().partition(":")
    if name == "otsu" and not colon:
        return OtsuThreshold()
    if name == "static" and not colon:
        return StaticThreshold()
    if name == "static":
        try:
            return StaticThreshold(float(value))
        except ValueError:
            raise ConfigError(
                f"threshold {text!r}: {value!r} is no number. Write static:0.1, any cut strictly between 0 and 1",
                setting="threshold",
                value=text,
            ) from None
    raise ConfigError(
        f"there is no threshold {text!r}. {near_matches(text, ['static:0.1', 'otsu'])}", setting="threshold", value=text
    )
