"""Scalars are 0-d Tensors and as good citizens as matrices: numbers, operators, derivatives."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from leaves import leaf
from oracles import same
from together import together

import tinygrad_bp as tg
from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.testing.oracles import STEP

# The most that a derivative of order 4 loses to rounding: its terms are sums of fifteen products.
CLOSE = 1e-13


# Operators, with Python numbers on either side

X = 1.5
EXPRESSIONS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "x + 2": (lambda x: x + 2, X + 2, 1.0),
    "2 + x": (lambda x: 2 + x, X + 2, 1.0),
    "x - 2.5": (lambda x: x - 2.5, X - 2.5, 1.0),
    "2.5 - x": (lambda x: 2.5 - x, 2.5 - X, -1.0),
    "x * 3": (lambda x: x * 3, X * 3, 3.0),
    "3 * x": (lambda x: 3 * x, X * 3, 3.0),
    "x / 4": (lambda x: x / 4, X / 4, 0.25),
    "4 / x": (lambda x: 4 / x, 4 / X, -4 / X**2),
    "x**3": (lambda x: x**3, X**3, 3 * X**2),
    "x**-0.5": (lambda x: x**-0.5, X**-0.5, -0.5 * X**-1.5),
    "2**x": (lambda x: 2**x, 2**X, math.log(2) * 2**X),
    "0.5**x": (lambda x: 0.5**x, 0.5**X, math.log(0.5) * 0.5**X),
    "x**x": (lambda x: x**x, X**X, X**X * (math.log(X) + 1)),
    "x % 0.4": (lambda x: x % 0.4, X % 0.4, 1.0),
    "4.0 % x": (lambda x: 4.0 % x, 4.0 % X, -2.0),
    "-x": (lambda x: -x, -X, -1.0),
    "+x": (lambda x: +x, X, 1.0),
    "abs(-x)": (lambda x: abs(-x), X, 1.0),
    "True * x": (lambda x: True * x, X, 1.0),
    "np.float64(2) * x": (lambda x: np.float64(2) * x, 2 * X, 2.0),
    "np.int64(2) - x": (lambda x: np.int64(2) - x, 2 - X, -1.0),
    "np.array(2.0) / x": (lambda x: np.array(2.0) / x, 2 / X, -2 / X**2),
    "sum of a list": (lambda x: sum([x, x * x, 1]), X + X * X + 1, 1 + 2 * X),
    "math.pi * x": (lambda x: math.pi * x, math.pi * X, math.pi),
    "x.relu()": (lambda x: x.relu(), X, 1.0),
    "(-x).relu()": (lambda x: (-x).relu(), 0.0, 0.0),
    "x.tanh()": (lambda x: x.tanh(), math.tanh(X), 1 - math.tanh(X) ** 2),
    "x.sigmoid()": (
        lambda x: x.sigmoid(),
        1 / (1 + math.exp(-X)),
        math.exp(-X) / (1 + math.exp(-X)) ** 2,
    ),
    "x.clip(0, 1)": (lambda x: x.clip(0, 1), 1.0, 0.0),
    "x if x > 1 else 0": (lambda x: x * x if x > 1 else 0 * x, X * X, 2 * X),
    "x.sum() + x.max()": (lambda x: x.sum() + x.max(), 2 * X, 2.0),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression(name: str) -> None:
    f, value, slope = EXPRESSIONS[name]
    x = leaf(X)
    y = f(x)
    y.backward()
    assert (y.shape, y.dtype) == ((), np.dtype(float))
    assert (x.grad.shape, x.grad.dtype) == ((), np.dtype(float))
    assert y.item() == pytest.approx(value, rel=1e-15)
    assert x.grad.item() == pytest.approx(slope, rel=1e-15)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression_in_float32(name: str) -> None:
    """Python numbers do not widen it; NumPy's numbers of another type do, in NumPy as here."""
    f, _, slope = EXPRESSIONS[name]
    x = leaf(np.float32(X))
    y = f(x)
    assert y.dtype == (np.float64 if name.startswith("np.") else np.float32)
    y.backward()
    assert x.grad.dtype == np.float32
    assert x.grad.item() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression_is_the_same_in_an_array(name: str) -> None:
    f, _, slope = EXPRESSIONS[name]
    if name in {"x if x > 1 else 0", "x.sum() + x.max()"}:  # ask for the truth of one number
        f = EXPRESSIONS["+x"][0]
        slope = 1.0
    x = leaf([X, X])
    f(x).backward([1.0, 0.5])
    np.testing.assert_allclose(x.grad.numpy(), [slope, slope / 2], rtol=1e-14)


