"""Derivatives of a fused rule from the composition that it is equal to.

The raw code of a rule is fast on arrays; a walk that records, or another library's arrays, needs a
derivative in NumPy's words.  The composition has one: it is recorded apart from the graph around
it, and walked over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.modes import recorded
from tinygrad_bp.engine.nodes import Node, Variable
from tinygrad_bp.engine.push import push_forward
from tinygrad_bp.engine.tensor import Tensor, unwrap, wrap
from tinygrad_bp.engine.walk import pull_back

Composition = Callable[..., Any]
ALL_TENSORS = {Tensor}


def held(*given: Any) -> tuple[Any, ...]:
    """Return the arguments of a fused rule as a node keeps them.

    Where one is a Tensor the call is recorded, and a node keeps no array that somebody may change:
    raw code runs on copies, so that a pull finds the very arrays that it ran on.
    """
    kinds = set(map(type, given))
    if kinds == ALL_TENSORS:
        return given
    arguments = tuple(map(arrayed, given))
    if Tensor not in kinds:
        return arguments
    return tuple([wrap(one.copy()) if type(one) is np.ndarray else one for one in arguments])


def pull_composed(
    composition: Composition, wanted: Sequence[int], ct: Any, arguments: Sequence[Any]
) -> list[Any]:
    """Return the cotangent of each argument that is wanted.

    Parameters
    ----------
    composition : callable
        Of the arguments.
    wanted : sequence of int
        Places of arguments.
    ct : array or Tensor
        The cotangent of the result.
    arguments : sequence
        Tensors where the walk records, whose places in the graph the result depends on then.

    Returns
    -------
    list of array, or of Tensor where one was given
    """
    record = any(type(one) is Tensor for one in (ct, *arguments))
    starts, end = recorded(_apart, composition, arguments, wanted)
    seeds = {} if end is None else {end: wrap(ct) if record and type(ct) is not Tensor else ct}
    found = recorded(pull_back, seeds, targets=starts, record=record, free=not record)
    return [found[node] if node in found else _zeros(node, record=record) for node in starts]


def push_composed(
    composition: Composition, tangents: Sequence[Any], arguments: Sequence[Any]
) -> Any:
    """Return the tangent of the result; those of the arguments are None where they are zero.

    Parameters
    ----------
    composition : callable
        Of the arguments.
    tangents, arguments : sequence
        Arrays, or Tensors where the walk records.

    Returns
    -------
    array or Tensor, or None for zeros
    """
    record = any(type(one) is Tensor for one in (*tangents, *arguments))
    moving = [i for i, t in enumerate(tangents) if t is not None]
    starts, end = recorded(_apart, composition, arguments, moving)
    if end is None:
        return None
    moves = {node: tangents[i] for node, i in zip(starts, moving, strict=True)}
    return recorded(push_forward, [end], moves, record=record).get(end)


def _apart(
    composition: Composition, arguments: Sequence[Any], moving: Iterable[int]
) -> tuple[list[Node], Node | None]:
    """Record a composition; return where its moving arguments begin, and its end."""
    inside, starts = list(arguments), []
    for i in moving:
        x = arguments[i]
        if type(x) is Tensor and x._node is not None:
            inside[i] = np.positive(x)  # a node of its own: an argument may depend on another
        else:
            inside[i] = wrap(unwrap(x), Variable(x.shape, x.dtype))
        starts.append(inside[i]._node)
    return starts, getattr(composition(*inside), "_node", None)


def _zeros(node: Node, *, record: bool) -> Any:
    zeros = np.zeros(node.shape, node.dtype)[()]
    return wrap(zeros) if record else zeros
