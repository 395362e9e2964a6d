"""Linear algebra: what the tests over the rule table do not reach.

Compositions, several results, complex matrices, matrices that must be definite, and the points
where a factorisation has no derivative.  Vectors are compared through what does not depend on the
signs, phases and bases that LAPACK chooses.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from oracles import EXACT, pairing, richardson
from sampling import without_calls
from together import together
from words import words

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.dispatch import FUNCTIONS, UFUNCS
from tinygrad_bp.engine.nodes import Leaf, ancestors
from tinygrad_bp.engine.rule import FLAT, TABLE
from tinygrad_bp.errors import GraphError, ShapeError, UnsupportedFunctionError

la = np.linalg
inf = np.inf
NUMPY = np.lib.NumpyVersion(np.__version__)
Shapes = tuple[tuple[int, ...], ...]


def adjoint(x: Any) -> Any:
    return np.conjugate(np.swapaxes(x, -1, -2))


def definite(x: Any) -> Any:
    return x @ adjoint(x) + 3 * np.eye(x.shape[-1], dtype=x.dtype)


def symmetric(x: Any) -> Any:
    return x + adjoint(x)


def scaled(v: Any, w: Any) -> Any:
    """Return ``v @ diag(w)``."""
    return v * np.expand_dims(w, -2)


# What depends on no sign, phase or basis.


def of_eigh(a: Any, **options: Any) -> Any:
    w, v = la.eigh(symmetric(a), **options)
    return [w, scaled(v, np.exp(w / 4)) @ adjoint(v), v[..., :1] @ adjoint(v[..., :1])]


def of_eig(a: Any) -> Any:
    w, v = la.eig(a)
    return [w, scaled(v, w * w) @ la.inv(v), np.real(v * np.conjugate(v))]


def of_svd(a: Any, **options: Any) -> Any:
    u, s, vh = la.svd(a, **options)
    k = s.shape[-1]
    v = adjoint(vh)
    return [
        s,
        scaled(u[..., :k], s * s + 1) @ vh[..., :k, :],
        u[..., :1] @ adjoint(u[..., :1]),
        u[..., k:] @ adjoint(u[..., k:]),
        v[..., k:] @ adjoint(v[..., k:]),
    ]


def of_qr(a: Any, mode: str = "reduced") -> Any:
    q, r = la.qr(a, mode)
    k = min(a.shape[-2:])
    return [q[..., :k], r, q[..., k:] @ adjoint(q[..., k:])]


def of_hermitian_svd(a: Any) -> Any:
    u, s, vh = la.svd(symmetric(a), hermitian=True)
    return [s, scaled(u, s * s) @ vh]


def of_lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    x, residuals, _rank, s = la.lstsq(a, b, rcond)
    return [x, residuals, s]


SQUARE: tuple[Shapes, ...] = (((3, 3),), ((2, 3, 3),))
OBLONG: tuple[Shapes, ...] = (((3, 3),), ((4, 2),), ((2, 4),), ((2, 4, 3),))


def norm_of(f: Callable[..., Any], p: Any) -> Callable[..., Any]:
    """Return ``f(x, p)`` of one argument."""

    def norm(x: Any) -> Any:
        return f(x, p)

    return norm


NORMS = (None, "fro", "f", "nuc", 1, -1, 2, -2, inf, -inf)

# The functions tested -> how each is called, and the shapes of its arrays.
CALLS: list[tuple[tuple[Any, ...], Callable[..., Any], tuple[Shapes, ...]]] = [
    ((la.inv,), la.inv, SQUARE),
    (
        (la.solve,),
        la.solve,
        (
            ((3, 3), (3,)),
            ((3, 3), (3, 2)),
            ((2, 3, 3), (3,)),
            ((3, 3), (2, 3, 2)),
            ((2, 1, 2, 2), (3, 2, 1)),
        ),
    ),
    ((la.det,), la.det, SQUARE),
    ((la.slogdet,), lambda a: list(la.slogdet(a)), SQUARE),
    ((la.cholesky,), lambda a: la.cholesky(definite(a)), SQUARE),
    ((la.cholesky,), lambda a: la.cholesky(definite(a), upper=True), SQUARE),
    ((la.qr,), of_qr, OBLONG),
    ((la.qr,), lambda a: of_qr(a, "complete"), OBLONG),
    ((la.qr,), lambda a: la.qr(a, mode="r"), OBLONG),
    ((la.svd,), lambda a: of_svd(a, full_matrices=False), OBLONG),
    ((la.svd,), of_svd, OBLONG),
    ((la.svd,), lambda a: la.svd(a, compute_uv=False), OBLONG),
    ((la.svd,), of_hermitian_svd, SQUARE),
    (
        (la.svd,),
        lambda a: la.svd(symmetric(a), compute_uv=False, hermitian=True),
        SQUARE,
    ),
    ((la.svdvals,), la.svdvals, OBLONG),
    ((la.eigh,), of_eigh, SQUARE),
    ((la.eigh,), lambda a: of_eigh(a, UPLO="U"), SQUARE),
    ((la.eigvalsh,), lambda a: la.eigvalsh(symmetric(a)), SQUARE),
    ((la.eig,), of_eig, (((3, 3),), ((2, 4, 4),))),
    ((la.eigvals,), la.eigvals, (((4, 4),), ((2, 3, 3),))),
    ((la.pinv,), la.pinv, OBLONG),
    ((la.pinv,), lambda a: la.pinv(a, rcond=0.5), (((4, 3),), ((2, 3, 4),))),
    ((la.pinv,), lambda a: la.pinv(a, rtol=np.array([0.5, 1e-3])), (((2, 4, 3),),)),
    ((la.pinv,), lambda a: la.pinv(a, rtol=None), (((4, 3),),)),
    ((la.pinv,), lambda a: la.pinv(symmetric(a), hermitian=True), SQUARE),
    ((la.pinv,), lambda a, b: la.pinv(a @ b, 1e-5), (((4, 2), (2, 3)),)),
    (
        (la.lstsq,),
        of_lstsq,
        (((5, 3), (5,)), ((5, 3), (5, 2)), ((3, 5), (3, 2)), ((3, 3), (3,))),
    ),
    ((la.lstsq,), lambda a, b: of_lstsq(a, b, -1), (((5, 3), (5,)),)),
    ((la.lstsq,), lambda a, b: of_lstsq(a, b, 0.5), (((5, 3), (5, 2)),)),
    ((la.tensorsolve,), la.tensorsolve, (((2, 3, 6), (2, 3)), ((2, 3, 2, 1, 3), (2, 3)))),
    ((la.tensorsolve,), lambda a, b: la.tensorsolve(a, b, axes=(0, 2)), (((2, 6, 3), (6,)),)),
    ((la.tensorinv,), la.tensorinv, (((2, 3, 6),), ((2, 3, 3, 2),))),
    ((la.tensorinv,), lambda a: la.tensorinv(a, ind=1), (((6, 2, 3),),)),
    *(
        ((la.matrix_power,), lambda a, n=n: la.matrix_power(a, n), SQUARE[1:])
        for n in (-3, 0, 1, 2, 5)
    ),
    (
        (la.multi_dot,),
        lambda *xs: la.multi_dot(xs),
        (
            ((2, 3), (3, 4)),
            ((2, 3), (3, 4), (4, 2)),
            ((5, 2), (2, 6), (6, 1), (1, 3)),
            ((3,), (3, 4), (4,)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
        ),
    ),
    *(((la.norm,), norm_of(la.norm, p), (((3, 4),),)) for p in NORMS),
    *(
        (
            (la.norm,),
            norm_of(lambda a, p: la.norm(a, p, axis=(2, 0), keepdims=True), p),
            (((3, 2, 4),),),
        )
        for p in (None, "nuc", 1, inf)
    ),
    ((la.norm,), la.norm, (((3,),), ((2, 3, 2),), ((),))),
    ((la.norm,), lambda a: la.norm(a, keepdims=True), (((2, 3, 2),),)),
    *(
        ((la.norm,), norm_of(lambda a, p: la.norm(a, p, axis=1), p), (((3, 4),),))
        for p in (None, 0, 1, 2, 3, 0.5, -2.5, np.float64(1.5), inf, -inf)
    ),
    *(((la.norm,), norm_of(la.norm, p), (((4,),),)) for p in (0, 3, inf)),
    *(
        ((la.matrix_norm,), norm_of(lambda a, p: la.matrix_norm(a, ord=p), p), (((2, 3, 4),),))
        for p in ("fro", "nuc", -1, 2)
    ),
    ((la.matrix_norm,), lambda a: la.matrix_norm(a, keepdims=True), (((2, 3, 4),),)),
    ((la.vector_norm,), la.vector_norm, (((3, 4),),)),
    (
        (la.vector_norm,),
        norm_of(lambda a, p: la.vector_norm(a, axis=(0, 2), ord=p, keepdims=True), 3),
        (((3, 2, 4),),),
    ),
    *(((la.cond,), norm_of(la.cond, p), SQUARE[1:]) for p in NORMS if p != "f"),
    ((la.cond,), la.cond, (((4, 2),),)),
    ((np.kron,), np.kron, (((2, 3), (3, 2)), ((2,), (2, 3)), ((2, 2, 1), (3,)), ((), (2,)))),
    (
        (np.cross,),
        np.cross,
        (((3,), (3,)), ((2, 3), (3,)), ((4, 1, 3), (2, 3))),
    ),
    ((np.cross,), lambda a, b: np.cross(a, b, axis=0), (((3, 2), (3, 2)),)),
    ((np.cross,), lambda a, b: np.cross(a, b, 0, 1, 0), (((3, 2), (2, 3)),)),
    ((la.cross,), la.cross, (((2, 3), (2, 3)),)),
    ((la.cross,), lambda a, b: la.cross(a, b, axis=0), (((3, 2), (3, 2)),)),
    ((np.vecdot,), np.vecdot, (((3,), (3,)), ((2, 3), (3,)))),
    ((la.vecdot,), la.vecdot, (((2, 3), (2, 3)),)),
    ((la.vecdot,), lambda a, b: la.vecdot(a, b, axis=0), (((3, 2), (3, 2)),)),
    ((la.outer,), la.outer, (((2,), (3,)),)),
    ((la.matmul,), la.matmul, (((2, 3), (3, 2)),)),
    ((la.tensordot,), la.tensordot, (((2, 3, 4), (3, 4, 2)),)),
    ((la.tensordot,), lambda a, b: la.tensordot(a, b, axes=1), (((2, 3), (3, 2)),)),
    ((la.diagonal,), la.diagonal, (((2, 3, 4),),)),
    ((la.diagonal,), lambda a: la.diagonal(a, offset=-1), (((3, 3),),)),
    ((la.trace,), la.trace, (((2, 3, 3),), ((3, 4),))),
    ((la.trace,), lambda a: la.trace(a, offset=1, dtype=a.dtype), (((3, 3),),)),
    ((la.matrix_transpose,), la.matrix_transpose, (((2, 3, 4),),)),
]
if hasattr(np, "matvec"):
    CALLS += [
        ((np.matvec,), np.matvec, (((2, 3), (3,)), ((4, 2, 3), (4, 3)), ((2, 3), (5, 3)))),
        ((np.vecmat,), np.vecmat, (((2,), (2, 3)), ((4, 2), (4, 2, 3)))),
    ]

TESTED = {function for functions, _, _ in CALLS for function in functions}
ROWS = [
    pytest.param(f, shapes, id=f"{functions[0].__name__}-{i}-{shapes}".replace(" ", ""))
    for i, (functions, f, calls) in enumerate(CALLS)
    for shapes in calls
]
each_call = pytest.mark.parametrize(("f", "shapes"), ROWS)


def away_from_zero(shapes: Shapes, kind: str, seed: int = 0) -> list[Any]:
    """Return arrays of numbers from 0.2 to 2 and back: abs has its kink farther off than a step."""
    rng = np.random.default_rng(seed + sum(map(sum, shapes)))

    def numbers(shape: tuple[int, ...]) -> Any:
        return rng.uniform(0.2, 2.0, shape) * rng.choice([-1.0, 1.0], shape)

    arrays = [numbers(shape) for shape in shapes]
    if kind == "complex":
        arrays = [x + 1j * numbers(np.shape(x)) for x in arrays]
    return [np.asarray(x)[()] for x in arrays]


def weighted(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the real part of a sum of all that `f` gives, with complex weights where it is."""

    def loss(*xs: Any) -> Any:
        rng = np.random.default_rng(5)
        total: Any = 0.0
        for out in flatten(f(*xs))[0]:
            weight = rng.normal(size=out.shape)
            if out.dtype.kind == "c":
                weight = weight + 1j * rng.normal(size=out.shape)
            total = total + np.sum(np.real(out * np.asarray(weight).astype(out.dtype)))
        return total

    return loss


