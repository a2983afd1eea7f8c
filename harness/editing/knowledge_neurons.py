"""The editors of Eq. 2: the slices of knowledge neurons are set to 0, or moved from the old object to the new one."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.editing.activations import query_activations
from harness.editing.corrections import Correction, LayerCorrection, corrected, neuron_slices, rewritten
from harness.editing.request import ERASE, EditRequest
from harness.editing.view import view_of
from harness.errors import ConfigError, near_matches
from harness.models.loaded import LoadedModel
from harness.neurons import NeuronSet

EMBEDDINGS: Final = ("input", "output")
SCALES: Final = ("absolute", "norm")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeNeurons:
    """For every neuron p of a set: W_p = 0 (erase), or W_p - lambda_old E(o) + lambda_new E(o') (update).

    W_p is the neuron's slice of the output projection, E(o) the embedding of the first token of the answer behind the
    query. The lambdas are added once a neuron, so a large set moves the output further than a small one.

    Attributes:
        neurons: which of the request's sets: `local` is N_i, `global` N_g, `cas` the consistency-aware neurons.
        lambda_old: lambda 1.
        lambda_new: lambda 2.
        embedding: E is the `input` embedding, as in the paper, or the `output` embedding, which is what the residual
            stream is read by; the same where the two are tied.
        scale: `absolute`, as in the paper, or `norm`: E(o) / |E(o)| * |W_p| instead of E(o), as Dai et al. do, with
            lambdas of 1 and 8 there.
        sign_corrected: turn the update of a neuron whose activation at the last query token is negative; without it
            such a neuron writes towards the old object.
        in_weights: write the edit into the weights and restore them, instead of computing what they would.

    Raises:
        ConfigError: an unknown embedding or scale, or a lambda that is not finite.

    References:
        Eq. 2 of the paper; Dai et al. 2022, section 5.
    """

    neurons: str = "local"
    lambda_old: float = 2.0
    lambda_new: float = 2.0
    embedding: str = "input"
    scale: str = "absolute"
    sign_corrected: bool = False
    in_weights: bool = False

    def __post_init__(self) -> None:
        """Checks the choices."""
        for setting, value, known in (("embedding", self.embedding, EMBEDDINGS), ("scale", self.scale, SCALES)):
            if value not in known:
                raise ConfigError(f"no {setting} {value!r}. {near_matches(value, known)}", setting=setting, value=value)
        for setting, number in (("lambda_old", self.lambda_old), ("lambda_new", self.lambda_new)):
            if not abs(number) < float("inf"):
                raise ConfigError(f"{setting} must be a finite number, got {number}", setting=setting, value=number)

    @property
    def name(self) -> str:
        """`kn-` and the set, then what is not as in the paper."""
        lambdas = f"{self.lambda_old:g},{self.lambda_new:g}"
        extras = (
            (lambdas, lambdas != "2,2"),
            (self.embedding, self.embedding != "input"),
            (self.scale, self.scale != "absolute"),
            ("signed", self.sign_corrected),
            ("weights", self.in_weights),
        )
        return "-".join(["kn", self.neurons, *(text for text, holds in extras if holds)])

    def config(self) -> dict[str, Any]:
        """Every field."""
        return {"method": "knowledge neurons", **asdict(self)}

    @contextmanager
    def edit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, request: EditRequest) -> Generator[None]:
        """One edit: see `Editor.edit`."""
        loaded = view_of(model, tokenizer)
        (correction,) = self.corrections(loaded, [request])
        within = rewritten(loaded, correction) if self.in_weights else corrected(loaded, [(slice(None), correction)])
        with within:
            yield

    @torch.no_grad()
    def corrections(self, model: LoadedModel, requests: Sequence[EditRequest]) -> list[Correction]:
        """The change of slices that each request means: see `FunctionalEditor.corrections`.

        Raises:
            ConfigError: a request lacks the set, or the set holds a neuron that the model has not.
        """
        sets = [self._set(model, request) for request in requests]
        activations = query_activations(model, [request.prompt_ids for request in requests], sets)
        return [self._correction(model, *item) for item in zip(requests, sets, activations, strict=True)]

    def _set(self, model: LoadedModel, request: EditRequest) -> NeuronSet:
        if self.neurons not in request.neuron_sets:
            raise ConfigError(
                f"the request for {request.fact_uid} has no neuron set {self.neurons!r}."
                f" {near_matches(self.neurons, request.neuron_sets)}",
                setting="neurons",
                value=self.neurons,
            )
        neurons = NeuronSet(request.neuron_sets[self.neurons])
        for neuron in neurons:
            if neuron.layer >= model.n_layers or neuron.index >= model.d_ff:
                raise ConfigError(
                    f"{neuron} is none of {model.name!r}, which has {model.n_layers} layers of {model.d_ff} neurons",
                    setting="neurons",
                    value=neuron,
                )
        return neurons

    def _correction(
        self, model: LoadedModel, request: EditRequest, neurons: NeuronSet, activations: Float[Tensor, " neurons"]
    ) -> Correction:
        by_layer: dict[int, list[int]] = {}
        for layer, index in neurons:
            by_layer.setdefault(layer, []).append(index)
        layers: dict[int, LayerCorrection] = {}
        start = 0
        for layer, indices in by_layer.items():
            index = torch.tensor(indices, device=model.device)
            signs = _signs(activations[start : start + len(index)])
            layers[layer] = LayerCorrection(index, self._delta(model, request, layer, index, signs))
            start += len(index)
        share = float((activations <= 0).double().mean()) if len(neurons) else None
        return Correction(layers=layers, nonpositive=share)

    def _delta(
        self, model: LoadedModel, request: EditRequest, layer: int, index: Tensor, signs: Tensor
    ) -> Float[Tensor, "neurons d_model"]:
        slices = neuron_slices(model.output_projections[layer])[index]
        if request.kind == ERASE:
            return -slices
        old = self._direction(model, request.object_ids[0], slices)
        new = self._direction(model, request.new_object_ids[0], slices)
        delta = self.lambda_new * new - self.lambda_old * old
        return delta * signs[:, None] if self.sign_corrected else delta

    def _direction(self, model: LoadedModel, token: int, slices: Tensor) -> Float[Tensor, "neurons d_model"]:
        """E(token), for every neuron alike or in the length of its slice."""
        table: Any = model.model.get_input_embeddings() if self.embedding == "input" else model.head
        vector = table.weight[token].detach()
        if self.scale == "norm":
            return vector / vector.norm() * slices.norm(dim=1, keepdim=True)
        return vector.expand(len(slices), -1)


def _signs(activations: Float[Tensor, " neurons"]) -> Float[Tensor, " neurons"]:
    """-1 where an activation is negative, else 1."""
    return torch.where(activations < 0, -1.0, 1.0).to(activations.dtype)
