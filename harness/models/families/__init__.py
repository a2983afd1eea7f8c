"""What the engine has to know of a model family: one data row each, in a file of its own."""

from harness.errors import ModelError, near_matches
from harness.models.families.family import Family
from harness.models.families.gpt2 import GPT2
from harness.models.families.llama import LLAMA

__all__ = ["FAMILIES", "Family", "family_of"]

FAMILIES: dict[str, Family] = {family.model_type: family for family in (GPT2, LLAMA)}


def family_of(model_type: str, *, model: str) -> Family:
    """The row of a `config.model_type`.

    Raises:
        ModelError: no row describes that family; a default layout would be silently wrong science.
    """
    if model_type not in FAMILIES:
        raise ModelError(
            f"{model!r} is of the family {model_type!r}, which this version does not know. "
            f"{near_matches(model_type, FAMILIES)} A family is one data row under harness/models/families/.",
            model=model,
        )
    return FAMILIES[model_type]
