"""What the options say: texts from the command line or the ini file, read into values and checked."""

import argparse
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from harness.attribution.quadrature import Quadrature
from harness.consistency import Threshold, parse_threshold
from harness.errors import ConfigError, near_matches
from plugins.options import OPTIONS, Option
from reports.asked import check_formats
from reports.gate.limits import Limit, parse_limits

FAIL_ON = ("refuted", "inconclusive", "never")
ENGINES = ("local", "ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a session is asked for, checked as far as that needs neither model nor data.

    The fields are the options of `plugins.options`, in their order and in the harness's types.
    """

    models: tuple[str, ...]
    data: str | None
    localizers: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    relations: tuple[str, ...]
    limit: int | None
    editors: tuple[str, ...]
    perplexity_text: str
    measured_facts: int | None
    known_only: bool
    quadrature: Quadrature
    answer: str
    dtype: str
    precision_sample: int
    device: str
    device_map: str | None
    adapter: str | None
    batch_size: int | None
    engine: str
    ray_address: str
    ray_actors: int | None
    seed: int
    draws: int
    store: Path
    fail_on: str
    margins: dict[str, float]
    save: str | None
    report: tuple[str, ...]
    compare: str | None
    compare_fail: tuple[Limit, ...]
    dry_run: bool
    offline: bool
    trust_remote_code: bool


def read_request(config: pytest.Config, claims: Iterable[str]) -> Request:
    """Reads the options.

    Args:
        config: pytest's configuration.
        claims: names of the claims that exist, for `--margin`.

    Raises:
        HarnessError: a value is out of its range or names nothing that exists.
    """

    def said(option: Option) -> object:
        given = config.getoption(option.key)
        return config.getini(option.key) if given is None else given

    return _read(_Texts(said), claims)


def read_arguments(arguments: argparse.Namespace, claims: Iterable[str]) -> Request:
    """Reads the options that a command of `kntests` shares with pytest; what it does not take has its default.

    Raises:
        HarnessError: a value is out of its range or names nothing that exists.
    """
    return _read(_Texts(lambda option: getattr(arguments, option.name.replace("-", "_"), None)), claims)


def _read(text: "_Texts", claims: Iterable[str]) -> Request:
    limit, batch_size, save = text.maybe("limit"), text.one("batch-size"), text.maybe("save")
    actors = text.one("ray-actors")
    return Request(
        models=text.many("model"),
        data=text.maybe("data"),
        localizers=text.listed("localizer"),
        thresholds=tuple({t.name: t for t in map(parse_threshold, text.listed("threshold"))}.values()),
        relations=text.listed("relations", may_be_empty=True),
        limit=None if limit is None else whole("limit", limit, 1),
        editors=text.many("editor"),
        perplexity_text=text.one("perplexity-text"),
        measured_facts=whole("measured-facts", text.one("measured-facts"), 0) or None,
        known_only=text.choice("facts", ("all", "known")) == "known",
        quadrature=Quadrature.parse(text.one("quadrature")),
        answer=text.choice("answer", ("first", "joint")),
        dtype=text.one("dtype"),
        precision_sample=whole("precision-sample", text.one("precision-sample"), 0),
        device=text.one("device"),
        device_map=text.maybe("device-map"),
        adapter=text.maybe("adapter"),
        batch_size=None if batch_size == "auto" else whole("batch-size", batch_size, 1, also="auto or "),
        engine=text.choice("engine", ENGINES),
        ray_address=text.one("ray-address"),
        ray_actors=None if actors == "auto" else whole("ray-actors", actors, 1, also="auto or "),
        seed=whole("seed", text.one("seed"), 0),
        draws=whole("draws", text.one("draws"), 1),
        store=_store(text.one("store")),
        fail_on=text.choice("fail-on", FAIL_ON),
        margins=dict(_margin(entry, list(claims)) for entry in text.many("margin")),
        save=None if save is None else _file_name("save", save),
        report=check_formats(text.listed("report"), "report"),
        compare=text.maybe("compare"),
        compare_fail=_limits(text.maybe("compare-fail"), text.maybe("compare")),
        dry_run=text.switch("dry-run"),
        offline=text.switch("offline"),
        trust_remote_code=text.switch("trust-remote-code"),
    )


class _Texts:
    """The options as texts: what somebody said, else the default."""

    def __init__(self, said: Callable[[Option], object]) -> None:
        self._said = said
        self._options = {option.name: option for option in OPTIONS}

    def _value(self, name: str) -> object:
        option = self._options[name]
        given = self._said(option)
        return option.default if given is None else given

    def switch(self, name: str) -> bool:
        return bool(self._value(name))

    def maybe(self, name: str) -> str | None:
        """The value, or None if nobody said anything."""
        value = self._value(name)
        if value is None:
            return None
        text = str(value).strip()
        if not text:
            raise ConfigError(f"--{name} needs a value, got an empty text", setting=name, value=text)
        return text

    def one(self, name: str) -> str:
        """The value of an option that has a default."""
        value = self.maybe(name)
        assert value is not None, f"--{name} has no default"
        return value

    def many(self, name: str) -> tuple[str, ...]:
        """The values of an option that may be repeated, each once."""
        value = self._value(name)
        entries = cast(list[str], value) if isinstance(value, list) else [] if value is None else str(value).split("\n")
        values = [entry.strip() for entry in entries]
        if not all(values):
            raise ConfigError(f"--{name} needs a value, got an empty text", setting=name, value="")
        return tuple(dict.fromkeys(values))

    def listed(self, name: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
        """The entries of a list separated by commas, each once."""
        value = self.maybe(name) if may_be_empty else self.one(name)
        entries = tuple(dict.fromkeys(part.strip() for part in (value or "").split(",") if part.strip()))
        if not entries and not (may_be_empty and value is None):
            raise ConfigError(f"--{name} needs at least one entry, got {value!r}", setting=name, value=value)
        return entries

    def choice(self, name: str, choices: Iterable[str]) -> str:
        """One of a few words."""
        value, known = self.one(name), list(choices)
        if value not in known:
            raise ConfigError(f"--{name} cannot be {value!r}. {near_matches(value, known)}", setting=name, value=value)
        return value


def whole(name: str, text: str, least: int, *, also: str = "") -> int:
    """Reads a whole number from `least` on; `also` names in the error what else may be written."""
    # Python reads no number of thousands of digits.
    if not re.fullmatch(r"[+-]?\d{1,18}", text) or int(text) < least:
        raise ConfigError(
            f"--{name} must be {also}a whole number, {least} or more; got {text!r}", setting=name, value=text
        )
    return int(text)


def _store(text: str) -> Path:
    """Reads a folder; of a URL a folder of that name would be made here, without a word."""
    if "://" in text:
        raise ConfigError(
            f"--store is a folder of this machine, got {text!r}. On several machines the process that you start writes"
            " it alone, so the others need not reach it",
            setting="store",
            value=text,
        )
    return Path(text).expanduser()


def _file_name(name: str, text: str) -> str:
    """Reads what may become part of a folder's name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ConfigError(
            f"--{name} takes letters, digits, '.', '_' and '-', beginning with a letter or digit; got {text!r}",
            setting=name,
            value=text,
        )
    return text


def _limits(text: str | None, reference: str | None) -> tuple[Limit, ...]:
    """Reads what may get worse, which takes a run to compare with."""
    if text is None:
        return ()
    limits = parse_limits(text)
    if reference is None:
        raise ConfigError(
            "--compare-fail says how much worse than another run this one may be; name that run with --compare",
            setting="compare-fail",
            value=text,
        )
    return limits


def _margin(entry: str, claims: list[str]) -> tuple[str, float]:
    """Reads `claim=x`."""
    claim, equals, text = entry.partition("=")
    if not equals or not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", text.strip()):
        raise ConfigError(
            f"--margin is written claim=number, such as prevalence=0.25; got {entry!r}", setting="margin", value=entry
        )
    if claim.strip() not in claims:
        raise ConfigError(f"no claim {claim!r}. {near_matches(claim, claims)}", setting="margin", value=entry)
    return claim.strip(), float(text)
