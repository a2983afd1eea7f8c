"""Two scalings whose result is known beforehand: they tell what scaling changes from what its machinery does."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from harness.activations.attention import attention_sums
from harness.activations.whole_queries import run_whole
from harness.interventions.synapses import SUPPRESS, SynapseScaling, scaling_synapses
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.synapses import SynapseSet


def control_changes(
    model: LoadedModel, queries: Sequence[EncodedQuery]
) -> tuple[Float[np.ndarray, " queries"], Float[np.ndarray, " queries"]]:
    """What a factor of 1 on every synapse changes, which is to be nothing, and what a factor of 0 does to log p."""
    tokens = [len(query.prompt_ids) for query in queries]
    heads = attention_sums(model, queries[:1])[0].columns.shape[1]
    every = [
        SynapseSet((c, layer, head) for c in range(n) for layer in range(model.n_layers) for head in range(heads))
        for n in tokens
    ]
    runs = []
    for sets, factor in (([SynapseSet()] * len(queries), 1.0), (every, 1.0), (every, SUPPRESS)):
        with scaling_synapses(model, [SynapseScaling(synapses=own, factor=factor) for own in sets]):
            runs.append(run_whole(model, queries))
    unmodified, same, silenced = runs
    identity = torch.maximum(
        (same.log_probability - unmodified.log_probability).abs(),
        (same.neurons - unmodified.neurons).abs().amax(dim=(0, 2)).to(unmodified.log_probability),
    )
    changed = (silenced.log_probability - unmodified.log_probability).abs()
    return identity.cpu().numpy(), changed.cpu().numpy()
