"""Real third-party data and models that lie beside a checkout, where there are any."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


def needs_shared(*paths: str) -> pytest.MarkDecorator:
    """Skips a test where the data it needs are not beside the checkout."""
    missing = [path for path in paths if not (SHARED / path).exists()]
    return pytest.mark.skipif(bool(missing), reason=f"not beside this checkout: shared/{', shared/'.join(missing)}")
