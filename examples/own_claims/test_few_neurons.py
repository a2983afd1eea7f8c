"""The claim as a test: one a model and localizer."""

import pytest
from few_neurons import FewNeurons

from plugins.fixtures import Judge


@pytest.mark.statistical
def test_few_neurons(judge: Judge) -> None:
    """Few neurons keep what a query asks for."""
    judge(FewNeurons())
