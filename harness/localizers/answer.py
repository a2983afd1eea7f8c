"""Which tokens of the gold answer count: the first alone, or all of them, each after the gold ones before it."""

from typing import Final

from harness.errors import ConfigError, near_matches
from harness.models.queries import EncodedQuery

ANSWERS: Final = ("first", "joint")
"""`first`: p of the answer's first token. `joint`: p of all its tokens, teacher-forced."""


def check_answer(answer: str) -> None:
    """Refuses what is not one of `ANSWERS`.

    Raises:
        ConfigError: it is none of them.
    """
    if answer not in ANSWERS:
        raise ConfigError(f"no answer {answer!r}. {near_matches(answer, ANSWERS)}", setting="answer", value=answer)


def counted_tokens(query: EncodedQuery, answer: str) -> int:
    """How many tokens of a query's answer count."""
    return len(query.answer_ids) if answer == "joint" else 1
