"""`Symbol`: an array without values, that writes down what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_bp.engine.modes import watch
from tinygrad_bp.engine.rule import FLAT, NO_VALUE
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.calling import INTO, name_of
from tinygrad_bp.programs.instructions import Type

# What may stand beside a Symbol; anything else is asked first (NEP 13).
PLAIN = (np.ndarray, np.generic, bool, int, float, complex, list, tuple)
NUMBERS = (int, float, complex)
# Methods of an array that are NumPy's function of that name, and those of another.
METHODS = (
    "all any argmax argmin argpartition argsort clip compress cumprod cumsum diagonal dot max mean"
    " min nonzero prod repeat round searchsorted squeeze std sum swapaxes take trace var"
)
OTHERS = {"conj": "conjugate", "conjugate": "conjugate", "flatten": "ravel", "ravel": "ravel"}
ELEMENTS = "index it: x[i] for i in range(len(x))"
OUTSIDE = "return it from the function, and read it outside"
LIKE = "make it with np.zeros(shape, like=x)"
DEBUG = "tg.debug looks at values: leave it out, or use it where the program runs"
BRANCH = "write np.where(condition, a, b); or pass what decides as an int, a bool or a string"


class Symbol(NDArrayOperatorsMixin):
    """A value of a program that is being written.

    It has a shape and a dtype, goes through NumPy's functions, and cannot be read.

    Parameters
    ----------
    trace : Trace
        Where it is written down.
    name : str
        Of the value there.
    type : Type
    """

    __slots__ = ("_trace", "name", "type")
    __hash__ = object.__hash__

    def __init__(self, trace: Any, name: str, type: Type) -> None:  # noqa: A002  # the field's name
        self._trace = trace
        self.name = name
        self.type = type

    @property
    def shape(self) -> Shape:
        """Length of each axis."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.type.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.type.shape, dtype=int))

    @property
    def weak(self) -> bool:
        """Whether it stands for a number of Python's."""
        return self.type.weak

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

    def astype(self, dtype: Any, **_layout: Any) -> Any:
        """Return the values in another dtype; in the same one, what nobody may write into."""
        if np.dtype(dtype) != self.dtype or self.weak:
            return self._trace.record("astype", (self, np.dtype(dtype)), {})
        self._trace.freeze(self.name)
        return Symbol(self._trace, self.name, self.type)

    def copy(self, order: str = "C") -> Any:  # noqa: ARG002  # NumPy's signature
        """Return another with the same values, which may be written into."""
        return self._trace.record("array", (self,), {})

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """Return the elements in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, wanted) if order == "C" else np.reshape(self, wanted, order=order)  # type: ignore[call-overload]  # NumPy has no type for duck arrays

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Write down a call of a ufunc."""
        if not all(isinstance(one, (Symbol, *PLAIN)) for one in inputs):
            return NotImplemented
        op = name_of(ufunc)
        if op is None:
            self._refuse(f"{ufunc.__name__} is neither NumPy's nor SciPy's", "use one that is")
        out = kwargs.pop("out", None)
        if method == "at":
            return self._written(f"{op}.at", inputs, kwargs)
        inputs = tuple([_array(one) for one in inputs])
        if out is not None:
            return self._into(ufunc, out, inputs, kwargs)
        return self._trace.record(op if method == "__call__" else f"{op}.{method}", inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Write down a call of any other function of NumPy's."""
        if not all(issubclass(one, (Symbol, np.ndarray, np.generic)) for one in types):
            return NotImplemented
        if FLAT.get(function) == NO_VALUE and function not in RECORDED:
            return self._trace.asked(function, args, kwargs)
        op = name_of(function)
        if op is None:
            self._refuse(f"{function.__name__} is no function of NumPy's", "use one that is")
        if kwargs.get("out") is not None:
            self._refuse(f"{op}: out=", "use the result instead")
        if function in WRITERS:
            return self._written(op, args, kwargs)
        return self._trace.record(op, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        """Write down ``self[index]``."""
        return self._trace.record("getitem", (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write down ``self[index] = value``, of a value that nothing has read yet."""
        self._written("setitem", (self, index, value), {})

    def _written(self, op: str, args: tuple[Any, ...], kwargs: Any) -> None:
        """Write down a call that writes into its first argument, which is the new value then."""
        target = args[0]
        if type(target) is not Symbol:
            self._refuse(f"{op} writes into an array of numbers", LIKE)
        target._require_fresh(op)
        target.name = self._trace.record(INTO + op, args, kwargs).name

    def _into(self, ufunc: Any, out: Any, inputs: tuple[Any, ...], kwargs: Any) -> Any:
        """Return `self` after ``self += x``; other arrays would be written into unseen."""
        if len(out) != 1 or out[0] is not self:
            self._refuse(
                f"{ufunc.__name__}: out= (also array += x) is no part of the program",
                "use the result instead",
            )
        self._require_fresh(f"{ufunc.__name__} in place")
        new = ufunc(*inputs, **kwargs)
        if new.shape != self.shape or not np.can_cast(new.dtype, self.dtype, "same_kind"):
            self._refuse(f"{ufunc.__name__} in place gives {new.type} for {self.type}", "use x + y")
        self.name = (new if new.dtype == self.dtype else new.astype(self.dtype)).name
        return self

    def _require_fresh(self, op: str) -> None:
        if self._trace.is_read(self.name):
            self._refuse(
                f"{op} writes into an array that was read before, or is an argument",
                "write into a fresh x.copy(), or make a new array with np.where or np.stack",
            )

    def _refuse(self, what: str, remedy: str) -> NoReturn:
        raise TraceError(f"{what}, at {self._trace.where()}; {remedy}")

    def _read(self, what: str, remedy: str) -> NoReturn:
        self._refuse(f"asked for {what} of a value, which a program has only when it runs", remedy)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        self._read("the numbers", "use NumPy's functions, which take it as it is")

    def __bool__(self) -> bool:  # noqa: PLE0304  # refuses
        self._read("the truth", BRANCH if watch() in (None, self._trace.watch) else DEBUG)

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

    def item(self, *_: Any) -> NoReturn:
        """Refuse: there is no number yet."""
        self._read(".item()", OUTSIDE)

    def tolist(self) -> NoReturn:
        """Refuse: there are no numbers yet."""
        self._read(".tolist()", OUTSIDE)

    def __format__(self, spec: str) -> str:
        return self._read("the digits", OUTSIDE) if spec else repr(self)

    def __reduce__(self) -> NoReturn:
        self._refuse("a value of a program was pickled or copied", "copy arrays with np.copy")

    def __repr__(self) -> str:
        return f"<Symbol {self.name}: {self.type}>"


# What gives nothing, and writes into its first argument.
WRITERS = frozenset({np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask})
# What gives arrays from shapes and dtypes alone, or asks whose memory they have.
RECORDED = frozenset(
    {np.zeros_like, np.ones_like, np.empty_like, np.shares_memory, np.may_share_memory}
)


def _array(value: Any) -> Any:
    """Return a list of numbers as an array; what a Symbol is in stays as it is."""
    if not isinstance(value, (list, tuple)):
        return value
    rest = list(value)
    for one in rest:
        if isinstance(one, Symbol):
            return value
        if isinstance(one, (list, tuple)):
            rest += one
    return np.asarray(value)


def _operator(name: str, method: str) -> Any:
    """Return an operator: of numbers of Python's alone it is Python's, and gives one again."""
    of_arrays: Any = getattr(NDArrayOperatorsMixin, method)

    def operator(self: Symbol, *other: Any) -> Any:
        if not self.weak or not all(type(x) in NUMBERS or getattr(x, "weak", 0) for x in other):
            return of_arrays(self, *other)
        operands = (*other, self) if method.startswith("__r") else (self, *other)
        return self._trace.record(f"operator.{name}", operands, {})

    return operator


def _method(name: str) -> Callable[..., Any]:
    function: Any = getattr(np, name)

    def method(self: Symbol, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"Call `numpy.{name}`."
    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _reads in (f"__{_name}__", f"__r{_name}__"):
        setattr(Symbol, _reads, _operator(_name, _reads))
for _name in ("neg", "pos", "abs"):
    setattr(Symbol, f"__{_name}__", _operator(_name, f"__{_name}__"))
for _name in METHODS.split():
    setattr(Symbol, _name, _method(_name))
for _name, _function in OTHERS.items():
    setattr(Symbol, _name, _method(_function))
