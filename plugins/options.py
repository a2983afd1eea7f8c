"""The command line of the benchmark; every option is also an ini value with the prefix `kn_`.

Loaded with `-p plugins.options`, before pytest looks for test paths among the arguments: otherwise `--model ./folder`
would make it take ./folder for a test path and run the conftest.py in there. So this module imports nothing of the
harness; what the values mean is `plugins.settings`.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from plugins import hooks

GROUP = "knowledge localization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option, on the command line and in the ini file.

    Attributes:
        name: without dashes; `batch-size` is the ini value `kn_batch_size`.
        help: what a user reads.
        default: the text that counts where neither the command line nor the ini file says anything; of an option that
            may be repeated, one a line.
        metavar: how the value is called in the help; None for a switch, which takes none.
        repeatable: whether it may be given several times; in an ini file, one a line.
    """

    name: str
    help: str
    default: str | None = None
    metavar: str | None = None
    repeatable: bool = False

    @property
    def key(self) -> str:
        """Name of the ini value, and of the attribute that the command line sets."""
        return "kn_" + self.name.replace("-", "_")


OPTIONS = (
    Option(
        name="model",
        metavar="NAME|PATH|URL",
        repeatable=True,
        default="planted-gpt2\nplanted-llama\nplanted-homogeneous\nplanted-consistent",
        help="model to test: a built-in model, an alias such as gpt2 or llama3, a hub id, a folder, best written"
        " --model=./folder, or the URL of one, such as s3://bucket/folder. May be repeated. Default: planted-gpt2,"
        " planted-llama, planted-homogeneous, planted-consistent, whose knowledge neurons are known: a session without"
        " a model tests the benchmark itself.",
    ),
    Option(
        name="data",
        metavar="NAME|PATH",
        help="facts to ask for: embedded, pararel, or a folder in ParaRel's layout. Default: a built-in model's own"
        " facts, pararel for any other model.",
    ),
    Option(
        name="localizer",
        metavar="LIST",
        default="ig",
        help="localizers, separated by commas: ig, sig, amig (amig-paper: as printed), for comparison activation and"
        " random, or your own as package.module:attribute. Default: ig.",
    ),
    Option(
        name="threshold",
        metavar="LIST",
        default="static:0.1,otsu",
        help="where CS2 is cut between consistent (K_I) and inconsistent (K_II) facts, separated by commas: static:X"
        " or otsu. Default: static:0.1,otsu.",
    ),
    Option(name="relations", metavar="LIST", help="only these relations, separated by commas. Default: all."),
    Option(
        name="limit",
        metavar="N",
        help="at most N facts of every relation, drawn by the seed; such a run is a smoke run. Default: all.",
    ),
    Option(
        name="editor",
        metavar="SPEC",
        repeatable=True,
        default="kn-local\nkn-global\nkn-cas\nkn-cas-matched",
        help="how facts are erased and updated: kn-local, kn-global, kn-cas, kn-cas-matched (knowledge neurons),"
        " fine-tuning, rank-one, rank-one-query, or your own as package.module:attribute; see docs/methods/editing.md."
        " May be repeated. Default: kn-local, kn-global, kn-cas, kn-cas-matched.",
    ),
    Option(
        name="perplexity-text",
        metavar="TEXT",
        default="embedded",
        help="what perplexity under an edit is measured on: embedded, wikitext2, a file with a passage a line, or a"
        " folder that holds WikiText-2's test.txt. Default: embedded.",
    ),
    Option(
        name="measured-facts",
        metavar="N",
        default="20",
        help="interventions and edits are made on at most N facts of every relation, drawn by the seed; 0 for all of"
        " them. Default: 20.",
    ),
    Option(
        name="facts",
        metavar="all|known",
        default="all",
        help="decide on all facts, or only on those that the model knows. Default: all.",
    ),
    Option(
        name="quadrature",
        metavar="RULE:STEPS",
        default="right:20",
        help="how path integrals are approximated: right, left, midpoint, trapezoid or gauss-legendre, and the number"
        " of steps; with :exhaustive behind it, evaluated at every node also where fewer give the same sum to rounding."
        " Default: right:20, the paper's.",
    ),
    Option(
        name="answer",
        metavar="first|joint",
        default="first",
        help="whose probability localizers explain: that of the answer's first token, or the joint probability of all"
        " its tokens, each after the gold ones before it. Default: first.",
    ),
    Option(
        name="dtype",
        metavar="DTYPE",
        default="float32",
        help="precision of the weights while localizing: float32, float64, bfloat16 or float16. Default: float32.",
    ),
    Option(
        name="precision-sample",
        metavar="N",
        default="64",
        help="with --dtype bfloat16 or float16: so many queries are localized again in float32 in the end, to say how"
        " far the knowledge neurons differ; 0 for none. Default: 64.",
    ),
    Option(
        name="device",
        metavar="DEVICE",
        default="auto",
        help="auto (a GPU if there is one), cpu, cuda or cuda:N. Default: auto.",
    ),
    Option(
        name="device-map",
        metavar="MAP",
        help="spread a model that is too large for one device over several, instead of --device: auto, balanced,"
        " balanced_low_0 or sequential, as accelerate has them. Default: none.",
    ),
    Option(
        name="adapter",
        metavar="SPEC",
        help="package.module:attribute that describes a model family which this project does not know:"
        " see docs/families.md. Default: none.",
    ),
    Option(
        name="batch-size",
        metavar="auto|N",
        default="auto",
        help="queries localized at once; bounds memory and changes no result. Default: auto.",
    ),
    Option(
        name="engine",
        metavar="local|ray",
        default="local",
        help="where missing localizations are computed: in this process, or on Ray, one process a GPU or a share of the"
        " cores: see docs/many-gpus.md. Default: local.",
    ),
    Option(
        name="ray-address",
        metavar="auto|local|ADDRESS",
        default="auto",
        help="with --engine ray: the cluster that runs here or that RAY_ADDRESS names, else one of this machine (auto);"
        " one of this machine (local); or an address. Default: auto.",
    ),
    Option(
        name="ray-actors",
        metavar="auto|N",
        default="auto",
        help="with --engine ray: processes that hold the model. Default: auto, one a GPU, or without GPUs one for as"
        " many cores as this process has threads.",
    ),
    Option(name="seed", metavar="N", default="0", help="seed of everything drawn at random. Default: 0."),
    Option(
        name="draws",
        metavar="N",
        default="10000",
        help="bootstrap draws behind every interval. Default: 10000.",
    ),
    Option(
        name="store",
        metavar="DIR",
        default=".kntests",
        help="folder that keeps localizations and runs; what it holds is not computed again. Default: .kntests.",
    ),
    Option(
        name="fail-on",
        metavar="refuted|inconclusive|never",
        default="refuted",
        help="verdicts that fail a test: refuted (and void), inconclusive (those and inconclusive), or never."
        " A built-in model carries expected verdicts and fails where it gets another. Default: refuted.",
    ),
    Option(
        name="margin",
        metavar="CLAIM=X",
        repeatable=True,
        help="margin of a claim, instead of the declared one; recorded with the run. May be repeated.",
    ),
    Option(name="save", metavar="NAME", help="name of the saved run. Default: the time."),
    Option(
        name="report",
        metavar="LIST",
        default="md",
        help="what is written beside the saved run, separated by commas: md (a page of verdicts and the paper's"
        " tables), latex, csv (the tables), figures, or all. Default: md.",
    ),
    Option(
        name="compare",
        metavar="REF",
        help="compare the edits of this session with those of a saved run: its name, number or folder.",
    ),
    Option(
        name="compare-fail",
        metavar="EXPR",
        help="with --compare: how much worse the metrics rel, gen, loc, avg and ppl may get, such as"
        " gen:-0.02@p<0.05,ppl:+5%%; the session fails where one is worse than that: see docs/gating.md.",
    ),
    Option(
        name="dry-run",
        help="say what would be localized, what the store has of it, and about how much time, memory and disk the rest"
        " takes; then stop.",
    ),
    Option(name="offline", help="never ask the network: models and data must be here already."),
    Option(name="trust-remote-code", help="run the Python code that comes with a model; only for models you trust."),
)


