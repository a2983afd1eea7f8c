"""What scaling synapses does to the answer and to the neurons, for many sets and many queries in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from harness.activations.whole_queries import batches_by_length, run_whole
from harness.errors import ConfigError
from harness.interventions.synapses import SynapseScaling, scaling_synapses
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.synapses import SynapseSet

_UNMODIFIED = SynapseScaling(synapses=SynapseSet(), factor=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledQuery:
    """One query under one scaling.

    Attributes:
        query: its index among the queries of the call.
        scaling: what is done to its attention.
    """

    query: int
    scaling: SynapseScaling


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SynapseEffects:
    """Answer and neurons before and after; `before` of item i is at `query[i]`.

    Attributes:
        query: index of each item's query.
        log_p_before: log p of the first answer token, unmodified.
        log_p_after: the same under each item's scaling.
        neurons_before: neurons at the last query token, unmodified.
        neurons_after: the same under each item's scaling.
    """

    query: Int[np.ndarray, " items"]
    log_p_before: Float[np.ndarray, " queries"]
    log_p_after: Float[np.ndarray, " items"]
    neurons_before: Float[np.ndarray, "layers queries d_ff"]
    neurons_after: Float[np.ndarray, "layers items d_ff"]


def synapse_effects(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    items: Sequence[ScaledQuery],
    *,
    batch_size: int | None = None,
) -> SynapseEffects:
    """Runs every query unmodified, and every item under its scaling, all in batches of similar length.

    Unmodified runs take the weights of the same attention function. An item that changes nothing is not run: what it
    shows is what its query shows unmodified, to the last bit.

    Args:
        model: the model to run; left as it was.
        queries: any number, of any lengths.
        items: any number, any of the queries as often as wanted.
        batch_size: runs at once; None for a batch of a moderate number of tokens. Changes nothing but by rounding.

    Returns:
        On the host, at least float32: 2 * layers * d_ff values an item, so that a caller with very many cuts them.

    Raises:
        ConfigError: an item names no query, or a synapse beyond its query or outside the model.
        ModelError: the family does not let its attention be changed.
    """
    _check(queries, items)
    owner = np.array([item.query for item in items], dtype=np.int64)
    changing = [i for i, item in enumerate(items) if not item.scaling.changes_nothing]
    runs = [(query, _UNMODIFIED) for query in queries]
    runs += [(queries[items[i].query], items[i].scaling) for i in changing]
    dtype = torch.promote_types(model.dtype, torch.float32)
    log_p = torch.empty(len(runs), dtype=dtype)
    neurons = torch.empty(model.n_layers, len(runs), model.d_ff, dtype=dtype)
    for batch in batches_by_length([len(query.prompt_ids) for query, _ in runs], batch_size):
        with scaling_synapses(model, [runs[i][1] for i in batch]):
            found = run_whole(model, [runs[i][0] for i in batch])
        log_p[batch] = found.log_probability.cpu()
        neurons[:, batch] = found.neurons.to(dtype).cpu()
    shown = owner.copy()  # where each item's run is
    shown[changing] = len(queries) + np.arange(len(changing))
    return SynapseEffects(
        query=owner,
        log_p_before=log_p[: len(queries)].numpy(),
        log_p_after=log_p.numpy()[shown],
        neurons_before=neurons[:, : len(queries)].numpy(),
        neurons_after=neurons.numpy()[:, shown],
    )


def _check(queries: Sequence[EncodedQuery], items: Sequence[ScaledQuery]) -> None:
    """Raises ConfigError where an item does not fit its query; in a padded batch the model would not notice."""
    for item in items:
        if not 0 <= item.query < len(queries):
            raise ConfigError(
                f"an item names query {item.query}, there are {len(queries)}", setting="items", value=item.query
            )
        tokens = len(queries[item.query].prompt_ids)
        if item.scaling.synapses.n_columns > tokens:
            raise ConfigError(
                f"a synapse on column {item.scaling.synapses.n_columns - 1} lies beyond the {tokens} tokens of query"
                f" {item.query}; SynapseSet.within drops such columns",
                setting="items",
                value=item.scaling.synapses,
            )
