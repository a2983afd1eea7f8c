"""Edits of a cell's facts by one editor, stored and resumable: one row an edit."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
import pyarrow as pa

from harness.editing import EditCase, Editor, EditRow, FunctionalEditor, KnowledgeNeurons, evaluate_edits
from harness.editing.evaluate import Unmodified, unmodified
from harness.execution.measuring import measure_missing, stored
from harness.own_code import source_fingerprint
from harness.pipeline.cell import Cell
from harness.store.measurements import MeasurementStore, content_key

METRICS: Final = {
    "rel": "reliability",
    "gen": "generalization",
    "loc": "locality",
    "avg": "average",
}
"""Short name -> column, as in `--compare-fail`; each has a probability variant, whose column ends in `_p`."""

PERPLEXITY: Final = "perplexity_change"

NUMBERS: Final = (
    *METRICS.values(),
    PERPLEXITY,
    *("locality_other", "locality_same"),
    *(f"{column}_p" for column in METRICS.values()),
    *("perplexity_before", "perplexity_after", "target_probability", "target_probability_before", "nonpositive"),
)
_COUNTS: Final = (
    *("query_index", "n_neighbors", "n_unknown_neighbors", "n_other", "n_same", "n_predicted", "n_neurons"),
)
COLUMNS: Final = (*NUMBERS, *_COUNTS)
"""What is known of an edit besides whose it is."""

_SCHEMA: Final = {**dict.fromkeys(NUMBERS, pa.float64()), **dict.fromkeys(_COUNTS, pa.int32())}
_AT_ONCE: Final = 256
"""Edits of a shard where they run in batches."""

_ONE_BY_ONE: Final = 32
"""Edits of a shard where each costs as much as many of those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """One edit of one editor.

    Attributes:
        case: the edit.
        key: hash of the request and of all that it is scored on.
    """

    case: EditCase
    key: str


class Edits:
    """The cases of a cell; what the unmodified model says to them is asked once, however many editors there are."""

    def __init__(self, cell: Cell, cases: Sequence[EditCase], passages: Sequence[tuple[int, ...]]) -> None:
        """Takes what was drawn; runs nothing yet."""
        self.cases = cases
        self._cell = cell
        self._passages = passages
        self._passage_keys = [_hash(ids) for ids in passages]

    def rows(
        self, editor: Editor, *, only_stored: bool, cases: Sequence[EditCase] | None = None
    ) -> list[dict[str, Any]]:
        """One row a case, in their order; makes the edits that the store lacks.

        Args:
            editor: a built-in one or anybody's.
            only_stored: whether all rows have to be in the store, and no model is loaded.
            cases: some of the cases; all by default.

        Raises:
            EditError: the editor fails, or does not give the model back as it was.
            HarnessError: the model cannot be run, or the store cannot be used.
        """
        edits = [self._edit(case, editor) for case in (self.cases if cases is None else cases)]
        store = MeasurementStore(self._cell.settings.store, "edits", self._identity(editor), _SCHEMA)
        if only_stored:
            return stored(edits, store)
        return measure_missing(
            edits,
            partial(self._computed, editor),
            store,
            self._cell.progress,
            label=f"{self._cell.label} {editor.name}",
            shard_items=_AT_ONCE if _in_batches(editor) else _ONE_BY_ONE,
        )

    @cached_property
    def _before(self) -> Unmodified:
        return unmodified(self._cell.model.loaded(), self.cases, self._passages)

    def _computed(self, editor: Editor, edits: Sequence[_Edit]) -> Iterator[dict[str, Any]]:
        cases = [edit.case for edit in edits]
        before = self._before
        for row in evaluate_edits(self._cell.model, cases, editor, passages=self._passages, before=before):
            yield {"excluded": None, **_flat(row)}

    def _edit(self, case: EditCase, editor: Editor) -> _Edit:
        request = {item.name: getattr(case.request, item.name) for item in fields(case.request)}
        if isinstance(editor, KnowledgeNeurons):  # so that another set, computed or not, changes no key
            request["neuron_sets"] = case.request.neuron_sets.get(editor.neurons)
            request["neighbor_neurons"] = None
        else:
            request["neuron_sets"] = dict(case.request.neuron_sets)
        passages = [self._passage_keys[number] for number in case.passages]
        key = content_key(request, case.query_index, case.target, case.neighbors, case.other, case.same, passages)
        return _Edit(case=case, key=key)

    def _identity(self, editor: Editor) -> dict[str, Any]:
        """What changes a number of an edit that is asked for alike."""
        return {
            **self._cell.model.identity(),
            "editor": editor.name,
            "config": editor.config(),
            "source": source_fingerprint(editor),
        }


def _hash(ids: tuple[int, ...]) -> str:
    return hashlib.blake2b(np.array(ids, dtype="<i8").tobytes(), digest_size=10).hexdigest()


def _in_batches(editor: Editor) -> bool:
    return isinstance(editor, FunctionalEditor) and not getattr(editor, "in_weights", False)


def _flat(row: EditRow) -> dict[str, Any]:
    """An edit's numbers by column."""
    numbers = {**asdict(row.scores), **asdict(row)}
    numbers[PERPLEXITY] = row.scores.delta_perplexity
    return {name: numbers[name] for name in COLUMNS}
