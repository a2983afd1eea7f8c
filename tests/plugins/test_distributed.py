"""pytest-xdist: rows travel between processes as text, so nothing crashes and the summary is complete."""


def test_summary_is_complete_when_tests_run_in_other_processes(bench):
    bench.claim(extras={"paper": {"r_consistent": 0.5}, "nested": [1, None, {"a": "\u2229"}]})
    result = bench.fresh("-p", "xdist", "-n2", "kntests", "--model=gpt2", "--model=llama3")
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 4}
    text = result.stdout.str()
    assert text.count("SUPPORTED") == 4
    result.stdout.fnmatch_lines(["This run is not saved: its claims were judged in other processes (-n)."])
    assert not (bench.path / ".kntests").exists()


def test_refutation_in_another_process_keeps_its_word_and_exit_status(bench):
    bench.claim(verdict="REFUTED")
    result = bench.fresh("-p", "xdist", "-n1", "kntests", "--threshold=otsu")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["REFUTED: more than*", "REFUTED kntests/test_claims.py::*"])
