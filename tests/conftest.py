"""What every test of the code itself gets: shapes checked at run time, warnings as errors, pytest run within pytest."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

import tests.shape_checks  # noqa: F401  (jaxtyping takes it by name)
from tests.shared_data import SHARED

# Before torch is imported, here and in the processes that tests start: models are tiny, and threads of several workers
# would wait for each other's cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Before anything that has arrays is imported: from here on every annotated shape and type in harness is checked.
install_import_hook("harness", "tests.shape_checks.check")

pytest_plugins = ["pytester"]

HERE = Path(__file__).parent


SLOW = "KNTESTS_SLOW"
"""Environment variable that is set where tests that take long are to run."""


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker of tests that take long."""
    config.addinivalue_line(
        "markers", f"slow: takes long, or starts whole sessions; runs where {SLOW}=1 (make test-slow)"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Makes every warning an error; a test that expects one carries its own filter, which wins. Skips slow tests."""
    skip = pytest.mark.skip(reason=f"slow; {SLOW}=1 runs it")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error"), append=False)
            if item.get_closest_marker("slow") and not os.environ.get(SLOW):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of third-party data; a test that uses it is marked `needs_shared`."""
    return SHARED
