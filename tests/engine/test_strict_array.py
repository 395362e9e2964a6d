"""Tensors over an array that is no `numpy.ndarray`: the whole table, and the transforms.

Every value and gradient is again such an array, so nothing fell back to NumPy, and equals NumPy's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracles import same
from sampling import CASES, ROWS, Case, directions, each, like
from strict_array import StrictArray, inside

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.rule import COMPOSED, TABLE
from tinygrad_bp.errors import DTypeError


class FrankArray(StrictArray):
    """A strict array that says whether it is true, for rules whose result depends on values."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return bool(self._hidden)


def strict(one: Case) -> type[StrictArray]:
    return FrankArray if one.rule.trial.by_value else StrictArray


def plain(value: Any) -> Any:
    return value


def agree(got: Any, wanted: Any) -> None:
    """Compare Tensors, or arrays: the first holds a StrictArray, the second a NumPy array."""
    got, wanted = (x._value if isinstance(x, tg.Tensor) else x for x in (got, wanted))
    assert isinstance(got, StrictArray)
    same(inside(got), wanted)


def derivatives(one: Case, kind: Callable[[Any], Any]) -> list[Any]:
    """Return value, gradients by both walks, and the gradient of ``<gradient, direction>``."""
    leaves = [tg.tensor(kind(x), requires_grad=True) for x in one.arrays]
    value = one(*leaves)
    weight = kind(like(one(*one.arrays)))
    first = tg.gradients(value, leaves, weight, create_graph=True)
    parts = zip(first, directions(one.arrays, 5), strict=True)
    slope = sum((np.sum(g * kind(d)) for g, d in parts), np.float64(0.0))
    second = tg.gradients(np.real(slope), leaves) if slope.requires_grad else []
    value.backward(weight)
    return [value, *first, *(x.grad for x in leaves), *second]


@each(CASES, few=2)
def test_value_and_gradients_of_first_and_second_order(one: Case) -> None:
    found = derivatives(one, strict(one))
    wanted = derivatives(one, plain)
    assert len(found) == len(wanted) > len(one.places)
    for got, value in zip(found, wanted, strict=True):
        agree(got, value)


@each(CASES)
def test_tangent(one: Case) -> None:
    kind, arrays = strict(one), one.arrays
    moves = directions(arrays)
    found = tg.jvp(one, [kind(x) for x in arrays], [kind(t) for t in moves])
    for got, wanted in zip(found, tg.jvp(one, arrays, moves), strict=True):
        agree(got, wanted)


@each([one for one in CASES if len(one.places) > 1])
def test_numpy_arrays_may_stand_beside(one: Case) -> None:
    arrays = one.arrays
    for i in range(len(arrays)):
        mixed: list[Any] = list(arrays)
        mixed[i] = leaf = tg.tensor(StrictArray(arrays[i]), requires_grad=True)
        value = one(*mixed)
        weight = like(one(*arrays))
        value.backward(StrictArray(weight))
        agree(value, one(*arrays))
        agree(leaf.grad, tg.vjp(one, *arrays)[1](weight)[i])


@pytest.mark.parametrize("name", [name for name in ROWS if TABLE[name].trial.by_value])
def test_a_rule_that_looks_at_values_is_listed_for_it(name: str) -> None:
    def run() -> None:
        for one in CASES:
            if one.rule.name == name:
                derivatives(one, StrictArray)

    with pytest.raises(AssertionError, match="truth"):
        run()


# Compositions, which may ask whether a value is true.  Those that go by values ask for more.
COMPOSITIONS = [Case(one, sample) for one in COMPOSED.values() for sample in one.trial.samples]


def pulled(one: Case, kind: Callable[[Any], Any]) -> list[Any]:
    """Return all that a composition gives, and the gradients of it."""
    leaves = [tg.tensor(kind(x), requires_grad=True) for x in one.arrays]
    result = one(*leaves)
    outputs, _ = flatten(list(result) if isinstance(result, tuple) else result)
    tracked = [out for out in outputs if isinstance(out, tg.Tensor) and out.requires_grad]
    for out in tracked:
        out.backward(kind(like(np.zeros(out.shape, out.dtype))))
    return [*tracked, *(x.grad for x in leaves if x.grad is not None)]


def compare(one: Case) -> None:
    found, wanted = pulled(one, FrankArray), pulled(one, plain)
    assert len(found) == len(wanted) > 0
    for got, value in zip(found, wanted, strict=True):
        agree(got, value)


@each([one for one in COMPOSITIONS if not one.rule.trial.by_value])
def test_compositions(one: Case) -> None:
    compare(one)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="looked at fewer values")
@pytest.mark.parametrize("name", [one.name for one in COMPOSED.values() if one.trial.by_value])
def test_a_composition_of_numpys_arrays_alone_is_listed_for_it(name: str) -> None:
    def run() -> None:
        for one in COMPOSITIONS:
            if one.rule.name == name:
                compare(one)

    with pytest.raises((AssertionError, AttributeError, TypeError)):
        run()


UNREAD = "average median nan_to_num nanmean nanmedian nanstd nanvar percentile quantile".split()  # noqa: SIM905  # words


@each([one for one in COMPOSITIONS if one.rule.name in UNREAD])
def test_compositions_that_ask_no_array_whether_it_is_true(one: Case) -> None:
    found, wanted = pulled(one, StrictArray), pulled(one, plain)
    for got, value in zip(found, wanted, strict=True):
        agree(got, value)


