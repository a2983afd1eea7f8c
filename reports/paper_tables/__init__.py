"""The paper's Tables 1 to 4 in its layout: what the run measured beside what the paper prints."""

from reports.paper_tables.consistency import consistency_tables
from reports.paper_tables.edits import edit_tables
from reports.run import SavedRun
from reports.table import Table


def tables_of(run: SavedRun) -> list[Table]:
    """Those of the tables whose data the run has, in the paper's order."""
    return sorted((*consistency_tables(run), *edit_tables(run)), key=lambda table: table.name)
