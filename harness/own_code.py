"""Code of the user's own, named as `package.module:attribute`: a localizer, an editor, an adapter of a model family."""

import hashlib
import importlib
import os
import sys
from pathlib import Path

from harness.errors import ConfigError


def import_own(text: str, *, setting: str) -> object:
    """What `package.module:attribute` names; the module is looked for in the working directory too.

    Args:
        text: the name as it was given.
        setting: the option that it was given to, for the error.

    Raises:
        ConfigError: it is not written so, the module cannot be imported, or it has no such attribute.
    """
    module_name, colon, attribute = text.partition(":")
    if not (module_name and colon and attribute):
        raise ConfigError(
            f"--{setting} {text!r}: code of your own is written package.module:attribute", setting=setting, value=text
        )
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)  # pytest, unlike python, does not look there
    try:
        found: object = importlib.import_module(module_name)
        for name in attribute.split("."):
            found = getattr(found, name)
    except AttributeError as error:
        raise ConfigError(f"--{setting} {text!r}: {error}", setting=setting, value=text) from error
    except Exception as error:  # whatever the module does when it is imported
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"--{setting} {text!r}: {module_name} cannot be imported ({why}). Modules are looked for in {here} and"
            " where Python is installed",
            setting=setting,
            value=text,
        ) from error
    return found


def source_fingerprint(thing: object) -> str | None:
    """Hash of the code that somebody's object is made of; None of what comes with this project.

    The code is every Python file of the package that the object's class is defined in, or its single module: what is
    stored under this hash is not taken for the work of other code. What the package itself imports is not looked at.

    Args:
        thing: an object, such as an editor.
    """
    kind = thing if isinstance(thing, type) else type(thing)
    top = kind.__module__.partition(".")[0]
    if top == "harness":
        return None
    file = getattr(sys.modules.get(top), "__file__", None)
    folders = [Path(folder) for folder in getattr(sys.modules.get(top), "__path__", ())]
    files = sorted(path for folder in folders for path in folder.rglob("*.py")) or ([Path(file)] if file else [])
    digest = hashlib.blake2b(kind.__qualname__.encode(), digest_size=10)
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
