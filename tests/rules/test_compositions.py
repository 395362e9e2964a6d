"""NumPy's functions that are compositions: each is called as its row says, or as is written here.

NumPy itself is the oracle of the values, differences are the one of the derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from oracles import pairing, richardson, same
from sampling import Case, directions, drawn, in_parts, like, part_of

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.rule import COMPOSED, Composition

Written = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]


@dataclass(frozen=True)
class Call:
    """A function of arrays, and what it is called with."""

    name: str
    function: Any
    f: Callable[..., Any]
    arrays: list[Any]
    analytic: bool

    def __call__(self, *arrays: Any) -> Any:
        return self.f(*arrays)

    def __repr__(self) -> str:
        return self.name


def changed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gives what `function` makes of a copy of its first argument."""

    def f(x: Any, *others: Any, **options: Any) -> Any:
        x = np.copy(x)
        function(x, *others, **options)
        return x

    return f


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
    np.sort_complex: [(lambda x: np.real(np.sort_complex(x) * (1 + 2j)), ((2, 3),))],
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

CLIP = np._core.umath.clip  # what numpy.clip calls
MASK = np.array([[True, False, True], [False, True, True]])


def kin(x: Any) -> Any:
    """Return what stands for the type of `x` in ``like=``, which takes no scalar of NumPy's."""
    return x if hasattr(x, "__array_function__") else np.asarray(x)


def _blocks(x: Any, y: Any, z: Any) -> Any:
    return np.block([[x, y], [z, 1.0]])


# Functions that the rows' samples cannot say: functions as arguments, nested lists, like=, changes
# in place, and what LAPACK gives up to a sign or a phase.
COMPOSITIONS |= {
    np.apply_along_axis: [
        (lambda x: np.apply_along_axis(np.sum, 0, x), ((2, 3),)),
        (lambda x: np.apply_along_axis(lambda row: row[::2] ** 2, 1, x), ((2, 3, 2),)),
        (lambda x: np.apply_along_axis(np.outer, -1, x, [1.0, 2.0]), ((2, 3),)),
    ],
    np.apply_over_axes: [
        (lambda x: np.apply_over_axes(np.sum, x, (0, 2)), ((2, 3, 4),)),
        (lambda x: np.apply_over_axes(np.mean, x, -1), ((2, 3),)),
    ],
    np.arange: [
        (lambda x: np.arange(x, x + 3.5, like=kin(x)), ((),)),
        (lambda x, y: np.arange(x, x + 4.5 * y, y, like=kin(x)), ((), ())),
        (lambda x: np.arange(5, like=kin(x)) * x, ((),)),
    ],
    np.array: [
        (lambda x, y: np.array([x, [y, 1.0, y]], like=kin(x)), ((3,), ())),
        (lambda x: np.array(x, ndmin=3, like=kin(x)), ((2,),)),
        (lambda x: np.array((x, x), dtype=complex, like=kin(x)).real, ((2,),)),
    ],
    np.asanyarray: [(lambda x: np.asanyarray([x, x], like=kin(x)), ((2,),))],
    np.asarray: [(lambda x: np.asarray([[x, 2.0]], like=kin(x)), ((),))],
    np.ascontiguousarray: [(lambda x: np.ascontiguousarray(x, like=kin(x)), ((),))],
    np.asfortranarray: [(lambda x: np.asfortranarray(x, like=kin(x)), ((2, 3),))],
    np.block: [
        (_blocks, ((2, 2), (2, 1), (2,))),
        (lambda x, y: np.block([x, y]), ((2,), ())),
        (np.block, ((2, 2),)),
        (lambda x, y: np.block([[[x]], [[y]]]), ((2, 2), (2, 2))),
    ],
    np.copyto: [
        (changed(np.copyto), ((2, 3), (3,))),
        (lambda x, y: changed(np.copyto)(x, y, where=MASK), ((2, 3), (2, 1))),
    ],
    np.fill_diagonal: [
        (changed(np.fill_diagonal), ((3, 3), ())),
        (changed(np.fill_diagonal), ((3, 2), (2,))),
        (lambda x, y: changed(np.fill_diagonal)(x, y, wrap=True), ((5, 2), ())),
    ],
    np.fromfunction: [
        (lambda x: np.fromfunction(lambda i, j: x[i] * j, (2, 3), dtype=int, like=kin(x)), ((2,),))
    ],
    np.full: [
        (lambda x: np.full((2, 3), x, like=kin(x)), ((),)),
        (lambda x: np.full((2, 3), x, like=kin(x)), ((3,),)),
    ],
    np.full_like: [
        (np.full_like, ((2, 3), ())),
        (lambda x, y: np.full_like(x, y, shape=(2, 2)), ((3,), (2,))),
        (np.full_like, ((0, 2), ())),
    ],
    np.place: [
        (lambda x, y: changed(np.place)(x, MASK, y), ((2, 3), (2,))),
        (lambda x, y: changed(np.place)(x, MASK, y), ((2, 3), ())),
    ],
    np.piecewise: [
        (lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: v**2, 3.0]), ((2, 3),)),
    ],
    np.put: [
        (lambda x, y: changed(np.put)(x, [0, -1, 2], y), ((2, 3), (2,))),
        (lambda x, y: changed(np.put)(x, [7, 2], y, mode="wrap"), ((2, 3), (4,))),
        (lambda x, y: changed(np.put)(x, 9, y, "clip"), ((2, 3), ())),
    ],
    np.put_along_axis: [
        (
            lambda x, y: changed(np.put_along_axis)(x, np.array([[0, 2], [1, 0]]), y, 1),
            ((2, 3), (2, 2)),
        ),
        (lambda x, y: changed(np.put_along_axis)(x, np.array([[1, 0, 1]]), y, -2), ((2, 3), (3,))),
        (lambda x, y: changed(np.put_along_axis)(x, np.array([4, -1]), y, None), ((2, 3), ())),
    ],
    np.putmask: [
        (lambda x, y: changed(np.putmask)(x, MASK, y), ((2, 3), (2, 3))),
        (lambda x, y: changed(np.putmask)(x, MASK, y), ((2, 3), (2,))),
    ],
    np.sign: [(lambda x: np.sign(x + 1j), ((2, 3),))],
    CLIP: [
        (lambda x: CLIP(x, -0.5, 0.7), ((2, 3),)),
        (CLIP, ((2, 3), (3,), (2, 1))),
    ],
    np.require: [(lambda x: np.require(x, requirements="F", like=kin(x)), ((2, 3),))],
}

