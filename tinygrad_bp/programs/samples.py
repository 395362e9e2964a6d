"""`Sample`: one array that stands for many, so that a function of one sample is run once for all.

What is done with it is done with the array of all samples, whose first axis counts them: axes move
one place, and what is no sample is broadcast.  `batching` says what other functions of NumPy's do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.rule import FLAT, NO_VALUE
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.unread import BRANCH, PLAIN, Unread

Function = Callable[..., Any]

# What is called for them; `batching` fills it.
FUNCTIONS: dict[Any, Function] = {}
LIKE: frozenset[Any] = frozenset({np.zeros_like, np.ones_like, np.empty_like})
MADE: frozenset[Any] = frozenset({np.zeros, np.ones, np.empty, np.full})


class Sample(Unread):
    """One of many arrays of one shape, any of them.

    Parameters
    ----------
    whole : array
        All of them, along the first axis.
    """

    __slots__ = ("__weakref__", "whole")
    weak = False

    def __init__(self, whole: Any) -> None:
        self.whole = whole

    @property
    def shape(self) -> Shape:
        """Length of each axis, of one sample."""
        shape: Shape = self.whole.shape[1:]
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        dtype: np.dtype[Any] = self.whole.dtype
        return dtype

    @property
    def _trace(self) -> Any:
        return self.whole._trace

    def astype(self, dtype: Any, **_layout: Any) -> Any:
        """Return the values in another dtype."""
        return Sample(self.whole.astype(dtype))

    def copy(self, order: str = "C") -> Any:  # noqa: ARG002  # NumPy's signature
        """Return another with the same values."""
        return Sample(self.whole.copy())

    def stacked(self, axis: int) -> Any:
        """Return all samples, along an axis."""
        return np.moveaxis(self.whole, 0, axis) if axis else self.whole

    def __bool__(self) -> bool:
        return self._read("the truth", BRANCH)

    def item(self, *_: Any) -> Any:
        """Refuse: there is no number yet."""
        return self._read(".item()", "return it from the function, and read it outside")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Call a ufunc on all samples."""
        if not all(isinstance(one, (Unread, *PLAIN)) for one in inputs):
            return NotImplemented
        if method == "at":
            return _written_at(ufunc, *inputs)
        out = kwargs.pop("out", None)
        if method == "__call__" and not kwargs:
            new = _called(ufunc, inputs)
        elif method in ("reduce", "accumulate"):
            new = along(getattr(ufunc, method), inputs, {"axis": 0, **kwargs})
        else:
            refuse(f"{ufunc.__name__}.{method}")
        if out is None:
            return new
        if len(out) != 1 or out[0] is not self or new.shape != self.shape:
            refuse(f"{ufunc.__name__} with out=")
        self.whole = new.whole.astype(self.dtype)
        return self

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Call another function of NumPy's on all samples."""
        if not all(issubclass(one, (Unread, np.ndarray, np.generic)) for one in types):
            return NotImplemented
        if FLAT.get(function) == NO_VALUE and function not in LIKE:
            return function(*map(stand_in, args), **kwargs)
        if function in MADE:
            shape, *more = args
            sides = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
            whole: Any = self.whole
            return Sample(function((len(whole), *sides), *more, **kwargs, like=whole))
        if function not in FUNCTIONS:
            refuse(function.__name__)
        return FUNCTIONS[function](function, *args, **kwargs)

    def __getitem__(self, index: Any) -> Any:
        """Return a part of each sample."""
        return Sample(self.whole[_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write into a part of each sample."""
        self.whole[_index(index)] = _fitting(self, index, value)

    def __repr__(self) -> str:
        return f"<Sample of {self.whole!r}>"


def _index(index: Any) -> tuple[Any, ...]:
    """Return the index of a part of all samples."""
    parts = index if isinstance(index, tuple) else (index,)
    places = [k for k, one in enumerate(parts) if hasattr(one, "ndim") or isinstance(one, list)]
    if any(isinstance(parts[k], Sample) for k in places):
        refuse("an index by values of the samples")
    if places:  # what they select would come before the samples if it did not stand together
        places += [k for k, one in enumerate(parts) if isinstance(one, int)]
        if max(places) - min(places) >= len(places):
            refuse("an index of arrays that stand apart")
    return (slice(None), *parts)


def refuse(what: str) -> Any:
    """Refuse what is not done for many samples at once: they are taken one by one then.

    Raises
    ------
    TraceError
        Saying so.
    """
    raise TraceError(f"vmap: {what} is not done for many samples at once")


def stand_in(value: Any) -> Any:
    """Return an array of the shape and dtype of a sample, which takes no memory."""
    if isinstance(value, Sample):
        return np.broadcast_to(np.zeros((), value.dtype), value.shape)
    return value


def _written_at(ufunc: Any, target: Any, index: Any, value: Any) -> None:
    if not isinstance(target, Sample):
        refuse(f"{ufunc.__name__}.at, into one array,")
    ufunc.at(target.whole, _index(index), _fitting(target, index, value))


def _fitting(target: Sample, index: Any, value: Any) -> Any:
    """Return what is written into a part of each sample, with the axes of that part."""
    part = stand_in(target)[index]
    return widened(value, part.ndim) if isinstance(value, Sample) else value


def _called(ufunc: Any, inputs: Sequence[Any]) -> Any:
    if ufunc is np.matmul:
        return _product(*inputs)
    if ufunc.signature is not None:
        refuse(ufunc.__name__)
    return each(ufunc(*level(inputs)))


def level(inputs: Sequence[Any]) -> list[Any]:
    """Return all samples of each operand, with as many axes as the one that has most."""
    most = max(np.ndim(one) for one in inputs)
    return [widened(one, most) if isinstance(one, Sample) else one for one in inputs]


def widened(one: Sample, ndim: int) -> Any:
    """Return all samples, each with so many axes: new ones come first."""
    missing = ndim - one.ndim
    if not missing:
        return one.whole
    return one.whole.reshape(len(one.whole), *(1,) * missing, *one.shape)


def _product(a: Any, b: Any) -> Any:
    """Return a product of matrices, or of vectors, which lack an axis."""
    row, column = np.ndim(a) == 1, np.ndim(b) == 1
    # vectors by one matrix: one product of matrices, not many
    if row and np.ndim(b) == 2 and not isinstance(b, Sample):
        return Sample(np.matmul(a.whole, b))
    if column and np.ndim(a) == 2 and not isinstance(a, Sample):
        return Sample(np.matmul(b.whole, np.transpose(a)))
    first: Any = np.expand_dims(a, 0) if row else a
    second: Any = np.expand_dims(b, 1) if column else b
    found: Any = Sample(np.matmul(*level([first, second])))
    if row:
        found = np.squeeze(found, 0 if column else -2)
    return np.squeeze(found, -1) if column else found


def each(found: Any) -> Any:
    """Return a Sample of each array."""
    if not isinstance(found, tuple):
        return Sample(found)
    make: Any = getattr(type(found), "_make", tuple)
    return make(map(Sample, found))


def moved(axis: Any, ndim: int) -> Any:
    """Return the place of an axis among those of all samples."""
    if isinstance(axis, (tuple, list)):
        return tuple([moved(one, ndim) for one in axis])
    return axis + 1 if axis >= 0 else axis


def along(function: Function, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call what reduces, sorts or adds up along axes; without one, along all."""
    (x, *more), axis = inputs, kwargs.pop("axis", None)
    if not isinstance(x, Sample):
        refuse("a reduction of one array for many samples")
    if more:
        axis, *more = more
    if more or isinstance(kwargs.get("where"), Sample) or isinstance(kwargs.get("initial"), Sample):
        refuse("a reduction of some elements")
    axes = tuple(range(1, x.ndim + 1)) if axis is None else moved(axis, x.ndim)
    return Sample(function(x.whole, axis=axes, **kwargs))
