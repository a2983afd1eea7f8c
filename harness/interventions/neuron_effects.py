"""What scaling neurons does to the answer, for many sets and many queries in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int

from harness.activations.whole_queries import batches_by_length, run_whole
from harness.errors import ConfigError, near_matches
from harness.interventions.climbing_scalings import log_p_climbing
from harness.interventions.neurons import NeuronScaling, scaling_neurons
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.neurons import NeuronSet

POSITIONS: Final = ("last", "all")
"""Where neurons are scaled: at the last query token (in a masked model: at the mask token), or at every token."""

_UNMODIFIED = NeuronScaling(neurons=NeuronSet(), factor=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronItem:
    """One query under one scaling.

    Attributes:
        query: its index among the queries of the call.
        scaling: what is done to its neurons.
    """

    query: int
    scaling: NeuronScaling


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronEffects:
    """log p of the first answer token before and after; `log_p_before` of item i is at `query[i]`.

    Attributes:
        query: index of each item's query.
        log_p_before: of every query, unmodified; at least float32.
        log_p_after: of every item, under its scaling.
    """

    query: Int[np.ndarray, " items"]
    log_p_before: Float[np.ndarray, " queries"]
    log_p_after: Float[np.ndarray, " items"]

    @property
    def change(self) -> Float[np.ndarray, " items"]:
        """log p after minus log p before; exactly 0 for an item that changes nothing."""
        return self.log_p_after - self.log_p_before[self.query]


def neuron_effects(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    items: Sequence[NeuronItem],
    *,
    positions: str = "last",
    batch_size: int | None = None,
) -> NeuronEffects:
    """Runs every query unmodified, and every item under its scaling, many at once.

    At the last query token the prefix is shared by all items of a query, and an item enters at the lowest layer that it
    touches: see `log_p_climbing`. At all positions an item is a whole query of its own, with hooks. An item that
    changes nothing is not run: what it shows is what its query shows unmodified, to the last bit.

    Args:
        model: the model to run; left as it was. No other scaling is on.
        queries: any number, of any lengths.
        items: any number, any of the queries as often as wanted.
        positions: one of `POSITIONS`.
        batch_size: items at once; None for the engine's judgement. Changes nothing but by rounding.

    Returns:
        On the host.

    Raises:
        ConfigError: an item names no query or a neuron outside the model, or no positions have that name.
    """
    if positions not in POSITIONS:
        raise ConfigError(
            f"neurons are not scaled at positions {positions!r}. {near_matches(positions, POSITIONS)}",
            setting="positions",
            value=positions,
        )
    for item in items:
        if not 0 <= item.query < len(queries):
            raise ConfigError(
                f"an item names query {item.query}, there are {len(queries)}", setting="items", value=item.query
            )
    run = log_p_climbing if positions == "last" else _log_p_whole
    changing = [(item.query, item.scaling) for item in items if not item.scaling.changes_nothing]
    before, changed = run(model, queries, changing, batch_size)
    owner = np.array([item.query for item in items], dtype=np.int64)
    after = before[owner]
    after[[not item.scaling.changes_nothing for item in items]] = changed
    return NeuronEffects(query=owner, log_p_before=before, log_p_after=after)


def _log_p_whole(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    items: Sequence[tuple[int, NeuronScaling]],
    batch_size: int | None,
) -> tuple[Float[np.ndarray, " queries"], Float[np.ndarray, " items"]]:
    """log p(answer) of every query unmodified and of every item scaled at all its positions."""
    runs = [(query, _UNMODIFIED) for query in queries] + [(queries[query], scaling) for query, scaling in items]
    log_p = torch.empty(len(runs), dtype=torch.promote_types(model.dtype, torch.float32))
    for batch in batches_by_length([len(query.prompt_ids) for query, _ in runs], batch_size):
        with scaling_neurons(model, [runs[i][1] for i in batch]):
            log_p[batch] = run_whole(model, [runs[i][0] for i in batch]).log_probability.cpu()
    return log_p[: len(queries)].numpy(), log_p[len(queries) :].numpy()
