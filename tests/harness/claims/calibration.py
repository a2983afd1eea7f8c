"""How often each rule errs and how often it sees what is there, on simulated evidence.

By hand, minutes a rule: python -m tests.harness.claims.calibration --draws 2000 separation prevalence agreement trend
The tests draw fewer (`test_calibration.py`). A rule is rejected only if the 99 % lower bound of its error lies above
5 % with 24 or more relations, or 7 % with 12; its power only if the 99 % upper bound lies below what is asked.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.stats

from harness.claims import Prevalence, Procedure, Separation, Verdict
from harness.claims.cut import cut_of
from harness.claims.halves import split_halves
from harness.consistency import OtsuThreshold
from tests.harness.claims import populations as known

FEW = Procedure(draws=499, permutations=99)
DECIDED = {Verdict.SUPPORTED, Verdict.REFUTED}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A world, what a rule says of it, and how often it may or must say so.

    Attributes:
        rule: the claim.
        world: in words.
        relations: clusters.
        says: whether the rule says in the world of this seed what is counted.
        counted: what is counted, in words.
        power: least share that is asked for; None where what is counted is an error.
    """

    rule: str
    world: str
    relations: int
    says: Callable[[int], bool]
    counted: str = "SUPPORTED"
    power: float | None = None

    @property
    def bound(self) -> float:
        """Most errors, or least hits."""
        return self.power if self.power is not None else 0.05 if self.relations >= 24 else 0.07

    def holds(self, hits: int, draws: int) -> bool:
        """Whether so many hits leave the rule standing at 99 %."""
        low, high = clopper_pearson(hits, draws)
        return high >= self.bound if self.power is not None else low <= self.bound


def clopper_pearson(hits, draws):
    """Both one-sided 99 % bounds of a share."""
    low = scipy.stats.beta.ppf(0.01, hits, draws - hits + 1) if hits else 0.0
    high = scipy.stats.beta.ppf(0.99, hits + 1, draws - hits) if hits < draws else 1.0
    return float(low), float(high)


def separation_says(rates, **shape):
    def says(seed):
        evidence = known.population(rates, seed=seed, **shape)
        claim = Separation(threshold=OtsuThreshold(), procedure=replace(FEW, seed=seed))
        halves = split_halves(evidence, claim.splits, rng=np.random.default_rng(seed))
        return claim.judged(halves, evidence.relation_of_fact[halves.fact])[0] is Verdict.SUPPORTED

    return says


def otsu_decides(rates, **shape):
    """Whether Otsu's cut is let to decide prevalence: one mode is rejected."""

    def says(seed):
        evidence = known.population(rates, seed=seed, **shape)
        claim = Prevalence(threshold=OtsuThreshold(), procedure=replace(FEW, seed=seed))
        scores = claim.procedure.scores(evidence, claim.name)
        rng = claim.procedure.generator(claim.name, "modes")
        return cut_of(scores, evidence, claim.threshold, rng=rng).one_mode() is None

    return says


def consistency_cases(rule, says, counted):
    """The rules about one model and localizer, in worlds of one kind and of two that no rule was shaped on."""
    for relations, shape in ((12, {}), (24, {"k": 4, "uneven": True})):
        for rates in (known.alike, known.skewed, known.heavy_tailed_relations, known.two_clouds):
            yield Case(
                rule=rule,
                world=rates.__doc__,
                relations=relations,
                says=says(rates, relations=relations, **shape),
                counted=counted,
                power=0.9 if rates is known.two_clouds else None,
            )


RULES = {
    "separation": lambda: consistency_cases("separation", separation_says, "SUPPORTED"),
    "prevalence": lambda: consistency_cases("prevalence", otsu_decides, "Otsu decides"),
}


def main() -> None:
    """Prints a row of a Markdown table a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="*", default=list(RULES), help=f"of {', '.join(RULES)}; all if none is named")
    parser.add_argument("--draws", type=int, default=2000, help="populations a case")
    asked = parser.parse_args()
    print("| rule | world | relations | counted | share | 99 % bounds | bound | holds |")
    print("|---|---|--:|---|--:|--:|--:|---|")
    for rule in asked.rules:
        for case in RULES[rule]():
            hits = sum(case.says(seed) for seed in range(asked.draws))
            low, high = clopper_pearson(hits, asked.draws)
            kind = "at least" if case.power is not None else "at most"
            holds = "yes" if case.holds(hits, asked.draws) else "NO"
            print(
                f"| {case.rule} | {case.world} | {case.relations} | {case.counted} | {hits / asked.draws:.1%} |"
                f" {low:.1%} to {high:.1%} | {kind} {case.bound:.0%} | {holds} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
