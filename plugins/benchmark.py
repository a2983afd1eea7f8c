"""One session of the benchmark: what is asked for, on which models, and how the run is saved in the end."""

import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import pytest

from harness.errors import ConfigError, HarnessError
from harness.execution.progress import Progress
from plugins.progress import make_progress
from plugins.run_log import RunLog, run_log
from plugins.settings import Request, read_request
from reports.load import load_run
from reports.tables import table1_document

if TYPE_CHECKING:  # These import torch or scipy, which only the benchmark itself should cost.
    from harness.claims import Claim, JointClaim, Procedure
    from harness.localizers import Localizer
    from harness.models.handle import ModelHandle
    from harness.pipeline import Workspace

ClaimT = TypeVar("ClaimT", bound="Claim | JointClaim")


class Backend(Protocol):
    """What the plugin needs of the harness; tests of the plugin put something cheap in its place."""

    @property
    def claims(self) -> "Mapping[str, Callable[..., Claim | JointClaim]]":
        """Every claim by name, built from a `procedure`."""
        ...

    def model(self, name: str, request: Request) -> "ModelHandle":
        """The model called `name`, not yet loaded."""
        ...

    def localizer(self, name: str, request: Request) -> "Localizer":
        """The localizer called `name`."""
        ...

    def procedure(self, request: Request) -> "Procedure":
        """What all claims of the session share."""
        ...

    def workspace(self, request: Request, progress: Progress) -> "Workspace":
        """What localizes, judges and saves."""
        ...

    def free_memory(self) -> None:
        """Called when a model was released or a failed test's traceback dropped."""
        ...


class Benchmark:
    """The session's models, localizers and workspace; a pytest plugin as soon as the benchmark is collected."""

    def __init__(self, config: pytest.Config, backend: Backend) -> None:
        """Reads and checks the options.

        Raises:
            HarnessError: an option is out of its range or names nothing that exists.
        """
        self.request = read_request(config, backend.claims)
        self.procedure = backend.procedure(self.request)
        for claim_type in backend.claims.values():
            self.build(claim_type)
        self.models = [backend.model(name, self.request) for name in self.request.models]
        for model, name in zip(self.models, _unique([model.name for model in self.models]), strict=True):
            model.name = name
        self.localizers = [backend.localizer(name, self.request) for name in self.request.localizers]
        _check_distinct([localizer.name for localizer in self.localizers])
        self.backend = backend
        self._config = config
        self._started = time.monotonic()
        self._workspace: Workspace | None = None

    @property
    def workspace(self) -> "Workspace":
        """What localizes and judges; made when the first claim asks for it."""
        if self._workspace is None:
            self._workspace = self.backend.workspace(self.request, make_progress(self._config))
        return self._workspace

    def build(self, claim_type: "Callable[..., ClaimT]", **choices: Any) -> "ClaimT":
        """A claim with this session's procedure and, if there is one for it, margin.

        Args:
            claim_type: makes the claim.
            choices: what the claim takes besides, such as the threshold.

        Raises:
            ConfigError: the claim refuses one of its settings.
        """
        claim = claim_type(procedure=self.procedure, **choices)
        margin = self.request.margins.get(claim.name)
        # A claim is a frozen dataclass, its own configuration; so `replace` checks the margin as the claim itself does.
        return claim if margin is None else cast("ClaimT", replace(cast(Any, claim), margin=margin))

    def pytest_runtest_logfinish(self) -> None:
        """Drops the traceback of a failed test: it would keep the test's model alive while the next is loaded."""
        kept = [name for name in ("last_type", "last_value", "last_traceback", "last_exc") if hasattr(sys, name)]
        if kept and not self._config.getoption("usepdb", default=False):
            for name in kept:
                delattr(sys, name)
            # Frames and exceptions refer to each other, so only the collector frees them.
            self.backend.free_memory()

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Says that nothing finished is lost."""
        if self._workspace is not None and excinfo.errisinstance(KeyboardInterrupt):
            run_log(self._config).notes.append(
                f"Interrupted. What was localized is kept in {self.request.store}; the same command resumes."
            )

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Saves the run: every claim row, and the table as Markdown."""
        log = run_log(self._config)
        if not log.rows or exitstatus == pytest.ExitCode.INTERRUPTED or hasattr(self._config, "workerinput"):
            return
        if self._workspace is None:
            log.notes.append("This run is not saved: its claims were judged in other processes (-n).")
            return
        try:
            self._save(log, self._workspace)
        except (HarnessError, OSError) as error:
            log.notes.append(f"This run could not be saved: {error}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _save(self, log: RunLog, workspace: "Workspace") -> None:
        arguments = [str(argument) for argument in self._config.invocation_params.args]
        log.folder = workspace.save_run(
            log.rows,
            name=self.request.save,
            command=shlex.join(["pytest", *arguments]),
            seconds=time.monotonic() - self._started,
        )
        record = load_run(log.folder)
        log.smoke = record.manifest.smoke
        (log.folder / "tables").mkdir(exist_ok=True)
        (log.folder / "tables" / "table1.md").write_text(table1_document(record), encoding="utf-8")


BENCHMARK = pytest.StashKey[Benchmark]()


def activate(config: pytest.Config, backend: Backend) -> None:
    """Makes this session one of the benchmark; called when the benchmark's own conftest is loaded.

    Raises:
        pytest.UsageError: an option is out of its range or names nothing that exists.
        pytest.Collector.CollectError: the same, if pytest came upon the benchmark only while collecting.
    """
    try:
        benchmark = Benchmark(config, backend)
    except HarnessError as error:
        # pytest shows the one without a traceback before it collects, and the other while it does.
        kind = pytest.Collector.CollectError if run_log(config).collecting else pytest.UsageError
        raise kind(str(error)) from None
    config.stash[BENCHMARK] = benchmark
    config.pluginmanager.register(benchmark, "kntests-benchmark")


def _unique(names: Iterable[str]) -> list[str]:
    """The names in order, a repeated one with a number: two folders of the same name are two models."""
    taken: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.append(candidate)
    return taken


def _check_distinct(names: list[str]) -> None:
    """Raises ConfigError if two localizers would share their results because they share a name."""
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"two of the localizers call themselves {name!r}; give your own another name",
                setting="localizer",
                value=name,
            )
