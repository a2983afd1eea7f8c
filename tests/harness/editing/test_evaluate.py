"""The driver: the same scores in batches and one by one, restoration watched, leaks named, third parties at work."""

import re
import resource
import sys
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from harness.editing import (
    EDITORS,
    ERASE,
    UPDATE,
    Editor,
    KnowledgeNeurons,
    encode_passages,
    evaluate_edits,
    make_editor,
)
from harness.editing.measuring import Text, negative_log_likelihoods
from harness.errors import ConfigError, EditError
from harness.models.loaded import LoadedModel
from harness.models.state import model_state
from tests.harness.editing.edits import Source, cases_of
from tests.random_models import random_model

PASSAGES = tuple(tuple((7 * i + 3 * j) % 100 + 1 for j in range(32 + 4 * i)) for i in range(7))


def model() -> LoadedModel:
    return random_model("gpt2", layers=2)


@pytest.mark.parametrize("kind", [ERASE, UPDATE])
def test_batched_and_one_by_one_give_the_same_rows(kind: str) -> None:
    source = Source(model)
    cases = cases_of(source.loaded(), kind, n_passages=len(PASSAGES))
    assert len(cases) > 8
    batched = evaluate_edits(source, cases, KnowledgeNeurons(neurons="global"), passages=PASSAGES)
    single = evaluate_edits(source, cases, KnowledgeNeurons(neurons="global", in_weights=True), passages=PASSAGES)
    for one, other in zip(batched, single, strict=True):
        assert (one.fact_uid, one.n_neurons, one.nonpositive) == (other.fact_uid, other.n_neurons, other.nonpositive)
        assert asdict(one.scores) == pytest.approx(asdict(other.scores), rel=1e-9)
        assert one.scores.delta_perplexity != 0
        assert one.n_neighbors + one.n_unknown_neighbors == 3
        assert one.n_other == 3
        assert 1 <= one.n_same <= 2
        assert one.n_predicted == sum(len(PASSAGES[n]) - 1 for n in cases[batched.index(one)].passages)
    assert source.n_loads == 1


def test_an_empty_edit_changes_no_score_at_all() -> None:
    source = Source(model)
    cases = cases_of(source.loaded(), ERASE, n_passages=len(PASSAGES))
    for row in evaluate_edits(source, cases, KnowledgeNeurons(neurons="none"), passages=PASSAGES):
        assert (row.scores.locality, row.scores.locality_p, row.scores.delta_perplexity) == (1, 1, 0)


def test_no_cases_no_rows() -> None:
    assert evaluate_edits(Source(model), [], KnowledgeNeurons()) == []


@pytest.mark.slow
def test_five_hundred_edits_in_one_process_leave_every_bit_and_no_memory() -> None:
    source = Source(lambda: random_model("gpt2", dtype=torch.float32, layers=1))
    state = model_state(source.loaded().model)
    cases = [
        replace(case, other=case.other[:1], same=(), neighbors=()) for case in cases_of(source.loaded(), UPDATE)[:10]
    ]
    editor = KnowledgeNeurons(neurons="global", in_weights=True)
    evaluate_edits(source, cases * 3, editor)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = evaluate_edits(source, cases * 50, editor, check_every=250)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(rows) == 500
    assert source.n_loads == 1
    assert state.differences(model_state(source.loaded().model)) == []
    assert asdict(rows[0].scores) == asdict(rows[-10].scores)
    assert grown < 10_000 * (1 if sys.platform == "linux" else 1024)  # 10 MB; a copy of the projection kept would be 18


class Breaks:
    """Writes into a weight and is interrupted inside; whether it undoes that is up to the subclass."""

    name = "breaks"

    def config(self) -> dict[str, object]:
        return {}

    @contextmanager
    def edit(self, model, tokenizer, request):
        weight = next(model.parameters())
        kept = weight.detach().clone()
        with torch.no_grad():
            weight += 1
        self.inside(model)
        yield
        with torch.no_grad():
            weight.copy_(kept)

    def inside(self, model) -> None:
        raise NotImplementedError


class Fails(Breaks):
    def inside(self, model) -> None:
        raise ZeroDivisionError("no reason")


class Interrupted(Breaks):
    def inside(self, model) -> None:
        raise KeyboardInterrupt


def test_an_error_inside_an_edit_that_is_not_undone_is_a_leak() -> None:
    source = Source(model)
    cases = cases_of(source.loaded(), ERASE)
    with pytest.raises(EditError, match=r"tensor transformer\.wte\.weight changed") as caught:
        evaluate_edits(source, cases, Fails())
    assert caught.value.editor == "breaks"
    assert isinstance(caught.value.__context__, EditError)
    assert "ZeroDivisionError: no reason" in str(caught.value.__context__)


