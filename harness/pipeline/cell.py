"""One model under one localizer: the store's rows are read, and what it lacks is localized."""

from dataclasses import dataclass, field, replace

from harness.claims import Evidence
from harness.data.facts import Dataset, Query
from harness.errors import DataError, StoreError
from harness.execution.engine import Engine, Job
from harness.execution.local import InProcess
from harness.execution.localizing import localize_missing, open_store
from harness.execution.plan import Plan, Plans, make_plan
from harness.execution.progress import Progress
from harness.localizers import HasVariant, Localizer
from harness.localizers.selection import Selection
from harness.models.handle import ModelHandle
from harness.pipeline.localized import Localized
from harness.pipeline.retest import retest_forms, retest_of
from harness.pipeline.rows import READ, LocalizedRows
from harness.pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """All localizations that claims about a cell rest on.

    Attributes:
        localized: the dataset's queries.
        forms: the retest's sample, localized in every form that fits the model.
        sample: the queries of that sample.
    """

    localized: Localized
    forms: tuple[LocalizedRows, ...]
    sample: tuple[Query, ...]

    def at(self, selection: Selection) -> "Gathered":
        """The same localizations with knowledge neurons selected otherwise."""
        rows = self.localized.rows.at(selection)
        forms = tuple(form.at(selection) for form in self.forms)
        return Gathered(localized=replace(self.localized, rows=rows), forms=forms, sample=self.sample)

    def evidence(self) -> Evidence:
        """What claims are decided on, the retest included."""
        relation = {r.name: index for index, r in enumerate(self.localized.dataset.relations)}
        return self.localized.evidence(retest_of(list(self.forms), list(self.sample), relation))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """One model under one localizer on one dataset.

    Attributes:
        model: loaded only if the store lacks a row.
        localizer: the method.
        dataset: the facts.
        settings: the session's.
        progress: told how far localizing is.
        plans: of the session; the model's other cells on the same facts share them.
        engine: where missing rows are computed.
    """

    model: ModelHandle
    localizer: Localizer
    dataset: Dataset
    settings: Settings
    progress: Progress
    plans: Plans = field(default_factory=Plans)
    engine: Engine = field(default_factory=InProcess)

    @property
    def label(self) -> str:
        """What `progress` calls it."""
        return f"{self.model.name} {self.localizer.name}"

    def gather(self) -> Gathered:
        """Localizations and retest; of several processes that want them, one computes both on one load of the model.

        Raises:
            HarnessError: model or store cannot be used; what is stored stays.
        """
        store = open_store(self.settings.store, self.model, self.localizer)
        with store.alone("evidence", lambda: self.progress.wait(self.label)):
            localized = self.localized()
            queries = retest_forms(localized.plan, self.settings.seed)
            return Gathered(localized=localized, forms=tuple(self._retest(queries)), sample=tuple(queries[0]))

    def localized(self, *, stored: bool = False) -> Localized:
        """The model's facts; computes what the store lacks unless all is `stored`.

        Raises:
            HarnessError: no query can be put to the model or is scored, or model or store cannot be used.
        """
        plan = self.plans.of(self.dataset, self.model.tokenizer, context_length=self.model.context_length)
        if not plan.requests:
            raise DataError(f"no query of {self.dataset.name} can be put to {self.model.name}: {plan.why_unscored()}")
        rows = self.rows(plan, label=None if stored else self.label)
        localized = Localized(dataset=self.dataset, plan=plan, rows=rows).scored_only()
        if not localized.plan.requests:
            why = localized.plan.why_unscored()
            raise DataError(f"{self.localizer.name} scores no query of {self.dataset.name} on {self.model.name}: {why}")
        return localized.known_only() if self.settings.known_only else localized

    def rows(self, plan: Plan, *, label: str | None) -> LocalizedRows:
        """One row a request, in the plan's order; without a `label` for what is localized, all have to be there."""
        store = open_store(self.settings.store, self.model, self.localizer)
        keys = [request.encoded.key for request in plan.requests]
        try:
            table = store.read(keys, READ)
        except StoreError:  # not localized yet, or in a shard that was damaged and is set aside now
            if label is None:
                raise
            job = Job(handle=self.model, localizer=self.localizer, batch_size=self.settings.batch_size)
            localize_missing(plan, job, store, self.progress, engine=self.engine, label=label)
            table = store.read(keys, READ)
        return LocalizedRows.of_table(table, keys, self.settings.selection)

    def _retest(self, queries: list[list[Query]]) -> list[LocalizedRows]:
        """The retest's sample in each form, every other one by the localizer's variant."""
        localizer = self.localizer
        variant = replace(self, localizer=localizer.variant() if isinstance(localizer, HasVariant) else localizer)
        forms: list[LocalizedRows] = []
        for number, changed in enumerate(queries):
            plan = make_plan(changed, self.model.tokenizer, context_length=self.model.context_length)
            if len(plan.requests) == len(changed):  # else the change does not fit this tokenizer or context
                cell = variant if number % 2 else self
                forms.append(cell.rows(plan, label=f"{self.label} retest {number}"))
        return forms
