"""The driver: edits case by case or in batches, and one row of scores an edit.

Edits that are functions run many at once: prompts and passages of many cases share forward passes, each under its own
correction, and no weight is written. Any other editor gets the model for one edit at a time.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from harness.editing.cases import EditCase
from harness.editing.corrections import Correction
from harness.editing.editor import Editor, FunctionalEditor
from harness.editing.measuring import Answer, Question, Text, ask, negative_log_likelihoods
from harness.editing.metrics import EditScores, Reaction, Reactions, score
from harness.editing.perplexity import perplexity
from harness.editing.restoration import ModelSource, RestorationGuard
from harness.errors import EditError, HarnessError
from harness.models.loaded import LoadedModel

_EDITS_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRow:
    """One edit of one fact by one editor; builtins only.

    Attributes:
        fact_uid: of the fact.
        relation: its relation, the cluster of its interval.
        editor: name of the editor.
        kind: `erase` or `update`.
        query_index: number of the edited query among the fact's.
        scores: the metrics.
        target_probability: of the target behind the edited query, under the edit.
        target_probability_before: the same of the unmodified model.
        n_neighbors: known neighbor queries that generalization rests on.
        n_unknown_neighbors: neighbor queries left out because the model does not know them.
        n_other: prompts of other relations that locality rests on.
        n_same: prompts of the same relation that it rests on.
        n_predicted: tokens that perplexity rests on.
        n_neurons: slices that changed; None of an editor that is not about neurons.
        nonpositive: share of the neurons whose activation at the edited query's last token is not positive.
    """

    fact_uid: str
    relation: str
    editor: str
    kind: str
    query_index: int
    scores: EditScores
    target_probability: float
    target_probability_before: float
    n_neighbors: int
    n_unknown_neighbors: int
    n_other: int
    n_same: int
    n_predicted: int
    n_neurons: int | None
    nonpositive: float | None


def evaluate_edits(
    source: ModelSource,
    cases: Sequence[EditCase],
    editor: Editor,
    *,
    passages: Sequence[tuple[int, ...]] = (),
    before: "Unmodified | None" = None,
    check_every: int = 100,
) -> list[EditRow]:
    """Makes every edit, scores it and undoes it.

    Args:
        source: of the model; released if the editor spoils it.
        cases: the edits, of one kind or of both.
        editor: a built-in one or anybody's.
        passages: token ids of what the cases' passage numbers stand for.
        before: the unmodified model's answers to these cases, if they are known from another editor's turn.
        check_every: all weights are read after so many edits; see `RestorationGuard`.

    Returns:
        One row a case, in order.

    Raises:
        EditError: the editor fails, gives no context manager, or leaves the model changed.
        ConfigError: a case lacks the neuron set that the editor edits.
    """
    if not cases:
        return []
    before = before or unmodified(source.loaded(), cases, passages)
    guard = RestorationGuard(source, editor.name, every=check_every)
    if isinstance(editor, FunctionalEditor) and not getattr(editor, "in_weights", False):
        rows = _in_batches(source, cases, editor, passages, before, guard)
    else:
        rows = _one_by_one(source, cases, editor, passages, before, guard)
    found = list(rows)
    guard.finish()
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unmodified:
    """The unmodified model's answers, each asked for once.

    Attributes:
        tops: prompt -> its top token and that token's probability.
        targets: (prompt, target) -> the target's answer.
        texts: passage -> its negative log likelihood.
    """

    tops: dict[tuple[int, ...], Answer]
    targets: dict[tuple[tuple[int, ...], int], Answer]
    texts: dict[int, float]


def unmodified(model: LoadedModel, cases: Sequence[EditCase], passages: Sequence[tuple[int, ...]]) -> Unmodified:
    """Asks the unmodified model everything that the cases will ask under edits."""
    tops = list({prompt: None for case in cases for prompt in (*case.other, *case.same)})
    targets = list({pair: None for case in cases for pair in _queries(case)})
    texts = sorted({number for case in cases for number in case.passages})
    return Unmodified(
        tops=dict(zip(tops, ask(model, [Question(prompt, None) for prompt in tops]), strict=True)),
        targets=dict(zip(targets, ask(model, [Question(*pair) for pair in targets]), strict=True)),
        texts=dict(
            zip(texts, negative_log_likelihoods(model, [Text(passages[number]) for number in texts]), strict=True)
        ),
    )


def _in_batches(
    source: ModelSource,
    cases: Sequence[EditCase],
    editor: FunctionalEditor,
    passages: Sequence[tuple[int, ...]],
    before: Unmodified,
    guard: RestorationGuard,
) -> Iterator[EditRow]:
    for start in range(0, len(cases), _EDITS_AT_ONCE):
        batch = cases[start : start + _EDITS_AT_ONCE]
        with guard.lend():
            model = source.loaded()
            corrections = editor.corrections(model, [case.request for case in batch])
            answered = _measure(model, batch, passages, before, corrections)
        for case, correction, reactions in zip(batch, corrections, answered, strict=True):
            yield _row(case, editor, passages, reactions, correction)


def _one_by_one(
    source: ModelSource,
    cases: Sequence[EditCase],
    editor: Editor,
    passages: Sequence[tuple[int, ...]],
    before: Unmodified,
    guard: RestorationGuard,
) -> Iterator[EditRow]:
    for case in cases:
        with guard.lend():
            model = source.loaded()
            with _edited(model, editor, case):
                (reactions,) = _measure(model, [case], passages, before, None)
        correction = None
        if isinstance(editor, FunctionalEditor):
            (correction,) = editor.corrections(model, [case.request])
        yield _row(case, editor, passages, reactions, correction)


@contextmanager
def _edited(model: LoadedModel, editor: Editor, case: EditCase) -> Generator[None]:
    """Enters somebody's edit and leaves it; what fails in their code names them, what fails in ours does not."""
    edit: Any = _theirs(lambda: editor.edit(model.model, model.tokenizer, case.request), editor, case)
    if not (hasattr(edit, "__enter__") and hasattr(edit, "__exit__")):
        raise EditError(
            f"edit() of the editor {editor.name!r} gave {type(edit).__name__}, not a context manager;"
            " contextlib.contextmanager makes one of a generator",
            editor=editor.name,
        )
    _theirs(edit.__enter__, editor, case)
    try:
        yield
    except BaseException as error:
        _theirs(partial(edit.__exit__, type(error), error, error.__traceback__), editor, case)
        raise
    _theirs(lambda: edit.__exit__(None, None, None), editor, case)


