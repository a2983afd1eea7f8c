"""Figures 5 and 6 by class, and the heatmaps, as tables."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from harness.claims import keyed_generator, number
from harness.interventions.compared_synapses import SETS
from harness.pipeline.measured.attention_heatmaps import PANELS
from harness.pipeline.measured.measurement import Classes, Measured
from harness.statistics import cluster_bootstrap

_CLASSES: Final = {"K_I": 1.0, "K_II": 0.0}
_MEASURES: Final = {"ΔValue": "value_mean", "ΔProb": "prob", "Δ log p": "log_p"}
_SETS: Final = dict(zip(SETS, ("Self (S)", "Irrelevant (S_ir)", "Random"), strict=True))
_FACTORS: Final = {"suppress": "Sup", "enhance": "Enh", "average": "Avg"}
_DRAWS: Final = 2_000
"""Bootstrap draws of a bar's interval; verdicts do not rest on it."""


def figures(measured: Measured, classes: Classes) -> Mapping[str, pd.DataFrame]:
    """Figure 5: P of every fact. Figure 6: changes under the reading that carries the verdicts. Others: heatmaps."""
    if "facts" not in measured.drawn:
        return {}
    maps = measured.drawn["heatmaps"]
    drawn = {figure: maps.loc[maps["figure"] == figure].drop(columns="figure") for figure in PANELS if len(maps)}
    return {"figure-5": _violins(measured, classes), "figure-6": _bars(measured, classes), **drawn}


def _violins(measured: Measured, classes: Classes) -> pd.DataFrame:
    values = measured.effects.quantity("predominance_column")
    parts = [
        pd.DataFrame(
            {"threshold": threshold, "group": name, "value": values[(consistent == of_class) & np.isfinite(values)]}
        )
        for threshold, consistent in classes.items()
        for name, of_class in _CLASSES.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _bars(measured: Measured, classes: Classes) -> pd.DataFrame:
    relation = np.full(len(next(iter(measured.effects.values.values()))), -1)
    facts = measured.drawn["facts"]
    relation[facts["fact"]] = np.unique(facts["relation"], return_inverse=True)[1]
    rows: list[dict[str, object]] = []
    for threshold, consistent in classes.items():
        for (group, bar), name, of_class in _places():
            values = measured.effects.quantity(name)
            there = np.isfinite(values) & (consistent == of_class)
            rng = keyed_generator(0, "figure-6", f"{threshold} {group} {bar}")
            rows.append(
                {"threshold": threshold, "group": group, "bar": bar, **_bar(values[there], relation[there], rng)}
            )
    return pd.DataFrame(rows)


def _places() -> Iterator[tuple[tuple[str, str], str, float]]:
    """Group and bar, quantity, and class of every bar."""
    for measure, quantity in _MEASURES.items():
        for class_name, of_class in _CLASSES.items():
            for which, set_name in _SETS.items():
                for factor, factor_name in _FACTORS.items():
                    place = (f"{class_name} {measure}", f"{set_name} {factor_name}")
                    yield place, f"{quantity}_{factor}_{which}", of_class


def _bar(values: np.ndarray, relation: np.ndarray, rng: np.random.Generator) -> dict[str, object]:
    """Mean over facts with its interval over relations."""
    names, cluster = np.unique(relation, return_inverse=True)
    if len(names) < 2:
        mean = float(values.mean()) if len(values) else None
        return {"estimate": mean, "ci_low": None, "ci_high": None, "n_facts": len(values)}
    totals, sizes = np.bincount(cluster, values), np.bincount(cluster).astype(float)
    found = cluster_bootstrap(totals, sizes, draws=_DRAWS, rng=rng)
    interval = found.interval()
    return {
        "estimate": number(found.estimate),
        "ci_low": number(interval.low),
        "ci_high": number(interval.high),
        "n_facts": len(values),
    }
