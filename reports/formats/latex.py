"""Tables as LaTeX with booktabs; a table of more rows than a page holds needs longtable besides."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from reports.table import MISSING, Cell, Column, Table

WIDE: Final = 12
"""Columns that a page holds side by side; wider tables with groups are stacked, a group below the other."""

_LONG: Final = 40
_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "\u2060": "{}",
    "\u2191": r"$\uparrow$",
    "\u2193": r"$\downarrow$",
    "\u0394": r"$\Delta$",
    "\u2229": r"$\cap$",
    "\u2212": "$-$",
}
_LETTERS: Final = frozenset(
    "".join(map(chr, (*range(0xC0, 0xD7), *range(0xD8, 0xF7), *range(0xF8, 0x100))))
    + "ĂăĄąĆćČčĎďĐđĘęĚěĞğİıĹĺĽľŁłŃńŇňŐőŔŕŘřŚśŞşŠšŢţŤťŮůŰűŹźŻżŽžŒœŸ"
)
"""Letters beyond ASCII that every T1 font has."""

_DASHES: Final = re.compile("(?<=[-?!,])(?=[-,`'])")
"""Between characters that fonts join into another one."""

_MINUS: Final = re.compile(r"(?<![\w.)])-(?=\d)")
_PAPERS: Final = re.compile(r"\b(?:K\\_(I{1,2})|N\\_([ig]))(?![A-Za-z0-9])")
"""The paper's symbols, escaped."""


def render(table: Table) -> str:
    """A float with caption and label; the first line says which packages it needs; with a line break at the end."""
    needed = "booktabs, longtable, textcomp" if len(table.rows) > _LONG else "booktabs, graphicx, textcomp"
    head = [f"% needs \\usepackage[T1]{{fontenc}} and the packages {needed}"]
    stacked = list(table.panels()) if len(table.columns) > WIDE else [table]
    caption = f"\\caption{{{_caption(table)}}}\\label{{tab:{_label(table.name)}}}"
    note = [f"{{\\par\\smallskip\\footnotesize {escape(table.note)}\\par}}"] if table.note else []
    if len(table.rows) > _LONG:
        body = [line for i, panel in enumerate(stacked) for line in _long(panel, caption if i == 0 else "")]
        return "\n".join([*head, *body, *note]) + "\n"
    body = ["\\begin{table}[tp]", "\\centering", "\\footnotesize", caption, "\\setlength{\\tabcolsep}{4pt}"]
    fit = "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%"  # smaller, never larger
    for number, panel in enumerate(stacked):
        body += ["\\par\\medskip"] if number else []
        tabular = [f"\\begin{{tabular}}{{{_columns(panel)}}}", *_head(panel), *_rows(panel), "\\end{tabular}}"]
        body += [fit, *tabular]
    return "\n".join([*head, *body, *note, "\\end{table}"]) + "\n"


def escape(text: str) -> str:
    """The text in one line, every character standing for itself, the paper's K_I, K_II, N_i and N_g as it sets them.

    A character that T1 fonts lack is named by its code point, so that the table compiles whatever a model is called.
    """
    line = _MINUS.sub("\u2212", " ".join(text.split()))
    line = _DASHES.sub("\u2060", line)
    escaped = "".join(_SPECIAL.get(char) or _character(char) for char in line)
    return _PAPERS.sub(lambda found: f"$K_{{{found[1]}}}$" if found[1] else f"$\\mathcal{{N}}_{found[2]}$", escaped)


def _character(char: str) -> str:
    return char if 0x20 <= ord(char) < 0x7F or char in _LETTERS else f"\\texttt{{U+{ord(char):04X}}}"


def _caption(table: Table) -> str:
    smoke = "" if table.smoke is None else f"\\textbf{{Smoke run, not a result:}} {escape(table.smoke)}. "
    return smoke + escape(table.title)


def _label(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


def _columns(table: Table) -> str:
    return "".join("l" if column.align == "left" else "r" for column in table.columns)


def _long(table: Table, caption: str) -> Iterator[str]:
    """A table that breaks over pages, its headings on each."""
    yield from ("{\\scriptsize\\setlength{\\tabcolsep}{3pt}", f"\\begin{{longtable}}{{{_columns(table)}}}")
    yield from [caption + "\\\\"] if caption else []
    yield from (*_head(table), "\\endhead", *_rows(table), "\\end{longtable}}")


def _head(table: Table) -> Iterator[str]:
    yield "\\toprule"
    if table.groups:
        spans = list(_spans(table.columns))
        yield " & ".join(f"\\multicolumn{{{n}}}{{c}}{{{escape(group)}}}" for group, _, n in spans) + " \\\\"
        yield " ".join(f"\\cmidrule(lr){{{first}-{first + n - 1}}}" for group, first, n in spans if group)
    yield " & ".join(escape(column.title) for column in table.columns) + " \\\\"
    yield "\\midrule"


def _rows(table: Table) -> Iterator[str]:
    for row in table.rows:
        line = " & ".join(_cell(cell) for cell in row) + " \\\\"
        # Behind the line break before it, these would be its argument or its star.
        yield f"{{}}{line}" if line.startswith(("[", "*")) else line
    yield "\\bottomrule"


def _spans(columns: Sequence[Column]) -> Iterator[tuple[str, int, int]]:
    """Heading, first column (from 1) and number of columns of every run of one group."""
    first = 1
    for group, members in groupby(columns, key=lambda column: column.group):
        n = len(list(members))
        yield group, first, n
        first += n


def _cell(cell: Cell) -> str:
    if cell.text == MISSING:
        return "--"
    text = escape(cell.text)
    return f"\\textbf{{{text}}}" if cell.bold else text
