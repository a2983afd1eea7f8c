"""A run of all of ParaRel's size: 25,000 facts under three localizers."""

import statistics
import time

import pytest

from reports.html import page
from tests.reports.html.made_run import made_run

pytestmark = pytest.mark.slow

N_FACTS = 25_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    run = made_run(n_facts=N_FACTS)
    start = time.perf_counter()
    text = page(run)
    seconds = time.perf_counter() - start
    file = tmp_path_factory.mktemp("large") / "report.html"
    file.write_text(text, encoding="utf-8")
    return run, file, seconds


def test_is_made_soon_and_stays_small(large):
    _, file, seconds = large
    assert seconds < 60
    assert file.stat().st_size < 15e6


def test_a_fact_is_asked_what_its_queries_were(large, chromium):
    run, file, _ = large
    chromium.open(file)
    assert "The neurons of single queries are left out" in chromium.one("#explorer .note").text
    chromium.one("#facts-table .open").click()
    chromium.wait("return document.querySelector('.queries details[open] tbody') !== null")
    fact = run.facts.iloc[0]
    rows = chromium.all(".queries details[open] tbody tr")
    assert len(rows) == fact["n_queries"]
    assert rows[0].find_element("css selector", "th").text == f"Of {fact['subject']}, pattern 0 asks for"
    assert "Most shared" in chromium.one(".queries details[open]").text
    assert chromium.complaints() == []


def test_search_answers_at_once(large, chromium):
    run, file, _ = large
    chromium.open(file)
    fact = run.facts.iloc[12_345]
    chromium.one("#facts-search").send_keys(fact["subject"])
    chromium.wait("return document.getElementById('facts-status').textContent.includes('1 of 25,000 facts')")
    assert chromium.column("#facts-table", 0) == [fact["subject"]]
    taken = chromium.run("return performance.getEntriesByName('search').map((entry) => entry.duration)")
    assert len(taken) == len(fact["subject"])
    assert statistics.median(taken) < 100  # a busy machine may take its time over a single letter
    assert chromium.complaints() == []
