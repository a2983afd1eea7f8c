"""What `--data` names: the embedded corpus or a folder."""

from pathlib import Path

from harness.data.facts import Dataset
from harness.data.folder import load_folder
from harness.errors import DataError

EMBEDDED = "embedded"
PARAREL = "pararel"
EMBEDDED_FOLDER = Path(__file__).parent / "embedded"


def load_dataset(source: str) -> Dataset:
    """Reads the dataset that `source` names.

    Args:
        source: `embedded`, or the path of a folder in ParaRel's layout.

    Raises:
        DataError: nothing of that name, or it cannot be used.
    """
    if source == EMBEDDED:
        return load_folder(EMBEDDED_FOLDER, EMBEDDED)
    folder = Path(source).expanduser()
    if source == PARAREL and not folder.is_dir():
        raise DataError(
            "ParaRel is not downloaded by this version: clone github.com/yanaiela/pararel and pass --data=<the clone>"
        )
    return load_folder(folder)
