"""How much better or worse each metric got, from edits paired by fact, with intervals that respect relations.

The unit is the fact, the cluster is its relation: the mean paired difference has a bootstrap-t interval over relations.
For a limit `metric:change@p<level` the null hypothesis is that the loss is at most what is allowed; a REGRESSION has a
p below the level, which is to say that the interval of confidence 1 - 2 level lies wholly beyond the limit. Without a
level the estimate alone decides.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from harness.errors import ConfigError
from harness.statistics import DIFFERENCE, StudentizedBootstrap, cluster_bootstrap
from reports.gate.edited_run import EDIT_KEY, EditedRun, check_comparable, check_same_facts
from reports.gate.limits import METRICS, Limit, Metric

REGRESSION: Final = "REGRESSION"
IMPROVEMENT: Final = "improvement"
WITHIN: Final = "within the limit"

FEWEST_RELATIONS: Final = 8
"""With fewer a p carries no weight, so a limit with one cannot be decided."""

_SHOWN_LEVEL: Final = 0.025
_UNBOUNDED: Final = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one metric of one editor came to in both runs.

    Attributes:
        model: name of the model.
        localizer: name of the localizer.
        editor: its name, or both names where they differ.
        kind: `erase` or `update`.
        metric: which.
        reference: mean over the facts in the reference.
        new: the same in the new run.
        estimate: mean paired difference, new minus reference; where perplexity has a limit in percent, the relative
            change of the perplexity under the edit (a geometric mean).
        ci_low: lower end of its interval; None where relations show no spread to tell.
        ci_high: upper end.
        confidence: of the interval.
        p_value: of "the loss is at most what the limit allows", or "there is no loss" where there is no limit.
        percent: whether estimate and interval are fractions of the reference.
        n_facts: facts with the metric in both runs.
        n_relations: their relations.
        n_lost: facts that have the metric in the reference alone.
        limit: what it was held against, if anything.
        outcome: REGRESSION, improvement, within the limit, or empty where there is no limit.
    """

    model: str
    localizer: str
    editor: str
    kind: str
    metric: Metric
    reference: float
    new: float
    estimate: float
    ci_low: float | None
    ci_high: float | None
    confidence: float
    p_value: float | None
    percent: bool
    n_facts: int
    n_relations: int
    n_lost: int
    limit: Limit | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs compared.

    Attributes:
        reference: name of the earlier run.
        new: name of the later one.
        differences: one a model, localizer, editor, kind and metric.
        notes: what a reader has to know besides, one sentence each.
    """

    reference: str
    new: str
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]

    def regressions(self) -> tuple[Difference, ...]:
        """Those that exceed their limit."""
        return tuple(item for item in self.differences if item.outcome == REGRESSION)

    def improvements(self) -> tuple[Difference, ...]:
        """Those that got better by more than their limit allows them to get worse."""
        return tuple(item for item in self.differences if item.outcome == IMPROVEMENT)


def compare_runs(
    reference: EditedRun,
    new: EditedRun,
    limits: Sequence[Limit] = (),
    *,
    draws: int = 10_000,
    seed: int = 0,
    alike: bool = True,
) -> Comparison:
    """Compares every metric of every editor that both runs have; one editor in each is a pair whatever its name.

    Args:
        reference: the earlier run.
        new: the later one.
        limits: what may get worse by how much.
        draws: bootstrap draws.
        seed: of the draws.
        alike: whether the runs may differ in nothing but the editor; else facts that both edited are compared.

    Raises:
        ConfigError: the runs differ in facts, model, data or definitions and must not, have no editor in common, or
            have too few relations for a limit with a p.
    """
    if alike:
        check_comparable(reference, new)
    pairs, notes = _editors(reference, new)
    limit_of = {limit.metric.name: limit for limit in limits}
    found = [
        _difference(rows, metric, limit_of.get(metric.name), where, draws=draws, seed=seed)
        for pair in pairs
        for where, rows in _paired(reference, new, pair, alike=alike)
        for metric in METRICS.values()
    ]
    if reference.seed != new.seed:
        notes.append(f"Queries were drawn by seed {reference.seed} and by seed {new.seed}, which widens intervals.")
    return Comparison(
        reference=reference.name,
        new=new.name,
        differences=tuple(item for item in found if item is not None),
        notes=tuple(notes),
    )


def _editors(reference: EditedRun, new: EditedRun) -> tuple[list[tuple[str, str]], list[str]]:
    """Which editor of the reference is compared with which of the new run, and which are not."""
    before, after = (list(dict.fromkeys(run.edits["editor"])) for run in (reference, new))
    if len(before) == len(after) == 1:
        return [(before[0], after[0])], []
    common = [name for name in before if name in after]
    if not common:
        raise ConfigError(
            f"no editor is in both runs, and neither has just one: the reference has {', '.join(before)}, the new run"
            f" {', '.join(after)}",
            setting="compare",
            value=reference.name,
        )
    alone = [f"{name} is in the reference alone" for name in before if name not in after]
    alone += [f"{name} is in the new run alone" for name in after if name not in before]
    return [(name, name) for name in common], [f"Not compared: {'; '.join(alone)}."] if alone else []


def _paired(
    reference: EditedRun, new: EditedRun, pair: tuple[str, str], *, alike: bool
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """The edits of two editors side by side, one table a model, localizer and kind."""
    editor = pair[0] if pair[0] == pair[1] else f"{pair[0]} -> {pair[1]}"
    others = [name for name in EDIT_KEY if name != "editor"]
    before, after = (
        run.edits[run.edits["editor"] == name].set_index(others)
        for run, name in zip((reference, new), pair, strict=True)
    )
    if alike:
        check_same_facts(before.index, after.index, editor)
    common = before.index.intersection(after.index)
    before, after = before.loc[common], after.loc[common]
    relation = before["relation"]
    joined = pd.concat([relation, before.add_suffix(" before"), after.add_suffix(" after")], axis=1).sort_index()
    cells = ["model", "localizer", "kind"]
    for cell, rows in joined.groupby(cells, sort=False):
        yield {"editor": editor, **dict(zip(cells, cast(tuple[str, ...], cell), strict=True))}, rows


def _difference(
    rows: pd.DataFrame, metric: Metric, limit: Limit | None, where: dict[str, str], *, draws: int, seed: int
) -> Difference | None:
    """One metric compared; None where neither run has it for any fact."""
    before, after = (rows[f"{metric.column} {run}"].to_numpy(float) for run in ("before", "after"))
    both = ~np.isnan(before) & ~np.isnan(after)
    n_lost = int((~np.isnan(before) & np.isnan(after)).sum())
    if not both.any() and not n_lost:
        return None
    relative = not metric.more_is_better and limit is not None and limit.percent
    values = _log_ratio(before[both], after[both]) if relative else after[both] - before[both]
    relations = rows["relation"].to_numpy()[both]
    mean_before = float(before[both].mean()) if both.any() else math.nan
    boot = _bootstrap(values, relations, metric, draws=draws, seed=seed)
    bare = Difference(
        **where,
        metric=metric,
        reference=mean_before,
        new=float(after[both].mean()) if both.any() else math.nan,
        estimate=math.nan,
        ci_low=None,
        ci_high=None,
        confidence=1 - 2 * (_SHOWN_LEVEL if limit is None or limit.level is None else limit.level),
        p_value=None,
        percent=relative,
        n_facts=int(both.sum()),
        n_relations=len(np.unique(relations)),
        n_lost=n_lost,
        limit=limit,
    )
    tolerance = 0.0 if limit is None else limit.tolerance
    if relative:
        tolerance = math.log1p(tolerance)
    elif limit is not None and limit.percent:
        tolerance *= mean_before
    return _decided(bare, boot, tolerance)


def _log_ratio(before: Float[np.ndarray, " facts"], after: Float[np.ndarray, " facts"]) -> Float[np.ndarray, " facts"]:
    """log(PPL after / PPL before) of two edits; a change is relative to the same unmodified perplexity in both runs."""
    return np.log1p(after) - np.log1p(before)


def _bootstrap(
    values: Float[np.ndarray, " facts"], relations: np.ndarray, metric: Metric, *, draws: int, seed: int
) -> StudentizedBootstrap | None:
    """Of the mean loss: the paired difference, turned so that more is worse."""
    if not len(values):
        return None
    _, cluster = np.unique(relations, return_inverse=True)
    turned = -values if metric.more_is_better else values
    return cluster_bootstrap(
        np.bincount(cluster, turned),
        np.bincount(cluster).astype(float),
        draws=draws,
        rng=np.random.default_rng(seed),
        bounds=DIFFERENCE if metric.more_is_better else _UNBOUNDED,
    )


def _decided(bare: Difference, loss: StudentizedBootstrap | None, tolerance: float) -> Difference:
    """The difference with its interval and outcome."""
    if loss is None:  # every fact lost the metric
        return replace(bare, outcome=REGRESSION if bare.limit else "")
    interval = loss.interval(bare.confidence)
    ends = [end if math.isfinite(end) else None for end in (interval.low, interval.high)]
    value, low, high = (_shown(end, bare) for end in (loss.estimate, *ends))
    assert value is not None
    low, high = (high, low) if bare.metric.more_is_better else (low, high)
    worse = _p(loss, tolerance, bare.confidence)
    found = replace(bare, estimate=value, ci_low=low, ci_high=high, p_value=worse)
    if bare.limit is None:
        return found
    level = bare.limit.level
    if level is not None and bare.n_relations < FEWEST_RELATIONS:
        raise ConfigError(
            f"{bare.limit} needs {FEWEST_RELATIONS} relations for its p, and {bare.editor} ({bare.kind}) has facts of"
            f" {bare.n_relations}; give more relations, or leave @p< out",
            setting="compare-fail",
            value=str(bare.limit),
        )
    better = _p(_turned(loss), tolerance, bare.confidence)
    if bare.n_lost or _exceeds(loss.estimate, tolerance, worse, level):
        return replace(found, outcome=REGRESSION)
    return replace(found, outcome=IMPROVEMENT if _exceeds(-loss.estimate, tolerance, better, level) else WITHIN)


def _exceeds(estimate: float, tolerance: float, p: float, level: float | None) -> bool:
    return estimate > tolerance and (level is None or p < level)


def _p(loss: StudentizedBootstrap, tolerance: float, confidence: float) -> float:
    """One-sided p of "the loss is at most `tolerance`"; by the sign test over relations where they show no spread."""
    found = loss.p_above(tolerance, confidence)
    if found is not None:
        return found
    return 0.5**loss.n_clusters if loss.estimate > tolerance else 1.0


def _turned(loss: StudentizedBootstrap) -> StudentizedBootstrap:
    """The same of the gain."""
    low, high = loss.bounds
    return replace(loss, estimate=-loss.estimate, t_draws=np.sort(-loss.t_draws), bounds=(-high, -low))


def _shown(loss: float | None, of: Difference) -> float | None:
    """A loss as the change that it is."""
    if loss is None:
        return None
    if of.percent:
        return math.expm1(loss)
    return -loss if of.metric.more_is_better else loss
