"""BLOOM: no positions but ALiBi, a bias that every block gets as an argument over keys."""

from harness.models.families.family import Family

BLOOM = Family(
    model_type="bloom",
    blocks="transformer.h",
    output_projection="mlp.dense_4h_to_h",
    before_head=("transformer.ln_f",),
    attention="eager",
    attention_interface=False,
    key_biases=("alibi",),
)
