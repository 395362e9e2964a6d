"""The words and numbers of a drawing, the same in every format.

Each renderer escapes the text for its own format, in one function.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from textwrap import wrap
from typing import Any

from tinygrad_bp.formulas.printing import printable, shortened
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.records import NUMBERED, EdgeView, NodeView, Picture, Statistics

DETAIL_LENGTH = 24  # characters of an operation's settings
NOTE_LENGTH, NOTE_WIDTH = 110, 40  # characters of the message of what failed, and of a line of it
DIGITS = 4  # significant digits of a number


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as one reads it: ``5×5``; ``scalar`` where there are no axes, ? for -1."""
    return "×".join("?" if n < 0 else str(n) for n in shape) or "scalar"


def number_text(number: Any) -> str:
    """Return a number to 4 significant digits: ``0.2546``, ``-12.5``, ``3.1e-07``, ``nan``.

    Complex numbers have both parts; integers and booleans are written out.
    """
    if isinstance(number, bool | int | str):
        return str(number)
    if isinstance(number, complex):
        sign = "-" if math.copysign(1, number.imag) < 0 else "+"
        return f"{number_text(number.real)}{sign}{number_text(abs(number.imag))}j"
    if not math.isfinite(number):
        return str(number)
    exact = Decimal(number)
    power = exact.adjusted() if number else 0
    if number and not 1e-4 <= abs(number) < 999_999.5:
        rounded = exact.quantize(Decimal(1).scaleb(power + 2 - DIGITS), ROUND_HALF_UP)
        power = rounded.adjusted()
        return f"{_trimmed(rounded.scaleb(-power))}e{power:+03d}"
    # digits after the point so that 4 are significant; none for thousands
    places = max(DIGITS - 1 - power, 0)
    return _trimmed(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def _trimmed(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def statistics_text(found: Statistics | None) -> str:
    """Return in words what an array that is shown in part is like as a whole."""
    if found is None:
        return ""
    text = f"from {number_text(found.low)} to {number_text(found.high)}"
    text += f", mean {number_text(found.mean)} ± {number_text(found.deviation)}"
    return f"{text}, {found.not_finite} not finite" if found.not_finite else text


def size_text(node: NodeView) -> str:
    """Return shape and dtype; float64 is NumPy's default: only what differs is worth ink."""
    shape = shape_text(node.shape)
    return shape if node.dtype == "float64" else f"{shape} {node.dtype}"


def lines(node: NodeView, level: str = "tensor") -> list[str]:
    """Return the lines of a node's label.

    At the scalar `level` every node is one number, and its shape says nothing.
    """
    name = shortened(node.name or "")
    op = shortened(node.op)
    if node.detail:
        detail = shortened(node.detail, DETAIL_LENGTH)
        op += detail if detail.startswith("[") else f"({detail})"
    scalar = level == "scalar" and not node.shape
    kind = KINDS[node.kind]
    many = f" ×{node.times}" if node.times > 1 else ""
    if kind.is_its_value and not name and node.value and not node.shape:
        return [number_text(node.value[0]) + many]
    if kind.is_source:
        found = [(name or node.op) + many]
    elif kind.holds:
        held = node.count // node.times
        found = [name + many, f"{held} {kind.holds}{'s' if held > 1 else ''}"]
    else:
        found = [*([name] if name else []), op + many]
    told = node.value is not None and not node.shape and node.dtype == "float64"
    # a number needs no "scalar" above it, and what has failed has no result
    if node.dtype not in ("", "object") and not (scalar or told):
        found.append(size_text(node))
    if node.value is not None and len(node.value) == 1:
        found.append(f"= {number_text(node.value[0])}{samples_text(node.value_of)}")
    if scalar and node.cotangent is not None and len(node.cotangent) == 1:
        total = samples_text(node.cotangent_of, "sum over ")
        found.append(f"grad {number_text(node.cotangent[0])}{total}")
    found += wrap(shortened(node.note, NOTE_LENGTH), NOTE_WIDTH)
    return found


def samples_text(count: int, how: str = "of ") -> str:
    """Return what stands behind a number that is taken over several samples; nothing of one's."""
    return f" ({how}{count} samples)" if count > 1 else ""


def notes_text(view: Picture, width: int) -> list[str]:
    """Return the notes of a picture in lines of at most `width` characters."""
    notes = [wrap(f"Note: {printable(note)}", width) for note in view.notes]
    return [line for note in notes for line in note]


def edge_labels(view: Picture) -> list[str]:
    """Return a label for each edge: which argument it is, or "" where nobody could mistake it.

    Nobody could where the order says nothing, and where a leaf is called like the argument:
    ``hidden1.W`` or ``W1`` for ``W``.  Once all other arguments are clear, so is the last.
    """
    unclear: dict[int, int] = {}
    told = []
    place = {node.id: node for node in view.nodes}
    for edge in view.edges:
        called = NUMBERED.sub("", place[edge.source].name or "")
        name = called.rpartition(".")[2].rstrip("0123456789")
        told.append(edge.argument is not None and name == edge.argument)
        unclear[edge.target] = unclear.get(edge.target, 0) + (not told[-1])
    silent = {node.id for node in view.nodes if node.commutes}
    labels = []
    for edge, is_told in zip(view.edges, told, strict=True):
        silent_here = is_told or unclear[edge.target] == 1 or edge.target in silent
        said = ("" if silent_here else _label_of(edge), repetition_text(edge, place))
        labels.append(": ".join(text for text in said if text))
    return labels


def repetition_text(edge: EdgeView, nodes: Sequence[NodeView] | Mapping[int, NodeView]) -> str:
    """Return which repetitions an edge joins: ``last``, ``each``, ``next ×19`` of a loop back."""
    if edge.loop:
        step = "next" if edge.loop == 1 else f"{edge.loop} later"
        return f"{step} ×{nodes[edge.target].times - edge.loop}"
    return " to ".join(text for text in (edge.of, edge.to) if text)


def _label_of(edge: EdgeView) -> str:
    return str(edge.position) if edge.argument is None else edge.argument
