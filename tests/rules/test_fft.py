"""Fourier transforms: complex signals, every argument, several axes, and the definition."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from oracles import EXACT, pairing, richardson, same
from sampling import without_calls
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.dispatch import FUNCTIONS
from tinygrad_bp.engine.nodes import ancestors
from tinygrad_bp.errors import ShapeError, UnsupportedFunctionError

NORMS = (None, "backward", "ortho", "forward")
# Functions whose signal is real; the others take complex numbers, of which a real one is a case.
OF_REAL = ("rfft", "rfft2", "rfftn", "ihfft")
# Shape of the signal and the arguments: as it is, cut, filled with zeros, along another axis.
LINES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((6,), {}),
    ((5,), {}),
    ((2,), {}),
    ((2, 6), {"n": 3}),
    ((2, 5), {"n": 8}),
    ((5, 2), {"n": 7, "axis": 0}),
    ((2, 5, 2), {"n": 4, "axis": -2}),
)
PLANES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((3, 4), {}),
    ((2, 3, 3), {}),
    ((3, 5), {"s": (4, 3), "axes": (0, 1)}),
    ((2, 3, 4), {"axes": (0, 2)}),
    ((2, 3, 4), {"s": (3, -1), "axes": (2, 0)}),
    ((2, 5), {"axes": (-1,)}),
)
SHIFTS: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((5,), {}),
    ((3, 4), {}),
    ((3, 4), {"axes": 0}),
    ((3, 4, 5), {"axes": (-1, 0)}),
)
CALLS: dict[str, tuple[tuple[tuple[int, ...], dict[str, Any]], ...]] = {
    **dict.fromkeys(("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"), LINES),
    **dict.fromkeys(("fftn", "ifftn", "rfftn", "irfftn"), PLANES),
    **dict.fromkeys(("fft2", "ifft2", "rfft2", "irfft2"), PLANES[:3]),
    **dict.fromkeys(("fftshift", "ifftshift"), SHIFTS),
}


def with_norms(name: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return `options` with each norm where the function takes one."""
    if name.endswith("shift"):
        return [options]
    norms = NORMS if CALLS[name] is LINES else ("ortho", "forward")  # handed down as they are
    return [options | ({} if norm is None else {"norm": norm}) for norm in norms]


def rows(kinds: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(name, shape, options, kind, id=f"{name}-{shape}-{options}-{kind}")
        for name, calls in CALLS.items()
        for shape, one in calls
        for options in with_norms(name, one)
        for kind in kinds
        if kind == "d" or name not in OF_REAL
    ]


def signal(shape: tuple[int, ...], kind: str, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed + sum(shape))
    signal = rng.normal(size=shape)
    return signal + 1j * rng.normal(size=shape) if kind == "D" else signal


