"""float32: its gradients against those in float64, which the oracle has proven."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.testing.directions import direction, sizes
from tinygrad_bp.testing.engine import slopes_in_gradient
from tinygrad_bp.testing.kinks import HIDDEN, SAFETY
from tinygrad_bp.testing.noise import roughness
from tinygrad_bp.testing.oracles import EPSILON
from tinygrad_bp.testing.subject import Signature

if TYPE_CHECKING:
    from tinygrad_bp.testing.examination import Examination

SINGLE = 1e-4  # of the largest element: a thousand ulp of float32
SPACING = (1e-3,)  # between points that are distinct in float32


def check_single_precision(call: Signature, examination: Examination) -> None:
    """Compare float32 gradients with the float64 ones; does nothing for other arguments.

    Raises
    ------
    GradientMismatch
        If one is no float32, or differs by more than its rounding.
    """
    if not any(np.finfo(one).bits == 32 for one in call.narrow):
        return
    flat = [x.astype(dtype)[()] for x, dtype in zip(call.point, call.narrow, strict=True)]
    away = [direction(x, np.random.default_rng(0)) for x in call.point]
    value = np.asarray(unwrap(call(*call.point)))
    hidden = HIDDEN / EPSILON * float(np.finfo(np.float32).eps * np.sum(np.abs(value)))
    found, exact = slopes_in_gradient(call, flat), slopes_in_gradient(call, call.point)

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
        allowed = SINGLE * np.max(np.abs(wanted), initial=0.0) + hidden / sizes(x)
        if np.all(np.abs(got - wanted) <= allowed):
            continue
        noise = roughness(partial(moving, a), SPACING)
        off = np.abs(got - wanted) - allowed - SAFETY * noise
        if np.any(~(off <= 0)):
            index = np.unravel_index(int(np.argmax(off)), np.shape(wanted))
            examination.refuse(
                f"{call.name}: the float32 gradient of {label} at index"
                f" {tuple(map(int, index))} is {got[index]:.6g}, in float64 {wanted[index]:.6g}",
                argument=label,
                expected=float(wanted[index]),
                got=float(got[index]),
            )
