"""The methods of ufuncs: reduce, accumulate, reduceat, outer and at, of every ufunc with a rule."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from composition_checks import check_derivatives
from deeper import explored
from hypothesis import given, settings
from hypothesis import strategies as st
from leaves import leaf
from numpy_agreement import agree, masks, reductions, spaced
from oracles import same

import tinygrad_bp as tg
from tinygrad_bp.engine.dispatch import UFUNCS
from tinygrad_bp.engine.rule import FLAT
from tinygrad_bp.errors import DTypeError, TrackedTensorError, UnsupportedFunctionError
from tinygrad_bp.rules.ufunc_methods import REDUCTIONS

BINARY = sorted(
    (
        ufunc
        for ufunc in UFUNCS
        if ufunc.nin == 2
        and ufunc.nout == 1
        and not ufunc.signature
        and ufunc not in FLAT
        # SciPy's have loops for the types of their arguments alone
        and getattr(np, ufunc.__name__, None) is ufunc
        and "dd->d" in ufunc.types
    ),
    key=lambda ufunc: ufunc.__name__,
)
AXES = st.sampled_from([0, 1, -1])
STEPS = {np.remainder, np.fmod, np.copysign}  # a difference may step over a jump or a kink
SMOOTH = [ufunc for ufunc in BINARY if ufunc not in STEPS]
each = pytest.mark.parametrize("ufunc", BINARY, ids=lambda ufunc: ufunc.__name__)
each_smooth = pytest.mark.parametrize("ufunc", SMOOTH, ids=lambda ufunc: ufunc.__name__)


def positive(shape: tuple[int, ...], seed: int) -> Any:
    """Return numbers between 0.5 and 2, where every ufunc is defined, and no powers are huge."""
    return 1.2 + spaced(shape, seed) / 2.5


# NumPy 2.4's vector code for these reads elements that lie side by side before it has written the
# result of the one before; where they lie apart it is right.
APART = {np.power, np.arctan2}


def apart(ufunc: Any, method: str, x: Any, *args: Any, axis: Any = 0, **options: Any) -> Any:
    """Return what a method of a ufunc gives."""
    call = getattr(ufunc, method)
    if (
        isinstance(x, tg.Tensor)
        or ufunc not in APART
        or not x.ndim
        or (axis is None and x.ndim > 1)
    ):
        return call(x, *args, axis=axis, **options)
    axis = 0 if axis is None else axis
    if method == "reduceat":
        (starts,) = args
        ends = [max(end, start + 1) for start, end in pairwise([*starts, x.shape[axis]])]
        parts = [np.take(x, np.arange(*span), axis) for span in zip(starts, ends, strict=True)]
        folds = [apart(ufunc, "reduce", part, axis=axis, **options) for part in parts]
        nothing = np.take(x, [], axis).astype(options.get("dtype", x.dtype))
        return np.stack(folds, axis) if folds else nothing
    axis = tuple(i % x.ndim for i in axis) if isinstance(axis, tuple) else axis % x.ndim
    if "where" in options:
        options["where"] = options["where"][..., None]
    return call(np.stack([x, x], axis=-1), *args, axis=axis, **options)[..., 0]


def test_there_are_ufuncs() -> None:
    assert {np.add, np.subtract, np.divide, np.hypot, np.power, np.arctan2} <= set(BINARY)
    assert set(REDUCTIONS) <= set(BINARY)


@each
@explored(7, 50, drawn=reductions(), data=st.data())
def test_reduce(ufunc: Any, drawn: Any, data: Any) -> None:
    shape, seed, options = drawn
    if data.draw(st.booleans(), "where"):
        options["where"] = masks(shape, seed)
    if data.draw(st.booleans(), "initial"):
        options["initial"] = 0.7
    if data.draw(st.booleans(), "dtype"):
        options["dtype"] = np.float32
    x = positive(shape, seed)
    with np.errstate(all="ignore"):
        agree(lambda x: apart(ufunc, "reduce", x, **options), x)
        agree(lambda x: apart(ufunc, "reduce", x, **options), x.astype(np.float32))


@each_smooth
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axis": 1, "keepdims": True},
        {"axis": -1, "initial": 0.9},
        {"axis": 0, "initial": 1.3, "where": np.array([[True, False, True], [False, False, True]])},
    ],
)
def test_reduce_is_differentiated(ufunc: Any, options: dict[str, Any]) -> None:
    check_derivatives(lambda x: apart(ufunc, "reduce", x, **options), [positive((2, 3), 5)])


@pytest.mark.parametrize("ufunc", [np.add, np.hypot, np.maximum, np.fmax, np.logaddexp])
def test_reduce_over_several_axes(ufunc: Any) -> None:
    for axis in (None, (0, 2), ()):
        check_derivatives(lambda x, axis=axis: ufunc.reduce(x, axis=axis), [positive((2, 2, 3), 1)])


def test_an_initial_value_may_be_tracked() -> None:
    for ufunc in (np.subtract, np.add, np.maximum, np.hypot):
        check_derivatives(
            lambda x, c, ufunc=ufunc: ufunc.reduce(x, initial=c),
            [positive((3,), 2), np.float64(1.1)],
        )


def test_reducing_one_element() -> None:
    """It starts from the identity: the hypotenuse of one side is its length."""
    x = leaf([[-3.0, 4.0]])
    y = np.hypot.reduce(x)
    np.sum(y).backward()
    assert (y.tolist(), x.grad.tolist()) == ([3.0, 4.0], [[-1.0, 1.0]])
    assert np.hypot.reduceat(x[0], [0, 1]).tolist() == [-3.0, 4.0]  # as NumPy has it


def test_reducing_nothing() -> None:
    for ufunc in (np.add, np.multiply, np.hypot, np.logaddexp):
        x = leaf(np.zeros((0, 2)))
        value = ufunc.reduce(x)
        same(value.numpy(), ufunc.reduce(x.numpy()))
        value.backward(np.ones(2))
        assert x.grad.shape == (0, 2)


@each
@explored(5, 50, length=st.integers(0, 5), axis=AXES, seed=st.integers(0, 99))
def test_accumulate(ufunc: Any, length: int, axis: int, seed: int) -> None:
    x = positive((length, 2) if axis == 0 else (2, length), seed)
    with np.errstate(all="ignore"):
        agree(lambda x: ufunc.accumulate(x, axis=axis), x)
        agree(lambda x: ufunc.accumulate(x, axis=axis), x.astype(np.float32), factor=10)
        agree(lambda x: ufunc.accumulate(x, axis, np.float32), x)


@each_smooth
def test_accumulate_is_differentiated(ufunc: Any) -> None:
    check_derivatives(ufunc.accumulate, [positive((5,), 3)])
    check_derivatives(lambda x: ufunc.accumulate(x, axis=1), [positive((2, 3), 4)])


@each
@explored(5, 50, indices=st.lists(st.integers(0, 4), max_size=5), axis=AXES)
def test_reduceat(ufunc: Any, indices: list[int], axis: int) -> None:
    x = positive((5, 2) if axis == 0 else (2, 5), 7)
    index = np.array(indices, int)
    with np.errstate(all="ignore"):
        agree(lambda x: apart(ufunc, "reduceat", x, index, axis=axis), x)
        agree(lambda x: apart(ufunc, "reduceat", x, index, axis=axis, dtype=np.float32), x)


@each_smooth
def test_reduceat_is_differentiated(ufunc: Any) -> None:
    for shape, axis, indices in (((5, 2), 0, [0, 4, 1, 3]), ((2, 4), 1, [2, 0])):
        check_derivatives(
            lambda x, axis=axis, indices=indices: apart(ufunc, "reduceat", x, indices, axis=axis),
            [positive(shape, 7)],
        )


@each
@pytest.mark.parametrize(
    "shapes", [((2,), (3,)), ((2, 2), (3, 1)), ((), (3,)), ((2,), ()), ((0,), (2,))]
)
def test_outer(ufunc: Any, shapes: Any) -> None:
    x, y = positive(shapes[0], 1), positive(shapes[1], 2) + 0.03
    agree(ufunc.outer, x, y)
    agree(ufunc.outer, x.astype(np.float32), y.astype(np.float32))
    agree(lambda x: ufunc.outer(x, 1.5), x)
    agree(lambda y: ufunc.outer(x, y), y)
    if ufunc not in STEPS:
        check_derivatives(ufunc.outer, [x, y])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.subtract.reduce(x, axis=None),
        lambda x: np.subtract.reduce(x, axis=2),
        lambda x: np.subtract.reduce(x[:0]),
        lambda x: np.add.reduce(x, axis=2),
        lambda x: np.maximum.reduce(x, where=x > 0.0),
        lambda x: np.subtract.reduce(x, where=x > 0.0),
        lambda x: np.add.accumulate(x, axis=None),
        lambda x: np.add.accumulate(x[0, 0]),
        lambda x: np.add.reduceat(x, [2]),
        lambda x: np.add.reduceat(x, [-1]),
        lambda x: np.negative.reduce(x),
        lambda x: np.negative.accumulate(x),
        lambda x: np.negative.outer(x, x),
        lambda x: np.matmul.reduce(x),
        lambda x: np.matmul.outer(x, x),
        lambda x: np.subtract.reduce(x, keepdim=True),
    ],
)
def test_numpys_errors(f: Any) -> None:
    assert not agree(f, np.array([[1.0, 2.0], [3.0, 4.0]]))


FLAT_METHODS = [
    lambda x, y: np.logical_or.reduce(x > y),
    lambda x, y: np.logical_or.reduce(x, axis=1, keepdims=True),
    lambda x, y: np.logical_and.accumulate(x, axis=1),
    lambda x, y: np.equal.outer(x, y),
    lambda x, y: np.less.outer(x, 0.5),
    lambda x, y: np.logical_xor.reduceat(x, [0, 1]),
    lambda x, y: np.floor_divide.outer(x, y + 3.0),
]


@pytest.mark.parametrize("f", FLAT_METHODS)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_methods_of_flat_ufuncs_give_plain_values(f: Any, requires_grad: bool) -> None:
    x, y = spaced((2, 3), 1), spaced((2, 3), 2)
    got = f(tg.tensor(x, requires_grad=requires_grad), tg.tensor(y, requires_grad=requires_grad))
    assert type(got) is np.ndarray
    same(got, f(x, y))


def test_logaddexp_of_unsigned_integers_does_not_wrap_around() -> None:
    x = np.array([1, 5, 3], np.uint8)
    same(np.logaddexp.reduce(tg.tensor(x)).numpy()[()], np.logaddexp.reduce(x))
    np.testing.assert_allclose(tg.logsumexp(x), np.log(np.sum(np.exp(x.astype(float)))), rtol=1e-15)
    np.testing.assert_allclose(np.exp(tg.log_softmax(x)).sum(), 1, rtol=1e-15)


# at


@settings(max_examples=30)
@given(st.data(), st.sampled_from([np.add, np.subtract]))
def test_at(data: Any, ufunc: Any) -> None:
    index: Any = data.draw(
        st.sampled_from(
            [
                ([0, 2, 0],),
                (np.array([1, 1, 1]), slice(None)),
                (slice(0, 2), [0, 0]),
                ([True, False, True],),
                (..., 1),
                (2, 1),
                ([2, 2], [1, 0]),
            ]
        )
    )
    x = spaced((3, 2), 3)
    shape = x[index].shape
    narrow = shape if data.draw(st.booleans()) else shape[1:]
    v = spaced(narrow, 4)
    given_index = index if len(index) > 1 else index[0]

    def changed(x: Any, v: Any) -> Any:
        y = np.copy(x)
        before = np.sum(y * y)
        ufunc.at(y, given_index, v)
        return before, y

    agree(changed, x, v)
    agree(changed, x.astype(np.float32), v.astype(np.float32))
    check_derivatives(changed, [x, v])


def test_at_of_a_0d_tensor() -> None:
    def changed(x: Any) -> Any:
        y = np.copy(x)
        np.add.at(y, (), 2.5)
        return y

    check_derivatives(changed, [np.array(1.5)])


def test_what_at_refuses() -> None:
    x, y = leaf([1.0, 2.0]), leaf([1.0, 2.0]) * 1
    with pytest.raises(TrackedTensorError, match="leaf"):
        np.add.at(x, [0], 1.0)
    with tg.no_grad():
        np.add.at(x, [0, 0], 1.0)
    assert x.tolist() == [3.0, 2.0]
    array = np.zeros(2)
    with pytest.raises(TrackedTensorError, match=r"add\.at.*tg\.tensor"):
        np.add.at(array, [0], y)
    assert not array.any()
    np.maximum.at(array, tg.tensor([0, 0]), tg.tensor(1.5))
    assert array.tolist() == [1.5, 0.0]
    for ufunc in (np.multiply, np.maximum, np.negative, np.logical_or):
        with pytest.raises(UnsupportedFunctionError, match=rf"{ufunc.__name__}\.at"):
            ufunc.at(y, [0], *([1.0] if ufunc.nin == 2 else []))
    assert y.tolist() == [1.0, 2.0]
    whole = tg.tensor([1, 2])
    with pytest.raises(DTypeError, match="astype"):
        np.add.at(whole, [0], 0.5)
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        np.add.at(y, [0], np.ones(3))


def test_at_copies_what_it_is_given() -> None:
    x = leaf([1.0, 2.0])
    y, index = x * 2, np.array([0, 0])
    np.add.at(y, index, x)
    index[:] = 1
    np.sum(y * np.array([3.0, 5.0])).backward()
    assert x.grad.tolist() == [9.0, 13.0]


# What is refused


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.subtract.reduce(x, out=np.empty(())),
        lambda x: np.hypot.accumulate(x, out=np.empty(2)),
        lambda x: np.add.reduceat(x, [0], out=np.empty(1)),
        lambda x: np.add.outer(x, x, out=np.empty((2, 2))),
        lambda x: np.add.outer(x, x, dtype=np.float32),
        lambda x: np.logical_and.reduce(np.ones((3, 2)), out=x),
        lambda x: np.floor_divide.accumulate(np.ones(2), 0, None, x),
        lambda x: np.divmod.outer(x, x),
    ],
)
def test_refused(f: Any) -> None:
    with pytest.raises(UnsupportedFunctionError, match=r"out=|dtype=|divmod"):
        f(leaf([1.0, 2.0]))
