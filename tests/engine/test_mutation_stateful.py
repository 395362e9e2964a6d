"""Any sequence of operations, mutations, copies and walks: no value and no gradient is wrong.

The machine does everything twice: on Tensors, and as lines of a program on plain NumPy values.  A
line remembers a snapshot of every array as it was when it was used.  What the user changes later
must therefore not show: at any time the values of all Tensors are those they were made with, and
gradients are those of the program, found by the complex step.
"""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from oracles import STEP
from words import READ_ONLY, STAYS_LOCKED

import tinygrad_bp as tg
from tinygrad_bp.engine.memory import LEAST
from tinygrad_bp.engine.views import owner_of
from tinygrad_bp.errors import TrackedTensorError, ViewError

Plain = Callable[..., Any]

LARGEST = 4.0  # what is larger is scaled down, so that derivatives stay of ordinary size
EXACT = 1e-9
# Shapes end in 3, so that any two broadcast.  Of the last an array comes from a buffer that is used
# again.
SHAPES = ((), (3,), (2, 3), (1, 3), (5500, 3))
assert LEAST < 5500 * 3 * 8
SMALL = 4  # the first so many are drawn as often again as the large one

drawn_shapes = st.sampled_from((*SHAPES[:SMALL], *SHAPES[:SMALL], *SHAPES))
picks = st.integers(0, 2**16)


@dataclass
class Line:
    """One line of the plain program: a constant, a variable's value, or a function of lines."""

    function: Plain | None
    parents: tuple[int, ...]
    value: Any
    variable: int | None = None


@dataclass(eq=False)
class Held:
    """A Tensor in the user's hands: the line that says what it is, and what it showed at first."""

    tensor: tg.Tensor
    line: int
    shown: Any = field(init=False)

    def __post_init__(self) -> None:
        self.shown = self.tensor.numpy().copy()


# The functions: on Tensors, and the same on plain values, which may be complex.


def _softplus(z: Any) -> Any:
    return np.log(1 + np.exp(z))


def _log_softmax(z: Any) -> Any:
    return z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))


def _bce(z: Any, y: Any) -> Any:
    return np.mean(_softplus(z) - y * z)


def _entropy(z: Any, labels: Any) -> Any:
    return -np.mean(_log_softmax(z)[np.arange(len(labels)), labels])


UNARY: dict[str, tuple[Plain, Plain]] = {
    "tanh": (np.tanh, np.tanh),
    "sin": (np.sin, np.sin),
    "exp": (np.exp, np.exp),
    "square": (np.square, np.square),
    "positive": (np.positive, np.positive),
    "negative": (operator.neg, np.negative),
    "sigmoid": (tg.sigmoid, lambda z: 1 / (1 + np.exp(-z))),
    "softplus": (tg.softplus, _softplus),
    "copy": (np.copy, np.copy),
    "sum": (np.sum, np.sum),
    "mean": (np.mean, np.mean),
    "logsumexp": (tg.logsumexp, lambda z: np.log(np.sum(np.exp(z)))),
    "expand_dims": (lambda t: np.expand_dims(t, 0), lambda z: np.expand_dims(z, 0)),
    "broadcast_to": (
        lambda t: np.broadcast_to(t, (2, *t.shape)),
        lambda z: np.broadcast_to(z, (2, *np.shape(z))),
    ),
}
ROWS: dict[str, tuple[Plain, Plain]] = {  # of what has an axis of 3
    "sum of columns": (lambda t: t.sum(axis=-1, keepdims=True), lambda z: z.sum(-1, keepdims=True)),
    "log_softmax": (tg.log_softmax, _log_softmax),
    "cumsum": (lambda t: np.cumsum(t, axis=-1), lambda z: np.cumsum(z, axis=-1)),
    "flip": (lambda t: t[..., ::-1], lambda z: z[..., ::-1]),
    "twice": (lambda t: np.swapaxes(t.T.T, 0, -1).T, lambda z: np.swapaxes(z, 0, -1).T),
    "repeat": (
        lambda t: t.repeat(2, axis=-1)[..., 1:4],
        lambda z: np.repeat(z, 2, axis=-1)[..., 1:4],
    ),
    "ravel": (lambda t: np.ravel(t)[:3], lambda z: np.ravel(z)[:3]),
    "reshape": (lambda t: t.reshape(-1, 3), lambda z: np.reshape(z, (-1, 3))),
    "trace": (
        lambda t: np.einsum("...i,...i->...", t, t),
        lambda z: np.sum(z * z, axis=-1),
    ),
}
BINARY: dict[str, tuple[Plain, Plain]] = {
    "add": (operator.add, np.add),
    "subtract": (operator.sub, np.subtract),
    "multiply": (operator.mul, np.multiply),
    "divide": (lambda x, y: x / (y * y + 1), lambda x, y: x / (y * y + 1)),
    "arctan2": (
        lambda x, y: np.arctan2(x, y * y + 1),
        lambda x, y: np.arctan(x / (y * y + 1)),
    ),
    "logaddexp": (np.logaddexp, lambda x, y: np.log(np.exp(x) + np.exp(y))),
    "hypot": (
        lambda x, y: np.hypot(x * x + 1, y),
        lambda x, y: np.sqrt((x * x + 1) ** 2 + y * y),
    ),
    "outer": (
        lambda x, y: np.multiply.outer(np.ravel(x)[:3], np.ravel(y)[:3]),
        lambda x, y: np.multiply.outer(np.ravel(x)[:3], np.ravel(y)[:3]),
    ),
}
PRODUCTS: dict[str, tuple[Plain, Plain]] = {  # of an (n, 3) and a (3, k)
    "matmul": (operator.matmul, np.matmul),
    "dot": (np.dot, np.dot),
    "einsum": (
        lambda x, y: np.einsum("ij,jk->ik", x, y),
        lambda x, y: np.matmul(x, y),
    ),
    "affine": (
        lambda x, y: tg.affine(x, y, y[0]),
        lambda x, y: np.matmul(x, y) + y[0],
    ),
}
JOINS: dict[str, tuple[Plain, Plain]] = {
    "concatenate": (np.concatenate, np.concatenate),
    "stack": (lambda parts: np.stack([p[0] for p in parts]),) * 2,
    "vstack": (np.vstack, np.vstack),
}


