"""`tg.hook`: a user's function on a cotangent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from words import READ_ONLY

import tinygrad_bp as tg
from tinygrad_bp.errors import ShapeError

X = np.array([0.5, -2.0, 3.0])


def test_it_sees_the_complete_cotangent_once() -> None:
    seen = []
    x = tg.tensor(X, requires_grad=True)
    y = tg.hook(x * 2.0, seen.append)
    np.sum(y * y + 3.0 * y).backward()
    (ct,) = seen
    assert isinstance(ct, tg.Tensor)
    np.testing.assert_allclose(ct.numpy(), 4 * X + 3)
    np.testing.assert_allclose(x.grad.numpy(), 2 * (4 * X + 3))


def test_what_it_returns_goes_on() -> None:
    x = tg.tensor(X, requires_grad=True)
    tg.hook(x, lambda ct: np.clip(ct, -1.0, 1.0)).__mul__(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.clip(X, -1, 1) + X)


def test_what_it_returns_is_differentiated_again() -> None:
    def f(x: Any) -> Any:
        return np.sum(tg.hook(x, lambda ct: ct * x) ** 2)  # the slope 2 x becomes 2 x x

    np.testing.assert_allclose(tg.grad(f)(X), 2 * X * X)
    # of 2 h x, with h the hooked x: 2 h + 2 x, of which the second part comes by the hook again
    np.testing.assert_allclose(tg.grad(lambda x: np.sum(tg.grad(f)(x)))(X), 2 * X + 2 * X * X)


def test_forward_mode_and_arrays_pass_by() -> None:
    def forbidden(_ct: Any) -> Any:
        raise AssertionError

    assert tg.hook(X, forbidden) is X
    value, tangent = tg.jvp(lambda x: tg.hook(x, forbidden) * 2.0, (X,), (np.ones(3),))
    np.testing.assert_array_equal(value, 2 * X)
    np.testing.assert_array_equal(tangent, [2.0, 2.0, 2.0])


@pytest.mark.parametrize("answer", [lambda ct: np.sum(ct), lambda ct: ct[:1], lambda _ct: 3.0])
def test_another_shape_is_refused(answer: Any) -> None:
    x = tg.tensor(X, requires_grad=True)
    y = np.sum(tg.hook(x, answer))
    with pytest.raises(ShapeError, match=r"hook: the cotangent has shape \(3,\)"):
        y.backward()
    assert x.grad is None


def test_the_dtype_stays() -> None:
    x = tg.tensor(X, dtype=np.float32, requires_grad=True)
    np.sum(tg.hook(x, lambda ct: ct.numpy().astype(float))).backward()
    assert x.grad.dtype == np.float32


def test_an_array_that_it_returns_may_change_later() -> None:
    x, mine = tg.tensor(X, requires_grad=True), np.array([1.0, 2.0, 3.0])
    np.sum(tg.hook(x, lambda _ct: mine)).backward()
    mine[:] = 99.0
    assert x.grad.tolist() == [1.0, 2.0, 3.0]


def test_a_hook_cannot_write_into_the_cotangent() -> None:
    def write(ct: tg.Tensor) -> None:
        with pytest.raises(ValueError, match=READ_ONLY):
            ct.numpy()[:] = 0.0
        ct[0] = 100.0  # rebinds the hook's own Tensor

    x = tg.tensor(X, requires_grad=True)
    np.sum(tg.hook(x, write)).backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
