"""How many paths are integrated at once: what a budget of memory holds."""

from harness.attribution.node_sums import first_nodes
from harness.attribution.quadrature import Quadrature
from harness.models.loaded import LoadedModel
from harness.models.shape import ModelShape, shape_of

# Row-layers (a row in one block) are what memory goes with; a block keeps about this many values of its widths for the
# backward pass. Counted in blocks of seven families: 0.4 to 1.2 times as many.
_VALUES_PER_ROW_LAYER = {"d_model": 7, "d_ff": 5}
_MOST = 256


def paths_at_once(model: LoadedModel, quadrature: Quadrature, row_length: int) -> int:
    """As many paths as fit into the memory that there is for batches, at least one."""
    return paths_in_budget(shape_of(model), quadrature, row_length)


def paths_in_budget(shape: ModelShape, quadrature: Quadrature, row_length: int) -> int:
    """As many paths as fit into the memory that there is for batches, at least one; see `bytes_a_path`."""
    return max(1, min(_MOST, shape.working_bytes // bytes_a_path(shape, quadrature, row_length)))


def bytes_a_path(shape: ModelShape, quadrature: Quadrature, row_length: int) -> int:
    """Working memory of one path of all layers of one query; what is evaluated again takes no more.

    Args:
        shape: dimensions of the model.
        quadrature: its first nodes are those of the path.
        row_length: positions of a row: as many as answer tokens count; in a masked model a whole sentence.
    """
    row_layers = (
        first_nodes(quadrature, smooth=shape.smooth).n_before_end
        * shape.n_layers
        * (shape.n_layers + 1)
        // 2
        * row_length
    )
    values = _VALUES_PER_ROW_LAYER["d_model"] * shape.d_model + _VALUES_PER_ROW_LAYER["d_ff"] * shape.d_ff
    return row_layers * values * shape.itemsize
