"""Tables as Markdown, read back by a parser of Markdown."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.formats import markdown
from reports.table import word
from tests.reports.formats.tables import TABLE

GOLDEN = r"""**Table 9: edits of K_II**

**Smoke run, not a result:** at most 2 facts a relation.

| Model        |   GPT-2 (gpt2) n |   GPT-2 (gpt2) Rel ↑ |   other ΔPPL ↓ |   other p | verdict                 |
|:-------------|-----------------:|---------------------:|---------------:|----------:|:------------------------|
| a\|b_c       |               20 |   **0.51 [0.40, 0.62]** |          -0.10 |     <1e-6 | SUPPORTED (as expected) |
| 50% & <more\> |                3 |                 0.25 |              - |      0.04 | REFUTED                 |

Means over facts."""
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXTS = st.text(st.characters(exclude_categories=["C"]) | st.sampled_from("\\`*_{}[]()<>#+-.!|~$&:;=\"'/"), max_size=12)


def said(tokens: list[Token] | None) -> str:
    """What a reader sees; any markup shows as its name."""
    parts: list[str] = []
    for token in tokens or []:
        parts.append(token.content if token.type == "text" else f"<{token.type}>")
    return "".join(parts)


def test_golden():
    lines = [" ".join(line.split()) for line in markdown.render(TABLE).splitlines()]
    wanted = GOLDEN.replace(r"<more\>", r"\<more>")
    assert [line.replace("-", "") for line in lines] == [
        " ".join(line.split()).replace("-", "") for line in wanted.splitlines()
    ]


@given(text=TEXTS)
def test_a_cell_says_what_it_holds(text):
    table = replace(TABLE, columns=TABLE.columns[:1], rows=((word(text),), (word("end"),)), smoke=None)
    tokens = PARSER.parse(markdown.render_grid(table))
    cells = [said(token.children) for token in tokens if token.type == "inline"]
    assert cells == ["Model", " ".join(text.split()) or ("-" if not text else ""), "end"]


@given(text=TEXTS)
def test_a_paragraph_says_what_it_holds(text):
    words = " ".join(text.split())
    tokens = PARSER.parse(markdown.paragraph(text))
    assert [token.type for token in tokens] == (["paragraph_open", "inline", "paragraph_close"] if words else [])
    assert "".join(said(token.children) for token in tokens if token.type == "inline") == words


@given(text=TEXTS)
def test_code_says_what_it_holds(text):
    words = " ".join(text.split())
    if not words:
        return
    (child,) = PARSER.parseInline(markdown.code(text))[0].children or []
    assert (child.type, child.content) == ("code_inline", words)
