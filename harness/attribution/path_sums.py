"""Sums along the straight paths of a batch of queries, several of which may be one query's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from harness.activations.unmodified import Unmodified
from harness.attribution.gradient_sums import gradient_sums
from harness.attribution.node_sums import NodeSum


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSums:
    """Sums along some paths, in some layers; never below float32.

    Attributes:
        scores: the wanted sum times what it is multiplied by.
        doubt: how rough the integrand is: the largest of what the null rules make of it, likewise multiplied; 0 where
            there are none.
        p_first: p(answer) at the first node.
    """

    scores: Float[Tensor, "paths layers d_ff"]
    doubt: Float[Tensor, "paths layers"]
    p_first: Float[Tensor, "paths layers"]


class Paths:
    """The paths of a batch: from reference points to the unmodified neurons of their query.

    There, at the end, the gradient is the same for all paths of a query, so it is evaluated once a query.
    """

    def __init__(
        self,
        state: Unmodified,
        reference: Float[Tensor, "layers paths d_ff"],
        owner: Sequence[int],
        *,
        times_value: bool,
    ) -> None:
        """Evaluates nothing yet.

        Args:
            state: the unmodified run.
            reference: where the paths start.
            owner: index of each path's query.
            times_value: multiply sums by the unmodified neurons v instead of by (v - r), with r the start.
        """
        self._state = state
        self._reference = reference
        self._owner = owner
        self._times_value = times_value
        self._at_end: Float[Tensor, "queries layers d_ff"] | None = None

    @property
    def n_paths(self) -> int:
        """Of all queries together."""
        return len(self._owner)

    @property
    def n_layers(self) -> int:
        """Every path is one in each layer."""
        return len(self._reference)

    def empty(self) -> PathSums:
        """Room for the sums of all paths in all layers, to be written into it."""
        wide = torch.promote_types(self._reference.dtype, torch.float32)
        scores = self._reference.new_empty(self.n_paths, self.n_layers, self._reference.shape[2], dtype=wide)
        one, other = (torch.empty_like(scores[:, :, 0]) for _ in range(2))
        return PathSums(scores=scores, doubt=one, p_first=other)

    def sums(self, node_sum: NodeSum, paths: Sequence[int], layers: Sequence[int]) -> PathSums:
        """Sums of d p(answer) / d neurons along some of the paths, at once.

        Args:
            node_sum: nodes on [0, 1], at least one of them before the end; and weights.
            paths: which of them.
            layers: whose neurons move, rising; each a path of its own.
        """
        owner = [self._owner[path] for path in paths]
        state, start = self._state.select(owner), self._reference[:, list(paths)][list(layers)]
        n, coefficients = node_sum.n_before_end, node_sum.coefficients
        found = gradient_sums(state, start, nodes=node_sum.nodes[:n], coefficients=coefficients[:, :n], layers=layers)
        sums = found.sums
        if n < len(node_sum.nodes):
            at_end = self._end()[owner][:, list(layers)].to(sums)
            for of_sum, coefficient in zip(sums, coefficients[:, n].tolist(), strict=True):
                of_sum.add_(at_end, alpha=coefficient)
        value = state.neurons[list(layers)]
        sums *= (value if self._times_value else value - start).transpose(0, 1).to(sums)
        doubt = torch.zeros_like(sums[0, :, :, 0])
        for of_rule in sums[1:]:
            doubt = torch.maximum(doubt, torch.linalg.vector_norm(of_rule, ord=torch.inf, dim=2))
        return PathSums(scores=sums[0], doubt=doubt, p_first=found.p[:, :, 0])

    def _end(self) -> Float[Tensor, "queries layers d_ff"]:
        """d p(answer) / d neurons at the unmodified ones, of every query and layer."""
        if self._at_end is None:
            self._at_end = gradient_sums(
                self._state,
                self._state.neurons,
                nodes=np.ones(1),
                coefficients=np.ones((1, 1)),
                layers=range(self.n_layers),
            ).sums[0]
        return self._at_end
