"""Which edits are made and what each is scored on: drawn by seed and fact, so that every editor gets the same."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from transformers import PreTrainedTokenizerBase

from harness.data.facts import Fact
from harness.data.passages import draw_passages
from harness.editing.request import UPDATE, EditRequest, NeuronPairs
from harness.errors import QueryError
from harness.models.queries import EncodedQuery, encode_query
from harness.neurons import NeuronSet

UNKNOWN_FACT: Final = "the model knows none of its queries"
NO_OTHER_OBJECT: Final = "its relation has no other object that begins with another token"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocatedFact:
    """A fact as editing sees it: its queries, which of them the model knows, and where they are localized.

    Attributes:
        fact: the fact.
        queries: its queries with the object's token ids.
        known: for each, whether the model's top token is the object's first.
        local: for each, its knowledge neurons N_i.
        sets: further neuron sets of the whole fact by name, such as `cas`.
    """

    fact: Fact
    queries: tuple[EncodedQuery, ...]
    known: tuple[bool, ...]
    local: tuple[NeuronSet, ...]
    sets: Mapping[str, NeuronSet] = field(default_factory=dict[str, NeuronSet])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """What is drawn for a fact.

    Attributes:
        seed: of the session; another one draws everything anew.
        n_other: facts of other relations that locality is scored on.
        n_same: facts of the same relation, with another subject and another object, likewise.
        n_passages: passages that there are to draw from; 0 to measure no perplexity.
    """

    seed: int = 0
    n_other: int = 5
    n_same: int = 5
    n_passages: int = 0

    def rng(self, fact_uid: str, purpose: str) -> np.random.Generator:
        """A generator of a fact's own for one purpose, so that one draw more changes no other."""
        key = hashlib.blake2b(f"{purpose}\x1f{fact_uid}".encode(), digest_size=8).digest()
        return np.random.default_rng([self.seed, int.from_bytes(key)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditCase:
    """One edit and what it is scored on.

    Attributes:
        request: what the editor is asked for.
        query_index: number of the edited query among the fact's.
        target: first token of the object that must go (erase) or must come (update), behind the edited query.
        neighbors: the known neighbor queries, each with its own target.
        n_unknown_neighbors: neighbor queries that the model does not know, which are not scored.
        other: prompts of facts of other relations.
        same: prompts of facts of the same relation.
        passages: numbers of the passages that perplexity is measured on.
    """

    request: EditRequest
    query_index: int
    target: int
    neighbors: tuple[tuple[tuple[int, ...], int], ...]
    n_unknown_neighbors: int
    other: tuple[tuple[int, ...], ...]
    same: tuple[tuple[int, ...], ...]
    passages: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditPlan:
    """The edits of a kind, one a fact.

    Attributes:
        cases: in the order of the facts.
        skipped: reason -> how many facts have no edit for it.
    """

    cases: tuple[EditCase, ...]
    skipped: dict[str, int]


def plan_edits(
    facts: Sequence[LocatedFact],
    kind: str,
    *,
    tokenizer: PreTrainedTokenizerBase,
    context_length: int | None,
    draws: Draws,
    objects: Mapping[str, Sequence[str]] | None = None,
    edited: Collection[int] | None = None,
) -> EditPlan:
    """Draws for every fact a known query to edit, a new object where one is needed, and prompts for locality.

    Args:
        facts: of all relations; locality is drawn from them.
        kind: `erase` or `update`.
        tokenizer: the model's tokenizer.
        context_length: most tokens that the model takes; None for no limit.
        draws: what is drawn.
        objects: relation -> the objects that a new one is drawn from; by default those of `facts`.
        edited: numbers of the facts that are edited; all by default. A fact's draws depend on no other's being edited.
    """
    pool = _Pool(facts, objects)
    cases: list[EditCase] = []
    skipped: dict[str, int] = {}
    for number in sorted(range(len(facts)) if edited is None else edited):
        located = facts[number]
        found = _case(
            pool,
            number,
            located,
            kind,
            draws,
            lambda p, a: encode_query(tokenizer, p, a, context_length=context_length),
        )
        if isinstance(found, str):
            skipped[found] = skipped.get(found, 0) + 1
        else:
            cases.append(found)
    return EditPlan(cases=tuple(cases), skipped=skipped)


class _Pool:
    """What new objects and locality prompts are drawn from."""

    def __init__(self, facts: Sequence[LocatedFact], objects: Mapping[str, Sequence[str]] | None) -> None:
        self._facts = facts
        self._of_relation: dict[str, list[int]] = {}
        for number, located in enumerate(facts):
            self._of_relation.setdefault(located.fact.relation, []).append(number)
        own = {r: [facts[i].fact.object for i in members] for r, members in self._of_relation.items()}
        self._elsewhere: dict[str, np.ndarray] = {}
        self._objects = {r: sorted(set(names)) for r, names in (own if objects is None else objects).items()}

    def objects(self, fact: Fact, rng: np.random.Generator) -> Iterator[str]:
        """The other objects of a fact's relation, shuffled."""
        others = [name for name in self._objects.get(fact.relation, []) if name != fact.object]
        return (others[i] for i in rng.permutation(len(others)))

    def prompts(
        self, number: int, n: int, avoided: set[str], rng: np.random.Generator, *, same: bool
    ) -> tuple[tuple[int, ...], ...]:
        """A query each of at most n facts of this relation or of others, none with its subject or an avoided object."""
        fact = self._facts[number].fact
        candidates = np.array(self._of_relation[fact.relation]) if same else self._outside(fact.relation)
        found: list[tuple[int, ...]] = []
        for index in rng.permutation(candidates).tolist():
            if len(found) == n:
                break
            other = self._facts[index]
            if other.queries and other.fact.subject != fact.subject and other.fact.object not in avoided:
                found.append(other.queries[int(rng.integers(len(other.queries)))].prompt_ids)
        return tuple(found)

    def _outside(self, relation: str) -> np.ndarray:
        """Numbers of the facts of all other relations."""
        if relation not in self._elsewhere:
            self._elsewhere[relation] = np.array(
                [i for name, members in self._of_relation.items() if name != relation for i in members], dtype=np.int64
            )
        return self._elsewhere[relation]


def _case(
    pool: _Pool, number: int, located: LocatedFact, kind: str, draws: Draws, encode: Callable[[str, str], EncodedQuery]
) -> EditCase | str:
    """The case of a fact, or why it has none."""
    fact, uid = located.fact, located.fact.uid
    known = [i for i, is_known in enumerate(located.known) if is_known]
    if not known:
        return UNKNOWN_FACT
    chosen = known[int(draws.rng(uid, "edited query").integers(len(known)))]
    new = _new_object(pool, located, draws, encode) if kind == UPDATE else None
    if new is None and kind == UPDATE:
        return NO_OTHER_OBJECT
    name, targets = new or (None, [query.answer_ids for query in located.queries])
    avoided = {fact.object} if name is None else {fact.object, name}
    return EditCase(
        request=_request(located, kind, chosen, name, targets[chosen]),
        query_index=chosen,
        target=targets[chosen][0],
        neighbors=tuple((located.queries[i].prompt_ids, targets[i][0]) for i in known if i != chosen),
        n_unknown_neighbors=len(located.queries) - len(known),
        other=pool.prompts(number, draws.n_other, avoided, draws.rng(uid, "other relations"), same=False),
        same=pool.prompts(number, draws.n_same, avoided, draws.rng(uid, "same relation"), same=True),
        passages=draw_passages(draws.n_passages, uid, draws.seed) if draws.n_passages else (),
    )


def _new_object(
    pool: _Pool, located: LocatedFact, draws: Draws, encode: Callable[[str, str], EncodedQuery]
) -> tuple[str, list[tuple[int, ...]]] | None:
    """Another object of the relation whose first token differs behind every query, with its token ids there."""
    for name in pool.objects(located.fact, draws.rng(located.fact.uid, "new object")):
        try:
            ids = [encode(query.prompt, name).answer_ids for query in located.queries]
        except QueryError:
            continue
        if all(new[0] != query.answer_ids[0] for new, query in zip(ids, located.queries, strict=True)):
            return name, ids
    return None


def _request(
    located: LocatedFact, kind: str, chosen: int, new_object: str | None, target: tuple[int, ...]
) -> EditRequest:
    query, fact = located.queries[chosen], located.fact
    neighbors = [i for i in range(len(located.queries)) if i != chosen]
    everywhere = NeuronSet(neuron for neurons in located.local for neuron in neurons)
    sets = {"local": located.local[chosen], "global": everywhere, **located.sets}
    return EditRequest(
        kind=kind,
        fact_uid=fact.uid,
        prompt=query.prompt,
        neighbor_prompts=tuple(located.queries[i].prompt for i in neighbors),
        subject=fact.subject,
        relation=fact.relation,
        object=fact.object,
        new_object=new_object,
        prompt_ids=query.prompt_ids,
        neighbor_ids=tuple(located.queries[i].prompt_ids for i in neighbors),
        object_ids=query.answer_ids,
        new_object_ids=target if kind == UPDATE else (),
        neuron_sets={name: _pairs(neurons) for name, neurons in sets.items()},
        neighbor_neurons=tuple(_pairs(located.local[i]) for i in neighbors),
    )


def _pairs(neurons: NeuronSet) -> NeuronPairs:
    return tuple((neuron.layer, neuron.index) for neuron in neurons)
