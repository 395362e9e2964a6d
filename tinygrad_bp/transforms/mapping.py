"""`vmap`: a function of one sample, applied to each of many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.containers import flatten, flatten_like
from tinygrad_bp.engine.shapes import normalize_axes
from tinygrad_bp.errors import ShapeError


def vmap(
    f: Callable[..., Any], in_axes: int | Sequence[int | None] | None = 0, out_axes: int = 0
) -> Callable[..., Any]:
    """Return a function that maps `f` over an axis of its arguments and stacks the results.

    It is a loop: each sample costs a call of `f`.  Rules for whole batches would be a second table;
    NumPy code that broadcasts needs none and is faster.  What it is for: the gradient of each
    sample by itself, and functions that cannot broadcast.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, Tensors, or nested containers of them.
    in_axes : int, None, or a sequence of them, one a positional argument; default 0
        The axis of every array in the argument that is mapped over; None passes the argument whole.
    out_axes : int, default 0
        Where the mapped axis stands in each result.

    Returns
    -------
    callable
        Differentiable, and under other transforms, as `f` is.

    Raises
    ------
    ShapeError
        When called, if the mapped axes differ in length, are empty, or there is none.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> def loss(w, x):
    ...     return np.sum(np.tanh(w * x))
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    >>> tg.vmap(tg.grad(loss), in_axes=(None, 0))(np.zeros(2), X)
    array([[1., 0.],
           [0., 2.],
           [0., 0.]])
    """

    @functools.wraps(f)
    def mapped(*args: Any) -> Any:
        axes = in_axes if isinstance(in_axes, Sequence) else [in_axes] * len(args)
        if len(axes) != len(args):
            raise ShapeError(f"vmap: in_axes names {len(axes)} arguments, {len(args)} were given")
        lengths: set[int] = set()
        samples = [
            _sampler(arg, axis, i, lengths)
            for i, (arg, axis) in enumerate(zip(args, axes, strict=True))
        ]
        if len(lengths) != 1 or 0 in lengths:
            found = ", ".join(map(str, sorted(lengths))) or "none"
            raise ShapeError(
                f"vmap: expected mapped axes of one length, not empty; the lengths are {found}"
            )
        results = [f(*(sample(k) for sample in samples)) for k in range(lengths.pop())]
        _, rebuild = flatten(results[0])
        what = "vmap: the result of another sample"
        columns = zip(
            *(flatten_like(one, results[0], what, ShapeError) for one in results), strict=True
        )
        return rebuild([np.stack(column, axis=out_axes) for column in columns])

    return mapped


def _sampler(arg: Any, axis: int | None, place: int, lengths: set[int]) -> Callable[[int], Any]:
    """Return what gives sample `k` of an argument; add the lengths of its mapped axes."""
    if axis is None:
        return lambda _k: arg
    values, rebuild = flatten(arg)
    leads: list[tuple[Any, ...]] = []
    for one in values:
        if not np.ndim(one):
            raise ShapeError(
                f"vmap: argument {place} is a scalar, which has no axis to map over; pass None for"
                " it in in_axes"
            )
        (only,) = normalize_axes(axis, np.ndim(one), f"vmap: argument {place}")
        lengths.add(np.shape(one)[only])
        leads.append((slice(None),) * only)
    arrays = [arrayed(one) for one in values]
    return lambda k: rebuild([x[(*lead, k)] for x, lead in zip(arrays, leads, strict=True)])
