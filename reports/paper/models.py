"""Which of a run's numbers the paper printed too: those of its models, on its facts."""

from typing import Final

from harness.records import Manifest

HUB_IDS: Final = {
    "gpt2": "openai-community/gpt2",
    "llama2": "meta-llama/Llama-2-7b-hf",
    "llama3": "meta-llama/Meta-Llama-3-8B",
}
"""Alias -> hub id of the models that the paper studied."""


def papers_model(manifest: Manifest, name: str) -> str | None:
    """The alias under which the paper's numbers of this model stand, if the run's are comparable with them.

    They are where the model is the paper's and its facts are all of ParaRel.

    Args:
        manifest: of the run.
        name: of the model in the run.
    """
    settings = manifest.settings
    fewer = settings.get("relations") or settings.get("limit") is not None or settings.get("known_only")
    if fewer or list(manifest.data) != ["pararel"]:
        return None
    source = manifest.models.get(name, {}).get("source")
    return next((alias for alias, hub_id in HUB_IDS.items() if hub_id == source), None)
