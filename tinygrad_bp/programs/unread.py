"""Arrays that cannot be read: what they have in common with NumPy's, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.errors import TraceError

# What may stand beside such an array; anything else is asked first (NEP 13).
PLAIN = (np.ndarray, np.generic, bool, int, float, complex, list, tuple)
# Methods of an array that are NumPy's function of that name, and those of another.
METHODS = (
    "all any argmax argmin argpartition argsort clip compress cumprod cumsum diagonal dot max mean"
    " min nonzero prod repeat round searchsorted squeeze std sum swapaxes take trace var"
)
OTHERS = {"conj": "conjugate", "conjugate": "conjugate", "flatten": "ravel", "ravel": "ravel"}
ELEMENTS = "index it: x[i] for i in range(len(x))"
OUTSIDE = "return it from the function, and read it outside"
DEBUG = "tg.debug looks at values: leave it out, or use it where the program runs"
BRANCH = "write np.where(condition, a, b); or pass what decides as an int, a bool or a string"


class Unread(NDArrayOperatorsMixin):
    """An array without values, as far as it is like NumPy's; those that derive from it compute.

    Each has a shape, a dtype, and the trace where it is written down.
    """

    __slots__ = ()
    __hash__ = object.__hash__

    @property
    def _trace(self) -> Any:
        """Where it is written down."""
        raise NotImplementedError

    @property
    def shape(self) -> Shape:
        """Length of each axis."""
        raise NotImplementedError

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        raise NotImplementedError

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def nbytes(self) -> int:
        """Size of the values, once there are some."""
        return self.size * self.dtype.itemsize

    @property
    def T(self) -> Any:  # noqa: N802  # NumPy's name
        """The axes in reverse order."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:  # noqa: N802  # as above
        """The last two axes swapped."""
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        """The real part."""
        return np.real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return np.imag(self)

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """Return the elements in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, wanted) if order == "C" else np.reshape(self, wanted, order=order)  # type: ignore[call-overload]  # NumPy has no type for duck arrays

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def _refuse(self, what: str, remedy: str) -> NoReturn:
        raise TraceError(f"{what}, at {self._trace.where()}; {remedy}")

    def _read(self, what: str, remedy: str) -> NoReturn:
        self._refuse(f"asked for {what} of a value, which a program has only when it runs", remedy)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        self._read("the numbers", "use NumPy's functions, which take it as it is")

    def __float__(self) -> float:
        self._read("float()", OUTSIDE)

    def __int__(self) -> int:
        self._read("int()", OUTSIDE)

    def __index__(self) -> int:  # noqa: PLE0305  # refuses
        self._read("the integer", "pass it as an int, which is a part of the program")

    def __complex__(self) -> complex:
        self._read("complex()", OUTSIDE)

    def __iter__(self) -> NoReturn:
        self._read("the elements", ELEMENTS)

    def __contains__(self, _: Any) -> bool:
        self._read("whether it contains a number", BRANCH)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]

    def tolist(self) -> NoReturn:
        """Refuse: there are no numbers yet."""
        self._read(".tolist()", OUTSIDE)

    def __format__(self, spec: str) -> str:
        return self._read("the digits", OUTSIDE) if spec else repr(self)

    def __reduce__(self) -> NoReturn:
        self._refuse("a value of a program was pickled or copied", "copy arrays with np.copy")


def _method(name: str) -> Callable[..., Any]:
    function: Any = getattr(np, name)

    def method(self: Unread, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"Call `numpy.{name}`."
    return method


for _name in METHODS.split():
    setattr(Unread, _name, _method(_name))
for _name, _function in OTHERS.items():
    setattr(Unread, _name, _method(_function))
