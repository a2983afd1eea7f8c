"""Counts the operations of matrix products while they run."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class CountedOperations(TorchDispatchMode):
    """Floating-point operations of matrix products, forward and backward."""

    def __init__(self, *, attention: bool = True) -> None:
        """Counts all, or leaves out the batched products, which are those of attention."""
        super().__init__()
        self.operations = 0
        self._left_out = () if attention else (torch.ops.aten.bmm, torch.ops.aten.baddbmm)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry and func.overloadpacket not in self._left_out:
            self.operations += flop_registry[func.overloadpacket](*args, out_val=result)
        return result
