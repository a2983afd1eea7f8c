"""What a run says of weights below float32."""

from typing import Any, cast

from harness.records import RunRecord


def precision_lines(record: RunRecord) -> list[str]:
    """How far the knowledge neurons are those of float32, one line a model and localizer; none for a float32 run."""
    return [
        f"{model} {localizer} in {told['dtype']}: {_text(found)}"
        for model, told in record.manifest.models.items()
        for localizer, found in cast(dict[str, dict[str, Any]], told.get("precision", {})).items()
    ]


def _text(found: dict[str, Any]) -> str:
    if "reason" in found:
        return f"not compared with float32, because {found['reason']}"
    if found["jaccard"] is None:
        return "not compared with float32, because no query of the sample has a knowledge neuron"
    neurons = (
        f"knowledge neurons of {found['n_queries']} queries have a Jaccard index of {found['jaccard']:.3f} with those"
        f" of {found['compared_with']} on average, {found['identical']:.0%} are the same"
    )
    (low, n_facts), (full, _) = found["n_facts"].items()
    if not n_facts or found["mean_cs2"][full] is None:
        return neurons
    cs2, share = found["mean_cs2"], found["share_inconsistent"]
    return (
        f"{neurons}; of {n_facts} facts, CS2 {cs2[low]:.3f} against {cs2[full]:.3f}, K_II at {found['threshold']}"
        f" {share[low]:.0%} against {share[full]:.0%}"
    )
