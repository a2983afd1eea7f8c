"""The stages joined: facts -> queries -> localizations -> evidence -> verdict -> saved run."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.attribution.quadrature import Quadrature
from harness.claims import Claim, Evidence, Retest
from harness.consistency import Groups, QuerySets, consistency_scores
from harness.data.facts import Dataset, Query, QueryForm
from harness.data.sources import EMBEDDED, PARAREL, load_dataset
from harness.errors import DataError
from harness.execution.local import localize_missing, open_store
from harness.execution.plan import Plan, make_plan
from harness.execution.progress import Progress, Quiet
from harness.localizers import HasVariant, Localizer
from harness.localizers.selection import Selection
from harness.manifest import make_manifest
from harness.models.handle import ModelHandle
from harness.records import ClaimRow, RunRecord
from harness.store.runs import save_run

RETEST_QUERIES = 240
"""Queries that are localized again for the ceiling, spread over the relations."""

HARMLESS_CHANGES: tuple[Callable[[str], str], ...] = (
    lambda prompt: prompt,
    lambda prompt: f"\n{prompt}",
    lambda prompt: f" {prompt}",
    lambda prompt: prompt.replace(" ", "  ", 1),
)
"""Forms of a query that ask the same; every other one is localized by the localizer's variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a session is asked for; every field goes into the manifest of its run.

    Attributes:
        data: `embedded`, `pararel` or a folder; None for a built-in model's own facts, else ParaRel.
        relations: only these; empty for all.
        limit: at most so many facts a relation, drawn by `seed`; None for all.
        known_only: decide on facts that the model knows alone.
        quadrature: nodes and weights of every path integral.
        selection: how scores become knowledge neurons.
        dtype: of the weights while localizing.
        device: `auto`, `cpu`, `cuda`, `cuda:1` ...
        batch_size: queries at once; None for the localizer's judgement.
        seed: of every draw.
        draws: bootstrap draws.
        store: folder of localizations and runs.
        offline: never ask the network.
        trust_remote_code: run Python code that comes with a model.
        margins: claim -> margin, where it is not the declared one.
    """

    data: str | None = None
    relations: tuple[str, ...] = ()
    limit: int | None = None
    known_only: bool = False
    quadrature: Quadrature = field(default_factory=Quadrature)
    selection: Selection = field(default_factory=Selection)
    dtype: str = "float32"
    device: str = "auto"
    batch_size: int | None = None
    seed: int = 0
    draws: int = 10_000
    store: Path = Path(".kntests")
    offline: bool = False
    trust_remote_code: bool = False
    margins: Mapping[str, float] = field(default_factory=dict[str, float])


class Workspace:
    """One session's way from facts to verdicts; computes every piece once."""

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        """Takes settings that are valid; reads nothing yet."""
        self.settings = settings
        self._progress = progress or Quiet()
        self._datasets: dict[tuple[str, QueryForm], Dataset] = {}
        self._evidence: dict[tuple[str, str], Evidence] = {}
        self._models: dict[str, ModelHandle] = {}
        self._facts: list[pd.DataFrame] = []

    def dataset(self, model: ModelHandle) -> Dataset:
        """The facts that `model` is asked for: `settings.data`, or what suits the model.

        Raises:
            DataError: they cannot be read.
            ConfigError: a relation that does not exist.
        """
        source = self.settings.data or (EMBEDDED if model.builtin else PARAREL)
        key = (source, model.query_form)
        if key not in self._datasets:
            dataset = load_dataset(source, form=model.query_form, offline=self.settings.offline)
            if self.settings.relations:
                dataset = dataset.only(self.settings.relations)
            if self.settings.limit is not None:
                dataset = dataset.sample(self.settings.limit, self.settings.seed)
            self._datasets[key] = dataset
        return self._datasets[key]

    def evidence(self, model: ModelHandle, localizer: Localizer) -> Evidence:
        """What localization finds on the model's facts; localizes what the store lacks.

        Raises:
            HarnessError: data, model or store cannot be used; what is stored stays.
        """
        cell = (model.name, localizer.name)
        if cell not in self._evidence:
            self._models[model.name] = model
            self._evidence[cell] = self._gather(model, localizer)
        return self._evidence[cell]

    def judge(self, claim: Claim, model: ModelHandle, localizer: Localizer, threshold: str | None) -> ClaimRow:
        """Decides a claim on one cell of model x localizer x threshold.

        Raises:
            HarnessError: see `evidence`.
        """
        finding = claim.decide(self.evidence(model, localizer))
        return ClaimRow(
            claim=claim.name,
            statement=claim.statement,
            marker=claim.marker,
            model=model.name,
            localizer=localizer.name,
            threshold=threshold,
            verdict=str(finding.verdict),
            reason=finding.reason,
            expected=self._expected(claim, model, localizer, threshold),
            estimate=finding.estimate,
            ci_low=finding.ci_low,
            ci_high=finding.ci_high,
            margin=finding.margin,
            p_value=finding.p_value,
            n_facts=finding.n_facts,
            n_queries=finding.n_queries,
            n_relations=finding.n_relations,
            n_unscored=finding.n_unscored,
            extras=finding.extras,
        )

    def save_run(self, rows: Sequence[ClaimRow], *, name: str | None, command: str, seconds: float) -> Path:
        """Writes the run into the store.

        Args:
            rows: one a claim and cell.
            name: behind the run's number; the time if None.
            command: the command line, for the manifest.
            seconds: wall-clock time of the session.

        Returns:
            The run's folder.

        Raises:
            StoreError: it cannot be written.
        """
        manifest = make_manifest(
            settings=self.settings,
            models=self._models.values(),
            datasets=self._datasets.values(),
            command=command,
            seconds=seconds,
        )
        facts = pd.concat(self._facts) if self._facts else pd.DataFrame()
        record = RunRecord(manifest=manifest, claims=tuple(rows))
        return save_run(self.settings.store, name or time.strftime("%Y%m%dT%H%M%S"), record, facts)

    def _expected(self, claim: Claim, model: ModelHandle, localizer: Localizer, threshold: str | None) -> str | None:
        """The verdict that a built-in model carries, which holds for its own facts under the default settings."""
        same = replace(Settings(), store=self.settings.store, device=self.settings.device, draws=self.settings.draws)
        if replace(self.settings, batch_size=None, offline=False, trust_remote_code=False) != same:
            return None
        return model.expected.get((claim.name, localizer.name, threshold or ""))

    def _gather(self, model: ModelHandle, localizer: Localizer) -> Evidence:
        dataset = self.dataset(model)
        plan = make_plan(dataset.queries(), model.tokenizer, context_length=model.context_length)
        if not plan.requests:
            raise DataError(f"no query of {dataset.name} can be put to {model.name}: {plan.unscored}")
        rows = self._rows(plan, model, localizer, label=f"{model.name} {localizer.name}")
        if self.settings.known_only:
            plan, rows = _known_only(plan, rows)
        relation_names = tuple(relation.name for relation in dataset.relations)
        relation = {name: index for index, name in enumerate(relation_names)}
        facts = [fact for r in dataset.relations for fact in r.facts]
        fact = {f.uid: index for index, f in enumerate(facts)}
        patterns = {p.id: i for i, p in enumerate(p for r in dataset.relations for p in r.patterns)}
        evidence = Evidence(
            fact_of_query=np.array([fact[r.query.fact.uid] for r in plan.requests]),
            pattern_of_query=np.array([patterns[r.query.pattern_id] for r in plan.requests]),
            relation_of_fact=np.array([relation[f.relation] for f in facts]),
            relation_names=relation_names,
            object_of_fact=np.unique([f.object for f in facts], return_inverse=True)[1],
            known_query=rows["top_token_is_answer"].to_numpy(bool),
            sets=QuerySets.from_lists(rows["kn"].tolist()),
            unscored=plan.unscored,
            retest=self._retest(plan, model, localizer, relation),
        )
        self._facts.append(_facts_table(evidence, facts, model.name, localizer.name))
        return evidence

    def _rows(self, plan: Plan, model: ModelHandle, localizer: Localizer, *, label: str) -> pd.DataFrame:
        """One row a request, in the plan's order, with its knowledge neurons under `kn`."""
        store = open_store(self.settings.store, model, localizer)
        localize_missing(
            plan, model, localizer, store, self._progress, batch_size=self.settings.batch_size, label=label
        )
        keys = [request.encoded.key for request in plan.requests]
        table = store.read(keys).to_pandas().set_index("row_key")
        select = self.settings.selection.select
        table["kn"] = [
            select(neurons, scores, float(top)).tolist()
            for neurons, scores, top in zip(table["neurons"], table["scores"], table["max_score"], strict=True)
        ]
        return table.loc[keys]

    def _retest(self, plan: Plan, model: ModelHandle, localizer: Localizer, relation: Mapping[str, int]) -> Retest:
        """A seeded sample of queries, each localized as it is and under changes that should not matter.

        A query whose answer comes or goes under such a change was not changed harmlessly, and is left out.
        """
        sample = _spread(plan, self.settings.seed)
        variant = localizer.variant() if isinstance(localizer, HasVariant) else localizer
        forms: list[pd.DataFrame] = []
        for number, surface in enumerate(HARMLESS_CHANGES):
            queries = [replace(query, prompt=surface(query.prompt)) for query in sample]
            changed = make_plan(queries, model.tokenizer, context_length=model.context_length)
            if len(changed.requests) == len(sample):  # else the change does not fit this tokenizer or context
                method = variant if number % 2 else localizer
                forms.append(self._rows(changed, model, method, label=f"{model.name} {localizer.name} retest {number}"))
        answered = np.array([form["top_token_is_answer"].to_numpy(bool) for form in forms])
        kept = np.flatnonzero((answered == answered[0]).all(axis=0))
        lists = [[form["kn"].iloc[i] for form in forms] for i in kept]
        width = len(forms)
        return Retest(
            sets=QuerySets.from_lists([neurons for group in lists for neurons in group]),
            groups=Groups.from_lists([range(i * width, (i + 1) * width) for i in range(len(kept))]),
            relation_of_group=np.array([relation[sample[i].fact.relation] for i in kept], dtype=np.int64),
        )


