"""What a localization will cost, known before anything is run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.attribution.memory import bytes_a_path, paths_in_budget
from harness.attribution.node_sums import every_node, first_nodes
from harness.attribution.quadrature import Quadrature
from harness.models.shape import ModelShape

_ROUGH = 0.2
"""The share of a layer's paths that are evaluated again at every node: 0.1 to 0.45 in the built-in language models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Arithmetic and memory.

    Attributes:
        operations: floating-point operations of all matrix products; a multiplication with its addition counts two.
        working_bytes: memory beyond the weights at the fullest moment.
    """

    operations: float
    working_bytes: int


@runtime_checkable
class HasCost(Protocol):
    """A localizer that knows its cost; without it `--dry-run` says that time and memory are unknown."""

    def cost(
        self,
        shape: ModelShape,
        prompt_lengths: Sequence[int],
        answer_lengths: Sequence[int],
        *,
        batch_size: int | None,
    ) -> Cost:
        """The cost of localizing queries.

        Args:
            shape: dimensions of the model.
            prompt_lengths: tokens of each query.
            answer_lengths: tokens of each answer.
            batch_size: queries at once; None for the localizer's own judgement.
        """
        ...


def paths_cost(
    shape: ModelShape,
    quadrature: Quadrature,
    prompt_lengths: Sequence[int],
    counted: Sequence[int],
    *,
    paths: Sequence[int],
    batch_size: int | None,
    replaced: bool = False,
) -> Cost:
    """The cost of a method made of path integrals.

    Args:
        shape: dimensions of the model.
        quadrature: nodes of every path.
        prompt_lengths: tokens of each query.
        counted: tokens of each answer that count.
        paths: paths of each query.
        batch_size: paths at once; None for what fits into the budget.
        replaced: whether every token gives way once, for a reference point.
    """
    operations = 0.0
    for tokens, positions, count in zip(prompt_lengths, counted, paths, strict=True):
        # A masked model runs whole sentences: every row, and every sentence with a token replaced.
        rows = path_operations(shape, quadrature, positions=positions) * count
        rows += end_operations(shape, quadrature, positions=positions)
        operations += rows * (tokens if shape.masked else 1) + forward_operations(shape, tokens + positions - 1)
        if replaced:
            again = tokens * tokens if shape.masked else tokens * (tokens + 1) // 2
            operations += forward_operations(shape, again)
    row_length = max(prompt_lengths if shape.masked else counted, default=1)
    at_once = min(batch_size or paths_in_budget(shape, quadrature, row_length), sum(paths))
    return Cost(operations=operations, working_bytes=at_once * bytes_a_path(shape, quadrature, row_length))


def path_operations(shape: ModelShape, quadrature: Quadrature, *, positions: int = 1) -> float:
    """Operations of one path integral (all layers) behind the prefix, but for its end.

    A layer has as many rows as the quadrature is first evaluated at before the path's end, and where these are few of
    many, all of them again in the share of paths that turn out rough.
    """
    first = first_nodes(quadrature, smooth=shape.smooth)
    operations = _row_operations(shape, first.n_before_end, positions, sums=len(first.coefficients))
    if len(first.null_rules):
        whole = every_node(quadrature, start=False)
        operations += _ROUGH * _row_operations(shape, whole.n_before_end, positions, sums=1)
    return operations


def end_operations(shape: ModelShape, quadrature: Quadrature, *, positions: int = 1) -> float:
    """Operations of what the paths of one query have in common: its p(answer), and where the end is a node that row."""
    first = first_nodes(quadrature, smooth=shape.smooth)
    row = _row_operations(shape, 1, positions, sums=1) if first.n_before_end < len(first.nodes) else 0
    return row + 2 * shape.d_model * shape.vocabulary * positions


def _row_operations(shape: ModelShape, rows: int, positions: int, *, sums: int) -> float:
    """Operations of so many rows a layer, and of sums over them.

    With L layers, P entries in a block's matrices and V tokens, a row that enters at layer l runs the L - 1 - l blocks
    above it, forward and backward to its input alone, because parameters are frozen; each way takes 2 P operations a
    block and position, of which it has n, as many as answer tokens count. It passes the head both ways. A layer's own
    output projection is passed by 1 + 2 s vectors, however many of its m rows there are: the way, and each of s sums
    over rows both ways:

        2 P n 2 m L (L - 1) / 2  +  (1 + 2 s) * 2 d_model d_ff L  +  2 d_model V n 2 m L

    Products of queries with keys are left out: they are few at the length of a prompt.
    """
    layers, climbs = shape.n_layers, shape.n_layers * (shape.n_layers - 1) / 2
    return (
        2 * shape.block_weights * positions * 2 * rows * climbs
        + (1 + 2 * sums) * 2 * shape.d_model * shape.d_ff * layers
        + 2 * shape.d_model * shape.vocabulary * positions * 2 * rows * layers
    )


def forward_operations(shape: ModelShape, tokens: int, *, answers: int = 0) -> float:
    """Operations of running tokens through all blocks, and some of them through the head."""
    return 2.0 * shape.block_weights * tokens * shape.n_layers + 2.0 * shape.d_model * shape.vocabulary * answers
