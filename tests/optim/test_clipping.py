"""Bounds for gradients: what they leave alone, what they scale, and what no scale mends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp.errors import DataError
from tinygrad_bp.optim import clip_grad_norm, clip_grad_value


def leaves(*grads: Any) -> list[tg.Tensor]:
    found = []
    for grad in grads:
        found.append(tg.tensor(np.zeros(np.shape(grad or 0.0)), requires_grad=True))
        found[-1].grad = None if grad is None else tg.tensor(grad)
    return found


NUMBERS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4)


@given(st.lists(NUMBERS, min_size=1, max_size=3), st.floats(1e-3, 1e3))
def test_the_norm_of_all_gradients_is_held(grads: list[list[float]], limit: float) -> None:
    params = leaves(*grads, None)
    norm = math.hypot(*(g for grad in grads for g in grad))
    assert clip_grad_norm(params, limit) == pytest.approx(norm, rel=1e-12, abs=1e-320)
    scale = min(1.0, limit / norm) if norm else 1.0
    for param, grad in zip(params, grads, strict=False):
        np.testing.assert_allclose(param.grad.numpy(), np.multiply(grad, scale), rtol=1e-12)
    assert params[-1].grad is None


@given(NUMBERS, st.floats(1e-3, 1e3))
def test_every_element_is_held(grad: list[float], limit: float) -> None:
    (param,) = leaves(grad)
    clip_grad_value([param], limit)
    np.testing.assert_array_equal(param.grad.numpy(), [max(-limit, min(g, limit)) for g in grad])


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_the_gradient_that_was_there_is_not_written_to(clip: Any) -> None:
    (param,) = leaves([3.0, 4.0])
    before = param.grad
    clip(param, 1.0)
    assert before.tolist() == [3.0, 4.0]
    assert param.grad.tolist() != [3.0, 4.0]
    assert param.grad.dtype == param.dtype


def test_huge_gradients_have_a_norm() -> None:
    (param,) = leaves([1e200, 1e200])
    assert clip_grad_norm([param], 1.0) == pytest.approx(math.sqrt(2) * 1e200)
    np.testing.assert_allclose(param.grad.numpy(), [math.sqrt(0.5)] * 2)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_what_no_scale_mends_is_said_and_left(bad: float) -> None:
    params = leaves([5.0], [bad])
    with pytest.raises(DataError, match=f"the norm of the gradients is {bad}"):
        clip_grad_norm(params, 1.0)
    assert params[0].grad.tolist() == [5.0]


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
@pytest.mark.parametrize("limit", [0, -1.0, np.inf, np.nan, "1", True, None])
def test_a_limit_is_a_number_above_zero(clip: Any, limit: Any) -> None:
    with pytest.raises(ValueError, match=r"limit=.*; expected a finite number above 0"):
        clip(leaves([1.0]), limit)
