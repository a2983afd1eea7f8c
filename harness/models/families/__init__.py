"""What the engine has to know of a model family: one data row each."""

from typing import Any

from harness.errors import ModelError, near_matches
from harness.models.families.bert import BERT
from harness.models.families.bloom import BLOOM
from harness.models.families.falcon import FALCON
from harness.models.families.family import Family
from harness.models.families.gemma2 import GEMMA2
from harness.models.families.gemma3 import GEMMA3, GEMMA3_TEXT
from harness.models.families.gpt2 import GPT2
from harness.models.families.gpt_neo import GPT_NEO
from harness.models.families.gpt_neox import GPT_NEOX
from harness.models.families.gptj import GPTJ
from harness.models.families.llama import GEMMA, LLAMA, MISTRAL, PHI3, QWEN2, QWEN3, STABLELM
from harness.models.families.olmo2 import OLMO2
from harness.models.families.opt import OPT
from harness.models.families.phi import PHI
from harness.models.families.roberta import ROBERTA

__all__ = ["FAMILIES", "Family", "family_of"]

_ROWS = (
    *(BLOOM, FALCON, GEMMA, GEMMA2, GEMMA3, GEMMA3_TEXT, GPT2, GPT_NEO, GPT_NEOX, GPTJ, LLAMA, MISTRAL, OLMO2, OPT),
    *(PHI, PHI3, QWEN2, QWEN3, STABLELM),
    *(BERT, ROBERTA),
)
FAMILIES: dict[str, Family] = {family.model_type: family for family in _ROWS}

_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_WHAT_AN_ADAPTER_NEEDS = (
    "An adapter describes it: --adapter package.module:attribute, where the attribute is a "
    "harness.models.families.Family, or a mapping of its fields: model_type, blocks, output_projection, before_head "
    "and, where they differ from the default, head, ffn_added_as_is, attention, key_biases, masks_by_position, "
    "masked. See docs/families.md."
)


def family_of(config: Any, *, model: str, adapter: Family | None = None) -> Family:
    """The row of a model: the adapter, if it is for its `model_type`, else the one that comes with the project.

    Args:
        config: the model's configuration.
        model: the model's name, for the error.
        adapter: a row of the user's own.

    Raises:
        ModelError: no row describes that family; a default layout would be silently wrong science.
    """
    model_type = str(config.model_type)
    if adapter is not None and adapter.model_type == model_type:
        return adapter
    if model_type in FAMILIES:
        return FAMILIES[model_type]
    what = f"{model!r} is of the family {model_type!r}, which this version does not know. "
    if any(hasattr(config.get_text_config(), name) for name in _EXPERTS):
        what += (
            "It is a mixture of experts: a layer has no single output projection whose input would be its neurons, "
            "so only layers that have one all the same can be described. "
        )
    if adapter is not None:
        what += f"The adapter that was given is for {adapter.model_type!r}. "
    raise ModelError(f"{what}{near_matches(model_type, FAMILIES)} {_WHAT_AN_ADAPTER_NEEDS}", model=model)
