"""Rows of functions that have no derivative in some of their arguments: an order, a shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import Recorder, Sample, call
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.errors import TrackedTensorError


def parametric(function: Any, parameters: str, pull: Callable[..., Any], **record: Any) -> Recorder:
    """Add a function that is differentiated in its last argument alone.

    Parameters
    ----------
    function : ufunc or callable
        Of the parameters and one argument more.
    parameters : str
        Names of the parameters, for messages: ``"a b"``.
    pull : callable
        The rule of the last argument.
    **record
        Further fields of `Rule`.
    """
    names = parameters.split()
    name = record.get("name", function.__name__)

    def bind(*args: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        if len(args) != len(names) + 1:
            raise TypeError(f"{name}: takes {len(names) + 1} arguments, got {len(args)}")
        for parameter, arg in zip(names, args, strict=False):
            if type(arg) is Tensor and arg.requires_grad:
                raise TrackedTensorError(
                    f"{name}: has no derivative rule in {parameter}; pass its .detach()"
                )
        *fixed, x = args
        return (*[_widened(one, x) for one in fixed], x), ()

    record.setdefault("family", pull.__module__)  # not this module, which adds no row by itself
    return elementwise(function, *[None] * len(names), pull, bind=bind, **record)


def _widened(parameter: Any, x: Array) -> Array:
    """Return a parameter that is a floating array as precise as `x`, as SciPy computes with it.

    The rules compute with it too: a float32 order less 1 would be rounded to float32.
    """
    parameter = unwrap(parameter)
    kind = getattr(parameter, "dtype", np.dtype(bool)).kind
    if kind != "f" or not hasattr(x, "dtype"):
        return parameter
    real = np.finfo(x.dtype).dtype if x.dtype.kind == "c" else x.dtype
    return parameter.astype(np.result_type(parameter, real), copy=False)


def at(*parameters: float) -> tuple[Sample, ...]:
    """Return calls of a parametric function at these parameters, also broadcasting and of nothing.

    The parameters stand first, as float32: SciPy makes float64 of a float32 argument beside a
    number of Python's.
    """
    first, *others = map(np.float32, parameters)
    return (
        call(first, *others, (3,)),
        call(np.full((2, 1), first), *others, (3,)),
        call(first, *others, ()),
        call(first, *others, (0, 3)),
    )
