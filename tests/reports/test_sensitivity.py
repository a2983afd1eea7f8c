import csv
import io

from harness.records import Manifest, QuadratureRow, SelectionRow, SensitivityRecord
from reports.formats import csv as as_csv
from reports.formats import markdown
from reports.sensitivity import quadrature_table, selection_table, sensitivity_document

ROW = SelectionRow(
    t=0.2,
    mean_set_size=26.44,
    share_inconsistent=0.512,
    ci_low=0.4,
    ci_high=0.611,
    cut=0.1,
    mean_cs2=0.3,
    ceiling=0.8,
    floor=0.05,
    n_facts=100,
    n_relations=10,
    prevalence="SUPPORTED",
    prevalence_reason="above",
    separation="INCONCLUSIVE",
    separation_reason="one mode",
)
EMPTY = SelectionRow(
    t=0.9,
    mean_set_size=0.0,
    share_inconsistent=None,
    ci_low=None,
    ci_high=None,
    cut=None,
    mean_cs2=None,
    ceiling=None,
    floor=None,
    n_facts=0,
    n_relations=0,
    prevalence="NOT_APPLICABLE",
    prevalence_reason="no neuron",
    separation="NOT_APPLICABLE",
    separation_reason="no neuron",
)
QUADRATURE = QuadratureRow(
    quadrature="right:20",
    n_queries=200,
    jaccard=0.9512,
    identical=0.5,
    completeness_gap=0.00123,
    n_facts=50,
    mean_cs2=0.31,
    share_inconsistent=0.48,
    seconds_a_query=None,
    relative_operations=1.0,
)


def record(*rows: SelectionRow, quadratures: tuple[QuadratureRow, ...] = (QUADRATURE,)) -> SensitivityRecord:
    manifest = Manifest(
        created="now",
        command="kntests sensitivity",
        versions={},
        platform={},
        models={},
        data={},
        settings={},
        smoke="built-in model m",
        seconds=1.0,
    )
    return SensitivityRecord(
        manifest=manifest,
        model="m",
        localizer="ig",
        threshold="static:0.1",
        margin=0.25,
        selected=0.2,
        selection=rows,
        converged="gauss-legendre:64",
        quadratures=quadratures,
    )


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_selection() -> None:
    table = selection_table([ROW, EMPTY])
    _header, _rule, first, second = markdown.render_grid(table).splitlines()
    assert cells(first) == [
        *("0.2", "26.4", "0.51 [0.40, 0.61]", "0.30", "0.80", "0.05"),
        *("INCONCLUSIVE", "SUPPORTED"),
    ]
    assert cells(second) == ["0.9", "0.0", "-", "-", "-", "-", "NOT_APPLICABLE", "NOT_APPLICABLE"]
    first_values, second_values = csv.DictReader(io.StringIO(as_csv.render(table)))
    assert float(first_values["share_inconsistent"]) == 0.512
    assert second_values["share_inconsistent"] == ""


def test_quadratures() -> None:
    (row,) = markdown.render_grid(quadrature_table([QUADRATURE])).splitlines()[2:]
    assert cells(row) == ["right:20", "0.951", "50%", "1.2e-03", "0.310", "48%", "1.00", "-"]


def test_the_page_says_what_it_is_and_why() -> None:
    page = sensitivity_document(record(ROW, EMPTY))
    assert "**Smoke run, not a result:** built-in model m." in page
    assert "- t = 0.2: above" in page
    assert "- t = 0.9: no neuron" in page
    assert "200 queries localized again" in page
    assert "depends on none" in sensitivity_document(record(ROW, quadratures=()))
