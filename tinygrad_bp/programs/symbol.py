"""`Symbol`: an array without values, that writes down what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_bp.engine.modes import watch
from tinygrad_bp.engine.rule import FLAT, NO_VALUE
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.programs.batching import samples_along
from tinygrad_bp.programs.calling import INTO, name_of
from tinygrad_bp.programs.instructions import Type
from tinygrad_bp.programs.unread import BRANCH, DEBUG, OUTSIDE, PLAIN, Unread

NUMBERS = (int, float, complex)
LIKE = "make it with np.zeros(shape, like=x)"


class Symbol(Unread):
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

    __slots__ = ("__weakref__", "_home", "name", "type")
    __hash__ = object.__hash__
    written_down = True

    def __init__(self, trace: Any, name: str, type: Type) -> None:  # noqa: A002  # the field's name
        self._home = trace
        self.name = name
        self.type = type
        if trace.made is not None:
            trace.made.append(ref(self))

    @property
    def _trace(self) -> Any:
        return self._home

    @property
    def shape(self) -> Shape:
        """Length of each axis."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.type.dtype

    @property
    def weak(self) -> bool:
        """Whether it stands for a number of Python's."""
        return self.type.weak

    def astype(self, dtype: Any, **_layout: Any) -> Any:
        """Return the values in another dtype; in the same one, what nobody may write into."""
        if np.dtype(dtype) != self.dtype or self.weak:
            return self._trace.record("astype", (self, np.dtype(dtype)), {})
        self._trace.freeze(self.name)
        return Symbol(self._trace, self.name, self.type)

    def copy(self, order: str = "C") -> Any:  # noqa: ARG002  # NumPy's signature
        """Return another with the same values, which may be written into."""
        return self._trace.record("array", (self,), {})

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Write down a call of a ufunc."""
        values = inputs if method != "at" else (inputs[0], *inputs[2:])  # but for the index
        if not all(isinstance(one, (Symbol, *PLAIN)) for one in values):
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

    def guard(self, check: Callable[[Any], None]) -> None:
        """Let something be asked of the value each time that the program runs."""
        self._trace.guards.append((self.name, check))

    def __bool__(self) -> bool:
        if self.name not in self._trace.nonzero:
            self._read("the truth", BRANCH if watch() in (None, self._trace.watch) else DEBUG)
        return True

    def item(self, *_: Any) -> Any:
        """Refuse: there is no number yet.  What stands for Python's number is one already."""
        if not self.weak:
            self._read(".item()", OUTSIDE)
        return self

    def samples(self, axis: int) -> Any:
        """Return one sample that stands for all that lie along an axis."""
        return samples_along(self, axis)

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


# Operands that leave the answer to a Symbol; ufuncs whose names are not those of operators.
DIRECT = frozenset({Symbol, np.ndarray, *NUMBERS})
UFUNCS = {
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "neg": "negative",
    "pos": "positive",
    "abs": "absolute",
}


def _operator(name: str, method: str) -> Any:
    """Return an operator: of numbers of Python's alone it is Python's, and gives one again."""
    of_arrays: Any = getattr(NDArrayOperatorsMixin, method)
    op = name_of(getattr(np, UFUNCS.get(name, name)))
    turned = method.startswith("__r")

    def operator(self: Symbol, *other: Any) -> Any:
        if not self.weak or not all(type(x) in NUMBERS or getattr(x, "weak", 0) for x in other):
            if DIRECT.issuperset(map(type, other)):  # nobody else wants to answer
                inputs = (*other, self) if turned else (self, *other)
                return self._trace.record(op, inputs, {})
            return of_arrays(self, *other)
        operands = (*other, self) if turned else (self, *other)
        return self._trace.record(f"operator.{name}", operands, {})

    return operator


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _reads in (f"__{_name}__", f"__r{_name}__"):
        setattr(Symbol, _reads, _operator(_name, _reads))
for _name in ("neg", "pos", "abs"):
    setattr(Symbol, f"__{_name}__", _operator(_name, f"__{_name}__"))
