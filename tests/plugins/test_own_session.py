"""This very session: shapes are checked, and warnings are errors."""

import warnings

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from harness.consistency import StaticThreshold


def test_wrong_shape_is_caught():
    with pytest.raises(TypeCheckError):
        StaticThreshold(0.1).cut(np.zeros((2, 2)))


def test_wrong_type_is_caught():
    with pytest.raises(TypeCheckError):
        StaticThreshold("0.1")


def test_warning_is_an_error():
    with pytest.raises(UserWarning, match="careful"):
        warnings.warn("careful", stacklevel=1)


@pytest.mark.filterwarnings("ignore:careful")
def test_filter_of_a_test_wins():
    warnings.warn("careful", stacklevel=1)
