"""Every claim that the benchmark tests has a sentence in plain words, whoever adds one."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib.resources import files
from pathlib import Path

import harness.claims
from harness.claims import ATTENTION_CLAIMS, EffectClaim, Prevalence
from harness.claims.edits import KINDS
from harness.claims.mapping import DIRECTIONS
from harness.consistency import StaticThreshold

REPOSITORY = Path(__file__).parents[3]
THRESHOLD = StaticThreshold(0.1)
VARIANTS = {"kind": KINDS, "direction": DIRECTIONS}


def members() -> Iterator[object]:
    """What the modules of claims define, but for what begins with an underscore."""
    for module in pkgutil.iter_modules(harness.claims.__path__, "harness.claims."):
        found = importlib.import_module(module.name)
        for name, value in vars(found).items():
            if not name.startswith("_") and getattr(value, "__module__", None) == module.name:
                yield value


def effect_claims() -> Iterator[EffectClaim]:
    """Claims about what was measured: those of the table, and those that a function makes, in all its variants."""
    yield from (make(threshold=THRESHOLD) for make in ATTENTION_CLAIMS.values())
    for value in members():
        if inspect.isfunction(value) and inspect.signature(value).return_annotation is EffectClaim:
            asked = [name for name in inspect.signature(value).parameters if name in VARIANTS]
            assert len(asked) == 1, f"{value.__name__} has variants that this test does not know"
            yield from (value(threshold=THRESHOLD, **{asked[0]: variant}) for variant in VARIANTS[asked[0]])


def other_claims() -> Iterator[tuple[str, str]]:
    """Name and marker of the claims that are a class of their own, in all its variants.

    A class without variants is called the same everywhere, whatever it is made with.
    """
    for value in members():
        if inspect.isclass(value) and is_dataclass(value) and isinstance(vars(value).get("name"), property):
            asked = [name for name in inspect.signature(value).parameters if name in VARIANTS]
            made = [value(threshold=THRESHOLD, **{name: one}) for name in asked for one in VARIANTS[name]] or [None]
            yield from ((vars(value)["name"].fget(one), vars(value)["marker"].fget(one)) for one in made)
    yield f"{Prevalence(threshold=THRESHOLD).name}_everywhere", "statistical"


def all_claims() -> dict[str, str]:
    return {**{claim.name: claim.marker for claim in effect_claims()}, **dict(other_claims())}


def test_every_claim_of_every_marker_has_its_words_and_no_other():
    words = json.loads(files("reports.html").joinpath("assets/claims.json").read_text(encoding="utf-8"))
    assert set(words) == set(all_claims())
    assert all(set(entry) == {"plain", "unit"} and all(entry.values()) for entry in words.values())
    assert len({entry["plain"] for entry in words.values()}) >= len(words) - 2


def test_all_claims_are_those_that_the_benchmark_tests():
    """What this file gathers is checked against the verdicts that built-in models carry, and the folders of tests."""
    tested = {folder.name for folder in (REPOSITORY / "kntests").iterdir() if any(folder.glob("test_*.py"))}
    assert set(all_claims().values()) == tested - {"controls"}
    carried = {
        row["claim"]
        for file in (REPOSITORY / "harness/models/builtin").glob("*/expected_verdicts.json")
        for row in json.loads(file.read_text(encoding="utf-8"))["verdicts"]
    }
    assert carried <= set(all_claims())
    assert set(all_claims()) - carried <= {"trend", "replication", "agreement", "prevalence_everywhere"}
