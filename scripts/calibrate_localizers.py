"""Measures localizers on planted models, where the truth is known: one command, seeded, goes on where it broke off.

    python scripts/calibrate_localizers.py                       # computes what is missing, writes the page
    python scripts/calibrate_localizers.py --localizers ig,sig   # only these
    python scripts/calibrate_localizers.py --dry-run             # how many measurements are missing

Two questions, over planted models that differ in their seed, half of them GPT-2 and half LLaMA: which of the planted
neurons are found, and what else, when noise is added to every weight; and how near the share of K_II that is found
comes to the share that was planted, without noise. A measurement is one line of a file; lines that are there are not
computed again.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from harness.activations.answers import answer_statistics
from harness.attribution.quadrature import Quadrature
from harness.claims import Evidence
from harness.claims.scoring import subset_scores
from harness.consistency import QuerySets
from harness.errors import HarnessError
from harness.execution.plan import make_plan
from harness.localizers import Unscored, make_localizer
from harness.localizers.selection import Selection, keep_largest
from harness.models.handle import ModelHandle
from harness.models.names import ModelName
from harness.models.organisms.folder import BUILDER_VERSION
from harness.models.organisms.growing import grow
from harness.models.organisms.recipe import ARCHITECTURES, Planted, Recipe
from harness.pipeline.localized import Localized
from harness.pipeline.planted import agreement
from harness.pipeline.rows import LocalizedRows
from harness.store.localizations import NUMERICS_VERSION

LOCALIZERS = ("ig", "sig", "amig")
NOISE = (0.0, 0.05, 0.1, 0.2, 0.4)
SHARES = (0.0, 0.2, 0.5, 0.8, 1.0)
SEEDS = range(3)
CUT = 0.1
"""The paper's static threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One measurement: a localizer on a planted model."""

    localizer: str
    architecture: str
    seed: int
    noise: float = 0.0
    inconsistent: float = 0.5

    @property
    def recipe(self) -> Recipe:
        """A small world: 8 relations of 8 facts with 5 queries each."""
        return Recipe(
            name="calibration",
            seed=self.seed,
            relations=8,
            facts=8,
            paraphrases=5,
            subjects=12,
            objects=16,
            objects_a_relation=4,
            inconsistent=self.inconsistent,
            overlap=0.15,
            neurons=(2, 4),
            noise=self.noise,
        )


def cells(localizers: Iterable[str]) -> list[Cell]:
    """Every measurement, each once."""
    found: dict[Cell, None] = {}
    for localizer in localizers:
        for architecture in ARCHITECTURES:
            for seed in SEEDS:
                common = {"localizer": localizer, "architecture": architecture, "seed": seed}
                found |= dict.fromkeys(Cell(**common, noise=noise) for noise in NOISE)
                found |= dict.fromkeys(Cell(**common, inconsistent=share) for share in SHARES)
    return list(found)


def measure(cell: Cell) -> dict[str, float]:
    """Builds the model, asks it all its facts, localizes them and compares what is found with what was planted."""
    planted = Planted(recipe=cell.recipe, architecture=cell.architecture)
    handle = ModelHandle(ModelName(id="calibration", builtin=True, planted=planted))
    world = grow(cell.recipe)
    plan = make_plan(world.dataset.queries(), handle.tokenizer, context_length=handle.context_length)
    encoded = [request.encoded for request in plan.requests]
    answers = answer_statistics(handle.loaded(), encoded)
    maps = make_localizer(cell.localizer, quadrature=Quadrature()).attribute(handle.loaded(), encoded, batch_size=None)
    sets: list[list[int]] = []
    for found in maps:
        if isinstance(found, Unscored):
            raise HarnessError(f"a query of a planted model got no score: {found.reason}")
        kept = keep_largest(found.scores)
        sets.append(Selection().select(kept.neurons, kept.scores, kept.max_score).tolist())
    known = [answer.top_token_is_answer for answer in answers]
    rows = LocalizedRows.of_sets(QuerySets.from_lists(sets), np.array(known))
    evidence = Localized(dataset=world.dataset, plan=plan, rows=rows).evidence(None)
    same = agreement(evidence, world.dataset, world)
    return {
        "known": float(np.mean(evidence.known_query)),
        "probability": float(np.median([answer.answer_probability for answer in answers])),
        "precision": same.precision,
        "recall": same.recall,
        "share": _share(evidence),
        "realised": world.inconsistent_share(CUT),
    }


def _share(evidence: Evidence) -> float:
    """The share of K_II as the claim of prevalence estimates it."""
    cs2 = subset_scores(evidence, 4, 16, rng=np.random.default_rng(0)).cs2
    return float((cs2 <= CUT).mean())


