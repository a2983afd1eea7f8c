"""Knowledge modification: facts erased and updated by every editor, and what each edit does (sections 2.2 and 3.3)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from harness.claims import Control, Effects
from harness.claims.edits import COST, quantity, turned
from harness.data.facts import QueryForm
from harness.editing import EDITORS, ERASE, KINDS, EditCase, Editor, Identity, KnowledgeNeurons, make_editor
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized
from harness.pipeline.measured.beta_grid import grid_values
from harness.pipeline.measured.cas import CAS
from harness.pipeline.measured.edit_rows import COLUMNS, METRICS, NUMBERS, PERPLEXITY, Edits
from harness.pipeline.measured.edited_facts import edited_facts
from harness.pipeline.measured.measurement import Classes, Measured, Measurement, per_fact
from harness.pipeline.measured.reading import Reading, read_text
from harness.pipeline.precision import LOW

CONTROL_EDITS: Final = 64
"""Edits that the control repeats without changing anything."""

LEAST_CHANGE: Final = 1e-3
"""Mean change of log p under which erasing neurons did nothing but round."""

ROUNDING: Final = 1e-4
"""Most that a score may move where nothing was changed: batches of other company round otherwise."""

ROUNDING_LOW: Final = 0.05
"""The same in a dtype in which top tokens flip by rounding."""

_LARGEST: Final = math.log(np.finfo(float).max)
"""log PPL that counts for a perplexity which is no finite number any more."""


def measure(cell: Cell, localized: Localized, only_stored: bool) -> Measured:
    """Edits the drawn facts of a cell by every editor of the session.

    Args:
        cell: model, localizer and settings.
        localized: the knowledge neurons of its queries.
        only_stored: whether all rows have to be in the store, and no model is loaded.

    Raises:
        EditError: an editor fails, or does not give the model back as it was.
        HarnessError: the model cannot be run, or the store cannot be used.
    """
    n_facts = localized.dataset.n_facts
    if cell.model.query_form is not QueryForm.CONTINUATION:
        obstacle = f"{cell.model.name} fills a gap, and what is edited here continues a query: give a model that does."
        return Measured(effects=Effects(values={}, obstacle=obstacle), table=_table([], {}))
    # Editors that come with the project first: if somebody's own fails, what these found is stored.
    editors = sorted(map(make_editor, cell.settings.editors), key=lambda editor: not _built_in(editor))
    text = read_text(cell, only_stored=only_stored)
    facts = edited_facts(
        cell,
        localized,
        n_passages=len(text.passages),
        with_cas=any(map(_wants_cas, editors)),
        only_stored=only_stored,
    )
    edits = Edits(cell, facts.cases, text.passages)
    rows = {editor.name: edits.rows(editor, only_stored=only_stored) for editor in editors}
    table = _table(facts.cases, rows)
    number = {fact.uid: index for index, fact in enumerate(localized.dataset.facts())}
    cas = next((editor.name for editor in editors if _is_cas(editor)), None)
    grid = {} if cas is None else grid_values(edits, facts.grid, rows[cas], number, only_stored=only_stored)
    effects = Effects(
        values={**_values(table, number, n_facts), **grid},
        excluded={"not drawn to be edited": n_facts - len(facts.chosen), **facts.skipped},
        controls=_controls(cell, edits, editors, rows, only_stored),
        absent=_absent(text, editors),
        notes={
            "editors": {editor.name: editor.config() for editor in editors},
            "perplexity_text": cell.settings.perplexity_text,
            "perplexity_text_fingerprint": text.fingerprint,
            "perplexity": text.perplexity,
        },
    )
    return Measured(effects=effects, table=table, read={"perplexity_text": text.fingerprint})


def figures(measured: Measured, classes: Classes) -> Mapping[str, pd.DataFrame]:
    """None: edits are shown in tables."""
    return {}


EDITING: Final = Measurement(markers=("modification", "cas"), file="edits.csv", measure=measure, figures=figures)


def _built_in(editor: Editor) -> bool:
    return type(editor).__module__.partition(".")[0] == "harness"


def _wants_cas(editor: Editor) -> bool:
    """Whether it edits consistency-aware neurons."""
    return isinstance(editor, KnowledgeNeurons) and editor.neurons.startswith(CAS)


def _is_cas(editor: Editor) -> bool:
    """Whether it is Eq. 7 and Eq. 2 as in the paper."""
    return editor == KnowledgeNeurons(neurons=CAS)


def _table(cases: Sequence[EditCase], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """One row an edit, by editor, then as the cases come."""
    parts = [
        {
            "fact_uid": case.request.fact_uid,
            "relation": case.request.relation,
            "editor": editor,
            "kind": case.request.kind,
            **{name: row[name] for name in COLUMNS},
        }
        for editor, found in rows.items()
        for case, row in zip(cases, found, strict=True)
    ]
    table = pd.DataFrame(parts, columns=["fact_uid", "relation", "editor", "kind", *COLUMNS])
    return table.astype(dict.fromkeys(NUMBERS, float))


def _values(table: pd.DataFrame, number: Mapping[str, int], n_facts: int) -> dict[str, Float[np.ndarray, " facts"]]:
    """One number a fact and quantity, each also turned."""
    found: dict[str, Float[np.ndarray, " facts"]] = {}
    for cell, rows in table.groupby(["editor", "kind"], sort=False):
        editor, kind = cast(tuple[str, str], cell)
        facts = np.array([number[uid] for uid in rows["fact_uid"]], dtype=np.int64)
        metrics = {
            **{short: rows[column] for short, column in METRICS.items()},
            **{f"{short}_p": rows[f"{column}_p"] for short, column in METRICS.items()},
            "ppl": rows[PERPLEXITY],
            COST: _cost(rows),
        }
        for metric, values in metrics.items():
            name = quantity(editor, kind, metric)
            found[name] = per_fact(facts, np.asarray(values, dtype=float), n_facts)
            found[turned(name)] = -found[name]
    return found


def _cost(rows: pd.DataFrame) -> Float[np.ndarray, " edits"]:
    """log(PPL after / PPL before); an edit after which there is no finite perplexity costs the largest there is."""
    before, after = (rows[f"perplexity_{when}"].to_numpy(float) for when in ("before", "after"))
    return np.where(np.isnan(after), _LARGEST, np.log(after)) - np.log(before)


def _absent(text: Reading, editors: Sequence[Editor]) -> dict[str, str]:
    """Why quantities were not measured: no such editor in this session, or perplexity means nothing."""
    metrics = [*METRICS, *(f"{short}_p" for short in METRICS), "ppl", COST]
    there = {editor.name for editor in editors}
    missing = {
        quantity(name, kind, metric): f"no fact was edited by {name}; add --editor {name}, or leave --editor out"
        for name in EDITORS
        if name not in there
        for kind in KINDS
        for metric in metrics
    }
    if text.obstacle is not None:
        missing |= {
            quantity(name, kind, metric): text.obstacle for name in there for kind in KINDS for metric in ("ppl", COST)
        }
    return missing | {turned(name): reason for name, reason in missing.items()}


def _controls(
    cell: Cell,
    edits: Edits,
    editors: Sequence[Editor],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    only_stored: bool,
) -> tuple[Control, ...]:
    """An editor that changes nothing scores what the unmodified model does, and one that erases neurons does not."""
    step = max(1, len(edits.cases) // CONTROL_EDITS)
    cases = edits.cases[::step]
    if not cases:
        return ()
    moved = max(map(_moved, edits.rows(Identity(), only_stored=only_stored, cases=cases)))
    bound = ROUNDING_LOW if cell.settings.dtype in LOW else ROUNDING
    nothing = Control(
        name="control of edits that change nothing",
        passed=moved <= bound,
        value=moved,
        bound=bound,
        explanation="an editor that changes nothing scores otherwise than the unmodified model, so what other editors"
        " score is not due to them alone",
    )
    effect = _effect(edits.cases, editors, rows)
    return (nothing,) if effect is None else (nothing, effect)


def _moved(row: Mapping[str, Any]) -> float:
    """The largest deviation of a score from the unmodified model's, which answers edited queries with the object."""
    unmodified = {"reliability": 0.0, "generalization": 0.0, "locality": 1.0, "locality_p": 1.0, PERPLEXITY: 0.0}
    found = [abs(row[name] - value) for name, value in unmodified.items() if row[name] is not None]
    return float(max(*found, abs(row["target_probability"] - row["target_probability_before"])))


def _effect(
    cases: Sequence[EditCase], editors: Sequence[Editor], rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Control | None:
    """Erasing all knowledge neurons of a fact must move the probability of its object; None where nobody did."""
    whole = next((e for e in editors if isinstance(e, KnowledgeNeurons) and e.neurons == "global"), None)
    if whole is None:
        return None
    changes = [
        abs(_log(row["target_probability"]) - _log(row["target_probability_before"]))
        for case, row in zip(cases, rows[whole.name], strict=True)
        if case.request.kind == ERASE
    ]
    value = math.fsum(changes) / len(changes) if changes else 0.0
    return Control(
        name="control of edits that change something",
        passed=value >= LEAST_CHANGE,
        value=value,
        bound=LEAST_CHANGE,
        explanation=f"erasing all knowledge neurons of a fact ({whole.name}) does not move the log probability of its"
        " object, so either nothing was edited or the localizer finds neurons that do nothing",
    )


def _log(probability: float) -> float:
    return math.log(max(probability, np.finfo(np.float32).tiny))