def close(got: Any, slope: Any) -> None:
    # matrices that were not chosen for it are conditioned up to a few hundred
    assert abs(got - slope.value) <= 10 * slope.error + 1e-10 * (1 + abs(slope.value))


def check(f: Callable[..., Any], arrays: list[Any], kind: str) -> None:
    """Compare the first and second derivatives along random directions with differences."""
    loss = weighted(f)
    shapes = tuple(np.shape(x) for x in arrays)
    tangents, others = away_from_zero(shapes, kind, 1), away_from_zero(shapes, kind, 2)
    everything = range(len(arrays))

    def first(*xs: Any) -> Any:
        return sum(
            np.sum(np.real(g * t))
            for g, t in zip(tg.grad(loss, everything)(*xs), others, strict=True)
        )

    grads = tg.grad(loss, everything)(*arrays)
    assert [(np.shape(g), g.dtype) for g in grads] == [(np.shape(x), x.dtype) for x in arrays]
    close(np.real(pairing(grads, tangents)), richardson(loss, arrays, tangents))
    second = np.real(pairing(tg.grad(first, everything)(*arrays), tangents))
    close(second, richardson(first, arrays, tangents))


@together
@pytest.mark.parametrize("kind", ["real", "complex"])
@each_call
def test_value_is_numpys(f: Callable[..., Any], shapes: Shapes, kind: str) -> None:
    arrays = away_from_zero(shapes, kind)
    leaves = [tg.tensor(x, requires_grad=True) for x in arrays]
    for got, wanted in zip(flatten(f(*leaves))[0], flatten(f(*arrays))[0], strict=True):
        assert type(got) is tg.Tensor or not got.size
        if NUMPY < "2.4.0" and wanted.dtype.kind == "c" and not np.any(wanted.imag):
            wanted = wanted.real.astype(got.dtype)  # a condition was complex as its matrix is
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        value = got.numpy() if type(got) is tg.Tensor else got
        np.testing.assert_allclose(value, wanted, rtol=1e-11, atol=1e-11)


