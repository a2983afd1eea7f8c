"""The facts of a session: what every model is asked for."""

from harness.data.facts import Dataset, QueryForm
from harness.models.handle import ModelHandle
from harness.pipeline.settings import Settings


class Datasets:
    """Facts by model; models that are asked for the same in the same form share them."""

    def __init__(self, settings: Settings) -> None:
        """Takes what the session is asked for; reads nothing yet."""
        self._settings = settings
        self._read: dict[tuple[str, QueryForm], Dataset] = {}

    def of(self, model: ModelHandle) -> Dataset:
        """The facts that `model` is asked for: the session's data, or what suits the model.

        Raises:
            DataError: they cannot be read.
            ConfigError: a relation that does not exist.
        """
        settings = self._settings
        source = model.facts_source(settings.data)
        key = (source, model.query_form)
        if key not in self._read:
            dataset = model.dataset(source, offline=settings.offline)
            if settings.relations:
                dataset = dataset.only(settings.relations)
            if settings.limit is not None:
                dataset = dataset.sample(settings.limit, settings.seed)
            self._read[key] = dataset
        return self._read[key]
