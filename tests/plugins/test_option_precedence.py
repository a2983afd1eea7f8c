"""The command line wins over the ini file, and the ini file over the default."""

import re
import sys

import pytest

from harness.models.organisms.registry import PLANTED
from plugins.options import OPTIONS
from tests.plugins.conftest import MODEL


def seed_of(bench):
    return bench.saved()["claims"][0]["extras"]["seed"]


def test_default_counts_where_nobody_says_anything(bench):
    bench.run_one()
    assert seed_of(bench) == 0


def test_ini_wins_over_default(bench):
    bench.ini("kn_seed = 7\n")
    bench.run_one()
    assert seed_of(bench) == 7


def test_command_line_wins_over_ini(bench):
    bench.ini("kn_seed = 7\n")
    bench.run_one("--seed=8")
    assert seed_of(bench) == 8


def test_command_line_default_value_still_wins_over_ini(bench):
    bench.ini("kn_seed = 7\n")
    bench.run_one("--seed=0")
    assert seed_of(bench) == 0


def test_repeatable_options_are_one_a_line_in_an_ini_file(bench):
    bench.ini("kn_model =\n    gpt2\n    llama3\nkn_margin = prevalence=0.4\n")
    bench.run_one()
    rows = bench.saved()["claims"]
    assert [(row["model"], row["margin"]) for row in rows] == [("gpt2", 0.4), ("llama3", 0.4)]


def test_models_on_the_command_line_replace_those_of_the_ini_file(bench):
    bench.ini("kn_model =\n    gpt2\n    llama3\n")
    bench.run_one("--model=tiny-gpt2")
    assert [row["model"] for row in bench.saved()["claims"]] == ["tiny-gpt2"]


@pytest.mark.parametrize(
    ("line", "offline"), [("", False), ("kn_offline = true\n", True), ("kn_offline = false\n", False)]
)
def test_switch_can_be_set_in_an_ini_file(bench, line, offline):
    bench.ini(line)
    bench.run_one()
    (request,) = bench.events("request")
    assert f"offline={offline}" in request


def test_every_option_reaches_the_harness(bench):
    bench.run(
        *("--model=gpt2", "--model=llama3", "--data=pararel", "--localizer=ig, sig", "--threshold=static:0.2"),
        *("--relations=P36,P103", "--limit=20", "--facts=known", "--quadrature=gauss-legendre:10", "--dtype=bfloat16"),
        *("--device=cpu", "--batch-size=4", "--seed=3", "--draws=500", "--store=here", "--fail-on=never"),
        *("--margin=prevalence=0.3", "--save=first", "--offline", "--trust-remote-code", "--answer=joint"),
    )
    (request,) = bench.events("request")
    for said in [
        "models=('gpt2', 'llama3')",
        "data='pararel'",
        "localizers=('ig', 'sig')",
        "StaticThreshold(value=0.2)",
        "relations=('P36', 'P103')",
        "limit=20",
        "known_only=True",
        "Quadrature(rule='gauss-legendre', steps=10, exhaustive=False)",
        "answer='joint'",
        "dtype='bfloat16'",
        "device='cpu'",
        "batch_size=4",
        "seed=3",
        "draws=500",
        "store=PosixPath('here')" if sys.platform != "win32" else "store=",
        "fail_on='never'",
        "margins={'prevalence': 0.3}",
        "save='first'",
        "offline=True",
        "trust_remote_code=True",
    ]:
        assert said in request


def test_help_lists_every_option_and_its_default(bench):
    text = bench.fresh("--help").stdout.str()
    options = re.sub(r"\s+", " ", text[text.index("knowledge localization:") : text.index("\n[pytest]")])
    for option in OPTIONS:
        assert f"--{option.name}" in options
        assert f"{option.key} (" in text
        assert option.default is None or f"Default: {', '.join(option.default.split(chr(10)))}" in options


def test_without_a_model_the_planted_ones_are_tested(bench):
    ini = bench.path / "tox.ini"
    ini.write_text(ini.read_text().replace(MODEL.strip(), ""))
    bench.run_one()
    assert [row["model"] for row in bench.saved()["claims"]] == list(PLANTED)