AUGMENTED: dict[str, Callable[[Any, Any], Any]] = {
    "+=": lambda x, y: x + y,
    "-=": lambda x, y: x - y,
    "*=": lambda x, y: x * y,
    "/=": lambda x, y: x / y,
    "**=": lambda x, y: x**y,
}


def augmented(operator: str, x: Any, y: Any) -> Any:
    scope = {"x": x, "y": y}
    exec(f"x {operator} y", scope)  # noqa: S102  # the operator is what the test is about
    return scope["x"]


@pytest.mark.parametrize("other", [2, 2.5, "tensor"])
@pytest.mark.parametrize("operator", AUGMENTED)
def test_augmented_assignment_rebinds(operator: str, other: Any) -> None:
    """The old value stays what it was to whoever holds it, the leaf stays a leaf."""
    x, y = leaf(1.5), leaf(2.0) if other == "tensor" else other
    before, used = x, x * x
    after = augmented(operator, x, y)
    assert after is not before
    assert (before.item(), before.is_leaf) == (1.5, True)
    assert after.item() == AUGMENTED[operator](1.5, y.item() if other == "tensor" else y)
    (after * used).backward()
    plain = leaf(1.5)
    (AUGMENTED[operator](plain, y) * (plain * plain)).backward()
    assert before.grad.item() == plain.grad.item()


def test_a_loop_of_augmented_sums() -> None:
    ws = [leaf(float(k)) for k in range(5)]
    total: Any = 0
    for k, w in enumerate(ws):
        total += k * w
        total *= 2
    total.backward()
    assert [w.grad.item() for w in ws] == [k * 2.0 ** (5 - k) for k in range(5)]


# micrograd's example


def relu(x: Any) -> Any:
    if isinstance(x, tg.Tensor):
        return x.relu()
    return x if x.real > 0 else 0.0 * x


def test_a_micrograd_expression() -> None:
    """The expression of micrograd's README; gradients by complex steps of plain numbers."""

    def f(a: Any, b: Any) -> Any:
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + relu(b + a)
        d += 3 * d + relu(b - a)
        e = c - d
        g = e**2
        return g / 2.0 + 10.0 / g

    a, b = leaf(-4.0), leaf(2.0)
    value = f(a, b)
    assert value.item() == pytest.approx(24.70408163265306, rel=1e-14)
    value.backward()
    assert a.grad.item() == pytest.approx(f(-4.0 + 1j * STEP, 2.0).imag / STEP, rel=1e-13)
    assert b.grad.item() == pytest.approx(f(-4.0, 2.0 + 1j * STEP).imag / STEP, rel=1e-13)
    assert value.shape == a.grad.shape == ()


# The 2-5-5-1 network, number by number

SIZES = (2, 5, 5, 1)


def parameters(seed: int) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape) for shape in pairwise(SIZES)]
    return weights, [rng.normal(size=n) for n in SIZES[1:]]