def test_an_interruption_comes_through_and_the_model_is_loaded_anew() -> None:
    source = Source(model)
    cases = cases_of(source.loaded(), ERASE)
    with pytest.raises(KeyboardInterrupt):
        evaluate_edits(source, cases, Interrupted())
    source.loaded()
    assert source.n_loads == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("name", sorted({*EDITORS} - {"rank-one", "rank-one-query"}))
def test_our_editors_restore_after_whatever_happens_inside(name: str, error: type[BaseException]) -> None:
    found = model()
    request = cases_of(found, UPDATE)[0].request
    state = model_state(found.model)
    with pytest.raises(error), make_editor(name).edit(found.model, found.tokenizer, request):
        raise error
    assert state.differences(model_state(found.model)) == []


def leaking(how):
    """An editor that does `how` and never undoes it."""

    class Leaking:
        name = "leaking"

        def config(self) -> dict[str, object]:
            return {}

        @contextmanager
        def edit(self, model, tokenizer, request):
            how(model)
            yield

    return Leaking()


def _in_place(model) -> None:
    with torch.no_grad():
        model.transformer.h[1].mlp.c_proj.weight[3, 4] += 1e-6


def _behind_the_counter(model) -> None:
    model.transformer.h[1].mlp.c_proj.weight.data[3] += 1e-3


def _numpy(model) -> None:
    model.transformer.h[0].mlp.c_fc.bias.detach().numpy()[:] += 1e-3


def _replaced(model) -> None:
    old = model.lm_head
    model.lm_head = torch.nn.Linear(old.in_features, old.out_features, bias=False, dtype=old.weight.dtype)


def _wants_gradients(model) -> None:
    model.transformer.wpe.weight.requires_grad_(True)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (_in_place, "tensor transformer.h.1.mlp.c_proj.weight changed"),
        (_behind_the_counter, "tensor transformer.h.1.mlp.c_proj.weight changed"),
        (_numpy, "tensor transformer.h.0.mlp.c_fc.bias changed"),
        (_replaced, "module lm_head changed"),
        (_wants_gradients, "flag transformer.wpe.weight gradient changed"),
        (lambda model: model.lm_head.register_forward_hook(lambda *_: None), "hooks of lm_head changed"),
        (lambda model: model.train(), "training changed"),
        (
            lambda model: setattr(model.transformer.h[0].mlp, "forward", lambda x: 0 * x),
            "answers to a probe text changed",
        ),
    ],
)
def test_every_leak_is_named_after_the_first_edit(how, words: str) -> None:
    source = Source(model)
    cases = cases_of(source.loaded(), ERASE)
    with pytest.raises(EditError, match="'leaking' does not give the model back") as caught:
        evaluate_edits(source, cases, leaking(how))
    assert words in str(caught.value)
    assert "(after one edit)" in str(caught.value)
    assert caught.value.leaks
    source.loaded()
    assert source.n_loads == 2


def test_what_no_cheap_look_finds_is_found_at_the_end() -> None:
    """A weight that the probe text does not use, written behind the counter."""

    def how(found) -> None:
        found.transformer.wpe.weight.data[60] += 1  # beyond the probe's sixteen positions

    source = Source(model)
    cases = cases_of(source.loaded(), ERASE)
    with pytest.raises(EditError, match=r"transformer\.wpe\.weight changed") as caught:
        evaluate_edits(source, cases, leaking(how))
    assert f"(after {len(cases)} edits)" in str(caught.value)


