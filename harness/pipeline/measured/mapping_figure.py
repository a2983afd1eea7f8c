"""Figure 4 of the paper: rates of change of the answer's probability under a query's own and its neighbors' neurons."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from harness.claims import keyed_generator
from harness.claims.mapping import rate
from harness.consistency import NEIGHBOR_RULES
from harness.consistency.compared import OWN, whole
from harness.pipeline.measured.measurement import Classes, Measured
from harness.statistics import cluster_bootstrap

_SETS: Final[Mapping[str, str]] = {"Self": OWN, **{rule.capitalize(): whole(rule) for rule in NEIGHBOR_RULES}}
_BARS: Final = {
    "Enh": ("enhance",),
    "Sup": ("suppress",),
    "Avg": ("enhance", "suppress"),
}
_CLASSES: Final = {"K_I": 1.0, "K_II": 0.0}
_DRAWS: Final = 2_000


def figure_4(measured: Measured, classes: Classes) -> pd.DataFrame:
    """Grouped bars: a group a class and set, a bar for enhancing, suppressing and their mean.

    As in the paper, neighbor sets have all their neurons and rates are means, of which enhancement's have no upper
    bound. Queries with an empty neighbor set have none and are no zeros. 95 % intervals are bootstrap-t over relations.

    Args:
        measured: with the numbers of the facts that are drawn from, `facts`.
        classes: threshold -> class of every fact.
    """
    facts = measured.drawn["facts"]["fact"].to_numpy()
    relation = np.unique(measured.table["relation"], return_inverse=True)[1]
    rows: list[dict[str, object]] = []
    for threshold, consistent in classes.items():
        for label, value in _CLASSES.items():
            for name, chosen in _SETS.items():
                for bar, directions in _BARS.items():
                    rates = np.mean([measured.effects.values[rate(do, chosen)][facts] for do in directions], axis=0)
                    counted = np.isfinite(rates) & (consistent[facts] == value)
                    rows.append(
                        {
                            "threshold": threshold,
                            "group": f"{label} {name}",
                            "bar": bar,
                            **_mean(rates[counted], relation[counted], f"{threshold} {label} {name} {bar}"),
                        }
                    )
    return pd.DataFrame(rows)


def _mean(
    rates: Float[np.ndarray, " facts"], relation: Int[np.ndarray, " facts"], purpose: str
) -> dict[str, float | int | None]:
    """Mean over facts, its interval and how many there are."""
    if len(rates) == 0:
        return {"estimate": None, "ci_low": None, "ci_high": None, "n_facts": 0}
    _, cluster, sizes = np.unique(relation, return_inverse=True, return_counts=True)
    totals = np.bincount(cluster, rates)
    low = high = None
    if len(sizes) > 1:
        rng = keyed_generator(0, "figure 4", purpose)
        interval = cluster_bootstrap(totals, sizes.astype(float), draws=_DRAWS, rng=rng).interval()
        low, high = interval.low, interval.high
    return {"estimate": float(rates.mean()), "ci_low": low, "ci_high": high, "n_facts": len(rates)}
