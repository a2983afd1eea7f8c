"""Means of edits over facts, with intervals over relations, and whether two of them differ."""

from typing import Final, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from harness.claims import Procedure, Verdict
from harness.claims.classes import FEWEST_FACTS, FEWEST_RELATIONS
from harness.claims.replication import WORDS, compared_with
from harness.statistics import DIFFERENCE, StudentizedBootstrap, cluster_bootstrap, cluster_contrast
from harness.statistics.bootstrap import UNIT
from reports.frames import groups, numbers, only
from reports.paper import METRICS
from reports.run import SavedRun

DRAWS: Final = 2000
"""Bootstrap draws behind an interval of a table of edits, which has hundreds of them."""

MARGIN: Final = 0.05
"""Difference from a printed number of edits that counts as none, as in the claim `replication`."""

CLASSES: Final = {"consistent": "K_I", "inconsistent": "K_II"}

_UNBOUNDED: Final = (-np.inf, np.inf)
_SHARES: Final = METRICS[:-1]
_SMALLER_IS_BETTER: Final = frozenset({"perplexity_change"})


class EditStatistics:
    """The edits of one model and localizer, averaged within facts, whose classes a cut of CS2 makes."""

    def __init__(self, run: SavedRun, model: str, localizer: str, cut: float) -> None:
        """Takes the edits of facts with two queries and a score.

        Args:
            run: the run.
            model: id of the model.
            localizer: id of the localizer.
            cut: facts with a CS2 above it are consistent (K_I).
        """
        self._procedure = Procedure(seed=int(run.record.manifest.settings.get("seed", 0)))
        self._key = f"edits {model} {localizer}"
        facts = only(run.facts, model=model, localizer=localizer)
        facts = cast(pd.DataFrame, facts[(facts["n_queries"] >= 2) & facts["cs2"].notna()]).set_index("fact_uid")
        consistent = numbers(facts, "cs2") > cut
        self._members = {"consistent": consistent, "inconsistent": ~consistent}
        self._relations, self._relation = np.unique(facts["relation"].to_numpy(str), return_inverse=True)
        edits = only(run.edits, model=model, localizer=localizer)
        self._values = {key: _of_facts(rows, facts.index) for key, rows in groups(edits, "editor", "kind")}
        self._means: dict[tuple[str, str, str, str], StudentizedBootstrap | None] = {}

    def n_facts(self, editor: str, kind: str, facts: str) -> int:
        """Facts with an edit."""
        return int(np.isfinite(self._of_class(editor, kind, facts, "reliability")).sum())

    def mean(self, editor: str, kind: str, facts: str, metric: str) -> StudentizedBootstrap | None:
        """The mean over facts, the mean of each fact's edits being one value; None if no fact has one."""
        asked = (editor, kind, facts, metric)
        if asked not in self._means:
            bounds = UNIT if metric in _SHARES else _UNBOUNDED
            self._means[asked] = self._bootstrap(self._of_class(*asked), bounds, " ".join(asked))
        return self._means[asked]

    def beats_other_class(self, editor: str, kind: str, facts: str, metric: str) -> bool:
        """Whether the same edits are significantly better on this class of facts than on the other."""
        other = "consistent" if facts == "inconsistent" else "inconsistent"
        both = [self._of_class(editor, kind, name, metric) for name in (facts, other)]
        if not all(self._enough(values) for values in both):
            return False
        totals, sizes = (np.stack(part) for part in zip(*map(self._by_relation, both), strict=True))
        used = sizes.sum(axis=0) > 0
        if self._procedure.too_few(int(used.sum())) is not None:
            return False
        contrast = cluster_contrast(
            totals[:, used],
            sizes[:, used],
            draws=DRAWS,
            rng=self._procedure.generator(self._key, f"classes {editor} {kind} {metric}"),
            bounds=DIFFERENCE if metric in _SHARES else _UNBOUNDED,
        )
        return _is_better(contrast.studentized, metric)

    def beats(self, editor: str, other: str, kind: str, facts: str, metric: str) -> bool:
        """Whether these edits are significantly better than another editor's, on the facts that both edited."""
        mine, theirs = (self._of_class(name, kind, facts, metric) for name in (editor, other))
        difference = mine - theirs
        if not self._enough(difference):
            return False
        bounds = DIFFERENCE if metric in _SHARES else _UNBOUNDED
        found = self._bootstrap(difference, bounds, f"{editor} against {other} {kind} {facts} {metric}")
        if found is None or self._procedure.too_few(found.n_clusters) is not None:
            return False
        return _is_better(found, metric)

    def replicates(self, printed: float, found: StudentizedBootstrap) -> str:
        """Whether a printed number comes out again: replicates, differs or inconclusive."""
        if self._procedure.too_few(found.n_clusters) is not None:
            return WORDS[Verdict.INCONCLUSIVE]
        return WORDS[compared_with(printed, MARGIN, found)]

    def _of_class(self, editor: str, kind: str, facts: str, metric: str) -> Float[np.ndarray, " facts"]:
        """One value a fact; nan for facts of the other class, and where there is none."""
        values = self._values.get((editor, kind))
        if values is None:
            return np.full(len(self._relation), np.nan)
        return np.where(self._members[facts], values[:, METRICS.index(metric)], np.nan)

    def _by_relation(
        self, values: Float[np.ndarray, " facts"]
    ) -> tuple[Float[np.ndarray, " relations"], Float[np.ndarray, " relations"]]:
        """Sum and number of the values of each relation."""
        known = np.isfinite(values)
        relation, n = self._relation[known], len(self._relations)
        return np.bincount(relation, values[known], minlength=n), np.bincount(relation, minlength=n).astype(np.float64)

    def _bootstrap(
        self, values: Float[np.ndarray, " facts"], bounds: tuple[float, float], purpose: str
    ) -> StudentizedBootstrap | None:
        totals, sizes = self._by_relation(values)
        used = sizes > 0
        if not used.any():
            return None
        rng = self._procedure.generator(self._key, purpose)
        return cluster_bootstrap(totals[used], sizes[used], draws=DRAWS, rng=rng, bounds=bounds)

    def _enough(self, values: Float[np.ndarray, " facts"]) -> bool:
        _, sizes = self._by_relation(values)
        return sizes.sum() >= FEWEST_FACTS and (sizes > 0).sum() >= FEWEST_RELATIONS


def _of_facts(edits: pd.DataFrame, uids: pd.Index) -> Float[np.ndarray, "facts metrics"]:
    """The mean of each fact's edits; nan where there is none."""
    means = cast(pd.DataFrame, edits.groupby("fact_uid")[list(METRICS)].mean())
    return means.reindex(uids).to_numpy(np.float64)


def _is_better(found: StudentizedBootstrap, metric: str) -> bool:
    interval = found.interval()
    return interval.high < 0 if metric in _SMALLER_IS_BETTER else interval.low > 0
