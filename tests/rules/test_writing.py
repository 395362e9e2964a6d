"""Writing elements of a Tensor, in every way that NumPy has."""

from __future__ import annotations

import copy
import operator
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from together import together

import tinygrad_bp as tg
from tinygrad_bp.errors import ShapeError, TrackedTensorError, ViewError

Write = Callable[[Any, Any], Any]
MASK = np.array([True, False, True, True])
MATRIX = np.array([[True, False], [True, True]])

# Ways to write three numbers into an array of four, or of two by two.
WAYS: dict[str, Write] = {
    "a number": lambda y, z: y.__setitem__(1, z[0]),
    "a slice": lambda y, z: y.__setitem__(slice(1, None), z),
    "a step": lambda y, z: y.__setitem__(slice(None, None, -2), z[:2]),
    "all": lambda y, z: y.__setitem__(..., z[0]),
    "a mask": lambda y, z: y.__setitem__(MASK, z),
    "places": lambda y, z: y.__setitem__([3, 0, 2], z),
    "twice, one over the other": lambda y, z: (
        y.__setitem__(slice(3), z),
        y.__setitem__(slice(1, 3), y[:2] * z[1]),
    ),
    "put": lambda y, z: np.put(y, [3, 0, 2], z),
    "put, wrapped": lambda y, z: np.put(y, [7, 0, 2], z, mode="wrap"),
    "the method": lambda y, z: y.put([1, 0, 2], z),
    "copyto": lambda y, z: np.copyto(y, np.concatenate([z, z[:1]]), casting="unsafe"),
    "copyto, where": lambda y, z: np.copyto(y, z[1], casting="unsafe", where=MASK),
    "put_along_axis": lambda y, z: np.put_along_axis(y, np.array([3, 1, 0]), z, 0),
    "put_along_axis, of none": lambda y, z: np.put_along_axis(y, np.array([3, 1, 0]), z, None),
}
SQUARE_WAYS: dict[str, Write] = {
    "a matrix, one index": lambda y, z: y.__setitem__((0, 1), z[2]),
    "a matrix, a column": lambda y, z: y.__setitem__((slice(None), 1), z[:2]),
    "a matrix, a mask": lambda y, z: y.__setitem__(MATRIX, z),
    "a matrix, places": lambda y, z: y.__setitem__(([0, 1], [1, 0]), z[1:]),
    "fill_diagonal": lambda y, z: np.fill_diagonal(y, z[:2]),
    "put_along_axis, of rows": lambda y, z: np.put_along_axis(
        y, np.array([[0], [1]]), np.reshape(z[:2], (2, 1)), 1
    ),
    "a matrix, put": lambda y, z: np.put(y, [3, 0, 2], z),
}
EVERY = {
    **{name: (way, (4,)) for name, way in WAYS.items()},
    **{name: (way, (2, 2)) for name, way in SQUARE_WAYS.items()},
}

# Writing a complex number into a real array drops its imaginary part, and NumPy warns


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("name", EVERY)
def test_a_complex_value_in_a_real_tensor(name: str) -> None:
    """The gradient is that of the real part, all that is left of the value."""
    way, shape = EVERY[name]
    rng = np.random.default_rng(29)
    x = rng.normal(size=shape)
    z, v = (rng.normal(size=3) + 1j * rng.normal(size=3) for _ in range(2))
    w = rng.normal(size=shape) + 1j * rng.normal(size=shape)

    def loss(x: Any, z: Any) -> Any:
        y = tg.tensor(x) if isinstance(z, tg.Tensor) and not isinstance(x, tg.Tensor) else x * 1.0
        way(y, z)
        assert y.dtype == float
        return np.real(np.sum(y * y * w))

    step = 1e-4  # of a polynomial of degree 4 in numbers of about 1
    slope = [
        (loss(x, z + step * one) - loss(x, z - step * one)) / (2 * step)
        for one in (*np.eye(3), *(1j * np.eye(3)))
    ]
    wanted = np.array(slope[:3]) - 1j * np.array(slope[3:])
    for found in (tg.grad(loss, 1)(x, z), tg.grad(loss, (0, 1))(x, z)[1]):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    for pushed in (
        tg.jvp(lambda z: loss(x, z), (z,), (v,))[1],
        tg.jvp(loss, (x, z), (np.zeros(shape), v))[1],
    ):
        assert pushed == pytest.approx(float(np.real(np.sum(wanted * v))), rel=1e-6)


