"""What changed on the facts that two runs share: paired differences with intervals over relations."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from harness.claims import Procedure, keyed_generator
from harness.statistics import DIFFERENCE, cluster_bootstrap
from reports.classes import cuts_of
from reports.compare.pairing import Pair, paired_cells
from reports.frames import numbers, only
from reports.run import SavedRun
from reports.table import Cell, Column, Table, column, interval, number, word

_UNBOUNDED: Final = (-math.inf, math.inf)
_NEURONS: Final = "KN a query"
_KEY: Final = ["fact_uid", "relation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A quantity of the facts that both runs have it of.

    Attributes:
        pair: the cells that are compared.
        quantity: what.
        before: mean in the reference.
        after: mean in the new run.
        estimate: mean of the differences of facts, new minus reference.
        ci_low: lower end of its 95 % interval; None where there is none.
        ci_high: its upper end.
        n_facts: facts that both have it of.
        n_relations: their relations.
    """

    pair: Pair
    quantity: str
    before: float
    after: float
    estimate: float
    ci_low: float | None
    ci_high: float | None
    n_facts: int
    n_relations: int

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out 0, and rests on enough relations to be believed."""
        if self.ci_low is None or self.ci_high is None or Procedure().too_few(self.n_relations) is not None:
            return False
        return self.ci_low > 0 or self.ci_high < 0


def fact_changes(reference: SavedRun, new: SavedRun, *, draws: int, seed: int) -> list[Change]:
    """Every quantity of every pair of cells.

    Args:
        reference: the earlier run.
        new: the later one.
        draws: bootstrap draws over relations.
        seed: of the draws.
    """
    return [
        found
        for pair in paired_cells(reference.cells(), new.cells())
        for name, before, after, relation in _quantities(reference, new, pair)
        if (found := _change(pair, name, before, after, relation, draws=draws, seed=seed)) is not None
    ]


def change_table(reference: str, new: str, changes: list[Change], *, smoke: str | None) -> Table:
    """A row a quantity.

    Args:
        reference: name of the earlier run.
        new: name of the later one.
        changes: between them.
        smoke: why the numbers are not a result, or None.
    """
    columns = (
        Column(key="quantity", heading="Quantity", align="left", explanation="A number that every fact has."),
        column("model", "Model", align="left"),
        column("localizer", "Localizer", align="left"),
        Column(key="reference", heading="reference", explanation=f"Mean over the shared facts in {reference}."),
        Column(key="new", heading="new", explanation=f"The same in {new}."),
        Column(
            key="change",
            heading="change [95 %]",
            interval=True,
            explanation="Mean over facts of new minus reference; its interval is over relations, drawn whole.",
        ),
        column("facts", "facts"),
        column("relations", "relations"),
    )
    rows = tuple(
        (
            *(word(change.quantity), word(change.pair.model), word(change.pair.localizer)),
            *(number(change.before, 3), number(change.after, 3)),
            interval(change.estimate, change.ci_low, change.ci_high, 3, bold=change.significant),
            *(Cell(text=f"{count:,}", value=count) for count in (change.n_facts, change.n_relations)),
        )
        for change in changes
    )
    return Table(
        name=f"facts-{new}",
        title=f"Facts: {new} compared with {reference}",
        columns=columns,
        rows=rows,
        note="On the facts that both runs have, paired. K_II is cut in each run where its own threshold cuts CS2 over"
        " all queries. Bold: the interval leaves out 0; intervals are not adjusted for their number. No interval: no"
        " fact changed, or relations show no spread.",
        smoke=smoke,
    )


_Values = tuple[str, Float[np.ndarray, " facts"], Float[np.ndarray, " facts"], np.ndarray]


def _quantities(reference: SavedRun, new: SavedRun, pair: Pair) -> Iterator[_Values]:
    """Name, both values of every shared fact, and its relation."""
    sides = ((reference, pair.before), (new, pair.after))
    one, other = (only(run.facts, model=model, localizer=localizer) for run, (model, localizer) in sides)
    both = one.merge(other, on=_KEY, suffixes=(" before", " after"))
    relation = both["relation"].to_numpy(dtype=str)
    values = {
        name: (numbers(both, f"{name} before"), numbers(both, f"{name} after"))
        for name in ("cs1", "cs2", "n_known", "n_queries", "neurons_per_query")
        if {f"{name} before", f"{name} after"} <= set(both)
    }
    first, second = ({cut.threshold: cut.value for cut in cuts_of(run.record, *cell)} for run, cell in sides)
    before, after = values["cs2"]
    for threshold in (name for name in first if name in second):
        low = _at_most(before, first[threshold]), _at_most(after, second[threshold])
        yield f"share of K_II, {threshold}", *low, relation
    yield "CS2", before, after, relation
    yield "CS1", *values["cs1"], relation
    known, asked = values["n_known"], values["n_queries"]
    yield "share of known queries", _ratio(known[0], asked[0]), _ratio(known[1], asked[1]), relation
    if "neurons_per_query" in values:  # runs of older versions do not have it
        yield _NEURONS, *values["neurons_per_query"], relation


def _at_most(values: Float[np.ndarray, " facts"], cut: float) -> Float[np.ndarray, " facts"]:
    """1 at or below the cut, 0 above it, nan where there is no value."""
    return np.where(np.isnan(values), np.nan, values <= cut)


def _ratio(part: Float[np.ndarray, " facts"], whole: Float[np.ndarray, " facts"]) -> Float[np.ndarray, " facts"]:
    """nan where there is nothing that it would be a part of."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _change(
    pair: Pair,
    quantity: str,
    before: Float[np.ndarray, " facts"],
    after: Float[np.ndarray, " facts"],
    relation: np.ndarray,
    *,
    draws: int,
    seed: int,
) -> Change | None:
    known = np.isfinite(before) & np.isfinite(after)
    if not known.any():
        return None
    difference = after[known] - before[known]
    _, cluster = np.unique(relation[known], return_inverse=True)
    bootstrap = cluster_bootstrap(
        np.bincount(cluster, difference),
        np.bincount(cluster).astype(np.float64),
        draws=draws,
        rng=keyed_generator(seed, "compare", f"{pair.model} {pair.localizer} {quantity}"),
        bounds=_UNBOUNDED if quantity == _NEURONS else DIFFERENCE,
    )
    found = bootstrap.interval()
    told = difference.any()  # where no fact changed, nothing was sampled that could have come out otherwise
    low, high = (end if told and math.isfinite(end) else None for end in (found.low, found.high))
    return Change(
        pair=pair,
        quantity=quantity,
        before=float(before[known].mean()),
        after=float(after[known].mean()),
        estimate=bootstrap.estimate,
        ci_low=low,
        ci_high=high,
        n_facts=int(known.sum()),
        n_relations=bootstrap.n_clusters,
    )
