"""The scatter of split halves: its dots are the facts, its numbers those of the facts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from reports.figures.split_halves import draw_split_halves
from reports.run import SavedRun
from tests.reports.html.made_run import made_run


def with_halves(run: SavedRun, *, noise: float = 0.3) -> SavedRun:
    """The run with halves that share the part of the fact; the first fact has none."""
    rng = np.random.default_rng(0)
    fact = rng.random(len(run.facts))
    halves = [np.clip((1 - noise) * fact + noise * rng.random(len(fact)), 0, 1) for _ in range(2)]
    facts = run.facts.assign(cs2_half_a=halves[0], cs2_half_b=halves[1])
    facts.loc[0, ["cs2_half_a", "cs2_half_b"]] = np.nan
    return replace(run, facts=facts)


def test_dots_are_the_facts_and_the_correlation_is_theirs():
    run = with_halves(made_run(n_facts=200, localizers=("ig", "sig")))
    (figure,) = draw_split_halves(run)
    of_cell = run.facts[run.facts["localizer"] == "ig"].dropna(subset=["cs2_half_a"])
    axis = figure.figure.axes[0]
    dots = pd.DataFrame(axis.collections[0].get_offsets(), columns=["cs2_half_a", "cs2_half_b"])
    pd.testing.assert_frame_equal(
        dots.sort_values("cs2_half_a", ignore_index=True),
        of_cell[["cs2_half_a", "cs2_half_b"]].sort_values("cs2_half_a", ignore_index=True),
    )
    r = scipy.stats.pearsonr(of_cell["cs2_half_a"], of_cell["cs2_half_b"]).statistic
    assert f"r {r:.2f} [" in axis.get_title("left")
    assert f"reliability {2 * r / (1 + r):.2f} [" in axis.get_title("left")
    assert f"199 facts of {of_cell['relation'].nunique()} relations" in figure.alt_text
    assert len(figure.data) == len(run.facts) - 1
    assert list(figure.data) == ["model", "localizer", "relation", "fact_uid", "cs2_half_a", "cs2_half_b"]


def test_very_many_facts_are_few_dots():
    (figure,) = draw_split_halves(with_halves(made_run(n_facts=3000, localizers=("ig",))))
    assert len(figure.data) == 2999
    assert len(figure.figure.axes[0].collections[0].get_offsets()) <= 21**2
    assert len(figure.svg) < 400_000


def test_few_relations_tell_no_interval():
    run = with_halves(made_run(n_facts=40, localizers=("ig",)))
    few = replace(run, facts=run.facts.assign(relation="P1"))
    (figure,) = draw_split_halves(few)
    assert "[" not in figure.figure.axes[0].get_title("left")


@pytest.mark.parametrize("halves", [None, np.nan])
def test_a_run_without_halves_has_no_scatter(halves):
    run = made_run(n_facts=5)
    if halves is not None:
        run = replace(run, facts=run.facts.assign(cs2_half_a=halves, cs2_half_b=halves))
    assert list(draw_split_halves(run)) == []


def test_halves_that_do_not_vary_say_so():
    run = made_run(n_facts=30, localizers=("ig",))
    (figure,) = draw_split_halves(replace(run, facts=run.facts.assign(cs2_half_a=0.5, cs2_half_b=0.5)))
    assert "a half does not vary" in figure.alt_text
