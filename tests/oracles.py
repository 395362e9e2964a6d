"""Derivatives of plain functions of raw arrays, found without the engine: what tests compare it to.

Two methods.  The complex step (Squire & Trapp 1998) has no cancellation and is exact to rounding,
but needs a function that is analytic and accepts complex numbers.  Richardson's extrapolation of
central differences (Ridders 1982) needs neither; it says how far off it may be.  Both give the
derivative along one direction: with random directions and random cotangents a wrong entry of a
Jacobian goes unnoticed with probability zero.

Also the functions that NumPy lacks, in NumPy's words.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Arrays = Sequence[Any]
Function = Callable[..., Any]

STEP = 1e-30  # of the complex step: its error is of the order STEP**2, so it is exact
START = 0.01  # first step of the differences; no kink may be nearer than START times a direction
SHRINK = 1.6
ROUNDS = 7


class Slope(NamedTuple):
    """A directional derivative and a bound of its error."""

    value: Any
    error: float


def moved(arrays: Arrays, directions: Arrays, t: complex) -> list[Any]:
    """Return ``arrays + t * directions``; an integer or boolean array does not move."""
    return [x if d is None else x + t * d for x, d in zip(arrays, directions, strict=True)]


def complex_step(f: Function, arrays: Arrays, directions: Arrays) -> Slope:
    """Return the derivative of ``f(*arrays)`` along `directions`; exact for an analytic f."""
    value = np.asarray(f(*moved(arrays, directions, 1j * STEP))).imag / STEP
    return Slope(value, 1e-15 * (1.0 + float(np.max(np.abs(value), initial=0.0))))


def richardson(f: Function, arrays: Arrays, directions: Arrays, start: float = START) -> Slope:
    """Return the derivative of ``f(*arrays)`` along `directions` by extrapolated differences."""

    def quotient(h: float) -> tuple[Any, float]:
        high = np.asarray(f(*moved(arrays, directions, h)))
        low = np.asarray(f(*moved(arrays, directions, -h)))
        # extrapolating multiplies the rounding of two values, a few ulp each, by less than 8
        return (high - low) / (2 * h), 16 * rounding(high) / h

    return extrapolated(quotient, start)


def rounding(values: Any) -> float:
    """Return the spacing of floats of the size of `values`."""
    return float(np.finfo(float).eps) * float(np.max(np.abs(values), initial=1.0))


def extrapolated(quotient: Callable[[float], tuple[Any, float]], start: float) -> Slope:
    """Return the limit at 0 of a quotient whose error is a series in the square of its step.

    `quotient` also gives the rounding of its value.  The error bound is the change in the last
    extrapolation plus that rounding.
    """
    best: Any = None
    error = np.inf
    above: list[Any] = []
    for k in range(ROUNDS):
        value, noise = quotient(start / SHRINK**k)
        row = [value]
        factor = 1.0
        for prior in above:
            factor *= SHRINK**2
            row.append((factor * row[-1] - prior) / (factor - 1))
            change = float(np.max(np.abs(row[-1] - row[-2]), initial=0.0)) + noise
            if change <= error:
                error, best = change, row[-1]
        above = row
    return Slope(best, error)


def pairing(cotangents: Arrays, tangents: Arrays) -> Any:
    """Return the sum of all products of elements: how a cotangent acts on a tangent."""
    return sum(
        (np.sum(np.asarray(c) * t) for c, t in zip(cotangents, tangents, strict=True)),
        np.float64(0.0),
    )


# An array of a hundred elements loses a few ulp in sums, and a rule a few in its formula.
EXACT = {"d": 2e-13, "f": 2e-5, "e": 2e-2}


def same(got: Any, wanted: Any, factor: float = 1.0) -> None:
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    if wanted.dtype.kind in "fc":
        tol = EXACT.get(wanted.dtype.char, EXACT["d"]) * factor
        np.testing.assert_allclose(got, wanted, rtol=tol, atol=tol)
    else:
        np.testing.assert_array_equal(got, wanted)


# The functions that NumPy lacks.


def _assigned(x: Any, value: Any, index: Any) -> Any:
    out = np.array(x, np.result_type(x, value))
    out[index] = value
    return out


def _scatter(ct: Any, shape: Any, index: Any) -> Any:
    out = np.zeros(shape, np.result_type(ct))
    np.add.at(out, index, ct)
    return out


def _log_softmax(x: Any, axis: int = -1) -> Any:
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def _reduced(losses: Any, reduction: str) -> Any:
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](losses)


def _bce(z: Any, y: Any, reduction: str = "mean") -> Any:
    p = 1 / (1 + np.exp(-z))
    return _reduced(-(y * np.log(p) + (1 - y) * np.log(1 - p)), reduction)


def _entropy(z: Any, labels: Any, reduction: str = "mean") -> Any:
    return _reduced(-_log_softmax(z)[np.arange(len(labels)), labels], reduction)


# Independent of the package, exact enough on the samples' small numbers.
FORMULAS: dict[str, Function] = {
    "affine": lambda x, W, b: x @ W + b,
    "assigned": _assigned,
    "bce_with_logits": _bce,
    "binary_cross_entropy": lambda p, y, reduction="mean": _reduced(
        -(y * np.log(p) + (1 - y) * np.log(1 - p)), reduction
    ),
    "cast": lambda x, dtype: np.asarray(x).astype(dtype)[()],
    "cross_entropy": _entropy,
    "getitem": lambda x, index: operator.getitem(x, index),
    "log_softmax": _log_softmax,
    "logistic_slope": lambda ct, s: ct * s * (1 - s),
    "logsumexp": lambda x, axis=None, keepdims=False: np.log(
        np.sum(np.exp(x), axis=axis, keepdims=keepdims)
    ),
    "relu": lambda x: np.where(x > 0, x, 0.0)[()],
    "scatter": _scatter,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "tanh_slope": lambda ct, t: ct * (1 - t**2),
}


def plain(rule: Any) -> Function:
    """Return NumPy's own function, or the formula of one that NumPy lacks.

    A new row needs no formula: its own forward function, on raw arrays, stands in for it.
    """
    module = getattr(rule.function, "__module__", None) or "numpy"
    if isinstance(rule.function, np.ufunc) or module.startswith("numpy"):
        return rule.function
    return FORMULAS.get(rule.name) or rule.composition or rule.forward
