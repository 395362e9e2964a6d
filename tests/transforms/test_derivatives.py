"""Jacobians, Hessians and products with them: values, structure, cost, and how they nest."""

from __future__ import annotations

import tracemalloc
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from extras import extra
from leaves import leaf
from oracles import EXACT, same
from sampling import CASES, Case, directions, each

import tinygrad_bp as tg
from tinygrad_bp.errors import DTypeError, GraphError
from tinygrad_bp.testing.oracles import complex_step, pairing, richardson
from tinygrad_bp.testing.samples import plain
from tinygrad_bp.transforms import derivatives

MODES = ("forward", "reverse", "auto")
Pair = namedtuple("Pair", ["weight", "bias"])  # noqa: PYI024
modes = pytest.mark.parametrize("mode", MODES)
RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4))
SQUARE = RNG.normal(size=(4, 4))


def slopes(f: Callable[..., Any], x: Any, method: Any = complex_step) -> Any:
    """Return the Jacobian of f at x, one direction at a time."""
    columns = []
    for k in range(np.size(x)):
        direction = np.zeros(np.size(x))
        direction[k] = 1.0
        columns.append(np.asarray(method(f, [x], [direction.reshape(np.shape(x))]).value))
    return np.reshape(np.stack(columns, axis=-1), (*columns[0].shape, *np.shape(x)))


# Values and shapes


FUNCTIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    "matrix to vector": (lambda x: np.sin(x @ np.arange(1.0, 4.0)), RNG.normal(size=(2, 3))),
    "vector to matrix": (lambda x: np.exp(x)[:, None] * np.tanh(x), RNG.normal(size=3)),
    "vector to scalar": (lambda x: np.sum(np.cos(A @ x) ** 2), RNG.normal(size=4)),
    "scalar to vector": (lambda x: np.stack([x, x * x, np.exp(x)]), 0.7),
    "scalar to scalar": (np.tanh, 0.7),
    "matrix to matrix": (lambda x: x @ x.T, RNG.normal(size=(3, 2))),
    "vector of one": (lambda x: x**3, np.array([2.0])),
    "of a part": (lambda x: x[1:] * x[0], RNG.normal(size=4)),
    "of another shape": (lambda x: np.reshape(x, (2, 2)).T, RNG.normal(size=4)),
}


@modes
@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobian_is_every_slope(name: str, mode: Any) -> None:
    f, x = FUNCTIONS[name]
    found = tg.jacobian(f, mode=mode)(x)
    assert np.shape(found) == np.shape(f(x)) + np.shape(x)
    assert isinstance(found, np.ndarray | np.generic)
    np.testing.assert_allclose(found, slopes(f, x), rtol=1e-13, atol=1e-13)


def test_jacobian_of_a_linear_map_is_its_matrix() -> None:
    for mode in MODES:
        same(tg.jacobian(lambda x: A @ x, mode=mode)(np.ones(4)), A)


@each([one for one in CASES if one is next(c for c in CASES if c.rule is one.rule)])
def test_both_modes_agree_on_every_row(one: Case) -> None:
    arrays = one.arrays
    numbers = range(len(arrays))
    forward, reverse = (tg.jacobian(one, numbers, mode=mode)(*arrays) for mode in MODES[:2])
    tangents = directions(arrays, 41)
    method = complex_step if one.rule.trial.analytic else richardson
    slope = method(lambda *xs: one.run(plain(one.rule), xs), arrays, tangents)
    pushed = 0.0
    for block, other, x, t in zip(forward, reverse, arrays, tangents, strict=True):
        assert block.shape == (*np.shape(slope.value), *np.shape(x))
        same(block, other)
        pushed = pushed + np.tensordot(block, t, np.ndim(x))
    size = 1 + float(np.max(np.abs(slope.value), initial=0.0))
    np.testing.assert_allclose(pushed, slope.value, rtol=0, atol=10 * slope.error + 1e-12 * size)


# Structure


