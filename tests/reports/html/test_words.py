"""Sentences, numbers, nested values, citations."""

import json
import re
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.classes import cuts_of
from reports.explanations import EXPLANATIONS
from reports.html.citation import sources
from reports.html.decisions import decision_section
from reports.html.hints import Hints
from reports.html.interval import Scale
from reports.html.laid_open import laid_open
from reports.html.verdicts import sentence
from reports.html.words import badge, explanation_of, short, span
from tests.reports.html.made_run import made_run
from tests.reports.html.skeleton import read

ROW = made_run().record.claims[0]


def test_a_claim_of_one_cell():
    assert sentence([ROW]) == "This run supports this (share of facts 0.44); the margin is 0.25."


def test_a_claim_that_could_not_be_asked_says_why():
    row = replace(ROW, verdict="NOT_APPLICABLE", estimate=None, reason="Give two models.")
    assert sentence([row]) == "This run could not ask this. Give two models."
    assert sentence([row, row]) == "This run could not ask this in every cell. Give two models."
    other = replace(row, reason="Another reason.")
    assert sentence([row, other]) == "This run could not ask this in every cell."


def test_a_claim_of_several_cells_starts_with_the_most_frequent_verdict():
    rows = [ROW, replace(ROW, verdict="VOID", estimate=0.1), replace(ROW, verdict="VOID", estimate=0.9)]
    assert sentence(rows) == (
        "This run says nothing about this, because a control failed, in 2 of 3 cells (share of facts 0.1 to 0.9) and"
        " supports it in 1 (share of facts 0.44); the margin is 0.25."
    )


def test_claims_of_others_speak_through_their_statement():
    row = replace(ROW, claim="theirs")
    assert sentence([row]) == "This run supports this (estimate 0.44); the margin is 0.25."


def test_a_verdict_is_never_told_by_colour_alone():
    signs = [badge(v) for v in ("SUPPORTED", "REFUTED", "INCONCLUSIVE", "NOT_APPLICABLE", "VOID", "NEW")]
    assert len({"".join(read(sign).words) for sign in signs}) == 6
    assert "not applicable" in signs[3]
    assert "new" in signs[5]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "0"), (1e-140, "≈0"), (-1e-9, "-1.0e-09"), (2.5e-5, "2.5e-05"), (1.0, "1"), (0.25, "0.25")),
        *((0.1234, "0.123"), (0.00371, "0.00371"), (999.4, "999"), (999.7, "1,000"), (124_439_808.0, "124,439,808")),
    ],
)
def test_short_numbers(value, text):
    assert short(value) == text


def test_span_of_one_number_is_that_number():
    assert span(0.1, 0.1) == "0.1"
    assert span(0.1, 0.25) == "0.1 to 0.25"


@given(st.lists(st.floats(-1e6, 1e6), min_size=2))
def test_a_scale_holds_all_its_values_in_order(values):
    scale = Scale.of([*values, None])
    if scale is None:
        assert len(set(values)) == 1
        return
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert min(places) >= 0
    assert max(places) <= 120


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


def leaves(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    else:
        yield value


@given(JSON)
def test_everything_that_a_record_can_hold_is_laid_open(value):
    reader = read(laid_open(value, label="extras", hints=Hints()))
    words, attributes = "".join(reader.words), set(reader.attributes)
    for leaf in leaves(value):
        if isinstance(leaf, str) and leaf.isprintable():
            assert leaf in words
        elif isinstance(leaf, float):
            assert repr(leaf) in attributes  # to the last digit
        elif isinstance(leaf, int) and not isinstance(leaf, bool):
            assert f"{leaf:,}" in words


@given(st.dictionaries(st.sampled_from(["controls", "paper", "curve", "x"]), JSON))
def test_a_row_of_any_extras_is_laid_open(extras):
    row = replace(ROW, extras=extras)
    attributes = set(read(decision_section((row,), Hints())).attributes)
    assert {repr(leaf) for leaf in leaves(extras) if isinstance(leaf, float)} <= attributes
    record = replace(made_run().record, claims=(row,))
    assert all(isinstance(cut.value, float) for cut in cuts_of(record, row.model, row.localizer))


def test_controls_of_several_models_are_told_apart():
    control = {"name": "ceiling", "passed": False, "value": 0.1, "bound": 0.3, "explanation": "it is noise"}
    row = replace(ROW, extras={"controls": {"gpt2": {"controls": [control], "floor": 0.0625}, "llama": [control]}})
    row = replace(row, extras={**row.extras, "measurement_controls": [{**control, "name": "reach"}]})
    words = "".join(read(decision_section((row,), Hints())).words)
    assert "FAILED: reach" in words
    assert words.count("FAILED: ceiling, 0.1 against 0.3. This means: it is noise.") == 2
    assert "0.0625" in words


def test_dictionaries_of_dictionaries_are_tables():
    value = {"P1": {"n_facts": 1, "share": 0.5}, "P2": {"n_facts": 2, "share": None}}
    page = laid_open(value, label="by_relation", hints=Hints())
    assert page.count("<tr>") == 3
    assert "<caption>by relation</caption>" in page


def test_columns_of_one_length_are_tables():
    assert laid_open({"cuts": [1, 2, 3], "shares": [4, 5, 6]}, label="curve", hints=Hints()).count("<tr>") == 4
    assert "<table" not in laid_open({"cuts": [1, 2, 3], "shares": [4, 5]}, label="curve", hints=Hints())


def test_numbers_of_a_record_are_explained():
    fields = {"estimate", "ci_low", "ci_high", "margin", "p_value", "p_adjusted", "paper_value", "n_facts", "n_queries"}
    for name in fields | {"cut", "known", "curve", "paper", "minimum_detectable", "n_relations", "n_unscored"}:
        assert explanation_of(name), name


@pytest.mark.parametrize("name", ["record.json", "claims.json"])
def test_words_are_whole_sentences(name):
    told = json.loads(files("reports.html").joinpath("assets", name).read_text(encoding="utf-8"))
    for text in (entry if isinstance(entry, str) else entry["plain"] for entry in told.values()):
        assert re.fullmatch(r"[A-Z].*\.|p of .*\.", text), text


def test_hints_are_kept_once():
    hints = Hints()
    first, again, other = (hints.button(word, EXPLANATIONS[word]) for word in ("cs1", "cs1", "cs2"))
    assert first == again != other
    assert hints.popovers().count("popover=") == 2
    assert hints.button("nothing", "") is None


def test_software_and_paper_are_cited():
    software, paper = sources()
    assert software.bibtex.startswith("@software{kntests,\n  author = {{the kntests authors}},\n")
    assert paper.bibtex.startswith("@misc{chen2024,\n  author = {Chen, Yuheng and Cao, Pengfei and ")
    assert "year = {2024}" in paper.bibtex
    assert paper.text.startswith("Yuheng Chen, Pengfei Cao, ")
    for source in (software, paper):
        assert source.bibtex.count("{") == source.bibtex.count("}")


def test_what_tex_would_misread_is_escaped(tmp_path):
    file = tmp_path / "CITATION.cff"
    file.write_text("title: '100% & more_of {it}'\nauthors: [{name: 'A & B'}]\nreferences: []\n", encoding="utf-8")
    (source,) = sources(file)
    assert r"title = {{100\% \& more\_of \{it\}}}" in source.bibtex
    assert r"author = {{A \& B}}" in source.bibtex
