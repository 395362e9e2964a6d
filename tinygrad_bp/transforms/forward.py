"""Forward mode: tangents pushed up the recorded graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.transforms.calls import Call, require_function, require_result


@answers
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Compute ``f(*primals)`` and how it moves when the primals move along the tangents.

    The product of f's Jacobian with a vector, without the Jacobian.

    Parameters
    ----------
    f : callable
        Returns an array, or a nested container of arrays.
    primals : tuple or list
        The arguments of f: arrays, Tensors, floats, or nests of them.
    tangents : tuple or list
        Nested like `primals`, each of its primal's shape; cast to its dtype.  None means zero, for
        a value or for a whole container.

    Returns
    -------
    value
        What f returned.
    tangent
        Of the structure of `value`, each in the shape and dtype of its value.  Zeros where the
        value does not move (of float64 for integers); None for what is no number.

    Raises
    ------
    ShapeError
        If `tangents` is nested otherwise than `primals`, or a shape differs.
    DTypeError
        If a primal holds integers, or a tangent is complex and its primal real.

    Notes
    -----
    f runs once and is recorded; then the tangents walk up the graph, which takes about as long as
    the function itself.  Since nothing is computed on pairs of numbers, nested calls cannot confuse
    their perturbations.  Arrays in, arrays out; tracked Tensors where the result depends on a
    Tensor that is tracked outside.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    require_function("jvp", f)
    call = Call("jvp", arguments_of("jvp", primals))
    starts = call.tangents(tangents)
    result = require_result("jvp", call.run(f, *call.arguments))
    outputs, rebuild = flatten(result)
    value = rebuild(call.values(outputs))
    del result
    return value, rebuild(call.push(outputs, starts))


def arguments_of(name: str, primals: Any) -> Sequence[Any]:
    """Return `primals`, which must be a sequence of arguments, not one argument.

    Raises
    ------
    TypeError
        For anything but a tuple or list.
    """
    if not isinstance(primals, (tuple, list)):
        raise TypeError(
            f"{name}: primals is a tuple with one entry for each argument of the function, got"
            f" {type(primals).__name__}; write (x,) for one argument"
        )
    return primals
