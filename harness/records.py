"""What is written down: claim rows, the manifest of a run and the run itself.

Records hold builtin types only (a numpy scalar would crash a distributed test session), never NaN (not scored is None,
with a reason), and are strict: a file with an unknown or missing key is refused, not half understood.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import UnionType
from typing import Any, Self, cast, get_args, get_origin, get_type_hints

from harness.errors import RecordError
from harness.json_text import NotJsonError, parse_json

SCHEMA_VERSION = 1


def check_builtin(value: object, where: str) -> None:
    """Raises RecordError unless `value` is JSON as it stands: builtins, finite numbers, keys that are texts."""
    if value is None or type(value) in (str, bool, int):
        return
    if type(value) is float:
        if not math.isfinite(value):
            raise RecordError(f"{where} is {value}; what has no value is None", field=where)
    elif type(value) in (list, tuple):
        for index, item in enumerate(cast(list[object], value)):
            check_builtin(item, f"{where}[{index}]")
    elif type(value) is dict:
        for key, item in cast(dict[object, object], value).items():
            if type(key) is not str:
                raise RecordError(f"{where} has the key {key!r}; keys are texts", field=where)
            check_builtin(item, f"{where}.{key}")
    else:
        raise RecordError(f"{where} is a {type(value).__name__}; records hold builtin types only", field=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """Reading and writing that all records share."""

    def __post_init__(self) -> None:
        """Checks that every field can be written down.

        Raises:
            RecordError: a field holds what JSON cannot say.
        """
        for item in fields(self):
            value = getattr(self, item.name)
            check_builtin(asdict(value) if isinstance(value, _Record) else _plain(value), item.name)

    def to_dict(self) -> dict[str, Any]:
        """Nested builtins."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Reads nested builtins back.

        Raises:
            RecordError: not a mapping, a key too many or too few, or a value of another type.
        """
        if not isinstance(data, Mapping):
            raise RecordError(f"{cls.__name__}: expected an object, got {type(data).__name__}", field=cls.__name__)
        given, known = cast(Mapping[str, Any], data), {item.name for item in fields(cls)}
        for name in sorted(known ^ set(given)):
            problem = "is missing" if name in known else f"is unknown to schema version {SCHEMA_VERSION}"
            raise RecordError(f"{cls.__name__}: the key {name!r} {problem}", field=name)
        for name, hint in get_type_hints(cls).items():
            if not _fits(given[name], hint):
                raise RecordError(f"{cls.__name__}: {name!r} should be {hint}, got {given[name]!r:.60}", field=name)
        return cls(**given)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of the annotated type; whole numbers are numbers, and a list may stand for a tuple."""
    if hint is Any:
        return True
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind is UnionType:
        return any(_fits(value, one) for one in inner)
    if kind is dict:
        return isinstance(value, dict) and all(
            _fits(k, inner[0]) and _fits(v, inner[1]) for k, v in cast(dict[object, object], value).items()
        )
    if kind is tuple:
        return isinstance(value, list | tuple) and all(_fits(v, inner[0]) for v in cast(list[object], value))
    if kind is float:
        return type(value) in (int, float)
    return value is None if kind is type(None) else type(value) is kind