# A value may begin with axes of length 1, which NumPy drops

LONGER: dict[str, tuple[Write, tuple[int, ...], tuple[int, ...]]] = {
    "a row": (lambda y, v: y.__setitem__(0, v), (3, 4), (1, 4)),
    "a row, by two axes": (lambda y, v: y.__setitem__(-1, v), (3, 4), (1, 1, 4)),
    "a row, repeated": (lambda y, v: y.__setitem__(1, v), (3, 4), (1, 1, 1)),
    "rows": (lambda y, v: y.__setitem__(slice(0, 2), v), (3, 4), (1, 2, 4)),
    "all": (lambda y, v: y.__setitem__(..., v), (3, 4), (1, 1, 3, 4)),
    "all of a vector": (lambda y, v: y.__setitem__(slice(None), v), (4,), (1, 4)),
    "places": (lambda y, v: y.__setitem__([0, 2], v), (3, 4), (1, 2, 4)),
    "a mask of rows": (lambda y, v: y.__setitem__(MASK[:3], v), (3, 4), (1, 2, 4)),
    "copyto": (lambda y, v: np.copyto(y, v), (3, 4), (1, 1, 3, 4)),
    "copyto, where": (lambda y, v: np.copyto(y, v, where=MASK), (4,), (1, 4)),
    "put": (lambda y, v: np.put(y, [1, 2], v), (3, 3), (1, 2)),
    "place": (lambda y, v: np.place(y, np.eye(3) > 0, v), (3, 3), (1, 3)),
    "putmask": (lambda y, v: np.putmask(y, np.eye(3) > 0, v), (3, 3), (1, 3, 3)),
    "fill_diagonal": (lambda y, v: np.fill_diagonal(y, v), (3, 3), (1, 3)),
    "put_along_axis": (
        lambda y, v: np.put_along_axis(y, np.array([[1], [0], [2]]), v, 1),
        (3, 4),
        (1, 3, 1),
    ),
}


@pytest.mark.parametrize("name", LONGER)
def test_a_value_with_leading_axes_of_one(name: str) -> None:
    way, shape, longer = LONGER[name]
    x, v = np.arange(1.0, 1 + np.prod(shape)).reshape(shape), np.ones(longer) * 0.5

    def written(x: Any, v: Any) -> Any:
        y = x * 1.0
        way(y, v)
        return y

    tangents = (np.zeros(shape), np.random.default_rng(0).normal(size=longer))
    moved = (written(x, v + 1e-4 * tangents[1]) - written(x, v - 1e-4 * tangents[1])) / 2e-4
    value, pushed = tg.jvp(written, (x, v), tangents)
    np.testing.assert_array_equal(value, written(x, v))
    np.testing.assert_allclose(pushed, moved, rtol=1e-9, atol=1e-9)
    weight = np.random.default_rng(1).normal(size=shape)
    _, pulled = tg.vjp(written, x, v)[1](weight)
    assert pulled.shape == longer
    assert np.sum(pulled * tangents[1]) == pytest.approx(np.sum(weight * moved), abs=1e-9)


@pytest.mark.parametrize("shape", [(4,), (1, 3)])
def test_what_has_too_many_axes_is_not_broadcast(shape: tuple[int, ...]) -> None:
    x = tg.tensor(np.ones((1, 1, 4)), requires_grad=True)
    with pytest.raises(ShapeError):
        np.broadcast_to(x, shape)


# Writing into what NumPy makes a view of another array: it would be lost on that

