"""The two things done to a module from outside, each undone on the way out, also after an exception."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def recording_calls(module: nn.Module, keep: Callable[[tuple[Any, ...], dict[str, Any], Any], None]) -> Generator[None]:
    """Calls `keep(args, kwargs, output)` after every call of `module`."""

    def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
        keep(args, kwargs, output)

    handle = module.register_forward_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def replacing_input(module: nn.Module, replace: Callable[[Tensor], Tensor]) -> Generator[None]:
    """Passes `replace(input)` to `module` instead of its first input."""

    def hook(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (replace(args[0]), *args[1:])

    handle = module.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()
