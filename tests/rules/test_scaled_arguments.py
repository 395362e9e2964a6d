"""Homogeneous functions of huge and tiny arrays: their gradients scale as those of ordinary ones.

Of a function with ``f(s x) = s^k f(x)`` the gradient at ``s x`` is ``s^(k - 1)`` times that at x,
and of a power of two exactly so: what over- or underflows on the way must not show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg

la = np.linalg
RNG = np.random.default_rng(1)
VECTOR, SQUARE = RNG.normal(size=4), RNG.normal(size=(3, 3))
POSITIVE = SQUARE @ SQUARE.T + np.eye(3)
EXPONENTS = {
    "d": (-664, -400, -100, 100, 400, 600, 664, 1000),
    "f": (-100, -70, -30, 30, 40, 70, 100, 120),
}
RTOL = {"d": 1e-8, "f": 1e-2}

# Name -> function, argument, degree
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any, int]] = {
    "std": (np.std, VECTOR, 1),
    "nanstd": (np.nanstd, VECTOR, 1),
    "var": (np.var, VECTOR, 2),
    "prod": (np.prod, VECTOR, 4),
    "hypot": (lambda x: np.hypot(x[0], x[1]), VECTOR, 1),
    "arctan2": (lambda x: np.arctan2(x[0], x[1]), VECTOR, 0),
    "divide": (lambda x: x[0] / x[1], VECTOR, 0),
    "reciprocal": (np.reciprocal, VECTOR, -1),
    "abs of complex": (lambda x: np.abs(x + 2j * x), VECTOR, 1),
    "average in weights": (lambda w: np.average(VECTOR, weights=w), np.abs(VECTOR), 0),
    "convolve": (lambda x: np.convolve(x, x), VECTOR, 2),
    "norm": (la.norm, VECTOR, 1),
    "norm of order 3": (lambda x: la.norm(x, 3), VECTOR, 1),
    "norm of order -3": (lambda x: la.norm(x, -3), VECTOR, 1),
    "Frobenius norm": (lambda a: la.norm(a, "fro"), SQUARE, 1),
    "det": (la.det, SQUARE, 3),
    "inv": (la.inv, SQUARE, -1),
    "solve": (lambda a: la.solve(a, np.ones(3, a.dtype)), SQUARE, -1),
    "pinv": (la.pinv, SQUARE, -1),
    "lstsq": (lambda a: la.lstsq(a, np.ones(3, a.dtype))[0], SQUARE, -1),
    "matrix_power": (lambda a: la.matrix_power(a, 2), SQUARE, 2),
    "eigvalsh": (la.eigvalsh, POSITIVE, 1),
    "vectors of eigh": (lambda a: np.abs(la.eigh(a)[1]), POSITIVE, 0),
    "svdvals": (la.svdvals, SQUARE, 1),
    "vectors of svd": (lambda a: np.abs(la.svd(a)[0]), SQUARE, 0),
    "triangle of qr": (lambda a: np.abs(la.qr(a)[1]), SQUARE, 1),
    "vectors of qr": (lambda a: np.abs(la.qr(a)[0]), SQUARE, 0),
    "cond": (la.cond, SQUARE, 0),
    "corrcoef": (np.corrcoef, SQUARE, 0),
}


def value_and_gradient(f: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    leaf = tg.tensor(x, requires_grad=True)
    with np.errstate(all="ignore"):
        out = f(leaf)
        out.backward(np.cos(np.arange(out.size)).reshape(out.shape).astype(out.dtype))
    return out.numpy(), leaf.grad.numpy()


def scaled(x: Any, exponent: int) -> Any:
    """Return ``x * 2**exponent``, of float64, infinite or 0 where that is none."""
    half = exponent // 2
    with np.errstate(all="ignore"):
        return np.ldexp(np.ldexp(x.astype(float), half), exponent - half)


def close(got: Any, wanted: Any, rtol: float) -> Any:
    """Return where numbers agree, as nearly as the largest finite one is known."""
    size = np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0)
    least = 1000 * float(np.finfo(got.dtype).smallest_subnormal)
    with np.errstate(invalid="ignore"):
        return (got == wanted) | (np.abs(got - wanted) <= rtol * size + least)


@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_gradient_scales_or_is_no_number(name: str, dtype: str) -> None:
    """Nothing finite is wrong where the value is right, or infinite."""
    f, x, degree = FUNCTIONS[name]
    x = x.astype(dtype)
    value, gradient = value_and_gradient(f, x)
    compared = 0
    for exponent in EXPONENTS[dtype]:
        new_value, got = value_and_gradient(f, scaled(x, exponent).astype(dtype))
        with np.errstate(over="ignore"):
            right = scaled(value, exponent * degree).astype(dtype)
            wanted = scaled(gradient, exponent * (degree - 1)).astype(dtype)
        if np.all(np.isinf(new_value) | close(new_value, right, RTOL[dtype])):
            ok = ~np.isfinite(got) | close(got, wanted, RTOL[dtype])
            assert np.all(ok), (exponent, got, wanted)
            compared += bool(np.all(np.isfinite(got)))
    assert compared >= 2