@together
@each_call
def test_derivatives_of_real_matrices(f: Callable[..., Any], shapes: Shapes) -> None:
    check(f, away_from_zero(shapes, "real"), "real")


@together
@each_call
def test_derivatives_of_complex_matrices(f: Callable[..., Any], shapes: Shapes) -> None:
    check(f, away_from_zero(shapes, "complex"), "complex")


@together
@pytest.mark.parametrize("kind", ["real", "complex"])
@each_call
def test_tangents_are_pushed(f: Callable[..., Any], shapes: Shapes, kind: str) -> None:
    arrays, tangents = away_from_zero(shapes, kind), away_from_zero(shapes, kind, 1)
    loss = weighted(f)
    _, slope = tg.jvp(loss, tuple(arrays), tuple(tangents))
    close(slope, richardson(loss, arrays, tangents))


@together
@each_call
def test_float32_stays_float32(f: Callable[..., Any], shapes: Shapes) -> None:
    arrays = away_from_zero(shapes, "real")
    loss = weighted(f)
    narrow = [np.float32(x) for x in arrays]
    leaves = [tg.tensor(x, requires_grad=True) for x in narrow]
    for got, wanted in zip(flatten(f(*leaves))[0], flatten(f(*narrow))[0], strict=True):
        assert got.dtype == wanted.dtype
    total = loss(*leaves)
    assert total.dtype == np.float32
    for node in ancestors(total.node):
        if not isinstance(node, Leaf) and ".linalg." in node.rule.family:
            for pull, parent in zip(node.rule.pulls, node.parents, strict=True):
                if parent is not None:
                    part = pull(np.zeros(node.shape, node.dtype)[()], *node.saved)
                    assert part.dtype == parent.dtype
    total.backward()
    wide = tg.grad(loss, range(len(arrays)))(*map(np.float64, narrow))
    for leaf, wanted in zip(leaves, wide, strict=True):
        grad = leaf.grad.numpy()
        assert grad.dtype == np.float32
        # conditioned up to a few hundred, and derivatives square that
        scale = 1 + np.max(np.abs(wanted), initial=0)
        np.testing.assert_allclose(grad, wanted, rtol=0, atol=500 * EXACT["f"] * scale)


