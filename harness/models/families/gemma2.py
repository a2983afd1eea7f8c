"""Gemma 2: the FFN's output is normed before it is added, so rows run through their block; logits are capped."""

from harness.models.families.family import Family

GEMMA2 = Family(
    model_type="gemma2",
    blocks="model.layers",
    output_projection="mlp.down_proj",
    before_head=("model.norm",),
    ffn_added_as_is=False,
    attention="eager",
)
