"""The edit as a function equals the edit in the weights, on both layouts of the projection; weights come back."""

import pytest
import torch

from harness.editing import ERASE, UPDATE, KnowledgeNeurons
from harness.editing.corrections import Correction, corrected, rewritten
from harness.editing.measuring import Question, ask
from harness.errors import ConfigError
from harness.models.loaded import LoadedModel
from harness.models.state import model_state
from tests.harness.editing.edits import cases_of, request_of
from tests.random_models import FAMILIES, random_model, random_queries

SETS = ("local", "global", "cas")


def logits(model: LoadedModel, prompts: list[tuple[int, ...]]) -> torch.Tensor:
    """At every position, one prompt at a time."""
    with torch.no_grad():
        return torch.cat([model.model(input_ids=torch.tensor([ids])).logits[0] for ids in prompts])


def naive_edit(model: LoadedModel, request, neurons: str, lambdas=(2.0, 2.0)) -> None:
    """Eq. 2 written down once more, slice by slice, for good."""
    embedding = model.model.get_input_embeddings().weight
    for layer, index in request.neuron_sets[neurons]:
        weight = model.output_projections[layer].weight
        row = weight[index] if type(model.output_projections[layer]).__name__ == "Conv1D" else weight[:, index]
        with torch.no_grad():
            if request.kind == ERASE:
                row.zero_()
            else:
                row -= lambdas[0] * embedding[request.object_ids[0]]
                row += lambdas[1] * embedding[request.new_object_ids[0]]


