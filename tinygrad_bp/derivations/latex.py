"""A derivation as a LaTeX document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tinygrad_bp.derivations.document import Display, Heading, Matrix, Paragraph, Table, document
from tinygrad_bp.derivations.markdown import aligned, constant, matrix, shapes
from tinygrad_bp.derivations.records import Derivation, Equation
from tinygrad_bp.formulas.boxes import tex, tex_escaped, text

HEAD = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{amsmath,amssymb,geometry,longtable,textcomp}
\geometry{margin=25mm}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\allowdisplaybreaks
\setcounter{MaxMatrixCols}{20}
"""
WIDE = 56  # characters of a formula, beside which shapes have no room on a page
SHORT = 24  # characters of a cell that needs no lines of its own
SECTIONS = {2: "section*", 3: "subsection*"}


def written(found: Derivation) -> str:
    """Return a derivation as a LaTeX document that needs amsmath and a few common packages."""
    lines = [HEAD]
    for block in document(found):
        match block:
            case Heading(title, 1):
                lines += [rf"\title{{{tex_escaped(title)}}}", r"\date{}", r"\begin{document}"]
                lines += [r"\maketitle"]
            case Heading(title, level):
                lines.append(rf"\{SECTIONS[level]}{{{tex_escaped(title)}}}")
            case Paragraph(told, quiet):
                shown = tex_escaped(told)
                lines += ["", rf"\emph{{{shown}}}" if quiet else shown, ""]
            case Display(equation, _):
                lines += _equation(equation)
            case Matrix(rows):
                lines += [r"\[ \footnotesize", matrix(rows), r"\]"]
            case Table():
                lines += _table(block)
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def _equation(equation: Equation) -> Iterator[str]:
    wide = equation.right is None or len(text(equation.right)) > WIDE
    rows = [aligned(replace(equation, shapes="") if wide else equation)]
    if wide and equation.shapes:
        rows.append(rf"& \qquad {shapes(equation.shapes)}")
    rows += [rf"\text{{with }} {tex(one.left)} &= {constant(one)}" for one in equation.parts]
    yield r"\begin{align*}"
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"


def _table(table: Table) -> Iterator[str]:
    long = any(len(row[-1]) > SHORT for row in table.rows)
    columns = "l" * len(table.heads[:-1]) + (r"p{0.7\textwidth}" if long else "l")
    yield ""
    yield rf"{tex_escaped(table.caption)}:"
    yield ""
    yield rf"\begin{{longtable}}{{{columns}}}"
    yield f"{' & '.join(map(tex_escaped, table.heads))} \\\\ \\hline"
    for row in table.rows:
        yield f"{' & '.join(map(tex_escaped, row))} \\\\"
    yield r"\end{longtable}"
