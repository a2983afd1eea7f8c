"""The facts of a session: what every model is asked for."""

from harness.data.download import OnBytes
from harness.data.facts import Dataset, QueryForm
from harness.data.sources import EMBEDDED, PARAREL, load_dataset
from harness.errors import DataError
from harness.models.handle import ModelHandle
from harness.pipeline.settings import Settings


def facts_source(model: ModelHandle, asked: str | None) -> str:
    """What the facts are called that a model is asked for: its own, if it came with the project and none are named.

    Raises:
        DataError: it is a planted model, which speaks no language but its own.
    """
    own = model.facts_of_its_own
    if own is None:
        return asked or (EMBEDDED if model.builtin else PARAREL)
    if asked is not None:
        raise DataError(f"{model.name} knows no words but those of its own facts; leave out --data={asked}")
    return own


def facts_for(model: ModelHandle, source: str, *, offline: bool = False, on_bytes: OnBytes | None = None) -> Dataset:
    """The facts of that source, asked for as this kind of model can be asked; see `load_dataset`.

    Args:
        model: the model.
        source: as `facts_source` gives it.
        offline: never ask the network.
        on_bytes: told how far fetching is.

    Raises:
        DataError: they cannot be read.
    """
    if model.world is not None:
        return model.world.dataset
    return load_dataset(source, form=model.query_form, offline=offline, on_bytes=on_bytes)


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
        source = facts_source(model, settings.data)
        key = (source, model.query_form)
        if key not in self._read:
            dataset = facts_for(model, source, offline=settings.offline)
            if settings.relations:
                dataset = dataset.only(settings.relations)
            if settings.limit is not None:
                dataset = dataset.sample(settings.limit, settings.seed)
            self._read[key] = dataset
        return self._read[key]
