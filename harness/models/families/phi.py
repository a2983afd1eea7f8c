"""Phi 1 to 2: attention and FFN side by side; the head has a bias."""

from harness.models.families.family import Family

PHI = Family(
    model_type="phi",
    blocks="model.layers",
    output_projection="mlp.fc2",
    before_head=("model.final_layernorm",),
)