def test_every_function_is_tested() -> None:
    """All of numpy.linalg is differentiated, and nothing in its rules' modules goes untested."""
    names = {getattr(la, name) for name in la.__all__ if name != "LinAlgError"}
    assert names - TESTED == {la.matrix_rank}
    assert la.matrix_rank in FLAT
    for function in TESTED:
        assert function in (UFUNCS if isinstance(function, np.ufunc) else FUNCTIONS)
    assert without_calls("linalg.") - without_calls("linalg.products") <= TESTED


# Several results


def test_named_tuples_are_numpys() -> None:
    for kind in ("real", "complex"):
        for shape in ((3, 3), (2, 3, 3)):
            a = symmetric(away_from_zero((shape,), kind)[0])
            for function in (la.eigh, la.eig, la.qr, la.svd, la.slogdet):
                wanted = function(a)
                got = function(tg.tensor(a, requires_grad=True))
                assert type(got) is type(wanted)
                for one, right in zip(got, wanted, strict=True):
                    assert type(one) is tg.Tensor
                    assert one.requires_grad
                    np.testing.assert_array_equal(one.numpy(), right, strict=True)


@pytest.mark.parametrize("name", ["eigh", "eig", "svd"])
def test_a_factorisation_is_computed_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a = tg.tensor(np.array([[2.0, 0.3], [0.3, 1.0]]), requires_grad=True)
    getattr(la, name)(a)  # the first time it is asked for its named tuple
    calls: list[str] = []
    for one in ("eigh", "eigvalsh", "eig", "eigvals", "svd", "svdvals"):
        function = getattr(la, one)

        def counted(*args: Any, _function: Any = function, _one: str = one, **options: Any) -> Any:
            if type(args[0]) is np.ndarray:
                calls.append(_one)
            return _function(*args, **options)

        monkeypatch.setattr(la, one, counted)
    parts = getattr(la, name)(a)
    sum(np.sum(part * part * part) for part in parts).backward()
    assert calls == [name]


def test_a_factorisation_is_freed_without_the_collector() -> None:
    a = tg.tensor(np.array([[2.0, 0.3], [0.3, 1.0]]), requires_grad=True)
    gc.disable()
    try:
        for function in (la.eigh, la.eig, la.svd):
            result = function(a)
            nodes = [weakref.ref(node) for part in result for node in ancestors(part.node)]
            del result
            assert {ref() for ref in nodes} <= {a.node, None}
    finally:
        gc.enable()


@pytest.mark.parametrize("name", ["eigh", "eig", "svd"])
def test_values_refer_to_the_graph_through_their_parents_alone(name: str) -> None:
    """What copies, cuts or runs a graph again follows the parents and nothing else."""
    a = tg.tensor(np.array([[2.0, 0.3], [0.3, 1.0]]), requires_grad=True)
    values = getattr(la, name)(a)[name == "svd"]
    known = values.node.saved[-1]
    assert {type(one) for one in (known.values, *known.vectors)} == {np.ndarray}
    assert values.node.parents == (a.node,)


def test_lstsq_gives_rank_and_residuals_as_numpy_does() -> None:
    a, b = away_from_zero(((5, 3), (5,)), "real")
    for matrix, right in ((a, b), (a[:3], b[:3]), (np.outer(b, [1.0, 2.0, 3.0]), b)):
        wanted = la.lstsq(matrix, right)
        got = la.lstsq(tg.tensor(matrix, requires_grad=True), right)
        assert got[2] == wanted[2]
        assert got[1].shape == wanted[1].shape
        np.testing.assert_allclose(got[0].detach(), wanted[0], rtol=1e-12, atol=1e-12)


