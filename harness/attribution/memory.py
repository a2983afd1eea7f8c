"""How many paths are integrated at once: what a budget of memory holds."""

from harness.attribution.quadrature import Quadrature
from harness.models.loaded import LoadedModel

# Row-layers (a row in one block) are what memory goes with; a block keeps about this many values of its widths for the
# backward pass (measured on GPT-2 and LLaMA blocks).
_VALUES_PER_ROW_LAYER = {"d_model": 14, "d_ff": 9}
_BUDGET_BYTES = 1 << 30
_MOST = 64


def paths_at_once(model: LoadedModel, quadrature: Quadrature) -> int:
    """As many paths as fit into the memory budget, at least one; a path is that of all layers of one query."""
    row_layers = quadrature.steps * model.n_layers * (model.n_layers + 1) // 2
    d_model = model.head.in_features
    values = _VALUES_PER_ROW_LAYER["d_model"] * d_model + _VALUES_PER_ROW_LAYER["d_ff"] * model.d_ff
    return max(1, min(_MOST, _BUDGET_BYTES // (row_layers * values * model.dtype.itemsize)))
