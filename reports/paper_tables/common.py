"""What the paper's tables share: where a number comes from, and how models and localizers are called."""

from typing import Final

from harness.records import ClaimRow
from reports.paper import load_table1
from reports.table import Column, column

MEASURED: Final = "measured"
PRINTED: Final = "printed"
RECOMPUTED: Final = "recomputed"
REPLICATION: Final = "replication"

SOURCE: Final[Column] = column("source", "numbers", align="left")


def localizer_title(name: str) -> str:
    """The localizer's name behind that of the paper's method, if it stands for one."""
    method = load_table1().localizers.get(name)
    return name if method is None else f"{method.partition(' [')[0]} ({name})"


def rows_of(claims: tuple[ClaimRow, ...], claim: str) -> dict[tuple[str, str, str], ClaimRow]:
    """The rows of a claim by model, localizer and threshold; those without a threshold are left out."""
    return {
        (row.model, row.localizer, row.threshold): row
        for row in claims
        if row.claim == claim and row.threshold is not None
    }
