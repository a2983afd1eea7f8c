"""How many paths are integrated at once: what a budget of memory holds."""

from collections.abc import Sequence

from harness.attribution.quadrature import Quadrature
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

# Row-layers (a row in one block) are what memory goes with; a block keeps about this many values of its widths for the
# backward pass (measured on GPT-2 and LLaMA blocks).
_VALUES_PER_ROW_LAYER = {"d_model": 14, "d_ff": 9}
_BUDGET_BYTES = 1 << 30
_MOST = 64


def paths_at_once(model: LoadedModel, quadrature: Quadrature, queries: Sequence[EncodedQuery]) -> int:
    """As many paths as fit into the memory budget, at least one; a path is that of all layers of one query.

    A row of a causal model is one token, that of a masked model a whole sentence.
    """
    row_layers = quadrature.steps * model.n_layers * (model.n_layers + 1) // 2
    if model.family.masked:
        row_layers *= max((len(query.prompt_ids) for query in queries), default=1)
    values = _VALUES_PER_ROW_LAYER["d_model"] * model.d_model + _VALUES_PER_ROW_LAYER["d_ff"] * model.d_ff
    return max(1, min(_MOST, _BUDGET_BYTES // (row_layers * values * model.dtype.itemsize)))
