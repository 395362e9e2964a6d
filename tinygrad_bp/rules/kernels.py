"""The hot code of rules, on raw arrays: in place, in few calls, in the layout that BLAS likes.

Each has a twin that one reads as a formula, which tests compare it with: the `composition` of its
row.  Those that the walk calls directly, as pulls, are the row of their name where they meet a
Tensor.  Why names are imported from NumPy is said in `engine.constructors`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy import (
    absolute,
    add,
    asarray,
    copysign,
    divide,
    exp,
    float64,
    floating,
    log,
    log1p,
    logaddexp,
    matmul,
    maximum,
    minimum,
    multiply,
    ndarray,
    negative,
    reciprocal,
    subtract,
    tanh,
)

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import sum_columns
from tinygrad_bp.engine.memory import LARGE, empty, empty_like
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.engine.shapes import Axis, kept_shape
from tinygrad_bp.engine.tensor import Tensor, unwrap


class Numbers(NamedTuple):
    """Numbers of one dtype, as 0-d arrays.

    A Python number costs a ufunc on a small array more than the arithmetic; these do not.
    """

    minus_one: Any
    zero: Any
    one: Any
    ceiling: Any
    finite: float  # up to which exp does not overflow


# Logits from which 1 + exp(x) rounds to exp(x): sigmoid is 1 already, and exp stays finite.
CEILING = 40.0
CEILING_HALF = 11.0  # of float16
# A sigmoid, or the size of a tanh, from which 1 less it has lost more than 8 of its bits.
SATURATED = 1 - 2.0**-8
LOGIT = math.log(SATURATED / (1 - SATURATED))  # of such a sigmoid
NUMBERS = {
    char: Numbers._make([*(np.full((), c, char) for c in (-1.0, 0.0, 1.0, CEILING)), finite])
    for char, finite in (("f", 88.0), ("d", 709.0))
}

# Elements up to which one slow numpy.logaddexp beats two quick functions.
LOGADDEXP_UPTO = 32
# Rows from which a narrow product, of so many columns at most, is laid out by columns: BLAS, the
# bias and every sum over the samples are then several times faster (measured on (100000, 5):
# products 1.7, bias 5, sums 3).
TALL = 512
NARROW = 32
# Bytes of the blocks of a long chain of passes: all that it touches of them fits a second cache.
BLOCK = 1 << 18
# Numbers of a row up to which its maximum is found sooner in a copy by columns (measured on 131072
# numbers of float32: rows of 32 take 425 us, by columns 70; rows of 128 take 119 and 183).
SHORT_ROW = 64
# Rows up to which looking for a better layout costs more than it gains.
SHORT = 64


def in_blocks(write: Callable[..., None], *arrays: ndarray[Any, Any]) -> ndarray[Any, Any]:
    """Return what `write` makes of each element of raw arrays of one shape and dtype.

    Parameters
    ----------
    write : callable
        ``write(*arrays, out)``; what overflows there is meant to.
    *arrays : array
        A chain of passes over a block after the other takes half as long as over whole arrays, if
        these are larger than a cache.
    """
    out = empty_like(arrays[0])
    with np.errstate(over="ignore"):
        if not all(one.flags.c_contiguous for one in (*arrays, out)):
            write(*arrays, out)
            return out
        flat, step = [one.reshape(-1) for one in (*arrays, out)], BLOCK // out.itemsize
        for start in range(0, out.size, step):
            write(*[one[start : start + step] for one in flat])
    return out


def sigmoid(x: Array) -> Array:
    """Return ``1 / (1 + exp(-x))``, exact to the last bits in both tails.

    It is 0 and 1 at -+1000, without warnings.
    """
    known = NUMBERS.get(x.dtype.char)
    if known is None or type(x) is not ndarray:
        if x.dtype.kind == "f":
            x = minimum(x, CEILING_HALF if x.dtype.char == "e" else CEILING)
        grown = exp(x)
        return grown / (grown + 1)
    one = known.one
    if x.size < LARGE:  # exp(x) / (1 + exp(x)), held below overflow
        grown = minimum(x, known.ceiling)
        exp(grown, grown)
        total = add(grown, one)
        return divide(grown, total, total)
    out = negative(x, empty_like(x))
    with np.errstate(over="ignore"):  # 1 / (1 + inf) is the 0 that is wanted
        exp(out, out)
    add(out, one, out)
    return reciprocal(out, out)


def sigmoid_sparing(x: Array) -> tuple[Any, bool]:
    """Return ``sigmoid(x)``, and what `spares_logits` says of it."""
    known = NUMBERS.get(x.dtype.char)
    if known is None or type(x) is not ndarray or not 0 < x.size < LARGE:
        s = sigmoid(x)
        return s, spares_logits(s)
    top = x.item(x.argmax())  # the cheapest look at all elements; a NaN is what it finds first
    if not top <= known.finite:
        return sigmoid(x), False
    grown = exp(x)
    total = add(grown, known.one)
    return divide(grown, total, total), top <= LOGIT


def spares_logits(s: Array) -> bool:
    """Whether the slope of a sigmoid is had from its result `s`: ``1 - s`` has most of its digits.

    So it is taken to be of NaN beside others, of complex numbers, and of another library's arrays;
    and of large arrays, of which the logits would be as much memory again: the last digits of a
    slope that is nearly 0 are lost there.
    """
    if type(s) is not ndarray:
        return not (isinstance(s, floating) and s > SATURATED)
    if not 0 < s.size < LARGE or s.dtype.kind != "f":
        return True
    return not s.item(s.argmax()) > SATURATED


def same_dtype(x: ndarray[Any, Any], y: ndarray[Any, Any]) -> bool:
    """Whether two raw arrays have one dtype: not always one object, for a pickle brings its own.

    What adds in another order where they differ would give an unpickled array other last bits.
    """
    return x.dtype is y.dtype or x.dtype == y.dtype


def logistic_slope(ct: Cotangent, s: Array, x: Array = None) -> Array:
    """Return ``ct * s * (1 - s)``: a pull, which on Tensors is the row of its name.

    Where s is close to 1, ``1 - s`` has lost its digits; from `x` it is ``1 / (1 + exp(x))``.
    """
    if type(ct) is Tensor:
        return TABLE["logistic_slope"].function(ct, s, unwrap(x))
    if x is not None:
        known = NUMBERS.get(x.dtype.char) if type(x) is ndarray else None
        if known is not None and x.size and x.item(x.argmax()) <= known.finite:
            total = exp(x)
            add(total, known.one, total)
            return ct * s / total
        with np.errstate(over="ignore"):  # 1 / (1 + inf) is the 0 that is wanted
            return ct * s / (1 + exp(x))
    if type(s) is not ndarray:
        return (s - s * s) * ct
    if s.size < LARGE:
        slope = s * s
        return subtract(s, slope, slope) * ct
    slope = multiply(s, s, empty_like(s))
    subtract(s, slope, slope)
    if type(ct) is ndarray and same_dtype(ct, s) and ct.shape == s.shape:
        return multiply(slope, ct, slope)
    return slope * ct


def spares_argument(t: Array) -> bool:
    """Whether the slope of a tanh is had from its result `t`: as `spares_logits`, on both sides."""
    if type(t) is not ndarray:
        return not (isinstance(t, floating) and abs(t) > SATURATED)
    if not 0 < t.size < LARGE or t.dtype.kind != "f":
        return True
    item = t.item
    return not (item(t.argmax()) > SATURATED or item(t.argmin()) < -SATURATED)


def tanh_sparing(x: Array) -> tuple[Any, bool]:
    """Return ``tanh(x)``, and what `spares_argument` says of it."""
    t = tanh(x)
    return t, spares_argument(t)


def tanh_slope(ct: Cotangent, t: Any, x: Array = None) -> Array:
    """Return ``ct * (1 - t**2)``: a pull, which on Tensors is the row of its name.

    Where t is close to -1 or 1 the difference has lost its digits; ``1 / cosh(x)**2`` has them.
    """
    if type(ct) is Tensor:
        return TABLE["tanh_slope"].function(ct, t, unwrap(x))
    if x is not None:
        shrunk = exp(-absolute(x))
        secant = (shrunk + shrunk) / (shrunk * shrunk + 1)
        return ct * (secant * secant)
    if type(t) is not ndarray or type(ct) is not ndarray:
        return ct - ct * t * t
    if t.size < LARGE:  # not ct * (1 - t*t): NumPy takes longer with a Python 1 than to multiply
        slope = multiply(ct, t)
        multiply(slope, t, slope)
        return subtract(ct, slope, slope)
    slope = multiply(t, t, empty_like(t))
    subtract(1, slope, slope)
    same = same_dtype(ct, t) and ct.shape == t.shape
    return multiply(slope, ct, slope) if same else slope * ct


def softplus(x: Array) -> Array:
    """Return ``log(1 + exp(x))`` of real `x` without overflow."""
    return log1p(exp(-absolute(x))) + maximum(x, 0)


def relu(x: Array) -> Array:
    """Return ``max(x, 0)``."""
    if type(x) is float64:  # a scalar graph: a comparison costs a tenth of the ufunc
        return x if x > 0.0 or x != x else float64(0.0)  # NaN stays NaN
    known = NUMBERS.get(x.dtype.char)
    return maximum(x, 0 if known is None else known.zero)


def binary_losses(z: Array, y: Array) -> Array:
    """Return ``log(1 + exp(z)) - y * z``, the binary cross entropy of each logit."""
    same = type(z) is type(y) is ndarray and (z.dtype is y.dtype or z.dtype == y.dtype)
    known = NUMBERS.get(z.dtype.char) if same else None
    if known is None:  # `same_dtype`, without a call in every step
        return log1p(exp(-absolute(z))) + (maximum(z, 0) - y * z)
    zero = known.zero
    losses = copysign(z, known.minus_one)  # -|z|
    if z.size <= LOGADDEXP_UPTO:
        logaddexp(losses, zero, losses)
    else:
        exp(losses, losses)
        log1p(losses, losses)
    # first the difference, which is exactly 0 for a right answer: added before log1p it would
    # swallow the small losses
    rest = maximum(z, zero)
    subtract(rest, y * z, rest)
    return add(losses, rest, losses)


def binary_errors(z: Array, y: Array, part: Array) -> Array:
    """Return ``(sigmoid(z) - y) * part`` of raw arrays of one dtype, `part` one number of it.

    Of a label 1 it is ``-sigmoid(-z)``, where the difference has lost its digits: over one
    denominator the error is ``(exp(z) - y * exp(z) - y) / (1 + exp(z))``, which loses none.
    """
    known = NUMBERS.get(z.dtype.char)
    top = z.item(z.argmax()) if z.size else 0.0
    if known is None or not top <= known.finite:
        error = sigmoid(z) - y
        if not top <= LOGIT:
            error = np.where(y == 1, -sigmoid(negative(z)), error)
        return error * part
    grown = exp(z)
    error = multiply(y, grown)
    subtract(grown, error, error)
    subtract(error, y, error)
    add(grown, known.one, grown)
    divide(error, grown, error)
    return multiply(error, asarray(part), error)  # a NumPy scalar takes a ufunc longer


def maxima(x: Array, axis: Axis) -> Array:
    """Return the maximum along `axis`, which has length 1 then."""
    last = axis in (-1, x.ndim - 1) and type(x) is ndarray and x.size >= LARGE
    if last and x.shape[-1] <= SHORT_ROW:
        columns = x.reshape(-1, x.shape[-1]).T.copy()
        return maximum.reduce(columns, 0).reshape(*x.shape[:-1], 1)
    return maximum.reduce(x, axis=axis, keepdims=True)


def below_maximum(x: Array, axis: Axis) -> tuple[Any, Any]:
    """Return `x` less its maximum along `axis`, and that maximum.

    In single precision at least.  Where the maximum is inf, what equals it is 0 below; where it is
    -inf, it counts as 0.
    """
    if not x.size:
        return x, np.zeros(kept_shape(x.shape, axis), x.dtype)
    if x.dtype.kind in "bui":  # less their maximum, unsigned integers would wrap around
        x = x.astype(np.float64)
    elif x.dtype.char == "e":
        x = x.astype(np.float32)
    top = maxima(x, axis)
    top = np.where(top == -np.inf, 0, top)
    if type(top) is np.ndarray and np.maximum.reduce(top, None) != np.inf:
        return x - top, top
    highest = x == np.inf
    return np.where(highest, 0, x) - np.where(highest, 0, top), top


def _exponents(z: Array) -> Array:
    """Return raw `z` less the maximum of its row, in C order: what is safe to exponentiate."""
    top = maxima(z, 1)
    if top.size and maximum.reduce(top, None) == np.inf:
        return below_maximum(z, 1)[0].astype(z.dtype, "C")
    return subtract(z, top, order="C")  # its flat view can be written to


def _places(labels: Array, classes: int) -> Array:
    """Return where each row's label stands in the flattened (m, classes) array."""
    return np.arange(0, len(labels) * classes, classes) + labels


