"""What `--data` names: the embedded corpus, ParaRel or a folder."""

from pathlib import Path

from harness.data.download import OnBytes, cache_folder, fetch
from harness.data.facts import Dataset, QueryForm
from harness.data.folder import load_folder
from harness.data.remote import pararel
from harness.errors import DataError, near_matches
from harness.paths import existing_folder

EMBEDDED = "embedded"
PARAREL = "pararel"
EMBEDDED_FOLDER = Path(__file__).parent / "embedded"


def load_dataset(
    source: str,
    *,
    form: QueryForm = QueryForm.CONTINUATION,
    offline: bool = False,
    on_bytes: OnBytes | None = None,
) -> Dataset:
    """Reads the dataset that `source` names; fetches ParaRel first if the cache lacks it.

    A name wins over a folder that is called the same; `./pararel` is the folder.

    Args:
        source: `embedded`, `pararel`, or the path of a folder in ParaRel's layout.
        form: what queries are to be, which depends on the model.
        offline: never ask the network.
        on_bytes: told how far fetching is.

    Raises:
        DataError: nothing of that name, it cannot be fetched, or it cannot be used.
    """
    if source == EMBEDDED:
        return load_folder(EMBEDDED_FOLDER, EMBEDDED, form=form)
    if source == PARAREL:
        data = pararel()
        folder = cache_folder(data)
        fetch(data, folder, offline=offline, on_bytes=on_bytes)
        return load_folder(folder, PARAREL, form=form)
    folder = Path(source)
    if existing_folder(source) is None and folder.name == source:
        raise DataError(
            f"no data called {source!r}. {near_matches(source, [EMBEDDED, PARAREL])} A folder is written ./{source}."
        )
    return load_folder(existing_folder(source) or folder, form=form)
