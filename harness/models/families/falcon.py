"""Falcon: attention and FFN side by side or in turn; rotary positions, or ALiBi, which is then part of the mask too."""

from harness.models.families.family import Family

FALCON = Family(
    model_type="falcon",
    blocks="transformer.h",
    output_projection="mlp.dense_4h_to_h",
    before_head=("transformer.ln_f",),
    attention_interface=False,
    key_biases=("alibi",),
)
