"""A masked language model from facts to a claim row, through the store: a random BERT and facts of one word each."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from harness.attribution.quadrature import Quadrature
from harness.claims import Prevalence, Procedure
from harness.consistency import StaticThreshold
from harness.localizers import make_localizer
from harness.models.handle import resolve_model
from harness.pipeline import Settings, Workspace
from tests.random_models import SPECIAL, cloze_tokenizer

PATTERNS = ["[X] lies in [Y].", "[Y] is the home of [X].", "[X] , a town of [Y] .", "[X] belongs to [Y] today."]
SUBJECTS = [f"town{i}" for i in range(6)]
COUNTRIES = ["north", "south", "east"]
FILLERS = ["lies", "in", "is", "the", "home", "of", "a", "town", "belongs", "to", "today", ".", ","]
WORDS = [*SUBJECTS, *COUNTRIES, *FILLERS]
RULE = Quadrature(rule="right", steps=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(SPECIAL) + len(WORDS),
            pad_token_id=SPECIAL.index("[PAD]"),
            max_position_embeddings=32,
            initializer_range=0.3,
            num_hidden_layers=2,
            hidden_size=16,
            num_attention_heads=2,
            intermediate_size=24,
        )
    )
    model.save_pretrained(folder)
    cloze_tokenizer(WORDS).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("towns")
    for name, lines in {
        "patterns": [{"pattern": text} for text in PATTERNS],
        "facts": [
            {"sub_label": town, "obj_label": country, "uuid": f"{town}"}
            for town, country in zip(SUBJECTS, [*COUNTRIES, "north", "far south", "west"], strict=True)
        ],
    }.items():
        (folder / name).mkdir()
        (folder / name / "P1.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


@pytest.fixture
def workspace(data: Path, tmp_path: Path) -> Workspace:
    return Workspace(Settings(data=str(data), quadrature=RULE, draws=100, store=tmp_path / "store"))


def test_from_facts_to_a_claim_row(folder: Path, workspace: Workspace, tmp_path: Path) -> None:
    handle, localizer = resolve_model(str(folder)), make_localizer("ig", quadrature=RULE)
    evidence = workspace.evidence(handle, localizer)
    assert evidence.unscored == {"the answer is more than one token": 4, "the answer is not in the vocabulary": 4}
    assert len(evidence.fact_of_query) == 4 * len(PATTERNS)
    row = workspace.judge(
        Prevalence(threshold=StaticThreshold(0.1), procedure=Procedure(draws=100)), handle, localizer, "static:0.1"
    )
    assert (row.n_facts, row.n_unscored) == (4, 8)
    folder_of_run = workspace.save_run([row], name="masked", command="pytest", seconds=1.0)
    manifest = json.loads((folder_of_run / "run.json").read_text())["manifest"]
    (name,) = manifest["data"]
    assert name.endswith(" (cloze)")
    assert manifest["data"][name]["patterns_used"] == 4

    again = resolve_model(str(folder))
    Workspace(workspace.settings).evidence(again, localizer)
    assert again.n_loads == 0  # everything was in the store


def test_stored_rows_are_the_models_own_answers(folder: Path, workspace: Workspace, tmp_path: Path) -> None:
    handle, localizer = resolve_model(str(folder)), make_localizer("ig", quadrature=RULE)
    workspace.evidence(handle, localizer)
    rows = [row for path in (tmp_path / "store").rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
    asked = {row["prompt"]: row for row in rows}
    tokenizer, model = handle.tokenizer, BertForMaskedLM.from_pretrained(folder).eval()
    for prompt in ("town0 lies in [Y].", "[Y] is the home of town1.", "town2 , a town of [Y] ."):
        ids = tokenizer(prompt.replace("[Y]", "[MASK]"), return_tensors="pt")["input_ids"]
        at = ids[0].tolist().index(tokenizer.mask_token_id)
        with torch.no_grad():
            p = model(input_ids=ids).logits[0, at].softmax(-1)
        row = asked[prompt]
        assert row["answer_probability"] == pytest.approx(float(p[tokenizer.get_vocab()[row["answer"]]]), rel=1e-4)
        assert row["neurons"]
