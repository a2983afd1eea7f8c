"""CAS with betas that were not chosen on the facts it is judged on: section 3.3 beside the paper's 0.7 and 0.3.

The paper does not say where its betas come from; chosen on the facts that they are tried on, they would flatter CAS.
So the relations are cut in two by seed, and the inconsistent facts of either half are edited under the betas that edit
those of the other half best. Every fact counts, none under betas that it helped to choose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from harness.claims.edits import CAS, DOING, GLOBAL, HELD_OUT, KINDS, LOCAL, better, of_betas, printed, quantity
from harness.claims.effect_claim import EffectClaim, classes_of
from harness.claims.effects import Effects
from harness.claims.evidence import Evidence
from harness.claims.procedure import Procedure
from harness.claims.verdict import Finding, number
from harness.consistency import Threshold
from harness.consistency.cas import BETA_GRID, Betas
from harness.errors import ConfigError, near_matches

_METRICS: Final = ("rel", "gen", "loc", "avg")
_CHOSEN_BY: Final = "avg"
_SHARED: Final = "cas_held_out"
"""Keys the random numbers of the split, so that both edits have the same one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """Betas chosen on one half of the relations for the other half.

    Attributes:
        half: 0 or 1 for every relation.
        betas: of the facts of either half, chosen on the other.
        means: for either half, the mean average of the facts that its betas were chosen on, one a pair of the grid;
            empty where there was no fact to choose on, and the paper's betas stay.
        n_facts: how many those were.
    """

    half: Int[np.ndarray, " relations"]
    betas: tuple[Betas, Betas]
    means: tuple[tuple[float, ...], tuple[float, ...]]
    n_facts: tuple[int, int]

    def as_record(self, relations: Sequence[str]) -> dict[str, object]:
        """The split, and what was chosen for either half and by what; `relations` are their names."""
        return {
            "grid": [betas.name for betas in BETA_GRID],
            "halves": [
                {
                    "judged": [name for name, its in zip(relations, self.half.tolist(), strict=True) if its == half],
                    "betas": self.betas[half].name,
                    "chosen_on_facts": self.n_facts[half],
                    "averages_there": [number(mean) for mean in self.means[half]],
                }
                for half in (0, 1)
            ],
        }


