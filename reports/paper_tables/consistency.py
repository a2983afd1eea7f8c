"""Table 1, consistency of knowledge neurons, and Table 4, the thresholds that cut it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from harness.records import ClaimRow
from reports.paper import PaperCell, load_table1, localizer_title, papers_model, printed_cell, printed_unanimity
from reports.paper_tables.sources import MEASURED, PRINTED, RECOMPUTED, SOURCE
from reports.run import SavedRun
from reports.table import MISSING, Cell, Column, Table, column, interval, number, word

_ALL: Final = "all localizers"
_EMPTY: Final = Cell(text=MISSING)
_NOTE: Final = (
    "R:I, S:I, R:II, S:II and t are the paper's statistics, over all queries of a fact; the classes are cut by the"
    " score that t compares, so t decides nothing. K_II is the share over four-query subsets that the claim prevalence"
    " decides on; bold where it is SUPPORTED. Intervals are 95 %, over relations."
)
_PRINTED_NOTE: Final = (
    "The paper's numbers stand below those of its models on all of ParaRel, with whether R:II replicates; recomputed is"
    " what its own numbers come to. How many facts they rest on is not stated."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """The rows of a run that fill Table 1, by model, localizer and threshold."""

    prevalence: dict[tuple[str, str, str], ClaimRow]
    separation: dict[tuple[str, str, str], ClaimRow]
    replication: dict[tuple[str, str, str], ClaimRow]
    agreement: dict[tuple[str, str, str], ClaimRow]

    @property
    def keys(self) -> list[tuple[str, str, str]]:
        """The cells with the paper's statistic, in the order of the run."""
        keys = dict.fromkeys((*self.prevalence, *self.separation))
        return [key for key in keys if self.statistic(key)]

    def statistic(self, key: tuple[str, str, str]) -> dict[str, Any]:
        """The paper's own numbers of a cell; empty where there are none."""
        for rows in (self.prevalence, self.separation):
            if key in rows and rows[key].extras.get("paper"):
                return cast(dict[str, Any], rows[key].extras["paper"])
        return {}


def consistency_tables(run: SavedRun) -> list[Table]:
    """Tables 1 and 4, if a claim of the run computed the paper's statistic."""
    cells = _Cells(
        prevalence=run.rows("prevalence"),
        separation=run.rows("separation"),
        replication=run.rows("replication"),
        agreement=run.rows("agreement"),
    )
    return [_table1(run, cells), _table4(run, cells)] if cells.keys else []


def _table1(run: SavedRun, cells: _Cells) -> Table:
    localizers = list(dict.fromkeys(localizer for _, localizer, _ in cells.keys))
    joint = {(model, threshold): row for (model, _, threshold), row in cells.agreement.items() if "paper" in row.extras}
    rows: list[tuple[Cell, ...]] = []
    for model, threshold in dict.fromkeys((model, threshold) for model, _, threshold in cells.keys):
        keys = [(model, localizer, threshold) for localizer in localizers]
        first = [cell for key in keys for cell in _measured(cells, key)]
        rows.append((*_label(model, threshold, MEASURED), *first, *_together(joint.get((model, threshold)))))
        rows += _from_the_paper(run, cells, keys)
    columns = (
        column("model", "Model", align="left"),
        column("threshold", "T", align="left"),
        SOURCE,
        *(column for localizer in localizers for column in _columns(localizer_title(localizer))),
        column("unanimous", "∩:II", group=_ALL),
        column("kappa", "kappa", group=_ALL, interval=True),
        column("verdict", "agreement", align="left", group=_ALL),
    )
    has_printed = any(row[2].value != MEASURED for row in rows)
    return Table(
        name="table1",
        title="Table 1: overall results of consistency analysis",
        columns=columns,
        rows=tuple(rows),
        note=f"{_NOTE} {_PRINTED_NOTE}" if has_printed else _NOTE,
        smoke=run.smoke,
    ).without_empty_columns()


def _columns(group: str) -> Iterator[Column]:
    yield column("r_consistent", "R:I", group=group)
    yield column("s_consistent", "S:I", group=group)
    yield column("r_inconsistent", "R:II", group=group, interval=True)
    yield column("s_inconsistent", "S:II", group=group)
    yield column("welch_t", "t", group=group)
    yield column("mean_cs2", "CS2", group=group)
    yield column("share", "K_II", group=group, interval=True)
    yield column("verdict", "verdict", align="left", group=group)


def _label(model: str, threshold: str, source: str) -> tuple[Cell, ...]:
    return (word(model), word(threshold), word(source))


