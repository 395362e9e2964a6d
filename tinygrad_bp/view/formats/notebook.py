"""What a notebook shows of a Tensor, of the numbers of a training, and of one that runs.

HTML without scripts and without a style sheet of its own.  Letters have the notebook's colour, and
shades are translucent, so that it reads on light pages and on dark ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor, is_foreign
from tinygrad_bp.formulas.printing import printable, shortened
from tinygrad_bp.view.picture.labels import number_text, shape_text, statistics_text
from tinygrad_bp.view.picture.plain_arrays import statistics
from tinygrad_bp.view.picture.records import Statistics

LISTED, ACROSS = 144, 16  # elements of a table, and of a row of it
STRIP = (12, 48)  # rows and columns of the picture of a larger array
DOT = 7  # pixels of an element there
PLUS, MINUS, ODD = "213,94,0", "0,114,178", "204,121,167"  # Okabe & Ito (2008)
SHADE = 0.5  # of the largest element
CURVE = "#3B8FD4"  # seen on white and on black
CURVE_SIZE = (150, 26)  # pixels
CURVE_POINTS = 150  # no more than a pixel each
STEEP = 30.0  # the largest number by the smallest, from which on a curve is logarithmic
MARGIN = "margin:2px 6px"
LEFT = "text-align:left;padding:1px 8px"


def tensor_html(tensor: Tensor) -> str:
    """Return a Tensor as HTML: what it is, its elements in shades, and its gradient beside them."""
    told = [shape_text(tensor.shape), str(tensor.dtype)]
    if tensor.requires_grad:
        made = "" if tensor.is_leaf else f"from {shortened(tensor.node.rule.name)}"  # type: ignore[union-attr]  # which requires_grad has just said
        told.append(made or "requires gradients")
    name = f"<b>{_text(tensor.name)}</b> " if tensor.name else ""
    blocks = [_array("value", tensor._value)]
    if tensor.is_leaf and tensor.grad is not None:
        blocks.append(_array("gradient", tensor.grad._value))
    inner = "".join(f'<div style="{MARGIN}">{block}</div>' for block in blocks)
    return (
        f'<div><div style="{MARGIN}">{name}Tensor, {_text(", ".join(told))}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:4px 24px;overflow-x:auto">{inner}</div></div>'
    )


def _array(title: str, value: Any) -> str:
    if is_foreign(value):  # whose elements would have to be computed or fetched
        return f"{title}: <code>{_text(repr(value))}</code>"
    array = np.asarray(value)
    head = f'<div style="opacity:.75">{title}</div>'
    if not array.size:
        return f"{head}no elements"
    if array.size <= LISTED and (array.ndim < 2 or array.shape[-1] <= ACROSS):
        return head + "".join(_tables(array))
    return head + _summary(array, statistics(array))


def _tables(array: Any) -> Iterable[str]:
    """Yield a table of each matrix in an array; a vector is one of rows that are not too long."""
    if array.ndim < 2:
        flat = array.ravel()
        rows = [flat[k : k + ACROSS] for k in range(0, flat.size, ACROSS)]
        yield _table(rows, array)
        return
    for place in np.ndindex(array.shape[:-2]):
        if place:
            yield f'<div style="opacity:.75">[{", ".join(map(str, place))}]</div>'
        yield _table(array[place], array)


def _table(rows: Iterable[Any], whole: Any) -> str:
    largest = _largest(whole)
    lines = []
    for row in rows:
        cells = (
            '<td style="text-align:right;padding:1px 7px;white-space:nowrap;'
            f'background:rgba({_colour(one)},{_shade(one, largest):.2f})">{number_text(one)}</td>'
            for one in row.tolist()
        )
        lines.append(f'<tr style="background:none">{"".join(cells)}</tr>')
    style = "margin:0;font-variant-numeric:tabular-nums;border-spacing:1px;border-collapse:separate"
    return f'<table style="{style}"><tbody>{"".join(lines)}</tbody></table>'


def _largest(array: Any) -> float:
    """Return the largest absolute value of those that are finite; 1 where there is none but 0."""
    sizes = np.abs(array.astype(float) if array.dtype.kind != "c" else array)
    return float(np.max(sizes, initial=0.0, where=np.isfinite(sizes))) or 1.0


def _colour(number: Any) -> str:
    if not np.isfinite(number):
        return ODD
    return MINUS if not isinstance(number, complex) and number < 0 else PLUS


def _shade(number: Any, largest: float) -> float:
    return SHADE * (abs(number) / largest if np.isfinite(number) else 1.0)


def _summary(array: Any, found: Statistics | None) -> str:
    """Return statistics of a large array, and a strip of some of its elements."""
    matrix = array.reshape(-1, array.shape[-1])
    steps = [-(-n // most) for n, most in zip(matrix.shape, STRIP, strict=True)]
    part = matrix[:: steps[0], :: steps[1]]
    largest = _largest(array)
    dots = "".join(
        f'<rect x="{DOT * column}" y="{DOT * row}" width="{DOT}" height="{DOT}"'
        f' fill="rgba({_colour(one)},{2 * _shade(one, largest):.2f})"/>'
        for row, numbers in enumerate(part.tolist())
        for column, one in enumerate(numbers)
    )
    height, width = (DOT * n for n in part.shape)
    every = ", ".join(
        f"one {word} of {step}"
        for step, word in zip(steps, ("row", "column"), strict=True)
        if step > 1
    )
    shown = f'<div style="opacity:.75;font-size:85%">{every or "all elements"}</div>'
    return (
        f"<div>{_text(statistics_text(found))}</div>"
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"'
        f' style="border:1px solid rgba(128,128,128,.5);max-width:100%">{dots}</svg>{shown}'
    )


def history_html(columns: Mapping[str, Sequence[float]], title: str) -> str:
    """Return the numbers of a training as HTML: a curve of each, its last value and its lowest."""
    heads = ("", "by epoch", "last", "lowest", "highest")
    head = "".join(f'<th style="{LEFT}">{word}</th>' for word in heads)
    rows = []
    for name, values in columns.items():
        finite = [value for value in values if math.isfinite(value)]
        ends = [values[-1:], [min(finite)] if finite else [], [max(finite)] if finite else []]
        told = [*(number_text(float(one[0])) if len(one) else "" for one in ends)]
        cells = [_text(name), curve(values), *told]
        row = "".join(f'<td style="{LEFT}">{cell}</td>' for cell in cells)
        rows.append(f'<tr style="background:none">{row}</tr>')
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    shown = f'<div style="overflow-x:auto">{table}</div>' if rows else ""
    return f'<div><div style="{MARGIN}">{_text(title)}</div>{shown}</div>'


def curve(values: Sequence[float]) -> str:
    """Return numbers as a small SVG curve, which has gaps where they are not finite.

    It is logarithmic, and says so, where they are positive and far apart.
    """
    width, height = CURVE_SIZE
    step = -(-len(values) // CURVE_POINTS) or 1
    shown = [*values[::-1][::step]][::-1]  # the last is always there
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return ""
    is_steep = min(finite) > 0 and max(finite) > STEEP * min(finite)
    heights = [(math.log(v) if is_steep else v) if math.isfinite(v) else None for v in shown]
    known = [v for v in heights if v is not None]
    low, span = min(known), (max(known) - min(known)) or 1.0
    path, joined = "", False
    for k, v in enumerate(heights):
        if v is not None:
            x = 3 + (width - 6) * k / max(len(shown) - 1, 1)
            y = height - 3 - (height - 6) * (v - low) / span
            path += f"{'L' if joined else 'M'}{x:.1f},{y:.1f}" + ("" if joined else "h.01")
        joined = v is not None
    note = '<span style="opacity:.75;font-size:85%"> log</span>' if is_steep else ""
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f'<path d="{path}" fill="none" stroke="{CURVE}" stroke-width="1.6"'
        f' stroke-linecap="round"/></svg>{note}'
    )


def progress_html(done: float, text: str, columns: Mapping[str, Sequence[float]]) -> str:
    """Return a training that runs: a bar of the part that is done, and its numbers so far."""
    bar = (
        '<div style="width:20em;max-width:100%;height:8px;border-radius:4px;margin:4px 6px;'
        'background:rgba(128,128,128,.3)">'
        f'<div style="width:{100 * min(max(done, 0.0), 1.0):.1f}%;height:8px;border-radius:4px;'
        f'background:{CURVE}"></div></div>'
    )
    return bar + history_html(columns, text)


def _text(text: Any) -> str:
    return escape(printable(str(text)))
