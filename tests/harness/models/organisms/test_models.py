"""Planted models do what they were built to do: answer, by the neurons and the attention that were planted."""

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.activations.answers import answer_statistics
from harness.activations.last_token import run_last_token
from harness.execution.plan import Plan, Request, make_plan
from harness.localizers import make_localizer
from harness.localizers.integrated_gradients import IntegratedGradients
from harness.localizers.selection import Selection, keep_largest
from harness.models.handle import ModelHandle
from harness.models.hooks import replacing_input
from harness.models.loaded import LoadedModel
from harness.models.organisms.growing import grow
from harness.models.organisms.recipe import ARCHITECTURES, Recipe
from harness.models.organisms.stream import CARRIED, HEADS
from harness.models.organisms.world import World, words
from harness.pipeline.retest import HARMLESS_CHANGES
from tests.planted import SMALL, planted_handle

VARIED = replace(SMALL, overlap=0.3, neurons=(2, 4), sharing_relations=0.5, layers=3)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def handle(request: pytest.FixtureRequest) -> ModelHandle:
    return planted_handle(VARIED, request.param)


@pytest.fixture(scope="module")
def model(handle: ModelHandle) -> LoadedModel:
    return handle.loaded()


@pytest.fixture(scope="module")
def world() -> World:
    return grow(VARIED)


@pytest.fixture(scope="module")
def plan(handle: ModelHandle, world: World) -> Plan:
    found = make_plan(world.dataset.queries(), handle.tokenizer, context_length=handle.context_length)
    assert len(found.requests) == world.dataset.n_queries
    return found


def planted(world: World, request: Request) -> list[int]:
    return world.truth[request.query.fact.uid, request.query.pattern_id].to_flat(world.d_ff)


def probabilities(model: LoadedModel, requests: tuple[Request, ...]) -> np.ndarray:
    return np.array([s.answer_probability for s in answer_statistics(model, [r.encoded for r in requests])])


def test_answers_are_right_and_about_as_probable_as_aimed_at(model: LoadedModel, world: World, plan: Plan) -> None:
    statistics = answer_statistics(model, [request.encoded for request in plan.requests])
    assert np.mean([s.top_token_is_answer for s in statistics]) >= 0.99
    p = np.array([s.answer_probability for s in statistics])
    assert ((p > 0.5) & (p < 0.95)).all()
    aimed = np.repeat([fact.probability for fact in world.facts], world.recipe.paraphrases)
    np.testing.assert_allclose(p, aimed, atol=0.08)
    assert np.corrcoef(p, aimed)[0, 1] > 0.9


def agreement(world: World, requests: tuple[Request, ...], maps: list[np.ndarray]) -> tuple[float, float]:
    """Precision and recall of knowledge neurons at t = 0.2 against the planted ones, over all queries."""
    hits = found = there = 0
    for request, scores in zip(requests, maps, strict=True):
        kept = keep_largest(scores)
        chosen = set(Selection(t=0.2).select(kept.neurons, kept.scores, kept.max_score).tolist())
        truth = set(planted(world, request))
        hits, found, there = hits + len(chosen & truth), found + len(chosen), there + len(truth)
    return hits / found, hits / there


def test_integrated_gradients_finds_the_planted_neurons(model: LoadedModel, world: World, plan: Plan) -> None:
    maps = IntegratedGradients().attribute(model, [r.encoded for r in plan.requests], batch_size=None)
    precision, recall = agreement(world, plan.requests, [found.scores for found in maps])
    assert precision >= 0.95
    assert recall >= 0.95
    shifted = [np.roll(found.scores, 1, axis=1) for found in maps]
    assert max(agreement(world, plan.requests, shifted)) < 0.1


def test_planted_neurons_fire_for_their_queries_alone(model: LoadedModel, world: World, plan: Plan) -> None:
    state = run_last_token(model, [request.encoded for request in plan.requests])
    fires = state.neurons.permute(1, 0, 2).flatten(1).numpy() > 1
    distractors = [n.at.layer * world.d_ff + n.at.index for n in world.neurons if n.distractor]
    assert fires[:, distractors].any()
    fires[:, distractors] = False
    for row, request in zip(fires, plan.requests, strict=True):
        assert np.flatnonzero(row).tolist() == planted(world, request)


def test_harmless_changes_are_harmless(handle: ModelHandle, model: LoadedModel, world: World, plan: Plan) -> None:
    unmodified = probabilities(model, plan.requests)
    for change in HARMLESS_CHANGES[1:]:
        queries = [replace(request.query, prompt=change(request.query.prompt)) for request in plan.requests]
        changed = make_plan(queries, handle.tokenizer, context_length=handle.context_length)
        np.testing.assert_allclose(probabilities(model, changed.requests), unmodified, atol=1e-3)


