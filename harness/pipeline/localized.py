"""One model under one localizer on one dataset: which neurons were found for which query."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from harness.claims import Evidence, Retest
from harness.data.facts import Dataset
from harness.execution.plan import Plan
from harness.pipeline.rows import LocalizedRows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Localized:
    """The queries of a dataset with what localization found for them.

    Attributes:
        dataset: the facts that were asked for.
        plan: the queries that could be put to the model, and why the others could not.
        rows: one a request of the plan, in its order.
    """

    dataset: Dataset
    plan: Plan
    rows: LocalizedRows

    def scored_only(self) -> "Localized":
        """The queries that the localizer gives a score; the others are counted by its reason."""
        reasons = self.rows.columns["unscored"].dropna().tolist()
        return self._only(self.rows.scored, Counter(self.plan.unscored) + Counter(reasons))

    def known_only(self) -> "Localized":
        """The queries of facts that the model knows (top token = answer in most queries); the others are counted."""
        fact = np.unique([request.query.fact.uid for request in self.plan.requests], return_inverse=True)[1]
        keep = (np.bincount(fact, weights=self.rows.known) / np.bincount(fact))[fact] > 0.5
        return self._only(keep, {**self.plan.unscored, "the model does not know the fact": int((~keep).sum())})

    def _only(self, keep: Bool[np.ndarray, " rows"], unscored: Mapping[str, int]) -> "Localized":
        if keep.all():
            return replace(self, plan=replace(self.plan, unscored=dict(unscored)))
        requests = tuple(request for request, kept in zip(self.plan.requests, keep, strict=True) if kept)
        plan = Plan(requests=requests, unscored=dict(unscored))
        return Localized(dataset=self.dataset, plan=plan, rows=self.rows.take(np.flatnonzero(keep)))

    def evidence(self, retest: Retest | None) -> Evidence:
        """What claims are decided on; facts, relations and objects are numbered in the dataset's order."""
        relation_names = tuple(relation.name for relation in self.dataset.relations)
        relation = {name: index for index, name in enumerate(relation_names)}
        facts = self.dataset.facts()
        fact = {f.uid: index for index, f in enumerate(facts)}
        patterns = {p.id: i for i, p in enumerate(p for r in self.dataset.relations for p in r.patterns)}
        queries = [request.query for request in self.plan.requests]
        return Evidence(
            fact_of_query=np.array([fact[query.fact.uid] for query in queries], dtype=np.int64),
            pattern_of_query=np.array([patterns[query.pattern_id] for query in queries], dtype=np.int64),
            relation_of_fact=np.array([relation[f.relation] for f in facts], dtype=np.int64),
            relation_names=relation_names,
            object_of_fact=np.unique([f.object for f in facts], return_inverse=True)[1],
            fact_uids=tuple(f.uid for f in facts),
            known_query=self.rows.known,
            sets=self.rows.sets,
            unscored=self.plan.unscored,
            retest=retest,
        )
