"""The interface of an editor, and of one whose edits can be batched."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.editing.corrections import Correction
from harness.editing.request import EditRequest
from harness.models.loaded import LoadedModel


@runtime_checkable
class Editor(Protocol):
    """A method of knowledge modification.

    The object is its own configuration; whatever has these members is an editor, wherever it comes from.
    """

    @property
    def name(self) -> str:
        """Short id for tests, tables and records, such as `kn-local`."""
        ...

    def config(self) -> dict[str, Any]:
        """Every setting that changes an edit, as builtins: part of the record."""
        ...

    def edit(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, request: EditRequest
    ) -> AbstractContextManager[object]:
        """A context within which `model` is edited; outside it is what it was, to the bit, whatever happened inside.

        Args:
            model: the transformers model itself: in eval mode, its parameters not asking for gradients.
            tokenizer: its tokenizer.
            request: the edit.
        """
        ...


@runtime_checkable
class FunctionalEditor(Editor, Protocol):
    """An editor whose edit is a change of what the output projections put out, so that many edits run in one batch."""

    def corrections(self, model: LoadedModel, requests: Sequence[EditRequest]) -> list[Correction]:
        """The change that each request means, in order."""
        ...
