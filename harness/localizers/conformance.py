"""What every localizer has to keep to, wherever it comes from: the checks of the conformance kit.

Each check takes a `Trial` and answers with what is wrong, or None. They run under pytest as
`pytest kntests -m controls --localizer package.module:attribute`.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from torch import Tensor, nn

from harness.errors import RecordError
from harness.localizers.localizer import AttributionMap, HasVariant, Localizer, Unscored
from harness.localizers.selection import Selection, keep_largest
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.models.state import model_state
from harness.records import check_builtin

ROUNDING: Final = 1e-4
"""Scores may differ by this share of the largest where the company of a query differs."""

LARGEST_GAP: Final = 0.25
"""Half of the queries must have a completeness gap below this: a rule that leaves out more integrates nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """What a localizer is tried on.

    Attributes:
        localizer: the one that is tried.
        model: any model that it should work on.
        queries: a few, of several lengths.
    """

    localizer: Localizer
    model: LoadedModel
    queries: Sequence[EncodedQuery]

    def run(
        self, queries: Sequence[EncodedQuery] | None = None, batch_size: int | None = None
    ) -> list[AttributionMap | Unscored]:
        """What it finds for these queries, or for all."""
        wanted = self.queries if queries is None else queries
        return list(self.localizer.attribute(self.model, wanted, batch_size=batch_size))


def configuration(trial: Trial) -> str | None:
    """`name` and `config()` can be written down, and say the same twice; a variant's differs."""
    config = trial.localizer.config()
    try:
        check_builtin(config, "config()")
        check_builtin(trial.localizer.name, "name")
    except RecordError as error:
        return f"{error}: results are stored under them"
    if json.dumps(config) != json.dumps(trial.localizer.config()):
        return "config() says something else every time, so nothing that is stored would be found again"
    if isinstance(trial.localizer, HasVariant) and trial.localizer.variant().config() == config:
        return "variant() has the same config(), so the retest would compare a result with itself"
    return None


def maps(trial: Trial) -> str | None:
    """One map a query, in order, of the model's shape, finite, as a floating-point array on the host."""
    if trial.run([]) != []:
        return "no query must give no map"
    found = trial.run()
    if len(found) != len(trial.queries):
        return f"{len(trial.queries)} queries gave {len(found)} maps"
    shape = (trial.model.n_layers, trial.model.d_ff)
    for number, item in enumerate(found):
        if isinstance(item, Unscored):
            continue
        scores: Any = item.scores  # somebody else may have put anything there
        if not isinstance(scores, np.ndarray) or scores.dtype not in (np.float32, np.float64):
            return f"map {number} is {type(scores).__name__} {getattr(scores, 'dtype', '')}, not a numpy float array"
        if scores.shape != shape:
            return f"map {number} has shape {scores.shape}; the model has [layers, neurons] = {shape}"
        if not np.isfinite(scores).all():
            return f"map {number} has {int((~np.isfinite(scores)).sum())} scores that are not finite"
    return None


def deterministic(trial: Trial) -> str | None:
    """The same queries give the same scores, to the bit."""
    for number, (one, other) in enumerate(zip(trial.run(), trial.run(), strict=True)):
        if not np.array_equal(_scores(one), _scores(other)):
            return f"query {number} got other scores the second time: seed what is random by the query's `key`"
    return None


def batch_invariant(trial: Trial) -> str | None:
    """Neither the batch size nor the order of the queries changes a score, but for rounding."""
    expected = trial.run()
    ways = {
        "when it is asked for alone": [found for query in trial.queries for found in trial.run([query])],
        "in batches of one": trial.run(batch_size=1),
        "in batches of two": trial.run(batch_size=2),
        "in reverse order": trial.run(list(reversed(trial.queries)))[::-1],
    }
    for way, found in ways.items():
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            largest = float(np.abs(_scores(other)).max())
            if float(np.abs(_scores(one) - _scores(other)).max()) > ROUNDING * largest:
                return f"query {number} gets other scores {way}: a query's neurons must not depend on its company"
    return None


