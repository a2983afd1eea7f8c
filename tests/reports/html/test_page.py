"""The page as text: what it holds, that it fetches nothing, and that data changes none of its elements."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.compare.side_by_side import compare_saved
from reports.html import page
from reports.html.comparison import comparison_page
from reports.html.decisions import decision_section
from reports.html.hints import Hints
from reports.html.markup import clean
from reports.html.verdicts import verdict_section
from tests.reports.html.made_run import HOSTILE, LONG_WORDS, made_run, with_edits_and_figures
from tests.reports.html.skeleton import read

RUN = made_run()


@pytest.fixture(scope="module")
def plain():
    return page(RUN)


def test_verdicts_come_first(plain):
    sections = re.findall(r"<section aria-labelledby=\"[a-z-]+\" id=\"([a-z]+)\"|<section id=\"([a-z]+)\"", plain)
    names = [first or second for first, second in sections]
    assert names[0] == "verdicts"
    assert names[-5:] == ["facts", "decisions", "provenance", "cite", "words"]


def test_says_what_was_found(plain):
    words = " ".join("".join(read(plain).words).split())
    assert (
        "This run supports this in 3 of 6 cells (share of facts 0.44) and leaves it open in 3 (share of facts 0.3)"
        in words
    )
    assert "For many facts, asking in other words finds other neurons." in words
    assert "pytest kntests" in words
    assert "@misc{chen2024" in words


def test_nothing_is_fetched(plain):
    reader = read(plain)
    tags = {tag for tag, _ in reader.elements}
    assert not tags & {"link", "iframe", "object", "embed", "base", "img", "audio", "video", "form action"}
    assert not any(name.startswith("src=") for _, names in reader.elements for name in names)
    policy = next(
        a for tag, names in reader.elements if tag == "meta" for a in names if a.startswith("content=default")
    )
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.split("style-src-attr")[0]
    style = re.search(r"<style>(.*?)</style>", plain, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_every_script_is_a_hashed_one(plain):
    scripts = re.findall(r'<script(?: type="module")?>(.*?)</script>', plain, re.DOTALL)
    assert len(scripts) == 2
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttpRequest"):
        assert not any(word in script for script in scripts)


def test_ids_are_unique_and_named_things_exist(plain):
    ids = re.findall(r' id="([^"]*)"', plain)
    assert len(ids) == len(set(ids))
    for name in re.findall(r' (?:popovertarget|aria-labelledby)="([^"]*)"', plain):
        assert name in ids
    for name in re.findall(r' href="#([^"]*)"', plain):
        assert name in ids


def test_smoke_runs_say_so_in_title_and_page():
    smoke = page(made_run(smoke="built-in model"))
    assert "<title>SMOKE RUN, not a result" in smoke
    assert "built-in model" in "".join(read(smoke).words)
    assert '<body class="smoke">' in smoke


def test_other_runs_do_not(plain):
    assert "<title>gpt2" in plain
    assert '<body class="smoke">' not in plain
    assert "not a result:" not in "".join(read(plain).words)


def test_the_same_run_is_the_same_page(plain):
    assert page(made_run()) == plain


@LONG_WORDS
def test_hostile_texts_change_no_element():
    safe, hostile = (
        read(page(made_run(word=word, smoke="limit", folder="a", localizers=("ig",)))) for word in ("-", HOSTILE)
    )
    assert hostile.elements == safe.elements
    assert hostile.drawn == safe.drawn
    assert clean(HOSTILE) in "".join(hostile.words)


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=[]), min_size=1))
@example("\ud800")
def test_any_text_in_a_row_changes_no_element(text):
    def elements(word):
        rows = made_run(n_facts=1, word=word).record.claims[-2:]
        return read(verdict_section(rows, Hints()) + decision_section(rows, Hints())).elements

    assert elements(text) == elements("-")


def test_tables_of_edits_and_all_figures_are_there():
    reader = read(page(with_edits_and_figures(RUN)))
    words = "".join(reader.words)
    for number in (1, 2, 3, 4):
        assert f"Table {number}: " in words
    for number in (1, 3, 4, 5, 6, 7, 8, 9, 10):
        assert f"Figure {number}: " in words
    assert reader.attributes.count("img") == sum(tag == "figure" for tag, _ in reader.elements) >= 9


def test_a_run_without_anything():
    record = replace(RUN.record, claims=(), manifest=replace(RUN.record.manifest, models={}, data={}, settings={}))
    words = "".join(read(page(replace(RUN, record=record, facts=RUN.facts.iloc[:0]))).words)
    assert "How to cite" in words


def test_a_page_is_made_without_torch():
    code = "import sys, reports.html; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_comparison_is_a_page_of_the_same_look(tmp_path):
    runs = [made_run(n_facts=60, smoke="limit", folder=str(tmp_path / name)) for name in ("0001_a", "0002_b")]
    text = comparison_page(compare_saved(runs, draws=100))
    found = read(text)
    assert "0002_b compared with 0001_a" in found.words
    assert {"Verdicts side by side", "What changed on the same facts", "How to cite"} <= set(found.words)
    assert found.words.count("Smoke run, not a result:") == 2
    assert {f"share of K_II, {threshold}" for threshold in ("static:0.1", "otsu")} <= set(found.words)


def test_data_never_becomes_markup_of_a_comparison():
    plain, hostile = (
        read(comparison_page(compare_saved([made_run(n_facts=9, word=word, folder=n) for n in ("1", "2")], draws=100)))
        for word in ("x", HOSTILE)
    )
    assert [name for name, _ in plain.elements] == [name for name, _ in hostile.elements]
