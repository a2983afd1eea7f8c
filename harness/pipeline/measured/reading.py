"""Whether a model can read at all: its unmodified perplexity on the text that edits are measured on, stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pyarrow as pa

from harness.data.passages import load_passages, text_fingerprint
from harness.editing import encode_passages
from harness.editing.measuring import Text, negative_log_likelihoods
from harness.editing.perplexity import perplexity
from harness.errors import DataError
from harness.execution.measuring import measure_missing, stored
from harness.pipeline.cell import Cell
from harness.store.measurements import MeasurementStore, content_key

MEANINGFUL_SHARE: Final = 0.5
"""A model whose unmodified perplexity exceeds this share of its vocabulary cannot read: what an edit does to it says
nothing."""

_COLUMNS: Final = {"perplexity": pa.float64()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The text as a model reads it.

    Attributes:
        passages: token ids; empty where perplexity on them would say nothing.
        perplexity: of all passages together, unmodified; None where there are none or it is not finite.
        obstacle: why it says nothing, with what to do; None where it does.
        fingerprint: of the text, whatever the model.
    """

    passages: tuple[tuple[int, ...], ...]
    perplexity: float | None
    obstacle: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passages:
    ids: tuple[tuple[int, ...], ...]

    @property
    def key(self) -> str:
        """Hash of the token ids."""
        return content_key(self.ids)


def read_text(cell: Cell, *, only_stored: bool) -> Reading:
    """Reads the session's text, and measures the unmodified model on it where the store does not know.

    Args:
        cell: model and settings.
        only_stored: whether that has to be in the store, and no model is loaded.

    Raises:
        DataError: there is no such text, or it cannot be read.
        HarnessError: the model cannot be run, or the store cannot be used.
    """
    model, name = cell.model, cell.settings.perplexity_text
    texts = load_passages(name, offline=cell.settings.offline)
    fingerprint = text_fingerprint(texts)
    try:
        passages = encode_passages(model.tokenizer, texts, context_length=model.context_length)
    except DataError as error:
        return Reading(passages=(), perplexity=None, obstacle=str(error), fingerprint=fingerprint)
    store = MeasurementStore(cell.settings.store, "perplexity", model.identity(), _COLUMNS)
    items = [_Passages(ids=passages)]
    (row,) = (
        stored(items, store)
        if only_stored
        else measure_missing(
            items, partial(_measured, cell), store, cell.progress, label=f"{model.name} perplexity", shard_items=1
        )
    )
    found, vocabulary = row["perplexity"], model.shape.vocabulary
    if found is not None and found <= MEANINGFUL_SHARE * vocabulary:
        return Reading(passages=passages, perplexity=found, obstacle=None, fingerprint=fingerprint)
    shown = "no finite perplexity" if found is None else f"a perplexity of {found:,.0f}"
    obstacle = (
        f"the unmodified model has {shown} on the text {name!r}, more than half of guessing among its {vocabulary:,}"
        " tokens: it was not trained on running text, so what an edit changes there says nothing. Take a model that was"
    )
    return Reading(passages=(), perplexity=found, obstacle=obstacle, fingerprint=fingerprint)


def _measured(cell: Cell, items: Sequence[_Passages]) -> Iterator[dict[str, Any]]:
    for item in items:
        likelihoods = negative_log_likelihoods(cell.model.loaded(), [Text(ids) for ids in item.ids])
        yield {"excluded": None, "perplexity": perplexity(likelihoods, [len(ids) - 1 for ids in item.ids])}
