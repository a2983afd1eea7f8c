"""What may not be loaded where: shown in fresh processes."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "harness.claims",
        "harness.consistency",
        "harness.statistics",
        "harness.records",
        "harness.neurons",
        "harness.synapses",
        "harness.data.sources",
        "reports.load",
        "reports.claim_tables",
        "reports.run",
        "reports.document",
        "reports.paper_tables",
        "reports.sensitivity",
        "reports.figures.selection_curve",
        "plugins.options",
        "plugins.commands",
    ],
)
def test_records_and_claims_need_no_torch(module: str) -> None:
    script = f"import sys, {module}; print(sorted({{'torch', 'transformers'}} & set(sys.modules)))"
    assert _run(script) == "[]"


def test_options_need_the_standard_library_and_pytest_alone() -> None:
    script = """
import sys, pytest
before = set(sys.modules)
import plugins.options
print(sorted(m for m in set(sys.modules) - before if m.split('.')[0] not in sys.stdlib_module_names))
"""
    assert _run(script) == "['plugins', 'plugins.hooks', 'plugins.options']"


def _run(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
