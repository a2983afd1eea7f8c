"""What would give other numbers is never read from another's entry: from a session's settings to the shards on disk."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.attribution.quadrature import Quadrature
from harness.execution.progress import Quiet
from harness.localizers import make_localizer
from harness.models.families import FAMILIES
from harness.models.families.family import Family
from harness.models.handle import resolve_model
from harness.pipeline import Settings, Workspace
from tests.random_models import random_model, random_variant, word_tokenizer

FACTS = 6


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a session is asked for.

    Attributes:
        model: folder of the model.
        localizer: name of the localizer.
        adapter: a family's row of one's own.
        settings: the rest.
    """

    model: Path
    localizer: str = "ig"
    adapter: Family | None = None
    settings: Settings = field(default_factory=lambda: Settings(quadrature=Quadrature(rule="right", steps=3)))

    def changed(self, **settings: Any) -> "Asked":
        return replace(self, settings=replace(self.settings, **settings))


class Counting(Quiet):
    """Counts the queries that are computed."""

    def __init__(self) -> None:
        self.computed = 0

    def advance(self, queries: int) -> None:
        self.computed += queries


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "model")


def saved(folder: Path, *, seed: int = 0) -> Path:
    random_model("llama", dtype=torch.float32, layers=2, seed=seed).model.save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, lines in {
        "patterns": ['{"pattern": "w1 [X] w2 [Y]."}', '{"pattern": "[X] w3 w4 w5 [Y]."}'],
        "facts": [
            f'{{"sub_label": "w{i}", "obj_label": "w{i + 30} w9", "uuid": "u{i}"}}' for i in range(10, 10 + FACTS)
        ],
    }.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "P1.jsonl").write_text("\n".join(lines))
    return tmp_path / "data"


def localized(asked: Asked, data: Path, store: Path) -> tuple[int, list[Any]]:
    """How many queries were computed, and the scores of all queries."""
    settings = replace(asked.settings, data=str(data), store=store, device="cpu")
    handle = resolve_model(str(asked.model), dtype=settings.dtype, device="cpu", adapter=asked.adapter)
    localizer = make_localizer(asked.localizer, quadrature=settings.quadrature, answer=settings.answer)
    counting = Counting()
    rows = Workspace(settings, counting).cell(handle, localizer).localized().rows
    assert (handle.n_loads > 0) == (counting.computed > 0)
    return counting.computed, [rows.columns["max_score"].tolist(), rows.stored.neurons.tolist(), rows.scores.tolist()]


def entries(store: Path) -> dict[Path, set[str]]:
    """Keys of the rows of every folder."""
    found: dict[Path, set[str]] = {}
    for shard in store.rglob("shard-*.parquet"):
        found.setdefault(shard.parent, set()).update(pq.read_table(shard)["row_key"].to_pylist())
    return found


def never_share(
    one: Asked, other: Asked, data: Path, *, between: Callable[[], object] = lambda: None, visibly: bool = True
) -> None:
    """Runs `one`, then `other` on the same store, which has to find what it finds on a store of its own.

    Where the two differ by rounding alone, and so not `visibly`, that they computed twice has to do.
    """
    root = data.parent
    queries, first = localized(one, data, root / "store")
    assert queries == 2 * FACTS
    before = entries(root / "store")
    between()
    computed, second = localized(other, data, root / "store")
    assert computed == 2 * FACTS
    after = entries(root / "store")
    assert len(after) == len(before) + 1
    assert {folder: after[folder] for folder in before} == before
    assert second == localized(other, data, root / "of its own")[1]
    assert second != first or not visibly, "had they shared, nobody would have seen it"
    assert localized(other, data, root / "store") == (0, second)


def test_two_models_with_the_same_prompts(model: Path, data: Path, tmp_path: Path) -> None:
    never_share(Asked(model=model), Asked(model=saved(tmp_path / "elsewhere/model", seed=1)), data)


def test_two_dtypes(model: Path, data: Path) -> None:
    never_share(Asked(model=model), Asked(model=model).changed(dtype="bfloat16"), data)


@pytest.mark.parametrize(
    ("localizer", "settings"),
    [
        ("ig", {"quadrature": Quadrature(rule="right", steps=4)}),
        ("sig", {}),
        pytest.param("ig", {"quadrature": Quadrature(rule="midpoint", steps=3)}, marks=pytest.mark.slow),
        pytest.param("ig", {"answer": "joint"}, marks=pytest.mark.slow),
        pytest.param("amig", {}, marks=pytest.mark.slow),
    ],
    ids=["steps", "sig", "rule", "answer", "amig"],
)
def test_two_localizer_configurations(localizer: str, settings: dict[str, Any], model: Path, data: Path) -> None:
    never_share(Asked(model=model), Asked(model=model, localizer=localizer).changed(**settings), data)


