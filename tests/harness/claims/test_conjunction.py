from dataclasses import replace

import pytest

from harness.claims import in_every_cell
from harness.errors import ConfigError
from harness.records import ClaimRow

SUPPORTED = ClaimRow(
    claim="prevalence",
    statement="more than 25% of facts",
    marker="statistical",
    model="gpt2",
    localizer="ig",
    threshold="otsu",
    verdict="SUPPORTED",
    reason="It lies above.",
    estimate=0.5,
    ci_low=0.4,
    ci_high=0.6,
    margin=0.25,
    p_value=0.001,
    n_facts=100,
)


def cells(*verdicts):
    names = [(localizer, threshold) for localizer in ("sig", "ig") for threshold in ("static:0.1", "otsu")]
    return [
        replace(
            SUPPORTED, verdict=verdict, localizer=localizer, threshold=threshold, p_value=0.01 * i, ci_low=0.4 - i / 50
        )
        for i, (verdict, (localizer, threshold)) in enumerate(zip(verdicts, names, strict=False))
    ]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("SUPPORTED", "SUPPORTED", "SUPPORTED"), "SUPPORTED"),
        (("SUPPORTED", "INCONCLUSIVE", "SUPPORTED"), "INCONCLUSIVE"),
        (("SUPPORTED", "NOT_APPLICABLE"), "NOT_APPLICABLE"),
        (("INCONCLUSIVE", "NOT_APPLICABLE"), "INCONCLUSIVE"),
        (("VOID", "INCONCLUSIVE", "SUPPORTED"), "VOID"),
        (("VOID", "REFUTED", "SUPPORTED"), "REFUTED"),
    ],
)
def test_the_worst_cell_decides(verdicts, expected):
    row = in_every_cell(cells(*verdicts))
    assert row.verdict == expected
    assert row.threshold is None
    assert row.extras["cells"][row.extras["worst"]] == expected


def test_it_names_its_cells_and_their_worst():
    row = in_every_cell(cells("SUPPORTED", "SUPPORTED", "SUPPORTED", "SUPPORTED"))
    assert (row.claim, row.localizer, row.model) == ("prevalence_everywhere", "ig+sig", "gpt2")
    assert row.statement == "In every cell: more than 25% of facts"
    assert row.extras["worst"] == "ig otsu"
    assert row.reason.startswith("4 SUPPORTED of 4 cells; the worst is ig otsu.")
    assert row.ci_low == pytest.approx(0.34)
    assert row.p_value == pytest.approx(0.03)


def test_a_cell_without_a_p_value_leaves_none():
    rows = cells("SUPPORTED", "SUPPORTED")
    assert in_every_cell([rows[0], replace(rows[1], p_value=None)]).p_value is None


def test_the_worst_of_what_its_cells_are_expected_to_show_is_expected():
    rows = [replace(row, expected=row.verdict) for row in cells("SUPPORTED", "REFUTED", "INCONCLUSIVE")]
    assert in_every_cell(rows).expected == "REFUTED"
    assert in_every_cell([*rows[:2], replace(rows[2], expected=None)]).expected is None


def test_rows_of_two_claims_or_none_are_no_conjunction():
    with pytest.raises(ConfigError, match="one claim on one model"):
        in_every_cell([SUPPORTED, replace(SUPPORTED, model="llama3")])
    with pytest.raises(ConfigError, match="one claim on one model"):
        in_every_cell([])
