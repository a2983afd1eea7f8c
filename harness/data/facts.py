"""Facts, the patterns that ask for them, and the queries of a language model."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np

from harness.errors import ConfigError, near_matches

SUBJECT = "[X]"
ANSWER = "[Y]"


class QueryForm(StrEnum):
    """What a query makes of a pattern, which depends on the kind of model."""

    CONTINUATION = "continuation"
    """The beginning up to [Y], for a causal language model: patterns whose answer comes last."""
    CLOZE = "cloze"
    """The whole sentence with a gap at [Y], for a masked language model: every pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact <subject, relation, object>; `uid` tells apart facts whose three parts are the same (ParaRel's uuid)."""

    uid: str
    relation: str
    subject: str
    object: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A relation's template with one [X] for the subject and one [Y] for the answer.

    Attributes:
        id: `relation:line`, the line of the relation's pattern file counted from 1.
        text: the template.
    """

    id: str
    text: str

    @property
    def stem(self) -> str | None:
        """The template up to [Y], trailing space stripped, if the answer comes last; else None.

        A full stop and spaces behind the answer do not count.
        """
        if not self.text.rstrip(" .").endswith(ANSWER):
            return None
        return self.text[: self.text.index(ANSWER)].rstrip()

    def frame(self, form: QueryForm) -> str | None:
        """What a query of that form takes of the template; None if it is of no use to it."""
        return self.text if form is QueryForm.CLOZE else self.stem

    def ask(self, fact: Fact, form: QueryForm = QueryForm.CONTINUATION) -> str:
        """The query for `fact`: the template up to its answer, or with [Y] left in it, and with the fact's subject."""
        frame = self.frame(form)
        if frame is None:
            raise ValueError(f"the answer does not come last in {self.text!r}")
        return frame.replace(SUBJECT, fact.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One of a fact's neighbor queries.

    Attributes:
        fact: what is asked for.
        index: its number among the fact's queries, from 0.
        pattern_id: the pattern that it comes from.
        prompt: the text. The model is to continue it with a space and the fact's object, or to fill its [Y].
        form: which of the two.
    """

    fact: Fact
    index: int
    pattern_id: str
    prompt: str
    form: QueryForm = QueryForm.CONTINUATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation with its facts and those of its patterns that its queries can be made of."""

    name: str
    facts: tuple[Fact, ...]
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Relations that have at least two usable patterns.

    Attributes:
        name: what it is called in records.
        relations: sorted by name.
        skipped: relation -> why it is not among them.
        n_patterns: patterns read, usable or not.
        limit: facts a relation that were asked for, or None for all.
        form: what its queries are.
    """

    name: str
    relations: tuple[Relation, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    n_patterns: int = 0
    limit: int | None = None
    form: QueryForm = QueryForm.CONTINUATION

    def queries(self) -> Iterator[Query]:
        """Every query of every fact, by relation, fact and pattern."""
        for relation in self.relations:
            for fact in relation.facts:
                for index, pattern in enumerate(relation.patterns):
                    prompt = pattern.ask(fact, self.form)
                    yield Query(fact=fact, index=index, pattern_id=pattern.id, prompt=prompt, form=self.form)

    def facts(self) -> list[Fact]:
        """Every fact, by relation."""
        return [fact for relation in self.relations for fact in relation.facts]

    @property
    def n_facts(self) -> int:
        """Number of facts."""
        return sum(len(relation.facts) for relation in self.relations)

    @property
    def n_queries(self) -> int:
        """Number of queries."""
        return sum(len(relation.facts) * len(relation.patterns) for relation in self.relations)

    @property
    def fingerprint(self) -> str:
        """Content hash of uids, prompts and objects."""
        digest = hashlib.blake2b(digest_size=16)
        for query in self.queries():
            digest.update("\x1f".join((query.fact.uid, query.pattern_id, query.prompt, query.fact.object)).encode())
            digest.update(b"\x1e")
        return digest.hexdigest()

    def only(self, relations: Collection[str]) -> Self:
        """The named relations alone.

        Raises:
            ConfigError: a name that the dataset does not have, or has but skipped.
        """
        known = {relation.name for relation in self.relations}
        skipped = dict(self.skipped)
        for name in relations:
            if name in skipped:
                raise ConfigError(f"relation {name} is unusable: {skipped[name]}", setting="relations", value=name)
            if name not in known:
                raise ConfigError(
                    f"no relation {name!r} in {self.name}. {near_matches(name, known)}", setting="relations", value=name
                )
        return replace(self, relations=tuple(r for r in self.relations if r.name in relations))

    def sample(self, limit: int, seed: int) -> Self:
        """At most `limit` facts a relation, drawn by a generator of its own for every relation.

        Raises:
            ConfigError: limit below 1.
        """
        if limit < 1:
            raise ConfigError(
                f"a limit counts facts a relation and is at least 1, got {limit}", setting="limit", value=limit
            )
        return replace(self, limit=limit, relations=tuple(_sampled(r, limit, seed) for r in self.relations))


def _sampled(relation: Relation, limit: int, seed: int) -> Relation:
    if len(relation.facts) <= limit:
        return relation
    key = int.from_bytes(hashlib.blake2b(relation.name.encode(), digest_size=8).digest())
    chosen = np.random.default_rng([seed, key]).choice(len(relation.facts), size=limit, replace=False)
    return replace(relation, facts=tuple(relation.facts[i] for i in sorted(chosen)))
