"""Whether an editor gave the model back as it was, to the bit.

Reading every weight costs about a second a gigabyte, too much to do after every edit. So after every edit modules,
hooks, flags and tensors are looked at from outside, the tensors that were replaced or written to (by torch's own
counters) are hashed, and a probe text must give the same logits to the bit, which finds most of what was written behind
the counters' back, through `.data` or numpy. Every weight is read again after every so many edits and at the end.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

import torch
from torch import Tensor

from harness.errors import EditError
from harness.models.loaded import LoadedModel
from harness.models.state import model_state, named_tensors

_PROBE_TOKENS: Final = 16
_SHOWN: Final = 5


class ModelSource(Protocol):
    """Where a model comes from, so that a spoilt one can be had anew; a `ModelHandle` is one."""

    def loaded(self) -> LoadedModel:
        """The model."""
        ...

    def release(self) -> None:
        """Forgets it; the next `loaded` reads its weights again."""
        ...


class RestorationGuard:
    """Lends a model to an editor, edit by edit, and looks at it when it comes back.

    After a leak the model is released, so whoever asks the source again gets a fresh one.
    """

    def __init__(self, source: ModelSource, editor: str, *, every: int = 100) -> None:
        """Reads the model's state once.

        Args:
            source: of the model.
            editor: name of the editor that it is lent to, for the error.
            every: read all weights after so many edits.
        """
        self._source = source
        self._editor = editor
        self._every = every
        self._model = source.loaded().model
        self._state = model_state(self._model)
        self._marks = _marks(self._model)
        self._device = source.loaded().device
        self._vocabulary = source.loaded().head.out_features
        self._probed = self._probe()
        self._edits = 0
        self._unread = 0

    @contextmanager
    def lend(self) -> Generator[None]:
        """One edit: the model is looked at when the block ends, also after an error inside.

        Raises:
            EditError: the model is not what it was.
        """
        try:
            yield
        except Exception:
            self._look()
            raise
        except BaseException:  # interrupted: nobody knows how far the editor got
            self._source.release()
            raise
        self._look()

    def finish(self) -> None:
        """Reads all weights.

        Raises:
            EditError: the model is not what it was.
        """
        self._judge(self._state.differences(model_state(self._model)))
        self._unread = 0

    def _look(self) -> None:
        self._edits += 1
        self._unread += 1
        if self._unread >= self._every:
            self.finish()
            return
        marks = _marks(self._model)
        touched = {name for name in marks.keys() | self._marks.keys() if marks.get(name) != self._marks.get(name)}
        expected = {name: content for name, content in self._state.tensors.items() if name in touched}
        leaks = replace(self._state, tensors=expected).differences(model_state(self._model, only=touched))
        if not leaks and not torch.equal(self._probe(), self._probed):
            leaks = self._state.differences(model_state(self._model)) or ["answers to a probe text changed"]
        self._judge(leaks)
        self._marks = marks

    def _judge(self, leaks: list[str]) -> None:
        if not leaks:
            return
        self._source.release()
        shown = "; ".join(leaks[:_SHOWN]) + (f"; and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else "")
        when = f"after {self._edits} edits" if self._edits != 1 else "after one edit"
        raise EditError(
            f"the editor {self._editor!r} does not give the model back as it was: {shown} ({when}). Undo in `finally`"
            " or a `with`, and put kept values back instead of subtracting what was added. The model is loaded anew",
            editor=self._editor,
            leaks=leaks,
        )

    @torch.no_grad()
    def _probe(self) -> Tensor:
        """The logits behind a fixed text."""
        ids = torch.randint(self._vocabulary, (1, _PROBE_TOKENS), generator=torch.Generator().manual_seed(0))
        return self._model(input_ids=ids.to(self._device), use_cache=False, logits_to_keep=1).logits


def _marks(model: torch.nn.Module) -> dict[str, tuple[object, ...]]:
    """What tells from outside that a tensor was replaced or written to."""
    return {name: (id(tensor), tensor.data_ptr(), tensor._version) for name, tensor in named_tensors(model).items()}
