"""Tables 2 and 3: what edits of knowledge neurons do, for consistent and inconsistent facts."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.consistency import parse_threshold
from reports.frames import cells_of, words
from reports.paper import METRICS, PaperEdits, load_edit_table, load_table1, localizer_title, papers_model
from reports.paper_tables.edit_statistics import CLASSES, MARGIN, EditStatistics
from reports.paper_tables.sources import MEASURED, PRINTED, RECOMPUTED, REPLICATION, SOURCE
from reports.run import SavedRun
from reports.table import MISSING, Cell, Column, Table, column, interval, number, word

NEURONS: Final = {"kn-local": "local", "kn-global": "global", "kn-cas": "cas"}
"""Editor -> the paper's set of neurons."""

_TITLES: Final = {"kn-local": "N_i", "kn-global": "N_g", "kn-cas": "CAS"}
_PAPERS_CELL: Final = ("ig", "static:0.1")
"""What the paper's tables of edits are taken to rest on."""

_EMPTY: Final = Cell(text=MISSING)
_NOTE: Final = (
    "Means over facts with 95 % intervals over relations, not adjusted for their number. K_I and K_II are cut by CS2"
    " over all queries, as in Table 1."
)
_REPLICATION_NOTE: Final = (
    f"Replication is an equivalence test at a margin of {MARGIN:g}; the change of perplexity has no declared margin."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """What sets Tables 2 and 3 apart.

    Attributes:
        number: 2 or 3.
        title: what the paper calls it.
        editors: in the order of the rows.
        better: what bold means.
        bold: statistics, editor, kind, class and metric -> whether the value is bold.
    """

    number: int
    title: str
    editors: tuple[str, ...]
    better: str
    bold: Callable[[EditStatistics, str, str, str, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """A model's edits, and the alias under which the paper's numbers of it stand."""

    name: str
    alias: str | None
    statistics: EditStatistics


def edit_tables(run: SavedRun) -> list[Table]:
    """Table 2 and, where consistency-aware neurons were edited, Table 3: one each a localizer and threshold."""
    if run.edits.empty:
        return []
    editors = tuple(words(run.edits, "editor"))
    cas = tuple(name for name in editors if name.startswith("kn-cas"))
    layouts = [_table2(tuple(name for name in editors if name not in cas))]
    if cas:
        first = tuple(name for name in ("kn-local", "kn-global") if name in editors)
        layouts.append(_table3((*first, *cas)))
    return [
        _table(layout, run, localizer, threshold, models)
        for localizer, threshold, models in _cells(run)
        for layout in layouts
    ]


def _table2(editors: tuple[str, ...]) -> _Layout:
    return _Layout(
        number=2,
        title="results of knowledge modification",
        editors=editors,
        better="Bold is significantly better than the other class of facts.",
        bold=lambda statistics, editor, kind, facts, metric: statistics.beats_other_class(editor, kind, facts, metric),
    )


def _table3(editors: tuple[str, ...]) -> _Layout:
    def bold(statistics: EditStatistics, editor: str, kind: str, facts: str, metric: str) -> bool:
        others = [other for other in editors if other != editor]
        return bool(others) and all(statistics.beats(editor, other, kind, facts, metric) for other in others)

    return _Layout(
        number=3,
        title="results of consistency-aware modification",
        editors=editors,
        better="Bold is significantly better than every other set of neurons on the same facts.",
        bold=bold,
    )


def _cells(run: SavedRun) -> Iterator[tuple[str, str, list[_Model]]]:
    """Localizer, threshold and the models with edits that were judged there."""
    edited = set(cells_of(run.edits))
    kept = [key for key in _judged(run) if key[:2] in edited]
    for localizer, threshold in dict.fromkeys((localizer, threshold) for _, localizer, threshold in kept):
        models = [
            _Model(
                name=model,
                alias=papers_model(run.record.manifest, model) if (localizer, threshold) == _PAPERS_CELL else None,
                statistics=EditStatistics(run, model, localizer, parse_threshold(threshold)),
            )
            for model in dict.fromkeys(key[0] for key in kept if key[1:] == (localizer, threshold))
        ]
        yield localizer, threshold, models


def _judged(run: SavedRun) -> list[tuple[str, str, str]]:
    """Model, localizer and threshold of the claims about edits; of those about consistency if there is none."""
    about_edits = [row for row in run.record.claims if row.marker in ("modification", "cas")]
    rows = about_edits or [row for row in run.record.claims if row.claim == "separation"]
    keys = [(row.model, row.localizer, row.threshold) for row in rows if row.threshold is not None]
    return list(dict.fromkeys(keys))


def _table(layout: _Layout, run: SavedRun, localizer: str, threshold: str, models: Sequence[_Model]) -> Table:
    rows = [
        row
        for editor in layout.editors
        for kind in words(run.edits, "kind")
        for facts in CLASSES
        for row in _rows(layout, models, editor, kind, facts)
    ]
    note = f"{_NOTE} {layout.better}"
    if any(model.alias for model in models):
        note = f"{note} {_REPLICATION_NOTE} {' '.join(load_edit_table(layout.number).notes[:2])}"
    return Table(
        name=f"table{layout.number}-{localizer}-{threshold.replace(':', '-')}",
        title=f"Table {layout.number}: {layout.title}; {localizer_title(localizer)}, {threshold}",
        columns=(
            column("neurons", "neurons", align="left"),
            column("kind", "edit", align="left"),
            column("class", "facts", align="left"),
            SOURCE,
            *(column for model in models for column in _columns(_title(model))),
        ),
        rows=tuple(rows),
        note=note,
        smoke=run.smoke,
    ).without_empty_columns()


def _title(model: _Model) -> str:
    return model.name if model.alias is None else f"{load_table1().models[model.alias]} ({model.name})"


def _columns(group: str) -> Iterator[Column]:
    yield column("facts", "n", group=group)
    yield column("reliability", "Rel", better="up", group=group, interval=True)
    yield column("generalization", "Gen", better="up", group=group, interval=True)
    yield column("locality", "Loc", better="up", group=group, interval=True)
    yield column("average", "Avg", better="up", group=group, interval=True)
    yield column("perplexity_change", "ΔPPL", better="down", group=group, interval=True)


def _rows(layout: _Layout, models: Sequence[_Model], editor: str, kind: str, facts: str) -> Iterator[tuple[Cell, ...]]:
    """Measured, then printed, recomputed and replication where the paper printed something."""
    label = (word(_TITLES.get(editor, editor)), word(kind), word(CLASSES[facts]))
    measured = [_measured(layout, model.statistics, editor, kind, facts) for model in models]
    if all(cell.text in (MISSING, "0") for part in measured for cell in part):
        return
    yield (*label, word(MEASURED), *(cell for part in measured for cell in part))
    printed = [_printed(layout.number, model.alias, editor, kind, facts) for model in models]
    if not any(printed):
        return
    pairs = list(zip(models, printed, strict=True))
    yield (*label, word(PRINTED), *(cell for _, paper in pairs for cell in _as_printed(paper)))
    yield (*label, word(RECOMPUTED), *(cell for _, paper in pairs for cell in _recomputed(paper)))
    told = [cell for model, paper in pairs for cell in _replication(model.statistics, paper, editor)]
    yield (*label, word(REPLICATION), *told)


def _measured(layout: _Layout, statistics: EditStatistics, editor: str, kind: str, facts: str) -> list[Cell]:
    cells = [number(statistics.n_facts(editor, kind, facts), 0)]
    for metric in METRICS:
        found = statistics.mean(editor, kind, facts, metric)
        if found is None:
            cells.append(_EMPTY)
            continue
        ends = found.interval()
        low, high = (ends.low, ends.high) if math.isfinite(ends.low) and math.isfinite(ends.high) else (None, None)
        bold = layout.bold(statistics, editor, kind, facts, metric)
        cells.append(interval(found.estimate, low, high, bold=bold))
    return cells


def _printed(table: int, alias: str | None, editor: str, kind: str, facts: str) -> PaperEdits | None:
    if alias is None or editor not in NEURONS:
        return None
    return load_edit_table(table).cell(alias, kind, NEURONS[editor], facts)


def _as_printed(paper: PaperEdits | None) -> list[Cell]:
    return [_EMPTY, *(number(paper and paper.printed[metric]) for metric in METRICS)]


def _recomputed(paper: PaperEdits | None) -> list[Cell]:
    return [_EMPTY] * 4 + [number(paper and paper.average), _EMPTY]


def _replication(statistics: EditStatistics, paper: PaperEdits | None, editor: str) -> Iterator[Cell]:
    """Whether each printed number but the change of perplexity comes out again."""
    yield _EMPTY
    for metric in METRICS[:-1]:
        found = statistics.mean(editor, paper.kind, paper.facts, metric) if paper else None
        yield _EMPTY if paper is None or found is None else word(statistics.replicates(paper.printed[metric], found))
    yield _EMPTY
