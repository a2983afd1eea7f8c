"""What a session would do, without doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.data.facts import Dataset
from harness.execution.estimate import BYTES_A_ROW, Estimate, estimate
from harness.execution.localizing import open_store
from harness.execution.plan import Plan, make_plan
from harness.localizers import HasVariant, Localizer
from harness.models.handle import ModelHandle
from harness.models.queries import EncodedQuery
from harness.pipeline.retest import retest_forms
from harness.pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One model under one localizer, before anything is localized.

    Attributes:
        model: id of the model.
        localizer: id of the localizer.
        data: name of the dataset.
        facts: facts of each relation, by the relation's name.
        queries: queries of all facts.
        skipped: why a relation that the data holds cannot be used, by its name.
        unscored: queries that the model cannot be asked, by reason.
        rows: rows that the claims need, the retest's among them; a row serves all queries of the same tokens.
        stored: how many of them the store holds.
        estimate: what the others will cost.
    """

    model: str
    localizer: str
    data: str
    facts: Mapping[str, int]
    queries: int
    skipped: Mapping[str, str]
    unscored: Mapping[str, int]
    rows: int
    stored: int
    estimate: Estimate


def preview(dataset: Dataset, model: ModelHandle, localizer: Localizer, settings: Settings, *, rate: float) -> Preview:
    """Plans one cell, and looks up what the store has of it. Loads no weights and writes nothing.

    Args:
        dataset: the facts.
        model: the model.
        localizer: the method.
        settings: the session's.
        rate: operations a second of a large matrix product.

    Raises:
        HarnessError: the tokenizer or the configuration of the model cannot be read.
    """
    plan = make_plan(dataset.queries(), model.tokenizer, context_length=model.context_length)
    needed = _needed(plan, model, localizer, settings)
    work: list[tuple[Localizer, Sequence[EncodedQuery]]] = []
    sizes: list[float] = []
    for method, queries in needed:
        store = open_store(settings.store, model, method, create=False)
        present = store.present()
        work.append((method, [query for key, query in queries.items() if key not in present]))
        sizes += [store.size() / len(present)] if present else []
    rows, missing = (sum(len(queries) for _, queries in part) for part in (needed, work))
    return Preview(
        model=model.name,
        localizer=localizer.name,
        data=dataset.name,
        facts={relation.name: len(relation.facts) for relation in dataset.relations},
        queries=dataset.n_queries,
        skipped=dict(dataset.skipped),
        unscored=plan.unscored,
        rows=rows,
        stored=rows - missing,
        estimate=estimate(
            work,
            model.shape,
            rate=rate,
            batch_size=settings.batch_size,
            bytes_a_row=sum(sizes) / len(sizes) if sizes else BYTES_A_ROW,
        ),
    )


def _needed(
    plan: Plan, model: ModelHandle, localizer: Localizer, settings: Settings
) -> list[tuple[Localizer, dict[str, EncodedQuery]]]:
    """The rows that evidence rests on, by key, for the localizer and, if the retest has one, its variant."""
    variant = localizer.variant() if isinstance(localizer, HasVariant) else localizer
    own = {request.encoded.key: request.encoded for request in plan.requests}
    other = own if variant is localizer else dict[str, EncodedQuery]()
    for number, changed in enumerate(retest_forms(plan, settings.seed)):
        form = make_plan(changed, model.tokenizer, context_length=model.context_length)
        if len(form.requests) == len(changed):  # as the retest itself leaves out a form that does not fit
            (other if number % 2 else own).update((request.encoded.key, request.encoded) for request in form.requests)
    return [(localizer, own)] if other is own else [(localizer, own), (variant, other)]
