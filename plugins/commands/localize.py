"""`kntests localize`: fills the store with all that claims about a model will need, so that pytest only reads it."""

import argparse
import sys
from typing import Final

from plugins.backend import HarnessBackend
from plugins.options import add_like_pytest
from plugins.progress import Lines
from plugins.settings import read_arguments

_LIKE_PYTEST: Final = (
    "model",
    "data",
    "localizer",
    "relations",
    "limit",
    "quadrature",
    "answer",
    "dtype",
    "device",
    "device-map",
    "adapter",
    "batch-size",
    "engine",
    "ray-address",
    "ray-actors",
    "seed",
    "store",
    "offline",
    "trust-remote-code",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of pytest's options that say what is localized, and where."""
    add_like_pytest(parser, _LIKE_PYTEST)


def run(arguments: argparse.Namespace) -> int:
    """Localizes every model under every localizer, the retest's sample included; what the store has is not repeated.

    Raises:
        HarnessError: an option is out of its range, or data, model or store cannot be used; what is stored stays.
    """
    request = read_arguments(arguments, ())
    backend = HarnessBackend()
    models = [backend.model(name, request) for name in request.models]
    localizers = [backend.localizer(name, request) for name in request.localizers]
    workspace = backend.workspace(request, Lines(_StandardError()))
    for model in models:
        for localizer in localizers:
            gathered = workspace.cell(model, localizer).gather()
            queries = len(gathered.localized.plan.requests)
            retest = f"{len(gathered.sample):,} of them again in {len(gathered.forms)} forms"
            print(f"{model.name} {localizer.name}: {queries:,} queries, {retest}, are in {request.store}", flush=True)
        model.release()
        backend.free_memory()
    return 0


class _StandardError:
    """Keeps stdout for what was done."""

    def write_line(self, line: str) -> None:
        """Writes a line."""
        print(line, file=sys.stderr, flush=True)
