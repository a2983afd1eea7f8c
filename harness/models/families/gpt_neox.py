"""GPT-NeoX and Pythia: attention and FFN side by side, unless `use_parallel_residual` is off."""

from harness.models.families.family import Family

GPT_NEOX = Family(
    model_type="gpt_neox",
    blocks="gpt_neox.layers",
    output_projection="mlp.dense_4h_to_h",
    before_head=("gpt_neox.final_layer_norm",),
)
