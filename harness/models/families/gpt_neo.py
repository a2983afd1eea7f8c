"""GPT-Neo: every other block looks back over a window only, cut out of a mask of its own; `c_proj` is a Linear."""

from harness.models.families.family import Family

GPT_NEO = Family(
    model_type="gpt_neo",
    blocks="transformer.h",
    output_projection="mlp.c_proj",
    before_head=("transformer.ln_f",),
    attention="eager",
    attention_interface=False,
    masks_by_position=True,
)
