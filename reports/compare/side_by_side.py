"""Two or more saved runs: verdicts side by side, and each later run held against the first."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import ConfigError
from reports.compare.edits import shared_edits
from reports.compare.facts import change_table, fact_changes
from reports.compare.pairing import run_names
from reports.compare.verdicts import verdict_table
from reports.gate.differences import Comparison, compare_runs
from reports.gate.edited_run import EditedRun, differing, load_edited_run
from reports.gate.limits import Limit
from reports.run import SavedRun
from reports.table import Table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SideBySide:
    """Runs compared.

    Attributes:
        runs: the first is the reference.
        title: what is compared with what.
        verdicts: of all runs, in one table.
        facts: what changed on shared facts, a table a later run that shares any.
        edits: what changed on shared edits, a comparison a later run that shares any.
        notes: in what else the runs differ, a sentence each.
    """

    runs: tuple[SavedRun, ...]
    title: str
    verdicts: Table
    facts: tuple[Table, ...]
    edits: tuple[Comparison, ...]
    notes: tuple[str, ...]

    @property
    def smoke(self) -> list[str]:
        """Why runs among them are no result."""
        named = zip(run_names(self.runs), self.runs, strict=True)
        return [f"{name}: {run.smoke}" for name, run in named if run.smoke is not None]

    def fails(self) -> bool:
        """Whether an edit of a later run is worse than its limit allows."""
        return any(comparison.regressions() for comparison in self.edits)


def compare_saved(
    runs: Sequence[SavedRun], limits: Sequence[Limit] = (), *, draws: int = 10_000, seed: int = 0
) -> SideBySide:
    """Compares every later run with the first.

    Args:
        runs: at least two.
        limits: what edits may get worse by; with any, runs that differ in more than the editor are refused.
        draws: bootstrap draws.
        seed: of the draws.

    Raises:
        ConfigError: fewer than two runs; or there are limits, and the runs cannot be held to them.
        StoreError: there are limits, and a run edited nothing; or its edits are none.
    """
    if len(runs) < 2:
        raise ConfigError(f"comparing takes two runs or more, got {len(runs)}", setting="runs", value=len(runs))
    first, *later = runs
    reference, *names = run_names(runs)
    smoke = "; ".join(f"{name}: {run.smoke}" for name, run in zip(run_names(runs), runs, strict=True) if run.smoke)
    facts: list[Table] = []
    edits: list[Comparison] = []
    notes: list[str] = []
    for name, run in zip(names, later, strict=True):
        changes = fact_changes(first, run, draws=draws, seed=seed)
        if changes:
            facts.append(change_table(reference, name, changes, smoke=smoke or None))
        if limits:
            edits.append(compare_runs(_edited(first), _edited(run), limits, draws=draws, seed=seed))
        elif len(first.edits) and len(run.edits):
            found = shared_edits(first, run, draws=draws, seed=seed)
            edits += [] if found is None else [found]
        notes += _notes(reference, first, name, run)
    return SideBySide(
        runs=tuple(runs),
        title=f"{', '.join(names)} compared with {reference}",
        verdicts=verdict_table(runs, smoke=smoke or None),
        facts=tuple(facts),
        edits=tuple(edits),
        notes=tuple(notes),
    )


def _edited(run: SavedRun) -> EditedRun:
    return load_edited_run(run.folder)


def _notes(reference: str, first: SavedRun, name: str, run: SavedRun) -> list[str]:
    """In what two runs differ besides their editors, and which facts only one of them has."""
    differ = differing(first.record, run.record)
    notes = [f"{name} differs from {reference}: {'; '.join(differ)}."] if differ else []
    before, after = (set(one.facts["fact_uid"]) for one in (first, run))
    if before and after and before != after:
        only = ((before - after, reference), (after - before, name))
        alone = (f"{len(facts):,} only in {of}" for facts, of in only)
        notes.append(f"{len(before & after):,} facts are in both {reference} and {name}, {' and '.join(alone)}.")
    return notes
