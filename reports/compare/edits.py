"""What changed on the facts that two runs edited, whatever else they differ in; the gate asks that it be nothing."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from reports.compare.pairing import Pair, paired_cells
from reports.frames import cells_of, words
from reports.gate.differences import Comparison, compare_runs
from reports.gate.edited_run import EditedRun, load_edited_run
from reports.run import SavedRun


def shared_edits(reference: SavedRun, new: SavedRun, *, draws: int, seed: int) -> Comparison | None:
    """Edits paired by fact, kind, model, localizer and editor; the single one of each run whatever its name.

    Args:
        reference: the earlier run.
        new: the later one.
        draws: bootstrap draws.
        seed: of the draws.

    Returns:
        None where the runs share no cell or no editor.

    Raises:
        StoreError: what a run says to be edits are none.
    """
    pairs = paired_cells(cells_of(reference.edits), cells_of(new.edits))
    before = _under_one_name(load_edited_run(reference.folder), pairs, [pair.before for pair in pairs])
    after = _under_one_name(load_edited_run(new.folder), pairs, [pair.after for pair in pairs])
    editors = [words(run.edits, "editor") for run in (before, after)]
    if not pairs or (not set(editors[0]) & set(editors[1]) and max(map(len, editors)) > 1):
        return None
    found = compare_runs(before, after, draws=draws, seed=seed, alike=False)
    return found if found.differences else None


def _under_one_name(run: EditedRun, pairs: Sequence[Pair], cells: Sequence[tuple[str, str]]) -> EditedRun:
    """The edits of the paired cells, each called as its pair."""
    parts = [
        run.edits[(run.edits["model"] == model) & (run.edits["localizer"] == localizer)].assign(
            model=pair.model, localizer=pair.localizer
        )
        for pair, (model, localizer) in zip(pairs, cells, strict=True)
    ]
    return replace(run, edits=pd.concat(parts) if parts else run.edits.iloc[:0])
