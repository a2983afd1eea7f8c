"""What stands in the terminal at the end: a table a claim, reasons, where the run is."""

import re

PAPER = {
    "r_consistent": 0.56,
    "s_consistent": 0.21,
    "r_inconsistent": 0.44,
    "s_inconsistent": 0.03,
    "welch_t": 236.04,
    "welch_p": 0.0,
}


def test_table_has_the_papers_columns_then_what_decides(bench):
    bench.claim(extras={"paper": PAPER}, reason="the interval lies above the margin")
    bench.run().stdout.re_match_lines(
        [
            r"=+ prevalence \(statistical\) =+",
            r"more than 25% of facts are inconsistent",
            r"Model +Localizer +T +R:I +S:I +R:II +S:II +t +p +estimate \[95 %\] +margin +verdict",
            r"tiny-gpt2 +ig +static:0.1 +0.56 +0.21 +0.44 +0.03 +236.0 +<1e-6 +0.44 \[0.40, 0.49\] +0.25 +SUPPORTED",
            r"tiny-gpt2 +ig +otsu +0.56",
            r"tiny-gpt2 ig static:0.1: the interval lies above the margin",
            r"tiny-gpt2 ig otsu: the interval lies above the margin",
            r"saved in .kntests/runs/0001_now",
        ],
        consecutive=False,
    )


def test_verdict_is_coloured(bench):
    bench.claim(verdict="REFUTED")
    text = bench.run_one("--color=yes").stdout.str()
    assert re.search(r"0\.25 +\x1b\[31mREFUTED", text)


def test_expected_verdict_is_named(bench):
    bench.claim(verdict="INCONCLUSIVE", expected="SUPPORTED")
    bench.run_one().stdout.fnmatch_lines(["tiny-gpt2*INCONCLUSIVE (not SUPPORTED)"])


def test_each_claim_has_its_section(bench):
    one = (bench.path / "kntests/test_claims.py").read_text()
    other = one.replace("test_claim", "test_other").replace("threshold=threshold", "threshold=threshold, name='other'")
    bench.write("kntests/test_other.py", other)
    result = bench.run()
    result.stdout.re_match_lines([r"=+ prevalence \(statistical\) =+", r"=+ other \(statistical\) =+"])


def test_limited_run_is_called_a_smoke_run(bench):
    bench.run_one("--limit=2").stdout.fnmatch_lines(["smoke run, not a result: at most 2 facts a relation"])
    bench.run_one("--save=full").stdout.no_fnmatch_line("*smoke run*")


def test_collecting_shows_no_summary_and_saves_nothing(bench):
    result = bench.run("--collect-only")
    result.stdout.no_fnmatch_line("*Localizer*")
    assert not (bench.path / ".kntests").exists()