def key(cell: Cell) -> str:
    """What a measurement is found by: everything that it depends on."""
    return json.dumps({**asdict(cell), "builder": BUILDER_VERSION, "numerics": NUMERICS_VERSION}, sort_keys=True)


def read(path: Path) -> dict[str, dict[str, float]]:
    """Measurements by key; a last line that was cut off counts as missing."""
    found: dict[str, dict[str, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        found[json.dumps(row["cell"], sort_keys=True)] = row["measured"]
    return found


def compute(wanted: list[Cell], path: Path) -> None:
    """Appends a line for every measurement that is missing."""
    present = read(path)
    missing = [cell for cell in wanted if key(cell) not in present]
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    started = time.perf_counter()
    with path.open("a", encoding="utf-8") as file:
        for number, cell in enumerate(missing, 1):
            file.write(json.dumps({"cell": json.loads(key(cell)), "measured": measure(cell)}) + "\n")
            file.flush()
            os.fsync(file.fileno())
            print(f"{number} of {len(missing)} measured, {time.perf_counter() - started:.0f} s", flush=True)


def page(wanted: list[Cell], measured: dict[str, dict[str, float]]) -> str:
    """Both tables as Markdown."""

    def of(**choice: object) -> list[dict[str, float]]:
        chosen = [cell for cell in wanted if all(getattr(cell, name) == wish for name, wish in choice.items())]
        return [measured[key(cell)] for cell in chosen]

    names = ("known", "probability", "precision", "recall", "share", "realised")
    noise: list[list[str]] = []
    shares: list[list[str]] = []
    for localizer in dict.fromkeys(cell.localizer for cell in wanted):
        for level in NOISE:
            rows = of(localizer=localizer, noise=level, inconsistent=0.5)
            noise.append([localizer, f"{level:g}", *(_shown([row[name] for row in rows]) for name in names)])
        for share in SHARES:
            rows = of(localizer=localizer, noise=0.0, inconsistent=share)
            both = (_shown([row[name] for row in rows]) for name in ("realised", "share"))
            furthest = max(abs(row["share"] - row["realised"]) for row in rows)
            shares.append([localizer, f"{share:g}", *both, f"{furthest:.3f}"])
    as_text: Any = {"disable_numparse": True}
    columns = ("localizer", "pi", "realised", "found", "largest difference")
    return TEXT.format(
        models=len(ARCHITECTURES) * len(SEEDS),
        noise=tabulate(noise, ("localizer", "noise", *names[:-2], "K_II found", "K_II realised"), "pipe", **as_text),
        shares=tabulate(shares, columns, "pipe", **as_text),
    )


def _shown(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


TEXT = """\
# Localizers, measured where the truth is known

Written by `python scripts/calibrate_localizers.py` from {models} [planted models](../methods/planted-models.md) a row,
as many GPT-2 as LLaMA, of 8 relations, 8 facts each and 5 queries a fact. Means, and in brackets the lowest and the
highest model.

## Which neurons are found

Noise is the standard deviation of what was added to every weight, relative to the root mean square of its matrix.
*Known*: share of queries whose top token is the answer. *Probability*: median p(answer). *Precision* and *recall*:
knowledge neurons (t = 0.2) against planted ones, over all queries, known or not.

With noise the planted neurons are no longer the whole truth: other neurons contribute to answers as well, and a
localizer that says so loses precision here. So without noise the figures judge the localizer; with noise they say how
far both can be told apart. Such neurons, distractors for the most part, often come back in other queries of the fact
and make it look *more* consistent: the share of K_II that is found falls below the planted one where precision falls.

{noise}

## How many facts are inconsistent

Without noise. *pi*: probability that a fact is planted inconsistent. *Realised*: share of facts whose planted CS2 is at
or below 0.1. *Found*: the share that the claim of prevalence estimates.

{shares}
"""


def main() -> None:
    """Computes what is missing and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--localizers", default=",".join(LOCALIZERS))
    parser.add_argument("--results", type=Path, default=Path(".kntests/calibration/localizers.jsonl"))
    parser.add_argument("--page", type=Path, default=Path("docs/calibration/localizers.md"))
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()
    wanted = cells(arguments.localizers.split(","))
    missing = sum(key(cell) not in read(arguments.results) for cell in wanted)
    print(f"{missing} of {len(wanted)} measurements are missing")
    if not arguments.dry_run:
        compute(wanted, arguments.results)
        arguments.page.parent.mkdir(parents=True, exist_ok=True)
        arguments.page.write_text(page(wanted, read(arguments.results)), encoding="utf-8")
        print(f"written: {arguments.page}")


if __name__ == "__main__":
    main()
