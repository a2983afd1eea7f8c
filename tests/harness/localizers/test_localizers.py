import numpy as np
import pytest

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError
from harness.localizers import HasVariant, Localizer, make_localizer
from harness.localizers.integrated_gradients import IntegratedGradients
from tests.random_models import FAMILIES, random_model, random_queries

RIGHT = Quadrature(rule="right", steps=4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch_size", [1, 2, None])
def test_the_batch_size_changes_no_score(family: str, batch_size: int | None) -> None:
    model, queries = random_model(family), random_queries([4, 1, 7, 2, 2])
    localizer = IntegratedGradients(quadrature=RIGHT)
    expected = localizer.attribute(model, queries, batch_size=5)
    found = localizer.attribute(model, queries, batch_size=batch_size)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, rtol=0, atol=1e-12 * np.abs(other.scores).max())


def test_the_variant_is_the_same_integral_by_another_rule() -> None:
    localizer = make_localizer("ig", quadrature=Quadrature())
    assert isinstance(localizer, HasVariant)
    variant = localizer.variant()
    assert variant.config() != localizer.config()
    assert isinstance(variant, HasVariant)
    assert variant.variant() == localizer


def test_one_of_ones_own_is_found_by_module_and_attribute() -> None:
    found = make_localizer("tests.random_localizer:RandomNeurons", quadrature=RIGHT)
    assert isinstance(found, Localizer)
    assert found.name == "random"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("igg", "Did you mean ig"),
        ("nowhere:thing", "No module named 'nowhere'"),
        ("tests.random_localizer:Nothing", "has no attribute 'Nothing'"),
        ("collections:OrderedDict", r"OrderedDict has no name, config, attribute"),
    ],
)
def test_names_that_are_no_localizer(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_localizer(name, quadrature=RIGHT)
