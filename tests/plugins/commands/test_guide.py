"""What the guide says of data is so, and the example of the Python API runs."""

import re
import runpy
from pathlib import Path

import pytest

from harness.data.folder import load_folder
from harness.data.remote import pararel
from harness.data.sources import load_dataset
from plugins.commands import main

REPOSITORY = Path(__file__).parents[3]
GUIDE = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`(my-facts/\S+)`:\n\n```json\n(.*?)```$", GUIDE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def my_facts(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / "my-facts"


def test_the_worked_example(
    my_facts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(my_facts.parent)
    said = re.search(r"^`kntests check-data my-facts`.*?\n```\n(.*?)```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert said is not None
    assert main(["check-data", "my-facts"]) == 0
    assert capsys.readouterr().out == said[1]


def test_the_queries_of_the_worked_example(my_facts: Path) -> None:
    assert len(FILES) == 4
    prompts = [query.prompt for query in load_folder(my_facts).queries() if query.fact.object == "Nairobi"]
    assert prompts == [
        "The capital of Kenya is",
        "Kenya has its capital in",
        "The city that is the capital of Kenya is called",
        "The parliament of Kenya meets in",
    ]


def test_figures_of_the_guide() -> None:
    embedded, files = load_dataset("embedded"), pararel()
    n_patterns = {len(relation.patterns) for relation in embedded.relations}
    assert n_patterns == {8}
    assert f"{len(embedded.relations)} relations, {embedded.n_facts} facts, 8 patterns each" in GUIDE
    assert f"{len(files.files)} files, {files.size / 1e6:.1f} MB" in GUIDE


def test_the_example_of_the_python_api(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(REPOSITORY / "examples" / "localize_one_fact.py"), run_name="__main__")
    *queries, scores = capsys.readouterr().out.splitlines()
    assert len(queries) == 8
    assert all(re.fullmatch(r" *\d+ knowledge neurons: .*Japan.*", line) for line in queries)
    assert re.fullmatch(r"CS1 0\.\d{3}, CS2 0\.\d{3} over 8 queries", scores)
