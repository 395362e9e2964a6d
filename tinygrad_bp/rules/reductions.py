"""Reductions and running sums: sum, mean, prod, max, min, var, std, logsumexp, cumsum, and their flat relatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.rules.shaping import spread
from tinygrad_bp.rules.table import call, composed, flat, general, linear, reduction
from tinygrad_bp.shapes import Axis, Shape, kept_shape, normalize_axes
from tinygrad_bp.tensor import Tensor

AXES = (
    call((3, 4)),
    call((3, 4), axis=0),
    call((3, 4), axis=-1, keepdims=True),
    call((2, 3, 4), axis=(0, 2)),
    call((2, 3), keepdims=True),
    call(()),
)
EMPTY = (call((0, 3), axis=0), call((0,)))


def _bind(name: str, *extra: str) -> Any:
    """Return what binds NumPy's signature of a reduction; parameters are (axis, keepdims, *extra)."""

    def bind(
        a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, *more: Any, **kwargs: Any
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        keepdims = kwargs.pop("keepdims", False)
        found = [kwargs.pop(name, 0) for name in extra]
        if dtype is not None or out is not None or more or kwargs:
            raise UnsupportedFunctionError(
                f"{name}: only axis=, keepdims= {' '.join(f'{e}=' for e in extra)} are supported on Tensors;"
                " use .astype for dtype=, numpy.where for where="
            )
        if isinstance(axis, list):
            axis = tuple(axis)
        return (a,), (axis, bool(keepdims), *found)

    return bind


def _count(shape: Shape, axis: Axis) -> int:
    n = 1
    for i in normalize_axes(axis, len(shape)):
        n *= shape[i]
    return n


def widened(ct: Any, shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """Return the result's `ct` with the reduced axes back at length 1, ready to broadcast to `shape`."""
    return ct if keepdims or axis is None else np.reshape(ct, kept_shape(shape, axis))


def _sum_forward(x: Any, axis: Any, keepdims: bool) -> Any:
    if type(x) is np.ndarray:  # numpy.sum is Python code around this
        return np.add.reduce(x, axis, None, None, keepdims)  # type: ignore[call-overload]
    return np.sum(x, axis=axis, keepdims=keepdims)


linear(
    np.sum,
    lambda ct, _out, _x, axis, keepdims: spread(widened(ct, _x.shape, axis, keepdims), _x.shape),
    forward=_sum_forward,
    bind=_bind("sum"),
    methods=("sum",),
    samples=AXES + EMPTY,
)
linear(
    np.mean,
    lambda ct, _out, _x, axis, keepdims: spread(
        widened(ct, _x.shape, axis, keepdims) / _count(_x.shape, axis), _x.shape
    ),
    forward=lambda x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims),
    bind=_bind("mean"),
    methods=("mean",),
    samples=AXES,
)


def _extremum_pull(ct: Any, out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Split `ct` evenly among the tied; where the extremum is NaN, NaN goes to the NaNs and 0 elsewhere."""
    extremum = widened(out, x.shape, axis, keepdims)
    won = (x == extremum) | ((x != x) & (extremum != extremum))  # NaN alone differs from itself
    ties = np.sum(won, axis=axis, keepdims=True)
    share = widened(ct, x.shape, axis, keepdims) * won / ties.astype(x.dtype)
    return np.where(won & (x != x), np.nan, share)


def _extremum_push(tangents: Any, out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    weight = _extremum_pull(np.ones_like(out), out, x, axis, keepdims)
    return np.sum(tangents[0] * weight, axis=axis, keepdims=keepdims)


for ufunc, function in ((np.maximum, np.max), (np.minimum, np.min)):
    general(
        function,
        _extremum_pull,
        push=_extremum_push,
        forward=lambda x, axis, keepdims, _reduce=ufunc.reduce: _reduce(
            x, axis, None, None, keepdims
        ),
        bind=lambda a, axis=None, out=None, keepdims=False, _bind=_bind(function.__name__): _bind(  # noqa: B008
            a, axis, None, out, keepdims=keepdims
        ),
        methods=(function.__name__,),
        name=function.__name__,
        samples=AXES,
        analytic=False,
    )


def _others(x: Any, axis: Axis) -> Any:
    """Return, for each element, the product of the others along `axis`, without dividing: zeros are right."""
    axes = normalize_axes(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    order = (*rest, *axes)
    shape = tuple(x.shape[i] for i in rest)
    rows = np.reshape(np.transpose(x, order), (*shape, _count(x.shape, axis)))
    n = rows.shape[-1]
    ones = np.ones((*shape, 1), x.dtype)
    before, after = [ones], [ones]
    for k in range(n - 1):
        before.append(before[-1] * rows[..., k : k + 1])
        after.append(after[-1] * rows[..., n - 1 - k : n - k])
    others = np.concatenate(before, axis=-1) * np.concatenate(after[::-1], axis=-1) if n else rows
    apart = np.reshape(others, (*shape, *(x.shape[i] for i in axes)))
    return np.transpose(apart, np.argsort(order).tolist())


def _prod_push(tangents: Any, _out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    return np.sum(tangents[0] * _others(x, axis), axis=axis, keepdims=keepdims)


general(
    np.prod,
    lambda ct, _out, x, axis, keepdims: widened(ct, x.shape, axis, keepdims) * _others(x, axis),
    push=_prod_push,
    forward=lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims),
    bind=_bind("prod"),
    methods=("prod",),
    samples=AXES + EMPTY,
)


def _centred(x: Any, axis: Axis) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


def _var_pull(ct: Any, _out: Any, x: Any, axis: Axis, keepdims: bool, ddof: float) -> Any:
    wide = widened(ct, x.shape, axis, keepdims)
    return wide * _centred(x, axis) * (2 / (_count(x.shape, axis) - ddof))


def _var_push(tangents: Any, _out: Any, x: Any, axis: Axis, keepdims: bool, ddof: float) -> Any:
    products = tangents[0] * _centred(x, axis)
    return np.sum(products, axis=axis, keepdims=keepdims) * (2 / (_count(x.shape, axis) - ddof))


def _std_pull(ct: Any, out: Any, x: Any, axis: Axis, keepdims: bool, ddof: float) -> Any:
    wide = widened(
        ct / np.where(out == 0, 1, out), x.shape, axis, keepdims
    )  # 0 for a constant: centred is 0
    return wide * _centred(x, axis) / (_count(x.shape, axis) - ddof)


def _std_push(tangents: Any, out: Any, x: Any, axis: Axis, keepdims: bool, ddof: float) -> Any:
    products = np.sum(tangents[0] * _centred(x, axis), axis=axis, keepdims=keepdims)
    return products / np.where(out == 0, 1, out) / (_count(x.shape, axis) - ddof)


SPREAD = (*AXES[:-1], call((3, 4), axis=0, ddof=1))
general(
    np.var,
    _var_pull,
    push=_var_push,
    forward=lambda x, axis, keepdims, ddof: np.var(x, axis=axis, keepdims=keepdims, ddof=ddof),
    bind=_bind("var", "ddof"),
    methods=("var",),
    samples=SPREAD,
    analytic=False,
)
general(
    np.std,
    _std_pull,
    push=_std_push,
    forward=lambda x, axis, keepdims, ddof: np.std(x, axis=axis, keepdims=keepdims, ddof=ddof),
    bind=_bind("std", "ddof"),
    methods=("std",),
    samples=SPREAD,
    analytic=False,
)


def _running(ct: Any, _out: Any, _x: Any, axis: int | None) -> Any:
    if axis is None:
        return np.reshape(np.flip(np.cumsum(np.flip(ct, 0), axis=0), 0), _x.shape)
    return np.flip(np.cumsum(np.flip(ct, axis), axis=axis), axis)


linear(
    np.cumsum,
    _running,
    forward=lambda a, axis=None: np.cumsum(a, axis=axis),
    methods=("cumsum",),
    samples=(call((4,)), call((2, 3)), call((2, 3), axis=0), call((2, 3), axis=-1)),
)


# Numerically necessary: exp of large numbers overflows, exp of very negative ones loses everything.


def _shifted(x: Any, axis: Axis) -> tuple[Any, Any]:
    """Return x minus its maximum along `axis`, and that maximum, 0 where it is not finite."""
    top = np.maximum.reduce(x, axis, None, None, True)  # type: ignore[call-overload]  # noqa: FBT003  # ufunc.reduce takes keepdims by position fastest  # type: ignore[call-overload]
    top = np.where(np.isfinite(top), top, 0)
    return x - top, top


def _logsumexp_forward(x: Any, axis: Any, keepdims: bool) -> Any:
    shifted, top = _shifted(x, axis)
    with np.errstate(
        divide="ignore"
    ):  # log(0) = -inf is the right answer where every term is exp(-inf)
        out = np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)) + top
    if keepdims:
        return out
    return out.reshape(())[()] if axis is None else np.squeeze(out, axis)


def _weights(x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    """Return the softmax of `x` along `axis`, given its logsumexp; 0 where every term is exp(-inf)."""
    total = widened(out, x.shape, axis, keepdims)
    return np.exp(x - np.where(total == -np.inf, 0, total))


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Compute ``log(sum(exp(x)))`` over `axis` without overflow.

    Parameters
    ----------
    x : array or Tensor
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool, default False
        Whether to keep the reduced axes with length 1.

    Returns
    -------
    array or Tensor
        A Tensor if `x` is one.
    """
    return _logsumexp_forward(x, axis, keepdims)


logsumexp = general(
    logsumexp,
    lambda ct, out, x, axis, keepdims: (
        widened(ct, x.shape, axis, keepdims) * _weights(x, out, axis, keepdims)
    ),
    push=lambda tangents, out, x, axis, keepdims: np.sum(
        tangents[0] * _weights(x, out, axis, keepdims), axis=axis, keepdims=keepdims
    ),
    forward=_logsumexp_forward,
    bind=_bind("logsumexp"),
    composition=lambda x, axis=None, keepdims=False: np.log(
        np.sum(np.exp(x), axis=axis, keepdims=keepdims)
    ),
    samples=AXES,
    analytic=False,
)


def _log_softmax_forward(x: Any, axis: int) -> Any:
    shifted, _ = _shifted(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Compute the logarithm of the softmax along `axis`, exact also where the softmax underflows.

    Parameters
    ----------
    x : array or Tensor
        Logits; ``-inf`` means probability 0.
    axis : int, default -1
        The axis along which the probabilities sum to 1.

    Returns
    -------
    array or Tensor of x's shape
    """
    return _log_softmax_forward(x, axis)


log_softmax = general(
    log_softmax,
    lambda ct, out, _x, axis: ct - np.exp(out) * np.sum(ct, axis=axis, keepdims=True),
    push=lambda tangents, out, _x, axis: (
        tangents[0] - np.sum(np.exp(out) * tangents[0], axis=axis, keepdims=True)
    ),
    forward=_log_softmax_forward,
    bind=lambda x, axis=-1: ((x,), (axis,)),
    composition=lambda x, axis=-1: x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True)),
    samples=(call((3,)), call((2, 3)), call((2, 3), axis=0)),
    analytic=False,
)

flat(np.any, np.all, np.argmax, np.argmin, np.argsort, np.count_nonzero, np.nonzero, np.argwhere)
flat(np.flatnonzero, np.searchsorted, np.digitize, np.unique)
for _name in ("any", "all", "argmax", "argmin", "argsort"):
    flat(getattr(np, _name), methods=(_name,))


# The reduce methods of ufuncs; their default axis is 0, not all.


def _reduces(function: Any) -> Any:
    def reduce(
        array: Tensor, axis: Axis = 0, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        if dtype is not None or out is not None:
            raise UnsupportedFunctionError(
                f"{function.__name__}: dtype= and out= are not supported on Tensors"
            )
        return function(array, axis=axis, keepdims=keepdims)

    return reduce


for _ufunc, _function in (
    (np.add, np.sum),
    (np.multiply, np.prod),
    (np.maximum, np.max),
    (np.minimum, np.min),
    (np.logaddexp, logsumexp),
):
    reduction(_ufunc)(_reduces(_function))
reduction(np.add, "accumulate")(lambda array, axis=0: np.cumsum(array, axis=axis))


@reduction(np.multiply, "outer")
def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))) * b


@composed(np.average)
def average(a: Any, axis: Axis = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """`numpy.average`."""
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    weights = weights if hasattr(weights, "ndim") else np.asarray(weights)
    if weights.shape != a.shape:
        (only,) = normalize_axes(axis, a.ndim, "average")
        weights = np.reshape(weights, tuple(-1 if i == only else 1 for i in range(a.ndim)))
    total = np.sum(a * weights, axis=axis, keepdims=keepdims)
    return total / np.sum(np.broadcast_to(weights, a.shape), axis=axis, keepdims=keepdims)
