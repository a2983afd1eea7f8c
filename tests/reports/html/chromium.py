"""A real browser without a window, and what it was asked and complained about."""

import json
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM = Path("/usr/bin/chromium")
DRIVER = Path("/usr/bin/chromedriver")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
)


class Browser:
    """Chromium with an empty profile.

    Attributes:
        driver: what speaks with it.
    """

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))

    def open(self, page: Path) -> None:
        """Loads a page from disk as a reader sees it at first, and waits until its facts are unpacked."""
        self.look()
        self.driver.get("about:blank")
        self.complaints(), self.requests()
        self.driver.get(page.as_uri())
        self.wait("return document.getElementById('facts-status').textContent.includes('facts')")

    def look(self, width: int = 1280, height: int = 900, **media: str) -> None:
        """Sets the size of the window and what the reader prefers, such as `prefers_color_scheme`."""
        # Without smooth scrolling: what the driver scrolls to is there at once.
        preferred = {"prefers_reduced_motion": "reduce", **media}
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in preferred.items()]
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str) -> None:
        """Until a script returns something true."""
        WebDriverWait(self.driver, 20, poll_frequency=0.02).until(lambda driver: driver.execute_script(script))

    def one(self, selector: str) -> WebElement:
        """The first element of a kind."""
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[WebElement]:
        """All elements of a kind."""
        return self.driver.find_elements("css selector", selector)

    def column(self, table: str, place: int) -> list[str]:
        """Texts of a column, of the rows that are seen."""
        script = """return [...document.querySelector(arguments[0]).tBodies[0].rows].filter((row) => !row.hidden)
            .map((row) => row.cells[arguments[1]].textContent)"""
        return self.run(script, table, place)

    def press(self, *keys: str) -> None:
        """Presses keys wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def complaints(self) -> list[str]:
        """Errors and warnings since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last call, that of the page aside."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [asked["request"]["url"] for asked in sent if asked.get("type") != "Document"]
