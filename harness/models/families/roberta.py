"""RoBERTa, a masked language model: BERT's blocks, and a head of its own, whose gelu is no module."""

from torch import nn

from harness.models.families.family import Family

ROBERTA = Family(
    model_type="roberta",
    blocks="roberta.encoder.layer",
    output_projection="output.dense",
    before_head=("lm_head.dense", nn.GELU(), "lm_head.layer_norm"),
    head="lm_head.decoder",
    ffn_added_as_is=False,
    masked=True,
)
