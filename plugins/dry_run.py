"""`--dry-run`: what the session would do, and about what it would cost, instead of doing it."""

from typing import TYPE_CHECKING

import pytest

from harness.errors import HarnessError
from plugins.benchmark import BENCHMARK
from plugins.progress import clock

if TYPE_CHECKING:  # It imports torch, which only the benchmark itself should cost.
    from harness.pipeline.preview import Preview


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Shows every cell of model and localizer, and runs no test."""
    if session.testsfailed:  # while collecting: pytest says so
        return None
    benchmark = session.config.stash[BENCHMARK]
    reporter: pytest.TerminalReporter | None = session.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None, "--dry-run needs a terminal to write to"
    try:
        previews = benchmark.workspace.preview(benchmark.models, benchmark.localizers)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from None
    reporter.section("dry run: nothing is localized")
    for preview in previews:
        for line in lines(preview):
            reporter.write_line(line)
    return True


def lines(preview: "Preview") -> list[str]:
    """One cell, as it is shown."""
    facts = sum(preview.facts.values())
    cost = preview.estimate
    seconds = "unknown: the localizer does not tell" if cost.seconds is None else f"about {clock(cost.seconds)}"
    memory = "unknown" if cost.memory_bytes is None else _size(cost.memory_bytes)
    return [
        f"{preview.model} {preview.localizer} on {preview.data}",
        f"  facts      {facts:,} of {len(preview.facts)} relations, {preview.queries:,} queries",
        "  relations  " + ", ".join(f"{name} {count}" for name, count in preview.facts.items()),
        *(f"  skipped    relation {name}: {reason}" for name, reason in preview.skipped.items()),
        *(f"  unscored   {count:,} queries: {reason}" for reason, count in preview.unscored.items()),
        f"  rows       {preview.rows:,} with those of the retest; {preview.stored:,} of them in the store",
        f"  time       {seconds}",
        f"  memory     {memory}",
        f"  disk       {_size(cost.disk_bytes)}",
        "",
    ]


def _size(count: float) -> str:
    """Bytes in the largest unit that leaves at least one."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}"
        count /= 1024
    return f"{count:,.1f} GiB"
