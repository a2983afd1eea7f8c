"""The paper's Tables 1 to 4 in its layout: what the run measured beside what the paper prints."""

from reports.run import SavedRun
from reports.table import Table


def tables_of(run: SavedRun) -> list[Table]:
    """Those of the tables whose data the run has."""
    return []
