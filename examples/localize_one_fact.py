"""Localizes one fact and scores its consistency, without pytest and without a store.

Run it from the root of the repository: python examples/localize_one_fact.py
"""

from harness.attribution.quadrature import Quadrature
from harness.consistency import cs1_cs2
from harness.data.sources import load_dataset
from harness.execution.plan import make_plan
from harness.localizers import AttributionMap, make_localizer
from harness.localizers.selection import Selection, keep_largest
from harness.models.handle import resolve_model
from harness.neurons import NeuronSet


def main() -> None:
    """Prints the knowledge neurons of every query of a fact, and what the queries share."""
    model = resolve_model("tiny-gpt2")  # or "gpt2", "llama3", "./a-folder"
    facts = load_dataset("embedded")  # or "pararel", "./a-folder"
    queries = [query for query in facts.queries() if (query.fact.subject, query.fact.object) == ("Japan", "Tokyo")]

    # Token ids of query and answer; what cannot be tokenised would be counted in plan.unscored.
    plan = make_plan(queries, model.tokenizer, context_length=model.context_length)
    localizer = make_localizer("ig", quadrature=Quadrature.parse("gauss-legendre:10"))
    loaded = model.loaded()
    maps = localizer.attribute(loaded, [request.encoded for request in plan.requests], batch_size=None)

    selection, local_sets = Selection(t=0.2), list[NeuronSet]()
    for request, found in zip(plan.requests, maps, strict=True):
        if not isinstance(found, AttributionMap):  # some methods give some queries no score
            print(f"no score, because {found.reason}: {request.query.prompt}")
            continue
        kept = keep_largest(found.scores)
        neurons = selection.select(kept.neurons, kept.scores, kept.max_score)
        local_sets.append(NeuronSet.from_flat(neurons.tolist(), loaded.d_ff))
        print(f"{len(local_sets[-1]):3} knowledge neurons: {request.query.prompt}")

    scores = cs1_cs2(local_sets)
    if scores is None:
        print("No query has a knowledge neuron, so consistency is not defined.")
    else:
        print(f"CS1 {scores[0]:.3f}, CS2 {scores[1]:.3f} over {len(local_sets)} queries")


if __name__ == "__main__":
    main()
