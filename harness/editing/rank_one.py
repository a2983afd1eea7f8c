"""A rank-one update of one layer's output projection, in the manner of ROME.

The projection is seen as a memory that answers the key k, its input at the last token of the subject, with a value, its
output there. The edit makes it answer k* with v* and changes its other answers as little as possible:

    W' = W + (v* - W k*) (C^-1 k*)^T / (k*^T C^-1 k*),    W [d_model, d_ff],

C the second moment of keys over running text.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, Final
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.data.passages import EMBEDDED_TEXT, load_passages
from harness.editing.batches import batches, padded
from harness.editing.corrections import neuron_slices, restoring
from harness.editing.layer import check_layer, middle_layer
from harness.editing.objective import edit_loss, subject_end
from harness.editing.perplexity import encode_passages
from harness.editing.request import EditRequest
from harness.editing.view import view_of
from harness.errors import ConfigError, near_matches
from harness.models.hooks import recording_calls
from harness.models.loaded import LoadedModel
from harness.models.queries import text_ids

POSITIONS: Final = ("subject", "query")

_TOKENS_AT_ONCE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class RankOne:
    """k* is the mean key over a few openings; v* = W k* + r, where the residual r is found by Adam.

    r is added to the projection's output at the last token of the subject and minimises the loss of `edit_loss`,
    averaged over the openings, plus decay * |r|^2 / |h|^2, h the residual stream after the block there, and never gets
    longer than `most` times h. (ROME measures in lengths of W k*, which says little where FFNs write little.) ROME's
    further term, which keeps what the model says of the subject otherwise, is left out.

    Attributes:
        layer: whose projection; None for the one at a third of the depth.
        position: the key is read at the last token of the `subject`, as in ROME, or of the `query`.
        steps: of Adam, at most.
        learning_rate: of Adam, relative to the root mean square of h.
        decay: weight of the residual's squared relative length.
        most: longest residual, in lengths of h.
        enough: loss, in nats, at which it stops.
        ridge: share of the mean eigenvalue of C that is added to its diagonal, so that few tokens suffice.
        openings: texts in front of the query, with the space that parts them: the key is to stand for the subject, not
            for what happens to come before it.
        text: what C is taken from, as `--perplexity-text` names it; fetched nothing by default.

    Raises:
        ConfigError: a setting that is not positive.

    References:
        Meng et al. 2022, Locating and Editing Factual Associations in GPT, Eq. 2 to 4.
    """

    layer: int | None = None
    position: str = "subject"
    steps: int = 40
    learning_rate: float = 0.1
    decay: float = 1e-2
    most: float = 2.0
    enough: float = 5e-2
    ridge: float = 1e-2
    openings: tuple[str, ...] = ("", "\n", "Yes. ", "It is said that ")
    text: str = EMBEDDED_TEXT
    _moments: "WeakKeyDictionary[nn.Module, Tensor]" = field(
        default_factory=WeakKeyDictionary, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Checks the ranges."""
        if self.position not in POSITIONS:
            raise ConfigError(
                f"no position {self.position!r}. {near_matches(self.position, POSITIONS)}",
                setting="position",
                value=self.position,
            )
        if not self.openings:
            raise ConfigError('at least one opening is needed, such as ""', setting="openings", value=self.openings)
        if self.steps < 1 or not min(self.learning_rate, self.most, self.ridge) > 0:
            raise ConfigError(
                f"steps, learning_rate, most and ridge must be positive, got {self.steps}, {self.learning_rate},"
                f" {self.most} and {self.ridge}",
                setting="rank-one",
                value=self.config(),
            )

    @property
    def name(self) -> str:
        """`rank-one`, with the position where it is not the subject."""
        return "rank-one" if self.position == "subject" else f"rank-one-{self.position}"

    def config(self) -> dict[str, Any]:
        """Every field but what is remembered of models."""
        settings = {item.name: getattr(self, item.name) for item in fields(self) if item.init}
        return {"method": "rank-one update", **settings}

    @contextmanager
    def edit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, request: EditRequest) -> Generator[None]:
        """One edit: see `Editor.edit`."""
        loaded = view_of(model, tokenizer)
        layer = check_layer(loaded, self.layer) if self.layer is not None else middle_layer(loaded)
        projection = loaded.output_projections[layer]
        asked = [self._place(tokenizer, opening, request) for opening in self.openings]
        key, length = _key_and_length(loaded, layer, asked)
        residual = self._residual(loaded, projection, asked, length, request)
        direction = torch.linalg.solve(self._second_moment(loaded, layer), key.double())
        update = torch.outer(direction / (key.double() @ direction), residual.double())
        with restoring([projection.weight]):  # type: ignore[list-item]
            with torch.no_grad():
                neuron_slices(projection).add_(update.to(residual.dtype))
            yield

    def _place(
        self, tokenizer: PreTrainedTokenizerBase, opening: str, request: EditRequest
    ) -> tuple[tuple[int, ...], int]:
        """Token ids of the query behind an opening, and the position that is edited."""
        if self.position == "subject":
            return subject_end(tokenizer, opening, request)
        ids = text_ids(tokenizer, opening + request.prompt)
        return ids, len(ids) - 1

    def _residual(
        self,
        model: LoadedModel,
        projection: nn.Module,
        asked: list[tuple[tuple[int, ...], int]],
        length: float,
        request: EditRequest,
    ) -> Float[Tensor, " d_model"]:
        """r: what the projection must add at the subject for the edit to hold."""
        prompts, ends = [prompt for prompt, _ in asked], [end for _, end in asked]
        width = neuron_slices(projection).shape[1]
        residual = torch.zeros(width, dtype=model.dtype, device=model.device, requires_grad=True)
        optimizer = torch.optim.Adam([residual], lr=self.learning_rate * length / width**0.5)

        def hook(_module: nn.Module, _args: object, output: Tensor) -> Tensor:
            output = output.clone()
            output[range(len(ends)), ends] += residual
            return output

        handle = projection.register_forward_hook(hook)
        try:
            with torch.enable_grad():
                for _ in range(self.steps):
                    loss = edit_loss(model, prompts, request)
                    if loss.item() < self.enough:
                        break
                    optimizer.zero_grad()
                    (loss + self.decay * residual.square().sum() / length**2).backward()
                    optimizer.step()
                    with torch.no_grad():
                        residual *= (self.most * length / residual.norm()).clamp_max(1)
        finally:
            handle.remove()
        return residual.detach()

    @torch.no_grad()
    def _second_moment(self, model: LoadedModel, layer: int) -> Float[Tensor, "d_ff d_ff"]:
        """C of a layer, in float64, with the ridge; computed once a projection."""
        projection = model.output_projections[layer]
        if projection not in self._moments:
            texts = encode_passages(model.tokenizer, load_passages(self.text), context_length=model.context_length)
            total = torch.zeros(model.d_ff, model.d_ff, dtype=torch.float64, device=model.device)
            for batch in batches([len(text) for text in texts], _TOKENS_AT_ONCE):
                lengths = torch.tensor([len(texts[i]) for i in batch])
                seen = _keys(model, projection, [texts[i] for i in batch])
                real = torch.arange(seen.shape[1]) < lengths[:, None]
                keys = seen[real.to(seen.device)].double()
                total += keys.t() @ keys
            total /= sum(len(text) for text in texts)
            total.diagonal().add_(self.ridge * total.diagonal().mean())
            self._moments[projection] = total
        return self._moments[projection]


@torch.no_grad()
def _key_and_length(
    model: LoadedModel, layer: int, asked: list[tuple[tuple[int, ...], int]]
) -> tuple[Float[Tensor, " d_ff"], float]:
    """k*, and the mean length of the residual stream after the block, at the last token of the subject."""
    rows, ends = range(len(asked)), [end for _, end in asked]
    stream: list[Tensor] = []
    with recording_calls(
        model.blocks[layer], lambda _args, _kwargs, out: stream.append(out[0] if isinstance(out, tuple) else out)
    ):
        keys = _keys(model, model.output_projections[layer], [prompt for prompt, _ in asked])
    return keys[rows, ends].mean(0), float(stream[0][rows, ends].norm(dim=-1).mean())


def _keys(
    model: LoadedModel, projection: nn.Module, prompts: list[tuple[int, ...]]
) -> Float[Tensor, "prompts tokens d_ff"]:
    """Input of the projection at every token of padded prompts."""
    seen: list[Tensor] = []
    with recording_calls(projection, lambda args, _kwargs, _out: seen.append(args[0])):
        model.model(input_ids=padded(prompts).to(model.device), use_cache=False, logits_to_keep=1)
    return seen[0]
