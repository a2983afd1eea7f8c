"""Edits of consistency-aware neurons under every pair of betas (Eq. 7), scored on prompts alone.

Betas are chosen by how well they edit, not by what they cost, so no passage is read; and neighboring betas often select
the same neurons, which are edited once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from harness.claims.edits import of_betas, quantity
from harness.consistency.cas import BETA_GRID, Betas
from harness.editing import EditCase, KnowledgeNeurons
from harness.neurons import NeuronSet
from harness.pipeline.measured.cas import CAS
from harness.pipeline.measured.edit_rows import METRICS, Edits
from harness.pipeline.measured.measurement import per_fact


def grid_values(
    edits: Edits,
    grid: Mapping[str, Mapping[Betas, NeuronSet]],
    paper: Sequence[Mapping[str, Any]],
    number: Mapping[str, int],
    *,
    only_stored: bool,
) -> dict[str, Float[np.ndarray, " facts"]]:
    """Reliability, generalization, locality and average of every fact under every pair of betas.

    Args:
        edits: the cases of a cell.
        grid: uid -> the neurons that each pair selects.
        paper: the rows of the cases under the paper's betas, which stand for any pair that selects the same neurons.
        number: uid -> number of the fact, among all of the dataset.
        only_stored: whether all rows have to be in the store, and no model is loaded.

    Raises:
        HarnessError: the model cannot be run, or the store cannot be used.
    """
    rows = {
        (place, betas): row
        for place, (case, row) in enumerate(zip(edits.cases, paper, strict=True))
        for betas, neurons in grid[case.request.fact_uid].items()
        if neurons == grid[case.request.fact_uid][Betas()]
    }
    others = [(place, betas) for place in range(len(edits.cases)) for betas in BETA_GRID if (place, betas) not in rows]
    cases = [_under(edits.cases[place], grid, betas) for place, betas in others]
    found = edits.rows(KnowledgeNeurons(neurons=CAS), only_stored=only_stored, cases=cases)
    rows |= dict(zip(others, found, strict=True))
    values: dict[str, Float[np.ndarray, " facts"]] = {}
    for kind in dict.fromkeys(case.request.kind for case in edits.cases):
        places = [place for place, case in enumerate(edits.cases) if case.request.kind == kind]
        facts = np.array([number[edits.cases[place].request.fact_uid] for place in places], dtype=np.int64)
        for betas in BETA_GRID:
            for metric, column in METRICS.items():
                scores = np.array([rows[place, betas][column] for place in places], dtype=float)
                values[quantity(of_betas(betas), kind, metric)] = per_fact(facts, scores, len(number))
    return values


def _under(case: EditCase, grid: Mapping[str, Mapping[Betas, NeuronSet]], betas: Betas) -> EditCase:
    """The same edit of the neurons that these betas select, without passages."""
    neurons = tuple((neuron.layer, neuron.index) for neuron in grid[case.request.fact_uid][betas])
    request = replace(case.request, neuron_sets={**case.request.neuron_sets, CAS: neurons})
    return replace(case, request=request, passages=())
