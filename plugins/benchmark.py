"""One session of the benchmark: what is asked for, on which models, and how the run is saved in the end."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import pytest

from harness.errors import ConfigError, HarnessError
from harness.execution.progress import Progress
from plugins.interruption import Interruption, command_line
from plugins.junit import note_smoke
from plugins.progress import make_progress
from plugins.run_log import RunLog, attach_effort, run_log
from plugins.settings import Request, read_request
from plugins.step_summary import add_to_step_summary
from reports.load import load_run
from reports.precision import precision_lines
from reports.run import read_saved_run
from reports.writing import page, write_reports

if TYPE_CHECKING:  # These import torch or scipy, which only the benchmark itself should cost.
    from harness.claims import Claim, JointClaim, MeasuredClaim, Procedure
    from harness.editing import Editor
    from harness.localizers import Localizer
    from harness.models.handle import ModelHandle
    from harness.pipeline import Workspace

ClaimT = TypeVar("ClaimT", bound="Claim | JointClaim | MeasuredClaim")


class Backend(Protocol):
    """What the plugin needs of the harness; tests of the plugin put something cheap in its place."""

    @property
    def claims(self) -> "Mapping[str, Callable[..., Claim | JointClaim | MeasuredClaim]]":
        """Every claim by name, built from a `procedure`."""
        ...

    def model(self, name: str, request: Request) -> "ModelHandle":
        """The model called `name`, not yet loaded."""
        ...

    def localizer(self, name: str, request: Request) -> "Localizer":
        """The localizer called `name`."""
        ...

    def editor(self, name: str) -> "Editor":
        """The editor called `name`."""
        ...

    def check_text(self, name: str, request: Request) -> None:
        """Raises HarnessError if there is no text called `name` that perplexity could be measured on."""
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
        own = {claim.name: claim for claims in config.hook.pytest_kn_claims() for claim in claims}
        self.request = read_request(config, [*backend.claims, *own])
        self.procedure = backend.procedure(self.request)
        for claim in (*backend.claims.values(), *own.values()):
            self.build(claim)
        self.models = [backend.model(name, self.request) for name in self.request.models]
        for model, name in zip(self.models, _unique([model.name for model in self.models]), strict=True):
            model.name = name
        self.localizers = [backend.localizer(name, self.request) for name in self.request.localizers]
        _check_distinct([localizer.name for localizer in self.localizers], "localizer")
        _check_distinct([backend.editor(name).name for name in self.request.editors], "editor")
        backend.check_text(self.request.perplexity_text, self.request)
        self.backend = backend
        self._config = config
        self._started = time.monotonic()
        self._workspace: Workspace | None = None
        self._noted_cells: set[tuple[str, str]] = set()
        self._noted_loads: Counter[str] = Counter()

    @property
    def working(self) -> bool:
        """Whether anything may have been localized, here or in processes of xdist's."""
        return self._workspace is not None or self._config.pluginmanager.hasplugin("dsession")

    @property
    def workspace(self) -> "Workspace":
        """What localizes and judges; made when the first claim asks for it."""
        if self._workspace is None:
            self._workspace = self.backend.workspace(self.request, make_progress(self._config))
        return self._workspace

    def build(self, claim_type: "Callable[..., ClaimT] | ClaimT", **choices: Any) -> "ClaimT":
        """A claim with this session's procedure and, if there is one for it, margin.

        Args:
            claim_type: makes the claim; or is one already, then only the margin may change.
            choices: what the claim takes besides, such as the threshold.

        Raises:
            ConfigError: the claim refuses one of its settings.
        """
        claim = cast("ClaimT", claim_type(procedure=self.procedure, **choices) if callable(claim_type) else claim_type)
        margin = self.request.margins.get(claim.name)
        if margin is None:
            return claim
        if not is_dataclass(claim):
            raise ConfigError(
                f"the claim {claim.name!r} is no dataclass, so --margin cannot change it",
                setting="margin",
                value=margin,
            )
        # A claim is its own configuration; so `replace` checks the margin as the claim itself does.
        return cast("ClaimT", replace(cast(Any, claim), margin=margin))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Notes on the test's report what it localized and loaded: whoever saves the run may be another process."""
        try:
            return (yield)
        finally:
            cells = set(self._workspace.cells) if self._workspace is not None else set[tuple[str, str]]()
            loads = Counter({model.name: model.n_loads for model in self.models})
            if cells != self._noted_cells or loads != self._noted_loads:
                attach_effort(item, cells - self._noted_cells, loads - self._noted_loads)
                self._noted_cells, self._noted_loads = cells, loads

    def pytest_runtest_logfinish(self) -> None:
        """Drops the traceback of a failed test: it would keep the test's model alive while the next is loaded."""
        kept = [name for name in ("last_type", "last_value", "last_traceback", "last_exc") if hasattr(sys, name)]
        if kept and not self._config.getoption("usepdb", default=False):
            for name in kept:
                delattr(sys, name)
            # Frames and exceptions refer to each other, so only the collector frees them.
            self.backend.free_memory()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Saves the run with every claim row, then its report; before a JUnit file is written, which says of it too."""
        log = run_log(self._config)
        if not log.rows or exitstatus == pytest.ExitCode.INTERRUPTED or hasattr(self._config, "workerinput"):
            return
        for what, work in (("run could not be saved", self._save), ("run's report could not be written", self._report)):
            try:
                work(log)
            except (HarnessError, OSError) as error:
                log.notes.append(f"This {what}: {error}")
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
                break

    def _save(self, log: RunLog) -> None:
        cells = [(model, localizer) for model in self.models for localizer in self.localizers]
        cells = [(model, localizer) for model, localizer in cells if (model.name, localizer.name) in log.cells]
        log.folder = self.workspace.save_run(
            log.rows,
            cells=cells,
            name=self.request.save,
            command=command_line(self._config),
            seconds=time.monotonic() - self._started,
        )
        in_full = self.workspace.compare_precision(log.folder, cells)
        log.loads.update({f"{name} in float32": count for name, count in in_full.items() if count})
        record = load_run(log.folder)
        log.precision = precision_lines(record)
        log.smoke = record.manifest.smoke
        note_smoke(self._config, log.smoke)

    def _report(self, log: RunLog) -> None:
        assert log.folder is not None, "a run is saved before it is reported"
        run = read_saved_run(log.folder)
        write_reports(run, log.folder, self.request.report)
        add_to_step_summary(lambda: page(run), f"Too much for this page: {log.folder}")


BENCHMARK = pytest.StashKey[Benchmark]()


def activate(config: pytest.Config, backend: Backend) -> None:
    """Makes this session one of the benchmark; called when the benchmark's own conftest is loaded.

    Raises:
        pytest.UsageError: an option is out of its range or names nothing that exists.
        pytest.Collector.CollectError: the same, if pytest came upon the benchmark only while collecting.
    """
    try:
        benchmark = config.stash[BENCHMARK] = Benchmark(config, backend)
        if benchmark.request.compare is not None:
            config.pluginmanager.import_plugin("plugins.gating")
    except HarnessError as error:
        # pytest shows the one without a traceback before it collects, and the other while it does.
        kind = pytest.Collector.CollectError if run_log(config).collecting else pytest.UsageError
        raise kind(str(error)) from None
    config.pluginmanager.register(benchmark, "kntests-benchmark")
    interruption = Interruption(config, store=benchmark.request.store, working=lambda: benchmark.working)
    config.pluginmanager.register(interruption, "kntests-interruption")
    if benchmark.request.dry_run:
        config.pluginmanager.import_plugin("plugins.dry_run")
        config.option.dist, config.option.tx = "no", []  # -n would start processes for nothing
    elif any(config.pluginmanager.hasplugin(name) for name in ("xdist", "xdist.plugin")):
        config.pluginmanager.import_plugin("plugins.scheduling")


def _unique(names: Iterable[str]) -> list[str]:
    """The names in order, a repeated one with a number: two folders of the same name are two models."""
    taken: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.append(candidate)
    return taken


def _check_distinct(names: list[str], what: str) -> None:
    """Raises ConfigError if two localizers, or editors, would share their results because they share a name."""
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"two of the {what}s call themselves {name!r}; give your own another name",
                setting=what,
                value=name,
            )
