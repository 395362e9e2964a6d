"""A user's own derivative for a user's own function."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.failures import noted
from tinygrad_bp.engine.memory import read_only
from tinygrad_bp.engine.modes import is_recording
from tinygrad_bp.engine.nodes import Variable
from tinygrad_bp.engine.tensor import SCALARS, Tensor, private_copy, unwrap, wrap
from tinygrad_bp.errors import TrackedTensorError
from tinygrad_bp.transforms.applied import Applied, Definition, Nest
from tinygrad_bp.transforms.joint import record


@answers
def differentiable(
    f: Callable[..., Any] | None = None,
    /,
    *,
    vjp: Callable[..., Any],
    jvp: Callable[..., Any] | None = None,
) -> Any:
    """Give a function a derivative of its own; works on a function, or as a decorator.

    For what the engine cannot look into (another library, compiled code, a loop that writes into
    arrays), and where another derivative than the true one, or a better computed one, is wanted.

    Parameters
    ----------
    f : callable
        Called with raw arrays in place of Tensors; may be any NumPy function.  Returns a floating
        or complex array, or a nested container of arrays; results of integers have no derivative.
    vjp : callable
        ``vjp(ct, out, *args, **kwargs)``: the cotangent of the result, the result, and what `f` was
        called with.  Returns the cotangents of the arguments: a tuple with one entry for each
        positional argument, or the only one by itself.  An entry has the shape of its argument, or
        is None where there is no derivative.  `ct`, `out` and the arguments are nested as `f` has
        them.  As in the rule table: what it names with a leading underscore it does not read, and
        it is not kept (``_out`` is None, ``_x`` has a shape and a dtype only); a complex cotangent
        is not conjugated.
    jvp : callable, optional
        ``jvp(tangents, out, *args, **kwargs)``: a tuple of tangents, one for each positional
        argument, None where it is zero.  Returns the tangent of the result.  Without it, forward
        mode differentiates `vjp` by its cotangent, in which it is linear.

    Returns
    -------
    callable
        Arrays in, arrays out; Tensors in, Tensors out, tracked where an argument is.  Positional
        arguments are differentiated, keyword-only ones are not.

    Raises
    ------
    ShapeError
        In the backward or forward pass, if `vjp` or `jvp` returns another number of entries, or
        another shape.
    UnsupportedFunctionError
        If a second derivative is asked for, or a first one in forward mode without `jvp`, and `vjp`
        is not written in functions that have a derivative themselves.
    TrackedTensorError
        If a keyword argument is tracked, or `f` reads a tracked Tensor from around it; in a walk,
        if `vjp` or `jvp` does and a transform would lose the derivative by that.

    Notes
    -----
    `vjp` gets raw arrays, read-only, in an ordinary backward pass, and Tensors where the pass is
    itself recorded: second derivatives need no second rule if it is written in NumPy.

    Examples
    --------
    An exponential whose slope stays below 100:

    >>> import numpy as np, tinygrad_bp as tg
    >>> @tg.differentiable(vjp=lambda ct, out, _x: ct * np.minimum(out, 100.0))
    ... def clipped_exp(x):
    ...     return np.exp(x)
    >>> tg.grad(clipped_exp)(10.0), tg.grad(clipped_exp)(0.0)
    (np.float64(100.0), np.float64(1.0))

    A function that is known by an equation only (the implicit function theorem): the y at which
    y + exp(y) = x moves by 1 / (1 + exp(y)).

    >>> def solve(x):
    ...     y = 0.0 * x
    ...     for _ in range(50):
    ...         y = y - (y + np.exp(y) - x) / (1.0 + np.exp(y))
    ...     return y
    >>> root = tg.differentiable(solve, vjp=lambda ct, y, _x: ct / (1.0 + np.exp(y)))
    >>> tg.grad(root)(1.0), tg.grad(tg.grad(root))(1.0)
    (np.float64(0.5), np.float64(-0.125))
    """
    if f is None:
        return functools.partial(differentiable, vjp=vjp, jvp=jvp)
    for label, given in (("f", f), ("vjp", vjp), ("jvp", jvp)):
        if given is not None and not callable(given):
            raise TypeError(f"differentiable: {label} is a function, got {type(given).__name__}")

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        return _apply(own, args, kwargs)

    wrapper: Any = functools.wraps(f)(differentiated)
    own = wrapper.definition = Definition(f, vjp, jvp, wrapper)
    return wrapper


def _apply(own: Definition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the function on raw arrays, and record it as one node if an argument is tracked."""
    if kwargs:
        args, kwargs = own.bind(args, kwargs)
    flat, build = flatten(list(args))
    options, build_options = flatten(kwargs)
    if any(map(_is_tracked, options)):
        raise TrackedTensorError(
            f"{own.name}: a tracked Tensor is given by keyword, where there is no derivative; pass"
            " it by position, or its .detach()"
        )
    moving = [i for i, one in enumerate(flat) if _is_tracked(one)] if is_recording() else []
    kept = _kept(own, args) if moving else []
    options = [_snapshot(one) if moving else unwrap(one) for one in options]
    parents = [flat[i]._node for i in moving]
    raw = [read_only(one._value) if isinstance(one, Tensor) else one for one in flat]
    try:
        result = own.f(*build(raw), **build_options(options))
    except Exception as error:
        noted(error, own.name, args)
        raise
    if not moving:
        return _plain(own, result, any(isinstance(one, Tensor) for one in flat))
    still = [None if i in moving else one for i, one in enumerate(kept)]
    arguments = Nest(build, still, moving, parents)
    return _recorded(own, arguments, build_options(options), result, [kept[i] for i in moving])


