"""Gradients held within bounds before a step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.guards import guard
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.errors import DataError


@answers
def clip_grad_norm(params: Iterable[Tensor], limit: float) -> float:
    """Scale all gradients together so that their norm is at most `limit`.

    Parameters
    ----------
    params : iterable of Tensor
        Leaves; those without a gradient are left out.
    limit : float
        Of the Euclidean norm of all gradients as one vector, above 0.

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    DataError
        If the norm is infinite or NaN: no scale would mend that.  Nothing has been changed.

    Notes
    -----
    Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks",
    algorithm 1.
    """
    limit = _limit("clip_grad_norm", limit)
    found = _with_gradients(params)
    if any(hasattr(grad._value, "guard") for _, grad in found):
        traced: float = _clip_traced(found, limit)  # a number, once there is one
        return traced
    norm = norm_of([np.asarray(grad._value, float) for _, grad in found])
    _require_finite(norm)
    if norm > limit:
        scale = limit / norm
        for param, grad in found:
            param.grad = wrap(grad._value * scale)
    return norm


def _clip_traced(found: list[tuple[Tensor, Tensor]], limit: float) -> Any:
    """Do `clip_grad_norm` to gradients that have no numbers yet, and return the norm likewise."""
    arrays = [grad._value.astype(np.float64) for _, grad in found]
    largest = np.max(np.stack([np.max(np.abs(one)) for one in arrays]))
    unit = np.where(largest > 0.0, largest, 1.0)
    norm = unit * np.sqrt(sum(np.sum((one / unit) ** 2) for one in arrays))
    guard(norm, _require_finite)
    scale = np.where(norm > limit, limit / norm, 1.0)
    for param, grad in found:
        param.grad = wrap(grad._value * scale.astype(grad.dtype))
    return norm


@answers
def clip_grad_value(params: Iterable[Tensor], limit: float) -> None:
    """Bring every element of the gradients into the range from ``-limit`` to ``limit``.

    Parameters
    ----------
    params : iterable of Tensor
        Leaves; those without a gradient are left out.
    limit : float
        Above 0.
    """
    limit = _limit("clip_grad_value", limit)
    for param, grad in _with_gradients(params):
        param.grad = wrap(np.clip(grad._value, -limit, limit))


def _require_finite(norm: Any) -> None:
    if not math.isfinite(norm):
        raise DataError(f"clip_grad_norm: the norm of the gradients is {norm}; tg.debug finds why")


def _with_gradients(params: Iterable[Tensor]) -> list[tuple[Tensor, Tensor]]:
    if isinstance(params, Tensor):
        params = [params]
    params = list(params)
    for i, param in enumerate(params):
        if not isinstance(param, Tensor):
            kind = type(param).__name__
            raise TypeError(
                f"clipping: parameter {i} is a {kind}; expected a Tensor: pass .parameters()"
            )
    return [(param, grad) for param in params if (grad := param.grad) is not None]


def norm_of(arrays: list[Any]) -> float:
    """Return the norm of all elements: of numbers up to 1, as squares of others might overflow."""
    largest = float(np.max([np.max(np.abs(array), initial=0.0) for array in arrays], initial=0.0))
    if not 0.0 < largest < math.inf:
        return largest
    return largest * math.hypot(*(np.linalg.norm(array / largest) for array in arrays))


def _limit(name: str, limit: float) -> float:
    if isinstance(limit, bool) or not (isinstance(limit, Real) and 0.0 < limit < math.inf):
        raise ValueError(f"{name}: limit={limit!r}; expected a finite number above 0")
    return float(limit)
