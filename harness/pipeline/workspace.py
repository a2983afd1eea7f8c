"""One session's way from facts to verdicts and to a saved run."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from harness.claims import Claim, Evidence, Finding, JointClaim, ModelSize, Retest, in_every_cell
from harness.data.facts import Dataset, QueryForm
from harness.errors import DataError
from harness.execution.local import localize_missing, open_store
from harness.execution.plan import Plan, make_plan
from harness.execution.progress import Progress, Quiet
from harness.localizers import HasVariant, Localizer
from harness.manifest import make_manifest
from harness.models.handle import ModelHandle
from harness.pipeline.localized import Localized
from harness.pipeline.retest import retest_forms, retest_of
from harness.pipeline.settings import Settings
from harness.records import ClaimRow, RunRecord
from harness.store.runs import save_run


class Workspace:
    """One session's way from facts to verdicts; computes every piece once."""

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        """Takes settings that are valid; reads nothing yet."""
        self.settings = settings
        self._progress = progress or Quiet()
        self._datasets: dict[tuple[str, QueryForm], Dataset] = {}
        self._evidence: dict[tuple[str, str], Evidence] = {}
        self._with_size: dict[tuple[str, str], Evidence] = {}
        self._findings: dict[tuple[Claim, str, str], Finding] = {}
        self._models: dict[str, ModelHandle] = {}
        self._facts: list[pd.DataFrame] = []

    def dataset(self, model: ModelHandle) -> Dataset:
        """The facts that `model` is asked for: `settings.data`, or what suits the model.

        Raises:
            DataError: they cannot be read.
            ConfigError: a relation that does not exist.
        """
        source = model.facts_source(self.settings.data)
        key = (source, model.query_form)
        if key not in self._datasets:
            dataset = model.dataset(source, offline=self.settings.offline)
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
        return self._row(claim, self._decided(claim, model, localizer), [model], [localizer], threshold)

    def judge_localizers(
        self, claim: JointClaim, model: ModelHandle, localizers: Sequence[Localizer], threshold: str | None
    ) -> ClaimRow:
        """Decides a claim about several localizers on one model.

        Raises:
            HarnessError: see `evidence`.
        """
        evidence = {localizer.name: self.evidence(model, localizer) for localizer in localizers}
        return self._row(claim, claim.decide_jointly(evidence), [model], localizers, threshold)

    def judge_models(
        self, claim: JointClaim, models: Sequence[ModelHandle], localizer: Localizer, threshold: str | None
    ) -> ClaimRow:
        """Decides a claim about several models under one localizer; their weights are in memory in turn.

        Raises:
            HarnessError: see `evidence`.
        """
        evidence: dict[str, Evidence] = {}
        for model in models:
            loads = model.n_loads
            evidence[model.name] = self._sized(model, localizer)
            if model.n_loads > loads:
                model.release()
        return self._row(claim, claim.decide_jointly(evidence), models, [localizer], threshold)

    def judge_everywhere(
        self, claims: Mapping[str, Claim], model: ModelHandle, localizers: Sequence[Localizer]
    ) -> ClaimRow:
        """Decides whether a claim holds in every cell of a model.

        Args:
            claims: the claim at each threshold, by the threshold's name.
            model: the model.
            localizers: the localizers.

        Raises:
            HarnessError: see `evidence`.
        """
        cells = [
            self.judge(claim, model, localizer, threshold)
            for localizer in localizers
            for threshold, claim in claims.items()
        ]
        row = in_every_cell(cells)
        return replace(row, expected=self._expected(row.claim, model, row.localizer, None))

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

    def _decided(self, claim: Claim, model: ModelHandle, localizer: Localizer) -> Finding:
        """The finding, remembered: a claim that is its own configuration decides a cell once."""
        decided = (claim, model.name, localizer.name)
        try:
            hash(decided)
        except TypeError:  # somebody's own claim, which cannot be told from another
            return claim.decide(self.evidence(model, localizer))
        if decided not in self._findings:
            self._findings[decided] = claim.decide(self.evidence(model, localizer))
        return self._findings[decided]

    def _row(
        self,
        claim: Claim | JointClaim,
        finding: Finding,
        models: Sequence[ModelHandle],
        localizers: Sequence[Localizer],
        threshold: str | None,
    ) -> ClaimRow:
        """What a finding is in a record; a row that spans models or localizers names all of them."""
        localizer = "+".join(sorted(localizer.name for localizer in localizers))
        return ClaimRow(
            claim=claim.name,
            statement=claim.statement,
            marker=claim.marker,
            model="+".join(model.name for model in models),
            localizer=localizer,
            threshold=threshold,
            verdict=str(finding.verdict),
            reason=finding.reason,
            expected=self._expected(claim.name, models[0], localizer, threshold) if len(models) == 1 else None,
            estimate=finding.estimate,
            ci_low=finding.ci_low,
            ci_high=finding.ci_high,
            margin=finding.margin,
            p_value=finding.p_value,
            n_facts=finding.n_facts,
            n_queries=finding.n_queries,
            n_relations=finding.n_relations,
            n_unscored=finding.n_unscored,
            paper_value=finding.paper_value,
            extras=finding.extras,
        )

    def _expected(self, claim: str, model: ModelHandle, localizer: str, threshold: str | None) -> str | None:
        """The verdict that a built-in model carries, which holds for its own facts under the default settings."""
        same = replace(Settings(), store=self.settings.store, device=self.settings.device, draws=self.settings.draws)
        if replace(self.settings, batch_size=None, offline=False, trust_remote_code=False) != same:
            return None
        return model.expected.get((claim, localizer, threshold or ""))

    def _sized(self, model: ModelHandle, localizer: Localizer) -> Evidence:
        """The evidence with the model's size, which only a comparison of models needs."""
        cell = (model.name, localizer.name)
        if cell not in self._with_size:
            size = ModelSize(family=model.family, parameters=model.n_parameters)
            self._with_size[cell] = replace(self.evidence(model, localizer), model=size)
        return self._with_size[cell]

    def _gather(self, model: ModelHandle, localizer: Localizer) -> Evidence:
        localized = self._localized(model, localizer)
        self._facts.append(localized.facts_table(model=model.name, localizer=localizer.name))
        return localized.evidence(self._retest(localized, model, localizer))

    def _localized(self, model: ModelHandle, localizer: Localizer) -> Localized:
        dataset = self.dataset(model)
        plan = make_plan(dataset.queries(), model.tokenizer, context_length=model.context_length)
        if not plan.requests:
            raise DataError(f"no query of {dataset.name} can be put to {model.name}: {plan.why_unscored()}")
        rows = self._rows(plan, model, localizer, label=f"{model.name} {localizer.name}")
        localized = Localized(dataset=dataset, plan=plan, rows=rows).scored_only()
        if not localized.plan.requests:
            why = localized.plan.why_unscored()
            raise DataError(f"{localizer.name} scores no query of {dataset.name} on {model.name}: {why}")
        return localized.known_only() if self.settings.known_only else localized

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

    def _retest(self, localized: Localized, model: ModelHandle, localizer: Localizer) -> Retest:
        """The retest's sample, every other form by the localizer's variant."""
        variant = localizer.variant() if isinstance(localizer, HasVariant) else localizer
        queries = retest_forms(localized.plan, self.settings.seed)
        forms: list[pd.DataFrame] = []
        for number, changed in enumerate(queries):
            plan = make_plan(changed, model.tokenizer, context_length=model.context_length)
            if len(plan.requests) == len(changed):  # else the change does not fit this tokenizer or context
                method = variant if number % 2 else localizer
                forms.append(self._rows(plan, model, method, label=f"{model.name} {localizer.name} retest {number}"))
        relation = {r.name: index for index, r in enumerate(localized.dataset.relations)}
        return retest_of(forms, queries[0], relation)
