"""Which of ONNX's operators computes what a function of NumPy's does: a table, and its builders.

Source: the operators' specification, https://onnx.ai/onnx/operators/, of operator set 18.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tinygrad_bp.errors import ProgramError
from tinygrad_bp.programs.instructions import Instruction, Ref, Type

OPSET = 18
END = np.iinfo(np.int64).max  # of a slice that goes to the end


class Graph:
    """Nodes and initial values under way, and the type of every value."""

    def __init__(self, types: dict[str, Type]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.types = types
        self._count = 0

    def fresh(self) -> str:
        """Return a name that nothing has."""
        self._count += 1
        return f"value.{self._count}"

    def constant(self, array: Any, name: str | None = None) -> str:
        """Return the name of an initial value."""
        name = self.fresh() if name is None else name
        self.initializers.append(numpy_helper.from_array(np.array(array), name))
        return name

    def node(self, op: str, inputs: Sequence[str], out: str | None = None, **settings: Any) -> str:
        """Add a node, and return the name of its output."""
        out = self.fresh() if out is None else out
        self.nodes.append(helper.make_node(op, list(inputs), [out], **settings))
        return out

    def dtype(self, operand: Any) -> np.dtype[Any] | None:
        """Return the dtype of a value; None of a Python number, which takes that of the others."""
        if isinstance(operand, Ref):
            return self.types[operand.name].dtype
        return operand.dtype if isinstance(operand, (np.generic, np.ndarray)) else None

    def value(self, operand: Any, dtype: Any) -> str:
        """Return the name of an operand as an array of a dtype."""
        if not isinstance(operand, Ref):
            return self.constant(np.asarray(operand).astype(dtype))
        if self.types[operand.name].dtype == dtype:
            return operand.name
        return self.cast(operand.name, dtype)

    def cast(self, name: str, dtype: Any, out: str | None = None) -> str:
        """Return the name of a value converted."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.node("Cast", [name], out, to=kind)


Builder = Callable[[Graph, Instruction], Any]


def refused(one: Instruction, why: str = "ONNX has no operator for it here") -> ProgramError:
    """Return the error that names an instruction and its line."""
    place = f", at {one.line}" if one.line else ""
    return ProgramError(f"onnx.export: {one.op}{place}: {why}")


def _elementwise(op: str) -> Builder:
    def build(graph: Graph, one: Instruction) -> None:
        graph.node(op, [graph.value(x, one.dtype) for x in one.operands], one.name)

    return build


def _comparison(op: str, *, negated: bool = False) -> Builder:
    def build(graph: Graph, one: Instruction) -> None:
        known = [dtype for dtype in map(graph.dtype, one.operands) if dtype is not None]
        numbers = [x for x in one.operands if graph.dtype(x) is None]
        common = np.result_type(*known, *numbers)
        inputs = [graph.value(x, common) for x in one.operands]
        if negated:
            graph.node("Not", [graph.node(op, inputs)], one.name)
        else:
            graph.node(op, inputs, one.name)

    return build


def _bits(of_booleans: str, of_integers: str) -> Builder:
    def build(graph: Graph, one: Instruction) -> None:
        op = of_booleans if one.dtype.kind == "b" else of_integers
        graph.node(op, [graph.value(x, one.dtype) for x in one.operands], one.name)

    return build


def _where(graph: Graph, one: Instruction) -> None:
    condition, *branches = one.operands
    names = [graph.value(condition, np.bool_), *(graph.value(x, one.dtype) for x in branches)]
    graph.node("Where", names, one.name)


def _expm1(graph: Graph, one: Instruction) -> None:
    x = graph.value(one.operands[0], one.dtype)
    graph.node("Sub", [graph.node("Exp", [x]), graph.value(1, one.dtype)], one.name)


def _log1p(graph: Graph, one: Instruction) -> None:
    x = graph.value(one.operands[0], one.dtype)
    graph.node("Log", [graph.node("Add", [x, graph.value(1, one.dtype)])], one.name)


def _square(graph: Graph, one: Instruction) -> None:
    x = graph.value(one.operands[0], one.dtype)
    graph.node("Mul", [x, x], one.name)


def _clip(graph: Graph, one: Instruction) -> None:
    given = dict(one.parameters)
    x, *edges = one.operands
    low, high = [*edges, given.get("min"), given.get("max")][:2]
    name = graph.value(x, one.dtype)
    for op, edge in (("Max", low), ("Min", high)):
        if edge is not None:
            name = graph.node(op, [name, graph.value(edge, one.dtype)])
    graph.node("Identity", [name], one.name)


