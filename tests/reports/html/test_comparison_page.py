"""A comparison in a real browser."""

import pytest

from reports.compare.side_by_side import compare_saved
from reports.html.comparison import comparison_page
from tests.reports.html.made_run import made_run

pytest.importorskip("selenium", reason="pip install selenium, to look at pages in a browser")

from selenium.webdriver.support.select import Select

from tests.reports.html import axe

TABLE = "#table-verdicts-side-by-side"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    runs = [made_run(n_facts=60, folder=name) for name in ("0001_a", "0002_b")]
    file = tmp_path_factory.mktemp("comparison") / "comparison.html"
    file.write_text(comparison_page(compare_saved(runs, draws=100)), encoding="utf-8")
    return file


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_filters_and_asks_nobody(chromium, comparison, theme):
    chromium.look(width=360, prefers_color_scheme=theme)
    chromium.driver.get("about:blank")
    chromium.complaints(), chromium.requests()
    chromium.driver.get(comparison.as_uri())
    chromium.run("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert chromium.run("return document.documentElement.scrollWidth") == 360
    labels = {label.text.split("\n")[0]: label for label in chromium.all(f"{TABLE} .controls label")}
    Select(labels["T"].find_element("css selector", "select")).select_by_value("otsu")
    assert chromium.column(f"{TABLE} table", 2) == ["otsu"] * 3
    script = axe.script()
    if script is not None:
        assert axe.violations(chromium, script) == []
    assert chromium.complaints() == []
    assert [asked for asked in chromium.requests() if not asked.startswith(("blob:", "data:"))] == []