def class_losses(z: Array, labels: Array) -> Array:
    """Return ``logsumexp(z) - z[label]`` of each row of a raw (m, classes) array."""
    shifted = _exponents(z)
    picked = shifted.ravel().take(_places(labels, z.shape[1]))
    exp(shifted, shifted)
    return log(sum_columns(shifted)) - picked


def class_errors(z: Array, labels: Array, part: Array) -> Array:
    """Return ``(softmax(z) - one_hot(labels)) * part`` of a raw array; `part` is one a row, or one.

    At the label it is minus the sum of the others: the difference would be rounded away.
    """
    slope = _exponents(z)
    exp(slope, slope)
    places, flat = _places(labels, z.shape[1]), slope.reshape(-1)
    own = flat.take(places)
    flat[places] = 0
    others = sum_columns(slope)
    scale = part / (others + own)
    multiply(slope, scale[:, np.newaxis], slope)
    flat[places] = -others * scale
    return slope


def product(x: Array, y: Array, turned: str) -> Array:
    """Return the product of two matrices, either of them transposed first: "NN", "TN", "NT", "TT".

    A tall narrow raw result is in Fortran order.  On Tensors it is the row `matrix_product`.
    """
    if type(x) is Tensor or type(y) is Tensor:
        return TABLE["matrix_product"].function(x, y, turned)
    if turned == "NT":
        y = y.T
    elif turned == "TN":
        x = x.T
    elif turned == "TT":
        x, y = x.T, y.T
    if type(x) is not ndarray or type(y) is not ndarray:
        return matmul(x, y)
    rows = len(x)
    if rows < SHORT:
        return x.dot(y)  # the method: numpy.matmul costs twice as much on small matrices
    columns = y.shape[1]
    small = rows < TALL and rows * columns < TALL * NARROW
    if small or x.ndim != 2 or not same_dtype(x, y):
        return x.dot(y)
    if rows >= TALL and columns <= NARROW:
        return y.T.dot(x.T, empty((columns, rows), x.dtype)).T
    return x.dot(y, empty((rows, columns), x.dtype))