def _theirs(call: Callable[[], object], editor: Editor, case: EditCase) -> object:
    """Calls somebody's code.

    Raises:
        EditError: it raises anything but an error of the harness, whose text says more.
    """
    try:
        return call()
    except HarnessError:
        raise
    except Exception as error:
        raise EditError(
            f"the editor {editor.name!r} failed to {case.request.kind} the fact {case.request.fact_uid}:"
            f" {type(error).__name__}: {error}",
            editor=editor.name,
        ) from error


def _measure(
    model: LoadedModel,
    cases: Sequence[EditCase],
    passages: Sequence[tuple[int, ...]],
    before: Unmodified,
    corrections: Sequence[Correction] | None,
) -> list[Reactions]:
    """How each case's prompts are answered now: case i under correction i, or all under what the model is."""
    questions: list[Question] = []
    texts: list[Text] = []
    idle = {owner for owner, c in enumerate(corrections or ()) if not c.n_neurons}
    for owner, case in enumerate(cases):
        if owner in idle:  # nothing changes, so nothing need be asked
            continue
        questions += [Question(prompt, target, owner) for prompt, target in _queries(case)]
        questions += [Question(prompt, before.tops[prompt].top, owner) for prompt in (*case.other, *case.same)]
        texts += [Text(passages[number], owner) for number in case.passages]
    answers = iter(ask(model, questions, corrections))
    likelihoods = iter(negative_log_likelihoods(model, texts, corrections))
    return [
        _reactions(case, passages, before, *(_as_before(case, before) if owner in idle else (answers, likelihoods)))
        for owner, case in enumerate(cases)
    ]


def _as_before(case: EditCase, before: Unmodified) -> tuple[Iterator[Answer], Iterator[float]]:
    """A case's answers where its edit is empty."""
    answers = [before.targets[pair] for pair in _queries(case)]
    answers += [before.tops[prompt] for prompt in (*case.other, *case.same)]
    return iter(answers), iter([before.texts[number] for number in case.passages])


def _reactions(
    case: EditCase,
    passages: Sequence[tuple[int, ...]],
    before: Unmodified,
    answers: Iterator[Answer],
    likelihoods: Iterator[float],
) -> Reactions:
    """Takes a case's answers off the front of the iterators."""
    queries = [_reaction(next(answers), target, before.targets[prompt, target]) for prompt, target in _queries(case)]
    other, same = (
        [_reaction(next(answers), before.tops[prompt].top, before.tops[prompt]) for prompt in prompts]
        for prompts in (case.other, case.same)
    )
    after = [next(likelihoods) for _ in case.passages]
    predicted = [len(passages[number]) - 1 for number in case.passages]
    return Reactions(
        kind=case.request.kind,
        edited=queries[0],
        neighbors=queries[1:],
        other=other,
        same=same,
        perplexity_before=perplexity([before.texts[n] for n in case.passages], predicted) if predicted else None,
        perplexity_after=perplexity(after, predicted) if predicted else None,
    )


def _queries(case: EditCase) -> list[tuple[tuple[int, ...], int]]:
    """The edited query and its known neighbors, each with its target."""
    return [(case.request.prompt_ids, case.target), *case.neighbors]


def _reaction(after: Answer, token: int, before: Answer) -> Reaction:
    return Reaction(hit=after.top == token, probability=after.probability, probability_before=before.probability)


def _row(
    case: EditCase,
    editor: Editor,
    passages: Sequence[tuple[int, ...]],
    reactions: Reactions,
    correction: Correction | None,
) -> EditRow:
    return EditRow(
        fact_uid=case.request.fact_uid,
        relation=case.request.relation,
        editor=editor.name,
        kind=case.request.kind,
        query_index=case.query_index,
        scores=score(reactions),
        target_probability=reactions.edited.probability,
        target_probability_before=reactions.edited.probability_before,
        n_neighbors=len(case.neighbors),
        n_unknown_neighbors=case.n_unknown_neighbors,
        n_other=len(case.other),
        n_same=len(case.same),
        n_predicted=sum(len(passages[number]) - 1 for number in case.passages),
        n_neurons=None if correction is None else correction.n_neurons,
        nonpositive=None if correction is None else correction.nonpositive,
    )
