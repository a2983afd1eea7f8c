"""Simulated runs that edited facts: a population of facts, evaluated by seeded draws under an editor with noise."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.records import Manifest, RunRecord

MODEL = {"weights": "w1", "tokenizer": "t1", "dtype": "float32", "attention": "eager", "device": "cpu"}


def manifest(**changes: Any) -> Manifest:
    settings = {"seed": 0, "limit": None, "store": "a", "editors": ["mine"], "quadrature": {"rule": "right"}}
    return Manifest(
        created="2026-01-01T00:00:00+00:00",
        command="pytest kntests",
        versions={},
        platform={},
        models={"gpt2": {**MODEL, **changes.pop("model", {})}},
        data={"facts": {"fingerprint": "f1", **changes.pop("data", {})}},
        settings={**settings, **changes},
        smoke=None,
        seconds=1.0,
    )


def save(folder: Path, edits: pd.DataFrame, **changes: Any) -> Path:
    """Writes what the gate reads of a run."""
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(RunRecord(manifest=manifest(**changes), claims=()).to_json())
    edits.to_csv(folder / "edits.csv", index=False)
    (folder / "facts.csv").write_text("\n")
    return folder


@dataclass
class Population:
    """Facts whose metrics have a true value each, which differs between relations and between facts.

    Args:
        relations: how many.
        facts: of a relation.
        queries: neighbor queries that generalization is a share of.
    """

    relations: int
    facts: int
    queries: int = 5
    seed: int = 0
    chances: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 1])
        n = self.relations * self.facts
        relation = np.repeat(np.arange(self.relations), self.facts)
        of_relation = rng.normal(0, 0.8, (self.relations, 4))[relation]
        logits = of_relation + rng.normal(0, 1.2, (n, 4)) + [0.8, 0.2, 1.5, 0.0]
        # Away from 0 and 1, so that noise and loss are what they are and not cut off.
        self.chances = pd.DataFrame(0.2 + 0.6 / (1 + np.exp(-logits)), columns=["rel", "gen", "loc", "noise"])
        self.chances["relation"] = [f"P{r}" for r in relation]
        self.chances["fact_uid"] = [f"f{i}" for i in range(n)]

    def edits(self, seed: int, *, loss: float = 0.0, editor: str = "mine", kinds=("erase", "update")) -> pd.DataFrame:
        """What one run measures: every metric is an average of answers drawn anew, and the editor is noisy.

        Args:
            seed: of the draws.
            loss: how much the true generalization is below that of the population, the same for every fact.
            editor: its name.
            kinds: of the edits.
        """
        return pd.concat([self._edits(seed, number, kind, loss, editor) for number, kind in enumerate(kinds)])

    def _edits(self, seed: int, number: int, kind: str, loss: float, editor: str) -> pd.DataFrame:
        rng = np.random.default_rng([self.seed, 2, seed, number])
        n = len(self.chances)
        noise = rng.uniform(-0.15, 0.15, n)  # of the editor, shared by all that is asked about one edit

        def share(name: str, asked: int, shift: float = 0.0) -> np.ndarray:
            return rng.binomial(asked, np.clip(self.chances[name] + noise - shift, 0, 1)) / asked

        rel, gen, loc = share("rel", 1), share("gen", self.queries, loss), share("loc", 10)
        ppl = np.expm1(0.1 + 0.3 * self.chances["noise"] + rng.normal(0, 0.05, n))
        return pd.DataFrame(
            {
                "model": "gpt2",
                "localizer": "ig",
                "fact_uid": self.chances["fact_uid"],
                "relation": self.chances["relation"],
                "editor": editor,
                "kind": kind,
                "reliability": rel,
                "generalization": gen,
                "locality": loc,
                "average": (rel + gen + loc) / 3,
                "perplexity_change": ppl,
            }
        )
