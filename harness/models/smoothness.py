"""Whether a model is a smooth function of its neurons."""

import re

from torch import nn

_KINKED = re.compile(r"relu|hard|shrink|threshold", re.IGNORECASE)


def is_smooth(model: nn.Module) -> bool:
    """Whether none of its modules is an activation function with a kink, as PyTorch and transformers name them.

    ReLU and its kin (leaky, squared, capped at 6) have one, `Hardtanh` and its kin, and the shrinking functions. One
    that is called as a function, not as a module, is not seen.
    """
    return not any(_KINKED.search(type(module).__name__) for module in model.modules() if not list(module.children()))