@modes
def test_nested_containers(mode: Any) -> None:
    params = {"layer": Pair(np.ones((2, 3)), np.zeros(3)), "scale": 2.0}

    def f(params: Any, x: Any) -> Any:
        h = np.tanh(x @ params["layer"].weight + params["layer"].bias)
        return [h, {"norm": params["scale"] * np.sum(h)}, "text", None, 3]

    found = tg.jacobian(f, mode=mode)(params, np.array([0.5, 0.1]))
    assert [type(one) for one in found] == [dict] * 5
    assert list(found[0]) == ["layer", "scale"]
    assert type(found[0]["layer"]) is Pair
    assert found[0]["layer"].weight.shape == (3, 2, 3)
    assert found[1]["norm"]["layer"].bias.shape == (3,)
    assert found[0]["scale"].tolist() == [0.0] * 3
    assert found[2] == {"layer": Pair(None, None), "scale": None}
    assert found[4]["layer"].bias.tolist() == [0.0] * 3
    h = np.tanh(np.array([0.5, 0.1]) @ np.ones((2, 3)))
    same(found[1]["norm"]["scale"], np.sum(h))
    same(found[0]["layer"].bias, np.diag(1 - h * h))


@modes
def test_argnums(mode: Any) -> None:
    def f(x: Any, y: Any, *, z: Any = 1.0) -> Any:
        return x * y[0] * z

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])
    same(tg.jacobian(f, mode=mode)(x, y), 3.0 * np.eye(2))
    same(tg.jacobian(f, 1, mode=mode)(x, y, z=2.0)[:, 0], 2 * x)
    first, second = tg.jacobian(f, (1, 0), mode=mode)(x, y)
    assert (first.shape, second.shape) == ((2, 3), (2, 2))
    (only,) = tg.jacobian(f, [0], mode=mode)(x, y)
    same(only, 3.0 * np.eye(2))


@modes
def test_dtype_is_the_inputs(mode: Any) -> None:
    x, y = np.ones(2, np.float32), np.ones(2)
    for given in ((x, y), (leaf(x), leaf(y))):  # walked raw, and recorded
        first, second = tg.jacobian(lambda x, y: x * y, (0, 1), mode=mode)(*given)
        assert (first.dtype, second.dtype) == (np.float32, np.float64)


@modes
def test_nothing_in_and_nothing_out(mode: Any) -> None:
    assert tg.jacobian(lambda x: x * 2, mode=mode)(np.zeros((0, 3))).shape == (0, 3, 0, 3)
    assert tg.jacobian(lambda x: x[:0], mode=mode)(np.ones(3)).shape == (0, 3)
    assert tg.jacobian(lambda x: np.sum(x), mode=mode)(np.zeros(0)).shape == (0,)
    x = leaf(np.zeros(0))
    assert tg.jacobian(lambda x: x * 2, mode=mode)(x).shape == (0, 0)
    same(tg.jacobian(lambda x: np.ones(2), mode=mode)(np.ones(3)), np.zeros((2, 3)))


@modes
def test_blocks_are_writeable_and_alias_nothing(mode: Any) -> None:
    x = np.ones(3)
    blocks = tg.jacobian(lambda x: (x, x, x[::-1]), mode=mode)(x)
    for i, one in enumerate(blocks):
        one[...] = 5.0
        assert not any(np.shares_memory(one, other) for other in blocks[i + 1 :])
    assert x.tolist() == [1.0] * 3


# Complex numbers

Z = np.array([1.0 + 2.0j, -0.3 + 0.5j])
COMPLEX: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "analytic": (lambda z: z * z * z[::-1], Z, None),
    "real part": (np.real, Z, np.eye(2) + 0j),
    "imaginary part": (np.imag, Z, -1j * np.eye(2)),
    "size": (np.abs, Z, np.diag(np.conj(Z) / np.abs(Z))),
    "real in, complex out": (
        lambda x: np.exp(1j * x),
        Z.real,
        np.diag(1j * np.exp(1j * Z.real)),
    ),
    "real in, real out, complex between": (
        lambda x: np.abs(np.exp(1j * x) + 1),
        Z.real,
        None,
    ),
    "both kinds out": (lambda z: (np.real(z), z * z), Z, (np.eye(2) + 0j, np.diag(2 * Z))),
}


