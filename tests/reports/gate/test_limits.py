"""What a limit says, and what is told where it cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from reports.gate.limits import METRICS, Limit, parse_limits


def test_the_papers_example_reads_as_it_says():
    gen, ppl = parse_limits("gen:-0.02@p<0.05,ppl:+5%")
    assert (gen.metric.column, gen.tolerance, gen.percent, gen.level) == ("generalization", 0.02, False, 0.05)
    assert (ppl.metric.column, ppl.tolerance, ppl.percent, ppl.level) == ("perplexity_change", 0.05, True, None)


@given(
    st.lists(
        st.builds(
            Limit,
            metric=st.sampled_from(list(METRICS.values())),
            tolerance=st.integers(0, 10**6).map(lambda n: n / 10**4),
            percent=st.booleans(),
            level=st.none() | st.integers(1, 4999).map(lambda n: n / 10**4),
        ),
        min_size=1,
        unique_by=lambda limit: limit.metric.name,
    ),
    st.sampled_from(["", " "]),
)
def test_what_is_written_is_read_again(limits, space):
    read = parse_limits(f"{space},{space}".join(map(str, limits)))
    assert [limit.metric for limit in read] == [limit.metric for limit in limits]
    assert [limit.percent for limit in read] == [limit.percent for limit in limits]
    assert [limit.level for limit in read] == [limit.level for limit in limits]
    assert [limit.tolerance for limit in read] == pytest.approx([limit.tolerance for limit in limits])


@given(st.text(max_size=30).filter(lambda text: ":" not in text))
def test_any_other_text_is_refused_by_an_error_that_shows_it(text):
    with pytest.raises(ConfigError) as caught:
        parse_limits(text)
    assert caught.value.setting == "fail"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gne:-0.02", "no metric 'gne'. Did you mean gen?"),
        ("gen", "metric:change is expected"),
        ("", "metric:change is expected"),
        ("gen:-0.02,", "metric:change is expected"),
        ("gen:0.02", "a sign and a number are expected"),
        ("gen:+0.02", "of gen more is better, so a limit is written the other way, gen:-0.02"),
        ("ppl:-5%", "of ppl less is better, so a limit is written the other way, ppl:+5%"),
        ("gen:-0.02@0.05", "@p<x is expected"),
        ("gen:-0.02@", "@p<x is expected"),
        ("gen:-0.02@p<0.6", "between 0 and 0.5"),
        ("gen:-0.02,gen:-0.03", "'gen' has 2 limits"),
    ],
)
def test_errors_say_what_is_expected(text, told):
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        parse_limits(text)
    assert told in str(caught.value)
