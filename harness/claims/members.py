"""What a claim about several localizers or models needs: the controls of each, and the facts that all have scored."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from harness.claims.evidence import Evidence
from harness.claims.gate import Gate
from harness.claims.procedure import Procedure
from harness.claims.verdict import Verdict
from harness.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Members:
    """Several localizers on one model, or several models, on the facts that all of them have scored.

    Attributes:
        gates: the controls of each.
        cs2: CS2 of each fact, as each of them finds it.
        relation: relation of each fact.
        resolution: of CS2, the coarsest of all.
        left_out: how many facts of each have no score with it, or with another.
        n_queries: scored queries of the facts, of all of them together.
        n_unscored: queries without a score, of all of them together.
    """

    gates: Mapping[str, Gate]
    cs2: Float[np.ndarray, "members facts"]
    relation: Int[np.ndarray, " facts"]
    resolution: float
    left_out: Mapping[str, int]
    n_queries: int
    n_unscored: int

    @property
    def n_facts(self) -> int:
        """Facts that all have scored."""
        return len(self.relation)

    @property
    def n_relations(self) -> int:
        """Their relations: the clusters."""
        return len(np.unique(self.relation))

    def objection(self) -> tuple[Verdict, str] | None:
        """Why the numbers may not be looked at, if they may not; names whose control failed."""
        found = {name: gate.objection() for name, gate in self.gates.items()}
        for verdict in (Verdict.VOID, Verdict.NOT_APPLICABLE):
            reasons = [f"{name}: {said[1]}" for name, said in found.items() if said is not None and said[0] is verdict]
            if reasons:
                return verdict, " ".join(reasons)
        return None

    def as_record(self) -> dict[str, object]:
        """What the controls measured and how many facts were left out, builtins only."""
        return {
            "controls": {name: gate.as_record() for name, gate in self.gates.items()},
            "left_out": dict(self.left_out),
        }


def bring_together(evidence: Mapping[str, Evidence], procedure: Procedure, claim: str) -> Members:
    """Measures the controls of each and pairs the facts by `Evidence.fact_uids`.

    Args:
        evidence: of each localizer or model, by name.
        procedure: how consistency is measured; subsets are drawn alike for all.
        claim: keys the random numbers.

    Raises:
        ConfigError: one has no retest, or no names of its facts.
    """
    scores = {name: procedure.scores(one, claim) for name, one in evidence.items()}
    place = {
        name: {_uids(one, name)[fact]: row for row, fact in enumerate(scores[name].fact.tolist())}
        for name, one in evidence.items()
    }
    first, *others = place
    common = [uid for uid in place[first] if all(uid in place[other] for other in others)]
    rows = {name: np.array([place[name][uid] for uid in common], dtype=np.int64) for name in evidence}
    facts = {name: scores[name].fact[rows[name]] for name in evidence}
    return Members(
        gates={name: procedure.gate(one, claim) for name, one in evidence.items()},
        cs2=np.array([scores[name].cs2[rows[name]] for name in evidence]),
        relation=evidence[first].relation_of_fact[facts[first]],
        resolution=max(score.resolution for score in scores.values()),
        left_out={name: one.n_facts - len(common) for name, one in evidence.items()},
        n_queries=sum(int(one.queries_of_fact[facts[name]].sum()) for name, one in evidence.items()),
        n_unscored=sum(one.n_unscored for one in evidence.values()),
    )


def _uids(evidence: Evidence, name: str) -> tuple[str, ...]:
    if evidence.fact_uids is None:
        raise ConfigError(
            f"the facts of {name} cannot be paired with others: name them in Evidence.fact_uids",
            setting="fact_uids",
            value=None,
        )
    return evidence.fact_uids
