"""Collects what the benchmarks measured in one run and prints it as ratios: seconds differ between machines."""

from dataclasses import dataclass, field

import pytest
import torch

THREADS = 2


@dataclass
class Ledger:
    """Seconds a query by (prompts, method), and whatever else a benchmark wants in the table."""

    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


_LEDGER = pytest.StashKey[Ledger]()


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return request.config.stash[_LEDGER]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LEDGER] = Ledger()
    torch.set_num_threads(THREADS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[_LEDGER]
    if not found.seconds and not found.notes:
        return
    terminalreporter.section(f"seconds a query and times the naive method ({THREADS} threads)")
    for (prompts, method), seconds in found.seconds.items():
        naive = found.seconds.get((prompts, "naive"))
        ratio = f"{naive / seconds:6.1f} x" if naive else ""
        terminalreporter.write_line(f"{prompts:<22} {method:<20} {seconds:8.3f} s {ratio}")
    for note in found.notes:
        terminalreporter.write_line(note)
