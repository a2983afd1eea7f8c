"""Under pytest-xdist, all tests of a model in one process, so that it is loaded once.

The benchmark registers this module, and only where pytest-xdist is there: it is the one module that imports it. Groups
of `--dist loadgroup` would not do: they are part of the test's id, which pytest keeps to itself since version 9.2.
"""

from collections.abc import Sequence

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.scheduler.protocol import Scheduling
from xdist.workermanage import WorkerController

from plugins.benchmark import BENCHMARK


class ModelScheduling(LoadScopeScheduling):
    """Hands out the tests of one model together, and tests without a model file by file.

    A test that looks at several models has none in its id. Models have more tests than such a file, and what has more
    tests is handed out first; where it begins before they are done, it waits for their localizations and loads none.
    """

    def __init__(self, config: pytest.Config, log: Producer | None, models: Sequence[str]) -> None:
        super().__init__(config, log)
        # As pytest writes names into ids; the longest first, because a name may begin like another.
        ids = [name.encode("unicode_escape").decode("ascii") for name in models]
        self._models = sorted(ids, key=len, reverse=True)
        self._crashed: set[str] = set()

    def _split_scope(self, nodeid: str) -> str:
        """The model of a test, or its file."""
        for name in self._models:
            if any(f"{before}model:{name}{after}" in nodeid for before in "[-" for after in "-]"):
                return f"model:{name}"
        return nodeid.partition("::")[0]

    def remove_node(self, node: WorkerController) -> str | None:
        """Takes back what a process had left to do when it ended, but for the test that it crashed in.

        That test has failed and is reported; in another process it would crash again, on another load of its model.
        """
        pending = [test for unit in self.assigned_work[node].values() for test, done in unit.items() if not done]
        self._crashed.update(pending[:1])
        return super().remove_node(node)

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Hands out tests; what a process left that ended may hold none, and would keep the next one idle."""
        for scope, unit in list(self.workqueue.items()):
            unit.update(dict.fromkeys(self._crashed & unit.keys(), True))
            if all(unit.values()):
                del self.workqueue[scope]
        if self.workqueue:
            super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer | None) -> Scheduling | None:
    """Schedules by model, unless the user named another mode of distribution than the default of `-n`."""
    if config.getoption("dist") != "load":
        return None
    return ModelScheduling(config, log, [model.name for model in config.stash[BENCHMARK].models])
