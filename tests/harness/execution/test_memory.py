"""Memory that really runs out: a process that is allowed only so much of it halves its batches, and finds the same."""

import json
import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.data.facts import Fact, Query
from harness.errors import ModelError
from harness.execution.plan import Request
from harness.execution.shard import ShardComputer
from harness.localizers import AttributionMap, Localizer, Unscored, make_localizer
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.random_models import random_model, random_queries

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's account of memory"),
]

SMALL, MIDDLE, LARGE = (
    make_localizer("ig", quadrature=Quadrature(rule="right", steps=n, exhaustive=True)) for n in (1, 100, 4000)
)
A_PATH = 100 * 10 * (14 * 48 + 9 * 192) * 4
"""Bytes that one query takes with 100 steps, as `harness.attribution.memory` counts them."""

QUERIES = 32


class Noting:
    """The localizer, noting the batch sizes that it is called with."""

    def __init__(self, localizer: Localizer) -> None:
        self.name = localizer.name
        self.sizes: list[int | None] = []
        self._localizer = localizer

    def config(self) -> dict[str, Any]:
        return self._localizer.config()

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> Sequence[AttributionMap | Unscored]:
        self.sizes.append(batch_size)
        return self._localizer.attribute(model, queries, batch_size=batch_size)


def in_use() -> int:
    """Bytes of address space that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")


def computed(requests: list[Request], beyond: int | None, file: Path, localizer: Localizer = MIDDLE) -> dict[str, Any]:
    """What a process of its own finds that may take so many bytes more than it holds; None for all that there are."""
    child = os.fork()
    if child == 0:
        try:
            noting, model = Noting(localizer), random_model("gpt2", dtype=torch.float32)
            ShardComputer(model, SMALL, batch_size=None).rows(requests[:1])  # loads what is loaded at first use
            computer = ShardComputer(model, noting, batch_size=None)
            if beyond is not None:
                resource.setrlimit(resource.RLIMIT_AS, (in_use() + beyond, resource.RLIM_INFINITY))
            try:
                rows = [(row.max_score, row.neurons, row.scores) for row in computer.rows(requests)]
                computer.rows(requests)
                told = {"rows": rows, "sizes": noting.sizes}
            except ModelError as error:
                told = {"error": str(error)}
            file.write_text(json.dumps(told))
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    fact = Fact(uid="u", relation="P1", subject="s", object="o")
    return [
        Request(query=Query(fact=fact, index=i, pattern_id="P1:1", prompt=encoded.prompt), encoded=encoded)
        for i, encoded in enumerate(random_queries([6] * QUERIES))
    ]


def test_batches_are_halved_until_they_fit_and_what_fitted_is_remembered(
    requests: list[Request], tmp_path: Path
) -> None:
    whole = computed(requests, None, tmp_path / "whole.json")
    assert whole["sizes"] == [None, None]
    little = computed(requests, 12 * A_PATH, tmp_path / "little.json")
    sizes = little["sizes"]
    assert sizes[0] is None
    assert sizes[1:-1] == [QUERIES >> i for i in range(1, len(sizes) - 1)], "each half of the one before"
    assert 1 <= sizes[-1] == sizes[-2] < QUERIES, "the next shard begins with what fitted"
    for (top, _, _), (expected, _, _) in zip(little["rows"], whole["rows"], strict=True):
        assert top == pytest.approx(expected, rel=1e-5)
    same = [one[1] == other[1] for one, other in zip(little["rows"], whole["rows"], strict=True)]
    assert np.mean(same) > 0.9, "a neuron at the edge of what is stored may fall on either side of it"


def test_where_one_query_does_not_fit_it_is_said(requests: list[Request], tmp_path: Path) -> None:
    told = computed(requests, A_PATH, tmp_path / "none.json", LARGE)
    assert "ran out of memory on a single query of 6 tokens" in told["error"]
    assert "--dtype" in told["error"]
