"""The intervals, and what each of them should cover."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """An interval.

    Attributes:
        name: as its events name it.
        topic: where it is counted.
        truth: what it should cover.
        decides: a verdict rests on it; else it stands in a record beside the one that does.
        why: where it fails and why.
    """

    name: str
    topic: str
    truth: str
    decides: bool = True
    why: str = ""


INTERVALS: Final = (
    Coverage(
        name="bootstrap-t",
        topic="shares",
        truth="the share of facts at or below 0.1",
    ),
    Coverage(
        name="bootstrap-t, Otsu",
        topic="shares",
        truth="the share of facts at or below the Otsu cut of all, where the cut parts two modes",
    ),
    Coverage(
        name="Clopper-Pearson over relations",
        topic="shares",
        truth="the share of relations in which more than half of the facts lie at or below 0.1",
    ),
    Coverage(name="band of the curve", topic="curve", truth="the shares at or below 20 cuts, all of them at once"),
    Coverage(
        name="kappa within relations",
        topic="agreement",
        truth="kappa within relations of very many relations of very many facts",
    ),
    Coverage(name="slope of the share", topic="trend", truth="the rise of the share a tenfold size"),
    Coverage(name="slope of CS2", topic="trend", truth="the rise of mean CS2 a tenfold size"),
    Coverage(
        name="difference on other queries, two kinds seen",
        topic="localizations",
        truth="the difference of K_I and K_II in 1,500 relations under their own Otsu cut",
    ),
    Coverage(
        name="t on relation means",
        topic="shares",
        truth="the mean of relations' shares at or below 0.1",
        decides=False,
        why=(
            "Where the share is near 0 or 1 and relations differ much, nearly all of it lies in a few relations. "
            "A sample that misses them has a mean and a spread that are both too small, and Student's t knows no "
            "skewness: the interval ends on that side of the truth. It stands in the record beside bootstrap-t, "
            "which covers in the same populations."
        ),
    ),
    Coverage(
        name="difference on other queries, one kind seen",
        topic="localizations",
        truth="the difference of K_I and K_II in 1,500 relations under their own Otsu cut",
        decides=False,
        why=(
            "Facts of one kind have no gap in which a cut could lie, so Otsu's cut goes where the sample puts it, "
            "and the interval, which holds the cut of each half in its draws, does not know that. With one cut "
            "for all samples it covers as it should where most facts keep next to nothing. Where a few relations "
            "lie far out it does not even then: samples that miss them show too small a difference. The interval "
            "is that of the difference between the classes as they were cut, and separation is not supported by it."
        ),
    ),
)
