"""How far raters that call facts yes or no agree, beyond what their shares of yes make them agree by chance.

Fleiss' kappa is (P - Pe) / (1 - Pe) with P the share of pairs of raters that agree and Pe = p^2 + (1 - p)^2 their
agreement by chance, p the share of yes over all raters and facts. Where clusters have shares of their own, raters who
know nothing of a fact but its cluster agree more than that. So beside it stands kappa within clusters,

    kappa_w = sum_g n_g (P_g - Pe_g) / sum_g n_g (1 - Pe_g),

with Pe_g how often two raters agree where each is asked of another fact of the cluster. That is agreement by chance
from each rater's own share in the cluster (Conger 1980; Cohen's kappa for two raters), without the pairs of one fact
with itself: those hold the agreement that is asked about, and with n facts would make the numerator too small by the
factor (n - 1) / n. 0 in expectation for raters that are independent within clusters. A cluster with one answer alone,
or of fewer than three facts, says nothing.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from harness.errors import ConfigError
from harness.statistics.bootstrap import StudentizedBootstrap, cluster_bootstrap, multiplicities
from harness.statistics.contrast import DIFFERENCE

FEWEST_FACTS: Final = 3
"""Of a cluster that says something: of two facts, raters may disagree on both and agree across them."""


@dataclass(frozen=True, slots=True, eq=False)
class RaterAgreement:
    """Agreement of raters.

    Attributes:
        within: kappa within clusters; None if no cluster of three facts or more holds both answers.
        fleiss: Fleiss' kappa over all facts; None if there is one answer alone.
        unanimous: share of facts that all raters call yes.
        by_chance: the share that raters with the same shares in each cluster would call yes together by chance.
        excess: the difference of the two.
    """

    within: StudentizedBootstrap | None
    fleiss: StudentizedBootstrap | None
    unanimous: float
    by_chance: float
    excess: StudentizedBootstrap


def agreement(
    calls: Bool[np.ndarray, "raters facts"],
    clusters: Int[np.ndarray, " facts"],
    *,
    draws: int,
    rng: np.random.Generator,
) -> RaterAgreement:
    """Agreement with its bootstrap over clusters.

    Args:
        calls: whether each rater says yes to each fact.
        clusters: the cluster of each fact, any labels.
        draws: bootstrap draws.
        rng: draws the clusters.

    Raises:
        ConfigError: fewer than two raters, or no fact.
    """
    raters, facts = calls.shape
    if raters < 2 or facts == 0:
        raise ConfigError(
            f"agreement takes two raters and a fact, got {raters} and {facts}", setting="calls", value=calls
        )
    _, cluster = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(cluster).astype(np.float64)
    yes = np.array([np.bincount(cluster, row) for row in calls]) / sizes
    agreed = np.bincount(cluster, pairs_that_agree(calls)) / sizes
    of_any_facts = (_pairs(yes) + _pairs(1 - yes)) / (raters * (raters - 1))
    chance = (sizes * of_any_facts - agreed) / np.maximum(sizes - 1, 1)
    totals, weights = sizes * (agreed - chance), sizes * (1 - chance)
    telling = (sizes >= FEWEST_FACTS) & (of_any_facts < 1)
    unanimous = np.bincount(cluster, calls.all(axis=0)) / sizes
    by_chance = np.prod(yes, axis=0)
    return RaterAgreement(
        within=cluster_bootstrap(totals[telling], weights[telling], draws=draws, rng=rng, bounds=DIFFERENCE)
        if telling.any()
        else None,
        fleiss=_fleiss(calls, cluster, draws, rng),
        unanimous=float(calls.all(axis=0).mean()),
        by_chance=float((sizes * by_chance).sum() / facts),
        excess=cluster_bootstrap(sizes * (unanimous - by_chance), sizes, draws=draws, rng=rng, bounds=DIFFERENCE),
    )


def pairs_that_agree(calls: Bool[np.ndarray, "raters facts"]) -> Float[np.ndarray, " facts"]:
    """Share of the pairs of raters that say the same of a fact."""
    raters, yes = len(calls), calls.sum(axis=0)
    return (yes * (yes - 1) + (raters - yes) * (raters - yes - 1)) / (raters * (raters - 1))


def _pairs(shares: Float[np.ndarray, "raters clusters"]) -> Float[np.ndarray, " clusters"]:
    """Sum of the products of all ordered pairs of raters."""
    return shares.sum(axis=0) ** 2 - (shares**2).sum(axis=0)


def _fleiss(
    calls: Bool[np.ndarray, "raters facts"], cluster: Int[np.ndarray, " facts"], draws: int, rng: np.random.Generator
) -> StudentizedBootstrap | None:
    """Fleiss' kappa with its bootstrap; draws in which all answers are one are left out."""
    sizes = np.bincount(cluster).astype(np.float64)
    apart = np.bincount(cluster, 1 - pairs_that_agree(calls))
    yes = np.bincount(cluster, calls.mean(axis=0))
    estimate, error, told = _fleiss_and_error(apart, yes, sizes, np.ones((1, len(sizes))))
    if not told[0]:
        return None
    blocks = [_fleiss_and_error(apart, yes, sizes, times) for times in multiplicities(len(sizes), draws, rng=rng)]
    theta, se, both = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return StudentizedBootstrap.of(
        (float(estimate[0]), float(error[0])),
        theta[both],
        se[both],
        n_clusters=len(sizes),
        effective_clusters=None,
        bounds=DIFFERENCE,
    )


def _fleiss_and_error(
    apart: Float[np.ndarray, " clusters"],
    yes: Float[np.ndarray, " clusters"],
    sizes: Float[np.ndarray, " clusters"],
    times: Float[np.ndarray, "draws clusters"],
) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, " draws"], Bool[np.ndarray, " draws"]]:
    """kappa = 1 - D / E with D the share of pairs apart and E = 2 p (1 - p), its error by linearisation, and E > 0."""
    n = times @ sizes
    share, disagreement = times @ yes / n, times @ apart / n
    expected = 2 * share * (1 - share)
    told = expected > 0
    expected = np.where(told, expected, 1.0)
    slope = 2 * (1 - 2 * share) * disagreement / expected**2
    influence = slope[:, None] * (yes - share[:, None] * sizes)
    influence -= (apart - disagreement[:, None] * sizes) / expected[:, None]
    squares = (times * (influence / n[:, None]) ** 2).sum(axis=1)
    clusters = times.shape[1]
    return 1 - disagreement / expected, np.sqrt(squares * clusters / max(clusters - 1, 1)), told
