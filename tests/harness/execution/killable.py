"""A localization that takes its time, in a process of its own, so that it can be killed in the middle."""

import time
from pathlib import Path

from harness.attribution.quadrature import Quadrature
from harness.data.folder import load_folder
from harness.execution import plan as plan_module
from harness.execution.engine import Job
from harness.execution.local import InProcess
from harness.execution.localizing import localize_missing
from harness.execution.plan import make_plan
from harness.localizers import make_localizer
from harness.models.handle import resolve_model
from harness.store.localizations import LocalizationStore


class Slow:
    """Waits after every shard."""

    def start(self, label: str, total: int, done: int) -> None:
        pass

    def advance(self, queries: int) -> None:
        time.sleep(0.5)

    def stop(self) -> None:
        pass

    def wait(self, label: str) -> None:
        pass


def main(folder: Path, model: str) -> None:
    """Localizes the data in `folder` into its store."""
    plan_module.SHARD_ROWS = 8
    handle = resolve_model(model)
    localizer = make_localizer("ig", quadrature=Quadrature(rule="right", steps=4))
    plan = make_plan(load_folder(folder).queries(), handle.tokenizer, context_length=64)
    store = LocalizationStore(folder / "store", {**handle.identity(), "config": localizer.config()})
    job = Job(handle=handle, localizer=localizer, batch_size=None)
    localize_missing(plan, job, store, Slow(), engine=InProcess(), label="test")
