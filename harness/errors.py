"""Errors of the harness: one base class, one subclass a stage, each carrying the culprit as attributes."""

import difflib
from collections.abc import Iterable, Sequence


class HarnessError(Exception):
    """Base of every error that the harness raises on purpose; its text says what to do."""


class DataError(HarnessError):
    """A fact, pattern or data folder cannot be used.

    Attributes:
        path: the file or folder at fault, if there is one.
        line: 1-based line number in that file, if there is one.
    """

    def __init__(self, message: str, *, path: object = None, line: int | None = None) -> None:
        self.path = path
        self.line = line
        where = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(where + message)


class ModelError(HarnessError):
    """A model cannot be found, loaded or driven.

    Attributes:
        model: what was asked for.
    """

    def __init__(self, message: str, *, model: str) -> None:
        self.model = model
        super().__init__(message)


class QueryError(HarnessError):
    """A query cannot be turned into token ids, so it gets no score.

    Attributes:
        prompt: the query's text.
        reason: why, in words that are the same for every query of this kind.
    """

    def __init__(self, reason: str, *, prompt: str) -> None:
        self.prompt = prompt
        self.reason = reason
        super().__init__(f"{reason} (query: {prompt!r})")


class ConfigError(HarnessError):
    """A setting is out of its range or names nothing that exists.

    Attributes:
        setting: the name of the setting.
        value: what it was set to.
    """

    def __init__(self, message: str, *, setting: str, value: object) -> None:
        self.setting = setting
        self.value = value
        super().__init__(message)


class EditError(HarnessError):
    """An editor failed, or did not give the model back as it was.

    Attributes:
        editor: name of the editor.
        leaks: what is otherwise in the model than before, one phrase each; empty where it failed for another reason.
    """

    def __init__(self, message: str, *, editor: str, leaks: Sequence[str] = ()) -> None:
        self.editor = editor
        self.leaks = tuple(leaks)
        super().__init__(message)


class StoreError(HarnessError):
    """Something on disk cannot be read or written.

    Attributes:
        path: the file or folder at fault.
    """

    def __init__(self, message: str, *, path: object) -> None:
        self.path = path
        super().__init__(f"{path}: {message}")


class RecordError(HarnessError):
    """A record has a wrong field, type or schema version.

    Attributes:
        field: the field at fault.
    """

    def __init__(self, message: str, *, field: str) -> None:
        self.field = field
        super().__init__(message)


def near_matches(name: str, known: Iterable[str]) -> str:
    """Says which known names are near `name`, then what exists: the tail of every unknown-name error."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return f"{hint}Known: {', '.join(names) or 'none'}."