def leaves_the_model_alone(trial: Trial) -> str | None:
    """Weights, buffers, modules, hooks, modes and gradients are afterwards what they were, to the bit."""
    before = model_state(trial.model.model)
    trial.run()
    changed = before.differences(model_state(trial.model.model))
    return f"it leaves the model otherwise than it was: {'; '.join(changed[:5])}" if changed else None


def cleans_up_after_an_exception(trial: Trial) -> str | None:
    """Where the model breaks down in the middle, the error comes through and the model is what it was."""
    before = model_state(trial.model.model)
    for call in (1, 2, 3):
        with _breaking_down(trial.model.blocks[-1], call) as breakdown:
            try:
                trial.run()
            except _BreakdownError:
                breakdown.arrived = True
            except Exception as error:
                return f"an error inside the model comes out as {type(error).__name__}: {error}"
        if not breakdown.happened:  # it ran the model less often than that
            return None
        if not breakdown.arrived:
            return "an error inside the model is swallowed: it must come through, else maps are made of nothing"
        changed = before.differences(model_state(trial.model.model))
        if changed:
            return f"after an error inside the model: {'; '.join(changed[:5])}; undo in `finally` or a `with`"
    return None


def degenerate_maps(trial: Trial) -> str | None:
    """Where no neuron does anything, no score is nan, and none is made up where the method is a gradient."""
    with ExitStack() as stack:
        for projection in trial.model.output_projections:
            stack.enter_context(_silenced(projection))
        found = trial.run()
    for number, item in enumerate(found):
        if isinstance(item, Unscored):
            continue
        if not np.isfinite(item.scores).all():
            return f"query {number} has scores that are not finite where the neurons do nothing"
        gap = item.completeness_gap
        if gap is not None and not np.isfinite(gap):
            return f"query {number} has a completeness gap of {gap} where the neurons do nothing"
        kept = keep_largest(item.scores)
        if len(Selection().select(kept.neurons, kept.scores, kept.max_score)) > 0.5 * item.scores.size:
            return f"query {number} has most neurons for knowledge neurons where the neurons do nothing"
    return None


def completeness(trial: Trial) -> str | None:
    """Where a completeness gap is given it is a number from 0 on, and small for half of the queries."""
    found = [item for item in trial.run() if not isinstance(item, Unscored)]
    gaps = [item.completeness_gap for item in found if item.completeness_gap is not None]
    if not gaps:
        return None
    if not all(np.isfinite(gap) and gap >= 0 for gap in gaps):
        return f"completeness gaps must be 0 or above, got {min(gaps)}"
    middle = float(np.median(gaps))
    if middle > LARGEST_GAP:
        return f"the median completeness gap is {middle:.2f}; take a quadrature with more nodes, or None if undefined"
    return None


CHECKS: Final[Mapping[str, Callable[[Trial], str | None]]] = {
    check.__name__: check
    for check in (
        configuration,
        maps,
        deterministic,
        batch_invariant,
        leaves_the_model_alone,
        cleans_up_after_an_exception,
        degenerate_maps,
        completeness,
    )
}
"""Every check by name."""


def _scores(item: AttributionMap | Unscored) -> np.ndarray:
    """A query's scores; a single 0 where it got none, which equals no map."""
    return np.zeros(1) if isinstance(item, Unscored) else item.scores


class _BreakdownError(Exception):
    """Raised inside the model; says whether it was, and whether it came out.

    Attributes:
        happened: it was raised.
        arrived: whoever called the localizer got it.
    """

    happened = False
    arrived = False


@contextmanager
def _breaking_down(module: nn.Module, call: int) -> Generator[_BreakdownError]:
    """Lets a module fail at its `call`-th call; the hook itself is gone afterwards."""
    breakdown, calls = _BreakdownError(), 0

    def hook(*_args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            breakdown.happened = True
            raise breakdown

    handle = module.register_forward_hook(hook)
    try:
        yield breakdown
    finally:
        handle.remove()


@contextmanager
def _silenced(projection: nn.Module) -> Generator[None]:
    """Lets an output projection give zeros, whatever its input."""

    def hook(_module: nn.Module, _args: tuple[Any, ...], output: Tensor) -> Tensor:
        return output * 0

    handle = projection.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
