"""Finds the parts of a model that its family's row names, and says which of them are not there."""

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from harness.errors import ModelError, near_matches
from harness.models.families import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Looks up what a row names in one model.

    Attributes:
        model: the whole model.
        family: the row.
        name: the model's name, for errors.
    """

    model: nn.Module
    family: Family
    name: str

    def blocks(self) -> tuple[nn.Module, ...]:
        """The transformer blocks, lowest first.

        Raises:
            ModelError: no list of blocks is there, as for every part.
        """
        found = self._follow(self.model, self.family.blocks, "blocks")
        if not isinstance(found, nn.ModuleList) or not len(found):
            raise self._unlike("blocks", self.family.blocks, found, "a list of blocks (ModuleList)")
        return tuple(found)

    def output_projection(self, block: nn.Module) -> nn.Module:
        """The FFN output projection of a block."""
        found = self._follow(block, self.family.output_projection, "output_projection")
        if not isinstance(found, nn.Linear | Conv1D):
            raise self._unlike("output_projection", self.family.output_projection, found, "Linear or Conv1D")
        return found

    def before_head(self) -> nn.Sequential:
        """What stands between the last block and the head, without what this model lacks."""
        steps = [
            step if isinstance(step, nn.Module) else self._follow(self.model, step, "before_head")
            for step in self.family.before_head
        ]
        return nn.Sequential(*(step for step in steps if step is not None))

    def head(self) -> nn.Linear:
        """The vocabulary projection."""
        found = self._follow(self.model, self.family.head, "head")
        if not isinstance(found, nn.Linear):
            raise self._unlike("head", self.family.head, found, "Linear")
        return found

    def _follow(self, start: nn.Module, path: str, what: str) -> nn.Module | None:
        """The module at a dotted path; None where the model has None there."""
        found: object = start
        for step in path.split("."):
            if not hasattr(found, step):
                children = dict(found.named_children()) if isinstance(found, nn.Module) else {}
                raise ModelError(
                    f"{self._row(what, path)} leads nowhere: {type(found).__name__} has no {step!r}. "
                    f"{near_matches(step, children)}",
                    model=self.name,
                )
            found = getattr(found, step)
        if found is not None and not isinstance(found, nn.Module):
            raise self._unlike(what, path, found, "a module")
        return found

    def _unlike(self, what: str, path: str, found: object, expected: str) -> ModelError:
        return ModelError(f"{self._row(what, path)} is a {type(found).__name__}, expected {expected}", model=self.name)

    def _row(self, what: str, path: str) -> str:
        return f"the row of {self.family.model_type!r} does not fit {self.name!r}: {what} = {path!r}"


def common_input_width(projections: tuple[nn.Module, ...], *, name: str) -> int:
    """Neurons a layer.

    Raises:
        ModelError: layers differ.
    """
    widths = {_input_width(projection) for projection in projections}
    if len(widths) != 1:
        raise ModelError(f"{name!r} has layers of different width {sorted(widths)}", model=name)
    return widths.pop()


def _input_width(projection: nn.Module) -> int:
    """Neurons that feed an output projection; Conv1D stores [d_ff, d_model], Linear [d_model, d_ff]."""
    if isinstance(projection, nn.Linear):
        return projection.in_features
    return int(cast(Tensor, projection.weight).shape[0])
