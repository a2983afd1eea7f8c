"""What attention does for the queries of a fact: predominance, and what scaling its synapses changes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from harness.activations.attention import AttentionSums, attention_sums
from harness.consistency.predominance import READINGS as WAYS_OF_P
from harness.consistency.predominance import QueryAttention, predominance, shuffled_predominance
from harness.interventions.compared_synapses import READINGS, SETS, ComparedSynapses, SynapseDraw
from harness.interventions.selection_effects import DIRECTION, QUANTITIES, changes, contrast
from harness.interventions.synapse_controls import control_changes
from harness.interventions.synapse_effects import ScaledQuery, synapse_effects
from harness.interventions.synapses import ENHANCE, SUPPRESS, SynapseScaling
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

FACTOR: Final = {"suppress": SUPPRESS, "enhance": ENHANCE}

_BYTES_AT_ONCE: Final = 2**28
"""Of neurons that are kept at a time; one fact is measured whole, whatever it takes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactQueries:
    """A fact as it is measured.

    Attributes:
        queries: of one fact.
        neurons: of each query, its knowledge neurons N_i as layer * d_ff + index.
        irrelevant: of each query, one of another relation; None where there is none.
    """

    queries: tuple[EncodedQuery, ...]
    neurons: tuple[Int[np.ndarray, " _"], ...]
    irrelevant: tuple[EncodedQuery | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactAttention:
    """What was measured on one fact.

    Attributes:
        numbers: means over the fact's queries, by the names of `number_names`; None where no query has one.
        excluded: why queries have no number, and how many.
    """

    numbers: dict[str, float | None]
    excluded: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionPlan:
    """How facts are measured.

    Attributes:
        draw: what is random about the sets.
        shuffles: how many the null of predominance is averaged over.
    """

    draw: SynapseDraw = field(default_factory=SynapseDraw)
    shuffles: int = 200


def change_name(quantity: str, factor: str, which: str, reading: str) -> str:
    """The name of a number: `value_suppress_self_printed` ..."""
    return f"{quantity}_{factor}_{which}_{reading}"


def number_names() -> tuple[str, ...]:
    """Every number of a fact, in order."""
    sizes = ("size_self", "size_irrelevant", "overlap_irrelevant", "overlap_random", "first_position_share")
    return (
        *(f"{kind}_{way.replace('-', '_')}" for way in WAYS_OF_P for kind in ("predominance", "shuffled")),
        *(f"{size}_{reading}" for reading in READINGS for size in sizes),
        *(
            change_name(quantity, factor, which, reading)
            for reading in READINGS
            for quantity in QUANTITIES
            for factor in FACTOR
            for which in SETS
        ),
        *("contrast", "identity_change", "all_suppressed_change"),
    )


def attention_measurements(
    model: LoadedModel, facts: Sequence[FactQueries], plan: AttentionPlan, *, batch_size: int | None = None
) -> list[FactAttention]:
    """Measures facts; each fact's numbers are the same whatever others are measured beside it, but for rounding.

    Args:
        model: the model to run; left as it was.
        facts: with at least one query each.
        plan: how.
        batch_size: runs at once; None for batches of a moderate number of tokens.

    Returns:
        one entry a fact, in order.

    Raises:
        ModelError: the family does not let its attention be changed.
    """
    return [one for some in _cut(model, facts) for one in _measured(model, [facts[i] for i in some], plan, batch_size)]


def _cut(model: LoadedModel, facts: Sequence[FactQueries]) -> Iterator[range]:
    """Facts whose neurons, before and after, are in memory together."""
    a_query = (1 + len(READINGS) * len(SETS) * len(FACTOR)) * model.n_layers * model.d_ff * 8
    start, held = 0, 0
    for i, fact in enumerate(facts):
        size = len(fact.queries) * a_query
        if i > start and held + size > _BYTES_AT_ONCE:
            yield range(start, i)
            start, held = i, 0
        held += size
    if start < len(facts):
        yield range(start, len(facts))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _OneQuery:
    """A query of a fact, and what its attention is.

    Attributes:
        fact: index of its fact.
        query: the query.
        neurons: its knowledge neurons.
        sums: of its unmodified maps.
        irrelevant: those of the irrelevant query, None without one.
    """

    fact: int
    query: EncodedQuery
    neurons: Int[np.ndarray, " kn"]
    sums: AttentionSums
    irrelevant: AttentionSums | None

    def why_unmeasured(self) -> str | None:
        """Why nothing is changed for this query; None if something is."""
        if len(self.neurons) == 0:
            return "the query has no knowledge neuron"
        return "there is no query of another relation" if self.irrelevant is None else None


def _measured(
    model: LoadedModel, facts: Sequence[FactQueries], plan: AttentionPlan, batch_size: int | None
) -> list[FactAttention]:
    queries = _with_sums(model, facts, batch_size)
    found = [_Numbers() for _ in facts]
    for fact, numbers in enumerate(found):
        mine = [query for query in queries if query.fact == fact]
        numbers.add(_predominance(mine, plan))
    for query, changed in zip(queries, _changes(model, queries, plan, batch_size, found), strict=True):
        found[query.fact].add(changed)
    identity, silenced = control_changes(model, [fact.queries[0] for fact in facts])
    for numbers, same, silent in zip(found, identity, silenced, strict=True):
        numbers.add({"identity_change": float(same), "all_suppressed_change": float(silent)})
    return [numbers.mean() for numbers in found]


class _Numbers:
    """Numbers of a fact's queries, on their way to a mean."""

    def __init__(self) -> None:
        self._each: dict[str, list[float]] = {}
        self.excluded: Counter[str] = Counter()

    def add(self, numbers: dict[str, float]) -> None:
        """Those of one query; nan for what it does not have."""
        for name, value in numbers.items():
            if np.isfinite(value):
                self._each.setdefault(name, []).append(value)

    def mean(self) -> FactAttention:
        """Over the queries that have a number."""
        means = {name: float(np.mean(self._each[name])) if name in self._each else None for name in number_names()}
        return FactAttention(numbers=means, excluded=dict(self.excluded))


def _with_sums(model: LoadedModel, facts: Sequence[FactQueries], batch_size: int | None) -> list[_OneQuery]:
    """Every query of every fact with its sums; a query that stands twice is run once."""
    each = [
        (number, query, neurons, other)
        for number, fact in enumerate(facts)
        for query, neurons, other in zip(fact.queries, fact.neurons, fact.irrelevant, strict=True)
    ]
    wanted = {query.key: query for _, own, _, other in each for query in (own, other) if query is not None}
    sums = dict(zip(wanted, attention_sums(model, list(wanted.values()), batch_size=batch_size), strict=True))
    return [
        _OneQuery(
            fact=fact,
            query=query,
            neurons=neurons,
            sums=sums[query.key],
            irrelevant=None if other is None else sums[other.key],
        )
        for fact, query, neurons, other in each
    ]


def _predominance(queries: Sequence[_OneQuery], plan: AttentionPlan) -> dict[str, float]:
    """P of a fact in every reading, and under shuffled positions."""
    seen = [
        QueryAttention(tokens=one.query.prompt_ids, columns=one.sums.mean_columns, rows=one.sums.mean_rows)
        for one in queries
    ]
    numbers: dict[str, float] = {}
    for way in WAYS_OF_P:
        found = predominance(seen, reading=way)
        if found is not None:
            rng = plan.draw.generator(queries[0].query.key, f"shuffled positions, {way}")
            shuffled = shuffled_predominance(seen, reading=way, shuffles=plan.shuffles, rng=rng)
            assert shuffled is not None
            name = way.replace("-", "_")
            numbers |= {f"predominance_{name}": found.value, f"shuffled_{name}": shuffled}
    return numbers


def _changes(
    model: LoadedModel,
    queries: Sequence[_OneQuery],
    plan: AttentionPlan,
    batch_size: int | None,
    found: Sequence[_Numbers],
) -> Iterator[dict[str, float]]:
    """What every set changes for each query under either factor; why it does not is counted in `found`."""
    compared = [_compared(query, plan, found[query.fact]) for query in queries]
    items = [
        ScaledQuery(query=i, scaling=SynapseScaling(synapses=synapses, factor=factor))
        for i, readings in enumerate(compared)
        for sets in readings.values()
        for factor in FACTOR.values()
        for synapses in sets.sets()
    ]
    effects = synapse_effects(model, [query.query for query in queries], items, batch_size=batch_size)
    n_neurons = model.n_layers * model.d_ff
    before = effects.neurons_before.transpose(1, 0, 2).reshape(len(queries), n_neurons)
    after = effects.neurons_after.transpose(1, 0, 2).reshape(len(items), n_neurons)
    start = 0
    for i, readings in enumerate(compared):
        numbers: dict[str, float] = {}
        here = slice(start, start := start + len(readings) * len(FACTOR) * len(SETS))
        if readings:
            numbers["contrast"] = float(contrast(before[None, i], queries[i].neurons)[0])
            changed = changes(
                queries[i].neurons,
                direction=np.tile(np.repeat(list(DIRECTION.values()), len(SETS)), len(readings)),
                neurons_before=before[i],
                neurons_after=after[here],
                log_p_before=float(effects.log_p_before[i]),
                log_p_after=effects.log_p_after[here],
            )
            numbers |= _named(changed, list(readings))
            found[queries[i].fact].excluded.update(
                f"{quantity} is undefined" for quantity, values in changed.items() if np.isnan(values).all()
            )
        for reading, sets in readings.items():
            numbers |= {f"{name}_{reading}": value for name, value in sets.numbers().items()}
        yield numbers


def _compared(query: _OneQuery, plan: AttentionPlan, numbers: _Numbers) -> dict[str, ComparedSynapses]:
    """The sets of a query under every reading that has them."""
    why = query.why_unmeasured()
    if why is not None:
        numbers.excluded[why] += 1
        return {}
    assert query.irrelevant is not None
    comparable: dict[str, ComparedSynapses] = {}
    for reading in READINGS:
        sets = plan.draw.compared(query.query.key, reading, query.sums.columns, query.irrelevant.columns)
        why = sets.why_incomparable()
        if why is None:
            comparable[reading] = sets
        else:
            numbers.excluded[f"S {reading.replace('_', ' ')}: {why}"] += 1
    return comparable


def _named(changed: dict[str, Float[np.ndarray, " items"]], readings: Sequence[str]) -> dict[str, float]:
    """By name; items are ordered by reading, factor and set."""
    places = [(reading, factor, which) for reading in readings for factor in FACTOR for which in SETS]
    return {
        change_name(quantity, factor, which, reading): float(value)
        for quantity, values in changed.items()
        for (reading, factor, which), value in zip(places, values, strict=True)
    }
