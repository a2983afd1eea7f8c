"""axe-core, which looks for what people with disabilities cannot use; it is not part of this repository.

`npm install axe-core` in any folder, then KNTESTS_AXE=<folder>/node_modules/axe-core/axe.min.js
"""

import os
from pathlib import Path
from typing import Any

from tests.reports.html.chromium import Browser

VARIABLE = "KNTESTS_AXE"
GRAVE = ("moderate", "serious", "critical")


def script() -> Path | None:
    """Where axe-core is, if anywhere."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named and Path(named).is_file() else None


def violations(browser: Browser, axe: Path) -> list[str]:
    """What is gravely wrong with the page as it stands: a line a rule and element."""
    browser.driver.set_script_timeout(300)
    browser.run(axe.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = browser.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => done(violations));"
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
