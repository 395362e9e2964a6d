"""What has no rule of its own: ufuncs' methods, the package's compositions, and flat functions.

NumPy's functions that are compositions are in test_compositions.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from composition_checks import drawn
from oracles import pairing, richardson, same
from sampling import directions, like

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.dispatch import UFUNC_METHODS
from tinygrad_bp.engine.rule import FLAT
from tinygrad_bp.errors import UnsupportedFunctionError

Call = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]

METHODS: dict[tuple[Any, str], list[Call]] = {
    (np.add, "reduce"): [
        (np.add.reduce, ((2, 3),)),
        (lambda x: np.add.reduce(x, axis=None), ((2, 3),)),
        (lambda x: np.add.reduce(x, 1, keepdims=True), ((2, 3),)),
    ],
    (np.multiply, "reduce"): [
        (np.multiply.reduce, ((2, 3),)),
        (lambda x: np.multiply.reduce(x, axis=-1), ((2, 3),)),
    ],
    (np.maximum, "reduce"): [
        (np.maximum.reduce, ((2, 3),)),
        (lambda x: np.maximum.reduce(x, axis=1), ((2, 3),)),
    ],
    (np.minimum, "reduce"): [
        (np.minimum.reduce, ((2, 3),)),
        (lambda x: np.minimum.reduce(x, axis=None), ((2, 3),)),
    ],
    (np.logaddexp, "reduce"): [
        (np.logaddexp.reduce, ((4,),)),
        (np.logaddexp.reduce, ((2, 3),)),
        (lambda x: np.logaddexp.reduce(x, axis=1), ((2, 3),)),
    ],
    (np.add, "accumulate"): [
        (np.add.accumulate, ((2, 3),)),
        (lambda x: np.add.accumulate(x, axis=1), ((2, 3),)),
    ],
    (np.multiply, "outer"): [
        (np.multiply.outer, ((2,), (3,))),
        (np.multiply.outer, ((2, 2), (3, 1))),
        (np.multiply.outer, ((), (3,))),
    ],
}

# Functions of the package that are compositions, with formulas of their own.
FUNCTIONAL: dict[
    str, list[tuple[Callable[..., Any], Callable[..., Any], tuple[tuple[int, ...], ...]]]
] = {
    "softmax": [
        (tg.softmax, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), ((2, 3),)),
        (lambda x: tg.softmax(x, axis=0), lambda x: np.exp(x) / np.exp(x).sum(0), ((2, 3),)),
    ],
    "silu": [
        (tg.silu, lambda x: x / (1 + np.exp(-x)), ((2, 3),)),
        (tg.silu, lambda x: x / (1 + np.exp(-x)), ((),)),
    ],
    "gelu": [
        (
            tg.gelu,
            lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
            ((2, 3),),
        ),
    ],
    "mse": [
        (tg.nn.mse, lambda p, y: np.mean((p - y) ** 2), ((3, 1), (3, 1))),
        (lambda p, y: tg.nn.mse(p, y, "sum"), lambda p, y: np.sum((p - y) ** 2), ((4,), (4,))),
        (lambda p, y: tg.nn.mse(p, y, reduction="none"), lambda p, y: (p - y) ** 2, ((4,), (4,))),
    ],
}


def rows(table: dict[Any, list[Any]]) -> Any:
    found = []
    for function, calls in table.items():
        name = function if isinstance(function, str) else getattr(function, "__name__", None)
        name = name or f"{function[0].__name__}.{function[1]}"
        found += [pytest.param(*one, id=f"{name}-{i}") for i, one in enumerate(calls)]
    return found


def flat_list(value: Any) -> list[Any]:
    return flatten(value)[0]


def check(
    f: Callable[..., Any], plain: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]
) -> None:
    """Compare value, gradient and second derivative of `f` on Tensors with `plain` on arrays."""
    arrays = drawn(*shapes)
    wanted = flat_list(plain(*arrays))
    leaves = [tg.tensor(x, requires_grad=True) for x in arrays]
    for value, right in zip(flat_list(f(*leaves)), wanted, strict=True):
        assert type(value) is tg.Tensor
        same(value.numpy(), right)
    _, pull = tg.vjp(f, *arrays)
    weights = [like(one, seed) for seed, one in enumerate(wanted)]
    tangents, second = directions(arrays, 21), directions(arrays, 22)

    def weighted(*xs: Any) -> Any:
        return sum(np.sum(part * w) for part, w in zip(flat_list(plain(*xs)), weights, strict=True))

    def first(*xs: Any) -> Any:
        values, back = tg.vjp(f, *xs)
        parts = back(weights if isinstance(values, (list, tuple)) else weights[0])
        return sum(np.sum(part * e) for part, e in zip(parts, second, strict=True))

    parts = pull(
        weights if len(weights) > 1 or isinstance(plain(*arrays), (list, tuple)) else weights[0]
    )
    assert [np.shape(p) for p in parts] == [np.shape(x) for x in arrays]
    for got, oracle in (
        (pairing(parts, tangents), richardson(weighted, arrays, tangents)),
        (
            pairing(tg.grad(first, range(len(arrays)))(*arrays), tangents),
            richardson(first, arrays, tangents),
        ),
    ):
        assert abs(got - oracle.value) <= 10 * oracle.error + 1e-11


def test_methods_are_known() -> None:
    assert {name for _, name in METHODS} <= set(UFUNC_METHODS)


@pytest.mark.parametrize(("f", "shapes"), rows(METHODS))
def test_ufunc_method(f: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]) -> None:
    check(f, f, shapes)


@pytest.mark.parametrize(("f", "formula", "shapes"), rows(FUNCTIONAL))
def test_functional(f: Any, formula: Any, shapes: tuple[tuple[int, ...], ...]) -> None:
    for got, wanted in zip(
        flat_list(f(*drawn(*shapes))), flat_list(formula(*drawn(*shapes))), strict=True
    ):
        same(got, wanted)
    check(f, formula, shapes)


@pytest.mark.parametrize(("f", "shapes"), rows(METHODS))
def test_ufunc_method_keeps_float32(
    f: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]
) -> None:
    arrays = [np.float32(x) for x in drawn(*shapes)]
    wanted = flat_list(f(*arrays))
    leaves = [tg.tensor(x, requires_grad=True) for x in arrays]
    values = flat_list(f(*leaves))
    for value, right in zip(values, wanted, strict=True):
        assert value.dtype == right.dtype
    sum(np.sum(value) for value in values).backward()
    assert all(leaf.grad.dtype == np.float32 for leaf in leaves)


# Functions whose answer carries no derivative

X = np.array([[1.0, -2.5, 0.0], [3.0, 0.5, np.nan]])
Y = np.array([[1.0, 2.0, 0.0], [-3.0, 0.25, 1.0]])

I = np.array([[6, 4], [3, 9]])  # noqa: E741  # integers
BITS = np.array([1, 0, 1, 1], np.uint8)

FLAT_CALLS: dict[Any, list[tuple[Any, ...]]] = {
    np.allclose: [(Y, Y), (Y, -Y)],
    np.bitwise_and: [(I, I[::-1])],
    np.bitwise_count: [(I,)],
    np.bitwise_or: [(I, I[::-1])],
    np.bitwise_xor: [(I, I[::-1])],
    np.common_type: [(Y, Y)],
    np.diag_indices_from: [(Y[:, :2],)],
    np.einsum_path: [("ij,ij->i", Y, Y)],
    np.gcd: [(I, I[::-1])],
    np.invert: [(I,)],
    np.isin: [(Y, np.array([1.0, 0.25]))],
    np.isnat: [],  # takes dates, which no Tensor holds
    np.lcm: [(I, I[::-1])],
    np.left_shift: [(I, I[::-1])],
    np.packbits: [(BITS,)],
    np.ravel_multi_index: [(np.array([[1, 0], [2, 1]]), (2, 3))],
    np.right_shift: [(I, I[::-1])],
    np.unpackbits: [(BITS,), (BITS, None, 5)],
    np.unravel_index: [(np.array([1, 5]), (2, 3))],
    np.argmax: [(Y,), (Y, 0)],
    np.argmin: [(Y,), (Y, 1)],
    np.argpartition: [(Y, 1), (Y, 1, 0)],
    np.argsort: [(Y,), (Y, 0)],
    np.array_equal: [(Y, Y), (Y, -Y)],
    np.array_equiv: [(Y, Y), (Y, Y[0])],
    np.can_cast: [(np.float32, np.float64)],  # takes types
    np.digitize: [(Y, np.array([-1.0, 0.5]))],
    np.floor_divide: [(Y, Y + 4.5)],
    np.isclose: [(X, Y)],
    np.may_share_memory: [(Y, X)],
    np.searchsorted: [(np.array([0.0, 1.0, 2.0]), Y)],
    np.shares_memory: [(Y, X)],
}


# NumPy warns of them, or has them no longer.
WITHDRAWN = {getattr(np, name, None): name for name in ("fix", "in1d")}
FLAT_CALLS |= {f: FLAT_CALLS[np.isin] for f, name in WITHDRAWN.items() if name == "in1d"}


def flat_calls(function: Any) -> list[tuple[Any, ...]]:
    if function in FLAT_CALLS:
        return FLAT_CALLS[function]
    return [(X, Y)[: function.nin] if isinstance(function, np.ufunc) else (Y,)]


# With like= a Tensor these make another one.
CREATED: dict[Any, Callable[..., Any]] = {
    np.empty: lambda **like: np.empty((0, 2), **like),
    np.eye: lambda **like: np.eye(2, 3, 1, **like),
    np.frombuffer: lambda **like: np.frombuffer(np.arange(3.0).tobytes(), **like),
    np.fromfile: lambda **like: np.fromfile(__file__, np.uint8, 20, **like),
    np.fromiter: lambda **like: np.fromiter(iter([1.0, 2.0]), float, **like),
    np.fromstring: lambda **like: np.fromstring("1 2.5", sep=" ", **like),
    np.genfromtxt: lambda **like: np.genfromtxt(["1,2", "3,4"], delimiter=",", **like),
    np.identity: lambda **like: np.identity(2, **like),
    np.loadtxt: lambda **like: np.loadtxt(["1 2", "3 4"], **like),
    np.ones: lambda **like: np.ones((2, 1), np.float32, **like),
    np.tri: lambda **like: np.tri(2, 3, **like),
    np.zeros: lambda **like: np.zeros((2, 3), **like),
}


@pytest.mark.parametrize("function", CREATED, ids=lambda f: f.__name__)
def test_like_a_tensor_is_an_untracked_tensor(function: Any) -> None:
    made = CREATED[function](like=tg.tensor(Y, requires_grad=True))
    assert type(made) is tg.Tensor
    assert not made.requires_grad
    same(made.numpy(), CREATED[function]())


def test_like_works_before_the_further_families_are_loaded() -> None:
    code = (
        "import numpy as np, tinygrad_bp as tg\n"
        "assert type(np.zeros(2, like=tg.tensor(1.0))) is tg.Tensor\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_softplus_of_complex_numbers() -> None:
    z = np.array([1.0 + 2.0j, -1.0 + 0.3j])
    np.testing.assert_allclose(tg.softplus(z), np.log(1 + np.exp(z)), rtol=1e-14)
    slope = tg.grad(lambda z: np.real(np.sum(tg.softplus(z))))(z)
    np.testing.assert_allclose(slope, 1 / (1 + np.exp(-z)), rtol=1e-14)


def flat_functions(functions: Iterable[Any]) -> list[Any]:
    """Return them as parameters of a test, in which NumPy may warn that some will go."""
    ignored = pytest.mark.filterwarnings("ignore::DeprecationWarning")
    return [
        pytest.param(f, marks=ignored) if f in WITHDRAWN else f
        for f in functions
        if f not in CREATED
    ]


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("function", flat_functions(FLAT), ids=lambda f: f.__name__)
def test_flat_functions_give_numpys_plain_answer(function: Any, requires_grad: bool) -> None:
    for args in flat_calls(function):
        wanted = function(*args)
        arrays = [i for i, x in enumerate(args) if isinstance(x, np.ndarray)]
        for chosen in (
            ([i] for i in arrays) if len(arrays) < 2 else ([arrays[0]], [arrays[1]], arrays)
        ):
            mixed = [
                tg.tensor(x, requires_grad=requires_grad and x.dtype.kind == "f")
                if i in chosen
                else x
                for i, x in enumerate(args)
            ]
            got = function(*mixed)
            for part, right in zip(flat_list(got), flat_list(wanted), strict=True):
                assert not isinstance(part, tg.Tensor)
                assert type(part) is type(right)
                if function is np.empty_like:
                    assert (part.shape, part.dtype) == (right.shape, right.dtype)
                else:
                    np.testing.assert_array_equal(part, right)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: np.round(np.ones(3), 0, x),
        lambda x: np.around(np.ones(3), out=x),
        lambda x: np.isneginf(np.ones(3), x),
        lambda x: np.any(np.ones((3, 3)), 0, x),
        lambda x: np.argmax(np.ones((3, 3)), axis=0, out=x),
        lambda x: np.nanargmin(np.ones((3, 3)), 0, x),
    ],
)
def test_flat_functions_write_into_no_tensor(write: Any) -> None:
    for dtype in (float, np.intp, bool):
        x = tg.tensor(np.array([1, 0, 1], dtype), requires_grad=dtype is float)
        with pytest.raises(UnsupportedFunctionError, match="out="):
            write(x)
        assert x.tolist() == [1, 0, 1]


def test_heaviside_is_its_second_operand_at_zero() -> None:
    x, y = np.array([-1.0, 0.0, 2.0]), np.array([5.0, 6.0, 7.0])
    parts = tg.grad(lambda x, y: np.sum(np.heaviside(x, y)), (0, 1))(x, y)
    assert [part.tolist() for part in parts] == [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_comparison_operators_and_methods_are_flat() -> None:
    x, y = tg.tensor(X, requires_grad=True), tg.tensor(Y)
    for got, wanted in (
        (x == y, X == Y),
        (x != Y, X != Y),
        (x < y, X < Y),
        (x <= 1.0, X <= 1.0),
        (x < Y, Y > X),
        (x <= 1.0, X <= 1.0),
        (y // 2.0, Y // 2.0),
        (y.any(), Y.any()),
        (y.all(axis=0), Y.all(axis=0)),
        (y.argmax(), Y.argmax()),
        (y.argmin(axis=1), Y.argmin(axis=1)),
        (y.argsort(axis=0), Y.argsort(axis=0)),
    ):
        assert not isinstance(got, tg.Tensor)
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(7.0 // tg.tensor([2.0, -3.0]), [3.0, -3.0])


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std"])
def test_reductions_as_methods(name: str, axis: int | None) -> None:
    x = tg.tensor(Y, requires_grad=True)
    for keepdims in (False, True):
        got = getattr(x, name)(axis=axis, keepdims=keepdims)
        same(got.numpy(), getattr(Y, name)(axis=axis, keepdims=keepdims))
        same(getattr(np, name)(x, axis, keepdims=keepdims).numpy(), got.numpy())


def test_methods_are_numpys() -> None:
    x = tg.tensor(Y, requires_grad=True)
    pairs: list[tuple[Any, Any]] = [
        (x.T, Y.T),
        (x.mT, Y.T),
        (x.real, Y),
        (x.clip(-1.0, 1.0), Y.clip(-1.0, 1.0)),
        (x.clip(max=0.5), Y.clip(max=0.5)),
        (x.conj(), Y),
        (x.copy(), Y),
        (x.cumsum(), Y.cumsum()),
        (x.cumsum(axis=1), Y.cumsum(axis=1)),
        (x.diagonal(1), Y.diagonal(1)),
        (x.dot(Y.T), Y @ Y.T),
        (x.flatten(), Y.ravel()),
        (x.ravel(), Y.ravel()),
        (x.repeat(2, axis=0), Y.repeat(2, axis=0)),
        (x.reshape(3, 2), Y.reshape(3, 2)),
        (x.reshape((-1,)), Y.ravel()),
        (x.reshape(-1), Y.ravel()),
        (x[:1].squeeze(), Y[0]),
        (x.swapaxes(0, 1), Y.T),
        (x.take([2, 0], axis=1), Y[:, [2, 0]]),
        (x.tanh(), np.tanh(Y)),
        (x.trace(), np.trace(Y)),
        (x.transpose(), Y.T),
        (x.transpose(1, 0), Y.T),
        (x.transpose((1, 0)), Y.T),
        (x.std(ddof=1), Y.std(ddof=1)),
        (x.astype(np.float32), Y.astype(np.float32)),
        (abs(x), abs(Y)),
        (x.relu(), np.maximum(Y, 0)),
        (x.sigmoid(), 1 / (1 + np.exp(-Y))),
    ]
    for got, wanted in pairs:
        assert got.requires_grad
        same(got.numpy(), wanted)
    same(x.imag.numpy(), np.zeros((2, 3)))
    assert type(x.astype(int)) is np.ndarray
