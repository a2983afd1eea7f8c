"""One session's way from facts to verdicts and to a saved run."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.claims import (
    Claim,
    Evidence,
    Finding,
    JointClaim,
    MeasuredClaim,
    ModelSize,
    Procedure,
    in_every_cell,
)
from harness.data.facts import Dataset
from harness.execution.engine import Engine
from harness.execution.estimate import matrix_product_rate
from harness.execution.local import InProcess
from harness.execution.plan import Plans
from harness.execution.progress import Progress, Quiet
from harness.execution.status import Recorded
from harness.localizers import Localizer
from harness.manifest import make_manifest
from harness.models.handle import ModelHandle
from harness.pipeline.cell import Cell
from harness.pipeline.claim_row import claim_row
from harness.pipeline.datasets import Datasets
from harness.pipeline.measured.cells import MeasuredCells
from harness.pipeline.precision import compare_precision
from harness.pipeline.preview import Preview, preview
from harness.pipeline.saved_cell import SavedCell, saved_cell, tables_of
from harness.pipeline.settings import Settings
from harness.records import ClaimRow, RunRecord
from harness.store.runs import save_precision, save_run


class Workspace:
    """One session's way from facts to verdicts; computes every piece once."""

    def __init__(self, settings: Settings, progress: Progress | None = None, engine: Engine | None = None) -> None:
        """Takes settings that are valid; reads nothing yet.

        Args:
            settings: what the session is asked for.
            progress: told how far localizing is, besides the store, where `kntests status` reads it.
            engine: where missing rows are computed; this process if None.
        """
        self.settings = settings
        self._progress = Recorded(progress or Quiet(), settings.store)
        self._engine = engine or InProcess()
        self._datasets = Datasets(settings)
        self._evidence: dict[tuple[str, str], Evidence] = {}
        self._with_size: dict[tuple[str, str], Evidence] = {}
        self._measured = MeasuredCells()
        self._plans = Plans()
        self._findings: dict[tuple[Claim | MeasuredClaim, str, str], Finding] = {}
        self._cells: dict[tuple[str, str], tuple[ModelHandle, Localizer]] = {}
        self._saved: dict[tuple[str, str], SavedCell] = {}

    @property
    def cells(self) -> tuple[tuple[str, str], ...]:
        """Names of the model and the localizer of all evidence that was gathered here."""
        return tuple(self._cells)

    def dataset(self, model: ModelHandle) -> Dataset:
        """The facts that `model` is asked for; see `Datasets.of`."""
        return self._datasets.of(model)

    def cell(self, model: ModelHandle, localizer: Localizer) -> Cell:
        """The model under the localizer, on the facts that it is asked for.

        Raises:
            HarnessError: see `dataset`.
        """
        return Cell(
            model=model,
            localizer=localizer,
            dataset=self.dataset(model),
            settings=self.settings,
            progress=self._progress,
            plans=self._plans,
            engine=self._engine,
        )

    def evidence(self, model: ModelHandle, localizer: Localizer) -> Evidence:
        """What localization finds on the model's facts; localizes what the store lacks.

        Raises:
            HarnessError: data, model or store cannot be used; what is stored stays.
        """
        cell = (model.name, localizer.name)
        if cell not in self._evidence:
            self._evidence[cell] = self._gather(model, localizer)
            self._cells[cell] = (model, localizer)
        return self._evidence[cell]

    def preview(self, models: Sequence[ModelHandle], localizers: Sequence[Localizer]) -> list[Preview]:
        """What every cell holds and will cost, before anything is localized; loads no weights.

        Raises:
            HarnessError: data or model cannot be read.
        """
        places = {(model.device, model.dtype) for model in models}
        rates = {place: matrix_product_rate(*place) for place in places}
        return [
            preview(self.dataset(model), model, localizer, self.settings, rate=rates[model.device, model.dtype])
            for model in models
            for localizer in localizers
        ]

    def judge(
        self, claim: Claim | MeasuredClaim, model: ModelHandle, localizer: Localizer, threshold: str | None
    ) -> ClaimRow:
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
        return in_every_cell(cells)

    def save_run(
        self,
        rows: Sequence[ClaimRow],
        *,
        cells: Sequence[tuple[ModelHandle, Localizer]] | None = None,
        name: str | None,
        command: str,
        seconds: float,
    ) -> Path:
        """Writes the run into the store.

        The facts of a cell whose evidence was gathered in another process are read from the store, where they are
        complete, however that process ended; no model is loaded for it.

        Args:
            rows: one a claim and cell.
            cells: those whose evidence the rows rest on; None for all that were gathered here.
            name: behind the run's number; the time if None.
            command: the command line, for the manifest.
            seconds: wall-clock time of the session.

        Returns:
            The run's folder.

        Raises:
            StoreError: it cannot be written, or the store lacks rows of a cell.
        """
        used = list(self._cells.values() if cells is None else cells)
        models = {model.name: model for model, _localizer in used}
        datasets = {dataset.name: dataset for dataset in map(self.dataset, models.values())}
        procedure = Procedure(draws=self.settings.draws, seed=self.settings.seed)
        measured = self._measured.tables(rows, [self.cell(model, localizer) for model, localizer in used], procedure)
        manifest = make_manifest(
            settings=self.settings,
            models=models.values(),
            datasets=datasets.values(),
            command=command,
            seconds=seconds,
            read=self._measured.read(),
        )
        record = RunRecord(manifest=manifest, claims=tuple(rows))
        facts, tables = tables_of(self._saved_cell(model, localizer) for model, localizer in used)
        name = name or time.strftime("%Y%m%dT%H%M%S")
        return save_run(self.settings.store, name, record, facts, {**tables, **measured})

    def compare_precision(self, folder: Path, cells: Sequence[tuple[ModelHandle, Localizer]]) -> dict[str, int]:
        """Adds to a saved run how far its knowledge neurons are those of float32, where its dtype is below that.

        It comes after saving, because a model that fits into memory in bfloat16 need not fit in float32.

        Args:
            folder: the saved run's.
            cells: those whose localizations the run rests on.

        Returns:
            how often each model was loaded in float32, by its name.

        Raises:
            StoreError: the run cannot be written again.
        """
        if self.settings.precision_sample == 0:
            return {}
        compared = [self.cell(model, localizer) for model, localizer in cells]
        precision, loads = compare_precision(compared, queries=self.settings.precision_sample)
        if precision:
            save_precision(folder, precision)
        return loads

    def _decided(self, claim: Claim | MeasuredClaim, model: ModelHandle, localizer: Localizer) -> Finding:
        """The finding, remembered: a claim that is its own configuration decides a cell once."""
        decided = (claim, model.name, localizer.name)
        try:
            hash(decided)
        except TypeError:  # somebody's own claim, which cannot be told from another
            return self._find(claim, model, localizer)
        if decided not in self._findings:
            self._findings[decided] = self._find(claim, model, localizer)
        return self._findings[decided]

    def _find(self, claim: Claim | MeasuredClaim, model: ModelHandle, localizer: Localizer) -> Finding:
        evidence = self.evidence(model, localizer)
        if isinstance(claim, MeasuredClaim):
            effects = self._measured.effects(claim.reads, self.cell(model, localizer))
            return claim.decide_measured(evidence, effects)
        return claim.decide(evidence)

    def _row(
        self,
        claim: Claim | JointClaim | MeasuredClaim,
        finding: Finding,
        models: Sequence[ModelHandle],
        localizers: Sequence[Localizer],
        threshold: str | None,
    ) -> ClaimRow:
        """What a finding is in a record; a row that spans models or localizers names all of them."""
        localizer = "+".join(sorted(localizer.name for localizer in localizers))
        return claim_row(
            claim,
            finding,
            model="+".join(model.name for model in models),
            localizer=localizer,
            threshold=threshold,
            expected=self._expected(claim.name, models[0], localizer, threshold) if len(models) == 1 else None,
        )

    def _expected(self, claim: str, model: ModelHandle, localizer: str, threshold: str | None) -> str | None:
        """The verdict that a built-in model carries, if these are the settings that it holds for."""
        return model.expected.get((claim, localizer, threshold or "")) if self.settings.as_declared else None

    def _sized(self, model: ModelHandle, localizer: Localizer) -> Evidence:
        """The evidence with the model's size, which only a comparison of models needs."""
        cell = (model.name, localizer.name)
        if cell not in self._with_size:
            size = ModelSize(family=model.config.model_type, parameters=model.shape.parameters)
            self._with_size[cell] = replace(self.evidence(model, localizer), model=size)
        return self._with_size[cell]

    def _gather(self, model: ModelHandle, localizer: Localizer) -> Evidence:
        gathered = self.cell(model, localizer).gather()
        evidence = gathered.evidence()
        self._saved[model.name, localizer.name] = saved_cell(gathered.localized, evidence, model, localizer)
        return evidence

    def _saved_cell(self, model: ModelHandle, localizer: Localizer) -> SavedCell:
        cell = (model.name, localizer.name)
        if cell not in self._saved:
            localized = self.cell(model, localizer).localized(stored=True)
            self._saved[cell] = saved_cell(localized, localized.evidence(None), model, localizer)
        return self._saved[cell]
