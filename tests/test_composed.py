"""Functions without a rule of their own.

Compositions, a ufunc's reduce and outer, and those that give plain values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracles import pairing, richardson, same
from sampling import directions, like

import tinygrad_bp as tg
from tinygrad_bp.containers import flatten
from tinygrad_bp.dispatch import UFUNC_METHODS
from tinygrad_bp.rules import FURTHER
from tinygrad_bp.rules.table import COMPOSED, FLAT

Call = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]

# Function -> calls: how it is used, and the shapes of its arrays.
COMPOSITIONS: dict[Any, list[Call]] = {
    np.amax: [
        (np.amax, ((2, 3),)),
        (lambda x: np.amax(x, 1, keepdims=True), ((2, 3),)),
    ],
    np.amin: [
        (np.amin, ((2, 3),)),
        (lambda x: np.amin(x, axis=0), ((2, 3),)),
    ],
    np.append: [
        (lambda x, y: np.append(x, y), ((2, 3), (2,))),
        (lambda x, y: np.append(x, y, axis=0), ((2, 3), (1, 3))),
        (lambda x, y: np.append(x, y, 1), ((2, 3), (2, 2))),
    ],
    np.array_split: [
        (lambda x: np.array_split(x, 3), ((7,),)),
        (lambda x: np.array_split(x, [1, 4], axis=1), ((2, 5),)),
        (lambda x: np.array_split(x, np.array([2, 2, 9]), -1), ((2, 5),)),
    ],
    np.astype: [
        (lambda x: np.astype(x, np.float64), ((2, 3),)),
        (lambda x: np.astype(x, np.float64, copy=False), ((2, 3),)),
        (lambda x: np.real(np.astype(x, complex) * (1 + 2j)), ((2,),)),
    ],
    np.atleast_1d: [
        (np.atleast_1d, ((),)),
        (np.atleast_1d, ((3,),)),
        (lambda x, y: np.atleast_1d(x, y), ((), (2, 2))),
    ],
    np.atleast_2d: [
        (np.atleast_2d, ((),)),
        (np.atleast_2d, ((3,),)),
        (lambda x, y: np.atleast_2d(x, y), ((), (2, 2))),
    ],
    np.atleast_3d: [(np.atleast_3d, (shape,)) for shape in ((), (3,), (2, 3), (2, 3, 4))],
    np.average: [
        (np.average, ((2, 3),)),
        (lambda x: np.average(x, axis=0), ((2, 3),)),
        (lambda x, w: np.average(x, weights=np.exp(w)), ((2, 3), (2, 3))),
        (lambda x, w: np.average(x, axis=1, weights=np.exp(w)), ((2, 3), (3,))),
        (lambda x, w: np.average(x, axis=0, weights=np.exp(w), keepdims=True), ((2, 3), (2,))),
        (lambda x: np.average(x, axis=-1, weights=[1.0, 2.0, 3.0]), ((2, 3),)),
    ],
    np.broadcast_arrays: [
        (lambda x, y: list(np.broadcast_arrays(x, y)), ((2, 1), (3,))),
        (lambda x, y: list(np.broadcast_arrays(x, y)), ((), (2, 2))),
    ],
    np.column_stack: [
        (lambda x, y: np.column_stack([x, y]), shapes) for shapes in (((3,), (3,)), ((3, 2), (3,)))
    ],
    np.dot: [
        (np.dot, shapes)
        for shapes in (
            ((), ()),
            ((), (2, 3)),
            ((2, 3), ()),
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 4)),
            ((2, 3, 4), (4,)),
            ((2, 3, 4), (5, 4, 2)),
            ((4,), (5, 4, 2)),
        )
    ],
    np.dsplit: [(lambda x: np.dsplit(x, 2), ((2, 3, 4),))],
    np.dstack: [
        (lambda x, y: np.dstack([x, y]), shapes) for shapes in (((3,), (3,)), ((2, 3), (2, 3)))
    ],
    np.expand_dims: [
        (lambda x: np.expand_dims(x, 0), ((3,),)),
        (lambda x: np.expand_dims(x, -1), ((),)),
        (lambda x: np.expand_dims(x, (0, -2)), ((2, 3),)),
    ],
    np.flip: [
        (np.flip, ((2, 3),)),
        (np.flip, ((),)),
        (lambda x: np.flip(x, 1), ((2, 3),)),
        (lambda x: np.flip(x, (0, -1)), ((2, 3, 4),)),
    ],
    np.fliplr: [(np.fliplr, ((2, 3),))],
    np.flipud: [(np.flipud, ((2, 3),)), (np.flipud, ((3,),))],
    np.hsplit: [(lambda x: np.hsplit(x, 3), ((2, 3),)), (lambda x: np.hsplit(x, [1]), ((4,),))],
    np.hstack: [
        (lambda x, y: np.hstack([x, y]), shapes)
        for shapes in (((2,), (3,)), ((2, 1), (2, 2)), ((), (2,)), ((), ()))
    ],
    np.inner: [
        (np.inner, shapes)
        for shapes in (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((2, 2), ()))
    ],
    np.matrix_transpose: [(np.matrix_transpose, ((2, 3),)), (np.matrix_transpose, ((4, 2, 3),))],
    np.moveaxis: [
        (lambda x: np.moveaxis(x, 0, -1), ((2, 3, 4),)),
        (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), ((2, 3, 4),)),
        (lambda x: np.moveaxis(x, [2], [0]), ((2, 3, 4),)),
    ],
    np.outer: [(np.outer, shapes) for shapes in (((2,), (3,)), ((), (3,)), ((2, 2), (3,)))],
    np.ravel: [(np.ravel, (shape,)) for shape in ((), (3,), (2, 3), (0, 2))],
    np.repeat: [
        (lambda x: np.repeat(x, 2), ((2, 3),)),
        (lambda x: np.repeat(x, 3, axis=1), ((2, 3),)),
        (lambda x: np.repeat(x, [0, 2, 1], axis=-1), ((2, 3),)),
        (lambda x: np.repeat(x, np.array([1, 2]), axis=0), ((2, 3),)),
        (lambda x: np.repeat(x, 2), ((),)),
    ],
    np.split: [
        (lambda x: np.split(x, 3), ((6,),)),
        (lambda x: np.split(x, [1, 2], axis=1), ((2, 4),)),
        (lambda x: np.split(x, 2, axis=-1), ((2, 4),)),
    ],
    np.squeeze: [
        (np.squeeze, ((1, 3, 1),)),
        (lambda x: np.squeeze(x, 0), ((1, 3, 1),)),
        (lambda x: np.squeeze(x, axis=(0, -1)), ((1, 3, 1),)),
        (np.squeeze, ((1, 1),)),
    ],
    np.stack: [
        (lambda x, y: np.stack([x, y]), ((3,), (3,))),
        (lambda x, y: np.stack((x, y), axis=1), ((2, 3), (2, 3))),
        (lambda x, y: np.stack([x, y], -1), ((), ())),
        (lambda x: np.stack([x, np.ones(3)]), ((3,),)),
    ],
    np.take: [
        (lambda x: np.take(x, 1), ((2, 3),)),
        (lambda x: np.take(x, [5, 0, 0]), ((2, 3),)),
        (lambda x: np.take(x, np.array([[0, -1], [2, 2]]), axis=1), ((2, 3),)),
        (lambda x: np.take(x, [4, -4], axis=1, mode="wrap"), ((2, 3),)),
        (lambda x: np.take(x, [4, -4], axis=0, mode="clip"), ((2, 3),)),
    ],
    np.take_along_axis: [
        (lambda x: np.take_along_axis(x, np.array([[0, 0], [2, 1]]), axis=1), ((2, 3),)),
        (lambda x: np.take_along_axis(x, np.array([[1, 0, 0]]), axis=0), ((2, 3),)),
        (lambda x: np.take_along_axis(x, np.array([[1], [0]]), axis=-1), ((2, 3),)),
        (lambda x: np.take_along_axis(x, np.array([5, 1, 1]), axis=None), ((2, 3),)),
    ],
    np.tensordot: [
        (np.tensordot, ((2, 3, 4), (3, 4, 2))),
        (lambda x, y: np.tensordot(x, y, axes=1), ((2, 3), (3, 4))),
        (lambda x, y: np.tensordot(x, y, 0), ((2,), (3,))),
        (lambda x, y: np.tensordot(x, y, axes=([0, 1], [1, 0])), ((2, 3), (3, 2))),
        (lambda x, y: np.tensordot(x, y, axes=(-1, 0)), ((2, 3), (3,))),
        (lambda x, y: np.tensordot(x, y, axes=1), ((2, 0), (0, 4))),
    ],
    np.tile: [
        (lambda x: np.tile(x, 2), ((3,),)),
        (lambda x: np.tile(x, (2, 1, 3)), ((2, 3),)),
        (lambda x: np.tile(x, (2,)), ((2, 3),)),
        (lambda x: np.tile(x, (2, 2)), ((),)),
    ],
    np.trace: [
        (np.trace, ((3, 3),)),
        (lambda x: np.trace(x, 1), ((3, 4),)),
        (lambda x: np.trace(x, offset=-1, axis1=2, axis2=0), ((3, 2, 3),)),
    ],
    np.vdot: [(np.vdot, ((3,), (3,))), (np.vdot, ((2, 3), (2, 3)))],
    np.vsplit: [(lambda x: np.vsplit(x, 2), ((4, 3),))],
    np.vstack: [
        (lambda x, y: np.vstack([x, y]), shapes)
        for shapes in (((3,), (3,)), ((3,), (2, 3)), ((2, 1), (3, 1)))
    ],
}

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
        (tg.mse, lambda p, y: np.mean((p - y) ** 2), ((3, 1), (3, 1))),
        (lambda p, y: tg.mse(p, y, "sum"), lambda p, y: np.sum((p - y) ** 2), ((4,), (4,))),
        (lambda p, y: tg.mse(p, y, reduction="none"), lambda p, y: (p - y) ** 2, ((4,), (4,))),
    ],
}


def rows(table: dict[Any, list[Any]]) -> Any:
    found = []
    for function, calls in table.items():
        name = function if isinstance(function, str) else getattr(function, "__name__", None)
        name = name or f"{function[0].__name__}.{function[1]}"
        found += [pytest.param(*one, id=f"{name}-{i}") for i, one in enumerate(calls)]
    return found


def drawn(shapes: tuple[tuple[int, ...], ...]) -> list[Any]:
    rng = np.random.default_rng(len(shapes) + sum(map(sum, shapes)))
    return [
        rng.permutation(np.linspace(-1.5, 1.7, int(np.prod(s, dtype=int)))).reshape(s)[()]
        for s in shapes
    ]


def flat_list(value: Any) -> list[Any]:
    return flatten(value)[0]


def check(
    f: Callable[..., Any], plain: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]
) -> None:
    """Compare value, gradient and second derivative of `f` on Tensors with `plain` on arrays."""
    arrays = drawn(shapes)
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


def test_every_composition_is_called() -> None:
    further = {f"tinygrad_bp.rules.{family}" for family in FURTHER}  # these have files of their own
    assert set(COMPOSITIONS) == {f for f, g in COMPOSED.items() if g.__module__ not in further}
    assert set(METHODS) == set(UFUNC_METHODS)


@pytest.mark.parametrize(("f", "shapes"), rows(COMPOSITIONS) + rows(METHODS))
def test_composition(f: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]) -> None:
    check(f, f, shapes)


@pytest.mark.parametrize(("f", "formula", "shapes"), rows(FUNCTIONAL))
def test_functional(f: Any, formula: Any, shapes: tuple[tuple[int, ...], ...]) -> None:
    for got, wanted in zip(
        flat_list(f(*drawn(shapes))), flat_list(formula(*drawn(shapes))), strict=True
    ):
        same(got, wanted)
    check(f, formula, shapes)


@pytest.mark.parametrize(("f", "shapes"), rows(COMPOSITIONS) + rows(METHODS))
def test_composition_keeps_float32(
    f: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]
) -> None:
    arrays = [np.float32(x) for x in drawn(shapes)]
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

FLAT_CALLS: dict[Any, list[tuple[Any, ...]]] = {
    np.allclose: [(Y, Y), (Y, -Y)],
    np.argmax: [(Y,), (Y, 0)],
    np.argmin: [(Y,), (Y, 1)],
    np.argsort: [(Y,), (Y, 0)],
    np.array_equal: [(Y, Y), (Y, -Y)],
    np.array_equiv: [(Y, Y), (Y, Y[0])],
    np.can_cast: [(np.float32, np.float64)],  # takes types
    np.digitize: [(Y, np.array([-1.0, 0.5]))],
    np.floor_divide: [(Y, Y + 4.5)],
    np.full_like: [(Y, 7.0)],
    np.isclose: [(X, Y)],
    np.may_share_memory: [(Y, X)],
    np.searchsorted: [(np.array([0.0, 1.0, 2.0]), Y)],
    np.shares_memory: [(Y, X)],
}


def flat_calls(function: Any) -> list[tuple[Any, ...]]:
    if function in FLAT_CALLS:
        return FLAT_CALLS[function]
    return [(X, Y)[: function.nin] if isinstance(function, np.ufunc) else (Y,)]


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("function", FLAT, ids=lambda f: f.__name__)
def test_flat_functions_give_numpys_plain_answer(function: Any, requires_grad: bool) -> None:
    for args in flat_calls(function):
        wanted = function(*args)
        arrays = [i for i, x in enumerate(args) if isinstance(x, np.ndarray)]
        for chosen in (
            ([i] for i in arrays) if len(arrays) < 2 else ([arrays[0]], [arrays[1]], arrays)
        ):
            mixed = [
                tg.tensor(x, requires_grad=requires_grad) if i in chosen else x
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
