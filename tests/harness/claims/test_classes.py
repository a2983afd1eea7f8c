import numpy as np

from harness.claims.classes import both_classes, cuts_with_both_classes, how_to_get_both


def by_counting(values, relation, cut):
    return all(side.sum() >= 20 and len(set(relation[side])) >= 5 for side in (values > cut, values <= cut))


def test_a_cut_is_good_where_counting_says_so():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        n = int(rng.integers(30, 80))
        relation = rng.integers(0, rng.integers(4, 9), n)
        values = np.round(rng.random(n) + 0.15 * relation, 1)
        for cut in np.unique(values):
            seen.add(answer := by_counting(values, relation, cut))
            assert both_classes(values, relation, float(cut)) == answer
    assert seen == {True, False}


def test_the_cut_that_is_proposed_gives_both_classes():
    rng = np.random.default_rng(0)
    values, relation = 0.3 + 0.4 * rng.random(100), np.arange(100) % 10
    text = how_to_get_both(values, relation, 0.1)
    assert "100 consistent facts (K_I) of 10 relations and 0 inconsistent" in text
    assert both_classes(values, relation, float(text.rsplit("static:", 1)[1].rstrip(".")))


def test_no_cut_helps_where_facts_or_relations_are_too_few():
    assert cuts_with_both_classes(np.arange(39.0), np.arange(39) % 10) is None
    assert cuts_with_both_classes(np.arange(90.0), np.arange(90) % 4) is None
    assert cuts_with_both_classes(np.zeros(90), np.arange(90) % 9) is None
    assert "No threshold gives them" in how_to_get_both(np.zeros(90), np.arange(90) % 9, 0.1)
