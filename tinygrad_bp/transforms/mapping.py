"""`vmap`: a function of one sample, applied to each of many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from operator import index
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.containers import flatten, flatten_like
from tinygrad_bp.engine.shapes import normalize_axes
from tinygrad_bp.engine.tensor import Tensor, unwrap, wrap
from tinygrad_bp.errors import ShapeError, TinygradError
from tinygrad_bp.transforms.calls import require_function


@answers
def vmap(
    f: Callable[..., Any], in_axes: int | Sequence[int | None] | None = 0, out_axes: int = 0
) -> Callable[..., Any]:
    """Return a function that maps `f` over an axis of its arguments and stacks the results.

    It is a loop: each sample costs a call of `f`.  NumPy code that broadcasts is faster.  What it
    is for: the gradient of each sample by itself, and functions that cannot broadcast.  In a
    program, and so under `tg.compile`, `f` is called once for all samples where that can be.

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
    require_function("vmap", f)
    out_axes = index(out_axes)

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
        count = lengths.pop()
        together = _together(args, axes)
        if together is not None:
            whole = _at_once(f, together, count, out_axes)
            if whole is not None:
                return whole[0]
        results = [f(*(sample(k) for sample in samples)) for k in range(count)]
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


def _together(args: Sequence[Any], axes: Sequence[int | None]) -> list[Any] | None:
    """Return the arguments of one call for all samples; None if there can be none.

    There can be where the arrays are values of a program that is being written, which can stand
    for many, and nobody differentiates by them.
    """
    found = []
    some = False
    for arg, axis in zip(args, axes, strict=True):
        if axis is None:
            found.append(arg)
            continue
        values, rebuild = flatten(arg)
        parts = []
        for one in values:
            make = getattr(unwrap(one), "samples", None)
            if make is None or (isinstance(one, Tensor) and one.node is not None):
                return None
            (place,) = normalize_axes(axis, np.ndim(one), "vmap")
            part = make(place)
            parts.append(wrap(part) if isinstance(one, Tensor) else part)
        found.append(rebuild(parts))
        some = some or bool(values)
    return found if some else None


def _at_once(
    f: Callable[..., Any], args: Sequence[Any], count: int, out_axes: int
) -> tuple[Any] | None:
    """Return what one call for all samples gives; None if the samples must be taken one by one."""
    try:
        values, rebuild = flatten(f(*args))
        if any(isinstance(one, Tensor) and one.node is not None for one in values):
            return None
        return (rebuild([_stacked(one, count, out_axes) for one in values]),)
    except (TinygradError, TypeError, ValueError):  # something in it is not done at once
        return None


def _stacked(value: Any, count: int, axis: int) -> Any:
    """Return the results of all samples: of one that stands for all, or the same for each."""
    raw = unwrap(value)
    many = hasattr(raw, "stacked")
    whole = raw.stacked(axis) if many else np.stack([raw] * count, axis=axis)
    return wrap(whole) if isinstance(value, Tensor) else whole
