"""Joining, padding, inserting, choosing and placing in every form of the call that NumPy takes.

Values, dtypes, shapes and errors are NumPy's; gradients are tested in test_compositions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import same
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.errors import (
    DTypeError,
    ShapeError,
    TinygradError,
    TrackedTensorError,
    UnsupportedFunctionError,
)

ERRORS = (ValueError, TypeError, IndexError)
NUMPY = np.lib.NumpyVersion(np.__version__)
DTYPES = (np.float64, np.float32, np.complex128, np.int64, np.bool_)
few = settings(max_examples=60)


def numbers(shape: tuple[int, ...], dtype: Any) -> Any:
    count = int(np.prod(shape, dtype=int))
    made = np.arange(1, count + 1).reshape(shape) * 0.75 - 2
    return (made > 0) if dtype is np.bool_ else np.asarray(made).astype(dtype)


def outcome(f: Callable[..., Any], *arrays: Any) -> Any:
    """Return what `f` gives as a list of arrays, or the error that it raises."""
    try:
        return flatten(f(*arrays))[0]
    except ERRORS as error:
        return error


def agrees(f: Callable[..., Any], *arrays: Any) -> None:
    """Compare `f` on Tensors with `f` on arrays: values, dtypes, shapes, and errors."""
    wanted = outcome(f, *(np.copy(x) for x in arrays))
    for track in (True, False):
        found = outcome(
            f, *(tg.tensor(x, requires_grad=track and x.dtype.kind in "fc") for x in arrays)
        )
        if isinstance(wanted, Exception):
            kind = next(kind for kind in ERRORS if isinstance(wanted, kind))
            assert isinstance(found, kind), (wanted, found)
            continue
        assert not isinstance(found, Exception), found
        for got, right in zip(found, wanted, strict=True):
            same(got.numpy() if isinstance(got, tg.Tensor) else got, right, 10)


shapes = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)
dtypes = st.sampled_from(DTYPES)


# pad


@st.composite
def widths(draw: Any, ndim: int) -> Any:
    one = st.integers(0, 5)
    pair = st.tuples(one, one)
    return draw(
        st.one_of(
            one,
            pair,
            st.lists(pair, min_size=ndim, max_size=ndim),
            pair.map(lambda p: (p,)),
            one.map(lambda n: [n]),
            st.dictionaries(st.integers(-ndim, ndim - 1), st.one_of(one, pair), max_size=1),
            st.lists(one.map(lambda n: (n,)), min_size=ndim, max_size=ndim),
            st.sampled_from([-1, 1.5, (1, 2, 3)]),
        )
    )


MODES: dict[str, list[dict[str, Any]]] = {
    "constant": [{}, {"constant_values": 2.5}, {"constant_values": (1, 2)}],
    "edge": [{}],
    "linear_ramp": [{}, {"end_values": (1, -2.5)}],
    "maximum": [{}, {"stat_length": 1}, {"stat_length": (1, 2)}, {"stat_length": 0}],
    "mean": [{}, {"stat_length": 2}, {"stat_length": ((1, 9),)}],
    "median": [{}, {"stat_length": 2}],
    "minimum": [{}, {"stat_length": -1}],
    "reflect": [{}, {"reflect_type": "odd"}, {"reflect_type": "strange"}],
    "symmetric": [{}, {"reflect_type": "odd"}],
    "wrap": [{}, {"constant_values": 1}],
    "sideways": [{}],
}


@few
@given(st.data(), shapes, dtypes, st.sampled_from(sorted(MODES)))
def test_pad(data: Any, shape: tuple[int, ...], dtype: Any, mode: str) -> None:
    pad_width, options = data.draw(widths(len(shape))), data.draw(st.sampled_from(MODES[mode]))
    if dtype is np.bool_ and (mode == "linear_ramp" or options.get("reflect_type") == "odd"):
        return  # NumPy subtracts no booleans
    if isinstance(pad_width, dict) and NUMPY < "2.2.0":
        return
    agrees(lambda x: np.pad(x, pad_width, mode, **options), numbers(shape, dtype))


@pytest.mark.parametrize("mode", ["constant", "linear_ramp"])
def test_the_values_of_a_padding_may_be_tracked(mode: str) -> None:
    name = {"constant": "constant_values", "linear_ramp": "end_values"}[mode]

    def padded(x: Any, values: Any) -> Any:
        return np.pad(x, ((1, 2), (0, 1)), mode, **{name: values})

    x, weights = numbers((2, 3), float), np.cos(np.arange(20.0)).reshape(5, 4)
    for values in (np.float64(0.5), np.array([0.5, 1.5]), np.array([[0.5, 1.5], [2.5, 3.5]])):
        found = tg.grad(lambda x, v: np.sum(padded(x, v) * weights), (0, 1))(x, values)
        # both modes are linear: differences are exact
        for i, part in enumerate(found):
            for place in np.ndindex(np.shape(part)):
                moved = [np.array(x), np.array(values)]
                moved[i][place] += 1
                change = padded(*moved) - padded(x, values)
                np.testing.assert_allclose(part[place], np.sum(change * weights), atol=1e-12)


def test_pad_empty_has_the_right_middle() -> None:
    x = tg.tensor(numbers((2, 3), float), requires_grad=True)
    padded = np.pad(x, 1, "empty")
    assert padded.shape == (4, 5)
    np.sum(padded[1:-1, 1:-1]).backward()
    assert x.grad.tolist() == np.ones((2, 3)).tolist()


# insert, delete, trim_zeros, ravel

places = st.one_of(
    st.integers(-5, 5),
    st.lists(st.integers(-3, 3), max_size=3),
    st.slices(4),
    st.lists(st.booleans(), min_size=3, max_size=3).map(np.array),
)
axes = st.sampled_from([None, 0, 1, -1, 4])


@few
@given(shapes, dtypes, places, axes)
def test_delete(shape: tuple[int, ...], dtype: Any, obj: Any, axis: Any) -> None:
    agrees(lambda x: np.delete(x, obj, axis), numbers(shape, dtype))


@few
@given(shapes, dtypes, places, axes, st.sampled_from([(), (1,), (2,), (3,), (1, 3), (2, 1)]))
def test_insert(shape: Any, dtype: Any, obj: Any, axis: Any, values: Any) -> None:
    if NUMPY < "2.4.0" and isinstance(obj, np.ndarray):  # it warned of masks before
        return
    agrees(lambda x, v: np.insert(x, obj, v, axis), numbers(shape, dtype), numbers(values, dtype))


@few
@given(
    st.lists(st.sampled_from([0.0, 0.0, 1.5]), min_size=6, max_size=6),
    st.sampled_from([(6,), (2, 3), (3, 1, 2)]),
    st.sampled_from(["fb", "f", "b", "BF", "x"]),
    st.sampled_from([None, 0, -1, (0, 1), 3]),
)
def test_trim_zeros(values: list[float], shape: Any, trim: str, axis: Any) -> None:
    if NUMPY < "2.4.0":  # which has no axis=, or of zeros alone takes no several
        return
    agrees(lambda x: np.trim_zeros(x, trim, axis), np.array(values).reshape(shape))


@few
@given(shapes, st.permutations(range(3)), st.sampled_from("CFAK"), st.booleans())
def test_orders(shape: tuple[int, ...], permutation: list[int], order: str, back: bool) -> None:
    axes = [i for i in permutation if i < len(shape)]

    def turned(x: Any) -> Any:
        x = np.transpose(x, axes)
        return x[::-1] if back else x

    agrees(lambda x: np.ravel(turned(x), order=order), numbers(shape, float))
    agrees(lambda x: turned(x).flatten(order), numbers(shape, float))
    if order != "K":
        agrees(lambda x: np.reshape(turned(x), (-1, 1), order=order), numbers(shape, float))
        agrees(lambda x: turned(x).reshape(1, -1, order=order), numbers(shape, float))


# Other forms, one by one

X, V, N = numbers((2, 3), float), numbers((3,), float), numbers((2, 3), np.int64)
F, Z = numbers((2, 3), np.float32), numbers((2, 3), complex)
FORMS: dict[str, tuple[Callable[..., Any], ...]] = {
    "append": (lambda x: np.append(x, [1.0]), lambda x: np.append(x, x, axis=3)),
    "array_split": (lambda x: np.array_split(x, 0), lambda x: np.array_split(x, 4, 1)),
    "block": (
        lambda x: np.block([x, [x]]),
        lambda x: np.block([[x, x], [x]]),
        lambda x: np.block([[x], []]),
        lambda x: np.block((x, x)),
        lambda x: np.block([[x, 1], [2, 3]]),
        lambda x: np.block([1, x[0], 2]),
    ),
    "broadcast": (
        lambda x: np.broadcast_to(x, (4, 2, 3)),
        lambda x: np.broadcast_to(x, (3, 2)),
        lambda x: list(np.broadcast_arrays(x, 1.0, [[1], [2]], subok=True)),
    ),
    "choose": (
        lambda x: np.choose([0, 1, 0], x),
        lambda x: np.choose([0, 2, 0], x),
        lambda x: np.choose([0, 5, -1], x, mode="clip"),
        lambda x: np.choose([[0], [1]], [x, 2 * x]),
        lambda x: np.choose(1, [x, [1, 2, 3]]),
    ),
    "clip": (
        lambda x: np.clip(x, 0, 1, None),
        lambda x: np.clip(x, None, 1),
        lambda x: np.clip(x, 0, None),
    ),
    "compress": (
        lambda x: np.compress([1, 0, 1], x, axis=1),
        lambda x: np.compress([True, False, True], x, 0),
        lambda x: np.compress([[True]], x),
        lambda x: np.compress([0, 1], x, 0, None),
    ),
    "concatenate": (
        lambda x: np.concatenate([x, [[1, 2, 3]]]),
        lambda x: np.concatenate([x, x], 1, None),
        lambda x: np.concatenate([x, x], axis=None),
        lambda x: np.concatenate([x, [1.0]]),
        lambda x: np.concatenate([x, x], dtype=np.complex128),
        lambda x: np.concatenate([x, x], dtype=np.float32),
        lambda x: np.concatenate([x, x], dtype=np.float16, casting="safe"),
        lambda x: np.concatenate([x, [[1, 2, 3]]], casting="no"),
        lambda x: np.concatenate(x),
        lambda x: np.concatenate(x[0]),
    ),
    "diagflat": (np.diagflat, lambda x: np.diagflat(x, -2)),
    "extract": (lambda x: np.extract(N % 2, x), lambda x: np.extract([1, 0, 1], x)),
    "ix_": (
        lambda x: np.ix_(x[0], [1, 2]),
        lambda x: np.ix_([True, False], x[1]),
        np.ix_,
    ),
    "meshgrid": (
        lambda x: np.meshgrid(x[0], x[1], x[0], copy=False),
        lambda x: np.meshgrid(x, x[0]),
        lambda x: np.meshgrid(x[0], x[1], indexing="yx"),
        lambda x: np.meshgrid(x[0], 2.0, sparse=True),
    ),
    "repeat": (
        lambda x: np.repeat(x, np.array([1, 2]), 0),
        lambda x: np.repeat(x, [1, 2], 1),
        lambda x: x.repeat(2),
    ),
    "resize": (
        lambda x: np.resize(x, 7),
        lambda x: np.resize(x, (2, 5)),
        lambda x: np.resize(x, (-1, 2)),
        lambda x: np.resize(x[:0], (2, 2)),
    ),
    "rollaxis": (lambda x: np.rollaxis(x, 1, -1), lambda x: np.rollaxis(x, 0, 5)),
    "rot90": (
        *(lambda x, k=k: np.rot90(x, k) for k in range(-2, 6)),
        lambda x: np.rot90(x, 1, (0, 0)),
        lambda x: np.rot90(x, axes=(1, -2)),
    ),
    "select": (
        lambda x: np.select([X > 0, X < -1], [x, 2 * x], 9),
        lambda x: np.select([X > 0], [x]),
        lambda x: np.select([X > 0, N], [x, x]),
        lambda x: np.select([X > 0], [x, x]),
        lambda x: np.select([], []),
        lambda x: np.select([X > 0, [True, False, True]], [1, x[0]], [[1], [2]]),
    ),
    "reshape": (
        lambda x: np.reshape(x.T, 6, order="A"),
        lambda x: np.ravel(x.T, order="A"),
        lambda x: np.reshape(x, (4, 2)),
    ),
    "sets": (
        lambda x: np.union1d(x, [0.25, 9.0]),
        lambda x: np.union1d(x, x),
        lambda x: np.setdiff1d(x, x[0]),
        lambda x: np.setdiff1d([9.0, 1.0], x, assume_unique=True),
        lambda x: np.setxor1d(x, np.append(x[0], [9.0, 9.0])),
        lambda x: np.setxor1d(x[0], x[0]),
        lambda x: np.setxor1d(x[0], x[1], assume_unique=True),
    ),
    "sliding_window_view": (
        lambda x: np.lib.stride_tricks.sliding_window_view(x, (1, 2)),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 1),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, (3, 4)),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2),
    ),
    "stack": (
        lambda x: np.stack([x, x], dtype=np.complex128),
        lambda x: np.stack([x, x], 0, None, dtype=np.int64, casting="safe"),
        lambda x: np.vstack([x, x[0]], dtype=np.complex128),
        lambda x: np.hstack([x, x], casting="no"),
        lambda x: np.column_stack([x[0], x.T, [1, 2, 3]]),
        lambda x: np.column_stack([x[0, 0], 2.0]),
        lambda x: np.dstack([x, [[1, 2, 3]] * 2]),
    ),
    "take": (
        lambda x: np.take(x, [True, False]),
        lambda x: np.take(x, [0, 7]),
        lambda x: np.take(x, [0, 7], None, None, "clip"),
        lambda x: np.take(x, [[0], [-1]], 1, mode="raise"),
    ),
    "tile": (
        lambda x: np.tile(x, np.array([2, 1])),
        lambda x: np.tile(x, np.int64(2)),
        lambda x: np.tile(x, ()),
        lambda x: np.tile(x, (0, 2)),
    ),
    "unstack": (
        lambda x: list(np.unstack(x, axis=1)),
        lambda x: list(np.unstack(x[0, 0])),
    ),
}


@together
@pytest.mark.parametrize("x", [X, F, Z, N], ids=["double", "single", "complex", "integer"])
@pytest.mark.parametrize(
    "f",
    [pytest.param(f, id=f"{name}-{i}") for name, fs in FORMS.items() for i, f in enumerate(fs)],
)
def test_form(f: Callable[..., Any], x: Any) -> None:
    agrees(f, x)


# Refused forms: the error says so, and nothing happens

OUT = np.zeros((2, 3))
REFUSED: dict[str, Callable[[Any], Any]] = {
    "choose out": lambda t: np.choose([0, 1, 0], t, out=np.zeros(3)),
    "clip out": lambda t: np.clip(t, 0, 1, out=OUT),
    "compress out": lambda t: np.compress([1], t, 0, out=OUT),
    "concatenate out": lambda t: np.concatenate([t], out=OUT),
    "pad function": lambda t: np.pad(t, 1, lambda *_: None),
    "require writeable": lambda t: np.require(t, requirements=["W"], like=t),
    "reshape without copy": lambda t: t.reshape(6, copy=False),
    "stack out": lambda t: np.stack([t], out=np.zeros((1, 2, 3))),
    "take out": lambda t: np.take(t, [[0] * 3] * 2, out=OUT),
    "where alone": lambda t: np.where(t),
    "windows writeable": lambda t: np.lib.stride_tricks.sliding_window_view(
        t, 2, 1, writeable=True
    ),
}


@pytest.mark.parametrize("f", REFUSED.values(), ids=REFUSED)
def test_forms_without_a_rule_are_refused(f: Callable[[Any], Any]) -> None:
    for track in (True, False):
        with pytest.raises(UnsupportedFunctionError):
            f(tg.tensor(X, requires_grad=track))
    assert not OUT.any()


INTO_INTEGERS: dict[str, Callable[[Any, Any], Any]] = {
    "array": lambda _, v: np.array([v, v], dtype=int, like=v),
    "arange": lambda _, v: np.arange(v[0], 5, dtype=int, like=v),
    "copyto": lambda t, v: np.copyto(t, v, casting="unsafe"),
    "full_like": lambda t, v: np.full_like(t, v),
    "geomspace": lambda _, v: np.geomspace(v[1], 5, dtype=int),
    "insert": lambda t, v: np.insert(t, 0, v, axis=0),
    "linspace": lambda _, v: np.linspace(v, 5, dtype=int),
    "logspace": lambda _, v: np.logspace(v, 5, dtype=int),
    "pad": lambda t, v: np.pad(t, 1, constant_values=v[0]),
    "put": lambda t, v: np.put(t, [0], v),
}


@pytest.mark.parametrize("f", INTO_INTEGERS.values(), ids=INTO_INTEGERS)
def test_no_tracked_value_is_cut_down_to_an_integer(f: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(DTypeError):
        f(tg.tensor(N), tg.tensor(np.abs(V), requires_grad=True))
    f(tg.tensor(N), tg.tensor(np.abs(V)))


# What changes its first argument

PLACING: dict[str, Callable[[Any, Any], Any]] = {
    "copyto": lambda x, v: np.copyto(x, v),
    "copyto where": lambda x, v: np.copyto(x, v, where=X > 0),
    "fill_diagonal": lambda x, v: np.fill_diagonal(x, v),
    "place": lambda x, v: np.place(x, X > 0, v),
    "put": lambda x, v: np.put(x, [4, 0], v),
    "put clip": lambda x, v: np.put(x, [9, 0], v, "clip"),
    "put_along_axis": lambda x, v: np.put_along_axis(x, np.array([[1, 0, 1]]), v, 0),
    "putmask": lambda x, v: np.putmask(x, X > 0, v),
    # what NumPy refuses
    "copyto shape": lambda x, v: np.copyto(x, np.resize(v, 2)),
    "copyto cast": lambda x, v: np.copyto(x, v * 1j),
    "fill_diagonal of a vector": lambda x, v: np.fill_diagonal(x[0], v),
    "place nothing": lambda x, v: np.place(x, X > 0, v[:0]),
    "put outside": lambda x, v: np.put(x, [6], v),
    "put_along_axis shape": lambda x, v: np.put_along_axis(x, np.array([1]), v, 0),
}


@pytest.mark.parametrize("change", PLACING.values(), ids=PLACING)
def test_placing_is_numpys(change: Callable[[Any, Any], Any]) -> None:
    def changed(x: Any, v: Any) -> Any:
        x = np.copy(x)
        assert change(x, v) is None
        return x

    agrees(changed, X, V)
    agrees(changed, F, V)
    agrees(changed, N, np.arange(3))


def test_placing_leaves_what_was_computed_before() -> None:
    x = tg.tensor(X, requires_grad=True)
    y = np.copy(x)
    before = y * y
    np.put(y, [0, 1], [10.0, 20.0])
    np.sum(before + y).backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * X + [[0, 0, 1], [1, 1, 1]])


@pytest.mark.parametrize("name", ["copyto", "fill_diagonal", "place", "put", "putmask"])
def test_placing_into_a_leaf_or_an_array_is_refused(name: str) -> None:
    change = PLACING[name]
    leaf, v = tg.tensor(X, requires_grad=True), tg.tensor(V, requires_grad=True)
    with pytest.raises(TrackedTensorError, match="leaf"):
        change(leaf, V)
    with tg.no_grad():
        change(leaf, V)
    plain = X.copy()
    change(plain, V)
    np.testing.assert_array_equal(leaf.numpy(), plain)
    with pytest.raises(TrackedTensorError, match=r"plain array|took a Tensor"):
        change(X.copy(), v)
    change(plain, v.detach())  # which tracks nothing


def test_placing_twice_in_one_place_is_refused() -> None:
    t = tg.tensor(X, requires_grad=True) * 1
    for change in (
        lambda: np.put(t, [1, 1], [1.0, 2.0]),
        lambda: np.put_along_axis(t, np.array([[0, 0]]), 1.0, 1),
    ):
        with pytest.raises(ShapeError, match="twice"):
            change()


def test_the_plain_arguments_may_change_afterwards() -> None:
    mask, index, conditions = X > 0, np.array([0, 2]), [X > 0]
    x = tg.tensor(X, requires_grad=True)
    total = (
        np.sum(np.compress(mask[:, 2], x, 0))
        + np.sum(np.delete(x, index, 1))
        + np.sum(np.select(conditions, [x]))
        + np.sum(np.extract(mask, x))
    )
    y = np.copy(x)
    np.putmask(y, mask, 0.0)
    total = total + np.sum(y)
    mask[:], index[:], conditions[0][:] = False, 1, False
    total.backward()
    positive = (X > 0).astype(float)
    kept = (X[:, 2] > 0)[:, None] * 1.0 + np.array([0.0, 1.0, 0.0])
    np.testing.assert_array_equal(x.grad.numpy(), kept + 2 * positive + 1 - positive)


def test_errors_are_the_packages_own() -> None:
    t = tg.tensor(X, requires_grad=True)
    for f in (
        lambda: np.rot90(t, 1, (0, 0)),
        lambda: np.select([X > 0], [t, t]),
        lambda: np.meshgrid(t[0], indexing="yx"),
        lambda: np.rollaxis(t, 0, 5),
    ):
        with pytest.raises(TinygradError):
            f()
