"""A harness without models: verdicts come from the test that asks for them, and every load is written down."""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from harness.data.passages import check_text
from harness.errors import ConfigError, HarnessError, ModelError, near_matches
from harness.models.organisms.registry import PLANTED
from harness.records import ClaimRow, Manifest, RunRecord
from reports.run import FACT_COLUMNS

EVENTS = Path("events.txt")
MODELS = ("tiny-gpt2", "gpt2", "llama3", *PLANTED)


def tell(event: str) -> None:
    """Adds a line to the file of events."""
    with EVENTS.open("a") as stream:
        stream.write(event + "\n")


@dataclass
class FakeModel:
    name: str
    loaded: bool = False
    n_loads: int = 0

    @property
    def alias(self) -> str | None:
        return self.name if self.name in ("gpt2", "llama3") else None

    def load(self) -> None:
        if not self.loaded:
            tell(f"load {self.name}")
            self.n_loads += 1
        self.loaded = True

    def release(self) -> None:
        tell(f"release {self.name}")
        self.loaded = False


@dataclass(frozen=True)
class FakeLocalizer:
    name: str


@dataclass(frozen=True)
class FakeProcedure:
    draws: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class FakeClaim:
    """Decides what it is told to."""

    procedure: FakeProcedure
    threshold: object = None
    margin: float = 0.25
    name: str = "prevalence"
    verdict: str = "SUPPORTED"
    expected: str | None = None
    reason: str = "because the test says so"
    extras: dict[str, object] = field(default_factory=dict)
    error: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1:
            raise ConfigError(f"a share lies between 0 and 1, got {self.margin}", setting="margin", value=self.margin)

    @property
    def statement(self) -> str:
        return f"more than {self.margin:.0%} of facts are inconsistent"

    @property
    def marker(self) -> str:
        return "statistical"


@dataclass
class FakeWorkspace:
    request: object
    progress: object
    cells: set[tuple[str, str]] = field(default_factory=set)

    def judge(self, claim: FakeClaim, model: FakeModel, localizer: FakeLocalizer, threshold: str | None) -> ClaimRow:
        model.load()
        self.cells.add((model.name, localizer.name))
        if claim.error == "interrupt":
            raise KeyboardInterrupt
        if claim.error:
            raise HarnessError(claim.error)
        tell(f"judge {model.name} {localizer.name} {threshold}")
        return ClaimRow(
            claim=claim.name,
            statement=claim.statement,
            marker=claim.marker,
            model=model.name,
            localizer=localizer.name,
            threshold=threshold,
            verdict=claim.verdict,
            reason=claim.reason,
            expected=claim.expected,
            estimate=0.44,
            ci_low=0.4,
            ci_high=0.49,
            margin=claim.margin,
            extras={**claim.extras, "draws": claim.procedure.draws, "seed": claim.procedure.seed},
        )

    def preview(self, models: list[FakeModel], localizers: list[FakeLocalizer]) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                model=model.name,
                localizer=localizer.name,
                data="embedded",
                facts={"P36": 3, "P30": 1_000},
                queries=4_012,
                skipped={"P1": "no pattern ends in its answer"},
                unscored={"longer than the context": 2},
                rows=5_000,
                stored=4_000,
                estimate=SimpleNamespace(
                    seconds=None if localizer.name == "sig" else 3_725.0,
                    memory_bytes=None if localizer.name == "sig" else 3 << 29,
                    disk_bytes=1_000_000,
                ),
            )
            for model in models
            for localizer in localizers
        ]

    def save_run(self, rows: list[ClaimRow], *, cells: list, name: str | None, command: str, seconds: float) -> Path:
        folder = Path(self.request.store) / "runs" / f"0001_{name or 'now'}"
        folder.mkdir(parents=True)
        manifest = Manifest(
            created="2026-01-01T00:00:00+00:00",
            command=command,
            versions={},
            platform={},
            models={model.name: {"localizers": [one.name for m, one in cells if m is model]} for model, _ in cells},
            data={},
            settings={},
            smoke="at most 2 facts a relation" if self.request.limit else None,
            seconds=seconds,
        )
        if Path("edits.csv").exists():  # what a test wants to have been edited
            (folder / "edits.csv").write_text(Path("edits.csv").read_text())
        (folder / "run.json").write_text(RunRecord(manifest=manifest, claims=tuple(rows)).to_json())
        (folder / "facts.csv").write_text(",".join(FACT_COLUMNS) + "\n")
        return folder

    def compare_precision(self, folder: Path, cells: list) -> dict[str, int]:
        return {}


class FakeBackend:
    @property
    def claims(self) -> Mapping[str, Callable[..., FakeClaim]]:
        return {"prevalence": FakeClaim}

    def model(self, name: str, request: object) -> FakeModel:
        if "/" in name:
            return FakeModel(Path(name).name)
        if name not in MODELS:
            raise ModelError(f"no model {name!r}. {near_matches(name, MODELS)}", model=name)
        return FakeModel(name)

    def localizer(self, name: str, request: object) -> FakeLocalizer:
        known = ("ig", "sig")
        if name not in known and ":" not in name:
            raise ConfigError(f"no localizer {name!r}. {near_matches(name, known)}", setting="localizer", value=name)
        return FakeLocalizer(name.rpartition(":")[2])

    def editor(self, name: str) -> SimpleNamespace:
        known = ("kn-local", "kn-global", "kn-cas", "kn-cas-matched")
        if name not in known and ":" not in name:
            raise ConfigError(f"no editor {name!r}. {near_matches(name, known)}", setting="editor", value=name)
        return SimpleNamespace(name=name.rpartition(":")[2])

    def check_text(self, name: str, request: object) -> None:
        check_text(name, offline=request.offline)

    def procedure(self, request: object) -> FakeProcedure:
        return FakeProcedure(request.draws, request.seed)

    def workspace(self, request: object, progress: object) -> FakeWorkspace:
        tell(f"request {request}")
        return FakeWorkspace(request, progress)

    def free_memory(self) -> None:
        tell("free")
        gc.collect()