def _plain(own: Definition, result: Any, wrapped: bool) -> Any:
    """Return what the function gave: floating arrays in Tensors, if Tensors came in."""
    outputs, rebuild = flatten(result)
    _refuse_captured(own, outputs)
    if not wrapped:
        return result
    return rebuild(
        # a copy, as below
        [wrap(private_copy(unwrap(one))) if _kind(one) in "fc" else one for one in outputs]
    )


def _recorded(
    own: Definition, arguments: Nest, options: dict[str, Any], result: Any, kept: list[Any]
) -> Any:
    """Return what the function gave, with the floating arrays in it at their place in the graph."""
    outputs, rebuild = flatten(result)
    _refuse_captured(own, outputs)
    # a copy: it may be an array that the function keeps and writes into the next time
    outputs = [private_copy(one) if _kind(one) in "fc" else _snapshot(one) for one in outputs]
    moving = [i for i, one in enumerate(outputs) if _kind(one) in "fc"]
    if not moving:
        return rebuild(outputs)
    outs = [outputs[i] for i in moving]
    still = [None if i in moving else one for i, one in enumerate(outputs)]
    likes = [Variable(out.shape, out.dtype) for out in outs]
    call = Applied(own, arguments, Nest(rebuild, still, moving, likes), options)
    found = record(own.rule, call, arguments.likes, kept, outs, keep_outs=own.reads(1))
    return call.results.filled(found)


def _refuse_captured(own: Definition, outputs: Sequence[Any]) -> None:
    if any(map(_is_tracked, outputs)):
        raise TrackedTensorError(
            f"{own.name}: the function reads a tracked Tensor from around it, which its vjp does"
            " not know; pass it as an argument"
        )


def _kept(own: Definition, args: Sequence[Any]) -> list[Any]:
    """Return what the node keeps of each value in `args`, as the names of vjp and jvp ask for it.

    What they do not read is kept as a node, which has shape and dtype.
    """
    kept: list[Any] = []
    for position, arg in enumerate(args):
        for one in flatten(arg)[0]:
            if own.reads(2 + position) or _kind(one) not in "biufc":
                kept.append(_snapshot(one))
            elif _is_tracked(one):
                kept.append(one._node)
            else:
                like = np.asarray(unwrap(one))
                kept.append(Variable(like.shape, like.dtype))
    return kept


def _is_tracked(value: Array) -> bool:
    return isinstance(value, Tensor) and value._node is not None


def _kind(value: Array) -> str:
    """Return the kind of a value's dtype, "?" for what is no number."""
    dtype = np.result_type(value) if type(value) in SCALARS else getattr(value, "dtype", None)
    return "?" if dtype is None else str(dtype.kind)


def _snapshot(value: Array) -> Array:
    """Return what nobody can change: the array in a Tensor, or a copy of the user's."""
    if isinstance(value, Tensor):
        return value._value
    return value.copy() if isinstance(value, np.ndarray) else value