def _plain(value: object) -> object:
    """Nested records as dictionaries, so that they can be checked."""
    if isinstance(value, tuple):
        items = cast(tuple[object, ...], value)
        return [asdict(item) if isinstance(item, _Record) else item for item in items]
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow(_Record):
    """What one claim comes to on one model, localizer and threshold.

    Attributes:
        claim: name of the claim.
        statement: the claim as one sentence.
        marker: the pytest marker of its family.
        model: id of the model.
        localizer: id of the localizer.
        threshold: id of the threshold between K_I and K_II, such as `static:0.1`.
        verdict: SUPPORTED, REFUTED, INCONCLUSIVE, NOT_APPLICABLE or VOID.
        reason: why, in a sentence or two.
        expected: the verdict that a built-in model carries for this row, or None.
        estimate: the estimand's estimate.
        ci_low: lower end of the 95 % interval.
        ci_high: its upper end.
        margin: what the interval was held against.
        p_value: of the claim's test, if it has one.
        p_adjusted: the same adjusted for multiplicity, if it was.
        n_facts: facts that the estimate rests on.
        n_queries: queries that it rests on.
        n_relations: relations, the clusters of the interval.
        n_unscored: facts left out because they had no score.
        paper_value: what the paper printed for this model and data, if anything.
        extras: everything else worth knowing, by name.
    """

    claim: str
    statement: str
    marker: str
    model: str
    localizer: str
    threshold: str | None
    verdict: str
    reason: str
    expected: str | None = None
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    margin: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    n_facts: int = 0
    n_queries: int = 0
    n_relations: int = 0
    n_unscored: int = 0
    paper_value: float | None = None
    extras: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRow(_Record):
    """What a model and localizer come to where knowledge neurons are those above t times the largest score.

    Attributes:
        t: the fraction.
        mean_set_size: knowledge neurons of a query, on average.
        share_inconsistent: share of facts that are K_II; None if no fact has a score.
        ci_low: lower end of its 95 % interval.
        ci_high: upper end.
        cut: CS2 at or below which a fact is K_II.
        mean_cs2: mean CS2 of the facts.
        ceiling: mean CS2 of one query localized again and again.
        floor: mean CS2 after queries were exchanged between facts.
        n_facts: facts that the share rests on.
        n_relations: their relations.
        prevalence: verdict of that claim.
        prevalence_reason: why.
        separation: verdict of that claim.
        separation_reason: why.
    """

    t: float
    mean_set_size: float
    share_inconsistent: float | None
    ci_low: float | None
    ci_high: float | None
    cut: float | None
    mean_cs2: float | None
    ceiling: float | None
    floor: float | None
    n_facts: int
    n_relations: int
    prevalence: str
    prevalence_reason: str
    separation: str
    separation_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadratureRow(_Record):
    """What a sample of queries comes to under one quadrature.

    Attributes:
        quadrature: rule and steps.
        n_queries: queries of the sample.
        jaccard: mean Jaccard index of their knowledge neurons with the converged ones.
        identical: share of queries whose knowledge neurons are the converged ones.
        completeness_gap: median of what the quadrature leaves out, relative to the answer probability.
        n_facts: facts of the sample with four queries and a score.
        mean_cs2: their mean CS2.
        share_inconsistent: share of them that are K_II.
        seconds_a_query: of localizing; None where the store had all rows.
        relative_operations: operations, those of the session's quadrature being 1; None where the localizer does not
            tell.
    """

    quadrature: str
    n_queries: int
    jaccard: float | None
    identical: float | None
    completeness_gap: float | None
    n_facts: int
    mean_cs2: float | None
    share_inconsistent: float | None
    seconds_a_query: float | None
    relative_operations: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(_Record):
    """Where the numbers of a run come from.

    Attributes:
        created: UTC time, ISO 8601.
        command: the command line.
        versions: package -> version, Python's among them.
        platform: operating system, processor and accelerator.
        models: id -> source, revision, fingerprint, dtype, device, attention implementation.
        data: name, fingerprint, counts of facts, queries, relations and patterns, what was skipped and why, limit.
        settings: every option that changes a number.
        smoke: why this run is not a result (a limit, a built-in model), or None.
        seconds: wall-clock time of the session.
    """

    created: str
    command: str
    versions: dict[str, str]
    platform: dict[str, str]
    models: dict[str, dict[str, Any]]
    data: dict[str, Any]
    settings: dict[str, Any]
    smoke: str | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(_Record):
    """A run: its manifest and one row for every claim that was looked at."""

    manifest: Manifest
    claims: tuple[ClaimRow, ...]
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The text of `run.json`."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the text of `run.json`.

        Raises:
            RecordError: not JSON, another schema version, or a key too many or too few.
        """
        try:
            data = parse_json(text)
        except NotJsonError as error:
            raise RecordError(f"not a run record: {error}", field="run.json") from None
        if not isinstance(data, dict) or cast(dict[str, Any], data).get("schema_version") != SCHEMA_VERSION:
            raise RecordError(f"not a run record of schema version {SCHEMA_VERSION}", field="schema_version")
        known = cast(dict[str, Any], data)
        rows = known.pop("claims", [])
        if not isinstance(rows, list):
            raise RecordError("RunRecord: 'claims' should be a list", field="claims")
        claims = tuple(ClaimRow.from_dict(row) for row in cast(list[Any], rows))
        return cls.from_dict({**known, "manifest": Manifest.from_dict(known.pop("manifest", {})), "claims": claims})


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRecord(_Record):
    """How results of one model and localizer depend on settings that nobody can call right or wrong.

    Attributes:
        manifest: where the numbers come from.
        model: id of the model.
        localizer: id of the localizer.
        threshold: id of the threshold between K_I and K_II.
        margin: what the interval of the share of K_II is held against.
        selected: t of the session.
        selection: one row a fraction t, rising.
        converged: the quadrature that others are compared with.
        quadratures: one row a quadrature; empty where the localizer integrates nothing.
    """

    manifest: Manifest
    model: str
    localizer: str
    threshold: str
    margin: float
    selected: float
    selection: tuple[SelectionRow, ...]
    converged: str
    quadratures: tuple[QuadratureRow, ...]
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Everything as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
