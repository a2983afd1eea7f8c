import pytest

from harness.errors import ConfigError
from harness.models.organisms.recipe import Planted, Recipe


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("seed", -1),
        ("relations", 0),
        ("facts", 0),
        ("paraphrases", 3),
        ("objects", 1),
        ("objects_a_relation", 0),
        ("layers", 0),
        ("distractors", -1),
        ("relation_neurons", 0),
        ("inconsistent", 1.01),
        ("inconsistent", float("nan")),
        ("overlap", -0.1),
        ("overlap_spread", -0.1),
        ("inconsistent_spread", float("inf")),
        ("sharing_relations", 2),
        ("noise", -1.0),
        ("noise", float("nan")),
        ("neurons", (0, 2)),
        ("neurons", (3, 2)),
        ("probability", (0.5, 0.8)),
        ("probability", (0.6, 0.95)),
        ("probability", (0.9, 0.6)),
        ("subjects", 19),
        ("objects", 5),
    ],
)
def test_a_parameter_out_of_its_range_is_named(setting: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{setting} of a planted world was set to") as caught:
        Recipe(name="bad", **{setting: value})  # type: ignore[arg-type]
    assert caught.value.setting == setting


def test_an_architecture_that_nothing_builds() -> None:
    with pytest.raises(ConfigError, match="Did you mean gpt2"):
        Planted(recipe=Recipe(name="small"), architecture="gpt")
