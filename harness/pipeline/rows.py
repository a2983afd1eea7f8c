"""Localizations as columns: one row a request of a plan, the neurons of all rows in one array."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int

from harness.consistency import QuerySets
from harness.consistency.sets import gather
from harness.localizers.selection import Selection

SCALARS: Final = ("top_token_is_answer", "unscored", "max_score", "completeness_gap")

READ: Final = (*SCALARS, "neurons", "scores")
"""What is read of a stored row; its texts are the plan's too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalizedRows:
    """What localization found for queries.

    Attributes:
        columns: the store's columns that hold one value a row: `SCALARS`.
        stored: every neuron that is stored of a row.
        scores: their attribution scores, float32.
        sets: those of them that are knowledge neurons.
    """

    columns: pd.DataFrame
    stored: QuerySets
    scores: Float[np.ndarray, " entries"]
    sets: QuerySets

    @classmethod
    def of_table(cls, table: pa.Table, keys: Sequence[str], selection: Selection) -> Self:
        """The rows of a store in another order.

        Args:
            table: each row once: `row_key` and `READ`.
            keys: of the rows that are wanted, in their order; a key may occur more than once.
            selection: how scores become knowledge neurons.
        """
        asked = pa.array(keys, pa.string())
        order = pc.index_in(asked, value_set=table["row_key"])  # pyright: ignore[reportAttributeAccessIssue]
        neurons, scores = (table[name].combine_chunks().take(order) for name in ("neurons", "scores"))
        return cls._of_lists(table.select(list(SCALARS)).take(order).to_pandas(), neurons, scores).at(selection)

    @classmethod
    def _of_lists(cls, columns: pd.DataFrame, neurons: pa.ListArray, scores: pa.ListArray) -> Self:
        """Rows whose neurons lie in Arrow's arrays, which are laid out as `QuerySets` is."""
        stored = QuerySets(neurons.offsets.to_numpy().astype(np.int64), neurons.values.to_numpy())
        return cls(columns=columns, stored=stored, scores=scores.values.to_numpy(), sets=stored)

    @classmethod
    def of_sets(cls, sets: QuerySets, known: Bool[np.ndarray, " rows"]) -> Self:
        """Rows of which nothing is known but the knowledge neurons and whether the model's top token is the answer."""
        columns = pd.DataFrame({"top_token_is_answer": known, "unscored": None, "max_score": 1.0})
        return cls(
            columns=columns.assign(completeness_gap=np.nan),
            stored=sets,
            scores=np.ones(len(sets.neurons), dtype=np.float32),
            sets=sets,
        )

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def known(self) -> Bool[np.ndarray, " rows"]:
        """Whether the model's top token is the answer."""
        return self.columns["top_token_is_answer"].to_numpy(bool)

    @property
    def scored(self) -> Bool[np.ndarray, " rows"]:
        """Whether the localizer gives the query a score."""
        return self.columns["unscored"].isna().to_numpy()

    def at(self, selection: Selection) -> Self:
        """The same localizations with knowledge neurons selected otherwise."""
        largest = self.columns["max_score"].to_numpy(np.float32, na_value=np.nan)
        chosen = selection.chosen(self.scores, np.repeat(largest, self.stored.sizes))
        sets = self.stored.where(chosen)
        return replace(self, sets=QuerySets(sets.offsets, sets.neurons.astype(np.int64)))

    def take(self, indices: Int[np.ndarray, " taken"]) -> Self:
        """Some of the rows, in another order."""
        offsets, scores = gather(self.stored.offsets, self.scores, indices)
        stored = QuerySets(offsets, gather(self.stored.offsets, self.stored.neurons, indices)[1])
        columns = self.columns.iloc[indices].reset_index(drop=True)
        return type(self)(columns=columns, stored=stored, scores=scores, sets=self.sets.take(indices))
