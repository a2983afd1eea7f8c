"""`kntests sensitivity`: how far results depend on the selection of neurons and on the quadrature."""

import argparse
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from harness.atomic import write_atomically
from harness.attribution.quadrature import Quadrature
from harness.claims import Prevalence, Separation
from harness.errors import ConfigError, StoreError
from harness.localizers import make_localizer
from harness.localizers.selection import Selection
from harness.pipeline.sensitivity import FRACTIONS, QUADRATURES, SAMPLE_QUERIES, measure_sensitivity
from harness.records import SensitivityRecord
from plugins.backend import HarnessBackend
from plugins.commands.notice import Notice
from plugins.options import add_like_pytest
from plugins.settings import Request, read_arguments, whole
from reports.figures.figure import save_figure
from reports.figures.selection_curve import draw_selection_curve
from reports.formats import csv, terminal
from reports.sensitivity import quadrature_note, quadrature_table, selection_note, selection_table, sensitivity_document

ClaimT = TypeVar("ClaimT", Prevalence, Separation)

_LIKE_PYTEST: Final = (
    "data",
    "relations",
    "limit",
    "facts",
    "quadrature",
    "dtype",
    "device",
    "device-map",
    "adapter",
    "batch-size",
    "seed",
    "draws",
    "store",
    "margin",
    "offline",
    "trust-remote-code",
)
_NONE: Final = "none"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is varied, and those of pytest's options that say what of."""
    for name, default, text in (
        ("model", "tiny-gpt2", "one model, as pytest's --model. Default: tiny-gpt2, a small built-in model."),
        ("localizer", "ig", "one localizer, as pytest's --localizer. Default: ig."),
        ("threshold", "static:0.1", "one threshold, static:X or otsu. Default: static:0.1."),
        ("fractions", ",".join(f"{t:g}" for t in FRACTIONS), "selection fractions t, separated by commas."),
        (
            "quadratures",
            ",".join(QUADRATURES),
            "quadratures that a sample of queries is localized again with, separated by commas; none for none.",
        ),
        ("sample", str(SAMPLE_QUERIES), f"queries of that sample. Default: {SAMPLE_QUERIES}."),
    ):
        parser.add_argument(f"--{name}", default=default, help=text)
    parser.add_argument("--out", metavar="DIR", help="folder of the results. Default: one in the store.")
    add_like_pytest(parser, _LIKE_PYTEST)


def run(arguments: argparse.Namespace) -> int:
    """Prints both tables, and writes them, their numbers and the curve.

    Raises:
        ConfigError: an option is out of its range.
        HarnessError: data, model or store cannot be used.
    """
    selections = [Selection(t=t) for t in _fractions(arguments.fractions)]
    quadratures = _quadratures(arguments.quadratures)
    queries = whole("sample", arguments.sample, 1)
    request = read_arguments(arguments, ["prevalence", "separation"])
    name, _ = _one(request.localizers, "localizer"), _one(request.thresholds, "threshold")
    backend = HarnessBackend()
    model = backend.model(_one(request.models, "model"), request)
    record = measure_sensitivity(
        backend.workspace(request, Notice()),
        model,
        backend.localizer(name, request),
        prevalence=_claim(Prevalence, "prevalence", request, backend),
        separation=_claim(Separation, "separation", request, backend),
        selections=selections,
        quadratures=quadratures,
        make=lambda quadrature: make_localizer(name, quadrature=quadrature),
        queries=queries,
        command=shlex.join(["kntests", *sys.argv[1:]]),
    )
    folder = Path(arguments.out).expanduser() if arguments.out else _folder(request.store, record)
    print(f"{record.model}, {record.localizer}, {record.threshold}. {selection_note(record)}\n")
    print(terminal.render_grid(selection_table(record.selection)) + "\n")
    print(quadrature_note(record) + "\n")
    if record.quadratures:
        print(terminal.render_grid(quadrature_table(record.quadratures)) + "\n")
    if record.manifest.smoke is not None:
        print(f"smoke run, not a result: {record.manifest.smoke}")
    _save(record, folder)
    print(f"saved in {folder}")
    return 0


def _claim(kind: Callable[..., ClaimT], name: str, request: Request, backend: HarnessBackend) -> ClaimT:
    """The claim as a run of the benchmark decides it."""
    margin: dict[str, Any] = {"margin": request.margins[name]} if name in request.margins else {}
    return kind(threshold=request.thresholds[0], procedure=backend.procedure(request), **margin)


def _one(values: tuple[Any, ...], name: str) -> Any:
    if len(values) != 1:
        raise ConfigError(f"this command takes one {name} at a time, got {len(values)}", setting=name, value=values)
    return values[0]


def _fractions(text: str) -> list[float]:
    """Numbers, each once."""
    try:
        fractions = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        fractions = []
    if not fractions:
        raise ConfigError(
            f"--fractions are numbers separated by commas, such as 0.1,0.2; got {text!r}",
            setting="fractions",
            value=text,
        )
    return list(dict.fromkeys(fractions))


def _quadratures(text: str) -> list[Quadrature]:
    if text.strip() == _NONE:
        return []
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ConfigError(
            f"--quadratures are rules such as right:20,midpoint:20, or {_NONE}; got {text!r}",
            setting="quadratures",
            value=text,
        )
    return [Quadrature.parse(part) for part in parts]


def _folder(store: Path, record: SensitivityRecord) -> Path:
    """A folder of its own for what was looked at; the same command writes the same folder."""
    name = "-".join((record.model, record.localizer, record.threshold))
    return store / "sensitivity" / re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")


def _save(record: SensitivityRecord, folder: Path) -> None:
    smoke = record.manifest.smoke
    files = {
        "sensitivity.json": record.to_json(),
        "sensitivity.md": sensitivity_document(record),
        "selection.csv": csv.render(selection_table(record.selection, smoke=smoke)),
    }
    if record.quadratures:
        files["quadratures.csv"] = csv.render(quadrature_table(record.quadratures, smoke=smoke))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_atomically(folder / name, text.encode())
        save_figure(draw_selection_curve(record), folder, "selection")
    except OSError as error:
        raise StoreError(f"the results cannot be written: {error.strerror}", path=folder) from error
