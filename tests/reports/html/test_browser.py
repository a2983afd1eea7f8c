"""The page in a real browser: what a reader clicks, types and sees."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.html import page
from tests.reports.html.made_run import D_FF, HOSTILE, LONG_WORDS, made_run

pytest.importorskip("selenium", reason="pip install selenium, to look at pages in a browser")

from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

RUN = made_run(n_facts=240)
CELLS = "#claim-prevalence table"


@pytest.fixture
def browser(chromium, report: Path) -> Iterator:
    """The report, freshly opened; whatever a test does, nothing is fetched and nothing complains."""
    chromium.open(report)
    yield chromium
    assert chromium.complaints() == []
    assert [asked for asked in chromium.requests() if not asked.startswith(("blob:", "data:"))] == []


def told(browser, text: str) -> bool:
    """Waits until the line about facts says something."""
    browser.wait(f"return document.getElementById('facts-status').textContent.includes({text!r})")
    return True


def test_sorts_by_numbers_both_ways(browser):
    button = browser.all(f"{CELLS} thead .sort")[4]
    head = browser.all(f"{CELLS} thead th")[4]
    button.click()
    assert browser.column(CELLS, 4) == ["0.3"] * 3 + ["0.44"] * 3
    assert head.get_attribute("aria-sort") == "ascending"
    button.click()
    assert browser.column(CELLS, 4) == ["0.44"] * 3 + ["0.3"] * 3
    assert head.get_attribute("aria-sort") == "descending"
    browser.all(f"{CELLS} thead .sort")[1].click()
    assert head.get_attribute("aria-sort") is None
    assert browser.column(CELLS, 1) == ["amig"] * 2 + ["ig"] * 2 + ["sig"] * 2


def test_filters_rows_and_says_how_many(browser):
    card = browser.one("#claim-prevalence")
    card.find_element("css selector", "input").send_keys("SIG otsu")
    assert browser.column(CELLS, 1) == ["sig"]
    browser.wait("return document.querySelector('#claim-prevalence [role=status]').textContent === '1 of 6 rows'")


def test_tables_that_are_folded_away_sort_when_they_are_opened(browser):
    browser.one(".decision summary").click()
    browser.wait("return document.querySelector('.decision[open] .sort') !== null")
    table = ".decision[open] [data-label='by relation'] table"
    browser.all(f"{table} .sort")[1].click()
    browser.all(f"{table} .sort")[1].click()
    assert browser.column(table, 0)[:3] == ["P35", "P34", "P33"]


def test_choices_of_a_column(browser):
    labels = {label.text.split("\n")[0]: label for label in browser.all("#claim-prevalence .controls label")}
    Select(labels["verdict"].find_element("css selector", "select")).select_by_value("INCONCLUSIVE")
    assert browser.column(CELLS, 2) == ["otsu"] * 3


def test_finds_a_fact_and_shows_it_under_every_localizer(browser):
    fact = RUN.facts.iloc[17]
    browser.one("#facts-search").send_keys(fact["subject"].lower())
    told(browser, "1 of 240 facts, 1 shown")
    assert browser.column("#facts-table", 0) == [fact["subject"]]
    browser.one("#facts-table .open").click()
    shown = browser.one("#facts-table .detail").text
    assert fact["fact_uid"] in shown
    rows = browser.all("#facts-table .detail .scores tbody tr")
    scored = RUN.facts[RUN.facts["fact_uid"] == fact["fact_uid"]]
    for row, (_, of_cell) in zip(rows, scored.iterrows(), strict=True):
        texts = [cell.text for cell in row.find_elements("css selector", "th, td")]
        assert texts[0] == f"gpt2 · {of_cell['localizer']}"
        assert texts[1] == str(of_cell["n_queries"])
        assert texts[5:7] == [f"{of_cell[name]:.3f}" for name in ("cs1", "cs2")]
        letters = ["K_I" if of_cell["cs2"] > cut else "K_II" for cut in (0.1, 0.45)]
        assert texts[7].split() == [letters[0], "static:0.1", letters[1], "otsu"]


def test_shows_prompts_and_neurons_of_every_query(browser):
    Select(browser.one("#facts-cell")).select_by_visible_text("gpt2 · sig")
    fact = RUN.facts[RUN.facts["localizer"] == "sig"].iloc[5]
    browser.one("#facts-search").send_keys(fact["fact_uid"])
    told(browser, "1 of 240 facts")
    browser.one("#facts-table .open").click()
    browser.wait("return document.querySelector('.queries details[open] tbody') !== null")
    assert [box.text.splitlines()[0] for box in browser.all(".queries summary")] == [
        f"Queries under gpt2 · {localizer}" for localizer in ("ig", "sig", "amig")
    ]
    saved = RUN.queries.table
    of_fact = ((saved["localizer"] == "sig") & (saved["fact_uid"] == fact["fact_uid"])).to_numpy().nonzero()[0]
    sets = RUN.queries.sets.take(of_fact)
    script = (
        "return [...arguments[0].rows].map((row) => [...row.cells].map((cell) => [cell.innerText, cell.innerHTML]))"
    )
    rows = browser.run(script, browser.one(".queries details[open] tbody"))
    assert len(rows) == fact["n_queries"]
    for place, (row, query) in enumerate(zip(rows, of_fact, strict=True)):
        prompt, known, n, neurons = (text for text, _ in row)
        assert prompt == saved["frame"][query].replace("[X]", fact["subject"])
        assert known == ("yes" if saved["known"][query] else "no")
        ids = sets.neurons[sets.offsets[place] : sets.offsets[place + 1]].tolist()
        names = [f"{flat // D_FF}:{flat % D_FF}" for flat in ids]
        assert (int(n), neurons.split()) == (len(ids), names)
        assert row[3][1].startswith(f"<b>{names[0]}</b>")  # all queries of the fact have it
    assert f"({fact['n_queries']})" in browser.one(".queries details[open] > p").text
    assert browser.one(".queries > .note code").text == (
        f"kntests show {fact['fact_uid']} --model=gpt2 --localizer=sig --all-neurons"
    )


@pytest.mark.parametrize("typed", ["zeka", "ZÉKA"])
def test_search_knows_no_case_and_no_accents(browser, typed):
    browser.one("#facts-search").send_keys(typed)
    found = RUN.facts[RUN.facts["localizer"] == "ig"]
    texts = found["subject"] + "\n" + found["relation"] + "\n" + found["object"]
    expected = texts.str.lower().str.replace("é", "e").str.contains("zeka").sum()
    assert expected > 0
    told(browser, f"{expected} of 240 facts")


def test_search_by_uid_and_by_several_words(browser):
    fact = RUN.facts.iloc[3]
    search = browser.one("#facts-search")
    search.send_keys(fact["fact_uid"])
    told(browser, "1 of 240 facts")
    search.clear()
    search.send_keys(f"{fact['object']} {fact['relation']} {fact['subject']}")
    told(browser, "1 of 240 facts")
    assert browser.column("#facts-table", 0) == [fact["subject"]]
    search.send_keys(" nowhere")
    told(browser, "0 of 240 facts, 0 shown")


def test_facts_sort_by_score_with_missing_ones_last(browser):
    browser.one("#facts-table [data-column=cs2] .sort").click()
    while browser.one("#facts-more").is_displayed():
        browser.one("#facts-more").click()
    shown = browser.column("#facts-table", 6)
    of_cell = RUN.facts[RUN.facts["localizer"] == "ig"]["cs2"]
    assert shown == [f"{value:.3f}" for value in sorted(of_cell.dropna().round(4))] + ["–"] * int(of_cell.isna().sum())
    assert "–" in shown


def test_facts_are_chosen_by_cell_relation_and_class(browser):
    Select(browser.one("#facts-cell")).select_by_visible_text("gpt2 · amig")
    Select(browser.one("#facts-relation")).select_by_visible_text("P7")
    Select(browser.one("#facts-class")).select_by_visible_text("K_II: CS2 ≤ 0.45 (otsu)")
    facts = RUN.facts[(RUN.facts["localizer"] == "amig") & (RUN.facts["relation"] == "P7")]
    expected = facts[facts["cs2"] <= 0.45]
    assert 0 < len(expected) < len(facts)
    told(browser, f"{len(expected)} of 240 facts")
    assert browser.column("#facts-table", 0) == list(expected["subject"])


def test_rows_are_made_as_they_are_asked_for(browser):
    assert len(browser.column("#facts-table", 0)) == 50
    browser.one("#facts-more").click()
    assert len(browser.column("#facts-table", 0)) == 100
    told(browser, "240 of 240 facts, 100 shown")
    # Whoever uses the keyboard goes on at the first new row.
    assert browser.run("return document.activeElement.closest('tr').rowIndex") == 51


def test_dark_and_light(browser):
    brightness = "return getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)[0]"
    assert browser.run(brightness) > 200
    browser.look(prefers_color_scheme="dark")
    assert browser.run(brightness) < 50
    switch = browser.one("#theme")
    switch.click()
    assert switch.text == "Theme: dark"
    switch.click()
    assert switch.text == "Theme: light"
    assert browser.run(brightness) > 200
    browser.driver.refresh()
    assert browser.one("#theme").text == "Theme: light"
    browser.one("#theme").click()
    assert browser.one("#theme").text == "Theme: auto"


def test_a_phone_never_scrolls_sideways(browser):
    browser.look(width=360, height=740)
    browser.run("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    browser.all("#facts-table .open")[0].click()
    browser.wait("return document.querySelector('.queries tbody') !== null")
    assert browser.run("return document.documentElement.scrollWidth") == 360
    assert browser.run("scrollTo(500, 0); return scrollX") == 0


def test_by_keyboard_alone(browser):
    browser.press(Keys.TAB)
    assert browser.run("return document.activeElement.textContent") == "Skip to the verdicts"
    assert browser.run("return document.activeElement.getBoundingClientRect().left") >= 0
    browser.press(Keys.ENTER)
    assert browser.run("return location.hash") == "#verdicts"
    browser.run("document.querySelector(`${arguments[0]} .sort`).focus()", CELLS)
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press(Keys.ENTER)
    assert browser.one(f"{CELLS} th").get_attribute("aria-sort") == "ascending"
    browser.press(Keys.TAB)
    browser.press(Keys.ENTER)
    opened = "return document.querySelectorAll(':popover-open').length"
    assert browser.run(opened) == 1
    browser.press(Keys.ESCAPE)
    assert browser.run(opened) == 0
    browser.run("document.querySelector('#facts-table .open').focus()")
    browser.press(Keys.SPACE)
    assert browser.run("return document.activeElement.getAttribute('aria-expanded')") == "true"
    assert len(browser.all("#facts-table .detail")) == 1
    browser.press(Keys.SPACE)
    assert len(browser.all("#facts-table .detail")) == 0


def test_explanations_say_what_is_asked(browser):
    browser.one("#facts-table [data-column=cs2] .hint").click()
    assert "knowledge neurons in more than one" in browser.one(":popover-open").text


def test_nothing_moves_for_readers_who_do_not_want_it(browser):
    script = "return getComputedStyle(document.documentElement).scrollBehavior"
    browser.look(prefers_reduced_motion="no-preference")
    assert browser.run(script) == "smooth"
    browser.look(prefers_reduced_motion="reduce")
    assert browser.run(script) == "auto"


def test_paper_shows_everything_and_no_buttons(browser):
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.all("details:not([open])") == []
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not browser.one("nav").is_displayed()
    assert not browser.one(".hint").is_displayed()
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.all("details[open]") == []


def test_smoke_is_written_across_the_page(browser):
    style = "const s = getComputedStyle(document.body, '::before'); return [s.content, s.position, s.pointerEvents]"
    assert browser.run(style) == ['"SMOKE RUN · NOT A RESULT"', "fixed", "none"]
    assert browser.driver.title.startswith("SMOKE RUN, not a result")


@LONG_WORDS
def test_hostile_texts_are_only_texts(chromium, tmp_path):
    file = tmp_path / "hostile.html"
    file.write_text(page(made_run(n_facts=30, word=HOSTILE, smoke="limit", folder="a")), encoding="utf-8")
    chromium.open(file)
    chromium.all("#facts-table .open")[2].click()
    chromium.wait("return document.querySelector('.queries tbody') !== null")
    chromium.run("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert chromium.run("return window.broken") is None
    assert chromium.all("img") == []
    for selector in (
        "#facts-table .open",
        "#facts-table .detail",
        "#verdicts",
        "#decisions",
        "#provenance",
        "h1",
        ".queries",
    ):
        assert "</script><script>window.broken = 1</script><!-- <img src=x" in chromium.one(selector).text
    assert chromium.complaints() == []
    assert [asked for asked in chromium.requests() if not asked.startswith(("blob:", "data:"))] == []


def test_without_scripts_everything_but_searching_is_there(chromium, report):
    chromium.look()
    chromium.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.driver.get(report.as_uri())
        assert chromium.one("#claim-prevalence table").is_displayed()
        assert not chromium.one("#facts-form").is_displayed()
        assert not chromium.one("#theme").is_displayed()
        assert "Searching takes JavaScript" in chromium.one("#explorer").text
    finally:
        chromium.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