def _astype(graph: Graph, one: Instruction) -> None:
    graph.cast(graph.value(one.operands[0], graph.dtype(one.operands[0])), one.dtype, one.name)


def _reduction(op: str) -> Builder:
    def build(graph: Graph, one: Instruction) -> None:
        given = dict(one.parameters)
        if given.keys() - {"axis", "keepdims"}:
            raise refused(one, f"with {', '.join(given)}")
        x, *rest = one.operands
        axis = rest[0] if rest else given.get("axis")
        inputs = [graph.value(x, one.dtype)]
        if axis is not None:
            inputs.append(graph.constant(np.atleast_1d(np.array(axis, np.int64))))
        graph.node(op, inputs, one.name, keepdims=int(bool(given.get("keepdims", False))))

    return build


def _reshape(graph: Graph, one: Instruction) -> None:
    """Reshape to the type's shape, in which -1 stands for what the batch decides."""
    if dict(one.parameters).get("order", "C") != "C":
        raise refused(one, "in another order than C")
    x = graph.value(one.operands[0], one.dtype)
    if one.shape.count(-1) > 1:
        raise refused(one, "two sides of the shape depend on the batch")
    graph.node("Reshape", [x, graph.constant(np.array(one.shape, np.int64))], one.name)


def _transpose(graph: Graph, one: Instruction) -> None:
    x, *rest = one.operands
    rank = len(graph.types[x.name].shape)
    axes = rest[0] if rest else dict(one.parameters).get("axes")
    axes = range(rank)[::-1] if axes is None else [axis % rank for axis in axes]
    graph.node("Transpose", [graph.value(x, one.dtype)], one.name, perm=list(axes))


def _swapaxes(graph: Graph, one: Instruction) -> None:
    x, first, second = one.operands
    axes = list(range(len(graph.types[x.name].shape)))
    axes[first], axes[second] = axes[second], axes[first]
    graph.node("Transpose", [graph.value(x, one.dtype)], one.name, perm=axes)


def _concatenate(graph: Graph, one: Instruction) -> None:
    parts, *rest = one.operands
    axis = rest[0] if rest else dict(one.parameters).get("axis", 0)
    graph.node("Concat", [graph.value(part, one.dtype) for part in parts], one.name, axis=axis)


def _pad(graph: Graph, one: Instruction) -> None:
    given = dict(one.parameters)
    x, widths, *rest = one.operands
    mode = rest[0] if rest else given.get("mode", "constant")
    rank = len(graph.types[x.name].shape)
    pairs = np.broadcast_to(np.array(widths, np.int64), (rank, 2))
    fill = given.get("constant_values", 0)
    if mode != "constant" or not np.isscalar(fill):
        raise refused(one, f"mode {mode!r} with {fill!r:.40}")
    names = [
        graph.value(x, one.dtype),
        graph.constant(pairs.T.reshape(-1)),
        graph.value(fill, one.dtype),
    ]
    graph.node("Pad", names, one.name, mode="constant")


@dataclass
class _Index:
    """The parts of an index, by what ONNX does for each."""

    slices: list[tuple[int, int, int, int]] = field(default_factory=list)  # start, end, axis, step
    dropped: list[int] = field(default_factory=list)  # axes that a number has chosen from
    added: list[int] = field(default_factory=list)  # places of new axes
    chosen: list[tuple[Any, int]] = field(default_factory=list)  # arrays, and their places


def _parted(index: Any, rank: int) -> _Index:
    index = index if isinstance(index, tuple) else (index,)
    taken = sum(part is not None and part is not Ellipsis for part in index)
    if Ellipsis not in [part for part in index if not isinstance(part, np.ndarray)]:
        index = (*index, Ellipsis)
    parts = _Index()
    axis = place = 0
    for part in index:
        if part is Ellipsis:
            axis, place = axis + rank - taken, place + rank - taken
        elif part is None:
            parts.added.append(place)
            place += 1
        elif isinstance(part, int | np.integer):
            parts.slices.append((int(part), int(part) + 1 if part != -1 else END, axis, 1))
            parts.dropped.append(axis)
            axis += 1
        else:
            if isinstance(part, slice):
                step = 1 if part.step is None else part.step
                first, last = (0, END) if step > 0 else (END, -END)
                start = first if part.start is None else part.start
                parts.slices.append((start, last if part.stop is None else part.stop, axis, step))
            else:
                given = isinstance(part, Ref)
                parts.chosen.append((part if given else np.asarray(part), place))
            axis, place = axis + 1, place + 1
    return parts


