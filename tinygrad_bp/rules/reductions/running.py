"""Running sums and products: cumsum, cumprod.

No product is divided by one of its factors: zeros are factors like others.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, general, linear
from tinygrad_bp.engine.dispatch import refuse_out
from tinygrad_bp.engine.recording import unary
from tinygrad_bp.engine.rule import Recorder, call
from tinygrad_bp.engine.shapes import normalize_axes
from tinygrad_bp.rules.reductions.axes import is_discrete, plainly

SAMPLES = (
    call((4,)),
    call((2, 3)),
    call((2, 3), axis=0),
    call((2, 3), axis=-1),
    call((0, 2), axis=0),
    call(()),
)


def _records(rule: Any) -> Recorder:
    """Return what records a rule of the parameter axis as `numpy.cumsum`."""
    recorder = unary(rule)

    def record(a: Array, axis: int | None = None, dtype: Any = None, out: Array = None) -> Array:
        refuse_out(rule.name, out)
        if is_discrete(dtype):
            return plainly(rule.function, a, axis, dtype)
        return recorder(
            a if dtype is None else a.astype(dtype), axis if axis is None else index(axis)
        )

    return record


def _cumsum_pull(ct: Cotangent, _out: Array, _x: Array, axis: int | None) -> Array:
    if axis is None or not _x.shape:
        return np.reshape(np.flip(np.cumsum(np.flip(ct, 0), axis=0), 0), _x.shape)
    return np.flip(np.cumsum(np.flip(ct, axis), axis=axis), axis)


linear(
    np.cumsum,
    _cumsum_pull,
    forward=lambda a, axis=None: np.cumsum(a, axis=axis),
    recorder=_records,
    methods=("cumsum",),
    words="adds up the elements up to each place",
    samples=SAMPLES,
)


def product_before(rows: Any) -> Any:
    """Return, for each place of the last axis, the product of all before it (1 of none)."""
    if not rows.size:
        return rows
    return np.concatenate(
        [np.ones_like(rows[..., :1]), np.cumprod(rows[..., :-1], axis=-1)], axis=-1
    )


def _recurrence(factors: Any, terms: Any) -> Any:
    """Return ``r[k] = terms[k] + factors[k] * r[k - 1]`` along the last axis; ``r[-1]`` is 0.

    In log2(n) steps: each place holds what the last `step` terms up to it give, and the product of
    their factors (Blelloch 1990, "Prefix sums and their applications", section 1.4).
    """
    step = 1
    while step < terms.shape[-1]:
        late = factors[..., step:]
        sums = terms[..., step:] + late * terms[..., :-step]
        terms = np.concatenate([terms[..., :step], sums], axis=-1)
        factors = np.concatenate([factors[..., :step], late * factors[..., :-step]], axis=-1)
        step *= 2
    return terms


def _rows(x: Array, axis: int | None) -> Array:
    """Return `x` with `axis` last; flat where the running product is."""
    return np.ravel(x) if axis is None or not x.shape else np.moveaxis(x, axis, -1)


def _back(rows: Any, shape: tuple[int, ...], axis: int | None) -> Any:
    return np.reshape(rows, shape) if axis is None or not shape else np.moveaxis(rows, -1, axis)


def _cumprod_pull(ct: Cotangent, _out: Array, x: Array, axis: int | None) -> Array:
    """Return, for x[i], the product before it times the sum of ct[k] times those after, up to k."""
    rows = _rows(x, axis)
    if not rows.size:
        return x
    last_to_first = rows[..., ::-1]
    factors = np.concatenate([np.ones_like(rows[..., :1]), last_to_first[..., :-1]], axis=-1)
    rest = _recurrence(factors, _rows(ct, axis)[..., ::-1])[..., ::-1]
    return _back(product_before(rows) * rest, x.shape, axis)


def _cumprod_push(tangents: Any, _out: Array, x: Array, axis: int | None) -> Array:
    rows = _rows(x, axis)
    pushed = _recurrence(rows, product_before(rows) * _rows(tangents[0], axis))
    return _back(pushed, x.shape if x.ndim and axis is not None else rows.shape, axis)


general(
    np.cumprod,
    _cumprod_pull,
    push=_cumprod_push,
    forward=lambda a, axis=None: np.cumprod(a, axis=axis),
    recorder=_records,
    methods=("cumprod",),
    samples=SAMPLES,
)


def _running(name: str, function: Any, start: float) -> Any:
    """Return what `numpy.cumulative_sum`, or its like of products, does on Tensors."""

    def running(
        x: Array,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Array = None,
        include_initial: bool = False,
    ) -> Array:
        refuse_out(name, out)
        x = np.atleast_1d(x)
        if axis is None and x.ndim > 1:
            raise ValueError(f"{name}: an array of shape {x.shape} needs axis=")
        (axis,) = normalize_axes(0 if axis is None else axis, x.ndim, name)
        totals = function(x, axis=axis, dtype=dtype)
        if not include_initial:
            return totals
        shape = tuple(1 if i == axis else n for i, n in enumerate(totals.shape))
        return np.concatenate([np.full(shape, start, totals.dtype), totals], axis=axis)

    return running


for _function, _of, _start in (
    (np.cumulative_sum, np.cumsum, 0),
    (np.cumulative_prod, np.cumprod, 1),
):
    composed(
        _function,
        samples=(
            call((4,)),
            call((2, 3), axis=0, include_initial=True),
            call((2, 3), axis=-1),
            call((0, 2), axis=0),
            call(()),
        ),
    )(_running(_function.__name__, _of, _start))