@modes
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_numbers_follow_the_gradient(name: str, mode: Any) -> None:
    f, x, wanted = COMPLEX[name]
    found = tg.jacobian(f, mode=mode)(x)
    if wanted is None:
        method = richardson
        wanted = slopes(f, x, method)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)  # differences
        return
    for one, other in zip(
        *((v if type(v) is tuple else (v,)) for v in (found, wanted)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-14)
        assert one.dtype == complex


def test_a_row_of_a_real_function_is_its_gradient() -> None:
    def f(z: Any) -> Any:
        return np.stack([np.sum(np.abs(z) ** 3), np.sum(np.real(z * z))])

    for mode in MODES:
        found = tg.jacobian(f, mode=mode)(Z)
        for k in range(2):
            np.testing.assert_allclose(found[k], tg.grad(lambda z, k=k: f(z)[k])(Z), rtol=1e-14)


# Cost


def walks(monkeypatch: Any, f: Callable[..., Any], *args: Any, **options: Any) -> tuple[int, int]:
    """Return how many pulls and pushes over the graph a Jacobian takes."""
    counts = {"pull_back": 0, "push_forward": 0}
    for name in counts:
        walk = getattr(derivatives, name)

        def counted(*args: Any, name: str = name, walk: Any = walk, **kwargs: Any) -> Any:
            counts[name] += 1
            return walk(*args, **kwargs)

        monkeypatch.setattr(derivatives, name, counted)
    tg.jacobian(f, **options)(*args)
    monkeypatch.undo()
    return counts["pull_back"], counts["push_forward"]


def test_auto_takes_the_fewer_walks(monkeypatch: Any) -> None:
    x = np.ones(5)
    assert walks(monkeypatch, lambda x: np.stack([x[0], x[1]]), x) == (2, 0)
    assert walks(monkeypatch, lambda x: np.outer(x, x), x) == (0, 5)
    assert walks(monkeypatch, lambda x: (np.sum(x), 7, np.ones(9)), x) == (1, 0)
    assert walks(monkeypatch, lambda x, y: x * y, x, 2.0, argnums=1) == (0, 1)
    assert walks(monkeypatch, lambda x: np.outer(x, x), x, mode="reverse") == (25, 0)
    assert walks(monkeypatch, np.sum, x, mode="forward") == (0, 5)
    # complex: a second walk where an end is real
    assert walks(monkeypatch, np.abs, Z, mode="forward") == (0, 4)
    assert walks(monkeypatch, np.abs, Z) == (2, 0)
    assert walks(monkeypatch, lambda x: x * 1j, x) == (0, 5)
    assert walks(monkeypatch, lambda x: x * 1j, x, mode="reverse") == (10, 0)


@pytest.mark.parametrize("mode", MODES[:2])
def test_only_the_result_and_one_row_are_in_memory(mode: Any) -> None:
    n = 600
    x = np.linspace(0.0, 1.0, n)
    tracemalloc.start()
    try:
        found = tg.jacobian(lambda x: np.sin(x) * x[::-1], mode=mode)(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.nbytes == 8 * n * n
    assert peak < 1.1 * found.nbytes


# Nesting


@modes
def test_jacobian_of_a_jacobian(mode: Any) -> None:
    x = RNG.normal(size=4)

    def f(x: Any) -> Any:
        return np.sin(A @ x)

    found = tg.jacobian(tg.jacobian(f, mode=mode), mode=mode)(x)
    wanted = -np.einsum("i,ij,ik->ijk", np.sin(A @ x), A, A)
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-13)


@modes
def test_gradient_of_a_function_of_a_jacobian(mode: Any) -> None:
    x = RNG.normal(size=4)

    def size(x: Any) -> Any:
        J = tg.jacobian(lambda x: np.sin(x) * (SQUARE @ x), mode=mode)(x)
        return np.sum(J**2)

    slope = complex_step(
        lambda x: np.sum((np.diag(np.cos(x) * (SQUARE @ x)) + np.sin(x)[:, None] * SQUARE) ** 2),
        [x],
        [np.ones(4)],
    )
    assert pairing([tg.grad(size)(x)], [np.ones(4)]) == pytest.approx(float(slope.value), rel=1e-13)


@modes
def test_a_tracked_argument_or_captured_tensor_is_differentiated_through(mode: Any) -> None:
    x, w = leaf([0.5, 1.0]), leaf([2.0, 3.0])
    J = tg.jacobian(lambda x: w * x * x, mode=mode)(x)
    assert J.requires_grad
    np.sum(J).backward()  # 2 w x on the diagonal
    same(x.grad.numpy(), 2 * w.numpy())
    same(w.grad.numpy(), 2 * x.numpy())
    untracked = tg.jacobian(np.sin, mode=mode)(tg.tensor([0.5]))
    assert type(untracked) is tg.Tensor
    assert not untracked.requires_grad


@modes
def test_complex_jacobian_is_differentiated_through(mode: Any) -> None:
    def f(z: Any) -> Any:
        J = tg.jacobian(lambda z: np.abs(z) ** 2, mode=mode)(z)  # conj(z) on the diagonal
        return np.sum(np.real(J) ** 2) + 3 * np.sum(np.imag(J) ** 2)

    found = tg.grad(f)(Z)
    np.testing.assert_allclose(found, 8 * (Z.real - 3j * Z.imag), rtol=1e-13)


# Hessians


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_hessian(x: Any) -> Any:
    n = len(x)
    H = np.zeros((n, n))
    for i in range(n - 1):
        H[i, i] += 1200.0 * x[i] ** 2 - 400.0 * x[i + 1] + 2
        H[i + 1, i + 1] += 200.0
        H[i, i + 1] = H[i + 1, i] = -400.0 * x[i]
    return H


def test_hessian_of_rosenbrock() -> None:
    """Rosenbrock (1960), generalised to n variables; the Hessian by hand."""
    x = RNG.normal(size=6)
    np.testing.assert_allclose(tg.hessian(rosenbrock)(x), rosenbrock_hessian(x), rtol=1e-12)


def test_hessian_of_a_quadratic_form() -> None:
    same(tg.hessian(lambda x: x @ SQUARE @ x)(np.ones(4)), SQUARE + SQUARE.T)
    same(tg.hessian(lambda x: x**3)(2.0), np.float64(12.0))


def test_hessian_over_containers_and_arguments() -> None:
    def f(p: Any, s: Any) -> Any:
        return s * np.sum(np.sin(p["a"])) * p["b"]

    p, s = {"a": np.array([0.1, 0.2]), "b": 3.0}, 2.0
    H = tg.hessian(f, (0, 1))(p, s)
    sin, cos = np.sin(p["a"]), np.cos(p["a"])
    same(H[0]["a"][0]["a"], np.diag(-6.0 * sin))
    same(H[0]["a"][0]["b"], 2.0 * cos)
    same(H[0]["b"][0]["a"], 2.0 * cos)
    same(H[0]["b"][0]["b"], np.float64(0.0))
    same(H[0]["a"][1], 3.0 * cos)
    same(H[1][0]["a"], 3.0 * cos)
    same(H[1][1], np.float64(0.0))
    same(tg.hessian(f)(p, s)["a"]["a"], H[0]["a"][0]["a"])


def test_hessian_of_several_outputs() -> None:
    x = RNG.normal(size=4)
    found = tg.hessian(lambda x: {"y": np.sin(A @ x)})(x)["y"]
    np.testing.assert_allclose(
        found, -np.einsum("i,ij,ik->ijk", np.sin(A @ x), A, A), rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("power", [np.power, np.float_power])
def test_hessian_of_a_power_whose_exponent_is_zero(power: Any) -> None:
    """The slope in x is 0 there, and moves with the exponent."""
    log = np.log(2.0)
    found = tg.hessian(lambda v: power(v[0], v[1]))(np.array([2.0, 0.0]))
    np.testing.assert_allclose(found, [[0.0, 0.5], [0.5, log * log]], rtol=1e-14)


def test_hessian_of_a_straight_line_is_zero() -> None:
    same(tg.hessian(lambda x: A[0] @ x)(np.ones(4)), np.zeros((4, 4)))
    same(tg.hessian(lambda x: 3.0)(np.ones(2)), np.zeros((2, 2)))


def test_third_derivatives_by_a_gradient_of_the_hessian() -> None:
    x = RNG.normal(size=3)
    found = tg.grad(lambda x: np.sum(tg.hessian(lambda x: np.sum(np.exp(x)))(x)))(x)
    np.testing.assert_allclose(found, np.exp(x), rtol=1e-14)


# Hessian-vector products

hvp_modes = pytest.mark.parametrize("mode", ["forward", "reverse"])


@hvp_modes
def test_hvp_is_the_hessian_times_the_vector(mode: Any) -> None:
    x, v = RNG.normal(size=6), RNG.normal(size=6)
    (found,) = tg.hvp(rosenbrock, (x,), (v,), mode=mode)
    np.testing.assert_allclose(found, rosenbrock_hessian(x) @ v, rtol=1e-12, atol=1e-10)


@hvp_modes
def test_hvp_over_containers_and_arguments(mode: Any) -> None:
    def f(p: Any, s: Any) -> Any:
        return s * np.sum(np.sin(p["a"])) * p["b"] + 0 * np.sum(p["c"])

    p = {"a": np.array([0.1, 0.2]), "b": 3.0, "c": np.ones(2, np.float32)}
    v = {"c": None, "b": 1.0, "a": np.array([1.0, -1.0])}
    found, along_s = tg.hvp(f, [p, 2.0], [v, None], mode=mode)
    sin, cos = np.sin(p["a"]), np.cos(p["a"])
    same(found["a"], -6.0 * sin * v["a"] + 2.0 * cos)
    same(found["b"], 2.0 * cos @ v["a"])
    same(found["c"], np.zeros(2, np.float32))
    same(along_s, 3.0 * cos @ v["a"] + np.sum(sin))


@hvp_modes
def test_hvp_where_two_gradients_are_one(mode: Any) -> None:
    """Of a sum, both arguments get the very same cotangent."""
    x, y, u, v = RNG.normal(size=(4, 3))
    for part in tg.hvp(lambda x, y: np.sum(np.sin(x + y)), (x, y), (u, v), mode=mode):
        np.testing.assert_allclose(part, -np.sin(x + y) * (u + v), rtol=1e-14)


@hvp_modes
def test_hvp_of_what_does_not_bend_is_zero(mode: Any) -> None:
    for f in (lambda x, y: 3.0, lambda x, y: np.sum(x), lambda x, y: np.sum(np.sign(x) + y)):
        for part in tg.hvp(f, (np.ones(2), 1.0), (np.ones(2), 2.0), mode=mode):
            assert not np.any(part)


@hvp_modes
def test_hvp_is_differentiated_through(mode: Any) -> None:
    """By the primal, the vector and a captured Tensor, each tracked alone and all together."""
    x0, v0, w0 = np.array([0.5, 1.0]), np.array([1.0, -2.0]), np.array([2.0, 3.0])
    wanted = {
        "x": np.exp(x0) * w0 * v0,
        "v": np.exp(x0) * w0,
        "w": np.exp(x0) * v0,
    }
    for tracked in ("x", "v", "w", "xvw"):
        x, v, w = (
            leaf(value) if name in tracked else value
            for name, value in zip("xvw", (x0, v0, w0), strict=True)
        )
        (product,) = tg.hvp(lambda x, w=w: np.sum(w * np.exp(x)), (x,), (v,), mode=mode)
        np.sum(product).backward()
        for name, one in zip("xvw", (x, v, w), strict=True):
            if name in tracked:
                np.testing.assert_allclose(one.grad.numpy(), wanted[name], rtol=1e-15)


@hvp_modes
def test_hvp_keeps_dtypes_and_kinds(mode: Any) -> None:
    x = np.ones(2, np.float32)
    (found,) = tg.hvp(lambda x: np.sum(x**3), (x,), (np.ones(2),), mode=mode)
    assert found.dtype == np.float32
    (found,) = tg.hvp(lambda x: np.sum(x**3), (tg.tensor(x),), (x,), mode=mode)
    assert type(found) is tg.Tensor
    assert not found.requires_grad


@hvp_modes
def test_hvp_and_hessian_nest_in_anything(mode: Any) -> None:
    x, v = np.array([0.3, 0.8, -0.4]), np.array([1.0, -2.0, 0.5])

    def f(x: Any) -> Any:
        return np.sum(np.exp(x) * x[::-1])

    def product(x: Any) -> Any:
        return tg.hvp(f, (x,), (v,), mode=mode)[0]

    # f = sum_i e^{x_i} x_{n-1-i}: third derivatives by hand
    e, r = np.exp(x), np.eye(3)[::-1]
    third = np.zeros((3, 3, 3))
    for i in range(3):
        third[i, i, i] += e[i] * x[2 - i]
        for a in ((i, i, 2 - i), (i, 2 - i, i), (2 - i, i, i)):
            third[a] += e[i]
    H = np.diag(e * x[::-1]) + e[:, None] * r + r * e
    np.testing.assert_allclose(product(x), H @ v, rtol=1e-13)
    for inner in MODES:
        found = tg.jacobian(product, mode=inner)(x)
        np.testing.assert_allclose(found, third @ v, rtol=1e-12, atol=1e-13)
    slope = tg.jvp(product, (x,), (v,))[1]
    np.testing.assert_allclose(slope, third @ v @ v, rtol=1e-12)
    found = tg.grad(lambda x: product(x) @ v)(x)
    np.testing.assert_allclose(found, third @ v @ v, rtol=1e-12)
    np.testing.assert_allclose(tg.jacobian(tg.hessian(f))(x), third, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(
        tg.jvp(tg.hessian(f), (x,), (v,))[1], third @ v, rtol=1e-12, atol=1e-13
    )


# What is refused


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="jacobian: mode is 'auto', 'forward' or 'reverse'"):
        tg.jacobian(np.sin, mode="backward")
    with pytest.raises(ValueError, match="hvp: mode is 'forward' or 'reverse', got 'auto'"):
        tg.hvp(np.sin, (1.0,), (1.0,), mode="auto")
    with pytest.raises(DTypeError, match=r"jacobian: cannot differentiate.*2\.0"):
        tg.jacobian(np.sin)(2)
    with pytest.raises(DTypeError, match=r"hessian: cannot differentiate.*astype"):
        tg.hessian(np.sin)(np.arange(2))
    with pytest.raises(GraphError, match=r"hvp: the function returned shape \(2,\).*jacobian"):
        tg.hvp(np.sin, (np.ones(2),), (np.ones(2),))


def test_the_functions_keep_their_name() -> None:
    def loss(x: Any) -> Any:
        """Say what it is."""
        return x

    assert tg.jacobian(loss).__name__ == tg.hessian(loss).__name__ == "loss"
    assert tg.jacobian(loss).__doc__ == "Say what it is."


def test_works_where_recording_is_off() -> None:
    with tg.no_grad():
        same(tg.jacobian(np.square)(np.array([1.0, 2.0])), np.diag([2.0, 4.0]))
        same(tg.hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0])), np.diag([6.0, 12.0]))
        (found,) = tg.hvp(lambda x: np.sum(x**3), (np.ones(2),), (np.ones(2),))
        same(found, np.full(2, 6.0))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in torch itself
