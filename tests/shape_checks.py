"""The type checker that jaxtyping puts around every function of the harness while its tests run."""

from collections.abc import Callable
from typing import Any, Self, get_args

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as pyright has it


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """Checks shapes and types of arguments and result.

    Left out are hints that say nothing at run time: Self, because jaxtyping wraps methods one by one, where it has no
    class, and protocols that isinstance refuses.
    """
    hints = function.__annotations__
    function.__annotations__ = {name: hint for name, hint in hints.items() if _checkable(hint)}
    return _beartype(function)


def _checkable(hint: object) -> bool:
    if isinstance(hint, list):  # the arguments of a Callable
        return all(map(_checkable, hint))
    is_closed_protocol = getattr(hint, "_is_protocol", False) and not getattr(hint, "_is_runtime_protocol", False)
    return hint is not Self and not is_closed_protocol and all(map(_checkable, get_args(hint)))
