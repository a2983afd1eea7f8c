"""`kntests show`: a fact's queries, knowledge neurons, consistency and class."""

import argparse
import difflib
from pathlib import Path
from typing import Final

from tabulate import tabulate

from harness.attribution.quadrature import Quadrature
from harness.consistency import StaticThreshold, parse_threshold
from harness.data.facts import Dataset, Fact
from harness.errors import ConfigError
from harness.localizers import make_localizer
from harness.models.adapters import load_adapter
from harness.models.handle import resolve_model
from harness.pipeline.datasets import facts_for, facts_source
from plugins.commands.download_bar import DownloadBar
from plugins.commands.localized_fact import SUBSET_SIZE, LocalizedFact, facts_called, localize_fact
from plugins.commands.notice import Notice
from plugins.options import add_like_pytest

NEURONS_SHOWN: Final = 8
"""Knowledge neurons that are written out of a set, unless all are asked for."""

_LIKE_PYTEST: Final = (
    "data",
    "quadrature",
    "answer",
    "dtype",
    "device",
    "device-map",
    "adapter",
    "batch-size",
    "store",
    "offline",
    "trust-remote-code",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The fact, and those of pytest's options that say how it is localized."""
    parser.add_argument("fact", metavar="FACT", help="a subject, such as France, or the uid of a fact")
    for name, default, text in (
        ("model", "tiny-gpt2", "model to ask, as pytest's --model. Default: tiny-gpt2, a small built-in model."),
        ("localizer", "ig", "one localizer: ig, or your own as package.module:attribute. Default: ig."),
        ("threshold", "static:0.1", "static:X, where CS2 is cut between K_I and K_II. Default: static:0.1."),
    ):
        parser.add_argument(f"--{name}", default=default, help=text)
    parser.add_argument("--all-neurons", action="store_true", help=f"name all neurons, not just {NEURONS_SHOWN}.")
    add_like_pytest(parser, _LIKE_PYTEST)


def run(arguments: argparse.Namespace) -> int:
    """Prints every fact of that uid or subject.

    Raises:
        ConfigError: an option is out of its range, or no fact is called so.
        HarnessError: data, model or store cannot be used.
    """
    threshold = _threshold(arguments.threshold)
    batch_size = _batch_size(arguments.batch_size)
    localizer = make_localizer(
        arguments.localizer, quadrature=Quadrature.parse(arguments.quadrature), answer=arguments.answer
    )
    model = resolve_model(
        arguments.model,
        dtype=arguments.dtype,
        device=arguments.device,
        device_map=arguments.device_map,
        adapter=None if arguments.adapter is None else load_adapter(arguments.adapter),
        offline=arguments.offline,
        trust_remote_code=arguments.trust_remote_code,
    )
    with DownloadBar() as bar:
        source = facts_source(model, arguments.data)
        dataset = facts_for(model, source, offline=arguments.offline, on_bytes=bar.update)
    for fact in _facts(dataset, arguments.fact):
        found = localize_fact(
            fact,
            dataset,
            model,
            localizer,
            root=Path(arguments.store).expanduser(),
            progress=Notice(),
            batch_size=batch_size,
        )
        shown = None if arguments.all_neurons else NEURONS_SHOWN
        print("\n".join([*_report(found, f"{model.name}, {localizer.name}", threshold, shown), ""]))
    return 0


def _threshold(text: str) -> StaticThreshold:
    threshold = parse_threshold(text)
    if not isinstance(threshold, StaticThreshold):
        raise ConfigError(
            f"{text!r} is estimated from all facts, so one fact has no class by it; write for example static:0.1",
            setting="threshold",
            value=text,
        )
    return threshold


def _batch_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(
            f"--batch-size must be auto or a whole number, 1 or more; got {text!r}", setting="batch-size", value=text
        )
    return int(text)


def _facts(dataset: Dataset, text: str) -> list[Fact]:
    found = facts_called(dataset, text)
    if found:
        return found
    subjects = sorted({fact.subject for relation in dataset.relations for fact in relation.facts})
    near = [subject for subject in subjects if text and text.casefold() in subject.casefold()][:3]
    near = near or difflib.get_close_matches(text, subjects, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ConfigError(
        f"no fact of {dataset.name} has the subject or uid {text!r}.{hint} The data has {dataset.n_facts:,} facts with"
        f" {len(subjects):,} subjects",
        setting="fact",
        value=text,
    )


def _report(found: LocalizedFact, cell: str, threshold: StaticThreshold, shown: int | None) -> list[str]:
    fact, n = found.fact, len(found.queries)
    lines = [
        f"{fact.subject} -> {fact.object}   (relation {fact.relation}, uid {fact.uid})",
        f"{cell}; {found.computed} queries computed now, {n - found.computed} from the store",
    ]
    rows = [
        (
            query.prompt,
            f"{query.answer_probability:.3f}",
            f"{query.joint_probability:.3f}",
            "yes" if query.known else "no",
            len(query.neurons),
            _some([f"{neuron.layer}:{neuron.index}" for neuron in query.neurons], shown),
        )
        for query in found.queries
    ]
    headers = ("query", "p(first)", "p(joint)", "known", "KN", "layer:neuron, the highest score first")
    aligned = ("left", "right", "right", "left", "right", "left")
    if rows:
        lines += ["", *tabulate(rows, headers, colalign=aligned, disable_numparse=True).splitlines(), ""]
    lines += [f"{count} queries have no score: {reason}" for reason, count in found.unscored.items()]
    known = sum(query.known for query in found.queries)
    lines.append(f"known: {'yes' if found.known else 'no'} ({known} of {n} queries)")
    return lines + _scores(found, threshold, shown)


def _some(names: list[str], shown: int | None) -> str:
    more = 0 if shown is None else len(names) - shown
    return " ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def _scores(found: LocalizedFact, threshold: StaticThreshold, shown: int | None) -> list[str]:
    if found.scores is None:
        return ["CS1, CS2: not defined, because no query has a knowledge neuron"]
    n, counts = len(found.queries), found.counts
    shared = sorted((neuron for neuron in counts if counts[neuron] > 1), key=lambda neuron: (-counts[neuron], neuron))
    names = _some([f"{neuron.layer}:{neuron.index} ({counts[neuron]})" for neuron in shared], shown)
    lines = [
        f"KN in more than one query: {len(shared)} of {len(counts)}" + (f": {names}" if shared else ""),
        "CS1 {:.3f}, CS2 {:.3f} over all {} queries".format(*found.scores, n),
    ]
    means = found.subset_scores
    if means is None:
        return [*lines, f"no class: that takes {SUBSET_SIZE} queries with a score, and here are {n}"]
    name = "K_I, consistent" if means[1] > threshold.value else "K_II, inconsistent"
    return [
        *lines,
        "CS1 {:.3f}, CS2 {:.3f} on average over subsets of {} queries".format(*means, SUBSET_SIZE),
        f"class at {threshold.name}: {name}",
    ]