def _getitem(graph: Graph, one: Instruction) -> None:
    """Slice along axes, drop those that a number has chosen from, add new ones; then gather."""
    x, index = one.operands
    parts = _parted(index, len(graph.types[x.name].shape))
    _require_one_gather(graph, one, parts)
    name = graph.value(x, one.dtype)
    if parts.slices:
        columns = zip(*parts.slices, strict=True)
        numbers = [graph.constant(np.array(column, np.int64)) for column in columns]
        name = graph.node("Slice", [name, *numbers])
    for op, where in (("Squeeze", parts.dropped), ("Unsqueeze", parts.added)):
        if where:
            name = graph.node(op, [name, graph.constant(np.array(where, np.int64))])
    for part, place in parts.chosen:
        name = graph.node("Gather", [name, graph.value(part, np.dtype(np.int64))], axis=place)
    graph.node("Identity", [name], one.name)


def _require_one_gather(graph: Graph, one: Instruction, parts: _Index) -> None:
    """Refuse an index that ONNX's Gather, of integers along one axis, is not."""
    kinds = [getattr(graph.dtype(part), "kind", None) for part, _ in parts.chosen]
    if not {*kinds} <= {"i", "u"}:
        raise refused(one, "an index of truth values")
    if len(kinds) > 1 or (kinds and parts.dropped):
        raise refused(one, "an index array that is not along one axis alone, beside slices")


def _constant(graph: Graph, one: Instruction) -> None:
    graph.constant(one.operands[0], one.name)


BROADCASTING: dict[str, Builder] = {
    **{
        numpys: _elementwise(theirs)
        for numpys, theirs in {
            "add": "Add",
            "subtract": "Sub",
            "multiply": "Mul",
            "divide": "Div",
            "maximum": "Max",
            "minimum": "Min",
            "power": "Pow",
        }.items()
    },
    "equal": _comparison("Equal"),
    "not_equal": _comparison("Equal", negated=True),
    "greater": _comparison("Greater"),
    "greater_equal": _comparison("GreaterOrEqual"),
    "less": _comparison("Less"),
    "less_equal": _comparison("LessOrEqual"),
    "logical_and": _elementwise("And"),
    "logical_or": _elementwise("Or"),
    "bitwise_and": _bits("And", "BitwiseAnd"),
    "bitwise_or": _bits("Or", "BitwiseOr"),
    "where": _where,
}
UNARY = {
    **{name: name.capitalize() for name in ("exp", "log", "tanh", "sqrt", "sin", "cos", "tan")},
    **{name: name.capitalize() for name in ("sinh", "cosh", "sign", "floor", "ceil")},
    **{f"arc{name}": f"A{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "absolute": "Abs",
    "negative": "Neg",
    "reciprocal": "Reciprocal",
    "logical_not": "Not",
    "scipy.special.erf": "Erf",
}
OPERATORS: dict[str, Builder] = {
    **BROADCASTING,
    **{numpys: _elementwise(theirs) for numpys, theirs in UNARY.items()},
    **{
        numpys: _reduction(theirs)
        for numpys, theirs in {
            "sum": "ReduceSum",
            "mean": "ReduceMean",
            "max": "ReduceMax",
            "min": "ReduceMin",
            "prod": "ReduceProd",
        }.items()
    },
    **dict.fromkeys(("reshape", "ravel", "expand_dims", "squeeze"), _reshape),
    "matmul": _elementwise("MatMul"),
    "invert": _bits("Not", "BitwiseNot"),
    "expm1": _expm1,
    "log1p": _log1p,
    "square": _square,
    "clip": _clip,
    "astype": _astype,
    "transpose": _transpose,
    "swapaxes": _swapaxes,
    "concatenate": _concatenate,
    "pad": _pad,
    "getitem": _getitem,
    "constant": _constant,
}


def build(graph: Graph, one: Instruction) -> None:
    """Add the nodes of one instruction.

    Raises
    ------
    ProgramError
        If there is no operator for it; it names the user's line.
    """
    builder = OPERATORS.get(one.op)
    if builder is None or not isinstance(one.type, Type):
        raise refused(one)
    if one.dtype.kind not in "biuf" or not all(math.isfinite(side) for side in one.shape):
        raise refused(one, f"of {one.dtype}")
    builder(graph, one)
