"""What a JUnit report says beside passed and failed: verdict, numbers, and whether the run is a result."""

from typing import Any

import pytest

from harness.records import ClaimRow

_NUMBERS = ("estimate", "ci_low", "ci_high", "margin", "p_value")


def junit_properties(row: ClaimRow) -> list[tuple[str, object]]:
    """Verdict, estimate, interval and margin of a row, as far as it has them."""
    texts = {"claim": row.claim, "verdict": row.verdict, "expected_verdict": row.expected}
    numbers = {name: getattr(row, name) for name in _NUMBERS}
    return [(name, value) for name, value in {**texts, **numbers}.items() if value is not None]


def note_smoke(config: pytest.Config, smoke: str | None) -> None:
    """Says in the JUnit file, if one is written, why the session is not a result."""
    if smoke is None:
        return
    for plugin in config.pluginmanager.get_plugins():
        # The writer of the file registers itself without a name; this is what it calls its way in.
        add: Any = getattr(plugin, "add_global_property", None)
        if add is not None:
            add("smoke_run_not_a_result", smoke)
