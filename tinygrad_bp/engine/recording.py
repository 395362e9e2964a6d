"""Apply a rule and record it: the hot path of the forward pass.

`unary`, `binary` and `ternary` build the function that NumPy's protocols, operators and methods
call; `nary` is the same for any number of arguments.  They compute the value on raw arrays first
and touch the graph only if an argument is tracked, so a failing call leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy import asarray, complex128, float64, ndarray, ufunc
from numpy.linalg import LinAlgError

from tinygrad_bp.elsewhere.calls import MISSING, misfit
from tinygrad_bp.engine.arrays import FLOAT64
from tinygrad_bp.engine.failures import noted
from tinygrad_bp.engine.modes import is_recording
from tinygrad_bp.engine.nodes import Node, tick
from tinygrad_bp.engine.rule import Recorder
from tinygrad_bp.engine.tensor import SCALARS, Tensor, new, operand, unwrap
from tinygrad_bp.errors import DeferredError, ShapeError, TinygradError, TrackedTensorError

NOTHING = (None, None, None)
PLAIN = frozenset({bool, float, int, str, type(None)})  # parameters that nobody can change
# Elements up to which a constant that no pull reads is kept all the same: pictures and finite
# differences need it, and it takes no more memory than a few nodes.
SMALL = 1024


def unary(rule: Any) -> Recorder:
    """Return the recorder of a rule with one argument, and perhaps parameters."""
    forward = rule.forward
    code = getattr(forward, "__code__", None)
    alone = code.co_argcount == 1 if code else isinstance(forward, ufunc)
    save_out, save_x = rule.saves(1)
    # An elementwise pull never asks for shapes; without nodes in it a saved tuple is invisible to
    # the cycle collector.
    keep_nodes = rule.kind != "elementwise"
    alike = rule.alike  # asking an array for shape and dtype costs ten times as much as its node
    sparing = rule.sparing

    def record(x: Any = MISSING, *params: Any, **elsewhere: Any) -> Any:
        if elsewhere or x is MISSING or (params and alone):
            raise misfit(record, rule.name, (x, *params), elsewhere)
        if type(x) is not Tensor:
            # a function of our own, of what may be Python's number: forwards ask for a dtype
            return forward(asarray(x)[()] if type(x) in SCALARS else operand(x), *params)
        value = x._value
        parent = x._node
        keeps = save_x
        try:
            if sparing is None or parent is None:
                out = forward(value, *params) if params else forward(value)
            else:
                out, spared = sparing(value)
                keeps = not spared
        except Exception as error:
            explain(rule, (x,), error)
            raise
        result = new(Tensor)
        result._value = out
        result._looks_into = None
        if parent is None or not (mode := is_recording()):
            result._node = None
            return result
        result._node = node = Node()
        node.rule = rule
        node.left = parent
        node.right = node.more = None
        kept = parent if keep_nodes else None
        if keeps:
            kept = value
        node.saved = (out if save_out else None, kept)
        if params:
            node.saved += params
        node.index = tick()
        if alike:
            node.shape = parent.shape
            node.dtype = parent.dtype
        elif type(out) is float64:  # asking a NumPy scalar for these costs more than the test
            node.shape = ()
            node.dtype = FLOAT64
        else:
            node.shape = out.shape
            node.dtype = out.dtype
        if mode is not True:
            mode.recorded(node, out, (value,))
        return result

    return record


def binary(rule: Any, *, swap: bool = False) -> Recorder:  # noqa: C901  # unrolled for speed
    """Return the recorder of a rule with two arguments, and perhaps parameters.

    `swap` is for reflected operators.
    """
    forward = rule.forward
    _, first, second, both = (rule.saves(tracked) for tracked in range(4))
    keep_nodes = rule.kind != "elementwise"
    alike = rule.alike

    def record(x: Any, y: Any, *params: Any) -> Any:  # noqa: C901  # unrolled for speed
        if swap:
            x, y = y, x
        left = right = twin = None
        try:
            if type(x) is Tensor:
                a = x._value
                left = x._node
            else:
                a = x if type(x) in SCALARS else operand(x)
            if type(y) is Tensor:
                b = y._value
                right = y._node
            else:
                b = y if type(y) in SCALARS else operand(y)
            out = forward(a, b, *params) if params else forward(a, b)
        except DeferredError:
            return NotImplemented
        except Exception as error:
            explain(rule, (x, y), error)
            raise
        mode = is_recording()
        if left is None or right is None:
            if type(out) is complex:  # what Python makes of its own complex and a NumPy scalar
                out = complex128(out)
            if left is right or not mode:
                # raw arrays in, raw array out: the functions that NumPy lacks are called on either
                return out if type(x) is not Tensor and type(y) is not Tensor else _untracked(out)
            # a raw array is the user's to change; what is kept is ours
            if right is None:
                save_out, save_a, save_b = first
                if save_b or type(y) in SCALARS or b.size <= SMALL:
                    save_b = True
                    if isinstance(y, ndarray):
                        b = b.copy()
            else:
                save_out, save_a, save_b = second
                if save_a or type(x) in SCALARS or a.size <= SMALL:
                    save_a = True
                    if isinstance(x, ndarray):
                        a = a.copy()
        elif mode:
            save_out, save_a, save_b = both
            if alike and left.shape is right.shape and left.dtype is right.dtype:
                twin = left
        else:
            return _untracked(out)
        result = new(Tensor)
        result._value = out
        result._looks_into = None
        result._node = node = Node()
        node.rule = rule
        node.left = left
        node.right = right
        node.more = None
        if save_out or save_a or save_b or keep_nodes:
            node.saved = (
                out if save_out else None,
                a if save_a else left if keep_nodes else None,
                b if save_b else right if keep_nodes else None,
            )
        else:
            node.saved = NOTHING
        if params:
            node.saved += params
        node.index = tick()
        if twin is not None:
            node.shape = twin.shape
            node.dtype = twin.dtype
        elif type(out) is float64:
            node.shape = ()
            node.dtype = FLOAT64
        else:
            node.shape = out.shape
            node.dtype = out.dtype
        if mode is not True:
            mode.recorded(node, out, (a, b))
        return result

    return record


def ternary(rule: Any, bind: Callable[..., Any]) -> Recorder:
    """Return the recorder of a rule with three arguments and no parameters: `nary`, unrolled.

    `bind` sorts a call that gives arguments by name.
    """
    forward = rule.forward
    saves = [rule.saves(mask) for mask in range(8)]

    def record(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != 3:
            try:
                args = bind(*args, **kwargs)[0]
            except TypeError:
                raise misfit(record, rule.name, args, kwargs) from None
        x, y, z = args
        first = second = third = None
        try:
            if type(x) is Tensor:
                a = x._value
                first = x._node
            else:
                a = x if type(x) in SCALARS else operand(x)
            if type(y) is Tensor:
                b = y._value
                second = y._node
            else:
                b = y if type(y) in SCALARS else operand(y)
            if type(z) is Tensor:
                c = z._value
                third = z._node
            else:
                c = z if type(z) in SCALARS else operand(z)
            out = forward(a, b, c)
        except Exception as error:
            explain(rule, (x, y, z), error)
            raise
        tracked = (first is not None) + 2 * (second is not None) + 4 * (third is not None)
        if not (tracked and (mode := is_recording())):
            wrapped = type(x) is Tensor or type(y) is Tensor or type(z) is Tensor
            return _untracked(out) if wrapped else out
        save_out, save_a, save_b, save_c = saves[tracked]
        result = new(Tensor)
        result._value = out
        result._looks_into = None
        result._node = node = Node()
        node.rule = rule
        node.left = node.right = None
        node.more = (first, second, third)
        node.saved = (
            out if save_out else None,
            (a if save_a else first)
            if first is not None or (save_a and type(x) is Tensor)
            else _constant(x, a, save_a),
            (b if save_b else second) if second is not None else _constant(y, b, save_b),
            (c if save_c else third) if third is not None else _constant(z, c, save_c),
        )
        node.index = tick()
        node.shape = out.shape
        node.dtype = out.dtype
        if mode is not True:
            mode.recorded(node, out, (a, b, c))
        return result

    return record


def nary(rule: Any, args: Sequence[Any], params: tuple[Any, ...]) -> Any:
    """Apply `rule` to any number of arguments, and to parameters, which nobody can change."""
    values = []
    parents: list[Node | None] = []
    tracked, bit, wrapped = 0, 1, False
    try:
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
        spared = False
        if rule.sparing is None:
            out = rule.forward(*values, *params)
        else:
            out, spared = rule.sparing(*values)
    except Exception as error:
        explain(rule, args, error)
        raise
    if not (tracked and (mode := is_recording())):
        return _untracked(out) if wrapped else out
    save_out, *saves = rule.saves(tracked)
    if spared:
        saves = [False] * len(saves)
    kept = [
        _constant(arg, value, save) if parent is None else value if save else parent
        for value, save, parent, arg in zip(values, saves, parents, args, strict=True)
    ]
    result = _untracked(out)
    result._node = node = Node()
    node.rule = rule
    if len(parents) > 2:
        node.left = node.right = None
        node.more = tuple(parents)
    else:
        node.left = parents[0]
        node.right = parents[1] if len(parents) == 2 else None
        node.more = None
    node.saved = (out if save_out else None, *kept, *params)
    node.index = tick()
    node.shape = out.shape
    node.dtype = out.dtype
    if mode is not True:
        mode.recorded(node, out, values)
    return result


def _constant(arg: Any, value: Any, save: bool) -> Any:
    """Return what is kept of an argument that tracks nothing; None of a large one nobody reads."""
    if not (save or type(value) in SCALARS or value.size <= SMALL):
        return None
    return value.copy() if isinstance(arg, ndarray) else value  # an array is the user's to change


def _untracked(out: Any) -> Tensor:
    result = new(Tensor)
    result._value = out
    result._looks_into = None
    result._node = None
    return result


def frozen(rule: Any, params: Sequence[Any]) -> tuple[Any, ...]:
    """Return parameters without the Tensors in them, and with every array in them copied.

    What a user changes later, an index array or a mask, cannot reach the graph then.

    Raises
    ------
    TrackedTensorError
        If one is tracked: there is no derivative in a parameter.
    """
    return tuple([one if type(one) in PLAIN else _frozen(rule, one) for one in params])


def _frozen(rule: Any, param: Any) -> Any:
    kind = type(param)
    if kind is Tensor and param.requires_grad:
        error = TrackedTensorError(
            f"{rule.name}: a tracked Tensor stands where there is no derivative; pass its .detach()"
        )
        raise noted(error, rule.name, (param,))
    if isinstance(param, ndarray):
        return param.copy()
    if kind is tuple or kind is list:
        return frozen(rule, param)
    return unwrap(param)


def explain(rule: Any, args: Sequence[Any], error: Exception) -> None:
    """Note on an exception which operation raised it, for whoever draws the failure.

    Raises
    ------
    ShapeError, LinAlgError
        In place of a ValueError of NumPy's: with the operation, its arguments' shapes, the reason.
    """
    if not isinstance(error, ValueError) or isinstance(error, TinygradError):
        noted(error, rule.name, args)
        return
    message = f"{rule.name}({', '.join(map(_described, args))}): {error}{rule.remedy}"
    kind = LinAlgError if isinstance(error, LinAlgError) else ShapeError
    raise noted(kind(message), rule.name, args) from error


def _described(arg: Any) -> str:
    shape = getattr(arg, "shape", None)
    if shape is None:
        return type(arg).__name__
    name = arg.name if type(arg) is Tensor else None
    return f"{name} {shape}" if name else str(shape)
