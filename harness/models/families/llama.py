"""LLaMA 1 to 3: neurons are act(gate(x)) * up(x); `down_proj` is a Linear, whose weight holds a neuron in a column."""

from harness.models.families.family import Family

LLAMA = Family(
    model_type="llama",
    blocks="model.layers",
    output_projection="mlp.down_proj",
    final_norm="model.norm",
)
