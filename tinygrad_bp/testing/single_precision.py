"""float32: its gradients against those in float64, which the oracle has proven."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.testing.directions import direction, sizes
from tinygrad_bp.testing.engine import slopes_in_gradient
from tinygrad_bp.testing.errors import UncheckablePointError
from tinygrad_bp.testing.kinks import HIDDEN, SAFETY
from tinygrad_bp.testing.noise import roughness
from tinygrad_bp.testing.oracles import EPSILON
from tinygrad_bp.testing.subject import Flat, Signature

if TYPE_CHECKING:
    from tinygrad_bp.testing.examination import Examination

SINGLE = 1e-4  # of the largest element: a thousand ulp of float32
LAST_DIGIT = float(np.finfo(np.float32).eps)
LAST_DIGITS = 4  # times the last digits of the arguments are changed
SPACING = (1e-3,)  # between points that are distinct in float32


def check_single_precision(call: Signature, examination: Examination) -> None:
    """Compare float32 gradients with the float64 ones; does nothing for other arguments.

    Raises
    ------
    GradientMismatch
        If one is no float32, or differs by more than its rounding.
    UncheckablePointError
        If the function raises in float32, or has no digits there.
    """
    if not any(np.finfo(one).bits == 32 for one in call.narrow):
        return
    flat = [x.astype(dtype)[()] for x, dtype in zip(call.point, call.narrow, strict=True)]
    away = [direction(x, np.random.default_rng(0)) for x in call.point]
    value = np.asarray(unwrap(call(*call.point)))
    hidden = HIDDEN / EPSILON * float(LAST_DIGIT * np.sum(np.abs(value)))
    exact = slopes_in_gradient(call, call.point)
    lost = _lost(call, flat, value, exact)
    found = slopes_in_gradient(call, flat)

    def moving(a: int, t: float) -> object:
        point = [
            (x + t * d).astype(dtype)[()]
            for x, d, dtype in zip(call.point, away, call.narrow, strict=True)
        ]
        return slopes_in_gradient(call, point)[a].astype(float)

    for a, (label, x, got, wanted) in enumerate(zip(call.labels, flat, found, exact, strict=True)):
        if got.dtype != x.dtype:
            examination.refuse(
                f"{call.name}: the gradient of {label} is {got.dtype}, the argument {x.dtype}"
            )
        largest = np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
        allowed = SINGLE * largest + hidden / sizes(x)
        with np.errstate(invalid="ignore"):
            apart = np.where(got == wanted, 0.0, np.abs(got - wanted))  # both infinite: the same
        if np.all(apart <= allowed):
            continue
        noise = roughness(partial(moving, a), SPACING) + lost * largest
        noise = noise + _spread(call, flat, a)
        off = apart - allowed - SAFETY * noise
        if np.any(~(off <= 0)):
            index = np.unravel_index(int(np.argmax(off)), np.shape(wanted))
            examination.refuse(
                f"{call.name}: the float32 gradient of {label} at index"
                f" {tuple(map(int, index))} is {got[index]:.6g}, in float64 {wanted[index]:.6g}",
                argument=label,
                expected=float(wanted[index]),
                got=float(got[index]),
            )


def _lost(call: Signature, flat: Flat, exact: Any, slopes: Flat) -> float:
    """Return the part of the function's own value that float32 loses."""
    try:
        value = np.asarray(unwrap(call(*flat)))
    except Exception as error:
        raise UncheckablePointError(
            f"{call.name}: in float32 it raises {type(error).__name__}: {error}"
        ) from error
    off = float(np.max(np.abs(value - exact), initial=0.0))
    moves = sum(float(np.sum(np.abs(s * x))) for s, x in zip(slopes, call.point, strict=True))
    if off <= SAFETY * LAST_DIGIT * moves:  # no more than the arguments' rounding
        return 0.0
    lost = off / (float(np.max(np.abs(exact), initial=0.0)) or 1.0)
    if not lost <= 1 / SAFETY:
        raise UncheckablePointError(
            f"{call.name}: in float32 its own value is off by {lost:.1g} of it; pass .astype(float)"
        )
    return lost


def _spread(call: Signature, flat: Flat, a: int) -> Any:
    """Return by how much the last digits of float32 arguments change a gradient, in either dtype.

    What float32 loses on its way shows in its own gradients; where it has lost all they agree, but
    then those in float64 do not.
    """
    rng = np.random.default_rng(0)
    found: list[Any] = []
    for _ in range(LAST_DIGITS):
        signs = [2 * LAST_DIGIT * rng.choice([-1.0, 1.0], np.shape(x)) for x in flat]
        near = [(x + sizes(x) * s).astype(x.dtype)[()] for x, s in zip(flat, signs, strict=True)]
        wide = [x.astype(np.result_type(x, np.float64))[()] for x in near]
        with suppress(Exception):  # out of its domain the user's function may raise
            both = [slopes_in_gradient(call, point)[a] for point in (near, wide)]
            found.append([one.astype(wide[a].dtype) for one in both])
    if not found:
        return 0.0
    return np.max(np.abs(np.array(found) - found[0]), axis=(0, 1))