def _measured(cells: _Cells, key: tuple[str, str, str]) -> tuple[Cell, ...]:
    paper, claim, replication = cells.statistic(key), cells.prevalence.get(key), cells.replication.get(key)
    low, high = (replication.ci_low, replication.ci_high) if replication else (None, None)
    return (
        number(paper.get("r_consistent")),
        number(paper.get("s_consistent")),
        interval(paper.get("r_inconsistent"), low, high),
        number(paper.get("s_inconsistent")),
        number(paper.get("welch_t"), 0),
        number(_mean(paper), 3),
        _estimate(claim),
        word(claim.verdict if claim else None),
    )


def _mean(paper: dict[str, Any]) -> float | None:
    """Mean CS2 of all facts, from both classes; a class without facts has no mean and no weight."""
    parts = [(paper.get(f"r_{name}"), paper.get(f"s_{name}")) for name in ("consistent", "inconsistent")]
    known = [share * mean for share, mean in parts if share is not None and mean is not None]
    return sum(known) if known else None


def _estimate(row: ClaimRow | None) -> Cell:
    if row is None:
        return _EMPTY
    return interval(row.estimate, row.ci_low, row.ci_high, bold=row.verdict == "SUPPORTED")


def _together(row: ClaimRow | None) -> tuple[Cell, ...]:
    if row is None:
        return (_EMPTY,) * 3
    return (number(row.extras["paper"]["unanimous_inconsistent"]), _estimate(row), word(row.verdict))


def _from_the_paper(run: SavedRun, cells: _Cells, keys: Sequence[tuple[str, str, str]]) -> Iterator[tuple[Cell, ...]]:
    """What is printed of a model and threshold, and what that comes to; nothing where nothing is printed."""
    model, _, threshold = keys[0]
    alias = papers_model(run.record.manifest, model)
    printed = [printed_cell(alias, localizer, threshold) if alias else None for _, localizer, threshold in keys]
    if alias is None or not any(printed):
        return
    together = printed_unanimity(alias, threshold)
    said = [_printed(cell, cells.replication.get(key)) for key, cell in zip(keys, printed, strict=True)]
    again = [_recomputed(cell) for cell in printed]
    unanimous = number(together.printed if together else None)
    yield (*_label(model, threshold, PRINTED), *(cell for part in said for cell in part), unanimous, _EMPTY, _EMPTY)
    yield (*_label(model, threshold, RECOMPUTED), *(cell for part in again for cell in part), *(_EMPTY,) * 3)


def _printed(cell: PaperCell | None, replication: ClaimRow | None) -> tuple[Cell, ...]:
    if cell is None:
        return (_EMPTY,) * 8
    told = replication and (replication.extras.get("replication") or replication.verdict)
    return (
        number(cell.r_consistent),
        number(cell.s_consistent),
        number(cell.r_inconsistent),
        number(cell.s_inconsistent),
        number(cell.welch_t, 0),
        _EMPTY,
        _EMPTY,
        word(told),
    )


def _recomputed(cell: PaperCell | None) -> tuple[Cell, ...]:
    if cell is None:
        return (_EMPTY,) * 8
    share, mean = number(cell.recomputed["r_inconsistent"]), number(cell.recomputed["mean_cs2"], 3)
    return (_EMPTY, _EMPTY, share, _EMPTY, _EMPTY, mean, _EMPTY, _EMPTY)


def _table4(run: SavedRun, cells: _Cells) -> Table:
    localizers = list(dict.fromkeys(localizer for _, localizer, _ in cells.keys))
    rows: list[tuple[Cell, ...]] = []
    for model, threshold in dict.fromkeys((model, threshold) for model, _, threshold in cells.keys):
        keys = [(model, localizer, threshold) for localizer in localizers]
        cuts = [number(cells.statistic(key).get("cut"), 3) for key in keys]
        rows.append((*_label(model, threshold, MEASURED), *cuts))
        alias = papers_model(run.record.manifest, model)
        printed = [printed_cell(alias, localizer, threshold) if alias else None for _, localizer, threshold in keys]
        if any(printed):
            rows.append((*_label(model, threshold, PRINTED), *(number(cell and cell.cut, 3) for cell in printed)))
    return Table(
        name="table4",
        title="Table 4: the thresholds of Table 1",
        columns=(
            column("model", "Model", align="left"),
            column("threshold", "T", align="left"),
            SOURCE,
            *(column(name, localizer_title(name), statistic="cut") for name in localizers),
        ),
        rows=tuple(rows),
        note=f"Where CS2 over all queries is cut. {load_table1().notes[3]}",
        smoke=run.smoke,
    )
