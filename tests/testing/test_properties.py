"""`gradients_hold`: what it draws, and what it says."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.testing import GradientMismatch, UncheckableError, gradients_hold


def sine(slope: Any) -> Any:
    """A sine whose derivative is multiplied by ``slope(x)``."""
    return tg.differentiable(np.sin, vjp=lambda ct, out, x: ct * np.cos(x) * slope(x))


@pytest.mark.parametrize(
    "f",
    [np.tanh, np.logaddexp, np.square, np.clip, tg.sigmoid, tg.softmax, tg.logsumexp, tg.gelu],
    ids=lambda f: f.__name__,
)
def test_a_function_is_drawn_the_arguments_that_it_needs(f: Any) -> None:
    gradients_hold(examples=5)(f)()


def test_arguments_with_a_default_keep_it() -> None:
    @gradients_hold(examples=5)
    def scaled(x: Any, scale: Any = 2.0, *, shift: Any = 1.0) -> Any:
        assert (scale, shift) == (2.0, 1.0)
        return scale * np.sin(x) + shift

    scaled()

    @gradients_hold(examples=5)
    def defaulted(x: Any = 1.0) -> Any:
        return np.sin(x)

    defaulted()


def test_what_accepts_nothing_is_asked_a_hundred_times() -> None:
    calls = 0

    @gradients_hold()
    def picky(x: Any) -> Any:
        nonlocal calls
        calls += 1
        raise ValueError("two, please")

    with pytest.raises(UncheckableError, match=r"picky: it accepts none .*two, please"):
        picky()
    assert calls <= 200  # each time it is tried with Tensors as well


@pytest.mark.parametrize("shape", [(1,), (2, 3, 2)])
@pytest.mark.parametrize("arguments", [1, 2])
def test_a_slope_that_is_wrong_for_one_shape_alone_is_caught(shape: Any, arguments: int) -> None:
    wrong = sine(lambda x: 2.0 if np.shape(x) == shape else 1.0)
    f = wrong if arguments == 1 else lambda x, y: wrong(x) * y
    with pytest.raises(GradientMismatch):
        gradients_hold()(f)()


@pytest.mark.parametrize(
    ("least", "sign", "shapes"),
    [
        (30, 1, ()),
        (3, -1, (("m",),)),
        *(
            pytest.param(*one, marks=pytest.mark.deep)
            for one in product([30, 3], [1, -1], [(), (("m",),)])
        ),
    ],
)
def test_a_slope_that_is_wrong_only_far_out_is_caught(least: int, sign: int, shapes: Any) -> None:
    wrong = sine(lambda x: np.where(sign * x > least, 2.0, 1.0))
    with pytest.raises(GradientMismatch):
        gradients_hold(*shapes)(lambda x: wrong(x))()


def test_a_domain_is_kept() -> None:
    wrong = sine(lambda x: np.where(np.abs(x) > 2.5, 2.0, 1.0))  # not far from it is looked at too
    gradients_hold(domain=(-2.0, 2.0))(lambda x: wrong(x))()


@pytest.mark.parametrize("shapes", [("m",), ("m", 3), ("m", "n")])
def test_what_fails_everywhere_shrinks_to_one_element(shapes: Any) -> None:
    @gradients_hold(shapes)
    def broken(x: Any) -> Any:
        return sine(lambda x: 2.0 + 0 * x)(x) if x.size else empty(x)

    def pull(ct: Any, out: Any, x: Any) -> Any:
        raise GradientMismatch("with nothing in it")

    empty = tg.differentiable(np.sin, vjp=pull)
    with pytest.raises(GradientMismatch) as caught:
        broken()
    assert caught.value.index == (0,) * len(shapes)
    numbers = re.search(r"check_grads\(f, np.array\(\[(.*?)\]", str(caught.value))[1]
    assert len(numbers.split(",")) == np.prod([1 if isinstance(n, str) else n for n in shapes])


def test_the_report_ends_with_its_headline_and_calls_arguments_by_their_names() -> None:
    @gradients_hold((3,), (3,))
    def product(left: Any, right: Any) -> Any:
        return left * sine(lambda x: 2.0)(right)

    with pytest.raises(GradientMismatch) as caught:
        product()
    lines = str(caught.value).splitlines()
    assert lines[0] == lines[-1]
    assert "'right'" in lines[0]
    assert not getattr(caught.value, "__notes__", [])  # of a name that is not the user's


@pytest.mark.parametrize(
    "slope",
    [
        lambda x: np.where(np.abs(x) > 100, 0.5, 1.0),
        lambda x: np.where(np.abs(x) < 1e-4, 0.5, 1.0),
    ],
    ids=["of large numbers", "of small numbers"],
)
def test_a_slope_that_is_wrong_of_some_sizes_alone_is_caught(slope: Any) -> None:
    square = tg.differentiable(lambda x: x * x, vjp=lambda ct, _out, x: ct * 2 * x * slope(x))
    with pytest.raises(GradientMismatch):
        gradients_hold(order=1)(square)()


def test_what_is_wrong_of_matrices_alone_is_caught() -> None:
    raveled = tg.differentiable(
        np.ravel, vjp=lambda ct, _out, x: np.transpose(np.reshape(ct, x.shape[::-1]))
    )
    with pytest.raises(GradientMismatch):
        gradients_hold(order=1)(raveled)()
