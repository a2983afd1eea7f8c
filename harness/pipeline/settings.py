"""What a session is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.attribution.quadrature import Quadrature
from harness.localizers.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a session is asked for; every field goes into the manifest of its run.

    Attributes:
        data: `embedded`, `pararel` or a folder; None for a built-in model's own facts, else ParaRel.
        relations: only these; empty for all.
        limit: at most so many facts a relation, drawn by `seed`; None for all.
        measured_facts: at most so many facts a relation are intervened on and edited, drawn by `seed`; None for all.
        editors: what facts are edited by: built-in editors by name, or package.module:attribute.
        perplexity_text: what perplexity under an edit is measured on: `embedded`, `wikitext2` or a file.
        known_only: decide on facts that the model knows alone.
        quadrature: nodes and weights of every path integral.
        answer: which answer tokens localizers count: `first` or `joint`.
        selection: how scores become knowledge neurons.
        dtype: of the weights while localizing.
        precision_sample: queries that are localized again in float32 where the dtype is below it; 0 for none.
        device: `auto`, `cpu`, `cuda`, `cuda:1` ...
        batch_size: queries at once; None for the localizer's judgement.
        engine: where missing localizations are computed: `local` or `ray`.
        ray_address: of the Ray cluster.
        ray_actors: processes on Ray that hold the model; None for one a GPU or share of the cores.
        seed: of every draw.
        draws: bootstrap draws.
        store: folder of localizations and runs.
        offline: never ask the network.
        trust_remote_code: run Python code that comes with a model.
        margins: claim -> margin, where it is not the declared one.
    """

    data: str | None = None
    relations: tuple[str, ...] = ()
    limit: int | None = None
    measured_facts: int | None = 20
    editors: tuple[str, ...] = ("kn-local", "kn-global", "kn-cas", "kn-cas-matched")
    perplexity_text: str = "embedded"
    known_only: bool = False
    quadrature: Quadrature = field(default_factory=Quadrature)
    answer: str = "first"
    selection: Selection = field(default_factory=Selection)
    dtype: str = "float32"
    precision_sample: int = 64
    device: str = "auto"
    batch_size: int | None = None
    engine: str = "local"
    ray_address: str = "auto"
    ray_actors: int | None = None
    seed: int = 0
    draws: int = 10_000
    store: Path = Path(".kntests")
    offline: bool = False
    trust_remote_code: bool = False
    margins: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def as_declared(self) -> bool:
        """Whether everything that decides a verdict is as declared, so that a built-in model's expected ones hold."""
        declared = Settings()
        indifferent = (
            *("precision_sample", "device", "batch_size", "engine", "ray_address", "ray_actors", "draws", "store"),
            *("offline", "trust_remote_code"),
        )
        return self == replace(declared, **{name: getattr(self, name) for name in indifferent})
