"""The rules: decisions that may be wrong, and what is asked of each, its errors and its power."""

from dataclasses import dataclass
from typing import Final

from scripts.calibration import populations as known
from scripts.calibration.edits import FACTS as EDITED_FACTS
from scripts.calibration.edits import WORLDS as EDITS
from scripts.calibration.effects import FACTS as MEASURED_FACTS
from scripts.calibration.effects import WORLDS as EFFECTS
from scripts.calibration.selection import FACTS as SCALED_FACTS
from scripts.calibration.selection import WORLDS as SELECTION
from scripts.calibration.shares import CORRELATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A decision that may be wrong.

    Attributes:
        name: the rule.
        says: the event that is counted.
        topic: where it is counted.
        wrong: worlds in which it is an error.
        right: worlds in which it is what should be seen.
        asked: the world of those in which power of 90 % is asked for, with 24 relations or more of `facts` facts.
        facts: facts a relation that power is asked for with.
        note: what a reader of its rows should know.
        why: where it fails and why.
        claims: names of the claims that it decides, if they are not the first word of the event.
    """

    name: str
    says: str
    topic: str
    wrong: tuple[str, ...]
    right: tuple[str, ...]
    asked: str | None = None
    facts: int = 30
    note: str = ""
    why: str = ""
    claims: tuple[str, ...] = ()

    @property
    def decides(self) -> tuple[str, ...]:
        """Names of the claims that it decides."""
        return self.claims or (self.says.split()[0],)


def _world(rates: object) -> str:
    return (rates.__doc__ or "").rstrip(".")


def _shares(*shares: float) -> tuple[str, ...]:
    return tuple(f"share {share:g}, correlation {correlation:g}" for share in shares for correlation in CORRELATIONS)


ONE_KIND: Final = tuple(map(_world, (known.skewed, known.heavy_tailed_relations, known.alike)))
TWO_KINDS: Final = _world(known.two_clouds)
SAME, AT_MARGIN, IN_ONE, IN_BOTH, IN_ONE_SPREAD, IN_BOTH_SPREAD = EFFECTS
EFFECTS_NOTE: Final = (
    "The margin is 0.05 of delta log p. The claim takes the worst of what it compares: the union and the refined set,"
    " plain and behind a prefix; facts within relations differ by a standard deviation of 0.6, relations by 0.2, or by"
    " 0.35 where the own neurons do no more than the margin or it says that they differ more."
)
SAME_SYNAPSES, MARGIN_SYNAPSES, ALIKE, MARGIN_APART, APART = SELECTION
SELECTION_NOTE: Final = (
    "The margin is 0.1 of delta log p. Relations differ by a standard deviation of 0.25, facts within them by 0.5, both"
    " with a long tail; the first claim takes the worse of two comparisons."
)

ALIKE_EDITS, MARGIN_EDITS, BETTER_EDITS = EDITS
EDITS_NOTE: Final = (
    "Generalization counts five queries of a fact, locality ten other facts; an edit of N_i reaches 60 % of the queries"
    " of a fact of K_I, relations differ in that by a standard deviation of 0.1."
)

RULES: Final = (
    Rule(
        name="prevalence, static, supported",
        says="prevalence SUPPORTED",
        topic="shares",
        wrong=_shares(0.25),
        right=_shares(0.5),
        asked="share 0.5, correlation 0.2",
        note="The margin is 0.25.",
    ),
    Rule(
        name="prevalence, static, refuted",
        says="prevalence REFUTED",
        topic="shares",
        wrong=_shares(0.25),
        right=_shares(0.05),
    ),
    Rule(
        name="prevalence_by_relation, supported",
        says="prevalence_by_relation SUPPORTED",
        topic="shares",
        wrong=_shares(0.5),
        right=_shares(0.7, 0.9),
        note="The margin is a half of the relations; relations whose facts are tied do not count.",
    ),
    Rule(
        name="prevalence_everywhere, supported",
        says="prevalence_everywhere SUPPORTED",
        topic="conjunction",
        wrong=("share 0.25 in each of three cells",),
        right=("share 0.5 in each of three cells",),
        note="Three localizers err on a tenth of the same facts each; the intraclass correlation is 0.1 without that.",
    ),
    Rule(
        name="prevalence, Otsu's cut is let to decide",
        says="Otsu decides",
        claims=("prevalence",),
        topic="localizations",
        wrong=ONE_KIND,
        right=(TWO_KINDS,),
        asked=TWO_KINDS,
    ),
    Rule(
        name="separation, supported",
        says="separation SUPPORTED",
        topic="localizations",
        wrong=ONE_KIND,
        right=(TWO_KINDS,),
        asked=TWO_KINDS,
        note="12 relations and fewer have 8 queries a fact, 24 and more have 4, so power does not rise evenly.",
    ),
    Rule(
        name="agreement, supported",
        says="agreement SUPPORTED",
        topic="agreement",
        wrong=("localizers know the relation alone", "localizers err on 16.8% of the facts"),
        right=("localizers err on 10.0% of the facts", "localizers err on 6.0% of the facts"),
        asked="localizers err on 10.0% of the facts",
        note="Where they err on 16.8, 10 and 6 % of the facts, kappa is 0.40 (the margin), 0.60 and 0.73.",
    ),
    Rule(
        name="trend, supported",
        says="trend SUPPORTED",
        topic="trend",
        wrong=("slope 0", "slope 0.05"),
        right=("slope 0.1", "slope 0.2"),
        asked="slope 0.2",
        note="The margin is 0.05; slopes of relations differ by a standard deviation of 0.08.",
    ),
    Rule(
        name="replication, replicates",
        says="replication SUPPORTED",
        topic="replication",
        wrong=("the printed share is off by 0.05",),
        right=("the printed share is off by 0",),
        asked="the printed share is off by 0",
        facts=700,
        note="The margin is 0.05, the share a half; relations differ by a standard deviation of 0.03.",
    ),
    Rule(
        name="own_over_neighbors, supported",
        says="own_over_neighbors SUPPORTED",
        claims=("own_over_neighbors_suppress", "own_over_neighbors_enhance"),
        topic="effects",
        wrong=(SAME, AT_MARGIN),
        right=(IN_ONE, IN_BOTH, IN_ONE_SPREAD, IN_BOTH_SPREAD),
        asked=IN_ONE,
        facts=MEASURED_FACTS,
        note=EFFECTS_NOTE,
    ),
    Rule(
        name="larger_drop, supported",
        says="larger_drop SUPPORTED",
        claims=("larger_drop_suppress", "larger_drop_enhance"),
        topic="effects",
        wrong=(SAME, IN_BOTH, IN_BOTH_SPREAD),
        right=(IN_ONE, IN_ONE_SPREAD),
        asked=IN_ONE,
        facts=MEASURED_FACTS,
        note=EFFECTS_NOTE,
        why=(
            "A difference of two classes, each with half of the facts and relations of its own, is known half as well "
            "as a mean, and four of them have to come out. A difference of 0.3 takes 36 relations of 20 facts."
        ),
    ),
    Rule(
        name="consistent_drop, supported",
        says="consistent_drop SUPPORTED",
        claims=("consistent_drop_suppress", "consistent_drop_enhance"),
        topic="effects",
        wrong=(SAME, AT_MARGIN, IN_ONE, IN_ONE_SPREAD),
        right=(IN_BOTH, IN_BOTH_SPREAD),
        asked=IN_BOTH,
        facts=MEASURED_FACTS,
        note=EFFECTS_NOTE,
    ),
    Rule(
        name="selection_answer_suppress, supported",
        says="selection_answer_suppress SUPPORTED",
        topic="selection",
        wrong=(SAME_SYNAPSES, MARGIN_SYNAPSES),
        right=(ALIKE, APART),
        asked=ALIKE,
        facts=SCALED_FACTS,
        note=SELECTION_NOTE,
    ),
    Rule(
        name="reliance_answer_suppress, supported",
        says="reliance_answer_suppress SUPPORTED",
        topic="selection",
        wrong=(SAME_SYNAPSES, ALIKE, MARGIN_APART),
        right=(APART,),
        facts=SCALED_FACTS,
        note=SELECTION_NOTE
        + " It has to clear the margin with a difference of two classes, which takes more than 36 relations.",
    ),
    Rule(
        name="local_edits_update, supported",
        says="local_edits_update SUPPORTED",
        topic="edits",
        wrong=(ALIKE_EDITS, MARGIN_EDITS),
        right=(BETTER_EDITS,),
        asked=BETTER_EDITS,
        facts=EDITED_FACTS,
        note=EDITS_NOTE + " The margin is 0.05 of generalization; the average has to be worse too.",
    ),
    Rule(
        name="cas_average_update, supported",
        says="cas_average_update SUPPORTED",
        topic="edits",
        wrong=(ALIKE_EDITS, MARGIN_EDITS),
        right=(BETTER_EDITS,),
        asked=BETTER_EDITS,
        facts=EDITED_FACTS,
        note=EDITS_NOTE + " The margin is 0 of the average; CAS has to be better as it is and in the size of N_i.",
    ),
    Rule(
        name="cas_held_out_update, supported",
        says="cas_held_out_update SUPPORTED",
        topic="edits",
        wrong=(ALIKE_EDITS, MARGIN_EDITS),
        right=(BETTER_EDITS,),
        asked=BETTER_EDITS,
        facts=EDITED_FACTS,
        note=EDITS_NOTE + " The margin is 0 of the average, under betas that relations of the other half chose.",
    ),
)
