"""Polynomials given by their coefficients, the highest power first.

Roots have a rule of their own (the implicit function theorem): it needs no eigenvectors, and
zero coefficients at both ends, which `numpy.roots` cuts off, still get their derivatives.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, general
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError, UnsupportedFunctionError
from tinygrad_bp.rules.indexing.indexing import assigned
from tinygrad_bp.rules.linalg.matrices import as_arrays, matched


def _coefficients(name: str, *polynomials: Any) -> list[Any]:
    """Return coefficients as arrays of at least one dimension.

    Raises
    ------
    UnsupportedFunctionError
        If one is a `numpy.poly1d`: the result would have to be one, which holds no Tensor.
    """
    if any(isinstance(one, np.poly1d) for one in polynomials):
        raise UnsupportedFunctionError(
            f"{name}: numpy.poly1d is not supported beside Tensors; pass its .coeffs"
        )
    return [np.atleast_1d(one) for one in as_arrays(*polynomials)]


def _constant(value: Array, like: Any) -> Array:
    """Return the raw array `value` as a constant in the graph of `like`, to which it broadcasts."""
    return np.where(np.True_, value, like)


def _joined(values: Array) -> Array:
    """Return a list as one array: NumPy asks the elements of these arguments who shall answer."""
    return np.stack(values) if isinstance(values, (list, tuple)) else values


# Arithmetic


def _aligned(name: str, a1: Any, a2: Any) -> list[Any]:
    """Return both polynomials with as many coefficients."""
    both = _coefficients(name, a1, a2)
    length = max(len(a) for a in both)
    return [
        a if len(a) == length else np.concatenate([np.zeros(length - len(a), a.dtype), a])
        for a in both
    ]


@composed(
    np.polyadd, samples=(call((3,), (3,)), call((2,), (4,)), call((0,), (2,)), call((), (2,)))
)
def polyadd(a1: Any, a2: Any) -> Any:
    """`numpy.polyadd`."""
    left, right = _aligned("polyadd", a1, a2)
    return left + right


@composed(
    np.polysub, samples=(call((3,), (3,)), call((4,), (2,)), call((0,), (2,)), call((), (2,)))
)
def polysub(a1: Any, a2: Any) -> Any:
    """`numpy.polysub`."""
    left, right = _aligned("polysub", a1, a2)
    return left - right


def _leading_zeros(a: Array) -> int:
    """Return how many coefficients can go; one always stays."""
    nonzero = np.flatnonzero(unwrap(a))
    return int(nonzero[0]) if nonzero.size else max(len(a) - 1, 0)


@composed(
    np.polymul,
    samples=(call((3,), (3,)), call((2,), (4,)), call((), (2,))),
    by_value="drops leading zeros",
)
def polymul(a1: Any, a2: Any) -> Any:
    """`numpy.polymul`: without leading zeros, in which the coefficients after them still move."""
    left, right = (a if len(a) else np.zeros(1, a.dtype) for a in _coefficients("polymul", a1, a2))
    return np.convolve(left, right)[_leading_zeros(left) + _leading_zeros(right) :]


@composed(
    np.polydiv,
    samples=(call((4,), (2,)), call((3,), (3,)), call((2,), (4,))),
    by_value="loops over the coefficients",
)
def polydiv(u: Array, v: Array) -> tuple[Any, Any]:
    """`numpy.polydiv`: quotient and remainder, by long division."""
    u, v = (a + 0.0 for a in _coefficients("polydiv", u, v))
    if u.ndim != 1 or v.ndim != 1:
        raise ShapeError(f"polydiv: expected vectors of coefficients, got {u.shape} and {v.shape}")
    dtype = (u[0] + v[0]).dtype
    taps, steps = len(v), len(u) - len(v) + 1
    scale = 1.0 / v[0]
    rest = u if u.dtype == dtype else u.astype(dtype)
    quotient = []
    for k in range(steps):
        quotient.append(scale * rest[k])
        index = slice(k, k + taps)
        rest = assigned(rest, rest[index] - quotient[k] * v, index)
    zeros = np.isclose(unwrap(rest), 0, rtol=1e-14)
    rest = rest[int(np.argmin([*zeros[:-1], False])) :]  # numpy's own test of what is left
    if not quotient:
        return _constant(np.zeros(1, dtype), u[0] * v[0]), rest
    return np.stack(quotient), rest


# Calculus


@composed(
    np.polyder, samples=(call((4,)), call((4,), 2), call((2,), m=3), call((3,), 0), call((0,)))
)
def polyder(p: Any, m: int = 1) -> Any:
    """`numpy.polyder`."""
    m = int(m)
    if m < 0:
        raise ShapeError(f"polyder: the order must not be negative, got {m}; see numpy.polyint")
    (p,) = _coefficients("polyder", p)
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p if m else np.copy(p)


@composed(np.polyint, samples=(call((3,)), call((3,), 2), call((2,), 2, (2,)), call((0,))))
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """`numpy.polyint`; also in the constants `k`."""
    m = int(m)
    if m < 0:
        raise ShapeError(f"polyint: the order must not be negative, got {m}; see numpy.polyder")
    (p,) = _coefficients("polyint", p)
    (k,) = _coefficients("polyint", np.zeros(m) if k is None else k)
    if len(k) == 1 and m > 1:
        k = k[0] * np.ones(m)
    if len(k) < m:
        raise ShapeError(f"polyint: {len(k)} constants for order {m}; give one, or that many")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), k[i : i + 1]])
    return p if m else np.copy(p)


# Values


@composed(
    np.polyval, samples=(call((4,), (2, 3)), call((3,), ()), call((1,), (2,)), call((2,), (0,)))
)
def polyval(p: Any, x: Array) -> Array:
    """`numpy.polyval`, by Horner's rule."""
    if isinstance(x, np.poly1d):
        raise UnsupportedFunctionError(
            "polyval: numpy.poly1d is not supported beside Tensors; compose polynomials by polymul"
            " and polyadd"
        )
    p, x = as_arrays(np.asarray(p) if isinstance(p, np.poly1d) else p, x)
    y = _constant(np.zeros_like(x), x)
    for i in range(len(p)):
        y = y * x + p[i]
    return y


