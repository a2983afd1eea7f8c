"""Pairs, numbers, outcomes, and what may not be compared."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import ConfigError, StoreError
from reports.gate.differences import IMPROVEMENT, REGRESSION, WITHIN, compare_runs
from reports.gate.edited_run import load_edited_run
from reports.gate.limits import parse_limits
from tests.reports.gate.simulated import Population, save

POPULATION = Population(relations=12, facts=8)
FEW = {"draws": 500}


def compared(tmp_path, before, after, limits="", *, reference=None, new=None):
    first = save(tmp_path / "0001_first", before, **(reference or {}))
    second = save(tmp_path / "0002_second", after, **(new or {}))
    limits = parse_limits(limits) if limits else ()
    return compare_runs(load_edited_run(first), load_edited_run(second), limits, **FEW)


def one(comparison, metric, kind="erase"):
    (found,) = (d for d in comparison.differences if d.metric.name == metric and d.kind == kind)
    return found


def test_difference_is_the_mean_over_facts_paired_by_uid_whatever_their_order(tmp_path):
    before, after = POPULATION.edits(1), POPULATION.edits(2)
    found = compared(tmp_path, before, after.sample(frac=1, random_state=0))
    assert len(found.differences) == 10
    for kind in ("erase", "update"):
        for name, column in (("rel", "reliability"), ("loc", "locality"), ("ppl", "perplexity_change")):
            old = before[before.kind == kind].set_index("fact_uid")[column]
            new = after[after.kind == kind].set_index("fact_uid")[column]
            difference = one(found, name, kind)
            assert difference.estimate == pytest.approx(np.mean([new[uid] - old[uid] for uid in old.index]))
            assert (difference.reference, difference.new) == pytest.approx((old.mean(), new.mean()))
            assert difference.ci_low < difference.estimate < difference.ci_high
            assert (difference.n_facts, difference.n_relations, difference.outcome) == (96, 12, "")


def test_interval_is_the_bootstrap_over_relations_of_the_difference_itself(tmp_path):
    before, after = POPULATION.edits(1), POPULATION.edits(2)
    difference = one(compared(tmp_path, before, after), "ppl")
    old, new = (run.set_index(["kind", "fact_uid"]).perplexity_change["erase"] for run in (before, after))
    relation = before[before.kind == "erase"].set_index("fact_uid").relation
    means = (new - old).groupby(relation).mean()
    half = 2.2 * means.std() / np.sqrt(len(means))  # Student's, 11 degrees of freedom
    assert difference.ci_low == pytest.approx(means.mean() - half, abs=half / 2)
    assert difference.ci_high == pytest.approx(means.mean() + half, abs=half / 2)


def test_regression_improvement_and_neither(tmp_path):
    worse = POPULATION.edits(1, loss=0.3)
    limits = "gen:-0.02@p<0.05,loc:-0.02@p<0.05"
    found = compared(tmp_path / "a", POPULATION.edits(1), worse, limits)
    assert [(d.metric.name, d.kind) for d in found.regressions()] == [("gen", "erase"), ("gen", "update")]
    assert one(found, "gen").ci_high < -0.02
    assert one(found, "gen").confidence == pytest.approx(0.9)
    assert one(found, "loc").outcome == WITHIN
    assert one(found, "rel").outcome == ""
    back = compared(tmp_path / "b", worse, POPULATION.edits(1), limits)
    assert [(d.metric.name, d.kind) for d in back.improvements()] == [("gen", "erase"), ("gen", "update")]
    assert one(back, "gen").outcome == IMPROVEMENT
    assert back.regressions() == ()


def test_nothing_changed_is_within_every_limit(tmp_path):
    limits = "rel:-0@p<0.05,gen:-0@p<0.05,loc:-0@p<0.05,avg:-0@p<0.05,ppl:+0@p<0.05"
    found = compared(tmp_path, POPULATION.edits(1), POPULATION.edits(1), limits)
    assert {d.outcome for d in found.differences} == {WITHIN}
    assert {d.estimate for d in found.differences} == {0.0}


def test_perplexity_in_percent_is_the_ratio_of_perplexities(tmp_path):
    before, after = POPULATION.edits(1), POPULATION.edits(1)
    after["perplexity_change"] = 1.2 * (1 + before["perplexity_change"]) - 1  # every edited perplexity a fifth higher
    found = compared(tmp_path / "a", before, after, "ppl:+19%@p<0.05")
    assert one(found, "ppl").estimate == pytest.approx(0.2)
    assert one(found, "ppl").outcome == REGRESSION
    assert one(compared(tmp_path / "b", before, after, "ppl:+21%"), "ppl").outcome == WITHIN


def test_percent_of_another_metric_is_of_the_references_mean(tmp_path):
    before, after = POPULATION.edits(1), POPULATION.edits(1)
    after["locality"] = before["locality"] * 0.9
    assert one(compared(tmp_path / "a", before, after, "loc:-9%"), "loc").outcome == REGRESSION
    assert one(compared(tmp_path / "b", before, after, "loc:-11%"), "loc").outcome == WITHIN


def test_perplexity_that_is_no_number_any_more_is_a_regression(tmp_path):
    after = POPULATION.edits(1)
    after.loc[after.fact_uid == "f3", "perplexity_change"] = np.nan
    found = compared(tmp_path, POPULATION.edits(1), after, "ppl:+5%@p<0.05")
    assert one(found, "ppl").outcome == REGRESSION
    assert one(found, "ppl").n_lost == 1


def test_editors_pair_by_name_and_single_ones_whatever_their_names(tmp_path):
    old, new = POPULATION.edits(1, editor="old"), POPULATION.edits(2, editor="new")
    found = compared(tmp_path / "a", old, new)
    assert {d.editor for d in found.differences} == {"old -> new"}
    both = pd.concat([old, POPULATION.edits(1, editor="shared")])
    found = compared(tmp_path / "b", both, pd.concat([new, POPULATION.edits(2, editor="shared")]))
    assert {d.editor for d in found.differences} == {"shared"}
    assert found.notes == ("Not compared: old is in the reference alone; new is in the new run alone.",)
    with pytest.raises(ConfigError, match="no editor is in both runs"):
        compared(tmp_path / "c", both, pd.concat([new, POPULATION.edits(2, editor="another")]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": {"weights": "w2"}}, "model gpt2.weights is 'w1' in the reference and 'w2' in the new run"),
        ({"data": {"fingerprint": "f2"}}, "data facts.fingerprint is 'f1' in the reference and 'f2' in the new run"),
        ({"limit": 5}, "setting limit is None in the reference and 5 in the new run"),
        (
            {"quadrature": {"rule": "left"}},
            "setting quadrature.rule is 'right' in the reference and 'left' in the new run",
        ),
        ({"t": 0.3}, "setting t is in the new run alone"),
    ],
)
def test_runs_that_differ_in_more_than_the_editor_are_refused(tmp_path, change, told):
    with pytest.raises(ConfigError) as caught:
        compared(tmp_path, POPULATION.edits(1), POPULATION.edits(1), new=change)
    assert told in str(caught.value)


def test_what_changes_no_number_and_the_seed_may_differ(tmp_path):
    change = {"store": "b", "seed": 1, "model": {"device": "cuda:0"}, "editors": ["other"]}
    found = compared(tmp_path, POPULATION.edits(1), POPULATION.edits(2), new=change)
    assert found.notes == ("Queries were drawn by seed 0 and by seed 1, which widens intervals.",)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("a.txt", "1"), ("b/a.txt", "1"), None),
        (("a.txt", "1"), ("b.txt", "2"), "of the text 'a.txt' in the reference and of 'b.txt' in the new run$"),
        (("a.txt", "1"), ("a.txt", "2"), "'a.txt' in the new run, which holds other passages now$"),
        (("a.txt",), ("a.txt", "1"), None),
        (("a.txt",), ("b.txt", "1"), "perplexity is of the text 'a.txt' in the reference"),
    ],
)
def test_the_text_is_compared_by_content(tmp_path, before, after, told):
    """A run that was saved before content was recorded is compared by name."""
    names = ("perplexity_text", "perplexity_text_fingerprint")
    one, other = (dict(zip(names, text, strict=False)) for text in (before, after))
    edits = POPULATION.edits(1)
    if told is None:
        assert compared(tmp_path, edits, edits, reference=one, new=other).differences
    else:
        with pytest.raises(ConfigError, match=told):
            compared(tmp_path, edits, edits, reference=one, new=other)


def test_other_facts_are_refused(tmp_path):
    edits = POPULATION.edits(1)
    with pytest.raises(ConfigError, match=r"mine: .*2 only in the reference \(.*'f7'"):
        compared(tmp_path, edits, edits[edits.fact_uid != "f7"])


def test_too_few_relations_for_a_p(tmp_path):
    few = Population(relations=7, facts=8)
    with pytest.raises(ConfigError, match=r"gen:-0.02@p<0.05 needs 8 relations .* has facts of 7"):
        compared(tmp_path / "a", few.edits(1), few.edits(2), "gen:-0.02@p<0.05")
    assert compared(tmp_path / "b", few.edits(1), few.edits(2, loss=0.3), "gen:-0.02").regressions()


def test_run_without_edits(tmp_path):
    folder = save(tmp_path / "0001_x", POPULATION.edits(1))
    (folder / "edits.csv").unlink()
    with pytest.raises(StoreError, match="edited nothing"):
        load_edited_run(folder)
    (folder / "edits.csv").write_text("model,localizer\n")
    with pytest.raises(StoreError, match=r"these are no edits: editor, kind, fact_uid"):
        load_edited_run(folder)
