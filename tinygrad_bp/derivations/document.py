"""A derivation as a document: headings, sentences, formulas, tables.  Every form is written of it.

What is said is said here, once; the writers differ in marks alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tinygrad_bp.derivations.records import Derivation, Element, Equation, Path, Reason, Shown, Step
from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.view.picture.labels import number_text

ACROSS = 10  # numbers of a row that are shown


@dataclass(frozen=True)
class Heading:
    """A title; level 1 is the document's."""

    text: str
    level: int


@dataclass(frozen=True)
class Paragraph:
    """Sentences; `quiet` ones are what one may skip."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Display:
    """A formula in a line of its own, with its shapes beside it; `depth` is how far it is in."""

    equation: Equation
    depth: int = 0


@dataclass(frozen=True)
class Matrix:
    """The numbers of a value, by rows, with … for what is beyond the width of a page."""

    rows: list[list[str]]


@dataclass(frozen=True)
class Table:
    """A table with a caption; the last row is a sum where `summed` says so."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    summed: bool = False


Block = Heading | Paragraph | Display | Matrix | Table


def document(found: Derivation) -> Iterator[Block]:
    """Yield the blocks of a derivation, in order."""
    yield Heading(found.title, 1)
    for note in found.notes:
        yield Paragraph(note)
    if found.element is not None:
        yield from _of_element(found.element)
    yield Heading("Forward: what was computed", 2)
    for equation in found.forward:
        if equation.note:
            yield Paragraph(equation.note)
        yield Display(_with_number(equation))
    yield Heading("Backward: where the gradients come from", 2)
    yield Paragraph(found.reading)
    yield Display(found.start)
    for number, step in enumerate(found.steps, 1):
        yield from _of_step(number, step)


def _of_step(number: int, step: Step) -> Iterator[Block]:
    many = f" (×{step.times})" if step.times > 1 else ""
    yield Heading(f"{number}. Back through {step.of}{many}", 3)
    if step.note:
        yield Paragraph(step.note)
    yield Display(step.title)
    yield Paragraph("; ".join(step.words), quiet=True)
    for reason in step.reasons:
        yield from _of_reason(reason)
    for remark in step.remarks:
        yield from _of_reason(remark)


def _of_reason(reason: Reason) -> Iterator[Block]:
    equation = _with_number(reason.equation)
    yield Display(equation, 1)
    for sentence in reason.why:
        yield Paragraph(sentence)
    if equation.shown is not None and equation.shown.shape:
        yield from _values(equation.shown)


def _with_number(equation: Equation) -> Equation:
    """Return an equation with its value beside it, where that is a single number."""
    shown = equation.shown
    if shown is None or shown.shape or not shown.numbers:
        return equation
    return replace(equation, shapes=f"{equation.shapes}: {number_text(shown.numbers[0])}")


def _values(shown: Shown) -> Iterator[Block]:
    """Yield the numbers of a value, or what they are like."""
    if shown.numbers is not None and shown.numbers:
        width = shown.shape[-1] if shown.shape else 1
        told = [number_text(one) for one in shown.numbers]
        rows = (told[k : k + width] for k in range(0, len(told), width))
        yield Matrix([[*row[:ACROSS], "…"] if width > ACROSS else row for row in rows])
    elif shown.statistics is not None:
        s = shown.statistics
        told_of = (
            f"from {number_text(s.low)} to {number_text(s.high)}, mean {number_text(s.mean)} ±"
            f" {number_text(s.deviation)}"
        )
        wrong = f", {s.not_finite} not finite" if s.not_finite else ""
        yield Paragraph(f"Its elements are {told_of}{wrong}.", quiet=True)


def _of_element(found: Element) -> Iterator[Block]:
    name = shortened(found.name)
    yield Heading(f"One element: d{name} = {number_text(found.gradient)}", 2)
    yield Paragraph(
        f"{name} is {number_text(found.value)}. Its gradient is a sum: for each element that it"
        " moves directly, how much it moves that, times the gradient there."
    )
    if found.terms:
        yield _terms(found)
    if found.paths:
        yield from _of_paths(found)
    if found.difference is not None:
        yield Paragraph(
            "A finite difference (one element moved, everything computed again) gives"
            f" {number_text(found.difference)}."
        )
    for note in found.notes:
        yield Paragraph(note)


def _terms(found: Element) -> Table:
    """Return the table of the sum that the gradient is."""
    with_samples = any(term.sample is not None for term in found.terms)
    heads: tuple[str, ...] = ("sample",) if with_samples else ()
    heads += ("through", "slope", "gradient there", "product")
    rows = [
        (
            *((("" if t.sample is None else str(t.sample)),) if with_samples else ()),
            shortened(t.through),
            *map(number_text, (t.slope, t.gradient, t.product)),
        )
        for t in found.terms
    ]
    blanks = ("",) * (len(heads) - 2)
    if found.more_terms:
        rows.append((f"{found.more_terms} more", *blanks, number_text(found.rest)))
    rows.append(("sum", *blanks, number_text(found.gradient)))
    return Table("The terms of the sum", heads, tuple(rows), summed=True)


def _of_paths(found: Element) -> Iterator[Block]:
    count = found.path_count
    told = "One path leads" if count == 1 else f"{count:,} paths lead"
    shown = len(found.paths)
    which = "" if shown == count else f"; the {shown} that carry most are shown"
    yield Paragraph(
        f"{told} from it to {shortened(found.result)}{which}. Along each, the slopes multiply"
        " (the chain rule), and all paths add up to"
        f" {number_text(found.path_sum)}."
    )
    rows = [(number_text(path.product), _way(path)) for path in found.paths]
    yield Table("Paths, with the slope of each step", ("product", "path"), tuple(rows))


def _way(path: Path) -> str:
    first, *rest = map(shortened, path.through)
    steps = [f" → {number_text(f)} → {name}" for f, name in zip(path.factors, rest, strict=True)]
    return first + "".join(steps)
