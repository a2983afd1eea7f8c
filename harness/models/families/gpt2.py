"""GPT-2: neurons are gelu(c_fc(x)); `c_proj` is a Conv1D, whose weight holds a neuron in a row."""

from harness.models.families.family import Family

GPT2 = Family(
    model_type="gpt2",
    blocks="transformer.h",
    output_projection="mlp.c_proj",
    before_head=("transformer.ln_f",),
)
