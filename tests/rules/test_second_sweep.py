"""Second derivatives at zeros, ones and ties, over the whole table: right, or not a number.

Where the slopes on either side of a point tell that the square of a function is twice
differentiable along a line, the second derivative has to be what they tell.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sampling import Case, cases, directions, each

import tinygrad_bp as tg
from tinygrad_bp.errors import TinygradError

# Of equal or vanishing singular values and eigenvalues the vectors are LAPACK's choice.
DEGENERATE = {"svdvals", "packed_svd", "eigvals", "packed_qr"}
CASES = [
    one
    for one in cases()
    if one.rule.name not in DEGENERATE and all(x.size > 0 for x in one.arrays)
]
FIRST = list({one.rule.name: one for one in reversed(CASES)}.values())  # of each row
STEP = 1e-4
POINTS = {
    "zeros": [0.0],
    "ones": [1.0],
    "zeros and ones": [0.0, 1.0, 1.0],
    "less than ones": [-1.0, 1.0, 0.0, 0.0],
}
# Along which lines, equal or different steps of the elements; both there, by default one of them
USUAL = {"zeros": [False], "zeros and ones": [True]}
LINES = {name: [True, False] for name in POINTS}


def beside(slope: Any, at: float) -> float | None:
    """Return the second derivative at 0 that the slopes on both sides tell; None if they differ."""
    found = []
    for step in (STEP, STEP / 4):
        high, low = slope(step), slope(-step)
        found += [(high - at) / step, (at - low) / step, (high - low) / (2 * step)]
    spread = max(found) - min(found)
    middle = found[-1]
    return middle if np.all(np.isfinite(found)) and spread <= 1e-2 * (1 + abs(middle)) else None


@each(FIRST)
def test_the_square_of_a_row(one: Case) -> None:
    sweep(one, USUAL)


@pytest.mark.deep
@each(CASES)
def test_the_square_of_every_call_at_every_point(one: Case) -> None:
    sweep(one, LINES)


def sweep(one: Case, lines: dict[str, list[bool]]) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name, kinds in lines.items():
            arrays = [np.resize(POINTS[name], x.shape)[()] * 1.0 for x in one.arrays]
            for equal in kinds:
                line = [np.ones(x.shape)[()] for x in arrays] if equal else directions(arrays)
                try:
                    check(one, name, arrays, line)
                except (TinygradError, np.linalg.LinAlgError, ValueError):
                    continue  # no point of its domain


def check(one: Case, name: str, arrays: list[Any], line: list[Any]) -> None:
    value = one.run(one.rule.function, arrays)
    if not np.all(np.isfinite(value)) or value.dtype.kind != "f":
        return
    weights = np.random.default_rng(0).uniform(1, 2, value.shape)
    for shift in (np.zeros(value.shape), value):

        def f(t: Any, shift: Any = shift) -> Any:
            moved = [x + t * d for x, d in zip(arrays, line, strict=True)]
            return np.sum(weights * (one.run(one.rule.function, moved) - shift) ** 2)

        if abs(f(STEP) - f(-STEP)) > 1e-2 or abs(f(STEP) - f(0.0)) > 1e-2:
            continue  # a step
        slope = tg.grad(f)
        second = beside(slope, slope(0.0))
        if second is None:
            continue
        for got in (tg.grad(slope)(0.0), tg.hessian(f)(0.0)):
            wrong = not np.isnan(got) and abs(got - second) > 0.03 * (1 + abs(second))
            assert not wrong, (name, float(got), float(second))
