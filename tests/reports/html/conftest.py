"""A browser for tests that look at pages, where there is one."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.html import page
from tests.reports.html.made_run import made_run, with_edits_and_figures

if TYPE_CHECKING:
    from tests.reports.html.chromium import Browser


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Browser"]:
    """One browser for all tests of a process."""
    pytest.importorskip("selenium", reason="pip install selenium, to look at pages in a browser")
    from tests.reports.html import chromium

    for program in (chromium.CHROMIUM, chromium.DRIVER):
        if not program.exists():
            pytest.skip(f"no {program}: apt-get install chromium chromium-driver, to look at pages in a browser")
    browser = chromium.Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a made run that is none, with enough facts to scroll."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    run = with_edits_and_figures(made_run(n_facts=240, smoke="built-in model"))
    file.write_text(page(run), encoding="utf-8")
    return file