Y = np.arange(1.0, 13.0).reshape(3, 4)
SHAPED: dict[str, Callable[[Any], Any]] = {
    "a row": lambda y: y[0],
    "rows": lambda y: y[1:],
    "a column": lambda y: y[:, 1],
    "a step": lambda y: y[::2, ::-1],
    "all": lambda y: y[:],
    "the ellipsis": lambda y: y[...],
    "the ellipsis, at an element": lambda y: y[0, 1, ...],
    "a new axis": lambda y: y[:, None],
    "a numpy integer": lambda y: y[np.int64(1)],
    "nothing": lambda y: y[1:1],
    "a mask": lambda y: y[y > 2],
    "a mask of rows": lambda y: y[np.array([True, False, True])],
    "places": lambda y: y[[0, 2]],
    "places and a slice": lambda y: y[:, [0, 2]],
    "of a transpose": lambda y: y.T[1],
    "of a row of a column": lambda y: y[1:][:, 1:],
    "T": lambda y: y.T,
    "mT": lambda y: y.mT,
    "transpose": lambda y: np.transpose(y, (1, 0)),
    "the method transpose": lambda y: y.transpose(),
    "permute_dims": lambda y: np.permute_dims(y, (1, 0)),
    "matrix_transpose": lambda y: np.linalg.matrix_transpose(y),
    "swapaxes": lambda y: y.swapaxes(0, 1),
    "moveaxis": lambda y: np.moveaxis(y, 0, 1),
    "rollaxis": lambda y: np.rollaxis(y, 1),
    "reshape": lambda y: y.reshape(2, 6),
    "reshape, by the function": lambda y: np.reshape(y, (4, 3)),
    "ravel": lambda y: y.ravel(),
    "ravel, by the function": lambda y: np.ravel(y),
    "ravel, as it lies": lambda y: np.ravel(y, "K"),
    "flatten": lambda y: y.flatten(),
    "expand_dims": lambda y: np.expand_dims(y, 0),
    "squeeze": lambda y: np.squeeze(y[:1]),
    "squeeze, to a number": lambda y: np.squeeze(y[:1, :1]),
    "atleast_3d": lambda y: np.atleast_3d(y),
    "flip": lambda y: np.flip(y),
    "fliplr": lambda y: np.fliplr(y),
    "rot90": lambda y: np.rot90(y),
    "rot90, by a half": lambda y: np.rot90(y, 2),
    "diagonal": lambda y: y.diagonal(),
    "diag": lambda y: np.diag(y),
    "linalg.diagonal": lambda y: np.linalg.diagonal(y),
    "einsum, a diagonal": lambda y: np.einsum("ii->i", y[:, :3]),
    "einsum, a transpose": lambda y: np.einsum("ij->ji", y),
    "broadcast_to": lambda y: np.broadcast_to(y, (2, 3, 4)),
    "broadcast_arrays": lambda y: np.broadcast_arrays(y, np.ones((2, 1, 1)))[0],
    "real": lambda y: y.real,
    "split": lambda y: np.split(y, 3)[1],
    "array_split": lambda y: np.array_split(y, 2, axis=1)[0],
    "vsplit": lambda y: np.vsplit(y, 3)[0],
    "windows": lambda y: np.lib.stride_tricks.sliding_window_view(y, 2, axis=1),
    "a grid": lambda y: np.meshgrid(y[0], y[1], copy=False)[0],
    "a copied grid": lambda y: np.meshgrid(y[0], y[1])[0],
    "ix_": lambda y: np.ix_(y[0], y[1])[1],
    "trim_zeros": lambda y: np.trim_zeros(y[0]),
    "the first of an iteration": lambda y: next(iter(y)),
    "unpacked": lambda y: [*y][2],
    "copy": lambda y: y.copy(),
    "copy.copy": copy.copy,
    "array": lambda y: np.array(y, like=y),
    "take": lambda y: np.take(y, 1, axis=0),
    "repeat": lambda y: np.repeat(y, 1, axis=0),
    "tile": lambda y: np.tile(y, 1),
    "tile, a row": lambda y: np.tile(y[0], (2, 1)),
    "roll": lambda y: np.roll(y, 0),
    "resize": lambda y: np.resize(y, y.shape),
    "concatenate": lambda y: np.concatenate([y]),
    "stack": lambda y: np.stack([y]),
    "hstack": lambda y: np.hstack([y]),
    "delete": lambda y: np.delete(y, [], axis=0),
    "sort": lambda y: np.sort(y),
    "compress": lambda y: np.compress([True, True, True], y, axis=0),
    "positive": lambda y: +y,
    "full": lambda y: np.full((2, 4), y[0], like=y),
    "full_like": lambda y: np.full_like(y, y[0]),
    "where": lambda y: np.where(y > 0, y, 0.0),
    "pad": lambda y: np.pad(y, 0),
    "triu": lambda y: np.triu(y, -9),
    "sum over nothing": lambda y: np.sum(y, axis=()),
    "nan_to_num": lambda y: np.nan_to_num(y),
    "atleast_2d of a row": lambda y: np.atleast_2d(y[0]),
    "a transposed copy": lambda y: np.copy(y.T),
    "a sum of views": lambda y: y[0] + y[1],
}
if hasattr(np, "unstack"):
    SHAPED["unstack"] = lambda y: np.unstack(y)[0]


