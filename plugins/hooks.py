"""Hooks that a conftest.py of one's own may implement."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # A session without the benchmark must not import scipy through us.
    from harness.claims import Claim


def pytest_kn_claims() -> "Iterable[Claim]":  # pyright: ignore[reportReturnType]
    """Claims of one's own, so that `--margin` knows their names before anything is computed."""
