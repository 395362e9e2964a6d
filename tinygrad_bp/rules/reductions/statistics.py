"""Statistics: the range, averages, covariance and correlation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.dispatch import refuse_out
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Axis
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.rules.reductions.axes import AXES, refuse_tracked, weights_over
from tinygrad_bp.rules.unread import must_hold


@composed(np.ptp, samples=AXES, analytic=False)
def ptp(a: Array, axis: Axis = None, out: Array = None, keepdims: bool = False) -> Array:
    """`numpy.ptp`: the maximum less the minimum."""
    refuse_out("ptp", out)
    a = arrayed(a)
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composed(
    np.average,
    samples=(
        call((2, 3)),
        call((2, 3), axis=0),
        call((2, 3), axis=-1, weights=[1.0, 2.0, 3.0]),
        call((2, 3, 4), axis=(2, 0), weights=np.arange(1.0, 9.0).reshape(4, 2), keepdims=True),
        call((3,), None, (3,)),
        call((2, 3), 1, (3,)),
    ),
    domain=((0.2, 3.0),),
)
def average(
    a: Array,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Array:
    """`numpy.average`; differentiable in the weights too."""
    a = arrayed(a)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        total = mean.dtype.type(a.size / mean.size)
    else:
        weights = weights_over(weights, a, axis)
        real = () if a.dtype.kind in "fc" else (np.float64,)
        dtype = np.result_type(a.dtype, weights.dtype, *real)
        weighted = np.sum((a * weights).astype(dtype), axis=axis, keepdims=keepdims)
        total = np.sum(np.broadcast_to(weights, a.shape), axis=axis, dtype=dtype, keepdims=keepdims)
        if must_hold(total == 0):
            raise ZeroDivisionError("average: the weights sum to zero")
        mean = weighted / total
    if not returned:
        return mean
    return mean, total if np.shape(total) == mean.shape else np.full(mean.shape, total)


def _observations(m: Array, dtype: Any, turned: bool) -> Array:
    """Return the variables of a covariance as rows, their observations as columns."""
    if m.ndim > 2:
        raise ValueError(f"cov: expected at most 2 dimensions, got shape {m.shape}")
    rows = np.atleast_2d(m).astype(dtype)
    return rows.T if turned else rows


def _observation_weights(name: str, given: Any, count: int) -> Any:
    weights = arrayed(given).astype(float)
    if weights.ndim > 1:
        raise RuntimeError(f"cov: {name} of shape {weights.shape}; one weight an observation")
    if weights.shape[0] != count:
        raise RuntimeError(f"cov: {weights.shape[0]} {name} for {count} observations")
    if must_hold(weights < 0):
        raise ValueError(f"cov: {name} are negative")
    return weights


def _weights_and_freedom(count: int, ddof: int, fweights: Any, aweights: Any) -> tuple[Any, Any]:
    """Return the weights of the observations, None for equal ones, and the divisor of cov."""
    if fweights is None and aweights is None:
        return None, count - ddof
    weights = 1.0
    if fweights is not None:
        refuse_tracked("cov", fweights=fweights)
        weights = _observation_weights("fweights", unwrap(fweights), count)
        if must_hold(weights != np.around(weights)):
            raise TypeError("cov: fweights must be integers")
    if aweights is not None:
        aweights = _observation_weights("aweights", aweights, count)
        weights = weights * aweights
    total = np.sum(weights)
    if not ddof or aweights is None:
        return weights, total - ddof
    return weights, total - ddof * np.sum(weights * aweights) / total


COV = (
    call((3, 4)),
    call((4,)),
    call((4, 3), rowvar=False),
    call((2, 4), (3, 4)),
    call((4,), (4,)),
)


@composed(
    np.cov,
    samples=(
        *COV,
        call((2, 4), ddof=0),
        call((2, 4), bias=True),
        call((2, 4), fweights=np.array([1, 2, 1, 3])),
        call((2, 4), aweights=np.array([0.5, 2.0, 1.0, 0.7]), fweights=np.array([1, 2, 1, 3])),
    ),
)
def cov(
    m: Array,
    y: Array = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Array:
    """`numpy.cov`; differentiable in `aweights` too."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError("cov: ddof must be an integer")
    m = arrayed(m)
    given = [m.dtype] if y is None else [m.dtype, (y := arrayed(y)).dtype]
    dtype = np.result_type(*given, float) if dtype is None else dtype
    x = _observations(m, dtype, turned=not rowvar and m.ndim != 1)
    if not len(x):
        return np.reshape(x, (0, 0))
    if y is not None:
        turned = not rowvar and y.ndim == 2 and len(y) != 1
        x = np.concatenate([x, _observations(y, dtype, turned=turned)])
    if ddof is None:
        ddof = 0 if bias else 1
    weights, freedom = _weights_and_freedom(x.shape[1], ddof, fweights, aweights)
    if freedom <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        freedom = 0.0
    x = (x - average(x, 1, weights, keepdims=True)).astype(x.dtype)
    product = np.matmul(x, np.conjugate((x if weights is None else x * weights).T))
    return np.squeeze((product * np.true_divide(1, freedom)).astype(product.dtype))


@composed(np.corrcoef, samples=COV, analytic=False)
def corrcoef(x: Array, y: Array = None, rowvar: bool = True, *, dtype: Any = None) -> Array:
    """`numpy.corrcoef`."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / np.expand_dims(deviation, 1) / deviation
    if c.dtype.kind != "c":
        return np.clip(c, -1, 1)
    return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)
