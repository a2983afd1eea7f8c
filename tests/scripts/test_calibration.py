"""The command that calibrates rules and intervals: every draw once, whatever breaks off, and the page from results."""

import os
from collections import Counter
from pathlib import Path

import pytest

from scripts.calibration import results
from scripts.calibration.case import COVERS, key_of
from scripts.calibration.criterion import (
    Proportion,
    covers_too_often,
    covers_too_seldom,
    errs,
    is_blind,
    misses_too_often,
)
from scripts.calibration.intervals import INTERVALS
from scripts.calibration.page import Page, write_page
from scripts.calibration.results import CHUNK, Counted, all_cases, by_case, compute, read, run_task, tasks_of
from scripts.calibration.rules import RULES

SMALL = [
    key_of("shares", "share 0.5, correlation 0.2", 8, 10),
    key_of("trend", "slope 0.2", 8, 10),
    key_of("replication", "the printed share is off by 0", 8, 30),
]


def test_every_event_that_is_asked_for_is_counted_somewhere():
    cases = all_cases().values()
    for rule in RULES:
        for world in (*rule.wrong, *rule.right, *([rule.asked] if rule.asked else [])):
            assert any((case.topic, case.world) == (rule.topic, world) for case in cases), (rule.name, world)
    seen = Counter(
        event
        for case in cases
        if (case.relations, case.facts) in {(24, 20), (24, 30), (24, 700)} and case.topic != "localizations"
        for draw in range(3)
        for event in case.drawn(draw)
    )
    for rule in RULES:
        assert rule.topic == "localizations" or seen[rule.says], rule.name
    for interval in INTERVALS:
        assert interval.topic == "localizations" or seen[f"{interval.name} {COVERS}"], interval.name


def test_what_broke_off_goes_on_to_the_same_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "CHUNK", 4)
    tasks, whole, broken = tasks_of(SMALL, 10), tmp_path / "whole.jsonl", tmp_path / "folder" / "broken.jsonl"
    assert [task.draws for task in tasks[:: len(SMALL)]] == [4, 4, 2]
    compute(tasks, whole, processes=1)
    drawn: list[object] = []

    def interrupted(task: results.Task) -> Counter[str]:
        drawn.append(task)
        if len(drawn) == 5:
            raise KeyboardInterrupt
        return run_task(task)

    monkeypatch.setattr(results, "run_task", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute(tasks, broken, processes=1)
    broken.write_text(broken.read_text()[:-20])  # as if the machine had gone down in the middle of a line
    compute(tasks, broken, processes=1)
    assert len(drawn) == len(tasks) + 2
    assert read(broken) == read(whole)
    compute(tasks, broken, processes=1)
    assert len(drawn) == len(tasks) + 2
    assert {key: counted.draws for key, counted in by_case(read(broken)).items()} == dict.fromkeys(SMALL, 10)


def test_more_draws_take_the_place_of_fewer(tmp_path: Path):
    path, key = tmp_path / "results.jsonl", SMALL[0]
    compute(tasks_of([key], 2), path, processes=1)
    few = read(path)[key, 0].events
    compute(tasks_of([key], 5), path, processes=1)
    more = read(path)[key, 0]
    assert more.draws == 5
    assert few <= more.events
    compute(tasks_of([key], 3), path, processes=1)
    assert by_case(read(path))[key].draws == 5


def test_results_of_another_version_are_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "results.jsonl"
    compute(tasks_of(SMALL[:1], 1), path, processes=1)
    assert read(path)
    monkeypatch.setitem(results.VERSIONS, "another topic", -1)
    assert read(path)
    monkeypatch.setitem(results.VERSIONS, SMALL[0].split(" | ")[0], -1)
    assert not read(path)


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    )
    tasks = tasks_of(SMALL, 3)
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    compute(tasks, one, processes=1)
    compute(tasks, two, processes=2)
    assert one.read_bytes() == two.read_bytes()


def invented(hits: int, draws: int = 2000) -> dict[str, Counted]:
    """Results in which every rule and every interval has so many hits."""
    events = Counter({rule.says: hits for rule in RULES})
    for interval in INTERVALS:
        events[f"{interval.name} {COVERS}"] = hits
        events[f"{interval.name} lies below"] = draws - hits
    return {key: Counted(draws, events) for key in all_cases()}


def test_the_page_says_what_was_counted_and_comes_out_the_same_again(tmp_path: Path):
    counted = invented(1700)
    counted[key_of("trend", "slope 0", 36, 10)] = Counted(500, Counter({"trend SUPPORTED": 7}))
    counted = {key: found for key, found in counted.items() if key.startswith("trend")}
    first, second = tmp_path / "a" / "page.md", tmp_path / "b" / "page.md"
    for path in (first, second):
        path.parent.mkdir()
        write_page(path, counted)
    text = first.read_text()
    assert text == second.read_text()
    assert "| slope 0                                      " in text or "| slope 0 " in text
    assert "1.4" in text
    assert "500 to 2000" in text
    assert "{" not in text
    for name in ("power.svg", "coverage.svg"):
        assert f"page/{name}" in text
        assert (first.parent / "page" / name).read_bytes() == (second.parent / "page" / name).read_bytes()


def test_a_rule_that_errs_or_sees_too_little_is_rejected_on_the_page():
    often, rightly = Page(invented(1700)), Page(invented(1900))
    assert all(often.rejections(rule) for rule in RULES)
    assert "**rejected**" in often.text("page")
    assert "fails in" in often.text("page")
    assert "15.0" in often.text("page")
    assert "fails in" not in rightly.text("page")
    seldom = Page(invented(40))
    for rule in RULES:
        lines = seldom.rejections(rule)
        assert all(line.startswith("sees too little") for line in lines)
        assert bool(lines) == (rule.asked is not None)


def test_a_page_of_few_results_leaves_the_rest_open(tmp_path: Path):
    key = SMALL[1]
    compute(tasks_of([key], 3), tmp_path / "results.jsonl", processes=1)
    write_page(tmp_path / "page.md", by_case(read(tmp_path / "results.jsonl")))
    text = (tmp_path / "page.md").read_text()
    assert "1 of 40" in text.replace("  ", " ").replace("  ", " ")
    assert "–" in text


def test_bounds_are_those_of_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    for hits in (0, 3, 40):
        expected = proportion_confint(hits, 40, alpha=0.02, method="beta")
        assert Proportion(hits, 40).bounds == pytest.approx(expected)


def test_only_what_is_beyond_doubt_is_rejected():
    assert not errs(Proportion(100, 2000), 24)
    assert errs(Proportion(140, 2000), 24)
    assert not errs(Proportion(140, 2000), 12)
    assert not is_blind(Proportion(1780, 2000))
    assert is_blind(Proportion(1700, 2000))
    assert not covers_too_seldom(Proportion(1820, 2000))
    assert covers_too_seldom(Proportion(1780, 2000))
    assert covers_too_often(Proportion(1990, 2000))
    assert not covers_too_often(Proportion(1965, 2000))


def test_an_interval_that_is_seldom_made_is_judged_by_how_often_it_misses():
    """Half of 40 intervals miss: of 80 populations that is far too often, of 2,000 it is one in a hundred."""
    assert misses_too_often(Proportion(20, 40), 80, 12)
    assert not misses_too_often(Proportion(20, 40), 2000, 12)
    assert misses_too_often(Proportion(0, 300), 2000, 12)


def test_a_chunk_is_a_hundred_draws():
    assert CHUNK == 100
    assert [task.draws for task in tasks_of(SMALL[:1], 250)] == [100, 100, 50]
