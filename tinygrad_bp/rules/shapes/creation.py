"""Functions that make arrays: full, linspace and its like, and whatever takes ``like=``.

With ``like=`` a Tensor they give a Tensor, which tracks what its elements track.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import unbroadcast
from tinygrad_bp.engine.constructors import arrayed, composed, linear
from tinygrad_bp.engine.dispatch import FUNCTIONS
from tinygrad_bp.engine.rule import FLAT, POSITIVE, call
from tinygrad_bp.engine.tensor import Tensor, tensor, unwrap
from tinygrad_bp.engine.views import look_away
from tinygrad_bp.errors import DTypeError, UnsupportedFunctionError

# Evenly spaced numbers: the one rule of this file.


def evenly_spaced(start: Any, stop: Any, num: int, endpoint: bool, axis: int) -> Any:
    """Return `num` numbers from `start` to `stop` along a new `axis`."""
    return np.linspace(start, stop, num, endpoint, axis=axis)


def _share(ct: Cotangent, like: Any, num: int, endpoint: bool, axis: int, *, start: bool) -> Array:
    weights = np.linspace(start, not start, num, endpoint, dtype=ct.dtype)
    along = np.moveaxis(ct, axis, -1)
    return unbroadcast(np.sum(along * weights, axis=-1), like.shape)


evenly_spaced = linear(
    evenly_spaced,
    lambda ct, _out, _x, _y, num, endpoint, axis: _share(ct, _x, num, endpoint, axis, start=True),
    lambda ct, _out, _x, _y, num, endpoint, axis: _share(ct, _y, num, endpoint, axis, start=False),
    samples=(
        call((), (), 5, endpoint=True, axis=0),
        call((3,), (2, 1), 4, endpoint=False, axis=-1),
        call((2,), 1.5, 1, endpoint=True, axis=0),
        call((0,), (), 3, endpoint=True, axis=0),
        call((2,), (2,), 0, endpoint=True, axis=0),
    ),
)


def _integral(name: str, dtype: Any, *arrays: Any) -> bool:
    """Whether integers are asked for, which nothing tracked can give."""
    if dtype is None or np.dtype(dtype).kind in "fc":
        return False
    if any(isinstance(x, Tensor) and x.requires_grad for x in arrays):
        raise DTypeError(
            f"{name}: dtype {np.dtype(dtype)} cannot track gradients; pass .detach() where none is"
            " wanted"
        )
    return True


def _cast(x: Array, dtype: Any, name: str = "cast") -> Array:
    """Return a Tensor in another dtype."""
    if dtype is None or np.dtype(dtype) == x.dtype:
        return x
    return tensor(x.numpy().astype(dtype)) if _integral(name, dtype, x) else x.astype(dtype)


@composed(
    np.linspace,
    samples=(
        call((), ()),
        call((3,), (2, 1), 4, endpoint=False, axis=-1),
        call(1, (), num=3),
        call((), 2.0, 4, retstep=True),
        call((0,), (2, 1), 3),
    ),
)
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """`numpy.linspace`, linear in both ends."""
    del device
    if _integral("linspace", dtype, start, stop):
        raw = unwrap(start), unwrap(stop)
        spaced = tensor(np.linspace(*raw, num, endpoint, dtype=dtype, axis=axis))
    else:
        spaced = _cast(evenly_spaced(start, stop, num, endpoint, axis), dtype)
    if not retstep:
        return spaced
    steps = num - bool(endpoint)
    return spaced, (stop - start) / steps if steps > 0 else np.nan


@composed(
    np.logspace,
    domain=POSITIVE,
    samples=(
        call((), (), 4),
        call((2,), (2,), 3, endpoint=False, axis=-1),
        call((), 2, 3, base=np.array([2.0, 3.0])),
        call((), 2, 3, base=np.array([2.0, 3.0]), axis=-1),
        call(1, 2, 3, 1, ()),
        call(0, 1, 3, 0, (2,)),
        call((0,), (), 3),
    ),
)
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`numpy.logspace`, also differentiable in the base."""
    if _integral("logspace", dtype, start, stop, base):
        raw = unwrap(start), unwrap(stop), num, endpoint, unwrap(base)
        return tensor(np.logspace(*raw, dtype, axis))
    if np.ndim(base):
        ends = [arrayed(x) for x in (start, stop, base)]
        ndim = max(x.ndim for x in ends)
        start, stop, base = (np.reshape(x, (1,) * (ndim - x.ndim) + x.shape) for x in ends)
        base = np.expand_dims(base, axis)
    found = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return _cast(found, dtype)