def by_scalars(x: list[float], ws: Any, bs: Any) -> Any:
    units: Any = x
    for w, b in zip(ws, bs, strict=True):
        units = [
            (sum(u * w[i][j] for i, u in enumerate(units)) + b[j]).sigmoid() for j in range(len(b))
        ]
    return units[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_network_written_scalar_by_scalar_equals_the_matrix_one(seed: int) -> None:
    weights, biases = parameters(seed)
    X, y = np.random.default_rng(seed + 10).normal(size=(4, 2)), np.array([0.0, 1.0, 1.0, 0.0])

    Ws, bs = [leaf(w) for w in weights], [leaf(b) for b in biases]
    a: Any = X
    for W, b in zip(Ws, bs, strict=True):
        a = tg.sigmoid(a @ W + b)
    p = a[:, 0]
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    loss.backward()

    ws = [[[leaf(float(v)) for v in row] for row in w] for w in weights]
    cs = [[leaf(float(v)) for v in b] for b in biases]
    total: Any = 0.0
    for row, label in zip(X.tolist(), y.tolist(), strict=True):
        q = by_scalars(row, ws, cs)
        total -= label * np.log(q) + (1 - label) * np.log(1 - q)
    total /= len(y)
    total.backward()

    assert total.item() == pytest.approx(loss.item(), rel=1e-14)
    for W, w in zip(Ws, ws, strict=True):
        scalar = [[one.grad.item() for one in row] for row in w]
        np.testing.assert_allclose(W.grad.numpy(), scalar, rtol=1e-14, atol=1e-14)
    for b, c in zip(bs, cs, strict=True):
        scalar = [one.grad.item() for one in c]
        np.testing.assert_allclose(b.grad.numpy(), scalar, rtol=1e-14, atol=1e-14)


def test_a_network_learns_scalar_by_scalar_as_by_matrices() -> None:
    """Ten steps of gradient descent; rounding grows a little with each."""
    weights, biases = parameters(5)
    X, y = np.random.default_rng(6).normal(size=(3, 2)), np.array([0.0, 1.0, 1.0])
    ws = [[[float(v) for v in row] for row in w] for w in weights]
    cs = [[float(v) for v in b] for b in biases]
    for _ in range(10):

        def loss(Ws: Any, bs: Any) -> Any:
            a: Any = X
            for W, b in zip(Ws, bs, strict=True):
                a = tg.sigmoid(a @ W + b)
            return np.mean((a[:, 0] - y) ** 2)

        def scalar_loss(ws: Any, cs: Any) -> Any:
            errors = [
                by_scalars(row, ws, cs) - label
                for row, label in zip(X.tolist(), y.tolist(), strict=True)
            ]
            return sum(e * e for e in errors) / len(errors)

        dW, db = tg.grad(loss, (0, 1))(weights, biases)
        weights = [w - 0.5 * g for w, g in zip(weights, dW, strict=True)]
        biases = [b - 0.5 * g for b, g in zip(biases, db, strict=True)]
        dw, dc = tg.grad(scalar_loss, (0, 1))(ws, cs)
        ws = [
            [
                [v - 0.5 * float(g) for v, g in zip(*rows, strict=True)]
                for rows in zip(*both, strict=True)
            ]
            for both in zip(ws, dw, strict=True)
        ]
        cs = [
            [v - 0.5 * float(g) for v, g in zip(*both, strict=True)]
            for both in zip(cs, dc, strict=True)
        ]
    for W, w in zip(weights, ws, strict=True):
        np.testing.assert_allclose(W, w, rtol=1e-13, atol=1e-13)
    for b, c in zip(biases, cs, strict=True):
        np.testing.assert_allclose(b, c, rtol=1e-13, atol=1e-13)


# Derivatives 1 to 4 of compositions, against closed forms.  Every function is given with its
# derivatives of order 0 to 4, and Faa di Bruno's formula joins those of two.

Derivatives = tuple[float, ...]


def falling(p: float, n: int) -> float:
    return math.prod(p - k for k in range(n))


def powers(p: float, x: float) -> Derivatives:
    return tuple(falling(p, n) * x ** (p - n) for n in range(5))


def logarithms(x: float, base: float = math.e) -> Derivatives:
    tail = ((-1) ** (n - 1) * math.factorial(n - 1) / x**n for n in range(1, 5))
    return tuple(one / math.log(base) for one in (math.log(x), *tail))


def exponentials(x: float, rate: float = 1.0) -> Derivatives:
    return tuple(rate**n * math.exp(rate * x) for n in range(5))


def sines(x: float, phase: float = 0.0) -> Derivatives:
    return tuple(math.sin(x + phase + n * math.pi / 2) for n in range(5))


def logistics(x: float) -> Derivatives:
    s = 1 / (1 + math.exp(-x))
    u = s * (1 - s)
    return (s, u, u * (1 - 2 * s), u * (1 - 6 * u), u * (1 - 2 * s) * (1 - 12 * u))


def tanhs(x: float) -> Derivatives:
    t = math.tanh(x)
    u = 1 - t * t
    return (t, u, -2 * t * u, u * (6 * t * t - 2), u * (16 * t - 24 * t**3))


def tangents(x: float) -> Derivatives:
    t = math.tan(x)
    v = 1 + t * t
    return (t, v, 2 * t * v, v * (6 * t * t + 2), v * (16 * t + 24 * t**3))


def arctangents(x: float) -> Derivatives:
    q = 1 + x * x
    return (
        math.atan(x),
        1 / q,
        -2 * x / q**2,
        (6 * x * x - 2) / q**3,
        24 * x * (1 - x * x) / q**4,
    )


def arcsines(x: float) -> Derivatives:
    r = 1 / math.sqrt(1 - x * x)
    return (math.asin(x), r, x * r**3, (1 + 2 * x * x) * r**5, (9 * x + 6 * x**3) * r**7)


def arcsinhs(x: float) -> Derivatives:
    r = 1 / math.sqrt(1 + x * x)
    return (math.asinh(x), r, -x * r**3, (2 * x * x - 1) * r**5, (9 * x - 6 * x**3) * r**7)


def arctanhs(x: float) -> Derivatives:
    q = 1 - x * x
    return (
        math.atanh(x),
        1 / q,
        2 * x / q**2,
        (6 * x * x + 2) / q**3,
        24 * x * (1 + x * x) / q**4,
    )


def circles(x: float) -> Derivatives:
    r = 1 / math.sqrt(1 + x * x)
    return (1 / r, x * r, r**3, -3 * x * r**5, (12 * x * x - 3) * r**7)


def times_x(inner: Derivatives, x: float) -> Derivatives:
    """Return the derivatives of x f(x): Leibniz."""
    return (x * inner[0], *(x * inner[n] + n * inner[n - 1] for n in range(1, 5)))


def bells(x: float) -> Derivatives:
    """Return the derivatives of exp(-x*x/2): Hermite polynomials (Abramowitz & Stegun 22.11.8)."""
    hermite = (1.0, -x, x * x - 1, 3 * x - x**3, x**4 - 6 * x * x + 3)
    return tuple(h * math.exp(-x * x / 2) for h in hermite)


def softplus(x: float) -> Derivatives:
    return (math.log1p(math.exp(x)), *logistics(x)[:4])


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[float], Derivatives]]] = {
    "x**3": (lambda x: x**3, lambda x: powers(3, x)),
    "x*x*x": (lambda x: x * x * x, lambda x: powers(3, x)),
    "np.power(x, 2.5)": (lambda x: np.power(x, 2.5), lambda x: powers(2.5, x)),
    "np.float_power(x, 2)": (lambda x: np.float_power(x, 2), lambda x: powers(2, x)),
    "1/x": (lambda x: 1 / x, lambda x: powers(-1, x)),
    "np.reciprocal": (np.reciprocal, lambda x: powers(-1, x)),
    "np.sqrt": (np.sqrt, lambda x: powers(0.5, x)),
    "np.cbrt": (np.cbrt, lambda x: powers(1 / 3, x)),
    "np.square": (np.square, lambda x: powers(2, x)),
    "abs(x)**3": (lambda x: abs(x) ** 3, lambda x: powers(3, x)),
    "np.exp": (np.exp, exponentials),
    "np.exp2": (np.exp2, lambda x: exponentials(x, math.log(2))),
    "3**x": (lambda x: 3**x, lambda x: exponentials(x, math.log(3))),
    "np.expm1": (np.expm1, lambda x: (math.expm1(x), *exponentials(x)[1:])),
    "np.log": (np.log, logarithms),
    "np.log2": (np.log2, lambda x: logarithms(x, 2.0)),
    "np.log10": (np.log10, lambda x: logarithms(x, 10.0)),
    "np.log1p": (np.log1p, lambda x: logarithms(1 + x)),
    "np.sin": (np.sin, sines),
    "np.cos": (np.cos, lambda x: sines(x, math.pi / 2)),
    "np.tan": (np.tan, tangents),
    "np.arcsin": (np.arcsin, arcsines),
    "np.arccos": (
        np.arccos,
        lambda x: (math.acos(x), *(-one for one in arcsines(x)[1:])),
    ),
    "np.arctan": (np.arctan, arctangents),
    "np.arctan2(x, 1)": (lambda x: np.arctan2(x, 1.0), arctangents),
    "np.sinh": (
        np.sinh,
        lambda x: tuple(math.cosh(x) if n % 2 else math.sinh(x) for n in range(5)),
    ),
    "np.cosh": (
        np.cosh,
        lambda x: tuple(math.sinh(x) if n % 2 else math.cosh(x) for n in range(5)),
    ),
    "np.tanh": (np.tanh, tanhs),
    "np.arcsinh": (np.arcsinh, arcsinhs),
    "np.arctanh": (np.arctanh, arctanhs),
    "np.hypot(x, 1)": (lambda x: np.hypot(x, 1.0), circles),
    "tg.sigmoid": (tg.sigmoid, logistics),
    "tg.softplus": (tg.softplus, softplus),
    "np.logaddexp(x, 0)": (lambda x: np.logaddexp(x, 0.0), softplus),
    "np.logaddexp2(x, 0)": (
        lambda x: np.logaddexp2(x, 0.0) * math.log(2),
        lambda x: tuple(one * math.log(2) ** n for n, one in enumerate(softplus(x * math.log(2)))),
    ),
    "tg.silu": (tg.silu, lambda x: times_x(logistics(x), x)),
    "x*exp(x)": (lambda x: x * np.exp(x), lambda x: times_x(exponentials(x), x)),
    "x*log(x)": (lambda x: x * np.log(x), lambda x: times_x(logarithms(x), x)),
    "exp(-x*x/2)": (lambda x: np.exp(-x * x / 2), bells),
    "relu(x)**3": (lambda x: tg.relu(x) ** 3, lambda x: powers(3, x)),
    "np.maximum(x, 0)**3": (lambda x: np.maximum(x, 0.0) ** 3, lambda x: powers(3, x)),
    "np.prod([x, x, x])": (lambda x: np.prod(np.stack([x, x, x])), lambda x: powers(3, x)),
    "np.var([x, -x])**1.5": (
        lambda x: np.var(np.stack([x, -x])) ** 1.5,
        lambda x: powers(3, x),
    ),
    "np.std([x, -x])**3": (lambda x: np.std(np.stack([x, -x])) ** 3, lambda x: powers(3, x)),
    "logsumexp([x, 0])": (lambda x: tg.logsumexp(np.stack([x, x * 0])), softplus),
    "softmax([x, 0])[0]": (lambda x: tg.softmax(np.stack([x, x * 0]))[0], logistics),
    "np.einsum": (
        lambda x: np.einsum("i,i,i->", *[np.reshape(x, (1,))] * 3),
        lambda x: powers(3, x),
    ),
    # x / 1: the logits of a sigmoid would be warned of
    "bce_with_logits(x, 0)": (lambda x: tg.nn.losses.bce_with_logits(x / 1, 0.0), softplus),
}

