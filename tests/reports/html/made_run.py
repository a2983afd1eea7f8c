"""Runs made of nothing, as small or as large as a test needs, with any text in every place that data can reach."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.consistency import QuerySets
from harness.records import ClaimRow, Manifest, RunRecord
from reports.run import EDIT_COLUMNS, SavedRun
from reports.saved_queries import SavedQueries

D_FF = 3072
LOCALIZERS = ("ig", "sig", "amig")
HOSTILE = (
    "</script><script>window.broken = 1</script><!-- <img src=x onerror='window.broken = 1'> \"'`&amp; ]]> \u2028\u2029"
    " \u202e \x00 =1+1 $x_1$ $"
)

LONG_WORDS = pytest.mark.filterwarnings("ignore:constrained_layout not applied:UserWarning")
"""A name of a hundred letters leaves no room for the drawing beside it."""


def made_run(
    *,
    n_facts: int = 40,
    localizers: Sequence[str] = LOCALIZERS,
    word: str = "",
    smoke: str | None = None,
    folder: str = "0001_made",
) -> SavedRun:
    """A run with `n_facts` facts of 36 relations a localizer; `word` is part of every text that is not a key."""
    manifest = Manifest(
        created="2026-01-02T03:04:05+00:00",
        command=f"pytest kntests{word}",
        versions={f"python{word}": f"3.11{word}"},
        platform={f"system{word}": f"Linux{word}"},
        models={f"gpt2{word}": {f"source{word}": f"hub{word}", "parameters": 124_439_808, "revision": None}},
        data={f"pararel{word}": {"facts": n_facts, "skipped": {f"why{word}": 3}}},
        settings={"draws": 10_000, "relations": [], f"store{word}": f"store{word}"},
        smoke=None if smoke is None else f"{smoke}{word}",
        seconds=12.5,
    )
    rows = tuple(_row(localizer, threshold, word) for localizer in localizers for threshold in ("static:0.1", "otsu"))
    held = word.encode(errors="replace").decode()  # tables refuse half a character
    facts = _facts(n_facts, localizers, held)
    return SavedRun(
        folder=Path(folder),
        record=RunRecord(manifest=manifest, claims=(*rows, _unasked(word))),
        facts=facts,
        edits=pd.DataFrame(columns=list(EDIT_COLUMNS)),
        measured={},
        figures={},
        queries=_queries(facts, held),
    )


def _queries(facts: pd.DataFrame, word: str) -> SavedQueries:
    """Two to six neurons a query, of which the first is that of the fact's other queries too."""
    rng = np.random.default_rng(2)
    k = facts["n_queries"].to_numpy()
    place, n = np.repeat(np.arange(len(facts)), k), int(k.sum())
    number = np.arange(n) - np.repeat(np.cumsum(k) - k, k)
    table = facts.loc[:, ["model", "localizer", "fact_uid"]].iloc[place].reset_index(drop=True)
    table["frame"] = [f"Of [X], pattern {at} asks for{word}" for at in number]
    table["known"], table["d_ff"] = rng.random(n) < 0.5, D_FF
    sizes = rng.integers(1, 6, n)
    own = np.repeat(np.arange(n), sizes) * 8 + np.concatenate([np.arange(size) for size in sizes])
    sets = QuerySets.from_lists(
        [int(shared) % 12 * D_FF, *(12 * D_FF + ids % (12 * D_FF)).tolist()]
        for shared, ids in zip(place, np.split(own, np.cumsum(sizes)[:-1]), strict=True)
    )
    return SavedQueries(table=table, sets=sets)


def _row(localizer: str, threshold: str, word: str) -> ClaimRow:
    static = threshold != "otsu"
    return ClaimRow(
        claim=f"prevalence{word}",
        statement=f"K_II exists extensively{word}",
        marker="statistical",
        model=f"gpt2{word}",
        localizer=f"{localizer}{word}",
        threshold=f"{threshold}{word}",
        verdict="SUPPORTED" if static else "INCONCLUSIVE",
        reason=f"The interval lies above the margin.{word}",
        expected="SUPPORTED",
        estimate=0.44 if static else 0.3,
        ci_low=0.4 if static else 0.2,
        ci_high=0.49 if static else 0.4,
        margin=0.25,
        p_value=1e-4,
        n_facts=1234,
        n_queries=9876,
        n_relations=36,
        extras={
            "cut": 0.1 if static else 0.5,
            "paper": {"cut": 0.1 if static else 0.45, "r_inconsistent": 0.44, f"said{word}": f"more{word}"},
            "by_relation": {f"P{n}{word}": {"n_facts": n, "share": n / 40} for n in range(36)},
            "curve": _curve(),
            "ceiling": 0.8,
            "floor": 0.1,
            "answer_floor": 0.05,
            "controls": [
                {
                    "name": f"retest ceiling{word}",
                    "passed": True,
                    "value": 0.7,
                    "bound": 0.3,
                    "explanation": f"no{word}",
                },
                {"name": "floor", "passed": False, "value": None, "bound": 0.1, "explanation": f"none{word}"},
            ],
            f"list{word}": [f"one{word}", 2, None, True],
            "nested": [{"a": [1, 2]}, {"b": {f"c{word}": []}}],
        },
    )


