"""A derivation as plain data: what every form of it is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.formulas.boxes import Line
from tinygrad_bp.view.picture.records import Numbers, Statistics


@dataclass(frozen=True)
class Shown:
    """The numbers of a value, as far as they are shown.

    Attributes
    ----------
    numbers : tuple of numbers, or None
        All elements in C order; None of a large value.
    shape : tuple of int
    statistics : Statistics or None
        Of a large one.
    """

    numbers: Numbers | None
    shape: Shape
    statistics: Statistics | None


@dataclass(frozen=True)
class Equation:
    """One formula of the derivation.

    Attributes
    ----------
    left, right : box
        `right` is None where there is no formula; then `words` says what happens.
    parts : tuple of Line
        Parts of it that have names of their own, each before it is used.
    shapes : str
        ``(5×m)(m×1) = 5×1``, or the shape of the result.
    shown : Shown or None
    words : str
    note : str
        What is to be said before it.
    """

    left: Any
    right: Any
    parts: tuple[Line, ...] = ()
    shapes: str = ""
    shown: Shown | None = None
    words: str = ""
    note: str = ""


@dataclass(frozen=True)
class Reason:
    """An equation of the backward pass, and why it is as it is."""

    equation: Equation
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """What the walk back does at one operation.

    Attributes
    ----------
    of : str
        What the operation computes, by name.
    title : Equation
        What was computed there.
    words : tuple of str
        The rules that were applied, in words.
    reasons : tuple of Reason
        One for each value that gets a gradient, or a part of it.
    remarks : tuple of Reason
        What is worth to be seen beyond the rules.
    times : int
        How often the operation repeats; it is shown once.
    note : str
        What is to be said before it.
    """

    of: str
    title: Equation
    words: tuple[str, ...]
    reasons: tuple[Reason, ...]
    remarks: tuple[Reason, ...] = ()
    times: int = 1
    note: str = ""


@dataclass(frozen=True)
class Term:
    """One term of the sum that is the gradient by one element.

    Attributes
    ----------
    sample : int or None
    through : str
        The element that it goes through: ``z1[3,0]``.
    slope, gradient, product : float
        The derivative of that element by ours, the gradient by it, and their product.
    """

    sample: int | None
    through: str
    slope: float
    gradient: float
    product: float


@dataclass(frozen=True)
class Path:
    """One way from an element to the result: what it goes through, the factors, their product."""

    through: tuple[str, ...]
    factors: tuple[float, ...]
    product: float


@dataclass(frozen=True)
class Element:
    """Where the gradient by one element comes from.

    Attributes
    ----------
    name, result : str
        ``W3[2,0]``, and what it is the gradient of.
    value, gradient : float
    terms : tuple of Term
        Those that weigh most, or all; `more_terms` others add up to `rest`.
    paths : tuple of Path
        Those that carry most.
    path_count : int
        How many there are.
    path_sum : float
        What the products of all of them add up to.
    difference : float or None
        A central finite difference.
    notes : tuple of str
    """

    name: str
    result: str
    value: float
    gradient: float
    terms: tuple[Term, ...]
    more_terms: int
    rest: float
    paths: tuple[Path, ...]
    path_count: int
    path_sum: float
    difference: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Derivation:
    """All that an explanation says.

    Attributes
    ----------
    title : str
    reading : str
        How the formulas of the backward pass are to be read.
    forward : tuple of Equation
    start : Equation
        What the walk back begins with.
    steps : tuple of Step
        In the order of the walk.
    element : Element or None
    notes : tuple of str
    """

    title: str
    reading: str
    forward: tuple[Equation, ...]
    start: Equation
    steps: tuple[Step, ...]
    element: Element | None = None
    notes: tuple[str, ...] = ()
