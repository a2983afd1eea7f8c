"""How often each rule errs and how often it sees what is there, on simulated evidence.

By hand, minutes a rule: python -m tests.harness.claims.calibration --draws 2000 separation trend
The tests draw fewer (`test_calibration.py`). A rule is rejected only if the 99 % lower bound of its error lies above
5 % with 24 or more relations, or 7 % with 12; its power only if the 99 % upper bound lies below what is asked.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.stats

from harness.claims import Agreement, Prevalence, Procedure, Separation, Trend, Verdict
from harness.claims.cut import cut_of
from harness.claims.halves import split_halves
from harness.claims.replication import compared_with
from harness.consistency import OtsuThreshold, StaticThreshold
from harness.statistics import share_at_or_below
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
        for rates in (known.skewed, known.heavy_tailed_relations, known.two_clouds, known.alike):
            yield Case(
                rule=rule,
                world=rates.__doc__,
                relations=relations,
                says=says(rates, relations=relations, **shape),
                counted=counted,
                power=0.9 if rates is known.two_clouds else None,
            )


def calls(relations, rng, *, independent=False, flips=0.184, facts=30):
    """What three localizers call 30 facts of each relation: relations differ in their share and in the errors.

    Returns:
        calls, relation of each fact, and the kappa within relations of the whole world.
    """

    def world(n):
        share, error = rng.beta(2, 2, n), np.clip(flips + 0.05 * rng.standard_normal(n), 0.0, 0.5)
        told = np.zeros(n) if independent else (1 - 2 * error) ** 2
        called = share * (1 - error) + (1 - share) * error
        return share, error, told * share * (1 - share), called * (1 - called)

    _, _, shared, all_ = world(200_000)
    share, error, _, _ = world(relations)
    relation = np.repeat(np.arange(relations), facts)
    kinds = rng.random((3 if independent else 1, len(relation))) < share[relation]
    wrong = rng.random((3, len(relation))) < error[relation]
    return kinds ^ wrong, relation, float(shared.mean() / all_.mean())


def agreement_says(relations, *, margin=None, **world):
    """Whether agreement is supported, the margin being the world's own kappa if none is given."""

    def says(seed):
        rng = np.random.default_rng(seed)
        told, relation, kappa = calls(relations, rng, **world)
        claim = Agreement(threshold=StaticThreshold(), margin=margin or kappa, procedure=replace(FEW, seed=seed))
        return claim.judged(told, relation)[0] is Verdict.SUPPORTED

    return says


def agreement_cases():
    for relations, flips, kappa in ((12, 0.06, 0.73), (24, 0.1, 0.6)):
        null = "Localizers know the relation alone."
        yield Case(
            rule="agreement",
            world=null,
            relations=relations,
            says=agreement_says(relations, margin=0.05, independent=True),
            counted="SUPPORTED (margin 0.05)",
        )
        yield Case(
            rule="agreement",
            world="Kappa is the margin; relations differ in share and kappa.",
            relations=relations,
            says=agreement_says(relations),
        )
        yield Case(
            rule="agreement",
            world=f"Kappa is {kappa}: each localizer errs on {flips:.0%} of the facts.",
            relations=relations,
            says=agreement_says(relations, margin=0.4, flips=flips),
            power=0.9,
        )


SIZES = np.array([1.2e8, 7e8, 8e9])


def trend_says(relations, slope, facts=30):
    """Whether a trend is supported where the share's slope is 0.08 around the given one in each relation."""

    def says(seed):
        rng = np.random.default_rng(seed)
        x = np.log10(SIZES) - np.log10(SIZES).mean()
        base, slopes = rng.uniform(0.3, 0.6, relations), slope + 0.08 * rng.standard_normal(relations)
        relation = np.repeat(np.arange(relations), facts)
        share = np.clip(base + x[:, None] * slopes, 0, 1)[:, relation]
        # Facts are low in all models or in none, as far as the shares allow: the same fact is asked of all.
        low = (rng.random(len(relation)) < 0.5) * 0.5 + 0.5 * rng.random(share.shape) < share
        cs2 = np.where(low, 0.1 * rng.random(share.shape), 0.1 + 0.5 * rng.random(share.shape))
        claim = Trend(threshold=StaticThreshold(0.1), procedure=replace(FEW, seed=seed))
        return claim.judged(cs2, relation, SIZES)[0] is Verdict.SUPPORTED

    return says


def trend_cases():
    for relations in (12, 24):
        for slope, world, power in (
            (0.0, "No trend on average; relations differ in theirs.", None),
            (0.05, "The slope is the margin on average; relations differ in theirs.", None),
            (0.2, "A slope of 0.2, about that of the paper's static rows.", 0.9),
        ):
            says = trend_says(relations, slope)
            yield Case(rule="trend", world=world, relations=relations, says=says, power=power)


def replication_says(relations, off, facts=30):
    """Whether a printed share is replicated that is off the truth by so much."""

    def says(seed):
        rng = np.random.default_rng(seed)
        relation = np.repeat(np.arange(relations), facts)
        low = rng.random(len(relation)) < np.clip(0.5 + 0.03 * rng.standard_normal(relations), 0, 1)[relation]
        share = share_at_or_below(np.where(low, 0.0, 1.0), relation, 0.5, draws=499, rng=rng)
        return compared_with(0.5 + off, 0.05, share.studentized) is Verdict.SUPPORTED

    return says


def replication_cases():
    for relations in (12, 24):
        for off, facts, power in ((0.05, 30, None), (0.0, 700, 0.9)):
            yield Case(
                rule="replication",
                world=f"The printed share is off by {off:g}; {facts} facts a relation.",
                relations=relations,
                says=replication_says(relations, off, facts),
                counted="replicates",
                power=power,
            )


RULES = {
    "separation": lambda: consistency_cases("separation", separation_says, "SUPPORTED"),
    "prevalence": lambda: consistency_cases("prevalence", otsu_decides, "Otsu decides"),
    "agreement": agreement_cases,
    "trend": trend_cases,
    "replication": replication_cases,
}


def main() -> None:
    """Prints a row of a Markdown table a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="*", default=list(RULES), help=f"of {', '.join(RULES)}; all if none is named")
    parser.add_argument("--draws", type=int, default=2000, help="populations a case")
    parser.add_argument("--first", type=int, default=0, help="seed of the first population")
    parser.add_argument("--relations", type=int, help="only cases of so many")
    asked = parser.parse_args()
    print("| rule | world | relations | counted | share | 99 % bounds | bound | holds |")
    print("|---|---|--:|---|--:|--:|--:|---|")
    for rule in asked.rules:
        for case in RULES[rule]():
            if asked.relations not in (None, case.relations):
                continue
            hits = sum(case.says(seed) for seed in range(asked.first, asked.first + asked.draws))
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
