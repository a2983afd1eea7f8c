"""What every kind of measurement gives: numbers for claims, a table for readers, data for figures."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from harness.claims import Effects
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized

Classes = Mapping[str, Float[np.ndarray, " facts"]]
"""Threshold -> 1 for K_I, 0 for K_II, nan for a fact without a class; one number a fact of the dataset."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was measured on the facts of a cell.

    Attributes:
        effects: one number a fact and quantity, in the order of the dataset's facts.
        table: one row a fact or an edit, with `fact_uid` and `relation`; saved with the run.
        drawn: what figures show besides: data frames by name, for `Measurement.figures` alone.
        read: setting -> fingerprint of the content that it names, of what was read besides the facts.
    """

    effects: Effects
    table: pd.DataFrame
    drawn: Mapping[str, pd.DataFrame] = field(default_factory=dict[str, pd.DataFrame])
    read: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A kind of measurement.

    Attributes:
        markers: of the claims that read it.
        file: its table's path within a saved run.
        measure: measures the localized facts of a cell; with `stored=True` all rows have to be in the store, and no
            model is loaded.
        figures: name -> data of the figures that show it, in the shapes of `reports.figures`; without the columns
            `model` and `localizer`.
    """

    markers: tuple[str, ...]
    file: str
    measure: Callable[[Cell, Localized, bool], Measured]
    figures: Callable[[Measured, Classes], Mapping[str, pd.DataFrame]]


def sampled_facts(
    localized: Localized, *, least_queries: int, limit: int | None, seed: int
) -> Int[np.ndarray, " facts"]:
    """The facts that are measured: at most `limit` a relation, drawn by seed and fact alone.

    A fact's draw depends on no other fact, so that a smaller limit takes a part of what a larger one takes.

    Args:
        localized: the facts.
        least_queries: scored queries that a fact needs.
        limit: at most so many a relation; None for all.
        seed: of the session.

    Returns:
        their numbers in the dataset's order, rising.
    """
    facts = localized.dataset.facts()
    number = {fact.uid: index for index, fact in enumerate(facts)}
    scored = np.bincount([number[r.query.fact.uid] for r in localized.plan.requests], minlength=len(facts))
    enough = np.flatnonzero(scored >= least_queries)
    if limit is None:
        return enough
    by_relation: dict[str, list[int]] = {}
    for index in enough.tolist():
        by_relation.setdefault(facts[index].relation, []).append(index)
    chosen = [
        index
        for members in by_relation.values()
        for index in sorted(members, key=lambda i: _draw(facts[i].uid, seed))[:limit]
    ]
    return np.array(sorted(chosen), dtype=np.int64)


def per_fact(
    facts: Int[np.ndarray, " measured"], values: Float[np.ndarray, " measured"], n_facts: int
) -> Float[np.ndarray, " facts"]:
    """Numbers of the measured facts among all: nan for the others."""
    everywhere = np.full(n_facts, np.nan)
    everywhere[facts] = values
    return everywhere


def _draw(uid: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\x1f{uid}".encode(), digest_size=8).digest()
