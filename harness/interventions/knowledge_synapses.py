"""From attention to knowledge synapses: the columns that get much of it (numpy only)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from harness.errors import ConfigError, near_matches
from harness.synapses import SynapseSet

_THRESHOLDS = ("printed", "mean-column", "per-column")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeSynapses:
    """S = {(c, l, h): sum over rows r of A_lh(r, c) > tau}, on the attention maps A of the query alone.

    The printed tau is alpha times the mean over layers and heads of the sum of a whole map (Eq. 5). Rows of a softmax
    sum to 1, so that is alpha * T for every query of T tokens, and column c, which only T - c rows see, can exceed it
    only for c < (1 - alpha) T.

    Attributes:
        alpha: the scaling factor; 0.3 in the paper, which calls it tau where it gives the value.
        threshold: `printed`; `mean-column`: alpha times the mean column sum; `per-column`: tau_c = alpha (T - c), which
            a column exceeds if the rows that see it give it more than alpha of their attention on average.
        exclude_first: whether the first position, where attention sinks, is left out of S; tau stays as it is.

    Raises:
        ConfigError: alpha is not positive, or no threshold has that name.

    References:
        Eq. 5 and 6 of the paper.
    """

    alpha: float = 0.3
    threshold: str = "printed"
    exclude_first: bool = False

    def __post_init__(self) -> None:
        """Checks alpha and the threshold's name."""
        if not self.alpha > 0:
            raise ConfigError(
                f"alpha is positive, got {self.alpha}; the paper takes 0.3", setting="alpha", value=self.alpha
            )
        if self.threshold not in _THRESHOLDS:
            raise ConfigError(
                f"no threshold {self.threshold!r} of synapses. {near_matches(self.threshold, _THRESHOLDS)}",
                setting="threshold",
                value=self.threshold,
            )

    def taus(self, columns: Float[np.ndarray, "layers query_heads tokens"]) -> Float[np.ndarray, " tokens"]:
        """What the sum of each column has to exceed.

        Args:
            columns: column sums of every map of a query.
        """
        tokens = columns.shape[2]
        if self.threshold == "per-column":
            return self.alpha * np.arange(tokens, 0, -1, dtype=np.float64)
        printed = self.alpha * columns.sum(axis=2).mean()  # Eq. 5
        return np.full(tokens, printed if self.threshold == "printed" else printed / tokens)

    def select(self, columns: Float[np.ndarray, "layers query_heads tokens"]) -> SynapseSet:
        """The knowledge synapses of a query (Eq. 6).

        Args:
            columns: column sums of every map of the unmodified run.
        """
        chosen: Bool[np.ndarray, "layers query_heads tokens"] = columns > self.taus(columns)
        if self.exclude_first:
            chosen[:, :, 0] = False
        return SynapseSet((column, layer, head) for layer, head, column in np.argwhere(chosen).tolist())
