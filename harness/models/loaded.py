"""A language model ready to be localized: frozen, in eval mode, with its family's parts at hand."""

from dataclasses import dataclass, field
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.models.context import context_length
from harness.models.families import Family, family_of
from harness.models.parts import Parts, common_input_width
from harness.models.smoothness import is_smooth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class LoadedModel:
    """A model, its tokenizer and the parts that the engine drives.

    Attributes:
        name: the id under which it appears in tests and records.
        model: the model; parameters frozen, eval mode, use of the cache decided call by call.
        tokenizer: its tokenizer.
        fingerprint: content hash of weights and configuration.
        adapter: a row that describes its family, if the project has none or another is wanted.
        family: the data row of its architecture.
        blocks: the transformer blocks, lowest first.
        output_projections: the FFN output projection of each block.
        d_ff: neurons a layer.
        smooth: whether its activation functions are smooth; see `is_smooth`.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    fingerprint: str
    adapter: Family | None = None
    family: Family = field(init=False)
    blocks: tuple[nn.Module, ...] = field(init=False)
    output_projections: tuple[nn.Module, ...] = field(init=False)
    d_ff: int = field(init=False)
    smooth: bool = field(init=False)

    def __post_init__(self) -> None:
        """Finds the parts by the family's row, freezes the parameters and switches to eval mode.

        Raises:
            ModelError: the family is unknown, its row does not fit, or layers differ in their number of neurons.
        """
        family = family_of(self._config, model=self.name, adapter=self.adapter)
        object.__setattr__(self, "family", family)
        parts = self._parts
        blocks = parts.blocks()
        projections = tuple(map(parts.output_projection, blocks))
        parts.before_head()
        parts.head()
        self.model.eval()
        self.model.requires_grad_(False)
        for name, value in (
            ("blocks", blocks),
            ("output_projections", projections),
            ("d_ff", common_input_width(projections, name=self.name)),
            ("smooth", is_smooth(self.model)),
        ):
            object.__setattr__(self, name, value)

    @property
    def _config(self) -> Any:
        return cast(Any, self.model.config)

    @property
    def _parts(self) -> Parts:
        return Parts(model=self.model, family=self.family, name=self.name)

    @property
    def n_layers(self) -> int:
        """Number of transformer blocks."""
        return len(self.blocks)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return int(self._config.get_text_config().hidden_size)

    @property
    def device(self) -> torch.device:
        """Where prompts have to be put: the device of the input embedding."""
        return self.model.get_input_embeddings().weight.device  # type: ignore[return-value, union-attr]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return self.model.dtype

    @property
    def head(self) -> nn.Linear:
        """The vocabulary projection."""
        return self._parts.head()

    @property
    def softcap(self) -> float | None:
        """c where logits z become c * tanh(z / c) (Gemma 2); else None."""
        return getattr(self._config.get_text_config(), "final_logit_softcapping", None)

    @property
    def context_length(self) -> int | None:
        """Most tokens that the model takes at once: see `harness.models.context`."""
        return context_length(self._config)

    @property
    def attention_implementation(self) -> str:
        """The attention function in use, such as `sdpa` or `eager`."""
        return str(self._config._attn_implementation)

    def final_norm(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_head"]:
        """What the head reads: hidden states after the last block, normed and, in some families, transformed."""
        before_head, head = self._parts.before_head(), self.head
        first = next(before_head.parameters(), head.weight)
        return before_head(hidden.to(first.device)).to(head.weight.device)

    def logits(self, hidden: Float[Tensor, "*rows d_head"]) -> Float[Tensor, "*rows vocab"]:
        """Logits of what the head reads, capped where the model caps them."""
        logits = self.head(hidden.to(self.head.weight.device))
        return logits if self.softcap is None else torch.tanh(logits / self.softcap) * self.softcap
