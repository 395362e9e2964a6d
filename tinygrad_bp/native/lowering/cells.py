"""Cells: the elements of a program's values, each of them computed once.

A value is an object array of its shape in which the axis of the loop has length 1.  Its elements
are cells, and plain numbers where they are known.  What moves axes and elements about is therefore
done by NumPy, while the code is made, and costs nothing when it runs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_bp.native.lowering.operations import OPERATIONS, Bounds

Number = float | int | bool
ANY: Bounds = (-math.inf, math.inf)


class Cell:
    """One element of a value.

    Attributes
    ----------
    op : str
        The operation that makes it; or "row" and "spot": an element of memory, of this row, and one
        that is the same for all rows; or "sum of ...", a reduction over all rows.
    args : tuple of cells and numbers
        Of memory: the name of a value, and the number of the element.
    kind : str
        "real", "truth", "whole" for an integer, or "weak" for a double among floats.
    varies : bool
        Whether each row has its own.
    bounds : (float, float)
        Between which it lies if it is a number at all.
    """

    __slots__ = ("args", "bounds", "kind", "op", "varies")

    def __init__(
        self, op: str, args: tuple[Any, ...], kind: str, *, varies: bool, bounds: Bounds = ANY
    ) -> None:
        self.op, self.args, self.kind, self.varies, self.bounds = op, args, kind, varies, bounds


Element = Cell | Number
COMPARISONS = frozenset({"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})
REDUCED = "reduced "  # before the operation that reduces all rows


class Cells:
    """The cells of one loop, in an order in which they can be computed.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the real ones.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.order: list[Any] = []  # cells, and what is done with them
        self._known: dict[Any, Cell] = {}

    def leaf(self, op: str, name: str, place: int, kind: str, *, varies: bool) -> Cell:
        """Return an element of memory."""
        return self._new((op, name, place), Cell(op, (name, place), kind, varies=varies))

    def reduction(self, op: str, *args: Element) -> Cell:
        """Return what reduces all rows of a cell; of the products of two, for "product"."""
        cells = tuple([self._kinds(x, "real") for x in args])
        return self._new(
            (REDUCED + op, *map(_key, cells)), Cell(REDUCED + op, cells, "real", varies=False)
        )

    def make(self, op: str, *args: Element) -> Element:
        """Return the cell of an operation on others; the number, if all of them are numbers."""
        operation = OPERATIONS[op]
        if op == "where" and not isinstance(args[0], Cell):
            return args[1] if args[0] else args[2]
        args, kind = self._prepared(op, args)
        if not any(isinstance(x, Cell) for x in args):
            return self._number(op, args)
        if op == "multiply" and _is_one(args[1]) and kind == "real":
            return args[0]
        bounds = [_bounds(x) for x in args]
        kind = "truth" if operation.gives == "truth" else kind
        varies = any(isinstance(x, Cell) and x.varies for x in args)
        cell = Cell(op, args, kind, varies=varies, bounds=operation.bounds(*bounds))
        return self._new((op, *map(_key, args)), cell)

    def as_real(self, x: Element) -> Element:
        """Return an element as a real number."""
        return self._kinds(x, "real")

    def as_truth(self, x: Element) -> Element:
        """Return whether an element is not zero."""
        return self._kinds(x, "truth")

    def _new(self, key: Any, cell: Cell) -> Cell:
        known = self._known.setdefault(key, cell)
        if known is cell:
            self.order.append(cell)
        return known

    def _prepared(self, op: str, args: tuple[Element, ...]) -> tuple[tuple[Element, ...], str]:
        """Return the operands as an operation takes them, and what it computes with."""
        takes = OPERATIONS[op].takes
        if op in COMPARISONS and _all_whole(args):
            return args, "whole"
        if op == "where":
            truths = all(_kind(x) == "truth" for x in args[1:])
            kind = "truth" if truths else self._common(args[1:])
            return (self._kinds(args[0], "truth"), *[self._kinds(x, kind) for x in args[1:]]), kind
        kind = takes if takes == "truth" else self._common(args)
        return tuple([self._kinds(x, kind) for x in args]), kind

    def _common(self, args: tuple[Element, ...]) -> str:
        cells = [x.kind for x in args if isinstance(x, Cell)]
        return "weak" if cells and all(kind == "weak" for kind in cells) else "real"

    def _kinds(self, x: Element, kind: str) -> Element:
        """Return an element as one of this kind."""
        if not isinstance(x, Cell):
            return bool(x) if kind == "truth" else float(x)
        if x.kind == kind:
            return x
        op = "as truth" if kind == "truth" else "as real"
        made = Cell(op, (x,), kind, varies=x.varies)
        return self._new((op, kind, _key(x)), made)

    def _number(self, op: str, args: tuple[Any, ...]) -> Number:
        """Return what NumPy computes of numbers."""
        function: Any = getattr(np, op)
        exact = OPERATIONS[op].takes == "truth" or op in COMPARISONS
        with np.errstate(all="ignore"):
            result = function(*[x if exact else self.dtype.type(x) for x in args])
        number: Number = result.item()
        return number


def _all_whole(args: tuple[Element, ...]) -> bool:
    """Whether operands are integers."""
    return all(x.kind == "whole" if isinstance(x, Cell) else type(x) is int for x in args)


def _key(x: Element) -> Any:
    if isinstance(x, Cell):
        return id(x)
    return x if type(x) in (bool, int) else float(x).hex()


def _kind(x: Element) -> str:
    return x.kind if isinstance(x, Cell) else "truth" if type(x) is bool else "real"


def _bounds(x: Element) -> Bounds:
    return x.bounds if isinstance(x, Cell) else (float(x), float(x))


def _is_one(x: Element) -> bool:
    return type(x) is float and x == 1.0
