"""What axe-core says of the page, closed and opened, in both themes, wide and narrow."""

from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="pip install selenium, to look at pages in a browser")

from tests.reports.html import axe
from tests.reports.html.chromium import Browser


@pytest.fixture(scope="module")
def axe_core() -> Path:
    file = axe.script()
    if file is None:
        pytest.skip(f"no axe-core: npm install axe-core, and {axe.VARIABLE}=…/node_modules/axe-core/axe.min.js")
    return file


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_no_grave_violation(chromium: Browser, report: Path, axe_core: Path, theme: str, width: int) -> None:
    chromium.open(report)
    chromium.look(width=width, prefers_color_scheme=theme)
    chromium.run("document.querySelector('#facts-table .open').click()")
    chromium.wait("return document.querySelector('.queries tbody') !== null")
    chromium.run("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    chromium.run("document.querySelector('#facts-table .hint').click()")
    assert axe.violations(chromium, axe_core) == []


def test_axe_sees_what_is_wrong(chromium: Browser, axe_core: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text("<!DOCTYPE html><html><body><img src='data:,'><button></button></body></html>", encoding="utf-8")
    chromium.driver.get(file.as_uri())
    found = " ".join(axe.violations(chromium, axe_core))
    assert "image-alt" in found
    assert "button-name" in found
