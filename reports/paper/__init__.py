"""What the paper printed, what its own numbers come to when they are computed again, and where the two part."""

from reports.paper.values import PaperCell, PaperUnanimity, load_table1, printed_cell

__all__ = ["PaperCell", "PaperUnanimity", "load_table1", "printed_cell"]
