"""Knowledge modification: editors, what their edits are scored on, and the driver that scores them."""

from collections.abc import Callable
from typing import cast

from harness.editing.cases import Draws, EditCase, EditPlan, LocatedFact, plan_edits
from harness.editing.editor import Editor, FunctionalEditor
from harness.editing.evaluate import EditRow, evaluate_edits
from harness.editing.fine_tuning import ConstrainedFineTuning
from harness.editing.identity import Identity
from harness.editing.knowledge_neurons import KnowledgeNeurons
from harness.editing.perplexity import encode_passages
from harness.editing.rank_one import RankOne
from harness.editing.request import ERASE, KINDS, UPDATE, EditRequest
from harness.errors import ConfigError, near_matches
from harness.own_code import import_own

__all__ = [
    "EDITORS",
    "ERASE",
    "KINDS",
    "UPDATE",
    "ConstrainedFineTuning",
    "Draws",
    "EditCase",
    "EditPlan",
    "EditRequest",
    "EditRow",
    "Editor",
    "FunctionalEditor",
    "Identity",
    "KnowledgeNeurons",
    "LocatedFact",
    "RankOne",
    "encode_passages",
    "evaluate_edits",
    "make_editor",
    "plan_edits",
]

EDITORS: dict[str, Callable[[], Editor]] = {
    "kn-local": lambda: KnowledgeNeurons(neurons="local"),
    "kn-global": lambda: KnowledgeNeurons(neurons="global"),
    "kn-cas": lambda: KnowledgeNeurons(neurons="cas"),
    "kn-cas-matched": lambda: KnowledgeNeurons(neurons="cas-matched"),
    "fine-tuning": ConstrainedFineTuning,
    "rank-one": RankOne,
    "rank-one-query": lambda: RankOne(position="query"),
}


def make_editor(name: str) -> Editor:
    """A built-in editor, or one found as `package.module:attribute`.

    The attribute is an editor, or something that gives one when it is called without arguments.

    Raises:
        ConfigError: nothing has that name, or what has it is no editor.
    """
    if name in EDITORS:
        return EDITORS[name]()
    if ":" not in name:
        raise ConfigError(
            f"no editor {name!r}. {near_matches(name, EDITORS)} One of your own is package.module:attribute.",
            setting="editor",
            value=name,
        )
    found = import_own(name, setting="editor")
    candidate = found if isinstance(found, Editor) and not isinstance(found, type) else _called(found, name)
    missing = [member for member in ("name", "config", "edit") if not hasattr(candidate, member)]
    if missing:
        raise ConfigError(
            f"{name!r} is no editor: {type(candidate).__name__} has no {', '.join(missing)}. It needs the members name,"
            " config() and edit(model, tokenizer, request), which gives a context manager; see docs/methods/editing.md",
            setting="editor",
            value=name,
        )
    return cast(Editor, candidate)


def _called(found: object, name: str) -> object:
    """What a class or function gives when it is called without arguments."""
    if not callable(found):
        return found
    try:
        return found()
    except Exception as error:  # whatever it does
        raise ConfigError(
            f"--editor {name!r} failed when it was called without arguments: {type(error).__name__}: {error}",
            setting="editor",
            value=name,
        ) from error
