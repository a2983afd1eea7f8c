"""Gemma 3, text alone: the FFN's output is normed before it is added, so rows run through their block.

The 1B checkpoint is of the text-only class (`gemma3_text`); in the larger ones the language model is a part.
"""

from harness.models.families.family import Family

GEMMA3_TEXT = Family(
    model_type="gemma3_text",
    blocks="model.layers",
    output_projection="mlp.down_proj",
    before_head=("model.norm",),
    ffn_added_as_is=False,
)
GEMMA3 = Family(
    model_type="gemma3",
    blocks="model.language_model.layers",
    output_projection="mlp.down_proj",
    before_head=("model.language_model.norm",),
    ffn_added_as_is=False,
)