# Where a matrix has no inverse


def hessian(f: Callable[..., Any], x: Any) -> Any:
    grad = tg.grad(f)
    rows = [
        tg.grad(lambda y, e=e: np.sum(grad(y) * e))(x) for e in np.eye(x.size).reshape(-1, *x.shape)
    ]
    return np.reshape(rows, (x.size, x.size))


def test_gradient_of_det_without_an_inverse() -> None:
    np.testing.assert_allclose(
        tg.grad(la.det)(np.array([[1.0, 2.0], [2.0, 4.0]])), [[4.0, -2.0], [-2.0, 1.0]], rtol=1e-14
    )
    assert not np.any(tg.grad(la.det)(np.zeros((3, 3))))
    flat = tg.grad(la.det)(np.diag([2.0, 3.0, 0.0]))
    np.testing.assert_allclose(flat, np.diag([0.0, 0.0, 6.0]), atol=1e-15)
    swap = [[0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]]
    np.testing.assert_allclose(hessian(la.det, np.zeros((2, 2))), swap, atol=1e-15)


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_derivatives_of_det_at_every_rank(rank: int) -> None:
    rng = np.random.default_rng(rank)
    a = rng.normal(size=(4, rank)) @ rng.normal(size=(rank, 4))
    t, e = rng.normal(size=(2, 4, 4))
    close(np.sum(tg.grad(la.det)(a) * t), richardson(la.det, [a], [t]))

    def first(x: Any) -> Any:
        return np.sum(tg.grad(la.det)(x) * e)

    close(np.sum(tg.grad(first)(a) * t), richardson(first, [a], [t]))


