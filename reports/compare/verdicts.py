"""The verdicts of several runs in one table, a group of columns a run."""

from collections.abc import Sequence

from harness.records import ClaimRow
from reports.claim_tables import verdict_text
from reports.compare.pairing import run_names, single_model
from reports.run import SavedRun
from reports.table import Cell, Column, Table, column, interval, word

_Key = tuple[str, str, str, str]


def verdict_table(runs: Sequence[SavedRun], *, smoke: str | None) -> Table:
    """A row a claim, model, localizer and threshold that any of the runs looked at.

    Where every run has one model, models of different names stand side by side, and a run's heading names its own.

    Args:
        runs: the first is the reference.
        smoke: why the numbers are not a result, or None.
    """
    alone = single_model(runs)
    rows = [{_key(row, alone): row for row in run.record.claims} for run in runs]
    keys = list(dict.fromkeys(key for of_run in rows for key in of_run))
    claims = list(dict.fromkeys(claim for claim, *_ in keys))
    shared = {claim for claim in claims if sum(any(key[0] == claim for key in of_run) for of_run in rows) > 1}
    # What several runs looked at comes first; a claim that a later run adds a cell to stays in one piece.
    keys.sort(key=lambda key: (key[0] not in shared, claims.index(key[0])))
    columns = [
        column("claim", "Claim", align="left"),
        column("model", "Model", align="left"),
        column("localizer", "Localizer", align="left"),
        column("threshold", "T", align="left"),
        *(part for group in _headings(runs, alone=alone) for part in _columns(group)),
        Column(
            key="same_verdict",
            heading="same verdict",
            align="left",
            explanation="Whether all runs that looked at the claim came to one verdict.",
        ),
    ]
    return Table(
        name="verdicts-side-by-side",
        title="Verdicts side by side",
        columns=tuple(columns),
        rows=tuple(_row(key, [of_run.get(key) for of_run in rows]) for key in keys),
        note="Two verdicts that differ do not say that the runs do: one interval may just reach over the margin. The"
        " paired differences do, where the runs share facts.",
        smoke=smoke,
    ).without_empty_columns()


def _key(row: ClaimRow, alone: bool) -> _Key:
    return row.claim, "" if alone else row.model, row.localizer, row.threshold or ""


def _headings(runs: Sequence[SavedRun], *, alone: bool) -> list[str]:
    names = run_names(runs)
    models = [next(iter(run.record.manifest.models)) if alone else "" for run in runs]
    told = len(set(models)) > 1
    return [f"{name} ({model})" if told else name for name, model in zip(names, models, strict=True)]


def _columns(group: str) -> tuple[Column, Column]:
    return (
        column("verdict", "verdict", align="left", group=group),
        column("estimate", "estimate [95 %]", interval=True, group=group),
    )


def _row(key: _Key, rows: Sequence[ClaimRow | None]) -> tuple[Cell, ...]:
    verdicts = [row.verdict for row in rows if row is not None]
    same = None if len(verdicts) < 2 else "yes" if len(set(verdicts)) == 1 else "no"
    return (*map(word, key), *(cell for row in rows for cell in _cells(row)), word(same))


def _cells(row: ClaimRow | None) -> tuple[Cell, Cell]:
    if row is None:
        return word(None), interval(None, None, None)
    return Cell(text=verdict_text(row), value=row.verdict), interval(row.estimate, row.ci_low, row.ci_high)
