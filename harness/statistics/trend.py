"""How a value of the same facts rises with the size of the model that they are asked of."""

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

from harness.errors import ConfigError
from harness.statistics.bootstrap import StudentizedBootstrap, cluster_bootstrap


def slope_weights(sizes: Float[np.ndarray, " models"]) -> Float[np.ndarray, " models"]:
    """Weights w whose sum_m w_m y_m is the least-squares slope of y over log10 size: the rise of y a tenfold size.

    Raises:
        ConfigError: the sizes are all the same, or one is not positive.
    """
    if len(sizes) < 2 or (sizes <= 0).any() or np.ptp(sizes) == 0:
        raise ConfigError("a slope takes two different sizes above 0", setting="sizes", value=sizes)
    log = np.log10(sizes)
    return (log - log.mean()) / ((log - log.mean()) ** 2).sum()


def mean_slope(
    values: Float[np.ndarray, "models facts"],
    clusters: Int[np.ndarray, " facts"],
    weights: Float[np.ndarray, " models"],
    *,
    draws: int,
    rng: np.random.Generator,
) -> StudentizedBootstrap:
    """Slope of the mean of values in [0, 1], each cluster drawn whole with the facts' values in all models.

    Args:
        values: one value a model and fact.
        clusters: the cluster of each fact, any labels.
        weights: of `slope_weights`.
        draws: bootstrap draws.
        rng: draws the clusters.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    bounds = (float(np.minimum(weights, 0).sum()), float(np.maximum(weights, 0).sum()))
    totals = np.bincount(cluster, weights @ values)
    return cluster_bootstrap(totals, np.bincount(cluster).astype(np.float64), draws=draws, rng=rng, bounds=bounds)


def page_p(shares: Float[np.ndarray, "clusters models"]) -> float | None:
    """Page's test: p of "no order" against shares that rise from model to model in the clusters.

    Args:
        shares: one a cluster and model, models by rising size.

    Returns:
        p, or None for fewer than three models or two clusters.
    """
    clusters, models = shares.shape
    if models < 3 or clusters < 2:
        return None
    return float(scipy.stats.page_trend_test(shares, method="asymptotic" if clusters > 12 else "exact").pvalue)