def test_labels_of_another_library_are_not_read() -> None:
    logits, labels = np.linspace(-1.0, 1.0, 6).reshape(2, 3), np.array([2, 0])
    for reduction in ("mean", "sum", "none"):
        both = []
        for kind in (StrictArray, plain):
            z = tg.tensor(kind(logits), requires_grad=True)
            loss = tg.nn.cross_entropy(z, kind(labels), reduction)
            both.append((loss, *tg.gradients(np.sum(loss * loss), [z])))
        for got, wanted in zip(*both, strict=True):
            agree(got, wanted)


# What is made of rules

X, W = np.linspace(0.1, 1.0, 6).reshape(2, 3), np.linspace(-1.0, 1.0, 3)


def loss(x: Any, w: Any) -> Any:
    return np.sum(np.tanh(x @ w) ** 2)


def layer(x: Any, w: Any) -> Any:
    return np.tanh(x @ w)


TRANSFORMS: dict[str, Callable[[Any, Any], Any]] = {
    "grad": lambda x, w: tg.grad(loss, (0, 1))(x, w),
    "grad of what it does not depend on": lambda x, w: tg.grad(lambda x, w: np.sum(w), (0, 1))(
        x, w
    ),
    "grad of grad": lambda x, w: (tg.grad(lambda w: np.sum(tg.grad(loss, 1)(x, w) ** 2))(w),),
    "value_and_grad": lambda x, w: tg.value_and_grad(loss)(x, w),
    "vjp": lambda x, w: tg.vjp(layer, x, w)[1](x @ w),
    "jvp": lambda x, w: tg.jvp(layer, (x, w), (x, w)),
    "jvp of what does not move": lambda x, w: tg.jvp(lambda w: (w * w, x), (w,), (w,))[1],
    "jacobian": lambda x, w: tg.jacobian(layer, (0, 1))(x, w),
    "jacobian in reverse": lambda x, w: tg.jacobian(layer, (0, 1), mode="reverse")(x, w),
    "hessian": lambda x, w: (tg.hessian(lambda w: loss(x, w))(w),),
    "hvp": lambda x, w: tg.hvp(loss, (x, w), (x, w)),
    "hvp of a sum": lambda x, w: tg.hvp(lambda w: np.sum(w), (w,), (w,)),
    "checkpoint": lambda x, w: tg.grad(lambda x, w: np.sum(tg.checkpoint(layer)(x, w)), (0, 1))(
        x, w
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name: str) -> None:
    found = TRANSFORMS[name](StrictArray(X), StrictArray(W))
    wanted = TRANSFORMS[name](X, W)
    assert len(found) == len(wanted)
    for got, value in zip(found, wanted, strict=True):
        agree(got, value)


@pytest.mark.parametrize("make", [tg.optim.SGD, tg.optim.Adam])
def test_a_step_of_an_optimizer(make: Any) -> None:
    def step(kind: Callable[[Any], Any]) -> Any:
        w = tg.tensor(kind(W), requires_grad=True)
        optimizer = make([w], 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            loss(kind(X), w).backward()
            optimizer.step()
        return w

    agree(step(StrictArray), step(plain))


def test_assignment() -> None:
    def assigned(kind: Callable[[Any], Any]) -> Any:
        w = tg.tensor(kind(W), requires_grad=True)
        u = w * 1.0
        u[0] = 5.0
        u += w
        np.sum(u * u).backward()
        return w.grad

    agree(assigned(StrictArray), assigned(plain))


def test_a_tensor_keeps_the_array_and_shows_it() -> None:
    array = StrictArray(W)
    t = tg.tensor(array, requires_grad=True)
    assert t.numpy() is array
    assert "StrictArray" in repr(t)
    assert tg.tensor(array, dtype=np.float32).dtype == np.float32
    assert isinstance(copy.copy(t)._value, StrictArray)


def test_a_cotangent_in_a_tensor_leaves_an_array_in_the_gradient() -> None:
    x = tg.tensor(W, requires_grad=True)
    (x * 2.0).backward(tg.tensor(np.ones(3)))
    assert type(x.grad.numpy()) is np.ndarray
    assert not x.grad.requires_grad


@pytest.mark.parametrize(
    "f",
    [
        np.multiply,
        lambda x, y: x * y,
        lambda x, y: np.where([True, False], x, y),
        lambda x, y: np.concatenate([x, y]),
        lambda _x, y: tg.tensor(y),
        lambda _x, y: tg.grad(np.sum)(y),
    ],
)
def test_a_masked_array_is_refused(f: Any) -> None:
    """Sums would leave out what the mask hides, and gradients would not."""
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(DTypeError, match="mask"):
        f(x, np.ma.array([3.0, 4.0], mask=[True, False]))


@pytest.mark.parametrize(
    "multiply",
    [np.multiply, lambda x, y: x * y, lambda x, y: y * x, lambda x, y: np.where(y, x, y)],
)
def test_a_matrix_is_refused(multiply: Any) -> None:
    """Its operators are not those of arrays: a rule would silently compute something else."""
    x = tg.tensor(np.eye(2), requires_grad=True)
    matrix = np.ones((2, 2)).view(np.matrix)
    with pytest.raises(DTypeError, match="asarray"):
        multiply(x, matrix)
