"""How NumPy's functions reach the rules: the two protocols, and the tables that they look into.

NumPy calls `Tensor.__array_ufunc__` (NEP 13) for its ufuncs and `Tensor.__array_function__`
(NEP 18) for everything else.  The rules fill the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import signature
from typing import Any, NoReturn

import numpy as np

from tinygrad_bp.engine.failures import noted
from tinygrad_bp.engine.rule import COMPOSED, more_rows
from tinygrad_bp.engine.tensor import Tensor, method
from tinygrad_bp.errors import UnsupportedFunctionError

# NumPy's functions -> what records them.  The rules fill these tables; the protocols below read
# them.
UFUNCS: dict[Any, Callable[..., Any]] = {}
UFUNC_METHODS: dict[str, Callable[..., Any]] = {}  # called with the ufunc, then its arguments
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
REFUSED: dict[Any, str] = {}  # what no Tensor may enter, or its module -> what to do instead


def _array_ufunc(
    _self: Tensor, ufunc: Any, call: str, first: Any, *others: Any, **kwargs: Any
) -> Any:
    """Record a call of a NumPy ufunc."""
    try:
        if call == "__call__":
            if not kwargs:
                record = UFUNCS.get(ufunc)
                if record is not None:
                    # one argument spelt out: unpacking a tuple costs as much as the lookup
                    return record(first, *others) if others else record(first)
            if more_rows() or (ufunc in UFUNCS and not kwargs):
                return _array_ufunc(_self, ufunc, call, first, *others, **kwargs)
            if kwargs and kwargs.keys() <= _options(ufunc):
                return UFUNCS[ufunc](first, *others, **kwargs)
            _refuse_ufunc(ufunc, kwargs)
        if not UFUNC_METHODS:
            more_rows()
        return UFUNC_METHODS[call](ufunc, first, *others, **kwargs)
    except Exception as error:
        arrays = {k: one for k, one in kwargs.items() if k != "out" and hasattr(one, "shape")}
        noted(error, ufunc.__name__, (first, *others), arrays)
        raise


def _array_function(self: Tensor, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """Record a call of any other NumPy function."""
    try:
        record = FUNCTIONS.get(function)
        if record is None:
            if more_rows() or function in FUNCTIONS:
                # not function(*args): NumPy has taken like= away
                return _array_function(self, function, types, args, kwargs)
            _refuse(function, f"{function.__module__}.{function.__name__}")
        return record(*args, **kwargs)
    except Exception as error:
        noted(error, function.__name__, args, kwargs)
        raise


def _array_namespace(_self: Tensor, /, *, api_version: Any = None) -> Any:
    """Return the functions for Tensors, as libraries ask for them by the array API: NumPy's."""
    return np.empty(0).__array_namespace__(api_version=api_version)


def _options(ufunc: Any) -> set[str]:
    """Return the keywords that the composition for a ufunc takes; none where that is a rule."""
    return {*signature(COMPOSED[ufunc].record).parameters} if ufunc in COMPOSED else set()


def refuse_out(name: str, out: Any) -> None:
    """Raise if `out`, an array that the function `name` is to write into, is given.

    Raises
    ------
    UnsupportedFunctionError
        Saying what to do instead.
    """
    if out is not None:
        raise UnsupportedFunctionError(
            f"{name}: out= would overwrite a value outside the graph; use the result instead"
        )


def _refuse(function: Any, name: str) -> NoReturn:
    remedy = REFUSED.get(function) or REFUSED.get(getattr(function, "__module__", None))
    if remedy is not None:
        raise UnsupportedFunctionError(f"{name} takes no Tensors; {remedy}")
    raise UnsupportedFunctionError(
        f"{name} has no derivative rule for Tensors; compose it from functions that have one, give"
        " it one with tg.differentiable, or pass .detach() where no gradient is wanted"
    )


def _qualified(ufunc: Any) -> str:
    """Return the name of a ufunc with its module, which no ufunc knows of itself."""
    name: str = ufunc.__name__
    for module in ("numpy", "scipy.special"):
        if getattr(sys.modules.get(module), name, None) is ufunc:
            return f"{module}.{name}"
    return name


_REMEDIES = {
    "where": "numpy.where",
    "dtype": ".astype",
    "axis": "numpy.moveaxis, to make this axis the last,",
    "axes": "numpy.moveaxis, to make these axes the last,",
    "keepdims": "numpy.expand_dims",
}


def _refuse_ufunc(ufunc: Any, kwargs: dict[str, Any]) -> NoReturn:
    name = _qualified(ufunc)
    if ufunc not in UFUNCS:
        _refuse(ufunc, name)
    if "out" in kwargs:
        raise UnsupportedFunctionError(
            f"{name}: out= (also array += tensor) would overwrite a value outside the graph; write"
            " array = array + tensor"
        )
    remedies = [f"{_REMEDIES[key]} for {key}=" for key in kwargs if key in _REMEDIES]
    remedy = f"; use {', '.join(remedies)}" if remedies else ""
    raise UnsupportedFunctionError(
        f"{name}: {', '.join(kwargs)} is not supported on Tensors{remedy}"
    )


method("__array_ufunc__", _array_ufunc)
method("__array_function__", _array_function)
method("__array_namespace__", _array_namespace)
