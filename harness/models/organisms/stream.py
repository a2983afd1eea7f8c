"""The residual stream of a planted model: which part of it says what, in which codes.

The stream is cut into blocks. A block of n codes is n + 1 wide, and its codes are orthonormal and sum to zero each. So
every residual vector sums to zero, the mean that LayerNorm subtracts is zero, and LayerNorm is RMSNorm: both turn x
into sqrt(width) x / |x|.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from jaxtyping import Float

from harness.models.organisms.growing import generator
from harness.models.organisms.recipe import Recipe

HEADS: Final = 3
"""One that brings the subject, one for the relation, one for the paraphrase; in higher layers they rest."""

CARRIED: Final = ("subject", "relation", "paraphrase")
"""Kinds of words that a head each brings to the last position."""

IDLE: Final = 8
"""Codes that distractors write in and nothing reads."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream:
    """Codes, one a row, in coordinates of the whole stream.

    Attributes:
        constant: what every word carries: the measure of all thresholds, and most of the stream's length.
        mark: says of a word that it is a subject, a relation, a paraphrase, or the start of a text.
        subject: one a subject.
        relation: one a relation.
        paraphrase: one a paraphrase.
        object: one an object.
        idle: what distractors write.
    """

    constant: Float[np.ndarray, "1 d_model"]
    mark: Float[np.ndarray, "4 d_model"]
    subject: Float[np.ndarray, "subjects d_model"]
    relation: Float[np.ndarray, "relations d_model"]
    paraphrase: Float[np.ndarray, "paraphrases d_model"]
    object: Float[np.ndarray, "objects d_model"]
    idle: Float[np.ndarray, "idle d_model"]

    @property
    def width(self) -> int:
        """Width of the stream."""
        return self.constant.shape[1]


def make_stream(recipe: Recipe) -> Stream:
    """Cuts the stream into blocks and draws their codes.

    Returns:
        codes in float64; the width is that of all blocks, rounded up so that every head has an even width.
    """
    sizes = {
        **{"constant": 1, "mark": len(CARRIED) + 1, "subject": recipe.subjects, "relation": recipe.relations},
        **{"paraphrase": recipe.paraphrases, "object": recipe.objects, "idle": IDLE},
    }
    assert list(sizes) == [field.name for field in fields(Stream)]
    used = sum(n + 1 for n in sizes.values())
    width = -(-used // (2 * HEADS)) * 2 * HEADS
    codes: dict[str, np.ndarray] = {}
    start = 0
    for block, n in sizes.items():
        codes[block] = np.zeros((n, width))
        codes[block][:, start : start + n + 1] = _zero_sum_codes(n, generator(recipe, f"codes of {block}"))
        start += n + 1
    return Stream(**codes)


def _zero_sum_codes(n: int, rng: np.random.Generator) -> Float[np.ndarray, "n n_plus_1"]:
    """n orthonormal vectors of n + 1 entries that sum to zero each: a random basis of what is orthogonal to ones."""
    columns = np.concatenate([np.ones((n + 1, 1)), rng.standard_normal((n + 1, n))], axis=1)
    return np.linalg.qr(columns)[0][:, 1:].T
