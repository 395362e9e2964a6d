"""Reverse mode: gradients of Tensors into their leaves, and of functions by their arguments."""

from __future__ import annotations

import functools
import os
from _thread import allocate_lock
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from tinygrad_bp.elsewhere.calls import answers, unexpected
from tinygrad_bp.engine.arrays import Cotangent
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.tensor import Tensor, method, new, unwrap
from tinygrad_bp.engine.walk import conform, pull_back, seed
from tinygrad_bp.errors import GraphError
from tinygrad_bp.transforms.calls import (
    Call,
    as_tensor,
    chosen,
    found_or_zeros,
    positions_of,
    require_function,
    require_result,
    require_scalar,
    seeds_of,
)

_accumulating = allocate_lock()  # two threads that add into one leaf lose nothing


def _unlock() -> None:
    """Make a new lock in a forked child: a thread that is not there may hold the old one."""
    global _accumulating  # noqa: PLW0603  # one lock a process
    _accumulating = allocate_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


def backward(
    self: Tensor,
    cotangent: Cotangent = None,
    *,
    retain_graph: bool = True,
    create_graph: bool = False,
    **elsewhere: Any,
) -> None:
    """Add the gradient of this Tensor into `.grad` of every leaf it depends on.

    Parameters
    ----------
    cotangent : array or Tensor of this shape, optional
        What to begin with; 1 for a scalar, required for anything else.
    retain_graph : bool, default True
        False frees the residuals as the walk passes, which saves memory; the graph cannot be walked
        again.
    create_graph : bool, default False
        Record the walk itself, so that the gradients can be differentiated again.

    Raises
    ------
    GraphError
        If nothing is tracked, the cotangent is missing or has another shape, or the residuals were
        freed.
    """
    if elsewhere:
        raise unexpected(backward, elsewhere)
    start = seed(self, cotangent, "backward")
    if create_graph:
        start = as_tensor(start)
    elif cotangent is not None:
        start = unwrap(start)
    root: Any = self._node  # not None: seed would have raised
    found = pull_back({root: start}, record=create_graph, free=not retain_graph)
    accounts: list[Any] = []
    totals: list[Tensor] = []
    with _accumulating:
        for leaf, ct in found.items():
            account = leaf.account()  # type: ignore[attr-defined]  # without targets, leaves only
            if account is None:  # no Tensor of this leaf is left to ask for it
                continue
            if ct.dtype is not leaf.dtype:
                ct = conform(ct, leaf)
            prior = account.grad
            if create_graph:
                total = as_tensor(ct) if prior is None else prior + ct
            else:
                total = new(Tensor)
                total._value = ct if prior is None else prior._value + ct
                total._node = total._looks_into = None
            accounts.append(account)
            totals.append(total)
        # all or none: a sum may find no memory, and no Ctrl-C comes into a loop in C
        any(map(setattr, accounts, repeat("grad"), totals))


method("backward", backward)


@answers
def gradients(
    outputs: Any,
    inputs: Any,
    cotangents: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool = True,
) -> Any:
    """Return the gradients of recorded Tensors in any Tensors of their graph, leaves or interior.

    Parameters
    ----------
    outputs : Tensor, or nested container of Tensors
        Where to begin.  The gradients of several add up.
    inputs : Tensor, or nested container of Tensors
        Tracked Tensors; what no output depends on gets zeros.
    cotangents : array or Tensor of the output's shape, or container like `outputs`, optional
        1 for scalars, required for anything else.
    create_graph : bool, default False
        Record the walk, so that the result can be differentiated again.
    retain_graph : bool, default True
        False frees the residuals as the walk passes.

    Returns
    -------
    Tensor, or container like `inputs`

    Raises
    ------
    GraphError
        If an input, or every output, tracks nothing, or a cotangent does not fit.

    Examples
    --------
    >>> import tinygrad_bp as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> tg.gradients(y * y, [x, y])
    [Tensor(108.), Tensor(18.)]
    >>> tg.gradients([x, y], x, [10.0, 1.0])
    Tensor(16.)
    """
    wanted, rebuild = flatten(inputs)
    nodes = []
    for one in wanted:
        if not isinstance(one, Tensor) or one._node is None:
            raise GraphError("gradients: an input tracks nothing; make it with requires_grad=True")
        nodes.append(one._node)
    roots, _ = flatten(outputs)
    seeds = seeds_of("gradients", outputs, roots, cotangents)
    convert = as_tensor if create_graph else unwrap
    found = pull_back(
        {node: convert(ct) for node, ct in seeds.items()},
        targets=nodes,
        record=create_graph,
        free=not retain_graph,
    )
    return rebuild([as_tensor(found_or_zeros(found, one._node, one)) for one in wanted])


@answers
def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that gives f's value and its gradient.

    Parameters
    ----------
    f : callable
        Returns a scalar.
    argnums : int or sequence of int, default 0
        Which positional arguments to differentiate; each an array, a Tensor, a float, or a nest of
        them.

    Returns
    -------
    callable
        ``(value, gradient)``; the gradient has the structure of the argument, a tuple of them for
        several.

    Raises
    ------
    GraphError
        When called, if f's result is no scalar.
    DTypeError
        When called, if an argument to differentiate holds integers.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.value_and_grad(lambda w: np.sum(w * w))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    require_function("grad", f)
    positions = positions_of(argnums)

    @functools.wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = Call("grad", chosen("grad", positions, args))
        result = call.run_at(f, positions, args, kwargs)
        require_scalar("grad", result, "use tg.vjp with a cotangent")
        value = call.value(result)
        node = result.node if isinstance(result, Tensor) else None
        seeds = {} if node is None else {node: seed(result, None, "grad")}
        del result
        grads = call.pull(seeds, free=True)
        return value, (tuple(grads) if isinstance(argnums, Sequence) else grads[0])

    return differentiated


@answers
def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that gives the gradient of `f`.

    Parameters
    ----------
    f : callable
        Of arrays, Tensors and nested containers of them, with a number as its result.
    argnums : int or sequence of int, default 0
        Which positional arguments to differentiate by.

    Returns
    -------
    callable
        With the arguments of `f`; gives what `value_and_grad` gives beside the value.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.grad(np.sin)(0.0)
    np.float64(1.0)
    >>> tg.grad(tg.grad(np.sin))(np.pi / 2)
    np.float64(-1.0)
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return differentiated


@answers
def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Compute ``f(*primals)`` and the map that pulls a cotangent of the result back to the primals.

    Parameters
    ----------
    f : callable
        Returns an array, or a nested container of arrays.
    *primals
        Arrays, Tensors, floats, or nests of them.

    Returns
    -------
    value
        What f returned.
    pull : callable
        Takes a cotangent of the shape and structure of the value; gives one cotangent for each
        primal.  It can be called again.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> value, pull = tg.vjp(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    require_function("vjp", f)
    call = Call("vjp", primals)
    result = require_result("vjp", call.run(f, *call.arguments))
    outputs, rebuild = flatten(result)
    value = rebuild(call.values(outputs))

    def pull(cotangent: Cotangent) -> tuple[Any, ...]:
        if not any(isinstance(one, Tensor) and one.requires_grad for one in outputs):
            return tuple(call.pull({}, free=False))
        return tuple(call.pull(seeds_of("vjp", result, outputs, cotangent), free=False))

    return value, pull