def test_torch_agrees() -> None:
    torch = extra("torch")
    x, v = RNG.normal(size=4), RNG.normal(size=4)

    def network(x: Any, m: Any, first: Any, second: Any) -> Any:
        return second @ m.tanh(first @ m.sin(x))

    mine = lambda x: network(x, np, SQUARE, A)
    theirs = lambda x: network(x, torch, torch.tensor(SQUARE), torch.tensor(A))
    t = torch.tensor(x)
    wanted = torch.func.jacrev(theirs)(t).numpy()
    for mode in MODES:
        np.testing.assert_allclose(tg.jacobian(mine, mode=mode)(x), wanted, rtol=1e-12)
    scalar, torch_scalar = (lambda x, f=f: (f(x) ** 2).sum() for f in (mine, theirs))
    wanted = torch.func.hessian(torch_scalar)(t).numpy()
    found = tg.hessian(scalar)(x)
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(tg.hvp(scalar, (x,), (v,))[0], wanted @ v, rtol=1e-11, atol=1e-12)


def test_tolerances_are_those_of_the_dtype() -> None:
    """In float32 a Jacobian is as exact as its function."""
    x = RNG.normal(size=4)
    wide = tg.jacobian(lambda x: np.tanh(SQUARE @ x))(x)
    narrow = tg.jacobian(lambda x: np.tanh(np.float32(SQUARE) @ x))(np.float32(x))
    np.testing.assert_allclose(narrow, wide, rtol=EXACT["f"], atol=EXACT["f"])
