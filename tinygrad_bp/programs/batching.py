"""What the functions of NumPy's do with many samples at once.

Axes move one place; what is no sample is broadcast.  A function that is not here is refused.
"""

from __future__ import annotations

import inspect
from functools import cache
from string import ascii_letters
from typing import Any

import numpy as np

from tinygrad_bp.programs.samples import (
    FUNCTIONS,
    Function,
    Sample,
    along,
    each,
    level,
    moved,
    refuse,
    stand_in,
    widened,
)

# Functions with an axis


def samples_along(array: Any, axis: int) -> Sample:
    """Return one sample that stands for all that lie along an axis of an array."""
    return Sample(np.moveaxis(array, axis, 0) if axis else array)


@cache
def _parameters(function: Function) -> tuple[dict[str, Any], list[str]]:
    given = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in given}, [one.name for one in given]


def _reduces(function: Function, x: Any, *args: Any, **kwargs: Any) -> Any:
    return along(function, (x, *args), kwargs)


def _flattens(function: Function, *args: Any, **kwargs: Any) -> Any:
    """Call what takes all elements in a row where it is given no axis."""
    given = _given(function, args, kwargs)
    x, axis = given.pop("a"), given.pop("axis")
    if axis is None:
        x, axis = np.ravel(x), 0
    return Sample(function(x.whole, axis=moved(axis, x.ndim), **given))


