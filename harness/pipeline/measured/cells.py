"""The measurements of a session: each is made once a cell, and saved with the run."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float

from harness.claims import Effects, Evidence, Procedure, classes_of
from harness.consistency import parse_threshold
from harness.errors import ConfigError, near_matches
from harness.pipeline.cell import Cell
from harness.pipeline.measured import MEASUREMENTS
from harness.pipeline.measured.measurement import Measured, Measurement
from harness.records import ClaimRow


class MeasuredCells:
    """What was measured, by kind and cell."""

    def __init__(self, measurements: Mapping[str, Measurement] = MEASUREMENTS) -> None:
        """Takes the kinds that there are; measures nothing yet."""
        self._kinds = measurements
        self._measured: dict[tuple[str, str, str], Measured] = {}

    def effects(self, kind: str, cell: Cell) -> Effects:
        """The numbers of a cell's facts; measures what the store lacks.

        Raises:
            ConfigError: there is no such kind.
            HarnessError: the model cannot be run, or the store cannot be used.
        """
        if kind not in self._kinds:
            raise ConfigError(
                f"a claim reads the measurement {kind!r}, which does not exist. {near_matches(kind, self._kinds)}",
                setting="reads",
                value=kind,
            )
        return self._of(kind, cell, stored=False).effects

    def tables(self, rows: Iterable[ClaimRow], cells: Iterable[Cell], procedure: Procedure) -> dict[str, pd.DataFrame]:
        """What a saved run holds of the measurements that its rows rest on, by file.

        What another process measured is read from the store; no model is loaded for it.

        Args:
            rows: of the run.
            cells: whose evidence they rest on.
            procedure: how facts are classified for the figures.

        Raises:
            StoreError: the store lacks a row.
        """
        rows, parts = list(rows), dict[str, list[pd.DataFrame]]()
        for cell in cells:
            for kind, measurement in self._kinds.items():
                thresholds = _thresholds(rows, cell, measurement)
                if not thresholds:
                    continue
                measured = self._of(kind, cell, stored=True)
                classes = _classes(cell.localized(stored=True).evidence(None), thresholds, procedure)
                drawn = {f"figures/{name}.csv": data for name, data in measurement.figures(measured, classes).items()}
                for file, table in {measurement.file: measured.table, **drawn}.items():
                    named = table.copy()
                    named.insert(0, "model", cell.model.name)
                    named.insert(1, "localizer", cell.localizer.name)
                    parts.setdefault(file, []).append(named)
        return {file: pd.concat(tables, ignore_index=True) for file, tables in parts.items()}

    def read(self) -> dict[str, str]:
        """Setting -> fingerprint of the content that it names, over all that was measured."""
        return {setting: content for found in self._measured.values() for setting, content in found.read.items()}

    def _of(self, kind: str, cell: Cell, *, stored: bool) -> Measured:
        key = (kind, cell.model.name, cell.localizer.name)
        if key not in self._measured:
            localized = cell.localized(stored=True)
            self._measured[key] = self._kinds[kind].measure(cell, localized, stored)
        return self._measured[key]


def _thresholds(rows: Iterable[ClaimRow], cell: Cell, measurement: Measurement) -> list[str]:
    """Thresholds of the rows on this cell that read the measurement, in their order."""
    found = [
        row.threshold
        for row in rows
        if row.marker in measurement.markers
        and (row.model, row.localizer) == (cell.model.name, cell.localizer.name)
        and row.threshold is not None
    ]
    return list(dict.fromkeys(found))


def _classes(
    evidence: Evidence, thresholds: Iterable[str], procedure: Procedure
) -> dict[str, Float[np.ndarray, " facts"]]:
    return {name: classes_of(evidence, parse_threshold(name), procedure)[0] for name in thresholds}