def fill(v: Any) -> None:
    v[...] = 0.0


def fill_first(v: Any) -> None:
    v[(slice(None),) * v.ndim] = 0.0


def add_to(v: Any) -> None:
    v += 1.0


def divide(v: Any) -> None:
    v //= 1.0


WRITES: dict[str, Callable[[Any], None]] = {
    "x[...]": fill,
    "x[:]": fill_first,
    "+=": add_to,
    "//=": divide,
    "copyto": lambda v: np.copyto(v, 0.0),
    "putmask": lambda v: np.putmask(v, np.ones(v.shape, bool), 0.0),
    "add.at": lambda v: np.add.at(v, ..., 1.0),
}


@together
@pytest.mark.parametrize("track", [False, True])
@pytest.mark.parametrize("name", SHAPED)
def test_a_write_is_refused_where_numpy_would_write_through(name: str, track: bool) -> None:
    f = SHAPED[name]
    through = np.shares_memory(f(Y), Y) or name in ("nothing", "broadcast_to")
    y = tg.tensor(Y, requires_grad=track)
    y = y * 1.0
    for write in WRITES.values():
        v = f(y)
        if through:
            with pytest.raises(ViewError, match=r"a view of.*\(3, 4\).*y\[0, 0\] = v.*x\.copy\(\)"):
                write(v)
        else:
            write(v)
        np.testing.assert_array_equal(y.detach(), Y)
    del y
    fill(v)  # nobody else is left to see it
    assert not np.any(v.numpy())


def test_a_write_through_a_complex_number_is_refused() -> None:
    z = tg.tensor(Y * 1j)
    for part in (z.real, z.imag, np.real(z), np.imag(z)):
        with pytest.raises(ViewError):
            part[...] = 1.0
    assert z.tolist() == (Y * 1j).tolist()


def test_what_only_may_be_a_copy_is_refused() -> None:
    """Whether NumPy has to copy is a question of the memory; the error is the safe answer."""
    wide = tg.tensor(np.ones((1000, 3))) @ tg.tensor(np.ones((3, 2)))
    for v in (wide.ravel(), tg.tensor(Y).T.ravel(), wide[:5].reshape(-1)):
        assert v.ndim == 1
    with pytest.raises(ViewError):
        wide.ravel()[0] = 1.0
    with pytest.raises(ViewError):
        wide[:5].ravel()[0] = 1.0


@pytest.mark.parametrize(
    "line",
    [
        "y[0][0] = 7.0",
        "y.T[1] = 5.0",
        "y[1:][0] += 1.0",
        "y.T[1] *= 5.0",
        "y.ravel()[0] = 1.0",
        "y.reshape(-1)[2:4] = 1.0",
        "np.transpose(y)[0] = 1.0",
        "y.real[...] = 0.0",
        "y.T += 1.0",
        "v = y[0]; v += 1.0",
        "v = y[0]; v[1] = 1.0",
        "v = y[0]\nfor _ in range(2): v -= 1.0",
        "for row in y: row[:] = 0.0",
        "for row in y: row *= 2.0",
        "for row in y[1:]: row /= 2.0",
        "a, b, c = y; b **= 2.0",
        "rows = list(y); rows[0] += 1.0",
        "d = {'v': y[0]}; d['v'] -= 1.0",
        "box.v = y[0]; box.v += 1.0",
        "operator.iadd(y[0], 1.0)",
        "y[0].sort()",
        "y[:, 0].partition(1)",
        "y[0].put([1], 5.0)",
        "np.put(y[0], [1], 5.0)",
        "np.place(y[0], y[0] > 0, 5.0)",
        "np.fill_diagonal(y[:, :3], 5.0)",
        "np.put_along_axis(y[:1], np.array([[1]]), 5.0, 1)",
        "np.subtract.at(y[0], [1], 5.0)",
        "def f(v):\n  v += 1.0\nf(y[0])",
        "def f(v):\n  def g():\n    nonlocal v\n    v += 1.0\n  g()\nf(y[0])",
        "w = y[0]; z = w[1:]; y = None; z[0] = 5.0",
    ],
)
def test_a_lost_write_is_refused(line: str) -> None:
    for y in (tg.tensor(Y), tg.tensor(Y, requires_grad=True) * 1.0):
        kept = [y]
        scope = {"y": y, "np": np, "operator": operator, "box": SimpleNamespace()}
        with pytest.raises(ViewError):
            exec(line, scope)  # noqa: S102  # the statement is what the test is about
        np.testing.assert_array_equal(kept[0].detach(), Y)