@composed(
    np.vander, samples=(call((3,)), call((4,), 2), call((2,), N=4, increasing=True), call((0,)))
)
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """`numpy.vander`: powers of the elements, one by one."""
    (x,) = as_arrays(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: expected a vector, got shape {x.shape}")
    count = len(x) if N is None else N
    dtype = np.promote_types(x.dtype, int)
    x = x if x.dtype == dtype else x.astype(dtype)
    if count <= 0:
        return _constant(np.zeros((len(x), 0), dtype), np.expand_dims(x, 1))
    powers = [_constant(np.ones_like(x), x)]
    for _ in range(count - 1):
        powers.append(powers[-1] * x)
    return np.stack(powers if increasing else powers[::-1], axis=1)


# Roots


@composed(np.poly, samples=(call((3,)), call((2, 2)), call((1,))))
def poly(seq_of_zeros: Any) -> Any:
    """`numpy.poly`: the polynomial with these roots, or the characteristic one of a matrix."""
    (roots,) = _coefficients("poly", _joined(seq_of_zeros))
    conjugate = roots.ndim == 2 and roots.dtype.kind != "c"  # eigenvalues of a real matrix
    if roots.ndim == 2 and roots.shape[0] == roots.shape[1] != 0:
        roots = np.linalg.eigvals(roots)
    elif roots.ndim != 1:
        raise ShapeError(f"poly: expected a vector or a square matrix, got shape {roots.shape}")
    if not len(roots):
        return 1.0
    if roots.dtype.char not in "fdgFDG":
        roots = roots.astype(np.float64)
    a = _constant(np.ones(1, roots.dtype), roots[0])
    zero = np.zeros(1, roots.dtype)
    for i in range(len(roots)):
        a = np.concatenate([a, zero]) - np.concatenate([zero, a * roots[i]])
    if roots.dtype.kind == "c" and (conjugate or _in_pairs(unwrap(roots))):
        return np.real(a)
    return a


def _in_pairs(roots: Any) -> bool:
    """Whether the complex ones among the roots come with their conjugates."""
    raw = np.asarray(roots, complex)
    return bool(np.all(np.sort(raw) == np.sort(raw.conjugate())))


def _sensitivity(p: Any, roots: Any) -> tuple[Any, Any]:
    """Return the powers of the roots, a column a coefficient, and ``-1 / p'`` at each root.

    A root moves by ``-q(r) / p'(r)`` when the polynomial moves by q.
    """
    powers = [np.ones_like(roots)]
    for _ in range(p.shape[0] - 1):
        powers.append(powers[-1] * roots)
    degrees = np.arange(p.shape[0] - 1, 0, -1, dtype=np.finfo(p.dtype).dtype)
    return np.stack(powers[::-1], axis=1), -1 / np.polyval(p[:-1] * degrees, roots)


def _roots_pull(ct: Cotangent, out: Array, p: Any) -> Array:
    if not out.size:
        return np.zeros_like(p)
    powers, share = _sensitivity(p, out)
    return matched((ct * share) @ powers, p)


def _roots_push(tangents: Any, out: Array, p: Any) -> Array:
    if not out.size:
        return out
    powers, share = _sensitivity(p, out)
    return (powers @ tangents[0]) * share


def polynomial_roots(p: Any) -> Any:
    """Return `numpy.roots` of a vector; of none or one coefficient no root, in its own dtype."""
    degree = p.shape[0] - 1
    if degree < 1:
        return p[:0]
    if isinstance(p, np.ndarray):
        return np.roots(p)
    # numpy.roots asks the elements of p who shall answer, and so no array of another library
    return p.__array_function__(np.roots, (type(p),), (p,), {})


polynomial_roots = general(
    polynomial_roots,
    _roots_pull,
    push=_roots_push,
    samples=(call((4,)), call((3,)), call((2,)), call((1,)), call((0,))),
    analytic=False,  # the order of the roots is LAPACK's, one for real and one for complex numbers
)


@composed(np.roots, samples=(call((4,)), call((2,)), call((1,))), analytic=False)
def roots(p: Any) -> Any:
    """`numpy.roots`; a multiple root has no derivative, and gets an infinite one."""
    (p,) = _coefficients("roots", _joined(p))
    if p.ndim != 1:
        raise ShapeError(f"roots: expected a vector of coefficients, got shape {p.shape}")
    found = polynomial_roots(p)
    return found if found.size else _constant(np.zeros(0), np.real(found))  # whatever p is


# Least squares


def _weighted(x: Array, w: Array) -> Array:
    return x * (np.expand_dims(w, 1) if x.ndim == 2 else w)


def _samples(x: Array, y: Array, deg: int, w: Array) -> tuple[Any, Any, Any]:
    x, y = (one + 0.0 for one in as_arrays(x, y))
    if w is not None:
        w = as_arrays(w)[0] + 0.0
    if deg < 0 or x.ndim != 1 or not x.size or y.ndim not in (1, 2) or len(x) != len(y):
        raise ShapeError(
            f"polyfit: expected deg >= 0, x (m,) with m > 0 and y (m,) or (m, k); got deg={deg}, x"
            f" {x.shape}, y {y.shape}"
        )
    if w is not None and w.shape != x.shape:
        raise ShapeError(f"polyfit: expected weights of x's shape {x.shape}, got {w.shape}")
    return x, y, w


@composed(
    np.polyfit,
    samples=(call((5,), (5,), 2), call((4,), (4, 2), 1), call((5,), (5,), 1, w=None)),
    by_value="decides on a rank",
)
def polyfit(
    x: Array,
    y: Array,
    deg: Any,
    rcond: Any = None,
    full: bool = False,
    w: Array = None,
    cov: Any = False,
) -> Array:
    """`numpy.polyfit`: by `numpy.linalg.lstsq`; also in the weights."""
    order = int(deg) + 1
    x, y, w = _samples(x, y, order - 1, w)
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    lhs = vander(x, order)
    rhs = y
    if w is not None:
        lhs, rhs = _weighted(lhs, w), _weighted(rhs, w)
    scale = np.sqrt(np.sum(lhs * lhs, axis=0))
    lhs = lhs / scale
    c, residuals, rank, s = np.linalg.lstsq(lhs, rhs, rcond)
    c = (c.T / scale).T
    if full:
        return c, residuals, rank, s, rcond
    if rank != order:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    if not cov:
        return c
    base = np.linalg.inv(lhs.T @ lhs) / np.outer(scale, scale)
    if y.ndim == 2:
        base = np.expand_dims(base, -1)
    if isinstance(cov, str) and cov == "unscaled":
        return c, base
    if len(x) <= order:
        raise ShapeError(
            f"polyfit: {len(x)} points do not give a covariance of {order} coefficients; give more"
        )
    return c, base * (residuals / (len(x) - order))
