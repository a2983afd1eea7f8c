"""What the plugin needs of the harness, and the harness that gives it: the one place where pytest meets models.

Only `plugins.activation` imports this module, so a session without the benchmark never imports torch through us.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from harness.claims import (
    ATTENTION_CLAIMS,
    Agreement,
    Claim,
    JointClaim,
    MeasuredClaim,
    Prevalence,
    PrevalenceByRelation,
    Printed,
    Procedure,
    Replication,
    Separation,
    Trend,
)
from harness.claims.cas import cas_average, cas_balance, cas_consistent, cas_cost
from harness.claims.edits import KINDS
from harness.claims.held_out_betas import HeldOutBetas
from harness.claims.mapping import DIRECTIONS, consistent_drop, larger_drop, own_over_neighbors, own_over_random
from harness.claims.modification import global_cost, global_edits, local_edits
from harness.consistency import StaticThreshold
from harness.data.passages import check_text
from harness.editing import Editor, make_editor
from harness.execution.engines import make_engine
from harness.execution.progress import Progress
from harness.localizers import Localizer, make_localizer
from harness.models.adapters import load_adapter
from harness.models.handle import ModelHandle, resolve_model
from harness.models.placement import free_memory
from harness.pipeline import Settings, Workspace
from plugins.settings import Request

CLAIMS: Final[Mapping[str, Callable[..., Claim | JointClaim | MeasuredClaim]]] = {
    "prevalence": lambda **common: Prevalence(threshold=StaticThreshold(), **common),
    "prevalence_by_relation": lambda **common: PrevalenceByRelation(threshold=StaticThreshold(), **common),
    "separation": lambda **common: Separation(threshold=StaticThreshold(), **common),
    "agreement": lambda **common: Agreement(threshold=StaticThreshold(), **common),
    "trend": lambda **common: Trend(threshold=StaticThreshold(), **common),
    "replication": lambda **common: Replication(threshold=StaticThreshold(), printed=_ANY, **common),
    **{
        f"{claim.__name__}_{direction}": partial(claim, threshold=StaticThreshold(), direction=direction)
        for claim in (own_over_neighbors, larger_drop, consistent_drop, own_over_random)
        for direction in DIRECTIONS
    },
    **{
        name: lambda make=make, **common: make(threshold=StaticThreshold(), **common)
        for name, make in ATTENTION_CLAIMS.items()
    },
    **{
        f"{claim.__name__}_{kind}": partial(claim, threshold=StaticThreshold(), kind=kind)
        for claim in (local_edits, global_edits, global_cost, cas_average, cas_balance, cas_cost, cas_consistent)
        for kind in KINDS
    },
    **{f"cas_held_out_{kind}": partial(HeldOutBetas, threshold=StaticThreshold(), kind=kind) for kind in KINDS},
}
"""Every claim of the benchmark, by name, as it is built from its procedure: what `--margin` may name."""


_ANY: Final = Printed(r_inconsistent=0.5, s_consistent=0.5, s_inconsistent=0.0, cut=0.1)
"""Stands for a cell of the paper where a claim is built only to check its settings."""


class HarnessBackend:
    """The real harness; `plugins.benchmark.Backend` says what each method is for."""

    @property
    def claims(self) -> Mapping[str, Callable[..., Claim | JointClaim | MeasuredClaim]]:
        """The table above."""
        return CLAIMS

    def model(self, name: str, request: Request) -> ModelHandle:
        """Resolves the name; loads nothing."""
        return resolve_model(
            name,
            dtype=request.dtype,
            device=request.device,
            device_map=request.device_map,
            adapter=None if request.adapter is None else load_adapter(request.adapter),
            offline=request.offline,
            trust_remote_code=request.trust_remote_code,
        )

    def localizer(self, name: str, request: Request) -> Localizer:
        """Built in, or the user's own."""
        return make_localizer(name, quadrature=request.quadrature, answer=request.answer)

    def editor(self, name: str) -> Editor:
        """Built in, or the user's own."""
        return make_editor(name)

    def check_text(self, name: str, request: Request) -> None:
        """Reads what lies here; WikiText-2 is fetched when it is needed."""
        check_text(name, offline=request.offline)

    def procedure(self, request: Request) -> Procedure:
        """The declared one, with the session's draws and seed."""
        return Procedure(draws=request.draws, seed=request.seed)

    def workspace(self, request: Request, progress: Progress) -> Workspace:
        """Reads nothing before the first claim."""
        settings = Settings(
            data=request.data,
            relations=request.relations,
            limit=request.limit,
            measured_facts=request.measured_facts,
            editors=request.editors,
            perplexity_text=request.perplexity_text,
            known_only=request.known_only,
            quadrature=request.quadrature,
            answer=request.answer,
            dtype=request.dtype,
            precision_sample=request.precision_sample,
            device=request.device,
            batch_size=request.batch_size,
            engine=request.engine,
            ray_address=request.ray_address,
            ray_actors=request.ray_actors,
            seed=request.seed,
            draws=request.draws,
            store=request.store,
            offline=request.offline,
            trust_remote_code=request.trust_remote_code,
            margins=request.margins,
        )
        engine = make_engine(
            settings.engine,
            localizers=request.localizers,
            quadrature=settings.quadrature,
            answer=settings.answer,
            adapter=request.adapter,
            address=settings.ray_address,
            actors=settings.ray_actors,
        )
        return Workspace(settings, progress, engine)

    def free_memory(self) -> None:
        """Gives back what released models held."""
        free_memory()
