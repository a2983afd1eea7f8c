"""A localizer in a file of its own that imports nothing of kntests: gradient times activation.

From this folder:

    pytest ../../kntests -m controls    --localizer gradient_times_activation:GradientTimesActivation
    pytest ../../kntests -m statistical --localizer gradient_times_activation:GradientTimesActivation

score = w * d p(answer) / d w, w the neurons at the last query token: integrated gradients by a single step of the right
rule, at the price of one backward pass.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Map:
    """Scores [layers, neurons]; a sum to compare them with is not defined, so there is no gap."""

    scores: np.ndarray
    completeness_gap: float | None = None


class GradientTimesActivation:
    """Whatever has these three members is a localizer."""

    name = "gradient-times-activation"

    def config(self) -> dict[str, Any]:
        """Every setting that changes a score: results are stored under it."""
        return {"method": "gradient times activation", "position": "last"}

    def attribute(self, model: Any, queries: Any, *, batch_size: int | None) -> list[Map]:
        """One map a query, in order; one query at a time, so that no padding has to be thought of."""
        return [self._one(model, query) for query in queries]

    def _one(self, model: Any, query: Any) -> Map:
        neurons: list[torch.Tensor] = []

        def watch(_module: torch.nn.Module, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            neurons.append(args[0].detach().requires_grad_())
            return (neurons[-1],)

        ids = torch.tensor([query.prompt_ids], device=model.device)
        with ExitStack() as stack, torch.enable_grad():
            for projection in model.output_projections:
                stack.callback(projection.register_forward_pre_hook(watch).remove)
            logits = model.model(input_ids=ids, use_cache=False).logits[0, -1]
            log_p = logits.float().log_softmax(-1)[query.answer_ids[0]]
            gradients = torch.autograd.grad(log_p, neurons)
        p = log_p.detach().exp()
        scores = [p * g[0, -1] * w.detach()[0, -1] for g, w in zip(gradients, neurons, strict=True)]
        return Map(scores=torch.stack(scores).float().cpu().numpy())
