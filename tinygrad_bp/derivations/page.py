"""A derivation as a page: one HTML document with MathML that asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from tinygrad_bp.derivations.document import (
    Block,
    Display,
    Heading,
    Matrix,
    Paragraph,
    Table,
    document,
)
from tinygrad_bp.derivations.records import Derivation, Equation
from tinygrad_bp.formulas.boxes import Line, mathml
from tinygrad_bp.formulas.printing import printable
from tinygrad_bp.view.picture import palette
from tinygrad_bp.view.picture.records import Section

LEVELS = ("", "title", "pass", "step")  # the classes of headings
SCOPE = "tinygrad-bp-derivation"  # the class of what the style is for, in a notebook as on a page


def page(found: Derivation, source: str = "") -> str:
    """Return a derivation as an HTML document.

    Its content-security policy allows its own style, by its hash, and nothing else.

    Parameters
    ----------
    found : Derivation
    source : str
        The same in NumPy, shown at the end.
    """
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(found.title)}</title>\n<style>{style}</style></head>\n"
        f"<body>{fragment(found, source)}</body></html>\n"
    )


def fragment(found: Derivation, source: str = "", *, below: int = 0, tag: str = "main") -> str:
    """Return a derivation as a part of a page, without its style.

    Parameters
    ----------
    found : Derivation
    source : str
        The same in NumPy, shown at the end.
    below : int
        How many levels of headings are around it.
    tag : str
        The element that holds it.
    """
    body = "\n".join(_blocks(found, below))
    if source:
        level = 2 + below
        body += f'\n<h{level} class="{LEVELS[2]}">The same in NumPy</h{level}>'
        body += f'\n<pre tabindex="0"><code>{html.escape(source)}</code></pre>'
    return f'<{tag} class="{SCOPE}">\n{body}\n</{tag}>'


def section(found: Derivation, source: str) -> Section:
    """Return a derivation as a section of the explorer."""
    return Section(found.title, fragment(found, source, below=1, tag="div"), _style(page=False))


def notebook(found: Derivation) -> str:
    """Return a derivation for a notebook, with the style that it needs."""
    return f"<style>{_style()}</style>{fragment(found)}"


def _style(*, page: bool = True) -> str:
    def colours(paper: str, text: str, line: str, soft: str, accent: str) -> str:
        found = f"--paper:{paper};--text:{text};--line:{line};--soft:{soft};--accent:{accent}"
        return f".{SCOPE}{{{found}}}"

    light = colours(palette.PAPER, palette.TEXT, "#C9D1D9", "#F4F6F8", "#0072B2")
    dark = colours(palette.DARK_PAPER, palette.DARK_TEXT, "#3A444F", "#1E252D", "#56B4E9")
    rest = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    page_of = f"html{{background:{palette.PAPER}}}"
    dark_page = f"html{{background:{palette.DARK_PAPER}}}"
    if not page:
        page_of = dark_page = ""
    return f"{light}{page_of}@media (prefers-color-scheme:dark){{{dark}{dark_page}}}\n{rest}"


def _blocks(found: Derivation, below: int) -> Iterator[str]:
    inside = False  # whether a section of one step is open
    for block in document(found):
        if isinstance(block, Heading):
            if inside:
                yield "</section>"
            inside = block.level == 3
            if inside:
                yield "<section>"
            level = block.level + below
            if block.level > 1 or not below:  # what is around it has the title already
                yield f'<h{level} class="{LEVELS[block.level]}">{_text(block.text)}</h{level}>'
        else:
            yield _block(block)
    if inside:
        yield "</section>"


def _block(block: Block) -> str:
    match block:
        case Paragraph(told, quiet):
            return f'<p class="quiet">{_text(told)}</p>' if quiet else f"<p>{_text(told)}</p>"
        case Display(equation, depth):
            return "\n".join(_equation(equation, "back" if depth else "line"))
        case Matrix(rows):
            return _matrix(rows)
        case Table():
            return _table(block)
    raise TypeError(f"{type(block).__name__} is no block")


def _equation(equation: Equation, kind: str) -> Iterator[str]:
    right = f"<mtext>{_text(equation.words)}</mtext>"
    if equation.right is not None:
        right = mathml(equation.right)
    shapes = f'<span class="shapes">{_text(equation.shapes)}</span>' if equation.shapes else ""
    yield f'<div class="{kind}">{_math(equation.left, right)}{shapes}</div>'
    for part in equation.parts:
        yield f'<div class="part">with {_math(part.left, _part(part))}</div>'


def _math(left: Any, right: str) -> str:
    return f'<math displaystyle="true"><mrow>{mathml(left)}<mo>=</mo>{right}</mrow></math>'


def _part(part: Line) -> str:
    if part.right is None:
        return f"<mtext>a constant of shape {_text(str(part.shape))}</mtext>"
    return mathml(part.right)


def _matrix(rows: list[list[str]]) -> str:
    cells = "".join(f"<tr>{''.join(f'<td>{_text(one)}</td>' for one in row)}</tr>" for row in rows)
    return _wide(f'<table class="matrix"><tbody>{cells}</tbody></table>')


def _wide(table: str) -> str:
    """Return a table that scrolls sideways where it is too wide, by keys too."""
    return f'<div class="wide" tabindex="0">{table}</div>'


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col">{_text(one)}</th>' for one in table.heads)
    rows = []
    for number, row in enumerate(table.rows, 1):
        last = ' class="sum"' if table.summed and number == len(table.rows) else ""
        rows.append(f"<tr{last}>{''.join(f'<td>{_text(one)}</td>' for one in row)}</tr>")
    return _wide(
        f"<table><caption>{_text(table.caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _text(text: str) -> str:
    return html.escape(printable(text))
