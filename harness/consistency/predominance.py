"""The predominance score of Eq. 4: do the queries of a fact attend most to the same token?"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from harness.errors import ConfigError, near_matches

READINGS = ("column", "raw-column", "row")
_CONSTANT = 1e-3
"""Sums of a map that differ by less, relative to the largest, are one number and rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAttention:
    """The mean attention map of a query, A_i of Eq. 4, reduced to the sums that the readings compare.

    Attributes:
        tokens: what stands at each position: token ids, or strings; tokens are told apart by these, not by position.
        columns: sum over rows of the mean map: what a position gets.
        rows: sum over columns: what a token gives away.

    Raises:
        ConfigError: there are not as many sums as tokens, or no token.
    """

    tokens: Sequence[Hashable]
    columns: Float[np.ndarray, " tokens"]
    rows: Float[np.ndarray, " tokens"]

    def __post_init__(self) -> None:
        """Checks the lengths."""
        if not 0 < len(self.tokens) == len(self.columns) == len(self.rows):
            raise ConfigError(
                f"{len(self.tokens)} tokens need as many sums, got {len(self.columns)} of columns and"
                f" {len(self.rows)} of rows",
                setting="tokens",
                value=self.tokens,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Predominance:
    """P of one fact.

    Attributes:
        value: share of the queries whose most attended token is `token`: from 1 / k to 1.
        token: the most frequent most attended token, the first of them where several are as frequent.
        n_queries: k, the queries that have a most attended token.
        n_degenerate: how many of them had nothing to choose from: one sum, or sums that are all one number, so that
            rounding picks their token.
    """

    value: float
    token: Hashable
    n_queries: int
    n_degenerate: int


def predominance(queries: Sequence[QueryAttention], *, reading: str = "column") -> Predominance | None:
    """P = max over tokens t of the share of queries with t_i = t, where t_i is the most attended token of query i.

    Args:
        queries: the queries of one fact.
        reading: `column`: the column with the largest sum, without the first position, on which causal maps pile up;
            `raw-column`: with it; `row`: as printed, the row with the largest sum. Rows of a softmax sum to 1, so that
            one is degenerate: see `Predominance.n_degenerate`.

    Returns:
        P, or None where fewer than two queries have a most attended token: with one query P would be 1 whatever it
        attends to. A query of one token has none under `column`.

    Raises:
        ConfigError: no reading has that name.

    References:
        Eq. 4 of the paper.
    """
    if reading not in READINGS:
        raise ConfigError(
            f"no reading {reading!r} of predominance. {near_matches(reading, READINGS)}",
            setting="reading",
            value=reading,
        )
    first = int(reading == "column")
    named: list[Hashable] = []
    n_degenerate = 0
    for query in queries:
        sums = (query.rows if reading == "row" else query.columns)[first:]
        if len(sums) == 0:
            continue
        named.append(query.tokens[first + int(sums.argmax())])
        n_degenerate += bool(sums.max() - sums.min() < _CONSTANT * sums.max())
    if len(named) < 2:
        return None
    token, count = Counter(named).most_common(1)[0]
    return Predominance(value=count / len(named), token=token, n_queries=len(named), n_degenerate=n_degenerate)


def shuffled_predominance(
    queries: Sequence[QueryAttention], *, reading: str = "column", shuffles: int, rng: np.random.Generator
) -> float | None:
    """Mean P of the same queries with the sums of each shuffled over the positions that its reading compares.

    Patterns of a fact have its subject and other words in common, so P is high by itself where queries are short. Under
    a shuffle every position is as likely to be the most attended one, and which tokens there are stays as it is.

    Args:
        queries: the queries of one fact.
        reading: as in `predominance`.
        shuffles: how many are averaged over.
        rng: draws them.

    Returns:
        the mean, or None where `predominance` is None.
    """
    if predominance(queries, reading=reading) is None:
        return None
    first = int(reading == "column")
    number: dict[Hashable, int] = {}
    picked: list[np.ndarray] = []
    for query in queries:
        tokens = [number.setdefault(token, len(number)) for token in query.tokens[first:]]
        if tokens:
            picked.append(rng.choice(tokens, size=shuffles))
    named = np.stack(picked, axis=1)
    alike = (named[:, :, None] == named[:, None, :]).sum(axis=2)
    return float(alike.max(axis=1).mean() / named.shape[1])
