"""One fact, localized: what the store has of it is read, what it lacks is computed and stored."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.claims.scoring import DECIMALS
from harness.consistency import QuerySets, consistency_scores, cs1_cs2, query_subsets
from harness.data.facts import Dataset, Fact
from harness.execution.engine import Job
from harness.execution.local import InProcess
from harness.execution.localizing import localize_missing, open_store
from harness.execution.plan import make_plan
from harness.execution.progress import Progress
from harness.localizers import Localizer
from harness.localizers.selection import Selection
from harness.models.handle import ModelHandle
from harness.neurons import Neuron, NeuronSet, occurrences

SUBSET_SIZE = 4
"""Queries a subset on whose mean the class of a fact is decided, as in the claims."""

SUBSETS = 5_000
"""At most so many subsets: every one of up to 20 queries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizedQuery:
    """What was found for one query.

    Attributes:
        prompt: the query.
        pattern_id: its pattern.
        answer_probability: p(first answer token | query).
        joint_probability: p(all answer tokens | query), teacher-forced.
        known: whether the first answer token is the model's top token.
        neurons: its knowledge neurons, the highest score first.
    """

    prompt: str
    pattern_id: str
    answer_probability: float
    joint_probability: float
    known: bool
    neurons: tuple[Neuron, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizedFact:
    """What was found for a fact.

    Attributes:
        fact: the fact.
        queries: those that could be scored.
        unscored: how many could not, by reason.
        computed: how many queries the store lacked.
    """

    fact: Fact
    queries: tuple[LocalizedQuery, ...]
    unscored: dict[str, int]
    computed: int

    @property
    def known(self) -> bool:
        """Whether most queries are known."""
        return sum(query.known for query in self.queries) * 2 > len(self.queries)

    @property
    def local_sets(self) -> list[NeuronSet]:
        """The knowledge neurons of each query."""
        return [NeuronSet(query.neurons) for query in self.queries]

    @property
    def counts(self) -> Counter[Neuron]:
        """In how many queries each knowledge neuron is one."""
        return occurrences(self.local_sets)

    @property
    def scores(self) -> tuple[float, float] | None:
        """CS1 and CS2 (Eq. 1) over all queries; None if no query has a knowledge neuron."""
        return cs1_cs2(self.local_sets)

    @property
    def subset_scores(self) -> tuple[float, float] | None:
        """Means of CS1 and CS2 over subsets of four queries; None for fewer queries or without neurons."""
        width = 1 + max((neuron.index for query in self.queries for neuron in query.neurons), default=0)
        sets = QuerySets.from_lists(found.to_flat(width) for found in self.local_sets)
        of_fact = np.zeros(len(self.queries), dtype=np.int64)
        plan = query_subsets(of_fact, SUBSET_SIZE, SUBSETS, rng=np.random.default_rng(0))
        scores = consistency_scores(sets, plan.groups)
        if not scores.defined.any():
            return None
        cs1, cs2 = (round(float(np.nanmean(values)), DECIMALS) for values in (scores.cs1, scores.cs2))
        return cs1, cs2


def facts_called(dataset: Dataset, text: str) -> list[Fact]:
    """The fact whose uid is `text`, or else all whose subject it is; only if there is none, in whatever case."""
    facts = [fact for relation in dataset.relations for fact in relation.facts]
    groups = (
        [fact for fact in facts if fact.uid == text],
        [fact for fact in facts if fact.subject == text],
        [fact for fact in facts if fact.subject.casefold() == text.casefold()],
    )
    return next(filter(None, groups), [])


def localize_fact(
    fact: Fact,
    dataset: Dataset,
    model: ModelHandle,
    localizer: Localizer,
    *,
    root: Path,
    progress: Progress,
    batch_size: int | None,
) -> LocalizedFact:
    """Reads from the store what it has of a fact, and computes and stores what it lacks.

    Args:
        fact: one of the dataset's.
        dataset: gives its queries.
        model: loaded only if a query is missing.
        localizer: the method.
        root: the store.
        progress: told how far it is.
        batch_size: queries at once; None for the localizer's judgement.

    Raises:
        HarnessError: model or store cannot be used.
    """
    queries = [query for query in dataset.only([fact.relation]).queries() if query.fact == fact]
    plan = make_plan(queries, model.tokenizer, context_length=model.context_length)
    store = open_store(root, model, localizer)
    keys = [request.encoded.key for request in plan.requests]
    computed = len(set(keys) - store.present())
    job = Job(handle=model, localizer=localizer, batch_size=batch_size)
    localize_missing(plan, job, store, progress, engine=InProcess(), label=model.name)
    rows = {row["row_key"]: row for row in store.read(keys).to_pylist()}
    d_ff = model.shape.d_ff if rows else 1
    return LocalizedFact(
        fact=fact,
        queries=tuple(
            _query(request.query.prompt, request.query.pattern_id, rows[request.encoded.key], d_ff)
            for request in plan.requests
            if rows[request.encoded.key]["unscored"] is None
        ),
        unscored=dict(Counter(plan.unscored) + Counter(rows[key]["unscored"] for key in keys if rows[key]["unscored"])),
        computed=computed,
    )


def _query(prompt: str, pattern_id: str, row: dict[str, Any], d_ff: int) -> LocalizedQuery:
    neurons, scores = np.array(row["neurons"], dtype=np.int32), np.array(row["scores"], dtype=np.float32)
    by_score = np.argsort(-scores, kind="stable")
    chosen = Selection().select(neurons[by_score], scores[by_score], row["max_score"])
    return LocalizedQuery(
        prompt=prompt,
        pattern_id=pattern_id,
        answer_probability=row["answer_probability"],
        joint_probability=row["joint_probability"],
        known=row["top_token_is_answer"],
        neurons=tuple(Neuron(*divmod(neuron, d_ff)) for neuron in chosen.tolist()),
    )