# Their values lie inside every domain above: between 0.2 and 0.9 for 0.3 <= x <= 0.8.
INNER = {
    "x": (lambda x: x, lambda x: (x, 1.0, 0.0, 0.0, 0.0)),
    "sin(x)": (np.sin, sines),
    "sqrt(x)": (np.sqrt, lambda x: powers(0.5, x)),
    "sigmoid(x)": (lambda x: x.sigmoid(), logistics),
    "0.3/x - 0.1": (
        lambda x: 0.3 / x - 0.1,
        lambda x: (0.3 / x - 0.1, *(0.3 * one for one in powers(-1, x)[1:])),
    ),
}


def composed(f: Derivatives, g: Derivatives) -> Derivatives:
    """Return the derivatives of f(g(x)), orders 0 to 4 (Faa di Bruno 1855)."""
    _, g1, g2, g3, g4 = g
    return (
        f[0],
        f[1] * g1,
        f[2] * g1**2 + f[1] * g2,
        f[3] * g1**3 + 3 * f[2] * g1 * g2 + f[1] * g3,
        f[4] * g1**4 + 6 * f[3] * g1**2 * g2 + f[2] * (3 * g2**2 + 4 * g1 * g3) + f[1] * g4,
    )


@together
@pytest.mark.parametrize(("outer", "inner"), list(product(FUNCTIONS, INNER)))
def test_derivatives_1_to_4_of_a_composition(outer: str, inner: str) -> None:
    (f, f_closed), (g, g_closed) = FUNCTIONS[outer], INNER[inner]
    for x0 in (0.31, 0.77):
        inside = g_closed(x0)
        wanted = composed(f_closed(inside[0]), inside)
        x = leaf(x0)
        y = f(g(x))
        found = [y.item()]
        for _ in range(4):
            # a derivative that is constant tracks nothing: the next one is 0
            y = tg.gradients(y, x, create_graph=True) if y.requires_grad else tg.tensor(0.0)
            found.append(y.item())
        # what cancels in the sums is no larger than the derivatives of this size
        scale = max(1.0, *map(abs, wanted), *map(abs, f_closed(inside[0])))
        np.testing.assert_allclose(found, wanted, rtol=CLOSE, atol=CLOSE * scale)