class AnyOrder(RuleBasedStateMachine):
    """What a user may do; see the head of this module."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self.held: list[Held] = []
        self.leaves: list[tg.Tensor] = []
        self.numbers_in_a_list = [0.5, -0.25, 0.75]
        self.directions: list[Any] = []
        self.slopes: list[float | None] = []  # of .grad along the direction of each leaf
        self.numbers = np.random.default_rng(len(SHAPES))
        self.arrays: list[Any] = [self.numbers.uniform(-1, 1, 3)]
        self.index = np.array([0, 2, 1, 0])
        self.mask = np.array([True, False, True])
        self.spot, self.end = np.array(1), np.array(2)  # 0-d: they may stand for an integer
        self.labels = np.array([0, 2])

    @initialize(large=st.integers(0, 3))
    def begin(self, large: int) -> None:
        if not large:
            self.make_array(SHAPES[-1], "C")
        self.make_leaf(len(self.arrays) - 1)

    def teardown(self) -> None:
        """At the end everything is walked, after a last change of everything."""
        self.change_everything(2)
        for i in range(len(self.held)):
            self.backward(i, "cotangent")
        self.values_are_what_they_were()
        self.gradients_are_those_of_the_program()

    # The plain program

    def line(self, function: Plain | None, *parents: int, variable: int | None = None) -> int:
        value = None
        if function is not None:
            value = function(*[self.lines[i].value for i in parents])
        self.lines.append(Line(function, parents, value, variable))
        return len(self.lines) - 1

    def constant(self, value: Any, variable: int | None = None) -> int:
        i = self.line(None, variable=variable)
        self.lines[i].value = np.array(value)
        return i

    def slope(self, end: int, weight: Any, variable: int) -> float:
        """Return the derivative of ``<weight, line end>`` along the direction of a variable."""
        values: list[Any] = []
        for line in self.lines[: end + 1]:
            if line.function is not None:
                value = line.function(*[values[i] for i in line.parents])
            elif line.variable == variable:
                value = line.value + 1j * STEP * self.directions[variable]
            else:
                value = line.value
            values.append(value)
        return float(np.sum(values[end] * weight).imag / STEP)

    # Choosing

    def some(self, pick: int) -> Held:
        return self.held[pick % len(self.held)]

    def with_rows(self, pick: int) -> Held:
        """Return a Tensor that has an axis of 3; a 0-d one is made into one."""
        one = self.some(pick)
        if one.tensor.ndim and one.tensor.shape[-1] == 3:
            return one
        return self.keep(np.ravel(one.tensor)[[0, 0, 0]], lambda z: np.ravel(z)[[0, 0, 0]], one)

    def operand(self, pick: int, kind: str) -> tuple[Any, int]:
        """Return something to compute with, and its line."""
        if kind == "array":
            array = self.arrays[pick % len(self.arrays)]
            return array, self.constant(array)
        if kind == "list":
            return self.numbers_in_a_list, self.constant(self.numbers_in_a_list)
        one = self.some(pick)
        return one.tensor, one.line

    def keep(self, tensor: tg.Tensor, plain: Plain, *held: Held | int) -> Held:
        """Hold a result, which must be what the plain function gives."""
        parents = [one if isinstance(one, int) else one.line for one in held]
        result = Held(tensor, self.line(plain, *parents))
        np.testing.assert_allclose(
            result.shown, self.lines[result.line].value, rtol=EXACT, atol=EXACT
        )
        self.held.append(result)
        size = float(np.max(np.abs(result.shown), initial=0.0))
        if size > LARGEST:
            scale = 2.0 ** -np.ceil(np.log2(size))
            return self.keep(tensor * scale, lambda z: z * scale, result)
        return result

    # Making

    @rule(shape=drawn_shapes, layout=st.sampled_from("CFSR"))
    def make_array(self, shape: tuple[int, ...], layout: str) -> None:
        """An array of the user's own: plain, Fortran, every second row of another, or reversed."""
        array = self.numbers.uniform(-1, 1, shape)
        if shape:
            base = np.repeat(array, 2, axis=0)
            array = {"C": array, "F": np.asfortranarray(array), "S": base[::2], "R": array[::-1]}[
                layout
            ]
        self.arrays.append(array)

    @rule(pick=picks)
    def make_leaf(self, pick: int) -> None:
        if len(self.leaves) == 4:
            return
        array = self.arrays[pick % len(self.arrays)]
        self.add_leaf(tg.tensor(array, requires_grad=True), self.constant(array, len(self.leaves)))

    def add_leaf(self, leaf: tg.Tensor, line: int, slope: float | None = None) -> None:
        self.leaves.append(leaf)
        self.directions.append(self.numbers.uniform(0.3, 1.0, leaf.shape))
        self.slopes.append(slope)
        self.held.append(Held(leaf, line))

    @rule(pick=picks)
    def make_untracked(self, pick: int) -> None:
        array = self.arrays[pick % len(self.arrays)]
        self.held.append(Held(tg.tensor(array), self.constant(array)))

    # Computing

    @rule(name=st.sampled_from([*UNARY]), pick=picks)
    def unary(self, name: str, pick: int) -> None:
        function, plain = UNARY[name]
        one = self.some(pick)
        self.keep(function(one.tensor), plain, one)

    @rule(name=st.sampled_from([*ROWS]), pick=picks)
    def of_rows(self, name: str, pick: int) -> None:
        function, plain = ROWS[name]
        one = self.with_rows(pick)
        self.keep(function(one.tensor), plain, one)

    @rule(
        name=st.sampled_from([*BINARY]),
        pick=picks,
        other=picks,
        kind=st.sampled_from(["tensor", "array", "list"]),
        swap=st.booleans(),
    )
    def binary(self, name: str, pick: int, other: int, kind: str, swap: bool) -> None:
        function, plain = BINARY[name]
        one = self.some(pick)
        second, line = self.operand(other, kind)
        if isinstance(second, list) and name not in {"add", "subtract", "multiply"}:
            second = np.array(second)  # Python itself would be asked for a list's square
        try:
            np.broadcast_shapes(one.tensor.shape, np.shape(second))
        except ValueError:
            return
        if swap:
            self.keep(function(second, one.tensor), plain, line, one)
        else:
            self.keep(function(one.tensor, second), plain, one, line)

    @rule(name=st.sampled_from([*PRODUCTS]), pick=picks, other=picks, raw=st.booleans())
    def product(self, name: str, pick: int, other: int, raw: bool) -> None:
        function, plain = PRODUCTS[name]
        x, square = self.with_rows(pick), self.with_rows(other)
        if x.tensor.size > 60:
            square = self.keep(
                square.tensor.reshape(-1, 3)[:3], lambda z: z.reshape(-1, 3)[:3], square
            )
        x = self.keep(x.tensor.reshape(-1, 3), lambda z: np.reshape(z, (-1, 3)), x)
        y = self.keep(
            np.multiply.outer(np.ravel(square.tensor)[:3], [1.0, 0.5]),
            lambda z: np.multiply.outer(np.ravel(z)[:3], [1.0, 0.5]),
            square,
        )
        if not raw:
            self.keep(function(x.tensor, y.tensor), plain, x, y)
            return
        matrix = y.shown.copy()  # the user's own, to be changed
        self.arrays.append(matrix[0])
        self.keep(function(x.tensor, matrix), plain, x, self.constant(matrix))
        matrix[...] = 7.0

    @rule(name=st.sampled_from([*JOINS]), pick=picks, other=picks, raw=st.booleans())
    def join(self, name: str, pick: int, other: int, raw: bool) -> None:
        function, plain = JOINS[name]
        x, y = (
            self.keep(one.tensor.reshape(-1, 3), lambda z: np.reshape(z, (-1, 3)), one)
            for one in (self.with_rows(pick), self.with_rows(other))
        )
        if x.tensor.size + y.tensor.size > 60:
            return
        if not raw:
            self.keep(function([x.tensor, y.tensor]), lambda *zs: plain(zs), x, y)
            return
        array = y.shown.copy()
        parts = [x.tensor, array]
        self.keep(function(parts), lambda *zs: plain(zs), x, self.constant(array))
        array[...] = 7.0
        parts.reverse()

    @rule(
        pick=picks,
        how=st.sampled_from(["index", "list", "mask", "spot", "slice", "take", "tensor", "rows"]),
    )
    def read_at(self, pick: int, how: str) -> None:
        """Index by the user's own index array, list, mask, or slice that ends at a 0-d array."""
        one = self.with_rows(pick)
        index, now = self.place(how)
        tensor = one.tensor
        if how == "rows":
            rows = np.zeros(3, int)
            tensor, now = tensor.reshape(-1, 3), (rows.copy(), now)
            one = self.keep(tensor, lambda z: np.reshape(z, (-1, 3)), one)
            self.keep(one.tensor[rows, index], lambda z: z[now], one)
            rows += 1
            return
        if how == "take":
            self.keep(np.take(tensor, index, axis=-1), lambda z: z[..., now], one)
            return
        self.keep(tensor[..., index], lambda z: z[..., now], one)

    def place(self, how: str) -> tuple[Any, Any]:
        """Return an index that the user may change, and what it is now."""
        if how == "mask":
            return self.mask, self.mask.copy()
        if how == "spot":
            return self.spot, int(self.spot)
        if how == "slice":
            return slice(None, self.end), slice(None, int(self.end))
        if how == "list":
            numbers = self.index.tolist()
            return numbers, list(numbers)
        if how == "rows":
            return self.index[:3], self.index[:3].copy()
        index: Any = tg.tensor(self.index) if how == "tensor" else self.index
        return index, self.index.copy()

    @rule(pick=picks, other=picks, kind=st.sampled_from(["tensor", "array"]), flip=st.booleans())
    def choose(self, pick: int, other: int, kind: str, flip: bool) -> None:
        one, now = self.with_rows(pick), self.mask.copy()
        second, line = self.operand(other, kind)
        try:
            np.broadcast_shapes(one.tensor.shape, np.shape(second), (3,))
        except ValueError:
            return
        if flip:
            self.keep(
                np.where(self.mask, second, one.tensor), lambda y, z: np.where(now, y, z), line, one
            )
        else:
            self.keep(
                np.where(self.mask, one.tensor, second), lambda z, y: np.where(now, z, y), one, line
            )

    @rule(pick=picks, kind=st.sampled_from(["bce", "bce of targets", "entropy"]))
    def loss(self, pick: int, kind: str) -> None:
        one = self.with_rows(pick)
        if kind == "entropy":
            z = self.keep(
                np.broadcast_to(np.ravel(one.tensor)[:3], (2, 3)),
                lambda z: np.broadcast_to(np.ravel(z)[:3], (2, 3)),
                one,
            )
            now = self.labels.copy()
            self.keep(tg.nn.cross_entropy(z.tensor, self.labels), lambda z: _entropy(z, now), z)
            return
        targets = self.numbers.uniform(0, 1, one.tensor.shape)
        line = self.constant(targets)
        if kind == "bce":
            self.keep(tg.nn.bce_with_logits(one.tensor, targets), _bce, one, line)
        else:  # labels are probabilities, or they are refused
            sigmoid, plain = UNARY["sigmoid"]
            label = self.keep(sigmoid(one.tensor), plain, one)
            self.keep(tg.nn.bce_with_logits(targets, label.tensor), _bce, line, label)
        targets[...] = 0.5

    # Changing

    @rule(end=st.integers(1, 3))
    def change_everything(self, end: int) -> None:
        """All that is the user's own: arrays, numbers in lists, indices, masks, labels."""
        for array in self.arrays:
            array[...] = self.numbers.uniform(-1, 1, array.shape)
        self.numbers_in_a_list[1] += 0.125
        self.index[...] = (self.index + 1) % 3
        self.labels[...] = (self.labels + 1) % 3
        self.mask[...] = np.roll(self.mask, 1)
        self.mask[end - 1] = not self.mask[end - 1] or self.mask.sum() < 2  # never of nothing
        self.spot[...], self.end[...] = end - 1, end

    @rule(pick=picks)
    def write_to_a_view(self, pick: int) -> None:
        view = self.some(pick).tensor.numpy()
        for target in (view, view[...], view.T):
            with pytest.raises(ValueError, match=READ_ONLY):
                target[...] = 9.0
            with pytest.raises(ValueError, match=STAYS_LOCKED):
                target.flags.writeable = True

    @rule(pick=picks, how=st.sampled_from([np.asarray, np.array, "tolist", "sign", "transform"]))
    def change_what_was_handed_out(self, pick: int, how: Any) -> None:
        tensor = self.some(pick).tensor
        if how == "transform":
            value, pull = tg.vjp(lambda t: t * 2.0, tensor.detach().numpy())
            for array in (value, *pull(np.ones(tensor.shape))):
                if isinstance(array, np.ndarray):
                    array[...] = 9.0
            return
        if how == "tolist":
            numbers = tensor.tolist()
            if isinstance(numbers, list):
                numbers[:] = []
            return
        array = np.sign(tensor) if how == "sign" else how(tensor.detach())
        if isinstance(array, np.ndarray):
            array[...] = 9.0

    @rule(
        pick=picks,
        how=st.sampled_from(["spot", "mask", "slice"]),
        value=st.sampled_from(["number", "array", "tensor"]),
        other=picks,
    )
    def assign(self, pick: int, how: str, value: str, other: int) -> None:
        """``t[..., i] = v`` makes a new value of t; everything else keeps the old one."""
        one = self.with_rows(pick)
        if one.tensor.is_leaf and one.tensor.requires_grad:
            one = self.keep(+one.tensor, np.positive, one)
        one = self.owned(one)
        index, now = self.place(how)
        new: Any = 0.5
        line = self.constant(new)
        if value != "number":
            new, line = self.operand(other, value)
            new, line = self.first(new, line)

        def assigned(x: Any, v: Any) -> Any:
            out = np.array(x, np.result_type(x, v))
            out[..., now] = v
            return out

        twin = copy.copy(one.tensor)
        one.tensor[..., index] = new
        self.held.append(Held(twin, one.line))
        self.keep(one.tensor, assigned, one, line)
        self.held.remove(one)  # the name has another value now; the twin kept the old one

    def owned(self, one: Held) -> Held:
        """Return a line that may be written into: a view of another may not, a copy of it may."""
        if owner_of(one.tensor) is None:
            return one
        with pytest.raises(ViewError):
            one.tensor[...] = 9.0
        return self.keep(one.tensor.copy(), np.copy, one)

    def first(self, value: Any, line: int) -> tuple[Any, int]:
        """Return the first element of an operand, and its line."""
        if isinstance(value, tg.Tensor):
            one = self.keep(np.ravel(value)[0], lambda z: np.ravel(z)[0], line)
            return one.tensor, one.line
        element = np.asarray(value).ravel()[:1]
        return element, self.constant(element)

    @rule(pick=picks, other=picks, kind=st.sampled_from(["tensor", "array"]))
    def add_in_place(self, pick: int, other: int, kind: str) -> None:
        one = self.owned(self.some(pick))
        second, line = self.operand(other, kind)
        if np.shape(second) not in ((), one.tensor.shape):
            return
        tensor = one.tensor
        if tensor.is_leaf and tensor.requires_grad and tensor.grad is not None:
            with pytest.raises(TrackedTensorError, match="a parameter with a gradient"):
                tensor += second
            return
        tensor += second
        self.keep(tensor, np.add, one, line)

    # Copies

    @rule(pick=picks)
    def detach(self, pick: int) -> None:
        one = self.some(pick)
        self.held.append(Held(one.tensor.detach(), self.constant(one.shown)))

    @rule(pick=picks)
    def copy_place(self, pick: int) -> None:
        one = self.some(pick)
        self.held.append(Held(copy.copy(one.tensor), one.line))

    @rule(pick=picks, pickled=st.booleans())
    def copy_graph(self, pick: int, pickled: bool) -> None:
        """The copy depends on leaves of its own, so nothing of it reaches the leaves held here."""
        one = self.some(pick)
        if one.tensor.size > 60:
            return
        twin = pickle.loads(pickle.dumps(one.tensor)) if pickled else copy.deepcopy(one.tensor)
        np.testing.assert_array_equal(twin.numpy(), one.shown)
        if not (twin.is_leaf and twin.requires_grad):
            self.held.append(Held(twin, self.constant(one.shown)))

    @precondition(lambda self: len(self.held) > 4)
    @rule(pick=picks)
    def drop(self, pick: int) -> None:
        self.held.pop(pick % len(self.held))

    # Walking

    @rule(pick=picks, how=st.sampled_from(["weights", "cotangent", "tensor", "recorded"]))
    def backward(self, pick: int, how: str) -> None:
        one = self.some(pick)
        if not one.tensor.requires_grad:
            return
        weight = self.numbers.uniform(-1, 1, one.tensor.shape)
        changing = np.array(weight)
        if how == "weights":
            loss = np.sum(one.tensor * changing)
            changing[...] = 9.0
            loss.backward()
        elif how == "cotangent":
            one.tensor.backward(changing)
        elif how == "tensor":
            cotangent = tg.tensor(changing)
            one.tensor.backward(cotangent)
            cotangent += 1.0
        else:
            one.tensor.backward(changing, create_graph=True)
        changing[...] = 9.0
        for k in range(len(self.leaves)):
            if self.reaches(one.line, k):
                slope = self.slope(one.line, weight, k)
                self.slopes[k] = (self.slopes[k] or 0.0) + slope

    def reaches(self, line: int, variable: int) -> bool:
        """Whether a line depends on a variable."""
        rest, seen = [line], set()
        while rest:
            i = rest.pop()
            if self.lines[i].variable == variable:
                return True
            fresh = [j for j in self.lines[i].parents if j not in seen]
            seen.update(fresh)
            rest += fresh
        return False

    @rule(make=st.sampled_from([tg.optim.SGD, tg.optim.Adam]), momentum=st.booleans())
    def step(self, make: Any, momentum: bool) -> None:
        """The leaves move; what was computed from their old values keeps those."""
        settings = {"momentum": 0.9} if make is tg.optim.SGD and momentum else {}
        before = [leaf.numpy().copy() for leaf in self.leaves]
        make(self.leaves, 0.01, **settings).step()
        for k, (leaf, old) in enumerate(zip(self.leaves, before, strict=True)):
            if np.array_equal(leaf.numpy(), old):
                continue
            assert self.slopes[k] is not None
            line = self.constant(leaf.numpy(), k)
            for one in self.held:
                if one.tensor is leaf:
                    one.line, one.shown = line, leaf.numpy().copy()

    @rule(pick=picks)
    def hold_gradient(self, pick: int) -> None:
        """A gradient is a Tensor like any other; later passes do not change it under its holder."""
        grad = self.leaves[pick % len(self.leaves)].grad
        if grad is not None and not grad.requires_grad:
            self.held.append(Held(copy.copy(grad), self.constant(grad.numpy())))

    @rule(pick=picks)
    def zero_grad(self, pick: int) -> None:
        k = pick % len(self.leaves)
        self.leaves[k].zero_grad()
        self.slopes[k] = None

    # What holds at any time

    @invariant()
    def values_are_what_they_were(self) -> None:
        for one in self.held:
            np.testing.assert_array_equal(one.tensor.numpy(), one.shown)

    @invariant()
    def gradients_are_those_of_the_program(self) -> None:
        for leaf, direction, slope in zip(self.leaves, self.directions, self.slopes, strict=True):
            if slope is None:
                assert leaf.grad is None
                continue
            assert leaf.grad is not None
            parts = leaf.grad.numpy() * direction
            close = EXACT * (1.0 + float(np.sum(np.abs(parts))))
            assert abs(float(np.sum(parts)) - slope) <= close


BRIEF = settings(
    max_examples=20,
    stateful_step_count=40,
    derandomize=True,  # the gate gives the same answer every time
)
DEEP = settings(BRIEF, max_examples=1000, stateful_step_count=60, derandomize=False)


class TestAnyOrder(AnyOrder.TestCase):  # type: ignore[name-defined,misc]
    settings = BRIEF


@pytest.mark.deep
class TestLongOrder(AnyOrder.TestCase):  # type: ignore[name-defined,misc]
    settings = DEEP
