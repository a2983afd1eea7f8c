"""Localization in this process."""

from collections.abc import Generator, Sequence

from harness.execution.engine import Job
from harness.execution.plan import Request
from harness.execution.shard import ShardComputer
from harness.store.rows import LocalizationRow


class InProcess:
    """The engine of one process: one shard after the other, on the model that this process holds."""

    def compute(self, shards: Sequence[Sequence[Request]], job: Job) -> Generator[list[LocalizationRow]]:
        """Loads the model with the first shard; see `Engine`."""
        computer = ShardComputer(job.handle.loaded(), job.localizer, batch_size=job.batch_size)
        for requests in shards:
            yield computer.rows(requests)
