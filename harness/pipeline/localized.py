"""One model under one localizer on one dataset: which neurons were found for which query."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.claims import Evidence, Retest
from harness.consistency import QuerySets
from harness.data.facts import Dataset
from harness.execution.plan import Plan
from harness.localizers.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Localized:
    """The queries of a dataset with what localization found for them.

    Attributes:
        dataset: the facts that were asked for.
        plan: the queries that could be put to the model, and why the others could not.
        rows: one a request of the plan, in its order: the store's columns, and the knowledge neurons under `kn`.
    """

    dataset: Dataset
    plan: Plan
    rows: pd.DataFrame

    def scored_only(self) -> "Localized":
        """The queries that the localizer gives a score; the others are counted by its reason."""
        keep = self.rows["unscored"].isna().to_numpy()
        requests = tuple(request for request, kept in zip(self.plan.requests, keep, strict=True) if kept)
        unscored = Counter(self.plan.unscored) + Counter(self.rows["unscored"].dropna().tolist())
        plan = Plan(requests=requests, unscored=dict(unscored))
        return Localized(dataset=self.dataset, plan=plan, rows=self.rows.loc[keep])

    def known_only(self) -> "Localized":
        """The queries of facts that the model knows (top token = answer in most queries); the others are counted."""
        fact = np.array([request.query.fact.uid for request in self.plan.requests])
        keep = self.rows["top_token_is_answer"].groupby(fact).transform("mean").to_numpy() > 0.5
        requests = tuple(request for request, kept in zip(self.plan.requests, keep, strict=True) if kept)
        unscored = {**self.plan.unscored, "the model does not know the fact": int((~keep).sum())}
        plan = Plan(requests=requests, unscored=unscored)
        return Localized(dataset=self.dataset, plan=plan, rows=self.rows.loc[keep])

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
            known_query=self.rows["top_token_is_answer"].to_numpy(bool),
            sets=QuerySets.from_lists(self.rows["kn"].tolist()),
            unscored=self.plan.unscored,
            retest=retest,
        )


def selected(rows: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """The store's rows with the knowledge neurons of each under `kn`."""
    kn = [
        selection.select(neurons, scores, float(top)).tolist()
        for neurons, scores, top in zip(rows["neurons"], rows["scores"], rows["max_score"], strict=True)
    ]
    return rows.assign(kn=kn)
