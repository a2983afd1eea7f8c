"""What a block was called with and what it returned, whatever its signature."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor


def named_arguments(
    forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Tensor, dict[str, Any]]:
    """The hidden state of a block's call, and its other arguments by name."""
    bound = inspect.signature(forward).bind(*args, **kwargs)
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        else:
            named[name] = value
    return named.pop(next(iter(bound.signature.parameters))), named


def first_output(output: Any) -> Tensor:
    """The hidden state of a block's output, which some families wrap in a tuple."""
    return output[0] if isinstance(output, tuple) else output