def test_third_derivative_of_det() -> None:
    """The determinant of 3 by 3 matrices is a cubic form: its third derivative is 6 times it."""
    a, t = np.random.default_rng(0).normal(size=(2, 3, 3))

    def along(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: np.sum(tg.grad(f)(x) * t)

    np.testing.assert_allclose(along(along(along(la.det)))(a), 6 * la.det(t), rtol=1e-12)


def test_cond_is_infinite_without_an_inverse() -> None:
    stack = np.stack([np.diag([1.0, 2.0]), np.zeros((2, 2)), np.ones((2, 2))])
    for p in (None, 1, "fro", -2):
        x = tg.tensor(stack, requires_grad=True)
        got = la.cond(x, p)
        np.testing.assert_allclose(got.detach(), la.cond(stack, p), rtol=1e-12)
        np.sum(got[:1]).backward()
        assert np.all(np.isfinite(x.grad.numpy()[0]))


# Kinks


@pytest.mark.parametrize("p", [None, 0, 1, 2, 3, 1.5, 0.5, inf, -0.5, -1, -2, -3, -inf])
def test_gradient_of_the_norm_of_a_zero_vector_is_zero(p: Any) -> None:
    for shape in ((3,), (2, 3)):
        x = tg.tensor(np.zeros(shape), requires_grad=True)
        with np.errstate(divide="ignore"):  # NumPy's own, of 0 to a negative power
            norm = np.sum(la.norm(x, p, axis=-1))
        assert norm.item() == 0
        norm.backward()
        assert not np.any(x.grad.numpy())


@pytest.mark.parametrize("p", ["fro", "nuc", 1, 2, inf, -1, -2, -inf])
def test_gradient_of_the_norm_of_a_zero_matrix_is_zero(p: Any) -> None:
    assert not np.any(tg.grad(lambda a: la.norm(a, p))(np.zeros((2, 3))))


@pytest.mark.parametrize("p", [-0.5, -1, -2, -inf])
def test_a_zero_makes_a_norm_of_negative_order_zero_beside_others(p: Any) -> None:
    """It is the absolute value of the zero alone, to first order."""
    x = np.array([[3.0, 0.0], [3.0, 4.0]])
    with np.errstate(divide="ignore"):
        got = tg.grad(lambda x: np.sum(la.norm(x, p, axis=1)))(x)
    assert got[0].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(got[1], tg.grad(lambda x: la.norm(x, p))(x[1]), rtol=1e-13)


@pytest.mark.parametrize("p", [3, 1.5, 0.5])
def test_zeros_in_a_vector_leave_its_norm_differentiable(p: float) -> None:
    x = np.array([3.0, 0.0, 4.0])
    norm = la.norm(x, p)
    wanted = np.array([(3 / norm) ** (p - 1), 0.0, (4 / norm) ** (p - 1)])
    np.testing.assert_allclose(tg.grad(lambda y: la.norm(y, p))(x), wanted, rtol=1e-13)


# Equal values


def rotation(n: int) -> Any:
    return la.qr(np.random.default_rng(n).normal(size=(n, n)))[0]


@pytest.mark.parametrize("spectrum", [(1, 1, 1), (2, 2, 5), (0, 0, 3)])
def test_functions_of_equal_eigenvalues_have_a_gradient(spectrum: tuple[float, ...]) -> None:
    q = rotation(3)
    for a in (np.diag(np.array(spectrum, float)), scaled(q, spectrum) @ q.T):
        for values in (
            la.eigvalsh,
            lambda x: la.eigh(x).eigenvalues,
            lambda x: la.eigh(x)[0],
        ):
            grad = tg.grad(lambda x, values=values: np.sum(values(x) ** 3))(a)
            np.testing.assert_allclose(grad, 3 * a @ a, atol=1e-12)


@pytest.mark.parametrize("spectrum", [(1, 1, 1), (2, 2, 5)])
def test_functions_of_equal_singular_values_have_a_gradient(spectrum: tuple[float, ...]) -> None:
    p, q = rotation(3), rotation(4)[:3]
    q = la.qr(q.T)[0].T
    for a in (np.diag(np.array(spectrum, float)), scaled(p, spectrum) @ q):
        for values in (la.svdvals, lambda x: la.svd(x)[1], lambda x: la.svd(x, compute_uv=False)):
            grad = tg.grad(lambda x, values=values: np.sum(values(x) ** 2))(a)
            np.testing.assert_allclose(grad, 2 * a, atol=1e-12)
    nuclear = tg.grad(lambda x: la.norm(x, "nuc"))(scaled(p, spectrum) @ q)
    np.testing.assert_allclose(nuclear, p @ q, atol=1e-12)  # the nearest isometry


def test_eigenvalues_of_the_identity_have_a_gradient() -> None:
    for values in (la.eigvals, lambda a: la.eig(a)[0]):
        np.testing.assert_array_equal(
            tg.grad(lambda a, values=values: np.sum(values(a) ** 2))(np.eye(3)), 2 * np.eye(3)
        )


@pytest.mark.parametrize("vectors", ["eigh", "svd"])
def test_vectors_that_are_not_read_may_have_equal_values(vectors: str) -> None:
    """The first principal component, where all others are alike."""
    a = np.diag([1.0, 1.0, 1.0, 4.0])
    e = np.arange(16.0).reshape(4, 4)

    def component(x: Any) -> Any:
        if vectors == "eigh":
            v = la.eigh(x)[1][:, -1:]
            return np.sum(v @ v.T * e)
        u, _, vh = la.svd(x)
        return np.sum(u[:, :1] @ vh[:1] * e)

    t = symmetric(np.random.default_rng(0).normal(size=(4, 4)))
    close(np.sum(tg.grad(component)(a) * t), richardson(component, [a], [t]))


def exponential_by_eigh(x: Any) -> Any:
    w, v = la.eigh(x)
    return scaled(v, np.exp(w)) @ v.T


def exponential_by_eig(x: Any) -> Any:
    w, v = la.eig(x)
    return scaled(v, np.exp(w)) @ la.inv(v)


def cube_by_svd(x: Any) -> Any:
    u, s, vh = la.svd(x)
    return scaled(u, s**3) @ vh


@pytest.mark.parametrize("function", [exponential_by_eigh, exponential_by_eig, cube_by_svd])
def test_reading_vectors_of_equal_values_is_not_silently_wrong(function: Any) -> None:
    """The derivative is there, but not in what a cotangent of the vectors tells: so NaN."""
    with np.errstate(all="ignore"):
        grad = tg.grad(lambda x: np.sum(function(x)))(np.eye(3))
    assert np.any(np.isnan(grad))


def test_reading_vectors_of_equal_values_warns() -> None:
    with pytest.warns(RuntimeWarning):
        tg.grad(lambda x: np.sum(la.eigh(x)[1] ** 3))(np.eye(2))


# What LAPACK chooses


def test_a_loss_on_the_phase_of_complex_vectors_is_refused() -> None:
    (a,) = away_from_zero(((3, 3),), "complex")
    for name, vectors in (
        ("eigh", lambda x: la.eigh(symmetric(x))[1]),
        ("eig", lambda x: la.eig(x)[1]),
        ("svd", lambda x: la.svd(x)[0]),
    ):
        with pytest.raises(GraphError, match=f"{name}: the loss depends on the phase"):
            tg.grad(lambda x, vectors=vectors: np.sum(np.real(vectors(x))))(a)


def test_a_loss_on_the_basis_of_a_null_space_is_refused() -> None:
    (a,) = away_from_zero(((5, 2),), "real")
    for name, vectors in (
        ("svd", lambda x: la.svd(x)[0]),
        ("svd", lambda x: la.svd(x.T)[2]),
        ("qr", lambda x: la.qr(x, "complete")[0]),
    ):
        with pytest.raises(GraphError, match=f"{name}: the loss depends on which basis"):
            tg.grad(lambda x, vectors=vectors: np.sum(vectors(x)[:, -1] ** 3))(a)


def test_real_eigenvectors_beside_complex_ones_may_be_read() -> None:
    """One real eigenvalue and a pair: the real vector has a sign, no phase."""
    a = np.array([[0.1, -1.0, 0.3], [1.0, 0.2, 0.1], [0.2, 0.4, 2.0]])
    (real,) = np.flatnonzero(np.imag(la.eigvals(a)) == 0)

    def loss(x: Any) -> Any:
        return np.sum(np.real(la.eig(x)[1][:, real]) ** 2 * np.arange(3.0))

    t = np.random.default_rng(1).normal(size=(3, 3))
    close(np.sum(tg.grad(loss)(a) * t), richardson(loss, [a], [t]))


def test_both_triangles_get_the_gradient_of_the_one_that_is_read() -> None:
    for kind in ("real", "complex"):
        a = definite(away_from_zero(((3, 3),), kind)[0])
        for f in (
            la.cholesky,
            lambda x: la.cholesky(x, upper=True),
            la.eigvalsh,
            lambda x: la.eigh(x, "U").eigenvalues,
            lambda x: np.abs(la.eigh(x).eigenvectors) ** 2,
            lambda x: la.pinv(x, hermitian=True),
        ):
            (grad,) = tg.vjp(f, a)[1](np.ones(np.shape(f(a))))
            np.testing.assert_allclose(grad, adjoint(grad), rtol=1e-12, atol=1e-14)
            (t,) = away_from_zero(((3, 3),), kind, 1)
            pushed, mirrored = (tg.jvp(f, (a,), (one,))[1] for one in (t, adjoint(t)))
            np.testing.assert_allclose(pushed, mirrored, rtol=1e-10, atol=1e-12)


# Arguments


LARGEST_OF_NOTHING = (  # NumPy before 2.3 raises
    (lambda x: la.norm(x, inf), (0,)),
    (lambda x: la.norm(x, 2), (2, 0)),
)


def test_zero_size_matrices_have_zero_size_gradients() -> None:
    for f, shape in (
        (la.inv, (0, 0)),
        (la.det, (2, 0, 0)),
        (la.cholesky, (0, 0)),
        (la.eigvalsh, (2, 0, 0)),
        (lambda x: la.eigh(x)[1], (0, 0)),
        (lambda x: la.eig(x)[1], (0, 0)),
        (lambda x: la.qr(x)[1], (0, 3)),
        (lambda x: la.qr(x)[0], (3, 0)),
        (lambda x: la.svd(x)[1], (0, 3)),
        (lambda x: la.svd(x, full_matrices=False)[2], (3, 0)),
        (la.pinv, (3, 0)),
        (la.norm, (0,)),
        *(() if NUMPY < "2.3.0" else LARGEST_OF_NOTHING),
        (lambda x: la.slogdet(x)[1], (0, 2, 2)),
    ):
        value, pull = tg.vjp(f, np.zeros(shape))
        plain = np.asarray(f(np.zeros(shape)))
        assert (value.shape, value.dtype) == (plain.shape, plain.dtype)
        np.testing.assert_array_equal(value, plain)
        assert pull(np.ones(value.shape))[0].shape == shape


def test_raw_operands_beside_tensors() -> None:
    a, b = away_from_zero(((3, 3), (3,)), "real")
    both, pull = tg.vjp(la.solve, a, b)
    of_a, of_b = pull(b)
    x = tg.tensor(a, requires_grad=True)
    y = tg.tensor(b, requires_grad=True)
    la.solve(x, b.tolist()).backward(b)
    la.solve(a.tolist(), y).backward(b)
    np.testing.assert_allclose(x.grad.numpy(), of_a, rtol=1e-13)
    np.testing.assert_allclose(y.grad.numpy(), of_b, rtol=1e-13)
    np.testing.assert_allclose(a @ both, b, rtol=1e-12)


@pytest.mark.parametrize("shapes", [((3, 3), (3,)), ((2, 3, 3), (3,)), ((3, 3), (2, 3, 2))])
def test_push_of_solve_reads_what_its_pulls_keep(shapes: Shapes) -> None:
    a, b = away_from_zero(shapes, "real")
    ta, tb = away_from_zero(shapes, "real", 1)
    out = la.solve(a, b)
    push = TABLE["solve"].push
    of_a, of_b = push((ta, None), out, a, None), push((None, tb), None, a, None)
    both = push((ta, tb), out, a, None)
    np.testing.assert_allclose(of_a + of_b, both, rtol=1e-10, atol=1e-10)
    h = 1e-6
    slope = (la.solve(a + h * ta, b + h * tb) - la.solve(a - h * ta, b - h * tb)) / (2 * h)
    np.testing.assert_allclose(both, slope, rtol=1e-6, atol=1e-6)  # the error of one quotient


def test_matrix_rank_is_a_plain_number() -> None:
    a = tg.tensor(np.outer([1.0, 2.0], [1.0, 2.0]), requires_grad=True)
    assert la.matrix_rank(a) == 1
    assert not isinstance(la.matrix_rank(a), tg.Tensor)


def test_products_of_vectors_have_numpys_dtypes_and_errors() -> None:
    x = tg.tensor(np.arange(6).reshape(2, 3), dtype=np.int32)
    for product in (np.vecdot, la.vecdot):
        assert product(x, x).dtype == np.int32
        with pytest.raises(ShapeError):  # not broadcast
            product(x, np.ones((2, 1)))
    for f, g in ((getattr(np, "matvec", None), (3,)), (getattr(np, "vecmat", None), (2, 3))):
        if f is not None:  # NumPy 2.2
            with pytest.raises(ShapeError, match="dimensions or more"):
                f(tg.tensor(np.ones(g)), np.ones(3))


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_powers_are_of_square_matrices(shape: tuple[int, ...], n: int) -> None:
    with pytest.raises(la.LinAlgError, match="square"):
        la.matrix_power(tg.tensor(np.ones(shape), requires_grad=True), n)


def test_integers_beside_what_is_tracked() -> None:
    a = np.array([[1, 2], [3, 5], [4, 1]], np.int32)
    b = tg.tensor([1.0, 2.0, 4.0], requires_grad=True)
    np.sum(la.lstsq(a, b)[0]).backward()
    np.testing.assert_allclose(b.grad.numpy(), la.pinv(a).sum(0), rtol=1e-13)
    np.testing.assert_allclose(la.pinv(tg.tensor(a), rcond=1e-9).numpy(), la.pinv(a), rtol=1e-13)


def test_the_zeroth_power_stays_in_the_graph_and_the_first_is_a_new_value() -> None:
    a = tg.tensor(np.array([[inf, 1.0], [2.0, 3.0]]), requires_grad=True)
    np.sum(la.matrix_power(a, 0)).backward()
    np.testing.assert_array_equal(a.grad.numpy(), np.zeros((2, 2)))
    assert la.matrix_power(a, 1) is not a


def fewest(lengths: tuple[int, ...]) -> int:
    """Return the multiplications in the best of all orders, by trying each last product."""
    if len(lengths) == 2:
        return 0
    return min(
        fewest(lengths[: k + 1]) + fewest(lengths[k:]) + lengths[0] * lengths[k] * lengths[-1]
        for k in range(1, len(lengths) - 1)
    )


@pytest.mark.parametrize("seed", range(8))
def test_multi_dot_takes_the_cheapest_order(seed: int) -> None:
    lengths = tuple(np.random.default_rng(seed).integers(1, 9, 6).tolist())
    arrays = [tg.tensor(np.ones(shape), requires_grad=True) for shape in pairwise(lengths)]
    products = [node for node in ancestors(la.multi_dot(arrays).node) if node.parents]
    assert {node.rule.name for node in products} == {"matmul"}
    done = sum(node.size * node.parents[0].shape[1] for node in products)
    assert done == fewest(lengths)


def test_rules_are_named_and_their_arguments_checked() -> None:
    x = tg.tensor(np.ones((2, 3)), requires_grad=True)
    square = tg.tensor(np.eye(2), requires_grad=True)
    for error, match, call in (
        (ShapeError, r"solve\(.*2, 2.*3", lambda: la.solve(square, x.T)),
        (ShapeError, "norm: 'nuc' is a norm of matrices", lambda: la.norm(x, "nuc", axis=0)),
        (ShapeError, "norm: 7 is no norm of matrices", lambda: la.norm(x, 7)),
        (ShapeError, "norm: ord=2 of 3 dimensions", lambda: la.norm(x[None], 2)),
        (ShapeError, "names 3 axes", lambda: la.norm(x[None], axis=(0, 1, 2))),
        (ShapeError, "cross: expected vectors of 3", lambda: np.cross(x.T, x.T)),
        (ShapeError, "outer: expected vectors", lambda: la.outer(x, x)),
        (ShapeError, "lstsq: expected", lambda: la.lstsq(x, np.ones(3))),
        (ShapeError, "tensorsolve: a of shape", lambda: la.tensorsolve(x, np.ones(2))),
        (ShapeError, "tensorinv: ind must be positive", lambda: la.tensorinv(x, 0)),
        (ShapeError, "multi_dot: at least two", lambda: la.multi_dot([x])),
        (ShapeError, "multi_dot: expected matrices", lambda: la.multi_dot([x, x[None], x])),
        (ShapeError, "cond: a matrix of shape", lambda: la.cond(x[:0])),
        (UnsupportedFunctionError, "qr: mode='raw'", lambda: la.qr(x, "raw")),
        (UnsupportedFunctionError, "pinv: rcond and rtol", lambda: la.pinv(x, 0.1, rtol=0.1)),
    ):
        with pytest.raises(error, match=match):
            call()


def test_the_rows_of_one_function_share_their_numbers() -> None:
    """The rule of the values alone agrees with the values that a factorisation gives."""
    (a,) = away_from_zero(((4, 3),), "real")
    leaf = tg.tensor(a, requires_grad=True)
    np.testing.assert_allclose(la.svd(leaf)[1].detach(), la.svdvals(leaf).detach(), rtol=1e-13)
    assert la.svd(leaf)[1].node.rule is TABLE["svdvals"]


@pytest.mark.parametrize("function", [np.linalg.inv, lambda a: np.linalg.solve(a, np.ones(2))])
def test_a_singular_matrix_raises_what_numpy_raises(function):
    said = words(np.linalg.inv, np.ones((2, 2)))
    with pytest.raises(np.linalg.LinAlgError, match=rf"\(2, 2\).*{said}"):
        function(tg.tensor(np.ones((2, 2)), requires_grad=True))


@pytest.mark.parametrize("axis", [0, 1, -2])
@pytest.mark.parametrize("function", [np.vecdot, np.linalg.vecdot])
def test_vecdot_over_any_axis(function: Any, axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)) * (1 + 2j)
    found = function(tg.tensor(x, requires_grad=True), x[::-1], axis=axis)
    np.testing.assert_allclose(found.detach().numpy(), np.vecdot(x, x[::-1], axis=axis))
