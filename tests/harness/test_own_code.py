"""Code of one's own is found where one works, and what is wrong with it is said in one sentence."""

import sys
from pathlib import Path

import pytest

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError
from harness.localizers import make_localizer
from harness.own_code import import_own


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def test_a_module_in_the_working_directory_is_found(folder: Path) -> None:
    (folder / "own_here.py").write_text("class Outer:\n    value = 7\n")
    assert import_own("own_here:Outer.value", setting="localizer") == 7


@pytest.mark.parametrize(
    ("text", "content", "message"),
    [
        ("own_a", "", "written package.module:attribute"),
        ("own_a:", "", "written package.module:attribute"),
        (":Thing", "", "written package.module:attribute"),
        ("own_absent:Thing", None, "No module named 'own_absent'"),
        ("own_b:Thing", "", "has no attribute 'Thing'"),
        ("own_c:Thing", "1 / 0", "ZeroDivisionError"),
        ("own_d:Thing", "def", "SyntaxError"),
        ("own_e:Thing", "import missing_package", "missing_package"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, text: str, content: str | None, message: str) -> None:
    if content is not None:
        (folder / f"{text.partition(':')[0] or 'nothing'}.py").write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        import_own(text, setting="editor")
    assert caught.value.setting == "editor"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("class Loc:\n    def __init__(self, needed): ...\n", "failed when it was called without arguments: TypeError"),
        ("class Loc:\n    name = 'mine'\n    def attribute(self): ...\n", "Loc has no config"),
        ("Loc = 3\n", "int has no name, config, attribute"),
    ],
)
def test_what_is_no_localizer_is_told_what_it_lacks(folder: Path, content: str, message: str) -> None:
    name = f"own_loc_{abs(hash(content))}"
    (folder / f"{name}.py").write_text(content)
    with pytest.raises(ConfigError, match=message):
        make_localizer(f"{name}:Loc", quadrature=Quadrature())