LINALG: dict[Any, list[Written]] = {
    np.linalg.cond: [(np.linalg.cond, ((3, 3),)), (lambda x: np.linalg.cond(x, "fro"), ((2, 2),))],
    np.linalg.cross: [(np.linalg.cross, ((2, 3), (3,)))],
    np.linalg.diagonal: [(lambda x: np.linalg.diagonal(x, offset=1), ((2, 3),))],
    np.linalg.eig: [(lambda x: np.linalg.eig(x @ x.T)[0], ((2, 2),))],
    np.linalg.eigh: [(lambda x: np.linalg.eigh(x + x.T)[0], ((3, 3),))],
    np.linalg.lstsq: [
        (lambda x, y: np.linalg.lstsq(x, y)[0], ((4, 2), (4,))),
        (lambda x, y: np.linalg.lstsq(x, y)[0], ((2, 2), (2, 3))),
    ],
    np.linalg.matmul: [(np.linalg.matmul, ((2, 3), (3, 2)))],
    np.linalg.matrix_norm: [(np.linalg.matrix_norm, ((2, 3),))],
    np.linalg.matrix_power: [
        (lambda x, n=n: np.linalg.matrix_power(x, n), ((2, 2),)) for n in (0, 1, 3, -2)
    ],
    np.linalg.matrix_transpose: [(np.linalg.matrix_transpose, ((2, 3),))],
    np.linalg.multi_dot: [
        (lambda x, y, z: np.linalg.multi_dot([x, y, z]), ((2, 3), (3, 4), (4, 2)))
    ],
    np.linalg.norm: [
        (np.linalg.norm, ((2, 3),)),
        (lambda x: np.linalg.norm(x, 3, axis=1), ((2, 3),)),
        (lambda x: np.linalg.norm(x, "nuc"), ((2, 3),)),
    ],
    np.linalg.outer: [(np.linalg.outer, ((2,), (3,)))],
    np.linalg.qr: [(lambda x: list(np.linalg.qr(x)), ((3, 2),))],
    np.linalg.slogdet: [(lambda x: np.linalg.slogdet(x)[1], ((3, 3),))],
    np.linalg.svd: [
        (lambda x: np.linalg.svd(x)[1], ((2, 3),)),
        (lambda x: np.linalg.svd(x, compute_uv=False), ((3, 2),)),
    ],
    np.linalg.tensordot: [(lambda x, y: np.linalg.tensordot(x, y, axes=1), ((2, 3), (3, 2)))],
    np.linalg.tensorinv: [(lambda x: np.linalg.tensorinv(x, 1), ((4, 2, 2),))],
    np.linalg.tensorsolve: [(np.linalg.tensorsolve, ((2, 2, 4), (2, 2)))],
    np.linalg.trace: [(np.linalg.trace, ((2, 3, 3),))],
    np.linalg.vecdot: [(np.linalg.vecdot, ((2, 3), (3,)))],
    np.linalg.vector_norm: [(lambda x: np.linalg.vector_norm(x, axis=0), ((2, 3),))],
    np.cross: [(np.cross, ((2, 3), (3,)))],
    np.kron: [(np.kron, ((2, 2), (1, 3)))],
    np.vecdot: [(np.vecdot, ((2, 3), (3,)))],
}

