"""A module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn import Module


def with_parameters(module: Any, parameters: Sequence[Tensor], values: Sequence[Any]) -> Any:
    """Return the like of a module with other values for its parameters; the module stays as it is.

    Parameters
    ----------
    module : Module
    parameters : sequence of Tensor
        Its parameters.  One that is found in two places is replaced in both.
    values : sequence
        What takes their places: arrays or Tensors.

    Returns
    -------
    Module
        Of the same class; what holds no parameter is shared with the given one.
    """
    new = {id(old): value for old, value in zip(parameters, values, strict=True)}
    return _rebuilt(module, new)


def _rebuilt(value: Any, new: dict[int, Any]) -> Any:
    if id(value) in new:
        return new[id(value)]
    if isinstance(value, Module):
        twin = new[id(value)] = object.__new__(type(value))
        twin.__dict__.update({key: _rebuilt(one, new) for key, one in vars(value).items()})
        return twin
    if isinstance(value, dict):
        return {key: _rebuilt(one, new) for key, one in value.items()}
    if isinstance(value, list):
        return [_rebuilt(one, new) for one in value]
    if isinstance(value, tuple):
        built = [_rebuilt(one, new) for one in value]
        return type(value)(*built) if hasattr(value, "_fields") else tuple(built)
    return value
