"""The rows that a run needs: every query of a dataset as token ids, or the reason why it cannot be scored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

from transformers import PreTrainedTokenizerBase

from harness.data.facts import Dataset, Query, QueryForm
from harness.errors import QueryError
from harness.models.queries import EncodedQuery, encode_clozes, encode_queries

_ENCODE: Final = {QueryForm.CONTINUATION: encode_queries, QueryForm.CLOZE: encode_clozes}

_TOKENISED_AT_ONCE: Final = 100
"""Queries; ten times as many take longer each."""

SHARD_ROWS = 128
"""Rows of a full shard: seconds to minutes of work, which is what a crash may cost and how often progress shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One row that is needed: a query of a fact, and what the model is given."""

    query: Query
    encoded: EncodedQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be localized.

    Attributes:
        requests: one a query that can be scored, in the dataset's order.
        unscored: number of queries that cannot, by reason.
    """

    requests: tuple[Request, ...]
    unscored: dict[str, int]

    def why_unscored(self) -> str:
        """The reasons as one text, with how many queries each concerns."""
        return "; ".join(f"{count} queries, because {reason}" for reason, count in self.unscored.items())

    def shards(self) -> list[tuple[Request, ...]]:
        """The requests without repeated rows, cut into shards of queries of about equal length.

        The cut depends on nothing but the requests: a run that was killed finds the same shards again, so every row is
        computed in the company in which it would have been, to the last bit.
        """
        unique = {request.encoded.key: request for request in reversed(self.requests)}
        ordered = sorted(unique.values(), key=lambda r: (len(r.encoded.prompt_ids), r.encoded.key))
        return [tuple(ordered[start : start + SHARD_ROWS]) for start in range(0, len(ordered), SHARD_ROWS)]


def make_plan(queries: Iterable[Query], tokenizer: PreTrainedTokenizerBase, *, context_length: int | None) -> Plan:
    """Tokenises queries with their answers; those that cannot be are counted by reason."""
    requests: list[Request] = []
    unscored: dict[str, int] = {}
    for form, part in _parts(queries):
        asked = [(query.prompt, query.fact.object) for query in part]
        for query, encoded in zip(part, _ENCODE[form](tokenizer, asked, context_length=context_length), strict=True):
            if isinstance(encoded, QueryError):
                unscored[encoded.reason] = unscored.get(encoded.reason, 0) + 1
            else:
                requests.append(Request(query=query, encoded=encoded))
    return Plan(requests=tuple(requests), unscored=unscored)


def _parts(queries: Iterable[Query]) -> Iterator[tuple[QueryForm, list[Query]]]:
    """The queries in their order, some at a time, those of one form together."""
    for form, alike in groupby(queries, key=lambda query: query.form):
        while part := list(islice(alike, _TOKENISED_AT_ONCE)):
            yield form, part


class Plans:
    """The plans of a session: the queries of a dataset are tokenised once for a model, whatever localizes them."""

    def __init__(self) -> None:
        """Makes nothing yet."""
        self._made: dict[tuple[int, int], tuple[Dataset, PreTrainedTokenizerBase, Plan]] = {}

    def of(self, dataset: Dataset, tokenizer: PreTrainedTokenizerBase, *, context_length: int | None) -> Plan:
        """The plan of all queries of the dataset; see `make_plan`."""
        place = (id(dataset), id(tokenizer))  # both are kept, so that no other object gets their ids
        if place not in self._made:
            plan = make_plan(dataset.queries(), tokenizer, context_length=context_length)
            self._made[place] = (dataset, tokenizer, plan)
        return self._made[place][2]
