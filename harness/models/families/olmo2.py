"""OLMo 2: what attention and FFN return is normed before it is added, so rows run through their block."""

from harness.models.families.family import Family

OLMO2 = Family(
    model_type="olmo2",
    blocks="model.layers",
    output_projection="mlp.down_proj",
    before_head=("model.norm",),
    ffn_added_as_is=False,
)
