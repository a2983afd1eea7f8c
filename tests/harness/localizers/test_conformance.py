"""The conformance kit passes the built-in localizers and catches each way of misbehaving, by the right check."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.localizers import LOCALIZERS, AttributionMap, Localizer, make_localizer
from harness.localizers.conformance import CHECKS, Trial
from harness.localizers.integrated_gradients import IntegratedGradients
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.random_models import random_model, random_queries

LENGTHS = [6, 1, 3, 4]


def complaints(localizer: Localizer, family: str = "gpt2") -> dict[str, str]:
    """The checks that object, with what they say."""
    found: dict[str, str] = {}
    for name, check in CHECKS.items():
        model = random_model(family, dtype=torch.float32, layers=2)
        complaint = check(Trial(localizer=localizer, model=model, queries=random_queries(LENGTHS)))
        if complaint is not None:
            found[name] = complaint
    return found


@pytest.mark.parametrize("family", ["gpt2", pytest.param("llama", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", LOCALIZERS)
def test_built_in_localizers_conform(name: str, family: str) -> None:
    localizer = make_localizer(name, quadrature=Quadrature(rule="gauss-legendre", steps=10))
    assert complaints(localizer, family) == {}


@dataclass(frozen=True)
class Misbehaving:
    """Integrated gradients by a few nodes, spoilt by what a subclass does."""

    @property
    def name(self) -> str:
        return "misbehaving"

    def config(self) -> dict[str, Any]:
        return {"method": "integrated gradients, spoilt"}

    def maps(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], batch_size: int | None = None
    ) -> list[AttributionMap]:
        good = IntegratedGradients(quadrature=Quadrature(rule="gauss-legendre", steps=5))
        return good.attribute(model, queries, batch_size=batch_size)

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        return self.maps(model, queries, batch_size)


class Unwritable(Misbehaving):
    def config(self) -> dict[str, Any]:
        return {"scale": np.float32(2)}


class Changeable(Misbehaving):
    def config(self) -> dict[str, Any]:
        return {"time": float(np.random.default_rng().uniform())}


class SameVariant(Misbehaving):
    def variant(self) -> Localizer:
        return self


class OneTooMany(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        return [*self.maps(model, queries), *self.maps(model, queries[:1])] if queries else []


class Transposed(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        return [replace(m, scores=np.ascontiguousarray(m.scores.T)) for m in self.maps(model, queries)]


class NotFinite(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        return [replace(m, scores=m.scores / 0 * 0) for m in self.maps(model, queries)]


class Random(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        rng = np.random.default_rng()
        return [replace(m, scores=rng.permuted(m.scores)) for m in self.maps(model, queries)]


class NormedByCompany(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        found = self.maps(model, queries)
        mean = np.mean([m.scores for m in found], axis=0) if found else 0
        return [replace(m, scores=m.scores - mean) for m in found]


class Ordered(Misbehaving):
    """Gives the maps in the order of the queries' lengths."""

    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        return self.maps(model, sorted(queries, key=lambda query: len(query.prompt_ids)))


class LeavesHook(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        model.blocks[0].register_forward_hook(lambda *_: None)
        return self.maps(model, queries)


class LeavesWeights(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        with torch.no_grad():
            next(iter(model.model.parameters())).data[0, 0] += 1
        return self.maps(model, queries)


class LeavesGradients(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        model.model.requires_grad_(True)
        return self.maps(model, queries)


class LeavesTraining(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        found = self.maps(model, queries)
        model.model.train()
        return found


class PatchesWithoutFinally(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        handle = model.blocks[0].register_forward_hook(lambda *_: None)
        found = self.maps(model, queries)
        handle.remove()
        return found


class Swallows(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        try:
            return self.maps(model, queries)
        except Exception:
            shape = (model.n_layers, model.d_ff)
            return [AttributionMap(scores=np.zeros(shape, np.float32), completeness_gap=None) for _ in queries]


class Divides(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        with np.errstate(invalid="ignore"):
            return [replace(m, scores=m.scores / np.abs(m.scores).max()) for m in self.maps(model, queries)]


class Incomplete(Misbehaving):
    def attribute(self, model: Any, queries: Any, *, batch_size: Any) -> list[AttributionMap]:
        return [replace(m, completeness_gap=0.9) for m in self.maps(model, queries)]


@pytest.mark.parametrize(
    ("localizer", "check", "words"),
    [
        (Unwritable(), "configuration", "builtin types only"),
        (Changeable(), "configuration", "something else every time"),
        (SameVariant(), "configuration", r"same config\(\)"),
        (OneTooMany(), "maps", "4 queries gave 5 maps"),
        (Transposed(), "maps", r"has shape \(192, 2\)"),
        (Random(), "deterministic", "the second time"),
        (NormedByCompany(), "batch_invariant", "asked for alone"),
        (Ordered(), "batch_invariant", "in reverse order|in batches|alone"),
        (LeavesHook(), "leaves_the_model_alone", "hooks of transformer.h.0"),
        (LeavesWeights(), "leaves_the_model_alone", "tensor .*weight"),
        (LeavesGradients(), "leaves_the_model_alone", "gradient"),
        (LeavesTraining(), "leaves_the_model_alone", "training"),
        (PatchesWithoutFinally(), "cleans_up_after_an_exception", "hooks of transformer.h.0"),
        (Swallows(), "cleans_up_after_an_exception", "swallowed"),
        (Divides(), "degenerate_maps", "neurons do nothing"),
        (Incomplete(), "completeness", "0.90"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Misbehaving) else None,
)
def test_misbehaviour_is_caught_by_its_check(localizer: Localizer, check: str, words: str) -> None:
    model = random_model("gpt2", dtype=torch.float32, layers=2)
    complaint = CHECKS[check](Trial(localizer=localizer, model=model, queries=random_queries(LENGTHS)))
    assert complaint is not None
    assert re.search(words, complaint), complaint


def test_scores_that_are_not_finite_are_caught() -> None:
    with np.errstate(all="ignore"):
        assert "not finite" in complaints(NotFinite())["maps"]
