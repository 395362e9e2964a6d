"""Instructions as cells: what each element of a result is made of.

In comes an instruction, and arrays of the cells that it reads; out comes the array of cells of its
value.  This is where NumPy's functions of arrays end: below are operations on single elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.native.lowering.cells import Cells
from tinygrad_bp.native.lowering.moves import (
    ADDED,
    MOVES,
    NotLowered,
    as_set,
    moved,
    row_axis,
    shortened,
)
from tinygrad_bp.programs.instructions import Instruction, Operand, Ref, Type, is_number

# What single elements are reduced by, two at a time; a mean is a sum that is divided in the end.
REDUCTIONS = {
    "sum": "add",
    "mean": "add",
    "max": "maximum",
    "min": "minimum",
    "prod": "multiply",
    "all": "logical_and",
    "any": "logical_or",
}
OF_NUMBERS = {  # Python's operators, and other names of NumPy's
    "operator.add": "add",
    "operator.sub": "subtract",
    "operator.mul": "multiply",
    "operator.truediv": "divide",
    "operator.neg": "negative",
    "operator.abs": "absolute",
    "operator.pow": "power",
    "abs": "absolute",
    "true_divide": "divide",
    "pow": "power",
    "conj": "positive",  # there is code for real numbers alone
    "conjugate": "positive",
    "real": "positive",
}
OF_TRUTHS = {
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "invert": "logical_not",
    "bitwise_not": "logical_not",
    "add": "logical_or",
    "multiply": "logical_and",
    "not_equal": "logical_xor",
}
MAKERS = frozenset({"zeros", "ones", "full", "constant", "zeros_like", "ones_like"})
HALF = 0.5
LARGEST_POWER = 8  # above it, a power is no product
Values = Mapping[str, Any]
Find = Callable[[str], Any]


class Expansion:
    """Makes cells of instructions.

    Parameters
    ----------
    cells : Cells
    find : callable
        ``find(name)`` returns the array of cells of a value.
    types : mapping of str to Type
    length : int or None
        Of the axis that the loop runs along.
    sources : callable
        ``sources(instruction)`` returns where the elements of a move come from.
    flat : bool
        Whether each array is taken for one of its elements.
    """

    def __init__(
        self,
        cells: Cells,
        find: Find,
        types: Values,
        length: int | None,
        sources: Callable[[Instruction], Any],
        *,
        flat: bool = False,
    ) -> None:
        self.cells, self.find, self.types, self.length = cells, find, types, length
        self.sources, self.flat = sources, flat

    def expanded(self, one: Instruction) -> Any:
        """Return the array of cells of an instruction's value.

        A reduction over the rows gives cells that begin with `cells.REDUCED`.
        """
        op = spelled(one, self.types)
        if op in MOVES:
            return self._moved(one)
        if op == ADDED:
            return self._added(one)
        if op in MAKERS:
            return self._made(one)
        if op in REDUCTIONS:
            return self._reduced(one)
        if op == "matmul":
            return self._product(one)
        return self._elementwise(op, one)

    def operand(self, x: Operand) -> Any:
        """Return the array of cells of an operand."""
        if type(x) is Ref:
            return self.find(x.name)
        array = np.empty((), object)
        array[()] = x.item() if isinstance(x, np.generic) else x
        return array

    def _elementwise(self, op: str, one: Instruction) -> Any:
        shape = shortened(one.shape, self.length)
        operands = one.operands[:1] if op == "astype" else one.operands
        arrays = [self.operand(x) for x in operands]
        make = self._of_element(op, one)
        if not shape:
            return _single(make(*[x.item() for x in arrays]))
        arrays = [x if x.shape == shape else np.broadcast_to(x, shape) for x in arrays]
        result = np.empty(shape, object)
        flat = result.reshape(-1)
        for k, elements in enumerate(zip(*[x.reshape(-1) for x in arrays], strict=True)):
            flat[k] = make(*elements)
        return result

    def _of_element(self, op: str, one: Instruction) -> Callable[..., Any]:
        make = self.cells.make
        if op == "astype":
            return self.cells.as_truth if one.dtype.kind == "b" else self.cells.as_real
        if op == "positive":
            return lambda x: x
        if op == "power" and one.op != "operator.pow" and one.operands[1] == HALF:
            return lambda x, _: make("sqrt", x)  # as NumPy has it, and Python has not
        if op == "power":
            return lambda x, n: self._power(x, n)
        if op == "clip":
            low, high = one.operands[1:]
            kept = [name for name, x in (("maximum", low), ("minimum", high)) if x is not None]
            return lambda x, *ends: self._clipped(x, kept, [e for e in ends if e is not None])
        return lambda *elements: make(op, *elements)

    def _clipped(self, x: Any, ops: list[str], ends: list[Any]) -> Any:
        for op, end in zip(ops, ends, strict=True):
            x = self.cells.make(op, x, end)
        return x

    def _power(self, x: Any, exponent: Any) -> Any:
        """Return a power: a product of as few factors as there may be, for a small whole one."""
        make = self.cells.make
        if not is_number(exponent) or not whole(exponent):
            return make("power", x, exponent)
        n = abs(int(exponent))
        result, square = None, x
        while n:
            if n & 1:
                result = square if result is None else make("multiply", result, square)
            n >>= 1
            if n:
                square = make("multiply", square, square)
        if result is None:
            return 1.0
        return make("divide", 1.0, result) if exponent < 0 else result

    def _moved(self, one: Instruction) -> Any:
        elements = [{"f": 0.0, "b": False}.get(one.dtype.kind, 0)]
        for x in moved(one):
            elements += self.operand(x).reshape(-1).tolist()
        pool = np.empty(len(elements), object)
        pool[:] = elements
        return np.asarray(pool[self.sources(one)], object)

    def _added(self, one: Instruction) -> Any:
        """Return an array with values added to some of its elements."""
        before, _, values = (x if k == 1 else self.operand(x) for k, x in enumerate(one.operands))
        pool = [0.0, *before.reshape(-1).tolist(), *values.reshape(-1).tolist()]
        result = np.empty(before.size, object)
        for k, source in enumerate(self.sources(as_set(one)).reshape(-1).tolist()):
            own = pool[k + 1]
            result[k] = own if source == k + 1 else self.cells.make("add", own, pool[source])
        return result.reshape(before.shape)

    def _made(self, one: Instruction) -> Any:
        shape = shortened(one.shape, self.length)
        if one.op == "constant":
            array = np.asarray(one.operands[0])
            if self.flat:  # of a loop's elements, which are the same
                return _single(array.reshape(-1)[0].item())
            axis = row_axis(array.shape, self.length)
            return (array if axis is None else np.take(array, [0], axis)).astype(object)
        result = np.empty(shape, object)
        if one.op == "full":
            result[...] = np.broadcast_to(self.operand(one.operands[1]), shape)
        else:
            make = {"f": float, "b": bool}.get(one.dtype.kind, int)
            result[...] = make(one.op.startswith("ones"))
        return result

    def _reduced(self, one: Instruction) -> Any:
        array = self.operand(one.operands[0])
        name = {"mean": "sum"}.get(one.op, one.op)
        if self.flat:
            return _single(self.cells.reduction(name, array[()]))
        shape = self.types[one.operands[0].name].shape
        rows = row_axis(shape, self.length)
        axes = reduced_axes(one, len(shape))
        inner = [k for k in axes if k != rows]
        op = REDUCTIONS[one.op]
        result = self._folded(op, array, inner) if inner else array
        whole_count = int(np.prod([shape[k] for k in inner], dtype=int))
        if rows is not None and rows in axes:
            result = _each(result, lambda x: self.cells.reduction(name, x))
        elif one.op == "mean":
            result = _each(result, lambda x: self.cells.make("divide", x, float(whole_count)))
        return result.reshape(shortened(one.shape, self.length))

    def _folded(self, op: str, array: Any, axes: list[int]) -> Any:
        """Return an array reduced along axes, which keep length 1: in halves, which rounds less."""
        parts = [np.take(array, [k], axes[0]) for k in range(array.shape[axes[0]])]
        for axis in axes[1:]:
            parts = [np.take(x, [k], axis) for x in parts for k in range(array.shape[axis])]
        if not parts:
            raise NotLowered("it reduces no elements")
        while len(parts) > 1:
            pairs = [
                np.frompyfunc(lambda a, b: self.cells.make(op, a, b), 2, 1)(*parts[k : k + 2])
                for k in range(0, len(parts) - 1, 2)
            ]
            parts = pairs + parts[len(parts) & ~1 :]
        return parts[0]

    def _product(self, one: Instruction) -> Any:
        a, b = one.operands
        x, y = self.operand(a), self.operand(b)
        if self.flat:
            return _single(self.cells.reduction("product", x[()], y[()]))
        left, right = x.ndim == 1, y.ndim == 1
        x, y = x[None] if left else x, y[:, None] if right else y
        over_rows = self._contracted_rows(a, b)
        stack = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        x = np.broadcast_to(x, (*stack, *x.shape[-2:]))
        y = np.broadcast_to(y, (*stack, *y.shape[-2:]))
        result = np.empty((*stack, x.shape[-2], y.shape[-1]), object)
        for place in np.ndindex(result.shape):
            *front, i, j = place
            result[place] = self._inner(x[(*front, i)], y[(*front, slice(None), j)], over_rows)
        return result.reshape(shortened(one.shape, self.length))

    def _contracted_rows(self, a: Operand, b: Operand) -> bool:
        shapes = [self.types[x.name].shape for x in (a, b)]
        return self.length is not None and shapes[0][-1] == self.length

    def _inner(self, x: Any, y: Any, over_rows: bool) -> Any:  # one of two sums
        if over_rows:
            return self.cells.reduction("product", x[0], y[0])
        if not len(x):
            return 0.0
        total = self.cells.make("multiply", x[0], y[0])
        for p, q in zip(x[1:], y[1:], strict=True):
            total = self.cells.make("fma", p, q, total)
        return total


class Single(dict[str, Any]):
    """Types of flat arrays in a loop over their elements: each is one number."""

    def __init__(self, types: Mapping[str, Any]) -> None:
        super().__init__()
        self.types = types

    def __missing__(self, name: str) -> Any:
        return self.types[name]._replace(shape=())


def single(one: Instruction) -> Instruction:
    """Return an instruction on arrays as that on one element of each."""
    number = Type(one.dtype, (), one.one_type.weak)
    return Instruction(one.name, one.op, one.operands, one.parameters, number)


def spelled(one: Instruction, types: Values) -> str:
    """Return the operation of an instruction, by the one name that it has here."""
    op = OF_NUMBERS.get(one.op, one.op)
    truths = [types[x.name].dtype.kind == "b" for x in one.operands if type(x) is Ref]
    if truths and all(truths) and op in OF_TRUTHS:
        return OF_TRUTHS[op]
    return op


def whole(exponent: Any) -> bool:
    """Whether a power is a product of few factors."""
    return float(exponent).is_integer() and abs(exponent) <= LARGEST_POWER


def reduced_axes(one: Instruction, ndim: int) -> list[int]:
    """Return the axes that a reduction reduces, from the first."""
    axis = dict(one.parameters).get("axis", one.operands[1] if len(one.operands) > 1 else None)
    if axis is None:
        return list(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return sorted({k % ndim for k in axes})


def _each(array: Any, f: Callable[[Any], Any]) -> Any:
    return np.frompyfunc(f, 1, 1)(array) if array.ndim else _single(f(array[()]))


def _single(x: Any) -> Any:
    array = np.empty((), object)
    array[()] = x
    return array
