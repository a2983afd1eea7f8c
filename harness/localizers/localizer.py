"""The interface of a localizer: which neurons matter for which query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttributionMap:
    """Scores of every neuron for one query.

    Attributes:
        scores: on the host, float32 or float64.
        completeness_gap: what the quadrature left out, relative to p(answer); None where the method has no such sum.
    """

    scores: Float[np.ndarray, "layers d_ff"]
    completeness_gap: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """A query that the method gives no score.

    Attributes:
        reason: why, in words that are the same for every query of this kind: they are counted under it.
    """

    reason: str


@runtime_checkable
class Localizer(Protocol):
    """A method of knowledge localization.

    The object is its own configuration; whatever has these members is a localizer, wherever it comes from.
    """

    @property
    def name(self) -> str:
        """Short id for tests and records, such as `ig`."""
        ...

    def config(self) -> dict[str, Any]:
        """Every setting that changes a score, as builtins: part of the store key."""
        ...

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> Sequence[AttributionMap | Unscored]:
        """Scores every neuron for every query.

        Args:
            model: the model; to be left as it was, hooks and all.
            queries: any number, of any lengths.
            batch_size: queries at once; None for the localizer's own judgement. Changes no score but by rounding.

        Returns:
            One map a query, in order, or why there is none; never a map of NaN, nor of 0 for want of anything else.
        """
        ...


@runtime_checkable
class HasVariant(Protocol):
    """A localizer that knows another one which should find the same neurons.

    The retest uses it to learn how far the method agrees with itself; without it only the surface of queries changes.
    """

    def variant(self) -> Localizer:
        """The same method computed otherwise, such as another quadrature of the same integral."""
        ...
