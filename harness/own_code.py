"""Code of the user's own, named as `package.module:attribute`: a localizer, an editor, an adapter of a model family."""

import importlib
import os
import sys

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