FOURIER: dict[Any, list[Written]] = {
    np.fft.fft2: [(np.fft.fft2, ((2, 3),))],
    np.fft.fftn: [(np.fft.fftn, ((2, 3),)), (lambda x: np.fft.fftn(x, (2, 4), (0, 1)), ((2, 3),))],
    np.fft.fftshift: [(np.fft.fftshift, ((2, 3),))],
    np.fft.hfft: [(np.fft.hfft, ((4,),))],
    np.fft.ifft2: [(np.fft.ifft2, ((2, 3),))],
    np.fft.ifftn: [(np.fft.ifftn, ((2, 3),))],
    np.fft.ifftshift: [(lambda x: np.fft.ifftshift(x, 1), ((2, 3),))],
    np.fft.ihfft: [(np.fft.ihfft, ((4,),))],
    np.fft.irfft2: [(np.fft.irfft2, ((2, 3),))],
    np.fft.irfftn: [(np.fft.irfftn, ((2, 3),))],
    np.fft.rfft2: [(np.fft.rfft2, ((2, 3),))],
    np.fft.rfftn: [(np.fft.rfftn, ((2, 3),))],
}
COMPOSITIONS |= LINALG | FOURIER
if hasattr(np, "matvec"):  # NumPy 2.2
    COMPOSITIONS |= {
        np.matvec: [(np.matvec, ((2, 3), (3,)))],
        np.vecmat: [(np.vecmat, ((2,), (2, 3)))],
    }


def sampled(one: Composition) -> list[Call]:
    cases = [Case(one, sample) for sample in one.trial.samples]
    return [Call(repr(c), one.function, c, c.arrays, one.trial.analytic) for c in cases]


def written(one: Composition) -> list[Call]:
    calls = []
    for i, (f, shapes) in enumerate(COMPOSITIONS.get(one.function, ())):
        name = f"{one.name}-{i}"
        arrays = drawn(one, shapes, (), np.random.default_rng(crc32(name.encode())))
        calls.append(Call(name, one.function, f, arrays, one.trial.analytic))
    return calls


CALLS = [c for one in COMPOSED.values() for c in (*sampled(one), *written(one))]


def part(one: Call) -> str:
    return part_of(COMPOSED[one.function])


each = in_parts(CALLS, part=part)


def leaves_of(value: Any) -> list[Any]:
    return flatten(value)[0]


def tracked_parts(one: Call, arrays: list[Any]) -> list[bool]:
    """Say which parts of the value are Tensors: the step of linspace may be a plain NaN."""
    return [isinstance(x, tg.Tensor) for x in leaves_of(one(*map(tg.tensor, arrays)))]


def weighted(one: Call, weights: list[Any], *arrays: Any) -> Any:
    parts = zip(leaves_of(one(*arrays)), weights, strict=True)
    return np.real(sum((np.sum(part * w) for part, w in parts), np.float64(0)))


def weights_of(one: Call, arrays: list[Any], seed: int = 0) -> list[Any]:
    return [like(part, seed + i) for i, part in enumerate(leaves_of(one(*arrays)))]


def close(got: Any, slope: Any, size: float) -> bool:
    return bool(abs(got - slope.value) <= 10 * slope.error + 2e-12 * (1 + size))