def inputs_at_the_end(model: LoadedModel, ids: tuple[int, ...]) -> list[torch.Tensor]:
    """What goes into every output projection at the last token."""
    seen: list[torch.Tensor] = []

    def hook(_module: torch.nn.Module, args: tuple[torch.Tensor]) -> None:
        seen.append(args[0][0, -1])

    handles = [projection.register_forward_pre_hook(hook) for projection in model.output_projections]
    logits(model, [ids])
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("neurons", SETS)
@pytest.mark.parametrize("kind", [ERASE, UPDATE])
@pytest.mark.parametrize("family", FAMILIES)
def test_function_and_weights_and_equation_2_agree(family: str, kind: str, neurons: str) -> None:
    model = random_model(family, dtype=torch.float32)
    request = request_of(model, kind, 2)
    prompts = [query.prompt_ids for query in random_queries([5, 9, 1])] + [request.prompt_ids]
    before = logits(model, prompts)
    found = []
    for in_weights in (False, True):
        editor = KnowledgeNeurons(neurons=neurons, in_weights=in_weights)
        with editor.edit(model.model, model.tokenizer, request):
            found.append(logits(model, prompts))
    naive_edit(model, request, neurons)
    expected = logits(model, prompts)
    assert (expected - before).abs().max() > 1e-2
    for values in found:
        assert (values - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.parametrize("kind", [ERASE, UPDATE])
@pytest.mark.parametrize("family", FAMILIES)
def test_many_edits_in_one_batch_are_each_their_own(family: str, kind: str) -> None:
    model = random_model(family)
    requests = [case.request for case in cases_of(model, kind)]
    editor = KnowledgeNeurons(neurons="global")
    corrections = editor.corrections(model, requests)
    prompts = [query.prompt_ids for query in random_queries([3, 8, 5, 1])]
    questions = [Question(ids, 7, owner) for owner in range(len(requests)) for ids in prompts]
    batched = iter(ask(model, questions, corrections))
    for request in requests:
        with editor.edit(model.model, model.tokenizer, request):
            for expected in ask(model, [Question(ids, 7) for ids in prompts]):
                answer = next(batched)
                assert answer.top == expected.top
                assert answer.probability == pytest.approx(expected.probability, rel=1e-9)


@pytest.mark.parametrize("kind", [ERASE, UPDATE])
@pytest.mark.parametrize("in_weights", [False, True])
def test_an_empty_set_changes_nothing_and_repeated_neurons_count_once(kind: str, in_weights: bool) -> None:
    model = random_model("gpt2")
    request = request_of(model, kind)
    prompts = [query.prompt_ids for query in random_queries([4])]
    before = logits(model, prompts)
    with KnowledgeNeurons(neurons="none", in_weights=in_weights).edit(model.model, model.tokenizer, request):
        assert torch.equal(logits(model, prompts), before)
    state = model_state(model.model)
    found = []
    for pairs in (((1, 3), (2, 5)), ((2, 5), (1, 3), (2, 5), (1, 3))):
        object.__setattr__(request, "neuron_sets", {"local": pairs})
        with KnowledgeNeurons(in_weights=in_weights).edit(model.model, model.tokenizer, request):
            found.append(logits(model, prompts))
    assert torch.equal(*found)
    assert state.differences(model_state(model.model)) == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_weights_come_back_bit_for_bit_also_after_an_error(family: str, dtype: torch.dtype) -> None:
    model = random_model(family, dtype=dtype)
    state = model_state(model.model)
    (correction,) = KnowledgeNeurons(neurons="global").corrections(model, [request_of(model, UPDATE)])
    for error in (None, ValueError, KeyboardInterrupt):
        try:
            with rewritten(model, correction), corrected(model, [(slice(None), correction)]):
                assert state.differences(model_state(model.model)) != []
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
        assert state.differences(model_state(model.model)) == []


def test_a_neuron_is_erased_to_exactly_zero() -> None:
    model = random_model("llama", dtype=torch.float32)
    request = request_of(model, ERASE)
    with KnowledgeNeurons(in_weights=True).edit(model.model, model.tokenizer, request):
        for layer, index in request.neuron_sets["local"]:
            assert (model.output_projections[layer].weight[:, index] == 0).all()


def test_output_embedding_and_norm_scaled_lambdas() -> None:
    model = random_model("llama")  # its embeddings are not tied
    request = request_of(model, UPDATE)
    (layer, index), *_ = request.neuron_sets["local"]
    old, new = request.object_ids[0], request.new_object_ids[0]
    row = model.output_projections[layer].weight[:, index]
    table = model.head.weight
    (plain,) = KnowledgeNeurons(embedding="output", lambda_old=1, lambda_new=3).corrections(model, [request])
    torch.testing.assert_close(plain.layers[layer].delta[0], 3 * table[new] - table[old])
    table = model.model.get_input_embeddings().weight
    (scaled,) = KnowledgeNeurons(scale="norm", lambda_old=1, lambda_new=8).corrections(model, [request])
    expected = row.norm() * (8 * table[new] / table[new].norm() - table[old] / table[old].norm())
    torch.testing.assert_close(scaled.layers[layer].delta[0], expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_share_of_nonpositive_neurons_and_the_sign_corrected_update(family: str) -> None:
    model = random_model(family)
    requests = [case.request for case in cases_of(model, UPDATE)]
    plain = KnowledgeNeurons(neurons="global").corrections(model, requests)
    signed = KnowledgeNeurons(neurons="global", sign_corrected=True).corrections(model, requests)
    shares = []
    for request, one, other in zip(requests, plain, signed, strict=True):
        seen = inputs_at_the_end(model, request.prompt_ids)
        values = torch.stack([seen[layer][index] for layer, index in sorted(request.neuron_sets["global"])])
        assert one.nonpositive == other.nonpositive == pytest.approx(float((values <= 0).double().mean()))
        turned = torch.cat([other.layers[layer].delta / one.layers[layer].delta for layer in sorted(one.layers)])
        torch.testing.assert_close(turned[:, 0], torch.where(values < 0, -1.0, 1.0).to(turned.dtype))
        shares.append(one.nonpositive)
    assert 0 < sum(shares) / len(shares) < 1


def test_an_empty_set_has_no_share() -> None:
    model = random_model("gpt2")
    (correction,) = KnowledgeNeurons(neurons="none").corrections(model, [request_of(model, ERASE)])
    assert (correction.n_neurons, correction.nonpositive) == (0, None)


def test_an_unknown_set_and_a_neuron_that_is_not_there() -> None:
    model = random_model("gpt2")
    request = request_of(model, ERASE)
    with pytest.raises(ConfigError, match=r"no neuron set 'globl'\. Did you mean global"):
        KnowledgeNeurons(neurons="globl").corrections(model, [request])
    object.__setattr__(request, "neuron_sets", {"local": ((1, model.d_ff),)})
    with pytest.raises(ConfigError, match="4 layers of 192 neurons"):
        KnowledgeNeurons().corrections(model, [request])


@pytest.mark.parametrize(
    "settings", [{"embedding": "both"}, {"scale": "l2"}, {"lambda_old": float("nan")}, {"lambda_new": float("inf")}]
)
def test_settings_out_of_range(settings: dict) -> None:
    with pytest.raises(ConfigError):
        KnowledgeNeurons(**settings)


def test_a_name_tells_what_is_not_as_in_the_paper() -> None:
    assert KnowledgeNeurons(neurons="cas").name == "kn-cas"
    other = KnowledgeNeurons(lambda_new=8, scale="norm", sign_corrected=True, in_weights=True)
    assert other.name == "kn-local-2,8-norm-signed-weights"


def test_items_of_a_batch_in_no_part_stay_as_they_are() -> None:
    model = random_model("gpt2")
    (correction,) = KnowledgeNeurons(neurons="global").corrections(model, [request_of(model, ERASE)])
    ids = torch.tensor([[3, 4, 5], [3, 4, 5], [3, 4, 5]])
    assert isinstance(correction, Correction)
    with torch.no_grad(), corrected(model, [(slice(1, 2), correction)]):
        found = model.model(input_ids=ids).logits
    torch.testing.assert_close(found[0], found[2])
    torch.testing.assert_close(found[0], model.model(input_ids=ids[:1]).logits[0])
    assert (found[1] - found[0]).abs().max() > 1e-3
