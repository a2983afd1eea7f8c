"""One small table with everything that a table may have."""

from reports.table import Cell, Table, column, interval, number, p_value, word

TABLE = Table(
    name="table-9",
    title="Table 9: edits of K_II",
    columns=(
        column("model", "Model", align="left"),
        column("facts", "n", group="GPT-2 (gpt2)"),
        column("reliability", "Rel", better="up", group="GPT-2 (gpt2)", interval=True),
        column("perplexity_change", "ΔPPL", better="down", group="other"),
        column("welch_p", "p", group="other"),
        column("verdict", "verdict", align="left"),
    ),
    rows=(
        (
            word("a|b_c"),
            number(20, 0),
            interval(0.512345, 0.4, 0.625, bold=True),
            number(-0.1),
            p_value(1e-9),
            Cell(text="SUPPORTED (as expected)", value="SUPPORTED"),
        ),
        (word("50% & <more>"), number(3, 0), interval(0.25, None, None), number(None), p_value(0.04), word("REFUTED")),
    ),
    note="Means over facts.",
    smoke="at most 2 facts a relation",
)
