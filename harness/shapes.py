"""Array aliases and the only legend of axis names.

Axes used in annotations throughout the harness:

    queries   queries of one batch
    tokens    token positions of a (padded) prompt
    layers    transformer blocks, 0 is the lowest
    d_model   width of the residual stream; d_head what the vocabulary projection reads, the same but for OPT 350M
    d_ff      neurons of one FFN: inputs of its output projection
    heads     key and value heads of attention
    query_heads  heads that have attention weights: more than `heads` where several share keys and values
    items     one query under one intervention
    rows      copies of the last token (masked models: of the sentence) that differ in what replaced its neurons
    steps     quadrature nodes of one integral
    vocab     vocabulary
    facts, clusters, draws, groups, entries   statistics: one unit, one relation, one bootstrap draw, one set of queries
                                              scored together, one element of a ragged array
"""

from typing import TypeAlias

import numpy as np

IntVector: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
FloatVector: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
BoolVector: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]