def weighted(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the real part of a sum of squares and of a complex linear form of what `f` gives."""

    def loss(x: Any) -> Any:
        out = f(x)
        rng = np.random.default_rng(3)
        weight = rng.normal(size=out.shape) + 1j * rng.normal(size=out.shape)
        return np.sum(np.real(out * weight + out * out * weight))

    return loss


@together
@pytest.mark.parametrize(("name", "shape", "options", "kind"), rows(("d", "D")))
def test_values_and_derivatives(
    name: str, shape: tuple[int, ...], options: dict[str, Any], kind: str
) -> None:
    def f(x: Any) -> Any:
        return getattr(np.fft, name)(x, **options)

    x = signal(shape, kind)
    value = f(tg.tensor(x, requires_grad=True))
    same(value.numpy(), f(x))
    loss, t, e = weighted(f), signal(shape, kind, 1), signal(shape, kind, 2)

    def first(y: Any) -> Any:
        return np.sum(np.real(tg.grad(loss)(y) * e))

    grad = tg.grad(loss)(x)
    assert (grad.shape, grad.dtype) == (x.shape, x.dtype)
    slope = richardson(loss, [x], [t])
    for got, oracle in (
        (np.real(pairing([grad], [t])), slope),
        (tg.jvp(loss, (x,), (t,))[1], slope),
        (np.real(pairing([tg.grad(first)(x)], [t])), richardson(first, [x], [t])),
    ):
        assert abs(got - oracle.value) <= 10 * oracle.error + 1e-11 * (1 + abs(oracle.value))


@pytest.mark.parametrize("name", sorted(CALLS))
def test_single_precision_stays_single(name: str) -> None:
    shape, options = CALLS[name][-1]
    for dtype in (np.float32, np.complex64)[: 1 if name in OF_REAL else 2]:
        x = signal(shape, "d").astype(dtype)
        leaf = tg.tensor(x, requires_grad=True)
        value = getattr(np.fft, name)(leaf, **options)
        assert value.dtype == getattr(np.fft, name)(x, **options).dtype
        weight = np.ones(value.shape, value.dtype)
        value.backward(weight)
        (wide,) = tg.vjp(
            lambda y: getattr(np.fft, name)(y, **options), x.astype("dD"[dtype is np.complex64])
        )[1](weight)
        assert leaf.grad.dtype == dtype
        np.testing.assert_allclose(leaf.grad.numpy(), wide, rtol=EXACT["f"], atol=EXACT["f"])
        for node in ancestors(value.node):
            if node.parents:
                (part,) = [
                    pull(np.zeros(node.shape, node.dtype), *node.saved) for pull in node.rule.pulls
                ]
                assert part.dtype == node.parents[0].dtype


def test_every_function_is_tested() -> None:
    functions = {name for name in np.fft.__all__ if not name.endswith("freq")}
    assert set(CALLS) == functions
    assert all(getattr(np.fft, name) in FUNCTIONS for name in CALLS)
    assert without_calls("sequences.fft") <= {getattr(np.fft, name) for name in CALLS}


@pytest.mark.parametrize(("n", "norm"), list(product((1, 2, 5, 6), NORMS)))
def test_gradient_is_that_of_the_definition(n: int, norm: Any) -> None:
    """The matrix ``exp(-2 pi i j k / n)`` written out."""
    x, w = signal((n,), "D"), signal((n,), "D", 1)
    k = np.arange(n)
    scale = {None: 1, "backward": 1, "ortho": n**-0.5, "forward": 1 / n}[norm]
    matrix = np.exp(-2j * np.pi * np.outer(k, k) / n) * scale
    (of_fft,) = tg.vjp(lambda y: np.fft.fft(y, norm=norm), x)[1](w)
    np.testing.assert_allclose(of_fft, matrix.T @ w, rtol=1e-12, atol=1e-12)
    (of_rfft,) = tg.vjp(lambda y: np.fft.rfft(y, norm=norm), x.real)[1](w[: n // 2 + 1])
    wanted = np.real(matrix[: n // 2 + 1].T @ w[: n // 2 + 1])
    np.testing.assert_allclose(of_rfft, wanted, rtol=1e-12, atol=1e-12)


def test_power_spectrum_has_the_gradient_of_parsevals_theorem() -> None:
    """The sum of the squares of the spectrum is n times that of the signal."""
    x = signal((3, 7), "d")
    grad = tg.grad(lambda y: np.sum(np.abs(np.fft.fft(y)) ** 2))(x)
    np.testing.assert_allclose(grad, 2 * 7 * x, rtol=1e-13)


def test_convolution_by_spectra_has_the_gradient_of_convolution() -> None:
    a, b, w = signal((5,), "d"), signal((4,), "d", 1), signal((8,), "d", 2)

    def by_spectra(x: Any, y: Any) -> Any:
        return np.fft.irfft(np.fft.rfft(x, 8) * np.fft.rfft(y, 8), 8)

    of_a, of_b = tg.vjp(by_spectra, a, b)[1](w)
    np.testing.assert_allclose(of_a, np.correlate(w, b, "valid"), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(of_b, np.correlate(w, a, "valid"), rtol=1e-12, atol=1e-13)


def test_nothing_comes_of_nothing() -> None:
    for name in ("fft", "rfft", "irfft"):
        value, pull = tg.vjp(getattr(np.fft, name), np.zeros((0, 4)))
        assert pull(value)[0].shape == (0, 4)


def test_arguments_are_checked() -> None:
    x = tg.tensor(np.ones((3, 4)), requires_grad=True)
    for error, match, call in (
        (ShapeError, r"fft\(\(3, 4\)\).*norm", lambda: np.fft.fft(x, norm="unit")),
        (ShapeError, "fft: norm 'unit'", lambda: np.fft.hfft(x, norm="unit")),
        (ShapeError, r"2 lengths .* for 1 axes", lambda: np.fft.fftn(x, (3, 4), axes=(0,))),
        (ShapeError, r"fft\(\(3, 4\)\).*data points", lambda: np.fft.fft(x, 0)),
        (UnsupportedFunctionError, "fft: argument 'out'", lambda: np.fft.fft(x, out=np.ones(3))),
    ):
        with pytest.raises(error, match=match):
            call()
