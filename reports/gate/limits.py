"""What `--compare-fail` and `kntests compare --fail` say: how much worse each metric may get.

    gen:-0.02@p<0.05,ppl:+5%

One limit a metric, separated by commas: the metric, the change that is still allowed, in the direction that is worse
(- for a metric of which more is better, + for perplexity), and if wanted the level at which it has to be exceeded.
"""

import re
from dataclasses import dataclass
from typing import Final

from harness.errors import ConfigError, near_matches

EXAMPLE: Final = "gen:-0.02@p<0.05,ppl:+5%"

_NUMBER: Final = r"(?:\d+\.?\d*|\.\d+)"
_CHANGE: Final = re.compile(rf"(?P<sign>[+-])(?P<size>{_NUMBER})(?P<percent>%?)")
_LEVEL: Final = re.compile(rf"p<(?P<level>{_NUMBER}(?:[eE]-\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One of the metrics of an edit.

    Attributes:
        name: as it is written in a limit.
        column: of `edits.csv`.
        more_is_better: whether a smaller value is worse.
    """

    name: str
    column: str
    more_is_better: bool = True

    @property
    def worse(self) -> str:
        """Sign of a change for the worse."""
        return "-" if self.more_is_better else "+"


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric(name="rel", column="reliability"),
        Metric(name="gen", column="generalization"),
        Metric(name="loc", column="locality"),
        Metric(name="avg", column="average"),
        Metric(name="ppl", column="perplexity_change", more_is_better=False),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much worse a metric may get.

    Attributes:
        metric: which.
        tolerance: the change for the worse that is still allowed; not negative, of percent a fraction.
        percent: whether it is relative to the reference.
        level: p must be below it for the limit to count as exceeded; None where the estimate alone decides.
    """

    metric: Metric
    tolerance: float
    percent: bool = False
    level: float | None = None

    def __str__(self) -> str:
        size = f"{100 * self.tolerance:.12g}%" if self.percent else f"{self.tolerance:.12g}"
        level = "" if self.level is None else f"@p<{self.level:.12g}"
        return f"{self.metric.name}:{self.metric.worse}{size}{level}"


def parse_limits(text: str) -> tuple[Limit, ...]:
    """Reads limits, one a metric.

    Raises:
        ConfigError: it is not written as they are; the text says what is expected.
    """
    limits = [_limit(part.strip()) for part in text.split(",")]
    names = [limit.metric.name for limit in limits]
    for name in names:
        if names.count(name) > 1:
            raise _refused(text, f"{name!r} has {names.count(name)} limits, and one is expected")
    return tuple(limits)


def _limit(text: str) -> Limit:
    name, colon, rest = (part.strip() for part in text.partition(":"))
    if not name or not colon:
        raise _refused(text, f"metric:change is expected, such as {EXAMPLE}")
    if name not in METRICS:
        raise _refused(text, f"no metric {name!r}. {near_matches(name, METRICS)}")
    metric = METRICS[name]
    change, at, condition = (part.strip() for part in rest.partition("@"))
    matched = _CHANGE.fullmatch(change)
    if matched is None:
        raise _refused(text, f"{change!r} is no change; a sign and a number are expected, such as -0.02 or +5%")
    if matched["sign"] != metric.worse:
        better = "more" if metric.more_is_better else "less"
        right = f"{name}:{metric.worse}{change[1:]}"
        raise _refused(text, f"of {name} {better} is better, so a limit is written the other way, {right}")
    size = float(matched["size"])
    percent = bool(matched["percent"])
    return Limit(
        metric=metric,
        tolerance=size / 100 if percent else size,
        percent=percent,
        level=_level(text, condition) if at else None,
    )


def _level(text: str, condition: str) -> float:
    matched = _LEVEL.fullmatch(condition.replace(" ", ""))
    if matched is None or not 0 < float(matched["level"]) < 0.5:
        raise _refused(text, f"{condition!r} is no level; @p<x is expected with x between 0 and 0.5, such as @p<0.05")
    return float(matched["level"])


def _refused(text: str, why: str) -> ConfigError:
    return ConfigError(f"the limit {text!r} cannot be read: {why}", setting="fail", value=text)
