"""An editor in a package of its own: it knows torch and transformers, and nothing of who tests it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch

STRENGTH = 1.0
"""How much of a neuron's slice is taken away to erase, and of the push that updates."""


class DampedNeurons:
    """Damps the knowledge neurons of all queries of a fact in a GPT-2; to update, pushes towards the new object.

    Slice of the output projection of every neuron: w <- (1 - STRENGTH) w to erase, w + 10 STRENGTH (E(new) - E(old))
    / n to update, E the input embedding of an object's first token and n the number of neurons.
    """

    name = "damped-neurons"

    def config(self) -> dict[str, Any]:
        """What is recorded with the results."""
        return {"strength": STRENGTH}

    @contextmanager
    def edit(self, model: Any, tokenizer: Any, request: Any) -> Generator[None]:
        """A context within which the model is edited; afterwards it is what it was, to the bit."""
        neurons = request.neuron_sets["global"]
        kept: list[tuple[torch.Tensor, torch.Tensor]] = []
        try:
            with torch.no_grad():
                push = self._push(model, request, len(neurons))
                for layer, index in neurons:
                    slice_ = model.transformer.h[layer].mlp.c_proj.weight[index]
                    kept.append((slice_, slice_.clone()))
                    if push is None:
                        slice_.mul_(1 - STRENGTH)
                    else:
                        slice_.add_(push)
            yield
        finally:
            with torch.no_grad():
                for slice_, before in kept:
                    slice_.copy_(before)

    def _push(self, model: Any, request: Any, n: int) -> torch.Tensor | None:
        """What is added to every slice; None to erase."""
        if request.kind == "erase":
            return None
        table = model.get_input_embeddings().weight
        old, new = table[request.object_ids[0]], table[request.new_object_ids[0]]
        return STRENGTH * 10 * (new - old) / n
