"""The manifest of a run: where its numbers come from."""

import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from harness.data.facts import Dataset
from harness.records import Manifest

_PACKAGES = ("kntests", "torch", "transformers", "tokenizers", "numpy", "scipy", "pandas", "pyarrow", "pytest")


class DescribesModel(Protocol):
    """What the manifest has to know of a model."""

    name: str
    builtin: bool

    def describe(self) -> dict[str, Any]:
        """Source, fingerprints, dtype, device."""
        ...


def make_manifest(
    *,
    settings: Any,
    models: Iterable[DescribesModel],
    datasets: Iterable[Dataset],
    command: str,
    seconds: float,
    read: Mapping[str, str] | None = None,
) -> Manifest:
    """Collects what has to be known to believe or repeat a run.

    `read` maps a setting that names a file to the fingerprint of what was read there, which stands beside it.
    """
    used = list(models)
    return Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        versions={"python": platform.python_version(), **_versions()},
        platform={"system": platform.platform(), "machine": platform.machine(), "byteorder": sys.byteorder},
        models={model.name: model.describe() for model in used},
        data={dataset.name: _describe(dataset) for dataset in datasets},
        settings={**plain(settings), **{f"{name}_fingerprint": content for name, content in (read or {}).items()}},
        smoke=_why_smoke(settings.limit, [model.name for model in used if model.builtin]),
        seconds=round(seconds, 3),
    )


def plain(value: object) -> Any:
    """Settings as builtins."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownVariableType]


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _describe(dataset: Dataset) -> dict[str, Any]:
    return {
        "fingerprint": dataset.fingerprint,
        "relations": len(dataset.relations),
        "facts": dataset.n_facts,
        "queries": dataset.n_queries,
        "patterns_read": dataset.n_patterns,
        "patterns_used": sum(len(relation.patterns) for relation in dataset.relations),
        "skipped": dict(dataset.skipped),
        "limit": dataset.limit,
    }


def _why_smoke(limit: int | None, builtin: list[str]) -> str | None:
    """Why a run is not a result that could be quoted."""
    reasons = [f"at most {limit} facts a relation"] if limit is not None else []
    if builtin:
        reasons.append(f"built-in model {', '.join(builtin)}")
    return "; ".join(reasons) or None
