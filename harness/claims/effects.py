"""What interventions and edits did to the facts of a cell: one number a fact and quantity. No model, no text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from harness.claims.verdict import Control, Verdict
from harness.errors import ConfigError, near_matches


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """Numbers of facts, by quantity; the facts are those of the `Evidence` of the same cell, in its order.

    Attributes:
        values: quantity -> one number a fact; nan where a fact has none.
        excluded: why facts have no number, and how many.
        controls: of the measurement; a failed one makes every claim that reads it VOID.
        obstacle: why the model allows none of it, and what to do; every claim that reads it is NOT_APPLICABLE then.
        remark: what a reader of any verdict on these numbers has to know; ends its reason.
        absent: quantity -> why it was measured for no fact; a claim that reads it is NOT_APPLICABLE.
        notes: what else a reader of the rows needs; goes into their extras, builtins only.
    """

    values: Mapping[str, Float[np.ndarray, " facts"]]
    excluded: Mapping[str, int] = field(default_factory=dict[str, int])
    controls: tuple[Control, ...] = ()
    obstacle: str | None = None
    remark: str | None = None
    absent: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: Mapping[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        """Raises ConfigError if quantities do not have the same facts."""
        shapes = {values.shape for values in self.values.values()}
        if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
            raise ConfigError(
                f"every quantity has one number a fact; their shapes are {sorted(shapes)}",
                setting="values",
                value=shapes,
            )

    def quantity(self, name: str) -> Float[np.ndarray, " facts"]:
        """One quantity.

        Raises:
            ConfigError: it was not measured.
        """
        if name not in self.values:
            raise ConfigError(f"no quantity {name!r}. {near_matches(name, self.values)}", setting="first", value=name)
        return self.values[name]

    def objection(self) -> tuple[Verdict, str] | None:
        """Why no claim may read these numbers, if none may."""
        if self.obstacle is not None:
            return Verdict.NOT_APPLICABLE, self.obstacle
        failed = [control for control in self.controls if not control.passed]
        if not failed:
            return None
        return Verdict.VOID, " ".join(_failure(control) for control in failed)

    def as_record(self) -> dict[str, object]:
        """Controls, exclusions and notes, builtins only."""
        return {
            "measurement_controls": [control.as_record() for control in self.controls],
            "excluded": dict(self.excluded),
            **self.notes,
        }


def _failure(control: Control) -> str:
    """A failed control in one sentence, numbers included."""
    value = "undefined" if control.value is None else f"{control.value:.3g}"
    bound = "undefined" if control.bound is None else f"{control.bound:.3g}"
    return f"The {control.name} failed ({value} against {bound}): {control.explanation}."
