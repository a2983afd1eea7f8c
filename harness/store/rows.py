"""One stored row: what localization found for one query; and its form in a Parquet file."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizationRow:
    """What one localizer found for one query of one model.

    Attributes:
        row_key: content hash of the query's and the answer's token ids; what the row is found by.
        fact_uid: uid of the fact that it was computed for first (a row serves every query with the same ids).
        relation: its relation.
        pattern_id: the pattern of the query.
        subject: its subject.
        object: its object.
        query_index: number of the query among the fact's.
        prompt: text of the query.
        answer: text that counts as the answer.
        answer_probability: p(first answer token | query) of the unmodified model.
        joint_probability: p(all answer tokens | query), teacher-forced.
        top_token_is_answer: whether the first answer token is the model's top token.
        n_answer_tokens: tokens of the answer.
        unscored: why the localizer gives this query no score; None where it gives one.
        max_score: largest score of the whole map; None where there is no score.
        completeness_gap: what the quadrature left out, relative to the answer probability; None where undefined.
        neurons: layer * d_ff + index, rising, of every neuron above 0.05 * max_score.
        scores: their scores.
    """

    row_key: str
    fact_uid: str
    relation: str
    pattern_id: str
    subject: str
    object: str
    query_index: int
    prompt: str
    answer: str
    answer_probability: float
    joint_probability: float
    top_token_is_answer: bool
    n_answer_tokens: int
    unscored: str | None = None
    max_score: float | None
    completeness_gap: float | None
    neurons: tuple[int, ...]
    scores: tuple[float, ...]


ROW_SCHEMA = pa.schema(
    [
        pa.field("row_key", pa.string(), nullable=False),
        pa.field("fact_uid", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("pattern_id", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("object", pa.string(), nullable=False),
        pa.field("query_index", pa.int32(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("answer_probability", pa.float64(), nullable=False),
        pa.field("joint_probability", pa.float64(), nullable=False),
        pa.field("top_token_is_answer", pa.bool_(), nullable=False),
        pa.field("n_answer_tokens", pa.int32(), nullable=False),
        pa.field("unscored", pa.string(), nullable=True),
        pa.field("max_score", pa.float32(), nullable=True),
        pa.field("completeness_gap", pa.float64(), nullable=True),
        pa.field("neurons", pa.list_(pa.int32()), nullable=False),
        pa.field("scores", pa.list_(pa.float32()), nullable=False),
    ]
)
