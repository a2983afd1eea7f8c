"""The share of K_II that the pipeline finds in a planted model against the one that was planted."""

from pathlib import Path

import pytest

from harness.attribution.quadrature import Quadrature
from harness.claims import Prevalence, Procedure
from harness.consistency import StaticThreshold
from harness.localizers import make_localizer
from harness.models.organisms.growing import grow
from harness.models.organisms.recipe import ARCHITECTURES, Recipe
from harness.pipeline import Settings, Workspace
from tests.planted import planted_handle

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    "pi", [0.0, pytest.param(0.2, marks=pytest.mark.slow), 0.5, pytest.param(0.8, marks=pytest.mark.slow), 1.0]
)
def test_the_share_of_inconsistent_facts_is_recovered(pi: float, architecture: str, tmp_path: Path) -> None:
    recipe = Recipe(name="share", relations=6, facts=6, paraphrases=4, subjects=8, inconsistent=pi, overlap=0.15)
    world = grow(recipe)
    if pi in (0.0, 1.0):
        assert world.inconsistent_share(0.99) == pi
    quadrature = Quadrature(rule="gauss-legendre", steps=6)
    workspace = Workspace(Settings(store=tmp_path, draws=100, quadrature=quadrature))
    claim = Prevalence(threshold=StaticThreshold(0.1), procedure=Procedure(draws=100))
    handle = planted_handle(recipe, architecture)
    row = workspace.judge(claim, handle, make_localizer("ig", quadrature=quadrature), "static:0.1")
    assert row.n_facts == 36
    assert row.estimate == pytest.approx(world.inconsistent_share(0.1), abs=0.03)
