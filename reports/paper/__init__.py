"""What the paper printed, what its own numbers come to when they are computed again, and where the two part."""

from reports.paper.edits import METRICS, PaperEdits, PaperEditTable, load_edit_table
from reports.paper.models import papers_model
from reports.paper.values import (
    PaperCell,
    PaperTable1,
    PaperUnanimity,
    load_table1,
    localizer_title,
    printed_cell,
    printed_unanimity,
)

__all__ = [
    "METRICS",
    "PaperCell",
    "PaperEditTable",
    "PaperEdits",
    "PaperTable1",
    "PaperUnanimity",
    "load_edit_table",
    "load_table1",
    "localizer_title",
    "papers_model",
    "printed_cell",
    "printed_unanimity",
]
