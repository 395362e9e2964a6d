"""A derivation as text, for terminals."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from tinygrad_bp.derivations.document import Display, Heading, Matrix, Paragraph, Table, document
from tinygrad_bp.derivations.records import Derivation, Equation
from tinygrad_bp.formulas.boxes import Line, text

WIDTH = 96
SHAPES = 46  # the column where shapes stand


def written(found: Derivation) -> str:
    """Return a derivation as text."""
    lines: list[str] = []
    for block in document(found):
        match block:
            case Heading(title, 1):
                lines += [title, "=" * len(title)]
            case Heading(title, 2):
                lines += ["", title, "-" * len(title)]
            case Heading(title, _):
                lines += ["", title]
            case Paragraph(told, _):
                lines += wrap(told, WIDTH, initial_indent="      ", subsequent_indent="      ")
            case Display(equation, depth):
                lines += _equation(equation, "  " + "  " * depth)
            case Matrix(rows):
                lines += _matrix(rows)
            case Table():
                lines += _table(block)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _equation(equation: Equation, indent: str) -> Iterator[str]:
    right = equation.words if equation.right is None else text(equation.right)
    formula = f"{indent}{text(equation.left)} = {right}"
    yield f"{formula:<{SHAPES}}  {equation.shapes}"
    for part in equation.parts:
        yield f"{indent}    with {_part(part)}"


def _part(part: Line) -> str:
    if part.right is None:
        return f"{text(part.left)} = a constant of shape {part.shape}"
    return f"{text(part.left)} = {text(part.right)}"


def _matrix(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        told = "  ".join(f"{one:>{width}}" for one, width in zip(row, widths, strict=True))
        yield f"        {told}"


def _table(table: Table) -> Iterator[str]:
    rows = [table.heads, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield f"      {table.caption}:"
    for row in rows:
        *cells, last = row
        told = " " * 8
        told += "".join(f"{one:<{width}}  " for one, width in zip(cells, widths, strict=False))
        yield from wrap(
            told + last, WIDTH, subsequent_indent=" " * (len(told) + 2), break_long_words=False,
            drop_whitespace=True,
        )  # fmt: skip