def _known_only(plan: Plan, rows: pd.DataFrame) -> tuple[Plan, pd.DataFrame]:
    """The queries of facts whose answer is the model's top token in most of their queries; the others are counted."""
    fact = np.array([request.query.fact.uid for request in plan.requests])
    keep = rows["top_token_is_answer"].groupby(fact).transform("mean").to_numpy() > 0.5
    requests = tuple(request for request, kept in zip(plan.requests, keep, strict=True) if kept)
    unscored = {**plan.unscored, "the model does not know the fact": int((~keep).sum())}
    return Plan(requests=requests, unscored=unscored), rows.loc[keep]


def _spread(plan: Plan, seed: int) -> list[Query]:
    """A sample of queries, relations taking turns so that each has its share."""
    rng = np.random.default_rng([seed, 0x5E7E57])
    by_relation: dict[str, list[Query]] = {}
    for index in rng.permutation(len(plan.requests)):
        query = plan.requests[index].query
        by_relation.setdefault(query.fact.relation, []).append(query)
    turns = sorted(
        ((turn, name, query) for name, queries in by_relation.items() for turn, query in enumerate(queries)),
        key=lambda item: item[:2],
    )
    return [query for _turn, _name, query in turns[:RETEST_QUERIES]]


def _facts_table(evidence: Evidence, facts: Sequence[Any], model: str, localizer: str) -> pd.DataFrame:
    """One row a fact: its queries, how many are known, its neurons and its consistency over all queries."""
    n = len(facts)
    of_fact: list[list[int]] = [[] for _ in facts]
    for query, fact in enumerate(evidence.fact_of_query.tolist()):
        of_fact[fact].append(query)
    scores = consistency_scores(evidence.sets, Groups.from_lists(of_fact))
    queries = np.bincount(evidence.fact_of_query, minlength=n)
    neurons = np.bincount(evidence.fact_of_query, weights=evidence.sets.sizes, minlength=n)
    return pd.DataFrame(
        {
            "model": model,
            "localizer": localizer,
            "fact_uid": [fact.uid for fact in facts],
            "relation": [fact.relation for fact in facts],
            "subject": [fact.subject for fact in facts],
            "object": [fact.object for fact in facts],
            "n_queries": queries,
            "n_known": np.bincount(evidence.fact_of_query, weights=evidence.known_query, minlength=n).astype(int),
            "neurons_per_query": neurons / np.maximum(queries, 1),
            "union_size": scores.union_size,
            "cs1": scores.cs1,
            "cs2": scores.cs2,
        }
    )
