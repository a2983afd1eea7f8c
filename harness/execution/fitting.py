"""Batches that fit: where memory runs out, the same work in smaller pieces, and what fitted is remembered."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import torch

from harness.errors import ModelError
from harness.models.placement import free_memory
from harness.models.queries import EncodedQuery

_SAYING: Final = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")
"""Words of torch's errors where its type does not tell."""

ResultT = TypeVar("ResultT")


class FittingSizes:
    """How many queries at once fit into memory, by their length; one object a model and localizer.

    Lengths are told apart by the power of two that they do not exceed, so what was learnt from one batch holds for
    others like it.
    """

    def __init__(self, asked: int | None) -> None:
        """Takes the size that was asked for; None for what the callee thinks right."""
        self._asked = asked
        self._fits: dict[int, int] = {}

    def size(self, queries: Sequence[EncodedQuery]) -> int | None:
        """What these queries are tried with first."""
        return self._fits.get(_bucket(queries), self._asked)

    def run(
        self,
        model: str,
        queries: Sequence[EncodedQuery],
        work: Callable[[int | None], ResultT],
        *,
        automatic: int,
    ) -> ResultT:
        """Calls `work` with a batch size, and again with half of it for as long as memory runs out.

        Args:
            model: its name, for the error.
            queries: what is worked on.
            work: takes the batch size, None for its own judgement.
            automatic: what its own judgement comes to: what a first failure of it is halved from.

        Raises:
            ModelError: a single query does not fit.
        """
        size = self.size(queries)
        while True:
            try:
                return work(size)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).strip().split("\n")[0]
            # Out of the handler, or the traceback would keep what has to be freed.
            free_memory()
            if size == 1:
                raise ModelError(
                    f"{model!r} ran out of memory on a single query of {_longest(queries)} tokens ({reason}); what is"
                    " stored stays. Take a --dtype of half the size, a --device with more memory, or --device-map auto",
                    model=model,
                )
            size = max(1, min(size or automatic, len(queries)) // 2)
            self._fits[_bucket(queries)] = size


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left, on the host or on a device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _SAYING)


def _longest(queries: Sequence[EncodedQuery]) -> int:
    return max(len(query.prompt_ids) for query in queries)


def _bucket(queries: Sequence[EncodedQuery]) -> int:
    return _longest(queries).bit_length()
