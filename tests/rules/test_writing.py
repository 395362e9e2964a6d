"""Writing elements of a Tensor, in every way that NumPy has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg

Write = Callable[[Any, Any], Any]
MASK = np.array([True, False, True, True])
MATRIX = np.array([[True, False], [True, True]])

# Ways to write three numbers into an array of four, or of two by two.
WAYS: dict[str, Write] = {
    "a number": lambda y, z: y.__setitem__(1, z[0]),
    "a slice": lambda y, z: y.__setitem__(slice(1, None), z),
    "a step": lambda y, z: y.__setitem__(slice(None, None, -2), z[:2]),
    "all": lambda y, z: y.__setitem__(..., z[0]),
    "a mask": lambda y, z: y.__setitem__(MASK, z),
    "places": lambda y, z: y.__setitem__([3, 0, 2], z),
    "twice, one over the other": lambda y, z: (
        y.__setitem__(slice(3), z),
        y.__setitem__(slice(1, 3), y[:2] * z[1]),
    ),
    "put": lambda y, z: np.put(y, [3, 0, 2], z),
    "put, wrapped": lambda y, z: np.put(y, [7, 0, 2], z, mode="wrap"),
    "the method": lambda y, z: y.put([1, 0, 2], z),
    "copyto": lambda y, z: np.copyto(y, np.concatenate([z, z[:1]]), casting="unsafe"),
    "copyto, where": lambda y, z: np.copyto(y, z[1], casting="unsafe", where=MASK),
    "put_along_axis": lambda y, z: np.put_along_axis(y, np.array([3, 1, 0]), z, 0),
    "put_along_axis, of none": lambda y, z: np.put_along_axis(y, np.array([3, 1, 0]), z, None),
}
SQUARE_WAYS: dict[str, Write] = {
    "a matrix, one index": lambda y, z: y.__setitem__((0, 1), z[2]),
    "a matrix, a column": lambda y, z: y.__setitem__((slice(None), 1), z[:2]),
    "a matrix, a mask": lambda y, z: y.__setitem__(MATRIX, z),
    "a matrix, places": lambda y, z: y.__setitem__(([0, 1], [1, 0]), z[1:]),
    "fill_diagonal": lambda y, z: np.fill_diagonal(y, z[:2]),
    "put_along_axis, of rows": lambda y, z: np.put_along_axis(
        y, np.array([[0], [1]]), np.reshape(z[:2], (2, 1)), 1
    ),
    "a matrix, put": lambda y, z: np.put(y, [3, 0, 2], z),
}
EVERY = {
    **{name: (way, (4,)) for name, way in WAYS.items()},
    **{name: (way, (2, 2)) for name, way in SQUARE_WAYS.items()},
}

# Writing a complex number into a real array drops its imaginary part, and NumPy warns


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("name", EVERY)
def test_a_complex_value_in_a_real_tensor(name: str) -> None:
    """The gradient is that of the real part, all that is left of the value."""
    way, shape = EVERY[name]
    rng = np.random.default_rng(29)
    x = rng.normal(size=shape)
    z, v = (rng.normal(size=3) + 1j * rng.normal(size=3) for _ in range(2))
    w = rng.normal(size=shape) + 1j * rng.normal(size=shape)

    def loss(x: Any, z: Any) -> Any:
        y = tg.tensor(x) if isinstance(z, tg.Tensor) and not isinstance(x, tg.Tensor) else x * 1.0
        way(y, z)
        assert y.dtype == float
        return np.real(np.sum(y * y * w))

    step = 1e-4  # of a polynomial of degree 4 in numbers of about 1
    slope = [
        (loss(x, z + step * one) - loss(x, z - step * one)) / (2 * step)
        for one in (*np.eye(3), *(1j * np.eye(3)))
    ]
    wanted = np.array(slope[:3]) - 1j * np.array(slope[3:])
    for found in (tg.grad(loss, 1)(x, z), tg.grad(loss, (0, 1))(x, z)[1]):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    for pushed in (
        tg.jvp(lambda z: loss(x, z), (z,), (v,))[1],
        tg.jvp(loss, (x, z), (np.zeros(shape), v))[1],
    ):
        assert pushed == pytest.approx(float(np.real(np.sum(wanted * v))), rel=1e-6)