def test_derivatives_by_backward_with_create_graph() -> None:
    """The same by `.backward` and `.grad`, as one would write it by hand."""
    x = leaf(0.7)
    y = x.sigmoid() * x
    for wanted in times_x(logistics(0.7), 0.7):
        assert y.item() == pytest.approx(wanted, rel=1e-13)
        x.zero_grad()
        y.backward(create_graph=True)
        y = x.grad


# Scalars among arrays


def test_elements_of_arrays_are_scalars() -> None:
    x = leaf([1.0, 2.0, 3.0])
    total: Any = 0.0
    for one in x:
        assert one.shape == ()
        total = total * 0.5 + one * one
    total.backward()
    same(x.grad.numpy(), np.array([0.5, 2.0, 6.0]))


def test_scalars_stack_to_arrays() -> None:
    parts = [leaf(float(k)) for k in range(4)]
    np.sum(np.stack(parts).reshape(2, 2) @ np.array([1.0, 10.0])).backward()
    assert [part.grad.item() for part in parts] == [1.0, 10.0, 1.0, 10.0]


@pytest.mark.parametrize("shape", [(1,), (2, 3), (0,), (1, 1)])
def test_a_scalar_broadcasts_against_any_shape(shape: tuple[int, ...]) -> None:
    x, a = leaf(2.0), np.full(shape, 3.0)
    for y in (x * a, a * x, x + x * a - x, np.multiply(a, x)):
        x.zero_grad()
        y.backward(np.ones(shape))
        same(x.grad.numpy(), np.asarray(3.0 * a.size))