THIRD_PARTY = """
from contextlib import contextmanager

class Scale:
    name = "scale"
    def __init__(self, factor=0.0):
        self.factor = factor
    def config(self):
        return {"factor": self.factor}
    @contextmanager
    def edit(self, model, tokenizer, request):
        assert request.kind in ("erase", "update") and request.subject in request.prompt
        assert tokenizer(request.prompt)["input_ids"] == list(request.prompt_ids)
        layer, index = request.neuron_sets["local"][0]
        handle = model.transformer.h[layer].mlp.register_forward_hook(lambda m, i, o: self.factor * o)
        try:
            yield model
        finally:
            handle.remove()

class Leaky(Scale):
    name = "leaky"
    @contextmanager
    def edit(self, model, tokenizer, request):
        model.transformer.h[0].mlp.register_forward_hook(lambda m, i, o: self.factor * o)
        yield model

identity = Scale(1.0)
no_editor = 3
half_an_editor = type("Half", (), {"name": "half"})

class Picky(Scale):
    def __init__(self, factor):
        pass

class NoContext(Scale):
    name = "no context"
    def edit(self, model, tokenizer, request):
        return model
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "their_editors.py").write_text(THIRD_PARTY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("their_editors", None)
    return "their_editors"


def test_somebody_elses_editor_runs_without_importing_us(third_party: str) -> None:
    source = Source(model)
    cases = cases_of(source.loaded(), UPDATE, n_passages=len(PASSAGES))
    editor = make_editor(f"{third_party}:Scale")
    assert isinstance(editor, Editor)
    rows = evaluate_edits(source, cases, editor, passages=PASSAGES)
    assert {(row.editor, row.n_neurons, row.nonpositive) for row in rows} == {("scale", None, None)}
    assert all(row.scores.delta_perplexity for row in rows)
    for row in evaluate_edits(source, cases, make_editor(f"{third_party}:identity"), passages=PASSAGES):
        assert row.scores.delta_perplexity == pytest.approx(0, abs=1e-12)
        assert row.scores.locality == 1
    assert source.n_loads == 1


def test_somebody_elses_leak_is_named_and_the_next_editor_gets_a_fresh_model(third_party: str) -> None:
    source = Source(model)
    cases = cases_of(source.loaded(), UPDATE)
    state = model_state(source.loaded().model).tensors
    with pytest.raises(EditError, match=r"'leaky'.*hooks of transformer\.h\.0\.mlp changed"):
        evaluate_edits(source, cases, make_editor(f"{third_party}:Leaky"))
    assert len(evaluate_edits(source, cases, make_editor(f"{third_party}:Scale"))) == len(cases)
    assert model_state(source.loaded().model).tensors == state


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kn-locl", "Did you mean kn-local"),
        ("their_editors:missing", "no attribute"),
        ("their_editors:no_editor", "int has no name, config, edit"),
        ("their_editors:half_an_editor", "Half has no config, edit"),
        ("their_editors:Picky", "failed when it was called without arguments: TypeError"),
        ("nowhere:Editor", "nowhere cannot be imported"),
    ],
)
def test_what_is_no_editor(name: str, words: str, third_party: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_editor(name)


def test_an_edit_that_is_no_context_manager(third_party: str) -> None:
    source = Source(model)
    with pytest.raises(EditError, match="gave GPT2LMHeadModel, not a context manager"):
        evaluate_edits(source, cases_of(source.loaded(), ERASE), make_editor(f"{third_party}:NoContext"))


def test_a_broken_model_has_no_perplexity() -> None:
    def how(found) -> None:
        with torch.no_grad():
            found.lm_head.weight.fill_(float("nan"))

    class Undone(type(leaking(how))):
        @contextmanager
        def edit(self, model, tokenizer, request):
            kept = model.lm_head.weight.detach().clone()
            how(model)
            yield
            with torch.no_grad():
                model.lm_head.weight.copy_(kept)

    source = Source(model)
    cases = cases_of(source.loaded(), ERASE, n_passages=len(PASSAGES))
    (row, *_) = evaluate_edits(source, cases[:1], Undone(), passages=PASSAGES)
    assert row.scores.perplexity_after is row.scores.delta_perplexity is None
    assert row.scores.perplexity_before > 1


def test_the_example_of_the_documentation_runs() -> None:
    page = (Path(__file__).parents[3] / "docs/methods/editing.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, type] = {}
    exec(code, names)
    source = Source(model)
    cases = cases_of(source.loaded(), ERASE)
    rows = evaluate_edits(source, cases, names["Halve"]())
    assert {row.editor for row in rows} == {"halve"}
    changes = evaluate_edits(source, cases, KnowledgeNeurons(neurons="none"))
    assert [row.scores.reliability_p for row in rows] != [row.scores.reliability_p for row in changes]


def test_passages_are_cut_and_short_ones_left_out() -> None:
    found = model()
    texts = ["w1 " * 31, "w2 " * 32, "w3 " * 200]
    assert [len(ids) for ids in encode_passages(found.tokenizer, texts, context_length=64)] == [32, 64]
    assert [len(ids) for ids in encode_passages(found.tokenizer, texts[2:] * 2, context_length=1024)] == [200, 200]
    assert len(negative_log_likelihoods(found, [Text((1, 2, 3))])) == 1
