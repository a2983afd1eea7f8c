"""A mistake on the command line ends the session before anything is computed, and says what to write instead."""

import pytest

MISTAKES = [
    ("--model=gpt3", ["no model 'gpt3'", "Did you mean", "gpt2"]),
    ("--model=", ["--model needs a value"]),
    ("--localizer=igg", ["no localizer 'igg'", "Did you mean", "ig"]),
    ("--localizer=,", ["--localizer needs at least one entry"]),
    ("--threshold=static:0", ["static threshold was set to 0", "strictly between 0 and 1", "static:0.1"]),
    ("--threshold=static:x", ["'x' is no number"]),
    ("--threshold=otso", ["no threshold 'otso'", "Did you mean otsu"]),
    ("--relations=,", ["--relations needs at least one entry"]),
    ("--limit=0", ["--limit must be a whole number, 1 or more; got '0'"]),
    ("--limit=many", ["--limit must be a whole number, 1 or more; got 'many'"]),
    ("--limit=-3", ["got '-3'"]),
    ("--limit=2.5", ["got '2.5'"]),
    ("--store=s3://bucket/store", ["--store is a folder of this machine"]),
    ("--facts=unknown", ["--facts cannot be 'unknown'", "Did you mean known"]),
    ("--editor=kn-locl", ["no editor 'kn-locl'", "Did you mean", "kn-local"]),
    ("--editor=", ["--editor needs a value"]),
    ("--perplexity-text=", ["--perplexity-text needs a value"]),
    ("--perplexity-text=wikitext", ["no text called 'wikitext'", "Did you mean wikitext2"]),
    ("--perplexity-text=.", [".: a folder without a test.txt", "give that folder, or the file itself"]),
    ("--quadrature=right:0", ["right rule needs at least 1 steps, got 0"]),
    ("--quadrature=right", ["rule:steps"]),
    ("--quadrature=riht:20", ["no quadrature rule 'riht'", "Did you mean right"]),
    ("--quadrature=trapezoid:1", ["at least 2 steps"]),
    ("--answer=jont", ["--answer cannot be 'jont'", "Did you mean joint"]),
    ("--answer=", ["--answer needs a value"]),
    ("--device-map=", ["--device-map needs a value"]),
    ("--adapter=", ["--adapter needs a value"]),
    ("--batch-size=0", ["--batch-size must be auto or a whole number, 1 or more; got '0'"]),
    ("--batch-size=big", ["--batch-size must be auto or a whole number"]),
    ("--engine=rai", ["--engine cannot be 'rai'", "Did you mean ray"]),
    ("--ray-address=", ["--ray-address needs a value"]),
    ("--ray-actors=0", ["--ray-actors must be auto or a whole number, 1 or more; got '0'"]),
    ("--seed=-1", ["--seed must be a whole number, 0 or more; got '-1'"]),
    ("--draws=0", ["--draws must be a whole number, 1 or more"]),
    ("--store=", ["--store needs a value"]),
    ("--fail-on=refute", ["--fail-on cannot be 'refute'", "Did you mean refuted"]),
    ("--margin=prevalence", ["claim=number", "prevalence=0.25"]),
    ("--margin=prevalence=much", ["claim=number"]),
    ("--margin=prevalence=nan", ["claim=number"]),
    ("--margin=prevalense=0.3", ["no claim 'prevalense'", "Did you mean prevalence"]),
    ("--margin=prevalence=1.5", ["a share lies between 0 and 1, got 1.5"]),
    ("--save=../outside", ["--save takes letters, digits"]),
    ("--compare=before", ["no saved run 'before'", "Known: none"]),
    ("--compare-fail=gen:-0.02", ["--compare-fail", "name that run with --compare"]),
    ("--compare-fail=gne:-0.02", ["no metric 'gne'", "Did you mean gen"]),
]


@pytest.mark.parametrize(("argument", "says"), MISTAKES, ids=[argument for argument, _ in MISTAKES])
def test_mistake_is_a_usage_error(bench, argument, says):
    result = bench.run(argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = result.stderr.str()
    assert errors.startswith("ERROR: ")
    for text in says:
        assert text in errors
    assert "Traceback" not in errors + result.stdout.str()
    assert not bench.events("request")


def test_mistake_in_the_ini_file_is_told_in_the_same_way(bench):
    bench.ini("kn_threshold = static:0\n")
    result = bench.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: a static threshold was set to 0*"])


def test_two_localizers_of_one_name_are_refused(bench):
    result = bench.run("--localizer=ig,theirs:ig")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: two of the localizers call themselves 'ig'*"])


def test_unknown_marker_is_an_error_and_not_an_empty_session(bench):
    bench.write("kntests/test_claims.py", "import pytest\n\n@pytest.mark.statistcal\ndef test_x(): pass\n")
    assert bench.run().ret == pytest.ExitCode.INTERRUPTED


def test_mistake_found_late_still_has_no_traceback(bench):
    # Without a path the benchmark's conftest is only loaded while pytest collects.
    result = bench.pytester.runpytest_inprocess("--limit=0")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*--limit must be a whole number, 1 or more; got '0'*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*benchmark.py*")


def test_session_without_the_benchmark_does_not_look_at_its_options(bench):
    bench.write("other/test_other.py", "def test_other(): pass\n")
    assert bench.pytester.runpytest_inprocess("other", "--limit=0", "--model=nonsense").ret == 0