class Length(float):
    """A number of a class of its own."""


class Level(enum.IntEnum):
    TWO = 2


@pytest.mark.parametrize("number", [Length(2.0), Level.TWO])
def test_a_number_of_a_class_of_its_own_is_that_number(number):
    x = tg.tensor([1.0, 3.0], requires_grad=True)
    for out in (x * number, number * x, np.multiply(x, number)):
        np.testing.assert_array_equal(out.numpy(), [2.0, 6.0])
        assert tg.grad(lambda x: np.sum(x * number))(x.numpy()).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("places", [[], [0], [-1], [0, 0]])
def test_put_writes_into_the_one_element_of_no_axes(places):
    x = tg.tensor(2.0, requires_grad=True)
    values = tg.tensor([3.0, 5.0], requires_grad=True)
    y = x * 4.0
    np.put(y, np.array(places, int), values)
    expected = np.array(8.0)
    np.put(expected, np.array(places, int), [3.0, 5.0])
    assert y.item() == expected
    assert y.shape == ()
    y.backward()
    assert x.grad.item() == (0.0 if places else 4.0)
    written = [0.0, 0.0]
    if places:
        written[len(places) - 1] = 1.0
        assert values.grad.tolist() == written


def test_the_remedy_is_the_one_for_what_was_asked():
    M = tg.tensor(np.ones((2, 2)), requires_grad=True)
    with pytest.raises(UnsupportedFunctionError, match="where") as caught:
        np.add(M, M, where=np.eye(2, dtype=bool))
    assert "axis" not in str(caught.value)


def test_what_one_function_leaves_the_next_takes() -> None:
    """NumPy's scalars, Python's numbers, and Tensors of no dimensions, however they were made."""
    x = np.array([0.3, -0.7, 0.2])
    leaves: list[Callable[[Any], Any]] = [
        np.sum,
        lambda x: np.logaddexp.reduce(x),
        lambda x: tg.logsumexp(x, axis=0),
        lambda x: tg.logsumexp(x, axis=(0,)),
        lambda x: np.max(x, axis=-1),
        lambda x: x[1],
        lambda x: np.linalg.norm(x),
        lambda x: np.median(x),
        lambda x: np.reshape(x[:1], ()),
        lambda x: np.squeeze(x[:1]),
        lambda x: np.einsum("i,i", x, x),
        lambda x: np.matmul(x, x),
    ]
    takes: list[Callable[[Any], Any]] = [
        tg.sigmoid,
        tg.relu,
        tg.softplus,
        tg.gelu,
        tg.silu,
        lambda z: tg.softmax(z * np.ones(2)),
        tg.logsumexp,
        np.tanh,
        np.sum,
        lambda z: np.stack([z, z]),
        lambda z: np.broadcast_to(z, (2,)),
    ]
    for leave in leaves:
        number = leave(x)
        for take in takes:
            wanted = np.asarray(take(np.asarray(number)))
            np.testing.assert_allclose(np.asarray(take(number)), wanted, rtol=1e-13)
            np.testing.assert_allclose(take(leave(tg.tensor(x))).numpy(), wanted, rtol=1e-13)
            found = take(leave(tg.tensor(x, requires_grad=True)))
            np.sum(found).backward()
            np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-13)
    for take in takes[:5]:
        for number in (0.5, np.float32(0.5), np.array(0.5)):
            np.testing.assert_allclose(take(number), take(np.array([0.5]))[0], rtol=1e-6)
        assert take(2) == take(2.0)
