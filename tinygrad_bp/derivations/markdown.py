"""A derivation in Markdown with mathematics between dollars, as notebooks and hosts draw it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tinygrad_bp.derivations.document import Display, Heading, Matrix, Paragraph, Table, document
from tinygrad_bp.derivations.records import Derivation, Equation
from tinygrad_bp.formulas.boxes import Line, tex, tex_escaped

MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&-])")


def written(found: Derivation) -> str:
    """Return a derivation in Markdown."""
    blocks: list[str] = []
    for block in document(found):
        match block:
            case Heading(title, level):
                blocks.append(f"{'#' * level} {escaped(title)}")
            case Paragraph(told, quiet):
                blocks.append(f"*{escaped(told)}*" if quiet else escaped(told))
            case Display(equation, _):
                blocks.append(f"$$\n{_equation(equation)}\n$$")
            case Matrix(rows):
                blocks.append(f"$$\n{matrix(rows)}\n$$")
            case Table():
                blocks.append("\n".join(_table(block)))
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    """Return a text in which Markdown and HTML see no marks."""
    told = MARKS.sub(r"\\\1", text).replace("\\&", "&amp;").replace("\\<", "&lt;")
    return told.replace("\\>", "&gt;")


def _equation(equation: Equation) -> str:
    lines = [aligned(equation)]
    lines += [rf"\text{{with}}\quad {tex(one.left)} &= {constant(one)}" for one in equation.parts]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def aligned(equation: Equation) -> str:
    """Return an equation with an & before its sign, and its shapes behind it."""
    if equation.right is None:
        right = rf"\text{{{tex_escaped(equation.words)}}}"
    else:
        right = tex(equation.right)
    told = f"{tex(equation.left)} &= {right}"
    return rf"{told} \qquad {shapes(equation.shapes)}" if equation.shapes else told


def constant(part: Line) -> str:
    """Return the right side of a part of a formula."""
    if part.right is None:
        return rf"\text{{a constant of shape {tex_escaped(str(part.shape))}}}"
    return tex(part.right)


def shapes(told: str) -> str:
    """Return shapes in LaTeX's mathematics."""
    return told.replace("×", r" \times ").replace("scalar", r"\text{scalar}")


def matrix(rows: list[list[str]]) -> str:
    """Return numbers in LaTeX's mathematics."""
    body = " \\\\\n".join(" & ".join(map(_number, row)) for row in rows)
    return f"\\begin{{bmatrix}}\n{body}\n\\end{{bmatrix}}"


def _number(told: str) -> str:
    if told == "…":
        return r"\cdots"
    if "e" in told:
        digits, _, power = told.partition("e")
        return rf"{digits} \cdot 10^{{{int(power)}}}" if power else rf"\text{{{told}}}"
    return rf"\text{{{told}}}" if told.strip("-").isalpha() else told


def _table(table: Table) -> Iterator[str]:
    yield f"**{escaped(table.caption)}**"
    yield ""
    yield f"| {' | '.join(map(escaped, table.heads))} |"
    yield f"|{'---|' * len(table.heads)}"
    for row in table.rows:
        yield f"| {' | '.join(map(escaped, row))} |"