def _given(function: Function, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a call by name, those that were given and ``axis``."""
    defaults, names = _parameters(function)
    given: dict[str, Any] = dict(zip(names, args, strict=False)) | kwargs
    first = names[0]
    if not isinstance(given[first], Sample):
        refuse(function.__name__)
    given["a"] = given.pop(first)
    given.setdefault("axis", defaults.get("axis"))
    if any(isinstance(one, Sample) for key, one in given.items() if key != "a"):
        refuse(f"{function.__name__} by samples")
    return given


# Functions that move elements


def _same(function: Function, x: Sample, *args: Any, **kwargs: Any) -> Any:
    """Call what treats each element, or the last two axes, alone."""
    return each(function(x.whole, *args, **kwargs))


def _solve(_function: Function, a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        return np.squeeze(_solve(_function, a, np.expand_dims(b, 1)), 1)
    return Sample(np.linalg.solve(*level([a, b])))


def _einsum(_function: Function, subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    terms, arrow, out = subscripts.replace(" ", "").partition("->")
    if not arrow:  # NumPy's rule: what occurs once, in the order of the alphabet
        letters = terms.replace(",", "").replace(".", "")
        out = "".join(sorted(one for one in {*letters} if letters.count(one) == 1))
        out = f"...{out}" if "." in terms else out
    sample = next(one for one in ascii_letters if one not in subscripts)
    moved = [
        sample + term if isinstance(one, Sample) else term
        for term, one in zip(terms.split(","), operands, strict=True)
    ]
    wholes = [one.whole if isinstance(one, Sample) else one for one in operands]
    return Sample(np.einsum(f"{','.join(moved)}->{sample}{out}", *wholes, **kwargs))


def _diagonal(
    _function: Function, a: Sample, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Any:
    return Sample(np.diagonal(a.whole, offset, moved(axis1, a.ndim), moved(axis2, a.ndim)))


def _roll(_function: Function, a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(_roll(_function, np.ravel(a), shift, 0), a.shape)
    return Sample(np.roll(a.whole, shift, moved(axis, a.ndim)))


def _reshape(_function: Function, x: Sample, shape: Any, order: str = "C") -> Any:
    if order != "C":
        refuse("a reshape in another order")
    sides = shape if isinstance(shape, (tuple, list)) else (shape,)
    return Sample(np.reshape(x.whole, (len(x.whole), *sides)))


def _ravel(_function: Function, x: Sample) -> Any:
    return _reshape(np.reshape, x, x.size)


def _transpose(_function: Function, x: Sample, axes: Any = None) -> Any:
    places = range(x.ndim)[::-1] if axes is None else [a % x.ndim for a in axes]
    return Sample(np.transpose(x.whole, (0, *[a + 1 for a in places])))


def _axes(function: Function, x: Sample, *axes: Any) -> Any:
    return Sample(function(x.whole, *[moved(one, x.ndim) for one in axes]))


def _squeeze(_function: Function, x: Sample, axis: Any = None) -> Any:
    ones = tuple([k for k, n in enumerate(x.shape) if n == 1]) if axis is None else axis
    return Sample(np.squeeze(x.whole, moved(ones, x.ndim)))


def _expand_dims(_function: Function, a: Sample, axis: Any) -> Any:
    return Sample(np.expand_dims(a.whole, moved(axis, a.ndim)))


def _broadcast_to(_function: Function, array: Sample, shape: Any) -> Any:
    sides = shape if isinstance(shape, (tuple, list)) else (shape,)
    wide = widened(array, len(sides))
    return Sample(np.broadcast_to(wide, (len(array.whole), *sides)))


def _of_three(function: Function, *args: Any) -> Any:
    if len(args) < 3:
        refuse(function.__name__)
    return Sample(function(*level(args)))


def _clip(_function: Function, a: Any, *limits: Any, **kwargs: Any) -> Any:
    low = limits[0] if limits else kwargs.get("a_min", kwargs.get("min"))
    high = limits[1] if len(limits) > 1 else kwargs.get("a_max", kwargs.get("max"))
    found = a if low is None else np.maximum(a, low)
    return found if high is None else np.minimum(found, high)


def _whole(value: Any, count: int) -> Any:
    """Return all samples; of what is the same for each, so many copies."""
    if isinstance(value, Sample):
        return value.whole
    return np.broadcast_to(value, (count, *np.shape(value)))


def _joined(function: Function, arrays: Any, axis: int = 0) -> Any:
    count = next(len(one.whole) for one in arrays if isinstance(one, Sample))
    return Sample(function([_whole(one, count) for one in arrays], axis=moved(axis, 0)))


def _like(function: Function, x: Sample, *args: Any, **kwargs: Any) -> Any:
    """Return zeros or ones: they are the same for each sample."""
    return function(stand_in(x), *args, **kwargs)


def _dot(_function: Function, a: Any, b: Any) -> Any:
    if not (np.ndim(a) and np.ndim(b)):
        return np.multiply(a, b)
    if np.ndim(b) > 2:
        refuse("a dot product of more than two axes")
    return np.matmul(a, b)


def _outer(_function: Function, a: Any, b: Any) -> Any:
    return np.multiply(np.expand_dims(np.ravel(a), 1), np.ravel(b))


REDUCING = "sum mean prod max min any all std var nansum nanmean nanmax nanmin flip"
ALONG_ONE = "cumsum cumprod argmax argmin sort argsort repeat take"
ALONE = "copy real imag tril triu sinc i0 nan_to_num round"
OF_MATRICES = "inv det slogdet cholesky eigh eigvalsh eigvals svd qr pinv"
TRANSFORMS = "fft ifft rfft irfft"
TABLE: dict[Any, Function] = {
    **{getattr(np, name): _reduces for name in REDUCING.split()},
    **{getattr(np, name): _flattens for name in ALONG_ONE.split()},
    **{getattr(np.fft, name): _flattens for name in TRANSFORMS.split()},
    **{getattr(np, name): _same for name in ALONE.split()},
    **{getattr(np.linalg, name): _same for name in OF_MATRICES.split()},
    **dict.fromkeys((np.swapaxes, np.moveaxis), _axes),
    **dict.fromkeys((np.zeros_like, np.ones_like, np.empty_like), _like),
    **dict.fromkeys((np.concatenate, np.stack), _joined),
    np.reshape: _reshape,
    np.ravel: _ravel,
    np.transpose: _transpose,
    np.squeeze: _squeeze,
    np.expand_dims: _expand_dims,
    np.broadcast_to: _broadcast_to,
    np.where: _of_three,
    np.clip: _clip,
    np.dot: _dot,
    np.outer: _outer,
    np.diagonal: _diagonal,
    np.roll: _roll,
    np.einsum: _einsum,
    np.linalg.solve: _solve,
}
FUNCTIONS.update(TABLE)
