r"""Tables as LaTeX: what is written, what LaTeX makes of any text, and whether it compiles."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.formats import latex
from reports.table import word
from tests.reports.formats.tables import TABLE

GOLDEN = r"""% needs \usepackage[T1]{fontenc} and the packages booktabs, graphicx, textcomp
\begin{table}[tp]
\centering
\footnotesize
\caption{\textbf{Smoke run, not a result:} at most 2 facts a relation. Table 9: edits of $K_{II}$}\label{tab:table-9}
\setlength{\tabcolsep}{4pt}
\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%
\begin{tabular}{lrrrrl}
\toprule
\multicolumn{1}{c}{} & \multicolumn{2}{c}{GPT-2 (gpt2)} & \multicolumn{2}{c}{other} & \multicolumn{1}{c}{} \\
\cmidrule(lr){2-3} \cmidrule(lr){4-5}
Model & n & Rel $\uparrow$ & $\Delta$PPL $\downarrow$ & p & verdict \\
\midrule
a\textbar{}b\_c & 20 & \textbf{0.51 [0.40, 0.62]} & $-$0.10 & \textless{}1e-6 & SUPPORTED (as expected) \\
50\% \& \textless{}more\textgreater{} & 3 & 0.25 & -- & 0.04 & REFUTED \\
\bottomrule
\end{tabular}}
{\par\smallskip\footnotesize Means over facts.\par}
\end{table}
"""
COMMANDS = {
    r"\textbackslash{}": "\\",
    r"\textasciicircum{}": "^",
    r"\textasciitilde{}": "~",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
    r"\textquotedbl{}": '"',
    r"\textquotesingle{}": "'",
    r"\textasciigrave{}": "`",
    r"\{": "{",
    r"\}": "}",
    r"\$": "$",
    r"\&": "&",
    r"\#": "#",
    r"\%": "%",
    r"\_": "_",
    r"$\uparrow$": "↑",
    r"$\downarrow$": "↓",
    r"$\Delta$": "Δ",
    r"$\cap$": "∩",
    r"$-$": "-",
    r"$K_{I}$": "K_I",
    r"$K_{II}$": "K_II",
    r"$\mathcal{N}_i$": "N_i",
    r"$\mathcal{N}_g$": "N_g",
    "{}": "",
}
TOKEN = re.compile(
    "|".join(map(re.escape, sorted(COMMANDS, key=len, reverse=True))) + r"|\\texttt\{U\+([0-9A-F]{4,6})\}"
)
TEXTS = st.text(
    st.sampled_from("\\{}$&#%_^~<>|\"'`-[]?!,*K_IN_gi 0a.é中∩Δ") | st.characters(codec="utf-8"), max_size=16
)


def read(written: str) -> str:
    """What LaTeX sets, as far as this project writes LaTeX; a character that it could trip over is an error."""
    pieces, end = [], 0
    for found in TOKEN.finditer(written):
        pieces += [plain(written[end : found.start()]), COMMANDS.get(found[0]) or chr(int(found[1] or "200B", 16))]
        end = found.end()
    return "".join([*pieces, plain(written[end:])])


def plain(text: str) -> str:
    assert not set(text) & set("\\{}$&#%_^~<>|\"'`"), text
    assert not re.search(r"--|\?`|!`|,,|''", text), text
    return text


def document(*tables: str) -> str:
    packages = "\\usepackage[T1]{fontenc}\n\\usepackage{booktabs,graphicx,longtable,textcomp}"
    return "\n".join(["\\documentclass{article}", packages, "\\begin{document}", *tables, "\\end{document}"])


def test_golden():
    assert latex.render(TABLE) == GOLDEN


@given(text=TEXTS)
def test_any_text_is_set_as_it_stands(text):
    words = " ".join(text.split())
    assert read(latex.escape(text)).replace("\u200b", "") == words.replace("\u200b", "").replace("\u2212", "-")


def test_a_row_that_begins_like_an_argument_is_none():
    lines = latex.render(replace(TABLE, rows=tuple((word(text), *TABLE.rows[0][1:]) for text in ("[x]", "*")))).split(
        "\n"
    )
    assert [line[:5] for line in lines if "SUPPORTED" in line] == ["{}[x]", "{}* &"]


def test_a_wide_table_is_stacked_and_a_long_one_breaks_over_pages():
    columns = tuple(replace(c, key=f"{c.key}{n}", group=f"group {n}") for n in range(3) for c in TABLE.columns)
    wide = replace(TABLE, columns=columns, rows=tuple(row * 3 for row in TABLE.rows))
    assert latex.render(wide).count("\\begin{tabular}") == 3
    long = latex.render(replace(TABLE, rows=TABLE.rows * 30))
    assert "\\begin{longtable}" in long
    assert "\\begin{table}" not in long


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here; texlive-latex-recommended has one")
def test_it_compiles_whatever_a_model_is_called(tmp_path: Path):
    names = [
        "".join(map(chr, range(32, 127))),
        "àéîõü ßøœ ĄŁŚ",
        "中文 🙂 \u200b",
        "[a]",
        "*",
        "--- ?` !` ,, ''",
        "× ÷ ±",
        "K_I N_g",
    ]
    hostile = replace(
        TABLE, rows=tuple((word(name), *TABLE.rows[0][1:]) for name in names), title=names[0], note=names[1]
    )
    long = replace(hostile, rows=hostile.rows * 8)
    columns = tuple(replace(c, key=f"{c.key}{n}", group=names[n]) for n in range(3) for c in TABLE.columns)
    wide = replace(hostile, columns=columns, rows=tuple(row * 3 for row in hostile.rows))
    source = document(
        *map(latex.render, (TABLE, hostile, long, wide, replace(long, columns=columns, rows=wide.rows * 9)))
    )
    (tmp_path / "tables.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "tables.log").read_text(errors="replace")
