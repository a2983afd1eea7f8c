"""What must hold before an interval is looked at: enough queries, and a localizer that finds what belongs to a fact.

Claims about consistency share it, so that none of them takes garbage for a finding.
"""

from dataclasses import dataclass

import numpy as np

from harness.claims.controls import Floor, above_floor, permutation_floor, retest_ceiling
from harness.claims.evidence import Evidence
from harness.claims.verdict import Control, Verdict
from harness.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The controls of consistency, measured.

    Attributes:
        controls: the retest ceiling, then the permutation floor where there is one.
        floor: the permutation floor; None if there are too few exchanges.
        enough_queries: whether some fact has the queries that one subset takes.
        size: queries a subset takes.
    """

    controls: tuple[Control, ...]
    floor: Floor | None
    enough_queries: bool
    size: int

    @property
    def ceiling(self) -> float | None:
        """Mean CS2 of one query localized again and again."""
        return self.controls[0].value

    def objection(self) -> tuple[Verdict, str] | None:
        """Why the interval may not be looked at, if it may not."""
        if not self.enough_queries:
            return Verdict.NOT_APPLICABLE, (
                f"No fact has {self.size} scored queries, so consistency cannot be compared between facts. "
                "Give relations with more patterns."
            )
        failed = [control for control in self.controls if not control.passed]
        if failed:
            return Verdict.VOID, " ".join(_failure(control) for control in failed)
        if self.floor is None:
            return Verdict.NOT_APPLICABLE, (
                "The permutation floor exchanges queries between facts of one relation and pattern, and there are too "
                "few of them. Give more facts a relation."
            )
        return None

    def as_record(self) -> dict[str, object]:
        """What the controls measured, builtins only."""
        return {
            "controls": [control.as_record() for control in self.controls],
            "ceiling": self.ceiling,
            "floor": self.floor and self.floor.mean,
            "floor_p": self.floor and self.floor.p,
        }


def measure_gate(
    evidence: Evidence, *, claim: str, size: int, permutations: int, ceiling_bound: float, rng: np.random.Generator
) -> Gate:
    """Measures the retest ceiling and the permutation floor.

    Args:
        evidence: the localizations.
        claim: for the error.
        size: queries a subset.
        permutations: exchanges of queries for the floor.
        ceiling_bound: lowest ceiling that passes.
        rng: draws the exchanges.

    Raises:
        ConfigError: the evidence has no retest.
    """
    if evidence.retest is None:
        raise ConfigError(
            f"{claim} was asked for without a retest; localize a sample of the queries again under harmless"
            " changes and pass it as Evidence.retest",
            setting="retest",
            value=None,
        )
    floor = permutation_floor(evidence, size, permutations, rng=rng)
    controls = [retest_ceiling(evidence.retest, ceiling_bound)]
    if floor is not None:
        controls.append(above_floor(floor))
    return Gate(
        controls=tuple(controls),
        floor=floor,
        enough_queries=bool(evidence.queries_of_fact.max(initial=0) >= size),
        size=size,
    )


def between(gate: Gate, answers: Floor | None) -> dict[str, object]:
    """Where the observed mean CS2 lies from a floor (0) to the retest ceiling (1): (CS - floor) / (ceiling - floor).

    Args:
        gate: ceiling and relation floor.
        answers: the answer floor, None if there is none.

    Returns:
        builtins only; None for what does not exist, also where the ceiling does not lie above the floor.
    """

    def place(floor: Floor | None) -> float | None:
        if floor is None or floor.observed is None or floor.mean is None or gate.ceiling is None:
            return None
        room = gate.ceiling - floor.mean
        return (floor.observed - floor.mean) / room if room > 0 else None

    return {
        "above_floor": place(gate.floor),
        "answer_floor": answers and answers.mean,
        "answer_floor_p": answers and answers.p,
        "answer_floor_facts": answers and answers.n_facts,
        "above_answer_floor": place(answers),
    }


def _failure(control: Control) -> str:
    """A failed control in one sentence, numbers included."""
    value = "undefined" if control.value is None else f"{control.value:.3f}"
    bound = "undefined" if control.bound is None else f"{control.bound:.3f}"
    return f"The {control.name} failed (mean CS2 {value} against {bound}): {control.explanation}."
