"""Our view of a model that an editor was handed."""

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.models.loaded import LoadedModel


def view_of(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> LoadedModel:
    """The parts of a model that is loaded already; reads no weight.

    Raises:
        ModelError: its family is unknown.
    """
    return LoadedModel(name=type(model).__name__, model=model, tokenizer=tokenizer, fingerprint="")