def add_like_pytest(parser: argparse.ArgumentParser, names: Iterable[str]) -> None:
    """Adds some of the options to a command of `kntests`: as they are here, with their defaults."""
    chosen = set(names)
    for option in OPTIONS:
        if option.name not in chosen:
            continue
        flag = f"--{option.name}"
        if option.metavar is None:
            parser.add_argument(flag, action="store_true", help=option.help)
        elif option.repeatable:
            parser.add_argument(flag, action="append", metavar=option.metavar, help=option.help)
        else:
            parser.add_argument(flag, default=option.default, metavar=option.metavar, help=option.help)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Announces the hooks of ours that a conftest.py may implement."""
    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Registers every option, on the command line and as an ini value."""
    group = parser.getgroup(GROUP)
    for option in OPTIONS:
        flag, ini_help = f"--{option.name}", f"ini value of --{option.name}"
        # No default here: None says that the command line is silent, so that the ini file is asked.
        if option.metavar is None:
            group.addoption(flag, dest=option.key, action="store_const", const=True, default=None, help=option.help)
            parser.addini(option.key, ini_help, type="bool", default=None)
        elif option.repeatable:
            group.addoption(
                flag, dest=option.key, action="append", default=None, metavar=option.metavar, help=option.help
            )
            parser.addini(option.key, ini_help, type="linelist", default=None)
        else:
            group.addoption(flag, dest=option.key, default=None, metavar=option.metavar, help=option.help)
            parser.addini(option.key, ini_help, type="string", default=None)