def choose_betas(
    averages: Float[np.ndarray, "grid facts"],
    relation: Int[np.ndarray, " facts"],
    chosen_on: Bool[np.ndarray, " facts"],
    n_relations: int,
    rng: np.random.Generator,
) -> Choice:
    """Cuts the relations in two at random and takes for either half the betas of the highest mean over the other.

    Args:
        averages: of every fact under every pair of `BETA_GRID`; nan where a fact has none.
        relation: of each fact, numbered from 0.
        chosen_on: the facts that choose, in whichever half they are.
        n_relations: how many relations there are.
        rng: random numbers of the split.
    """
    half = np.zeros(n_relations, dtype=np.int64)
    half[rng.permutation(n_relations)[: n_relations // 2]] = 1
    counted = chosen_on & np.isfinite(averages).all(axis=0)
    betas: list[Betas] = []
    means: list[tuple[float, ...]] = []
    n_facts: list[int] = []
    for judged in (0, 1):
        here = counted & (half[relation] != judged)
        found = averages[:, here].mean(axis=1) if here.any() else np.empty(0)
        # The paper's pair goes first, so that it stays where no other is better.
        order = sorted(range(len(found)), key=lambda i: (-found[i], BETA_GRID[i] != Betas(), i))
        betas.append(BETA_GRID[order[0]] if order else Betas())
        means.append(tuple(found.tolist()))
        n_facts.append(int(here.sum()))
    return Choice(half=half, betas=(betas[0], betas[1]), means=(means[0], means[1]), n_facts=(n_facts[0], n_facts[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutBetas:
    """In K_II, CAS under betas that were chosen on other relations does better on average than N_i.

    Attributes:
        threshold: cuts K_I from K_II.
        kind: `erase` or `update`.
        margin: of the difference of averages.
        procedure: what all claims share.

    Raises:
        ConfigError: an unknown kind, or a margin that is no number.
    """

    threshold: Threshold
    kind: str = "erase"
    margin: float = 0.0
    procedure: Procedure = field(default_factory=Procedure)

    def __post_init__(self) -> None:
        """Checks the kind; the comparisons check the margin."""
        if self.kind not in KINDS:
            raise ConfigError(
                f"no edit {self.kind!r}. {near_matches(self.kind, KINDS)}", setting="kind", value=self.kind
            )
        _ = self.comparing

    @property
    def name(self) -> str:
        """As in `--margin`."""
        return f"cas_held_out_{self.kind}"

    @property
    def statement(self) -> str:
        """The claim in one sentence, its margin included."""
        return self.comparing.statement

    @property
    def marker(self) -> str:
        """The family of claims."""
        return "cas"

    @property
    def reads(self) -> str:
        """The measurement."""
        return "editing"

    def decide_measured(self, evidence: Evidence, effects: Effects) -> Finding:
        """Chooses the betas, and decides as every claim about effects does; the split and the choice are in the row.

        Args:
            evidence: the localizations, which tell K_I from K_II.
            effects: what was measured on the same facts, in the same order.

        Raises:
            ConfigError: the evidence holds no retest, or the effects are of other facts.
        """
        if not all(name in effects.values for name in self._grid()):
            return self.comparing.decide_measured(evidence, self._without(effects))
        consistent, _ = classes_of(evidence, self.threshold, self.procedure)
        names = evidence.relation_names
        effects, choice = self.under_chosen(effects, evidence.relation_of_fact, consistent == 0, len(names))
        finding = self.comparing.decide_measured(evidence, effects)
        return replace(finding, extras={**finding.extras, "betas": choice.as_record(names)})

    def under_chosen(
        self,
        effects: Effects,
        relation: Int[np.ndarray, " facts"],
        chosen_on: Bool[np.ndarray, " facts"],
        n_relations: int,
    ) -> tuple[Effects, Choice]:
        """Chooses betas, and adds every fact's numbers under those that were chosen for its half.

        Args:
            effects: with edits under every pair of `BETA_GRID`.
            relation: of each fact, numbered from 0.
            chosen_on: the facts that choose.
            n_relations: how many relations there are.
        """
        averages = np.array([effects.values[name] for name in self._grid()])
        rng = self.procedure.generator(_SHARED, "halves")
        choice = choose_betas(averages, relation, chosen_on, n_relations, rng)
        half = choice.half[relation]
        chosen: Mapping[str, Float[np.ndarray, " facts"]] = {
            name: np.choose(
                half, [effects.values[quantity(of_betas(betas), self.kind, metric)] for betas in choice.betas]
            )
            for metric, name in self._names().items()
        }
        return replace(effects, values={**effects.values, **chosen}), choice

    @property
    def comparing(self) -> EffectClaim:
        """The comparisons, once the betas are chosen; only that with N_i decides."""
        aside = (
            replace(better(HELD_OUT, CAS, self.kind, "avg"), decides=False),
            replace(better(HELD_OUT, GLOBAL, self.kind, "avg"), decides=False),
        )
        return EffectClaim(
            name=self.name,
            says=f"In K_II, {DOING[self.kind]} consistency-aware neurons does better on average than those of one query"
            " (N_i) under betas chosen on other relations",
            marker=self.marker,
            reads=self.reads,
            comparisons=(
                better(HELD_OUT, LOCAL, self.kind, "avg"),
                *aside,
                *printed(self.kind, _METRICS, (HELD_OUT,)),
                *printed(self.kind, (_CHOSEN_BY,), (CAS, LOCAL)),
            ),
            threshold=self.threshold,
            margin=self.margin,
            procedure=self.procedure,
        )

    def _grid(self) -> list[str]:
        return [quantity(of_betas(betas), self.kind, _CHOSEN_BY) for betas in BETA_GRID]

    def _names(self) -> dict[str, str]:
        return {metric: quantity(HELD_OUT, self.kind, metric) for metric in _METRICS}

    def _without(self, effects: Effects) -> Effects:
        """For want of edits under the grid, those under the chosen betas are absent for the reason of the paper's."""
        reason = effects.absent.get(quantity(CAS, self.kind, _CHOSEN_BY), "no fact was edited")
        return replace(effects, absent={**effects.absent, **dict.fromkeys(self._names().values(), reason)})
