"""Means of edits over facts, with intervals over relations, and whether two of them differ."""

from collections.abc import Callable
from typing import Final, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from harness.claims import Procedure, Verdict
from harness.claims.classes import FEWEST_FACTS, FEWEST_RELATIONS
from harness.claims.replication import WORDS, compared_with
from harness.consistency import Threshold
from harness.statistics import DIFFERENCE, StudentizedBootstrap, cluster_bootstrap, cluster_contrast
from harness.statistics.bootstrap import UNIT
from reports.frames import groups, numbers, only
from reports.paper import METRICS
from reports.run import SavedRun

DRAWS: Final = 1000
"""Bootstrap draws behind an interval of a table of edits, which has hundreds of them."""

MARGIN: Final = 0.05
"""Difference from a printed number of edits that counts as none, as in the claim `replication`."""

CLASSES: Final = {"consistent": "K_I", "inconsistent": "K_II"}

_UNBOUNDED: Final = (-np.inf, np.inf)
_SHARES: Final = METRICS[:-1]
_SMALLER_IS_BETTER: Final = frozenset({"perplexity_change"})


class EditStatistics:
    """The edits of one model and localizer, averaged within facts, whose classes a threshold makes."""

    def __init__(self, run: SavedRun, model: str, localizer: str, threshold: Threshold) -> None:
        """Takes the edits of facts with two queries and a score.

        Args:
            run: the run.
            model: id of the model.
            localizer: id of the localizer.
            threshold: where CS2 over all queries is cut, as in Table 1.
        """
        self._procedure = Procedure(seed=int(run.record.manifest.settings.get("seed", 0)))
        self._key = f"edits {model} {localizer}"
        facts = only(run.facts, model=model, localizer=localizer)
        facts = cast(pd.DataFrame, facts[(facts["n_queries"] >= 2) & facts["cs2"].notna()]).set_index("fact_uid")
        cs2 = numbers(facts, "cs2")
        consistent = cs2 > threshold.cut(cs2) if len(cs2) else cs2 > 0
        self._members = {"consistent": consistent, "inconsistent": ~consistent}
        self._relations, self._relation = np.unique(facts["relation"].to_numpy(str), return_inverse=True)
        edits = only(run.edits, model=model, localizer=localizer)
        self._values = {key: _of_facts(rows, facts.index) for key, rows in groups(edits, "editor", "kind")}
        self._signs: dict[tuple[str, ...], int] = {}
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
        sign = self._once((editor, kind, metric), lambda: self._between_classes(editor, kind, metric))
        return sign == (1 if facts == "consistent" else -1)

    def beats(self, editor: str, other: str, kind: str, facts: str, metric: str) -> bool:
        """Whether these edits are significantly better than another editor's, on the facts that both edited."""
        first, second = sorted((editor, other))
        asked = (first, second, kind, facts, metric)
        sign = self._once(asked, lambda: self._between_editors(first, second, kind, facts, metric))
        return sign == (1 if editor == first else -1)

    def _once(self, asked: tuple[str, ...], decide: Callable[[], int]) -> int:
        if asked not in self._signs:
            self._signs[asked] = decide()
        return self._signs[asked]

    def _between_classes(self, editor: str, kind: str, metric: str) -> int:
        """1 where edits of consistent facts are significantly better, -1 where they are worse, else 0."""
        both = [self._of_class(editor, kind, facts, metric) for facts in CLASSES]
        if not all(self._enough(values) for values in both):
            return 0
        totals, sizes = (np.stack(part) for part in zip(*map(self._by_relation, both), strict=True))
        used = sizes.sum(axis=0) > 0
        contrast = cluster_contrast(
            totals[:, used],
            sizes[:, used],
            draws=DRAWS,
            rng=self._procedure.generator(self._key, f"classes {editor} {kind} {metric}"),
            bounds=DIFFERENCE if metric in _SHARES else _UNBOUNDED,
        )
        return self._better(contrast.studentized, metric)

    def _between_editors(self, first: str, second: str, kind: str, facts: str, metric: str) -> int:
        """1 where the first editor is significantly better, -1 where the second is, else 0."""
        one, other = (self._of_class(editor, kind, facts, metric) for editor in (first, second))
        bounds = DIFFERENCE if metric in _SHARES else _UNBOUNDED
        difference = one - other
        if not self._enough(difference):
            return 0
        found = self._bootstrap(difference, bounds, f"{first} against {second} {kind} {facts} {metric}")
        return 0 if found is None else self._better(found, metric)

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

    def _better(self, difference: StudentizedBootstrap, metric: str) -> int:
        """The sign of a difference whose interval leaves out 0, turned where smaller is better; else 0."""
        if self._procedure.too_few(difference.n_clusters) is not None:
            return 0
        interval = difference.interval()
        sign = int(interval.low > 0) - int(interval.high < 0)
        return -sign if metric in _SMALLER_IS_BETTER else sign

    def _enough(self, values: Float[np.ndarray, " facts"]) -> bool:
        _, sizes = self._by_relation(values)
        return sizes.sum() >= FEWEST_FACTS and (sizes > 0).sum() >= FEWEST_RELATIONS


def _of_facts(edits: pd.DataFrame, uids: pd.Index) -> Float[np.ndarray, "facts metrics"]:
    """The mean of each fact's edits; nan where there is none."""
    means = cast(pd.DataFrame, edits.groupby("fact_uid")[list(METRICS)].mean())
    return means.reindex(uids).to_numpy(np.float64)
