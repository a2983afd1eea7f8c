"""`kntests localize`: the store holds all that claims need, and nothing is computed twice."""

import argparse
from pathlib import Path

import pytest

from harness.models.handle import ModelHandle
from plugins.backend import HarnessBackend
from plugins.commands import localize, main
from plugins.settings import Request, read_arguments

FEW = ("localize", "--model=tiny-gpt2", "--relations=P36", "--limit=2", "--quadrature=gauss-legendre:2")


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    return [*FEW, f"--store={tmp_path / 'store'}"]


def parsed(words: list[str]) -> Request:
    parser = argparse.ArgumentParser()
    localize.add_arguments(parser)
    return read_arguments(parser.parse_args(words[1:]), ())


def test_claims_find_everything_and_the_same_command_has_nothing_to_do(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(words) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("tiny-gpt2 ig: ")
    assert "again in 4 forms" in shown.out
    assert "localizing tiny-gpt2 ig: " in shown.err
    assert "localized tiny-gpt2 ig retest" in shown.err

    def fail(self: ModelHandle) -> None:
        raise AssertionError("the model was loaded although everything is stored")

    monkeypatch.setattr(ModelHandle, "loaded", fail)
    assert main(words) == 0
    assert capsys.readouterr() == (shown.out, "")
    request, backend = parsed(words), HarnessBackend()
    workspace = backend.workspace(request, localize.Lines(localize._StandardError()))
    evidence = workspace.evidence(backend.model("tiny-gpt2", request), backend.localizer("ig", request))
    assert evidence.retest is not None


def test_an_interruption_keeps_what_is_finished(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: ModelHandle) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelHandle, "loaded", interrupted)
    assert main(words) == 130
    assert "what was finished is kept" in capsys.readouterr().err


def test_options_are_those_of_pytest() -> None:
    request = parsed(
        ["localize", "--engine=ray", "--ray-address=10.0.0.1:6379", "--ray-actors=3", "--localizer=ig,sig"]
    )
    assert (request.engine, request.ray_address, request.ray_actors) == ("ray", "10.0.0.1:6379", 3)
    assert request.localizers == ("ig", "sig")
    plain = parsed(["localize"])
    assert (plain.engine, plain.ray_address, plain.ray_actors) == ("local", "auto", None)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("--engine=rai", "--engine cannot be 'rai'. Did you mean ray"),
        ("--ray-actors=0", "--ray-actors must be auto or a whole number, 1 or more; got '0'"),
        ("--model=gpt3", "no model 'gpt3'"),
    ],
)
def test_mistakes(word: str, says: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, word]) == 2
    assert says in capsys.readouterr().err


def test_without_ray_it_says_what_to_install(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main([*words, "--engine=ray"]) == 2
    assert "pip install -e '.[ray]'" in capsys.readouterr().err