@contextmanager
def edited(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON of a file, written back when it was changed."""
    content = json.loads(path.read_text())
    yield content
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("change", ["vocabulary", "end of text"])
def test_two_tokenizers_of_the_same_weights(change: str, model: Path, data: Path, tmp_path: Path) -> None:
    """SIG puts the end-of-text token in the place of words; which token that is, no vocabulary tells."""
    other = shutil.copytree(model, tmp_path / "other/model")
    if change == "vocabulary":
        with edited(other / "tokenizer.json") as tokenizer:
            words = tokenizer["model"]["vocab"]
            words["w1"], words["w2"] = words["w2"], words["w1"]
    else:
        with edited(other / "tokenizer_config.json") as tokenizer:
            tokenizer["eos_token"] = "w99"
    never_share(Asked(model=model, localizer="sig"), Asked(model=other, localizer="sig"), data)


def test_weights_that_are_edited_under_the_same_path(model: Path, data: Path) -> None:
    def edit() -> None:
        weights = load_file(model / "model.safetensors")
        weights["model.layers.1.mlp.down_proj.weight"][0, 0] += 1
        save_file(weights, model / "model.safetensors", metadata={"format": "pt"})

    never_share(Asked(model=model), Asked(model=model), data, between=edit)


def test_an_index_that_chooses_other_weights_of_the_same_folder(model: Path, data: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").rename(model / "one.safetensors")
    shutil.copy(saved(tmp_path / "second", seed=1) / "model.safetensors", model / "two.safetensors")

    def choose(file: str) -> None:
        names = dict.fromkeys(load_file(model / file), file)
        index = {"metadata": {"total_size": 0}, "weight_map": names}
        (model / "model.safetensors.index.json").write_text(json.dumps(index))

    choose("one.safetensors")
    never_share(Asked(model=model), Asked(model=model), data, between=lambda: choose("two.safetensors"))


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_act": "gelu"},
        pytest.param({"rms_norm_eps": 0.1}, marks=pytest.mark.slow),
        pytest.param({"rope_parameters": {"rope_type": "default", "rope_theta": 10.0}}, marks=pytest.mark.slow),
    ],
    ids=lambda change: next(iter(change)),
)
def test_configurations_that_make_other_models_of_the_same_weights(
    change: dict[str, Any], model: Path, data: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(model, tmp_path / "other/model")
    with edited(other / "config.json") as config:
        config.update(change)
    never_share(Asked(model=model), Asked(model=other), data)


def test_a_soft_cap_of_the_logits(data: Path, tmp_path: Path) -> None:
    one = tmp_path / "model"
    random_variant("gemma2").model.save_pretrained(one)
    word_tokenizer().save_pretrained(one)
    other = shutil.copytree(one, tmp_path / "other/model")
    with edited(other / "config.json") as config:
        config["final_logit_softcapping"] = 1.5
    never_share(Asked(model=one), Asked(model=other), data)


def test_two_attention_implementations(model: Path, data: Path) -> None:
    rows = [replace(FAMILIES["llama"], attention=attention) for attention in ("sdpa", "eager")]
    never_share(*(Asked(model=model, adapter=row) for row in rows), data, visibly=False)


def test_a_limited_run_is_reused_by_the_full_one_and_never_taken_for_it(model: Path, data: Path) -> None:
    few, all_of_them, store = Asked(model=model).changed(limit=2), Asked(model=model), data.parent / "store"
    computed, of_few = localized(few, data, store)
    assert (computed, len(of_few[0])) == (4, 4)
    computed, of_all = localized(all_of_them, data, store)
    assert (computed, len(of_all[0])) == (2 * FACTS - 4, 2 * FACTS)
    assert localized(few, data, store) == (0, of_few)
    assert len(entries(store)) == 1
    alone = localized(all_of_them, data, data.parent / "of its own")[1]
    assert of_all[0] == pytest.approx(alone[0], rel=1e-4)  # other company, so other rounding
    assert set(of_few[0]) <= set(of_all[0])


def test_the_same_under_another_name_is_the_same(model: Path, data: Path, tmp_path: Path) -> None:
    """Where the files lie and what they are called changes no number."""
    store = tmp_path / "store"
    computed, found = localized(Asked(model=model), data, store)
    moved = model.rename(tmp_path / "renamed")
    assert localized(Asked(model=moved).changed(batch_size=3, seed=7, draws=100), data, store) == (0, found)
    assert computed == 2 * FACTS
