"""How far results depend on settings that nobody can call right or wrong: the selection of neurons, the quadrature."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, cast

import numpy as np

from harness.attribution.quadrature import Quadrature
from harness.claims import Prevalence, Separation
from harness.consistency import Threshold
from harness.execution.localizing import open_store
from harness.execution.plan import Plan
from harness.localizers import Localizer
from harness.localizers.cost import HasCost
from harness.localizers.selection import Selection
from harness.manifest import make_manifest
from harness.models.handle import ModelHandle
from harness.pipeline.cell import Cell, Gathered
from harness.pipeline.rows import LocalizedRows
from harness.pipeline.sample import compare, sample_of
from harness.pipeline.workspace import Workspace
from harness.records import QuadratureRow, SelectionRow, SensitivityRecord

FRACTIONS: Final = (0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Selection fractions t; from just above what the store keeps."""

QUADRATURES: Final = ("right:10", "right:20", "right:50", "midpoint:20", "gauss-legendre:10", "gauss-legendre:20")

CONVERGED: Final = Quadrature(rule="gauss-legendre", steps=64)
"""Stands for the integral itself."""

SAMPLE_QUERIES: Final = 200


def measure_sensitivity(
    workspace: Workspace,
    model: ModelHandle,
    localizer: Localizer,
    *,
    prevalence: Prevalence,
    separation: Separation,
    selections: Sequence[Selection],
    quadratures: Sequence[Quadrature],
    make: Callable[[Quadrature], Localizer],
    queries: int,
    command: str,
) -> SensitivityRecord:
    """Judges one model under one localizer at every selection, and a sample of its queries under every quadrature.

    Args:
        workspace: localizes what the store lacks; no model is loaded where it lacks nothing.
        model: the model.
        localizer: the method.
        prevalence: a claim at the threshold that is looked at.
        separation: the other, at the same threshold.
        selections: where knowledge neurons begin.
        quadratures: rules that are compared with `CONVERGED`; none to leave that out.
        make: the same method with another quadrature.
        queries: size of the sample.
        command: the command line, for the manifest.

    Raises:
        HarnessError: data, model or store cannot be used; what is stored stays.
    """
    started = time.monotonic()
    cell = workspace.cell(model, localizer)
    gathered = cell.gather()
    ordered = sorted(selections, key=lambda selection: selection.t)
    rows = tuple(over_selection(gathered, ordered, prevalence, separation))
    compared = over_quadratures(
        cell, gathered.localized.plan, quadratures, make=make, threshold=prevalence.threshold, queries=queries
    )
    return SensitivityRecord(
        manifest=make_manifest(
            settings=workspace.settings,
            models=[model],
            datasets=[cell.dataset],
            command=command,
            seconds=time.monotonic() - started,
        ),
        model=model.name,
        localizer=localizer.name,
        threshold=prevalence.threshold.name,
        margin=prevalence.margin,
        selected=workspace.settings.selection.t,
        selection=rows,
        converged=str(CONVERGED),
        quadratures=tuple(compared),
    )


def over_selection(
    gathered: Gathered, selections: Sequence[Selection], prevalence: Prevalence, separation: Separation
) -> list[SelectionRow]:
    """What both claims come to at every selection, from localizations that are there."""
    rows: list[SelectionRow] = []
    for selection in selections:
        evidence = gathered.at(selection).evidence()
        share, kinds = prevalence.decide(evidence), separation.decide(evidence)
        beside = cast(dict[str, Any], share.extras)
        rows.append(
            SelectionRow(
                t=selection.t,
                mean_set_size=float(evidence.sets.sizes.mean()),
                share_inconsistent=share.estimate,
                ci_low=share.ci_low,
                ci_high=share.ci_high,
                cut=beside["cut"],
                mean_cs2=beside["mean_cs2"],
                ceiling=beside["ceiling"],
                floor=beside["floor"],
                n_facts=share.n_facts,
                n_relations=share.n_relations,
                prevalence=str(share.verdict),
                prevalence_reason=share.reason,
                separation=str(kinds.verdict),
                separation_reason=kinds.reason,
            )
        )
    return rows


def over_quadratures(
    cell: Cell,
    plan: Plan,
    quadratures: Sequence[Quadrature],
    *,
    make: Callable[[Quadrature], Localizer],
    threshold: Threshold,
    queries: int,
) -> list[QuadratureRow]:
    """A seeded sample of queries localized under every quadrature, the converged one first and last in the table.

    Args:
        cell: model and method.
        plan: queries that the method scores.
        quadratures: the rules.
        make: the same method with another quadrature.
        threshold: cuts CS2.
        queries: size of the sample.

    Returns:
        one row a quadrature and one for `CONVERGED`; none where the method does not depend on a quadrature.
    """
    if not quadratures or not _integrates(make):
        return []
    sample = sample_of(plan, queries, seed=cell.settings.seed)
    methods = {quadrature: make(quadrature) for quadrature in (CONVERGED, *quadratures)}
    timed = {q: _timed(replace(cell, localizer=method), sample.plan, q) for q, method in methods.items()}
    converged = timed[CONVERGED][0]
    rows: list[QuadratureRow] = []
    for quadrature in (*(q for q in methods if q != CONVERGED), CONVERGED):
        localized, seconds = timed[quadrature]
        found = compare(sample, localized, converged, threshold)
        gaps = localized.columns["completeness_gap"].dropna().to_numpy(np.float64)
        rows.append(
            QuadratureRow(
                quadrature=str(quadrature),
                n_queries=found.overlap.n_queries,
                jaccard=found.overlap.jaccard,
                identical=found.overlap.identical,
                completeness_gap=float(np.median(gaps)) if len(gaps) else None,
                n_facts=found.n_facts,
                mean_cs2=found.mean_cs2,
                share_inconsistent=found.share_inconsistent,
                seconds_a_query=seconds,
                relative_operations=_relative_operations(cell, methods[quadrature], sample.plan),
            )
        )
    return rows


def _integrates(make: Callable[[Quadrature], Localizer]) -> bool:
    """Whether the method changes with the quadrature; one of somebody's own, or a plain activation, does not."""
    return make(CONVERGED).config() != make(Quadrature()).config()


def _timed(cell: Cell, plan: Plan, quadrature: Quadrature) -> tuple[LocalizedRows, float | None]:
    """The sample's rows, and seconds a query where any had to be computed."""
    present = open_store(cell.settings.store, cell.model, cell.localizer).present()
    missing = len({request.encoded.key for request in plan.requests} - present)
    if missing:
        cell.model.loaded()  # not part of the time
    started = time.monotonic()
    rows = cell.rows(plan, label=f"{cell.label} {quadrature}")
    return rows, (time.monotonic() - started) / missing if missing else None


def _relative_operations(cell: Cell, other: Localizer, plan: Plan) -> float | None:
    """Operations under another quadrature, those of the cell's own being 1."""
    if not isinstance(cell.localizer, HasCost) or not isinstance(other, HasCost):
        return None
    prompts = [len(request.encoded.prompt_ids) for request in plan.requests]
    answers = [len(request.encoded.answer_ids) for request in plan.requests]
    own, others = (
        localizer.cost(cell.model.shape, prompts, answers, batch_size=cell.settings.batch_size).operations
        for localizer in (cell.localizer, other)
    )
    return others / own