def test_every_composition_is_called() -> None:
    assert [f for f, one in COMPOSED.items() if not (one.trial.samples or f in COMPOSITIONS)] == []
    assert not set(COMPOSITIONS) - set(COMPOSED)


@each
def test_value_is_numpys(one: Call) -> None:
    wanted = leaves_of(one(*one.arrays))
    for requires_grad in (True, False):
        given = [tg.tensor(x, requires_grad=requires_grad) for x in one.arrays]
        found = leaves_of(one(*given))
        # counts beside other values, and edges of bins, are plain where nothing is tracked
        assert not requires_grad or any(isinstance(value, tg.Tensor) for value in found)
        for value, right in zip(found, wanted, strict=True):
            same(value.numpy() if isinstance(value, tg.Tensor) else value, right, 10)
            assert getattr(value, "requires_grad", requires_grad) is requires_grad


@each
def test_gradient(one: Call) -> None:
    weights = weights_of(one, one.arrays)
    tangents = directions(one.arrays, 21)
    parts = tg.grad(lambda *xs: weighted(one, weights, *xs), range(len(one.arrays)))(*one.arrays)
    assert [np.shape(p) for p in parts] == [np.shape(x) for x in one.arrays]
    slope = richardson(lambda *xs: weighted(one, weights, *xs), one.arrays, tangents)
    assert close(pairing(parts, tangents), slope, abs(slope.value))


@in_parts(CALLS[::2], CALLS[1::2], part=part)
def test_second_order(one: Call) -> None:
    weights = weights_of(one, one.arrays)
    u, v = directions(one.arrays, 22), directions(one.arrays, 23)
    places = range(len(one.arrays))

    def first(*xs: Any) -> Any:
        return pairing_of(tg.grad(lambda *ys: weighted(one, weights, *ys), places)(*xs), u)

    slope = richardson(first, one.arrays, v)
    assert close(pairing(tg.grad(first, places)(*one.arrays), v), slope, abs(slope.value))


def pairing_of(parts: Any, tangents: list[Any]) -> Any:
    return sum(np.sum(part * t) for part, t in zip(parts, tangents, strict=True))


@each
def test_tangent_is_paired_as_the_gradient(one: Call) -> None:
    weights = weights_of(one, one.arrays)
    tangents = directions(one.arrays, 24)

    def f(*xs: Any) -> Any:
        return weighted(one, weights, *xs)

    _, tangent = tg.jvp(f, one.arrays, tangents)
    parts = tg.grad(f, range(len(one.arrays)))(*one.arrays)
    np.testing.assert_allclose(tangent, pairing(parts, tangents), rtol=1e-11, atol=1e-11)


@each
def test_float32_stays_float32(one: Call) -> None:
    narrow = [np.float32(x) for x in one.arrays]
    wanted = leaves_of(one(*narrow))
    given = [tg.tensor(x, requires_grad=True) for x in narrow]
    found = leaves_of(one(*given))
    for value, right in zip(found, wanted, strict=True):
        assert np.asarray(getattr(value, "_value", value)).dtype == np.asarray(right).dtype
    total = sum(np.sum(value) for value in found if isinstance(value, tg.Tensor))
    np.real(total).backward()
    assert all(x.grad is None or x.grad.dtype == np.float32 for x in given)


@in_parts([c for c in CALLS if c.analytic], part=part)
def test_complex_gradient(one: Call) -> None:
    """The transpose without conjugation: Re ``<pull(w), t>`` is the slope of Re ``<w, f>``."""
    arrays = [x + 0.1j * t for x, t in zip(one.arrays, directions(one.arrays, 13), strict=True)]
    for value, right in zip(
        leaves_of(one(*map(tg.tensor, arrays))), leaves_of(one(*arrays)), strict=True
    ):
        same(value.numpy() if isinstance(value, tg.Tensor) else value, right, 10)
    weights = weights_of(one, arrays, 3)
    u, v = directions(arrays, 16), directions(arrays, 17)
    tangents = [a + 1j * b for a, b in zip(u, v, strict=True)]

    def f(*xs: Any) -> Any:
        return weighted(one, weights, *xs)

    slope = richardson(f, arrays, tangents)
    parts = tg.grad(f, range(len(arrays)))(*arrays)
    assert close(np.real(pairing(parts, tangents)), slope, abs(slope.value))
