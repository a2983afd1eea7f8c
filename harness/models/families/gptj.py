"""GPT-J: attention and FFN read the same norm and are added together; the head has a bias."""

from harness.models.families.family import Family

GPTJ = Family(
    model_type="gptj",
    blocks="transformer.h",
    output_projection="mlp.fc_out",
    before_head=("transformer.ln_f",),
    attention="eager",
    attention_interface=False,
)
