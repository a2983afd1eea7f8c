"""Eq. 5 and 6 against loops over every index, on random causal maps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.interventions.knowledge_synapses import KnowledgeSynapses
from harness.synapses import SynapseSet

maps = st.builds(
    lambda layers, heads, tokens, seed: causal_maps(layers, heads, tokens, seed),
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(0, 10_000),
)  # fmt: skip


def causal_maps(layers: int, heads: int, tokens: int, seed: int) -> np.ndarray:
    """Softmax under the causal mask of scores wide enough that heads differ."""
    scores = 2 * np.random.default_rng(seed).normal(size=(layers, heads, tokens, tokens))
    odds = np.exp(scores) * np.tril(np.ones((tokens, tokens)))
    return odds / odds.sum(axis=-1, keepdims=True)


def loops(a: np.ndarray, alpha: float) -> set[tuple[int, int, int]]:
    """Eq. 5 and 6, index by index."""
    n_layers, n_heads, n_rows, n_columns = a.shape
    tau = 0.0
    for layer in range(n_layers):
        for head in range(n_heads):
            for r in range(n_rows):
                for c in range(n_columns):
                    tau += alpha * a[layer, head, r, c] / (n_layers * n_heads)
    return {
        (c, layer, head)
        for layer in range(n_layers)
        for head in range(n_heads)
        for c in range(n_columns)
        if sum(a[layer, head, r, c] for r in range(n_rows)) > tau
    }


@given(maps, st.sampled_from([0.1, 0.3, 0.7]))
def test_as_printed(a: np.ndarray, alpha: float) -> None:
    assert KnowledgeSynapses(alpha=alpha).select(a.sum(axis=2)) == SynapseSet(loops(a, alpha))


@given(maps, st.sampled_from([0.1, 0.3, 0.7]))
def test_the_printed_tau_is_alpha_times_the_number_of_tokens(a: np.ndarray, alpha: float) -> None:
    tokens = a.shape[-1]
    np.testing.assert_allclose(KnowledgeSynapses(alpha=alpha).taus(a.sum(axis=2)), alpha * tokens, rtol=1e-12)
    chosen = KnowledgeSynapses(alpha=alpha).select(a.sum(axis=2))
    assert all(tokens - column > alpha * tokens - 1e-9 for column, _, _ in chosen)  # c < (1 - alpha) T


@given(maps)
def test_per_column_compares_what_a_row_gives_on_average(a: np.ndarray) -> None:
    tokens = a.shape[-1]
    expected = {
        (c, layer, head)
        for layer, head, c in np.ndindex(a.shape[0], a.shape[1], tokens)
        if np.mean(a[layer, head, c:, c]) - 0.3 > 0
    }
    found = KnowledgeSynapses(threshold="per-column").select(a.sum(axis=2))
    assert found == SynapseSet(expected)


@given(maps)
def test_mean_column_is_alpha_where_rows_sum_to_one(a: np.ndarray) -> None:
    columns = a.sum(axis=2)
    expected = SynapseSet((c, layer, head) for layer, head, c in np.argwhere(columns > 0.3).tolist())
    assert KnowledgeSynapses(threshold="mean-column").select(columns) == expected
    np.testing.assert_allclose(KnowledgeSynapses(threshold="mean-column").taus(columns), 0.3, rtol=1e-12)


@given(maps, st.sampled_from(["printed", "mean-column", "per-column"]))
def test_without_the_first_position_the_others_stay(a: np.ndarray, threshold: str) -> None:
    whole = KnowledgeSynapses(threshold=threshold).select(a.sum(axis=2))
    without = KnowledgeSynapses(threshold=threshold, exclude_first=True).select(a.sum(axis=2))
    assert without == SynapseSet(synapse for synapse in whole if synapse.column > 0)
    assert without.first_position_share in (0, None)


def test_bad_settings() -> None:
    with pytest.raises(ConfigError, match="alpha is positive, got 0"):
        KnowledgeSynapses(alpha=0)
    with pytest.raises(ConfigError, match="Did you mean per-column"):
        KnowledgeSynapses(threshold="per-colum")
