"""What a model is at one moment, down to the last bit, so that whoever borrowed it has to give it back whole."""

import hashlib
from dataclasses import dataclass

import torch
from torch import nn

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """Content and condition of a model's parts.

    Attributes:
        tensors: name -> content hash of every parameter and buffer.
        modules: name -> class and identity of every module: what was put in its place is another.
        hooks: name -> hooks of every module that has any.
        flags: what else a run may leave behind: modes, gradients, the attention function.
    """

    tensors: dict[str, str]
    modules: dict[str, str]
    hooks: dict[str, str]
    flags: dict[str, str]

    def differences(self, other: "ModelState") -> list[str]:
        """What is otherwise in `other`, one phrase each; empty if nothing is."""
        found: list[str] = []
        for kind, mine, theirs in (
            ("module", self.modules, other.modules),
            ("tensor", self.tensors, other.tensors),
            ("hooks of", self.hooks, other.hooks),
            ("flag", self.flags, other.flags),
        ):
            changed = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
            found += [f"{kind} {name or 'the model'} changed" for name in changed]
        return found


def model_state(model: nn.Module) -> ModelState:
    """Takes a model's state; reads every weight once, about a gigabyte a second.

    Args:
        model: on any device.
    """
    modules = dict(model.named_modules())
    tensors = {**dict(model.named_parameters()), **{f"{name} (buffer)": b for name, b in model.named_buffers()}}
    flags = {f"{name} training": str(module.training) for name, module in modules.items() if module.training}
    for name, parameter in model.named_parameters():
        flags[f"{name} gradient"] = f"wanted {parameter.requires_grad}, there {parameter.grad is not None}"
    flags["gradients enabled"] = str(torch.is_grad_enabled())
    flags["attention function"] = str(getattr(getattr(model, "config", None), "_attn_implementation", None))
    return ModelState(
        tensors={name: _digest(tensor) for name, tensor in tensors.items()},
        modules={name: f"{type(module).__name__} {id(module)}" for name, module in modules.items()},
        hooks={name: hooks for name, module in modules.items() if (hooks := _hooks(module))},
        flags=flags,
    )


def _digest(tensor: torch.Tensor) -> str:
    """Hash of dtype, shape and every byte."""
    digest = hashlib.blake2b(f"{tensor.dtype} {tuple(tensor.shape)}".encode(), digest_size=16)
    digest.update(tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _hooks(module: nn.Module) -> str:
    """The hooks of a module as one text; empty if it has none."""
    found = {kind: [id(hook) for hook in getattr(module, kind, {}).values()] for kind in _HOOKS}
    return str({kind: hooks for kind, hooks in found.items() if hooks} or "")