def _curve() -> dict[str, list[float]]:
    cuts = [place / 20 for place in range(20)]
    low, high = ([max(0.0, cut - 0.1) for cut in cuts], [min(1.0, cut + 0.1) for cut in cuts])
    return {"cuts": cuts, "shares": cuts, "low": low, "high": high}


def _unasked(word: str) -> ClaimRow:
    return ClaimRow(
        claim=f"agreement{word}",
        statement=f"Localizers agree{word}",
        marker="statistical",
        model=f"gpt2{word}",
        localizer="ig",
        threshold=None,
        verdict="NOT_APPLICABLE",
        reason=f"Give --localizer ig,sig.{word}",
    )


def _facts(n_facts: int, localizers: Sequence[str], word: str) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    syllables = np.array(["ka", "lo", "mi", "ne", "ru", "sta", "vor", "zé", "Ton", "berg", "shi", "qua"])
    subjects = ["".join(rng.choice(syllables, 5)).title() + f" {n}{word}" for n in range(n_facts)]
    objects = ["".join(rng.choice(syllables, 3)).title() + word for _ in range(min(n_facts, 1500))]
    facts = pd.DataFrame(
        {
            "fact_uid": [str(uuid.UUID(bytes=rng.bytes(16))) + word for _ in range(n_facts)],
            "relation": [f"P{n}{word}" for n in rng.integers(1, 37, n_facts)],
            "subject": subjects,
            "object": [objects[n] for n in rng.integers(0, len(objects), n_facts)],
            "n_queries": rng.integers(2, 20, n_facts),
        }
    )
    return pd.concat([_scored(facts, localizer + word, word, rng) for localizer in localizers], ignore_index=True)


def _scored(facts: pd.DataFrame, localizer: str, word: str, rng: np.random.Generator) -> pd.DataFrame:
    n = len(facts)
    union = rng.integers(1, 80, n)
    cs1, cs2 = rng.integers(0, 20, n) / union, rng.integers(0, 60, n) / union
    missing = rng.random(n) < 0.02
    return facts.assign(
        model=f"gpt2{word}",
        localizer=localizer,
        n_known=rng.integers(0, 3, n),
        neurons_per_query=rng.integers(0, 200, n) / facts["n_queries"].to_numpy(),
        union_size=union,
        cs1=np.where(missing, np.nan, np.minimum(cs1, 1)),
        cs2=np.where(missing, np.nan, np.minimum(cs2, 1)),
    )


def with_edits_and_figures(run: SavedRun) -> SavedRun:
    """The run with edits of its facts under its first localizer, and the data of every figure of the paper."""
    rng = np.random.default_rng(1)
    localizer = run.facts["localizer"].iloc[0]
    facts = run.facts[run.facts["localizer"] == localizer]
    keys = facts[["model", "localizer", "fact_uid", "relation"]]
    metrics = ("reliability", "generalization", "locality", "average", "perplexity_change")
    edits = [
        keys.assign(editor=editor, kind=kind, **{name: rng.random(len(keys)) for name in metrics})
        for editor in ("kn-local", "kn-global", "kn-cas")
        for kind in ("erase", "update")
    ]
    claim = replace(run.record.claims[0], claim="generalization_local", marker="modification")
    record = replace(run.record, claims=(*run.record.claims, claim))
    return replace(run, record=record, edits=pd.concat(edits, ignore_index=True), figures=_figures(keys, rng))


def _figures(keys: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    cell = {name: keys[name].iloc[0] for name in ("model", "localizer")}
    bars = [
        {**cell, "threshold": "static:0.1", "group": group, "bar": bar, "estimate": mean, "ci_low": mean - 0.1}
        | {"ci_high": mean + 0.1, "n_facts": 20}
        for group in ("K_I suppressed", "K_II suppressed")
        for bar, mean in zip(("own", "union", "random"), rng.normal(size=3), strict=True)
    ]
    violins = [
        {**cell, "threshold": "static:0.1", "group": group, "value": value}
        for group in ("K_I", "K_II")
        for value in rng.random(30)
    ]
    heat = [
        {**cell, "title": f"query {query} <&>", "row": f"layer {row}", "column": str(column), "value": rng.normal()}
        for query in range(2)
        for row in range(4)
        for column in range(12)
    ]
    shapes = {"1": heat, "4": bars, "5": violins, "6": bars, "7": heat, "10": heat}
    return {f"figure-{number}": pd.DataFrame(rows) for number, rows in shapes.items()}
