"""A localizer of one's own that takes its time."""

import time
from collections.abc import Sequence
from typing import Any

from harness.attribution.quadrature import Quadrature
from harness.localizers import AttributionMap, make_localizer
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

_OF = make_localizer("ig", quadrature=Quadrature(rule="right", steps=3))


class Slow:
    """Integrated gradients with three steps, a quarter of a second a call."""

    name = "slow"

    def config(self) -> dict[str, Any]:
        return {**_OF.config(), "slow": True}

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> Sequence[AttributionMap]:
        time.sleep(0.25)
        return _OF.attribute(model, queries, batch_size=batch_size)
