"""What keeping everything costs: the share of a localization that is spent inside the store."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.conftest import Ledger
from benchmarks.set_up import gpt2_small
from harness.attribution.quadrature import Quadrature
from harness.localizers import make_localizer
from harness.models.handle import ModelHandle, resolve_model
from harness.pipeline.settings import Settings
from harness.pipeline.workspace import Workspace
from harness.store.shards import ShardFolder
from tests.shared_data import SHARED, needs_shared


class Clock:
    """Seconds inside the store: keys looked up, rows written with checksums and flushed to disk, and read again."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.inside = 0.0
        for name in ("__init__", "present", "write", "read"):
            patch.setattr(ShardFolder, name, self._timed(getattr(ShardFolder, name)))

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.inside += time.perf_counter() - started

        return timed


def share(model: ModelHandle, settings: Settings, patch: pytest.MonkeyPatch) -> tuple[float, float, int]:
    """Seconds inside the store, seconds in all without loading the model, and how many queries were localized."""
    cell = Workspace(settings).cell(model, make_localizer("ig", quadrature=Quadrature()))
    model.loaded()
    clock, started = Clock(patch), time.perf_counter()
    localized = cell.localized()
    return clock.inside, time.perf_counter() - started, len(localized.plan.requests)


def noted(ledger: Ledger, what: str, inside: float, whole: float, queries: int) -> None:
    ledger.notes.append(
        f"store, {what}: {1000 * inside:.0f} ms of {whole:.1f} s for {queries} queries: {100 * inside / whole:.2f} %"
    )


def test_embedded_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    model = resolve_model("tiny-gpt2", device="cpu")
    inside, whole, queries = share(model, Settings(store=tmp_path, limit=3, device="cpu"), monkeypatch)
    noted(ledger, "embedded model", inside, whole, queries)
    assert inside < 0.05 * whole


@needs_shared("data/pararel", "data/gpt2-tokenizer")
def test_gpt2_small_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    loaded = gpt2_small()
    loaded.model.save_pretrained(tmp_path / "model")
    loaded.tokenizer.save_pretrained(tmp_path / "model")
    model = resolve_model(str(tmp_path / "model"), device="cpu")
    data = str(SHARED / "data/pararel")
    settings = Settings(store=tmp_path / "store", data=data, relations=("P36",), limit=4, device="cpu")
    inside, whole, queries = share(model, settings, monkeypatch)
    noted(ledger, "shape of GPT-2 small", inside, whole, queries)
    assert inside < 0.01 * whole
