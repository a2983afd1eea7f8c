"""The rows that a run needs: every query of a dataset as token ids, or the reason why it cannot be scored."""

from collections.abc import Iterable
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from harness.data.facts import Dataset, Query, QueryForm
from harness.errors import QueryError
from harness.models.queries import EncodedQuery, encode_cloze, encode_query

_ENCODE = {QueryForm.CONTINUATION: encode_query, QueryForm.CLOZE: encode_cloze}

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
    for query in queries:
        try:
            encode = _ENCODE[query.form]
            encoded = encode(tokenizer, query.prompt, query.fact.object, context_length=context_length)
        except QueryError as error:
            unscored[error.reason] = unscored.get(error.reason, 0) + 1
        else:
            requests.append(Request(query=query, encoded=encoded))
    return Plan(requests=tuple(requests), unscored=unscored)


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
