"""A saved run of made-up numbers, with everything that reports read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.records import ClaimRow, Manifest, RunRecord

MANIFEST = Manifest(
    created="2026-01-01T00:00:00+00:00",
    command="pytest kntests --model gpt2",
    versions={"python": "3.11"},
    platform={"system": "Linux"},
    models={"gpt2": {"source": "openai-community/gpt2"}, "mine": {"source": "mine"}},
    data={"pararel": {"facts": 24_943, "relations": 35}},
    settings={"seed": 0, "limit": None, "relations": [], "known_only": False},
    smoke=None,
    seconds=1.5,
)
CURVE = {
    "cuts": [0.0, 0.1, 0.2, 0.3],
    "shares": [0.1, 0.44, 0.7, 0.9],
    "low": [0.0, 0.3, 0.6, 0.8],
    "high": [0.3, 0.5, 0.8, 1.0],
}
ROW = ClaimRow(
    claim="prevalence",
    statement="K_II exists extensively: more than 25% of facts have a CS2 at or below the threshold",
    marker="statistical",
    model="gpt2",
    localizer="ig",
    threshold="static:0.1",
    verdict="SUPPORTED",
    reason="The interval lies wholly above the margin.",
    estimate=0.444,
    ci_low=0.401,
    ci_high=0.489,
    margin=0.25,
    n_facts=300,
    n_relations=10,
    extras={
        "cut": 0.1,
        "mean_cs2": 0.13,
        "ceiling": 0.8,
        "floor": 0.05,
        "answer_floor": 0.04,
        "curve": CURVE,
        "paper": {
            "r_consistent": 0.55,
            "s_consistent": 0.22,
            "r_inconsistent": 0.45,
            "s_inconsistent": 0.04,
            "welch_t": 201.4,
            "welch_p": 1e-9,
            "cut": 0.1,
        },
    },
)
REPLICATION = replace(
    ROW,
    claim="replication",
    verdict="REFUTED",
    estimate=0.45,
    ci_low=0.43,
    ci_high=0.47,
    margin=0.05,
    paper_value=0.44,
    extras={"replication": "differs", "paper": ROW.extras["paper"]},
)
SEPARATION = replace(
    ROW, claim="separation", verdict="INCONCLUSIVE", estimate=0.09, ci_low=0.02, ci_high=0.12, margin=0.05
)
AGREEMENT = replace(
    ROW,
    claim="agreement",
    localizer="ig+sig",
    estimate=0.61,
    ci_low=0.5,
    ci_high=0.7,
    margin=0.4,
    extras={"paper": {"unanimous_inconsistent": 0.4}},
)
VOID = replace(
    ROW, claim="trend", model="gpt2+mine", verdict="VOID", estimate=None, ci_low=None, ci_high=None, extras={}
)
CELLS = (("gpt2", "ig"), ("gpt2", "sig"), ("mine", "ig"), ("mine", "sig"))
CLAIMS = (
    *(replace(ROW, model=model, localizer=localizer) for model, localizer in CELLS),
    replace(ROW, threshold="otsu"),
    *(replace(SEPARATION, model=model, localizer=localizer) for model, localizer in CELLS),
    REPLICATION,
    AGREEMENT,
    VOID,
)


def save(
    folder: Path, *, claims: tuple[ClaimRow, ...] = CLAIMS, edits: pd.DataFrame | None = None, **manifest: Any
) -> Path:
    """Writes the run, its edits and the data of its figures.

    Args:
        folder: becomes the run's.
        claims: its rows.
        edits: its edits; made up if None.
        manifest: what is otherwise in the manifest.
    """
    for part in ("measured", "figures"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    record = RunRecord(manifest=replace(MANIFEST, **manifest), claims=claims)
    (folder / "run.json").write_text(record.to_json())
    facts().to_csv(folder / "facts.csv", index=False)
    (made_up_edits() if edits is None else edits).to_csv(folder / "edits.csv", index=False)
    mapped = facts()[["model", "localizer", "fact_uid", "relation"]].assign(union=0.5)
    mapped.to_csv(folder / "measured" / "mapping.csv", index=False)
    for name, data in figure_data().items():
        data.to_csv(folder / "figures" / f"{name}.csv", index=False)
    return folder


def facts(relations: int = 10, a_relation: int = 6) -> pd.DataFrame:
    """Half of the facts below 0.1, half above; the last has no score."""
    rows = [
        {
            "model": model,
            "localizer": localizer,
            "fact_uid": f"{relation}-{fact}",
            "relation": f"P{relation + 17}",
            "subject": "NA" if fact == 0 else f"subject {fact}",
            "object": "None",
            "n_queries": 5,
            "n_known": 4,
            "cs1": 0.01,
            "cs2": 0.02 + 0.01 * relation / 10 if fact % 2 else 0.3 + 0.02 * fact + 0.01 * relation,
        }
        for model, localizer in CELLS
        for relation in range(relations)
        for fact in range(a_relation)
    ]
    frame = pd.DataFrame(rows)
    frame.loc[frame.index[-1], "cs2"] = np.nan
    return frame


def made_up_edits() -> pd.DataFrame:
    """Two edits a fact and editor; generalization is far better for consistent facts, and best for the global set."""
    rng = np.random.default_rng(1)
    known = facts()
    better = {"kn-local": (0.0, 0.05), "kn-global": (0.3, 1.5), "kn-cas": (0.15, 0.1)}
    rows: list[dict[str, object]] = []
    for fact in known.to_dict("records"):
        for editor, (more, cost) in better.items():
            for kind in ("erase", "update"):
                for query in range(2):
                    reliability = float(rng.random() < 0.5)
                    generalization = float(
                        np.clip((0.5 if fact["cs2"] > 0.1 else 0.05) + more + rng.normal(0, 0.05), 0, 1)
                    )
                    locality = float(np.clip(0.95 - more + rng.normal(0, 0.02), 0, 1))
                    rows.append(
                        {
                            **{name: fact[name] for name in ("model", "localizer", "fact_uid", "relation")},
                            "editor": editor,
                            "kind": kind,
                            "query_index": query,
                            "reliability": reliability,
                            "generalization": None if query and fact["fact_uid"].endswith("-3") else generalization,
                            "locality": locality,
                            "average": (reliability + generalization + locality) / 3,
                            "perplexity_change": cost + rng.normal(0, 0.01),
                        }
                    )
    return pd.DataFrame(rows)


def figure_data() -> dict[str, pd.DataFrame]:
    """Data of Figures 1, 4, 5 and 7 in their three shapes."""
    rng = np.random.default_rng(2)
    cell = {"model": "gpt2", "localizer": "ig"}
    bars = [
        {
            **cell,
            "threshold": "otsu",
            "group": group,
            "bar": bar,
            "estimate": 0.5,
            "ci_low": 0.4,
            "ci_high": 0.7,
            "n_facts": 9,
        }
        for group in ("K_I Self", "K_II Self")
        for bar in ("Enh", "Sup")
    ]
    bars[-1] |= {"estimate": None, "ci_low": None, "ci_high": None, "n_facts": 0}
    violins = [
        {**cell, "threshold": "otsu", "group": group, "value": value}
        for group in ("I", "II")
        for value in rng.integers(1, 6, 20) / 5
    ]
    maps = [
        {**cell, "title": title, "row": layer, "column": f"{column}", "value": layer - column + shift}
        for title, shift in (("one query", 0.5), ("another", 1.0))
        for layer in range(3)
        for column in range(4)
    ]
    return {
        "figure-1": pd.DataFrame(maps).assign(value=lambda data: data["value"] + 9),
        "figure-4": pd.DataFrame(bars),
        "figure-5": pd.DataFrame(violins),
        "figure-7": pd.DataFrame(maps[:-1]),
    }
