"""How NumPy's functions reach the rules: the two protocols, and the tables that they look into.

NumPy calls `Tensor.__array_ufunc__` (NEP 13) for its ufuncs and `Tensor.__array_function__`
(NEP 18) for everything else.  The rules fill the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.tensor import Tensor, method

# NumPy's functions -> what records them.  The rules fill these tables; the protocols below read
# them.
UFUNCS: dict[Any, Callable[..., Any]] = {}
UFUNC_METHODS: dict[tuple[Any, str], Callable[..., Any]] = {}
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
# What adds to these tables, once, when a function is met that is in none of them.
on_unknown_function: list[Callable[[], None]] = []


def _array_ufunc(
    _self: Tensor, ufunc: Any, call: str, first: Any, *others: Any, **kwargs: Any
) -> Any:
    """Record a call of a NumPy ufunc."""
    if call == "__call__":
        if not kwargs:
            record = UFUNCS.get(ufunc)
            if record is not None:
                # one argument spelt out: unpacking a tuple costs as much as the lookup
                return record(first, *others) if others else record(first)
        if _more_functions():
            return ufunc(first, *others, **kwargs)
        raise _refused_ufunc(ufunc, kwargs)
    reduction = UFUNC_METHODS.get((ufunc, call))
    if reduction is None:
        raise UnsupportedFunctionError(
            f"numpy.{ufunc.__name__}.{call} has no derivative rule; compose it from functions"
            " that have one, or pass .detach() where no gradient is wanted"
        )
    return reduction(first, *others, **kwargs)


def _array_function(_self: Tensor, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
    """Record a call of any other NumPy function."""
    record = FUNCTIONS.get(function)
    if record is None:
        if _more_functions():
            return function(*args, **kwargs)
        raise UnsupportedFunctionError(
            f"{function.__module__}.{function.__name__} has no derivative rule for Tensors;"
            " compose it from functions that have one, or pass .detach() where no gradient is"
            " wanted"
        )
    return record(*args, **kwargs)


def _more_functions() -> bool:
    """Load what has been put off; say whether there was anything."""
    waiting = on_unknown_function[:]
    for load in waiting:
        load()
        on_unknown_function.remove(load)
    return bool(waiting)


def _refused_ufunc(ufunc: Any, kwargs: dict[str, Any]) -> Exception:
    name = f"numpy.{ufunc.__name__}"
    if ufunc not in UFUNCS:
        return UnsupportedFunctionError(
            f"{name} has no derivative rule; compose it from functions that have one, or pass"
            " .detach() where no gradient is wanted"
        )
    if "out" in kwargs:
        return UnsupportedFunctionError(
            f"{name}: out= (also array += tensor) would overwrite a value outside the graph; write"
            " array = array + tensor"
        )
    return UnsupportedFunctionError(
        f"{name}: {', '.join(kwargs)} is not supported on Tensors; use numpy.where for where=,"
        " .astype for dtype="
    )


method("__array_ufunc__", _array_ufunc)
method("__array_function__", _array_function)
