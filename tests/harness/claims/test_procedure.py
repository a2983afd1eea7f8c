import pytest

from harness.claims import Procedure, keyed_generator
from harness.errors import ConfigError


def first(*key):
    return keyed_generator(*key).random()


def test_numbers_depend_on_seed_claim_and_purpose_alone():
    assert first(0, "prevalence", "floor") == first(0, "prevalence", "floor")
    others = [
        (1, "prevalence", "floor"),
        (0, "mapping", "floor"),
        (0, "prevalence", "subsets"),
        (0, "prevalenc", "efloor"),
    ]
    assert len({first(0, "prevalence", "floor"), *(first(*key) for key in others)}) == 5


def test_the_key_is_stable_over_processes_and_versions():
    # A stored run is reproduced only while this number stays.
    assert first(0, "prevalence", "floor") == EXPECTED


EXPECTED = 0.4026026044693728


@pytest.mark.parametrize(
    "setting",
    [
        {"ceiling_bound": 0.0},
        {"ceiling_bound": 1.5},
        {"draws": 10},
        {"permutations": 9},
        {"seed": -1},
        {"subset_size": 1},
        {"subset_limit": 0},
        {"minimum_relations": 1},
    ],
)
def test_settings_out_of_range_are_named(setting):
    with pytest.raises(ConfigError, match=next(iter(setting))):
        Procedure(**setting)
