"""BERT, a masked language model: neurons are gelu(intermediate.dense(x)); the sum of FFN and residual is normed."""

from harness.models.families.family import Family

BERT = Family(
    model_type="bert",
    blocks="bert.encoder.layer",
    output_projection="output.dense",
    before_head=("cls.predictions.transform",),
    head="cls.predictions.decoder",
    ffn_added_as_is=False,
    masked=True,
)
