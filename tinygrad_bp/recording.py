"""Apply a rule and record it: the hot path of the forward pass.

`unary`, `binary` and `nary` build the function that NumPy's protocols, operators and methods call.  They compute the
value on raw arrays first and touch the graph only if an argument is tracked, so a failing call leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

from tinygrad_bp.errors import ShapeError, TinygradError
from tinygrad_bp.graph import Node, is_recording, tick
from tinygrad_bp.tensor import SCALARS, Tensor, new, operand

NOTHING = (None, None, None)
Recorder = Callable[..., Any]


def unary(rule: Any) -> Recorder:
    """Return the recorder of a rule with one argument and no parameters."""
    forward = rule.forward
    save_out, save_x = rule.saves(1)

    def record(x: Any) -> Any:
        if type(x) is not Tensor:
            return forward(operand(x))
        value = x._value
        try:
            out = forward(value)
        except ValueError as error:
            raise explained(rule, (x,), error) from error
        result = new(Tensor)
        result._value = out
        parent = x._node
        if parent is None or not is_recording():
            result._node = None
            return result
        result._node = node = new(Node)
        node.rule = rule
        node.left = parent
        node.right = node.more = None
        node.saved = (out if save_out else None, value if save_x else None)
        node.index = tick()
        node.shape = out.shape
        node.dtype = out.dtype
        return result

    return record


def binary(rule: Any, *, swap: bool = False) -> Recorder:
    """Return the recorder of a rule with two arguments and no parameters; `swap` for reflected operators."""
    forward = rule.forward
    saves = [rule.saves(mask) for mask in range(4)]
    # An elementwise pull never asks for shapes; without nodes in it a saved tuple is invisible to the cycle collector.
    stand_in = None if rule.kind == "elementwise" else True

    def record(x: Any, y: Any) -> Any:
        if swap:
            x, y = y, x
        if type(x) is Tensor:
            a = x._value
            left = x._node
        else:
            a = x if type(x) in SCALARS else operand(x)
            left = None
        if type(y) is Tensor:
            b = y._value
            right = y._node
        else:
            b = y if type(y) in SCALARS else operand(y)
            right = None
        try:
            out = forward(a, b)
        except ValueError as error:
            raise explained(rule, (x, y), error) from error
        tracked = (left is not None) + 2 * (right is not None)
        if not (tracked and is_recording()):
            # raw arrays in, raw array out: the functions that NumPy lacks are called on either
            return out if type(x) is not Tensor and type(y) is not Tensor else _untracked(out)
        save_out, save_a, save_b = saves[tracked]
        if left is None and save_a and isinstance(a, ndarray) and type(x) is not Tensor:
            a = a.copy()  # a raw array is the user's to change; what a rule will read is ours
        if right is None and save_b and isinstance(b, ndarray) and type(y) is not Tensor:
            b = b.copy()
        result = new(Tensor)
        result._value = out
        result._node = node = new(Node)
        node.rule = rule
        node.left = left
        node.right = right
        node.more = None
        node.saved = (
            NOTHING
            if not (save_out or save_a or save_b or stand_in)
            else (
                out if save_out else None,
                a if save_a else stand_in and left,
                b if save_b else stand_in and right,
            )
        )
        node.index = tick()
        node.shape = out.shape
        node.dtype = out.dtype
        return result

    return record


def nary(rule: Any, args: Sequence[Any], params: tuple[Any, ...]) -> Any:
    """Apply `rule` to any number of arguments, of which all may be tracked, and to parameters, of which none may."""
    values = []
    parents: list[Node | None] = []
    tracked = 0
    bit = 1
    wrapped = False
    for arg in args:
        if type(arg) is Tensor:
            wrapped = True
            values.append(arg._value)
            node = arg._node
            parents.append(node)
            if node is not None:
                tracked |= bit
        else:
            values.append(arg if type(arg) in SCALARS else operand(arg))
            parents.append(None)
        bit <<= 1
    try:
        out = rule.forward(*values, *params)
    except ValueError as error:
        raise explained(rule, args, error) from error
    if not (tracked and is_recording()):
        return _untracked(out) if wrapped else out
    saves = rule.saves(tracked)
    for position, save in enumerate(saves[1:]):
        if not save:
            values[position] = parents[position]
        elif parents[position] is None:
            value = values[position]
            if isinstance(value, ndarray) and type(args[position]) is not Tensor:
                values[position] = value.copy()  # a raw array is the user's to change
    result = new(Tensor)
    result._value = out
    result._node = node = new(Node)
    node.rule = rule
    if len(parents) > 2:
        node.left = node.right = None
        node.more = tuple(parents)
    else:
        node.left = parents[0]
        node.right = parents[1] if len(parents) == 2 else None
        node.more = None
    node.saved = (
        out if saves[0] else None,
        *values,
        *(map(frozen, params) if params else ()),
    )
    node.index = tick()
    node.shape = out.shape
    node.dtype = out.dtype
    return result


def _untracked(out: Any) -> Tensor:
    result = new(Tensor)
    result._value = out
    result._node = None
    return result


def frozen(param: Any) -> Any:
    """Return `param` with every array in it (index arrays, masks) copied, so that later changes cannot reach the graph."""
    kind = type(param)
    if kind is ndarray:
        return param.copy()
    if kind is tuple or kind is list:
        return tuple([frozen(one) for one in param])
    return param


def explained(rule: Any, args: Sequence[Any], error: ValueError) -> Exception:
    """Return a ShapeError that names the operation, the names and shapes of its arguments, and NumPy's reason."""
    if isinstance(error, TinygradError):
        return error
    described = ", ".join(_described(arg) for arg in args)
    return ShapeError(f"{rule.name}({described}): {error}{rule.remedy}")


def _described(arg: Any) -> str:
    shape = getattr(arg, "shape", None)
    if shape is None:
        return type(arg).__name__
    name = arg.name if type(arg) is Tensor else None
    return f"{name} {shape}" if name else str(shape)
