"""A row of the user's own for a family that the project does not know, found as `package.module:attribute`."""

import importlib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, cast

from torch import nn

from harness.errors import ConfigError, near_matches
from harness.models.families import Family
from harness.models.families.family import check_fields


def load_adapter(spec: str) -> Family:
    """Imports an adapter: a `Family`, a mapping of its fields, or something that gives either when it is called.

    Raises:
        ConfigError: nothing has that name, or what has it describes no family.
    """
    module_name, colon, attribute = spec.partition(":")
    if not colon or not module_name or not attribute:
        raise _refusal(spec, "an adapter is written package.module:attribute")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise _refusal(spec, str(error)) from error
    if callable(found):
        try:
            found = found()
        except TypeError as error:
            raise _refusal(spec, f"it cannot be called without arguments ({error})") from error
    if isinstance(found, Family):
        return found
    if isinstance(found, Mapping):
        return _from_mapping(spec, cast(Mapping[str, Any], found))
    raise _refusal(spec, f"expected a Family, a mapping of its fields or a function giving one, got {found!r:.80}")


def describe(family: Family) -> dict[str, Any]:
    """A row as builtins, for store keys and records."""
    return {item.name: _plain(getattr(family, item.name)) for item in fields(family)}


def _from_mapping(spec: str, row: Mapping[str, Any]) -> Family:
    known = {item.name for item in fields(Family)}
    for name in row:
        if name not in known:
            raise _refusal(spec, f"a family has no field {name!r}. {near_matches(name, known)}")
    missing = [item.name for item in fields(Family) if item.default is MISSING and item.name not in row]
    if missing:
        raise _refusal(spec, f"a family needs {', '.join(missing)}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    check_fields(values)
    return Family(**values)


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in cast(tuple[object, ...], value)]
    return repr(value) if isinstance(value, nn.Module) else value


def _refusal(spec: str, why: str) -> ConfigError:
    return ConfigError(f"no adapter {spec!r}: {why}", setting="adapter", value=spec)