def without(model: LoadedModel, request: Request, neurons: list[int]) -> float:
    """p(answer) while these neurons are 0 at the last token."""
    by_layer = [[n % model.d_ff for n in neurons if n // model.d_ff == layer] for layer in range(model.n_layers)]

    def silence(indices: list[int]):
        def replaced(value: torch.Tensor) -> torch.Tensor:
            changed = value.clone()
            changed[:, -1, indices] = 0
            return changed

        return replaced

    with ExitStack() as stack:
        for projection, indices in zip(model.output_projections, by_layer, strict=True):
            stack.enter_context(replacing_input(projection, silence(indices)))
        return float(probabilities(model, (request,))[0])


def test_without_its_planted_neurons_an_answer_is_gone_and_without_others_it_stays(
    model: LoadedModel, world: World, plan: Plan
) -> None:
    rng = np.random.default_rng(0)
    for request in plan.requests[::17]:
        truth = planted(world, request)
        others = np.setdiff1d(np.arange(model.n_layers * model.d_ff), truth)
        before = float(probabilities(model, (request,))[0])
        assert without(model, request, truth) < 0.05
        # Of the others only distractors are active, and they matter by the length of the stream alone.
        same_number = rng.choice(others, size=len(truth), replace=False).tolist()
        assert abs(without(model, request, same_number) - before) < 0.05


def words_of(world: World, request: Request) -> dict[str, int]:
    """Position of the word of each kind that a head carries."""
    vocabulary = [word for of_kind in words(world.recipe).values() for word in of_kind]
    tokens = [vocabulary[i] for i in request.encoded.prompt_ids]
    kinds = words(world.recipe)
    return {kind: next(i for i, token in enumerate(tokens) if token in kinds[kind]) for kind in CARRIED}


def test_each_head_looks_at_its_word_and_the_rest_at_the_start(handle: ModelHandle, world: World, plan: Plan) -> None:
    from transformers import AutoModelForCausalLM

    eager = AutoModelForCausalLM.from_pretrained(handle.folder, attn_implementation="eager")
    for request in plan.requests[::7]:
        ids = torch.tensor([request.encoded.prompt_ids])
        attention = eager(ids, output_attentions=True).attentions
        where = words_of(world, request)
        for head, kind in enumerate(CARRIED):
            assert attention[0][0, head, -1, where[kind]] > 0.999
        for layer in attention[1:]:
            assert layer.shape[1] == HEADS
            assert (layer[0, :, -1, 0] > 0.99).all()


@pytest.mark.parametrize("kind", CARRIED)
def test_a_word_that_the_last_position_may_not_see_switches_off_the_neurons_that_wait_for_it(
    kind: str, model: LoadedModel, world: World, plan: Plan
) -> None:
    at = {n.at.layer * world.d_ff + n.at.index: n for n in world.neurons}
    for request in plan.requests[::11]:
        n = len(request.encoded.prompt_ids)
        mask = torch.full((n, n), torch.finfo(torch.float32).min).triu(1)
        mask[-1, words_of(world, request)[kind]] = torch.finfo(torch.float32).min
        seen: list[torch.Tensor] = []

        def keep(value: torch.Tensor, seen: list[torch.Tensor] = seen) -> torch.Tensor:
            seen.append(value[0, -1])
            return value

        with ExitStack() as stack:
            for projection in model.output_projections:
                stack.enter_context(replacing_input(projection, keep))
            model.model(torch.tensor([request.encoded.prompt_ids]), attention_mask=mask[None, None])
        activations = torch.stack(seen).flatten()
        for neuron in planted(world, request):
            if getattr(at[neuron], kind) is None:
                assert activations[neuron] > 5
            else:
                assert activations[neuron] < 0.1


def test_noise_costs_precision_by_degrees() -> None:
    def quality(noise: float) -> float:
        recipe = replace(SMALL, noise=noise)
        handle, world = planted_handle(recipe, "gpt2"), grow(recipe)
        plan = make_plan(world.dataset.queries(), handle.tokenizer, context_length=handle.context_length)
        localizer = make_localizer("ig", quadrature=IntegratedGradients().quadrature)
        maps = localizer.attribute(handle.loaded(), [r.encoded for r in plan.requests], batch_size=None)
        return min(agreement(world, plan.requests, [found.scores for found in maps]))

    little, much = quality(0.02), quality(1.0)
    assert little > 0.9
    assert much < 0.5


def test_a_deeper_world_of_one_relation_is_planted_too() -> None:
    recipe = Recipe(name="one", relations=1, facts=3, subjects=3, objects=2, objects_a_relation=1, layers=4)
    handle, world = planted_handle(recipe, "llama"), grow(recipe)
    plan = make_plan(world.dataset.queries(), handle.tokenizer, context_length=handle.context_length)
    assert (probabilities(handle.loaded(), plan.requests) > 0.5).all()