@pytest.mark.parametrize(
    "line",
    [
        "y[0, 0] = 7.0",
        "y[0] += 1.0",
        "y[1:] -= 1.0",
        "y[:, 0] *= 2.0",
        "y[..., 1] /= 2.0",
        "y[0, 1] **= 2.0",
        "y[0] %= 2.0",
        "y[y > 2] += 1.0",
        "y[[0, 2]] //= 2.0",
        "y[:3, :3] @= np.eye(3) * 2.0",
        "y[0] += y[1] * y[2]",
        "y[y.shape[0] - 1][:] ; y[0] += 1.0",
        "box.y = y; box.y[0] += 1.0",
        "d = {'y': y}; d['y'][0] += 1.0",
        "s = y[0, 0]; s += 1.0; y[0, 0] = s",
        "s = y[0][1]; s *= 2.0",
        "v = y[0].copy(); v[0] = 7.0; y[0] = v",
        "v = y[0] * 1.0; v += 1.0; y[0] = v",
        "y = y.T; y[0] = 1.0; y = y.T",
        "y = y.reshape(-1); y[0] = 1.0; y = y.reshape(3, 4)",
        "y += 1.0",
        "total = y[0].copy()\nfor row in y: total += row\ny[0] = total",
        "z = []\nfor v in y * 2.0:\n  v[0] = 0.0; v += 1.0; z.append(v)\ny[:] = np.stack(z)",
        "y[y > 100][...] = 1.0",
        "for i in range(3): y[i] = y[i][::-1]",
        "for i, row in enumerate(y): y[i] = row * 2.0",
        "for i, row in enumerate(y): y[min(i + 1, 2)] = row + 1.0",
        "y[0], y[1] = y[1].copy(), y[0].copy()",
    ],
)
def test_a_write_that_is_not_lost_does_what_numpy_does(line: str) -> None:
    def after(y: Any) -> Any:
        scope = {"y": y, "np": np, "box": SimpleNamespace()}
        del y
        exec(line, scope)  # noqa: S102  # the statement is what the test is about
        return scope["y"]

    wanted = after(Y.copy())
    np.testing.assert_array_equal(after(tg.tensor(Y)), wanted)
    found = tg.vjp(lambda y: after(y * 1.0), Y)[0]
    np.testing.assert_array_equal(found, wanted)


def test_a_parameter_is_not_missed_under_no_grad() -> None:
    w = tg.tensor(Y, requires_grad=True, name="W")
    with tg.no_grad():
        with pytest.raises(ViewError, match=r"a view of 'W', a Tensor of shape \(3, 4\)"):
            w[0][:] = 0.0
        for row in w:
            with pytest.raises(ViewError):
                row -= 0.1  # what the test is about
        w[0] -= 1.0
    assert w[0].tolist() == (Y[0] - 1).tolist()
    assert w.is_leaf


def test_the_owner_of_a_view_is_not_kept_alive() -> None:
    y = tg.tensor(Y)
    v = y.T[1:]
    gone = weakref.ref(y)
    del y
    assert gone() is None
    x = tg.tensor(np.zeros(100_000))
    for _ in range(90_000):
        x = x[1:]
    assert x._looks_into[1] is None  # the links do not pile up
    v[...] = 0.0


@pytest.mark.parametrize("symbol", ["add", "sub", "mul", "truediv"])
def test_a_parameter_that_is_stepped_while_recording_is_refused(symbol: str) -> None:
    """`p -= lr * p.grad` without no_grad bound the name to another Tensor; the loss stood still."""
    p = tg.tensor([1.0, 2.0], requires_grad=True)
    step = getattr(operator, f"i{symbol}")
    assert step(p, 1.0) is not p  # no gradient yet: a computation like any other
    np.sum(p * p).backward()
    with pytest.raises(TrackedTensorError, match=r"with tg\.no_grad\(\): x"):
        step(p, 0.1 * p.grad)
    with tg.no_grad():
        assert step(p, 0.1) is p
    p.zero_grad()
    assert step(p, 1.0) is not p