@composed(
    np.geomspace,
    domain=POSITIVE,
    samples=(
        call((), (), 4),
        call((2,), (2, 1), 3, endpoint=False, axis=-1),
        call(2.0, (), 1),
        call((), 5, num=3),
        call((0,), (), 3),
    ),
)
def geomspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`numpy.geomspace`: the start times evenly spaced powers of the ratio of the ends."""
    raw = unwrap(start), unwrap(stop)
    if _integral("geomspace", dtype, start, stop):
        return tensor(np.geomspace(*raw, num, endpoint, dtype, axis))
    np.geomspace(*raw, 0)  # refuses zeros
    start, stop = np.broadcast_arrays(arrayed(start), arrayed(stop))
    wide = np.result_type(start, stop, np.float64)  # NumPy computes in double precision
    start, stop = _cast(start, wide), _cast(stop, wide)
    powers = np.expand_dims(stop / start, -1) ** np.linspace(0, 1, num, endpoint)
    return _cast(np.moveaxis(np.expand_dims(start, -1) * powers, -1, axis), dtype)


@composed(np.full_like)
def full_like(
    a: Array,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Array:
    """`numpy.full_like`: differentiable in the value; the prototype gives shape and dtype alone."""
    plain = unwrap(a)
    if not isinstance(fill_value, Tensor):
        return np.full_like(plain, fill_value, dtype, order, subok, shape, device=device)
    wanted = np.empty_like(plain, dtype, order, subok, shape, device=device)
    return look_away(np.broadcast_to(_cast(fill_value, wanted.dtype, "full_like"), wanted.shape))


# What takes like=.


def _created(*functions: Any) -> None:
    """Add functions whose elements depend on no Tensor; ``like=`` says that they give one."""
    for function in functions:

        def made(*args: Any, _function: Any = function, **kwargs: Any) -> Any:
            return tensor(_function(*map(unwrap, args), **kwargs))

        FUNCTIONS[function] = made
        FLAT[function] = "with like=, makes a Tensor that depends on none"


_created(np.empty, np.eye, np.identity, np.ones, np.tri, np.zeros)
_created(np.frombuffer, np.fromfile, np.fromiter, np.fromstring, np.genfromtxt, np.loadtxt)


@composed(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, *_: Any, **__: Any) -> Any:
    """`numpy.full` with ``like=``; order and device say nothing about values."""
    value = fill_value if isinstance(fill_value, Tensor) else tensor(fill_value)
    return look_away(np.broadcast_to(_cast(value, dtype, "full"), shape))


@composed(np.arange, domain=POSITIVE, analytic=False)
def arange(*args: Any, dtype: Any = None, device: Any = None, **named: Any) -> Any:
    """`numpy.arange` with ``like=``: linear in start and step; stop decides how many there are."""
    del device
    if len(args) == 4:
        dtype, args = args[3], args[:3]
    given = dict(zip(("start", "stop", "step"), args, strict=False)) | named
    if "stop" not in given or given["stop"] is None:
        given = {"start": 0, "step": 1} | given | {"start": 0, "stop": given["start"]}
    start, stop, step = given.get("start", 0), given["stop"], given.get("step", 1)
    plain = np.arange(unwrap(start), unwrap(stop), unwrap(step), dtype=dtype)
    if _integral("arange", plain.dtype, start, stop, step) or not any(
        isinstance(x, Tensor) and x.requires_grad for x in (start, step)
    ):
        return tensor(plain)
    return _cast(start + step * np.arange(len(plain)).astype(plain.dtype), plain.dtype)


def _stacked(nested: Any) -> Any:
    """Return nested sequences of numbers, arrays and Tensors as one Tensor."""
    if isinstance(nested, (list, tuple)) and _holds_tensor(nested):
        return np.stack([_stacked(one) for one in nested])
    return nested if isinstance(nested, Tensor) else tensor(nested)


def _holds_tensor(nested: Any) -> bool:
    if isinstance(nested, (list, tuple)):
        return any(map(_holds_tensor, nested))
    return isinstance(nested, Tensor)


@composed(np.array)
def array(
    object: Any,  # noqa: A002  # NumPy's name
    dtype: Any = None,
    *,
    copy: bool | None = True,
    ndmin: int = 0,
    ndmax: int = 0,
    **options: Any,
) -> Any:
    """`numpy.array` with ``like=``: also of nested sequences that hold Tensors.

    ``order=`` and ``subok=`` say nothing about the elements.
    """
    if ndmax:  # NumPy 2.4: how deep to look into sequences
        raise UnsupportedFunctionError("array: ndmax= is not supported on Tensors")
    del options
    made = _cast(_stacked(object), dtype, "array")
    if copy and made is object:
        made = np.copy(made)
    return np.reshape(made, (1,) * (ndmin - made.ndim) + made.shape) if ndmin > made.ndim else made


def _arrays(ndmin: int) -> Callable[..., Any]:
    def as_array(
        a: Array, dtype: Any = None, *_: Any, copy: bool | None = None, **__: Any
    ) -> Array:
        return array(a, dtype, copy=copy, ndmin=ndmin)

    return as_array


composed(np.asarray)(_arrays(0))
composed(np.asanyarray)(_arrays(0))
composed(np.ascontiguousarray)(_arrays(1))
composed(np.asfortranarray)(_arrays(1))


@composed(np.require)
def require(a: Array, dtype: Any = None, requirements: Any = None) -> Array:
    """`numpy.require` with ``like=``."""
    wanted = {str(one).upper() for one in requirements or ()}
    if wanted & {"W", "WRITEABLE"}:
        raise UnsupportedFunctionError("require: the value of a Tensor is not writeable")
    return array(a, dtype, copy=None)


@composed(np.fromfunction)
def fromfunction(function: Callable[..., Any], shape: Any, **kwargs: Any) -> Any:
    """`numpy.fromfunction` with ``like=``: what the function makes of the plain indices."""
    return np.fromfunction(function, shape, **kwargs)
