"""What claims are decided on: which neurons were found for which query of which fact. No model, no text."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int

from harness.consistency import Groups, QuerySets
from harness.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Retest:
    """The same queries localized again under changes that should not matter: the ceiling of consistency.

    Attributes:
        sets: knowledge neurons of every localization: originals and variants.
        groups: one group a query: its original and its variants, at least two members each.
        relation_of_group: relation of each group's query, as in `Evidence`.
    """

    sets: QuerySets
    groups: Groups
    relation_of_group: Int[np.ndarray, " groups"]

    def __post_init__(self) -> None:
        """Raises ConfigError if the parts do not fit together."""
        _check_length("relation_of_group", self.relation_of_group, len(self.groups), "one a retest group")
        _check_range("groups.queries", self.groups.queries, len(self.sets))
        if len(self.groups) and self.groups.sizes.min() < 2:
            raise ConfigError(
                "a retest group needs the original and at least one variant", setting="groups", value=self.groups.sizes
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """How large a model is, and of which family.

    Attributes:
        family: models of one family differ in size more than in make.
        parameters: how many it has, those that are shared counted once.
    """

    family: str
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """The localizations of one model and localizer.

    Attributes:
        fact_of_query: fact of each scored query, from 0.
        pattern_of_query: pattern of each scored query; one index over all relations.
        relation_of_fact: relation of each fact, an index into `relation_names`.
        relation_names: name of each relation.
        known_query: whether the model's top token is the answer.
        sets: knowledge neurons of each scored query; empty where no attribution score is positive.
        unscored: how many queries got no score, by reason.
        retest: the same queries localized again, or None where that was not done.
        object_of_fact: object of each fact, one index over all relations, or None where objects are not told apart.
        fact_uids: what a fact is called wherever else it is asked for, or None where nothing else is compared.
        model: size of the model, or None where no other model is compared.
        measured: floors that were measured on this evidence already, by what was asked; every threshold asks again.
    """

    fact_of_query: Int[np.ndarray, " queries"]
    pattern_of_query: Int[np.ndarray, " queries"]
    relation_of_fact: Int[np.ndarray, " facts"]
    relation_names: tuple[str, ...]
    known_query: Bool[np.ndarray, " queries"]
    sets: QuerySets
    unscored: dict[str, int] = field(default_factory=dict[str, int])
    retest: Retest | None = None
    object_of_fact: Int[np.ndarray, " facts"] | None = None
    fact_uids: tuple[str, ...] | None = None
    model: ModelSize | None = None
    measured: dict[tuple[object, ...], object] = field(default_factory=dict[tuple[object, ...], object], init=False)

    def __post_init__(self) -> None:
        """Raises ConfigError if the parts do not fit together."""
        n = len(self.sets)
        for name in ("fact_of_query", "pattern_of_query", "known_query"):
            _check_length(name, getattr(self, name), n, "one a scored query")
        _check_range("fact_of_query", self.fact_of_query, len(self.relation_of_fact))
        _check_range("relation_of_fact", self.relation_of_fact, len(self.relation_names))
        if self.object_of_fact is not None:
            _check_length("object_of_fact", self.object_of_fact, self.n_facts, "one a fact")
        if self.fact_uids is not None and len(set(self.fact_uids)) != self.n_facts:
            raise ConfigError(
                f"fact_uids must name each of the {self.n_facts} facts, each by a name of its own",
                setting="fact_uids",
                value=self.fact_uids,
            )
        if self.retest is not None:
            _check_range("retest.relation_of_group", self.retest.relation_of_group, len(self.relation_names))

    @property
    def n_facts(self) -> int:
        """All facts, scored or not."""
        return len(self.relation_of_fact)

    @property
    def n_unscored(self) -> int:
        """Queries that got no score, whatever the reason."""
        return sum(self.unscored.values())

    @property
    def queries_of_fact(self) -> Int[np.ndarray, " facts"]:
        """How many scored queries each fact has: k."""
        return np.bincount(self.fact_of_query, minlength=self.n_facts)

    @property
    def known_fact(self) -> Bool[np.ndarray, " facts"]:
        """Whether the model knows each fact: the top token is the answer of most of its scored queries."""
        known = np.bincount(self.fact_of_query[self.known_query], minlength=self.n_facts)
        return 2 * known > self.queries_of_fact


def _check_length(name: str, values: np.ndarray, expected: int, what: str) -> None:
    if values.ndim != 1 or len(values) != expected:
        raise ConfigError(
            f"{name} must have {expected} entries, {what}; its shape is {values.shape}", setting=name, value=values
        )


def _check_range(name: str, values: np.ndarray, upper: int) -> None:
    if len(values) and not 0 <= values.min() <= values.max() < upper:
        raise ConfigError(
            f"{name} must lie in 0..{upper - 1}, it runs from {values.min()} to {values.max()}",
            setting=name,
            value=values,
        )
