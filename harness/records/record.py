"""What all records share: they hold only what JSON can say, and are read back strictly."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import UnionType
from typing import Any, Final, Self, cast, get_args, get_origin, get_type_hints

from harness.errors import RecordError

SCHEMA_VERSION: Final = 1


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
class Record:
    """Reading and writing that all records share."""

    def __post_init__(self) -> None:
        """Checks that every field can be written down.

        Raises:
            RecordError: a field holds what JSON cannot say.
        """
        for item in fields(self):
            value = getattr(self, item.name)
            check_builtin(asdict(value) if isinstance(value, Record) else _plain(value), item.name)

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
        return [asdict(item) if isinstance(item, Record) else item for item in items]
    return value
