"""Where a number of the paper's tables comes from."""

from typing import Final

from reports.table import Column, column

MEASURED: Final = "measured"
PRINTED: Final = "printed"
RECOMPUTED: Final = "recomputed"
REPLICATION: Final = "replication"

SOURCE: Final[Column] = column("source", "numbers", align="left")
