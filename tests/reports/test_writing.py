"""Reports as files: the same run gives the same files, and a smoke run says in each that it is not a result."""

import pandas as pd
import pytest

from harness.errors import ConfigError, StoreError
from reports.asked import FORMATS, check_formats
from reports.run import read_saved_run
from reports.writing import page, write_reports
from tests.reports.saved import save

pytestmark = pytest.mark.slow

REASON = "at most 2 facts a relation"


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = save(tmp_path_factory.mktemp("run"), smoke=REASON)
    before = files_in(folder)
    written = write_reports(read_saved_run(folder), folder, FORMATS)
    return folder, before, written


def test_what_the_run_holds_stays_and_everything_written_is_named(smoke):
    folder, before, written = smoke
    after = files_in(folder)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {path.relative_to(folder).as_posix() for path in written}
    names = {path.relative_to(folder).as_posix() for path in written}
    assert {"tables/verdicts.md", "tables/table1.tex", "tables/table1.csv", "tables/claim-prevalence.csv"} <= names
    assert {
        "tables/table2-ig-static-0.1.tex",
        "figures/forest.svg",
        "figures/forest.png",
        "figures/forest.csv",
    } <= names


def test_made_again_from_the_records_they_are_the_same(smoke, tmp_path):
    folder, _, written = smoke
    again = write_reports(read_saved_run(folder), tmp_path, FORMATS)
    assert [path.name for path in again] == [path.name for path in written]
    for one, other in zip(again, written, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_every_file_of_a_smoke_run_says_that_it_is_not_a_result(smoke):
    _, _, written = smoke
    for path in written:
        if path.suffix == ".csv":
            assert set(pd.read_csv(path)["not_a_result"]) == {REASON}, path.name
        elif path.suffix != ".png":
            text = path.read_text()
            assert "not a result" in text, path.name
            assert REASON in text, path.name


def test_no_file_of_a_result_says_so(tmp_path):
    run = read_saved_run(save(tmp_path / "run"))
    for path in write_reports(run, tmp_path / "out", FORMATS):
        if path.suffix != ".png":
            assert "not a result" not in path.read_text().replace("not_a_result", "not a result"), path.name


@pytest.mark.parametrize(
    ("formats", "endings"), [(("md",), {".md"}), (("latex",), {".tex"}), (("csv",), {".csv"}), ((), set())]
)
def test_only_what_is_asked_for_is_written(tmp_path, formats, endings):
    run = read_saved_run(save(tmp_path / "run", claims=()))
    written = write_reports(run, tmp_path / "out", formats)
    assert {path.suffix for path in written} <= endings
    assert ("md" in formats) == any(path.name == "verdicts.md" for path in written)


def test_page_is_the_file(tmp_path):
    run = read_saved_run(save(tmp_path / "run"))
    (path,) = write_reports(run, tmp_path / "out", ["md"])
    assert path.read_text() == page(run)
    for text in ("## prevalence", "## Table 1: overall", "## Table 2: results", "| N\\_g", "## Table 4"):
        assert text.replace("\\", "") in path.read_text().replace("\\", "")


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the reports cannot be written"):
        write_reports(read_saved_run(save(tmp_path / "run")), tmp_path / "file", ["csv"])


def test_formats():
    assert check_formats(["csv", "md", "csv"], "report") == ("csv", "md")
    assert check_formats(["all", "md"], "report") == FORMATS
    with pytest.raises(ConfigError, match=r"--report cannot be 'latx'\. Did you mean latex"):
        check_formats(["md", "latx"], "report")
