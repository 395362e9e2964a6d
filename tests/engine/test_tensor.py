"""`Tensor` itself: what it holds, how NumPy's protocols reach it, and what it refuses."""

from __future__ import annotations

import ast
import copy
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from leaves import leaf
from together import together
from words import READ_ONLY, STAYS_LOCKED, words

import tinygrad_bp as tg
from tinygrad_bp.elsewhere.attributes import Elsewhere
from tinygrad_bp.engine import attached
from tinygrad_bp.engine.nodes import one_object
from tinygrad_bp.errors import (
    DTypeError,
    GraphError,
    ShapeError,
    TrackedTensorError,
    UnsupportedFunctionError,
)

# Construction


def test_data_are_copied() -> None:
    data = np.array([1.0, 2.0])
    x = tg.tensor(data, requires_grad=True)
    loss = np.sum(x * x)
    data[:] = 99.0
    assert x.tolist() == [1.0, 2.0]
    loss.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_view_given_is_copied() -> None:
    data = np.arange(6.0).reshape(2, 3)
    x = tg.tensor(data.T[::-1])
    data[:] = 0
    assert x.tolist() == [[2.0, 5.0], [1.0, 4.0], [0.0, 3.0]]


def test_equal_shapes_of_other_numbers_stay_apart() -> None:
    """Leaves share the tuple of their shape; a duck array may have its own kind of integers."""
    assert one_object(np.True_) == one_object(np.int64(1)) == one_object(1)
    assert [type(n) for n in (*one_object(np.True_), *one_object(np.int64(1)))] == [
        np.bool,
        np.int64,
    ]
    assert type(*leaf([1.0]).node.shape) is int
    assert leaf(np.ones((2, 3))).node.shape is leaf(np.ones((2, 3))).node.shape


@pytest.mark.parametrize("char", "efdFDi")
def test_data_in_another_byte_order_are_kept_in_the_machines(char: str) -> None:
    """What NumPy computes from them is: a value, its node and its gradient have one dtype."""
    given = np.array([1.0, 2.0], np.dtype(char).newbyteorder())
    assert tg.tensor(given).dtype.isnative
    assert tg.tensor(given).tolist() == given.tolist()
    assert tg.tensor([1, 2], dtype=given.dtype).dtype == np.dtype(char)
    if char != "i":
        x = leaf(given)
        y = np.exp(x)
        assert x.dtype == y.dtype == y.node.dtype == np.dtype(char)
        y.backward([1.0, 1.0])
        grads = [x.grad, tg.grad(lambda x: np.sum(np.real(x * x)))(given)]
        assert [one.dtype for one in grads] == [np.dtype(char)] * 2
        y = np.exp(x.astype(given.dtype))
        assert y.dtype == y.node.dtype == np.dtype(char)


def test_a_tensor_given_is_copied_and_its_graph_is_not_lost_silently() -> None:
    assert tg.tensor(tg.tensor([1.0])).tolist() == [1.0]
    with pytest.raises(TrackedTensorError, match="detach"):
        tg.tensor(leaf())


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.0, "float64"),
        ([1.0, 2.0], "float64"),
        ([1, 2], "int64"),
        (True, "bool"),
        (np.float32(1), "float32"),
        (np.zeros(2, np.float16), "float16"),
        (1j, "complex128"),
        ([], "float64"),
        ((1, 2.5), "float64"),
        (range(3), "int64"),
    ],
)
def test_dtype_is_numpys(data: Any, dtype: str) -> None:
    assert tg.tensor(data).dtype == dtype
    assert tg.tensor(data, dtype=np.float32 if dtype != "complex128" else np.complex64).dtype in (
        np.float32,
        np.complex64,
    )


@pytest.mark.parametrize("data", [1, True, [1, 2], np.zeros(3, np.int8), np.array([True])], ids=str)
def test_integers_require_no_gradients(data: Any) -> None:
    with pytest.raises(DTypeError, match="dtype=float") as raised:
        tg.tensor(data, requires_grad=True)
    assert isinstance(raised.value, TypeError)
    assert tg.tensor(data, dtype=float, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    "data",
    [
        None,
        "1.0",
        ["a"],
        [None],
        [1.0, "x"],
        {"a": 1.0},
        object(),
        np.array([1.0, None], object),
        np.array(["2020-01-01"], "M8[D]"),
        [[1.0], [1.0, 2.0]],
        b"1",
    ],
    ids=lambda data: type(data).__name__,
)
def test_what_is_no_number_is_refused(data: Any) -> None:
    with pytest.raises(DTypeError, match="tensor"):
        tg.tensor(data)


def test_subclassing_is_refused() -> None:
    with pytest.raises(TypeError, match="subclass"):
        type("Mine", (tg.Tensor,), {})


def test_tensors_carry_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        leaf().colour = "red"


# What it is


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4), (1, 1, 1)])
def test_properties(shape: tuple[int, ...]) -> None:
    value = np.ones(shape, np.float32)
    x = leaf(value, name="x")
    assert (x.shape, x.ndim, x.size, x.dtype) == (value.shape, value.ndim, value.size, value.dtype)
    assert (x.name, x.requires_grad, x.is_leaf, x.grad) == ("x", True, True, None)
    y = x * 2
    assert (y.shape, y.dtype, y.requires_grad, y.is_leaf) == (shape, np.float32, True, False)
    assert y.node.parents[0] is x.node
    assert (x.node.shape, x.node.ndim, x.node.size) == (shape, value.ndim, value.size)
    z = y.detach()
    assert (z.requires_grad, z.is_leaf, z.node, z.name) == (False, True, None, None)


def test_name_can_be_set_and_is_seen_in_the_graph() -> None:
    x = leaf()
    y = x * 2
    y.name = "twice"
    assert (y.name, y.node.name) == ("twice", "twice")
    assert x.node.name is None


def test_numpy_is_a_read_only_view() -> None:
    x = leaf()
    value = x.numpy()
    assert type(value) is np.ndarray
    with pytest.raises(ValueError, match=READ_ONLY):
        value[0] = 5.0
    with pytest.raises(ValueError, match=STAYS_LOCKED):
        value.flags.writeable = True
    assert not isinstance(value.base, np.ndarray)  # which could be unlocked, and the view by it
    assert np.shares_memory(value, x.numpy())
    scalar = leaf(2.0).numpy()
    assert type(scalar) is np.ndarray
    assert scalar.shape == ()
    with pytest.raises(ValueError, match=READ_ONLY):
        scalar[...] = 1.0


def test_item_and_tolist_give_python_numbers() -> None:
    assert type(leaf(2.0).item()) is float
    assert type(tg.tensor([7]).item()) is int
    assert leaf([[1.0, 2.0]]).tolist() == [[1.0, 2.0]]
    with pytest.raises(ValueError, match=words(np.ones(3).item)):
        leaf().item()


def test_grad_is_checked_when_set() -> None:
    x = leaf()
    x.grad = tg.tensor([1.0, 1.0, 1.0])
    np.sum(x).backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    x.grad = None
    assert x.grad is None
    for wrong in (tg.tensor(1.0), np.ones(3), 1.0):
        with pytest.raises(TrackedTensorError, match=r"\(3,\)"):
            x.grad = wrong
    with pytest.raises(TrackedTensorError, match="leaf"):
        (x * 2).grad = x
    with pytest.raises(TrackedTensorError, match="leaf"):
        tg.tensor([1.0]).grad = None


def test_zero_grad_forgets() -> None:
    x = leaf()
    np.sum(x).backward()
    x.zero_grad()
    assert x.grad is None
    tg.tensor(1.0).zero_grad()  # nothing to forget


# Out of the graph, and what is refused there


def test_asarray_of_an_untracked_tensor() -> None:
    x = tg.tensor([1.0, 2.0])
    array = np.asarray(x)
    array[0] = 9.0  # a copy: the Tensor does not change
    assert x.tolist() == [1.0, 2.0]
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    assert np.array(tg.tensor(3.0)).shape == ()
    assert np.asarray(leaf().detach()).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match=READ_ONLY):
        np.asarray(x, copy=False)[0] = 1.0


@pytest.mark.parametrize("make", [np.asarray, np.array, np.asanyarray, np.ascontiguousarray])
@pytest.mark.parametrize("data", [2.0, [1.0, 2.0]], ids=str)
def test_asarray_of_a_tracked_tensor_raises(make: Any, data: Any) -> None:
    with pytest.raises(TypeError, match=r"\.detach\(\)|ascontiguousarray"):
        make(leaf(data))


@pytest.mark.parametrize("data", [2.0, [1.0, 2.0], [[1.0]], []], ids=str)
@pytest.mark.parametrize("make", [np.array, np.asarray, tg.tensor])
def test_array_of_tracked_tensors_raises_and_names_stack(make: Any, data: Any) -> None:
    t = leaf(data)
    for several in ([t, t], (t, t), [t, np.ones(t.shape)], [np.ones(t.shape), t]):
        with pytest.raises(TypeError, match="stack"):
            make(several)


def test_array_of_untracked_tensors() -> None:
    t = tg.tensor([1.0, 2.0])
    assert np.array([t, t]).tolist() == [[1.0, 2.0]] * 2
    assert np.array([tg.tensor(1.0), tg.tensor(2.0)]).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("convert", [float, int, complex, math.exp, math.sqrt, np.float64])
def test_numbers_of_tracked_tensors_are_refused(convert: Any) -> None:
    with pytest.raises(TypeError, match=r"gradients"):
        convert(leaf(2.0))
    assert convert(tg.tensor(4.0)) == convert(4.0)


def test_numbers_need_one_element() -> None:
    assert float(tg.tensor([[2.5]])) == 2.5
    with pytest.raises(TypeError, match="only one element"):
        float(tg.tensor([1.0, 2.0]))
    assert [10, 20, 30][tg.tensor(1)] == 20
    with pytest.raises(TypeError, match="float64"):
        [10, 20, 30][tg.tensor(1.0)]  # the index is what raises


def test_truth() -> None:
    assert leaf(2.0)
    assert not leaf(0.0)
    assert leaf([3.0]) > 2.0
    with pytest.raises(ValueError, match=words(bool, np.ones(3))):
        bool(leaf())


# As a Python object


def test_repr() -> None:
    assert repr(tg.tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(tg.tensor(2.5)) == "Tensor(2.5)"
    assert repr(leaf([1.0], name="w")) == "Tensor([1.], requires_grad=True, name='w')"
    assert repr(tg.tensor([1, 2])) == "Tensor([1, 2], dtype=int64)"
    assert repr(leaf([1.0], dtype=np.float32)) == "Tensor([1.], dtype=float32, requires_grad=True)"
    assert "from=multiply" in repr(leaf() * 2)
    assert str(tg.tensor([1.0])) == repr(tg.tensor([1.0]))


def test_format() -> None:
    assert f"{leaf(2.0):.3f}" == "2.000"
    assert f"{leaf([[2.0]]):>6.1f}" == "   2.0"
    assert f"{leaf([1.0])}" == "Tensor([1.], requires_grad=True)"
    assert f"{leaf()}" == repr(leaf())


def test_format_of_several_elements_refuses_a_number_format() -> None:
    with pytest.raises((TypeError, ValueError)):
        f"{leaf():.3f}"  # the formatting is what raises


def test_len_and_iteration() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    rows = list(x)
    assert [row.tolist() for row in rows] == [[1.0, 2.0], [3.0, 4.0]]
    first, second = x
    np.sum(first * second).backward()
    assert x.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]
    with pytest.raises(TypeError, match="0-d"):
        len(leaf(1.0))
    with pytest.raises(TypeError, match="0-d"):
        iter(leaf(1.0))


def test_contains() -> None:
    x = leaf()
    assert 2.0 in x
    assert 5.0 not in x
    assert tg.tensor(3.0) in x


def test_hash_is_by_identity() -> None:
    x, y = leaf(), leaf()
    assert len({x, y, x}) == 2
    assert {x: "x"}[x] == "x"


def test_copies_share_the_place_in_the_graph() -> None:
    x = leaf()
    y = copy.copy(x * 2)
    np.sum(y).backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_copy_of_a_copy_method_is_a_new_node() -> None:
    x = leaf()
    y = x.copy()
    y[0] = 9.0
    assert x.tolist() == [1.0, 2.0, 3.0]
    np.sum(y).backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0]


# Methods and operators


# What an array has and a Tensor lacks: its memory, and what changes it in place.
MEMORY = {
    "base", "byteswap", "ctypes", "data", "device", "dump", "dumps", "fill", "flags", "flat",
    "getfield", "itemsize", "nbytes", "resize", "setfield", "setflags", "strides", "to_device",
    "tobytes", "tofile", "view",
}  # fmt: skip
GONE = {"itemset", "newbyteorder", "ptp", "tostring"}  # an older NumPy's, which raise or warn


def test_a_tensor_has_the_methods_of_an_array() -> None:
    public = {name for name in dir(np.ndarray) if not name.startswith("_")}
    assert public - set(dir(tg.Tensor)) <= MEMORY | GONE


def test_methods_whose_rules_load_late() -> None:
    x = np.array([[1.5, -2.0], [0.25, 4.0]])
    t = tg.tensor(x, requires_grad=True)
    np.testing.assert_array_equal(t.compress([True, False], axis=1).detach(), x[:, :1])
    np.testing.assert_array_equal(t.round(), x.round())
    np.testing.assert_array_equal(t.conjugate().detach(), x)
    choice = tg.tensor([0, 1]).choose(t)
    np.testing.assert_array_equal(choice.detach(), [1.5, 4.0])
    moved = t * 2.0
    moved.put([0, 3], t[0])
    np.sum(choice * choice + t.compress([True, True], axis=0)[0]).backward()
    np.testing.assert_array_equal(t.grad.numpy(), [[2 * 1.5 + 1, 1.0], [0.0, 2 * 4.0]])
    np.testing.assert_array_equal(moved.detach(), [[1.5, -4.0], [0.5, -2.0]])


def declared() -> list[str]:
    """Return the names of the methods and properties declared for type checkers."""
    found = vars(attached.Attached).items()
    return [name for name, one in found if isinstance(one, (FunctionType, property))]


def test_declarations_are_found() -> None:
    assert len(declared()) > 50
    assert {"backward", "__matmul__", "sum", "T"} <= set(declared())


@together
@pytest.mark.parametrize("name", declared())
def test_every_declared_name_exists(name: str) -> None:
    inherited = getattr(object, name, None)
    assert getattr(tg.Tensor, name) is not inherited


def test_every_attached_name_is_declared() -> None:
    tree = ast.parse(Path(inspect.getfile(tg.Tensor)).read_text())
    written = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    written |= set(declared())
    public = {
        name
        for name, one in vars(tg.Tensor).items()
        if not name.startswith("_") and not isinstance(one, Elsewhere)
    }
    assert public <= written


BINARY: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a**b,
    lambda a, b: a % b,
    lambda a, b: a @ b,
]


@together
@pytest.mark.parametrize("operation", BINARY)
@pytest.mark.parametrize(
    "kind", ["tensor", "array", "list", "float", "int", "float64", "float32", "0-d"]
)
def test_operators_take_either_side(operation: Any, kind: str) -> None:
    value = np.array([1.5, 2.0, 0.5])
    other: Any = {
        "tensor": tg.tensor([2.0, 3.0, 1.0]),
        "array": np.array([2.0, 3.0, 1.0]),
        "list": [2.0, 3.0, 1.0],
        "float": 2.0,
        "int": 2,
        "float64": np.float64(2.0),
        "float32": np.float32(2.0),
        "0-d": np.array(2.0),
    }[kind]
    raw = other.numpy() if kind == "tensor" else np.asarray(other) if kind == "list" else other
    if operation is BINARY[-1] and kind in {"float", "int", "float64", "float32", "0-d"}:
        for pair in ((leaf(value), other), (other, leaf(value))):
            with pytest.raises(ShapeError, match="matmul"):
                operation(*pair)
        return
    for x, pair, wanted in (  # noqa: B020
        (x := leaf(value), (x, other), operation(value, raw)),
        (x := leaf(value), (other, x), operation(raw, value)),
    ):
        result = operation(*pair)
        assert type(result) is tg.Tensor
        assert result.requires_grad
        np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-15)
        assert result.dtype == wanted.dtype
        result.backward(np.ones(result.shape))
        assert x.grad.shape == x.shape


def test_array_matmul_tensor_records() -> None:
    a, w = np.arange(6.0).reshape(2, 3), leaf(np.ones((3, 2)))
    product = a @ w
    assert type(product) is tg.Tensor
    product.backward(np.ones((2, 2)))
    np.testing.assert_allclose(w.grad.numpy(), a.T @ np.ones((2, 2)))


@pytest.mark.parametrize("scalar", [np.float64(2), np.float32(2), np.int64(2), np.bool_(True)])  # noqa: FBT003
def test_numpy_scalar_times_tensor_records(scalar: Any) -> None:
    x = leaf()
    y = scalar * x
    assert type(y) is tg.Tensor
    np.sum(y).backward()
    assert x.grad.tolist() == [float(scalar)] * 3


def test_other_types_may_answer_an_operator() -> None:
    class Other:
        __array_ufunc__ = None

        def __radd__(self, other: Any) -> str:
            return "mine"

        def __rmatmul__(self, other: Any) -> str:
            return "mine too"

    assert leaf() + Other() == "mine"
    assert leaf() @ Other() == "mine too"


@pytest.mark.parametrize(
    "other", ["a", None, {}, object(), np.array(["a"])], ids=lambda one: type(one).__name__
)
def test_operators_refuse_what_is_no_number(other: Any) -> None:
    for operation in BINARY:
        with pytest.raises(TypeError):
            operation(leaf(), other)


def test_in_place_operators_rebind() -> None:
    x = leaf()
    y = z = x * 1
    y += 1
    y -= 0.5
    y *= 2
    y /= 4
    assert z.tolist() == [1.0, 2.0, 3.0]
    assert y.tolist() == [0.75, 1.25, 1.75]
    np.sum(y).backward()
    assert x.grad.tolist() == [0.5, 0.5, 0.5]
    y **= 2
    y @= np.ones(3)
    assert y.shape == ()


def test_in_place_operator_on_a_leaf_keeps_the_leaf_of_others() -> None:
    x = w = leaf()
    x += 1
    assert w.tolist() == [1.0, 2.0, 3.0]
    np.sum(x).backward()
    assert w.grad.tolist() == [1.0, 1.0, 1.0]


def test_array_plus_equals_tensor_is_refused() -> None:
    array = np.ones(3)
    for update in ("array += x", "array *= x", "array -= x", "array /= x"):
        with pytest.raises(UnsupportedFunctionError, match="array = array"):
            exec(update, {"array": array, "x": leaf()})  # noqa: S102  # each statement in turn
    assert array.tolist() == [1.0, 1.0, 1.0]
    for index, value in ((0, leaf(1.0)), (slice(None), leaf())):
        with pytest.raises((TypeError, ValueError)):  # numpy turns some of our errors into its own
            array[index] = value


# Assignment


def test_assignment_makes_a_new_value() -> None:
    x = leaf()
    y = x * 2
    before = y * 1
    y[1] = 10.0
    assert y.tolist() == [2.0, 10.0, 6.0]
    assert before.tolist() == [2.0, 4.0, 6.0]
    (np.sum(y * y) + np.sum(before)).backward()
    assert x.grad.tolist() == [2 * 2 * 2 + 2, 2.0, 2 * 6 * 2 + 2]


def test_assignment_of_a_tracked_value() -> None:
    x, v = leaf(), leaf(5.0)
    y = tg.tensor(np.zeros(3))
    y[0] = v
    y[1:] = x[:2] * 3
    assert y.requires_grad
    np.sum(y * y).backward()
    assert v.grad.item() == 10.0
    assert x.grad.tolist() == [18.0, 36.0, 0.0]


def test_assignment_adds_into_an_element() -> None:
    x = leaf()
    y = x * 1
    y[0] += x[1] * 10
    y[y > 2.5] *= 2
    assert y.tolist() == [42.0, 2.0, 6.0]
    np.sum(y).backward()
    assert x.grad.tolist() == [2.0, 21.0, 2.0]


def test_assignment_to_a_copied_tensor_leaves_the_original() -> None:
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    row, same = x[0], copy.copy(x)
    same[1, 1] = 8.0
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    x[0, 0] = -1.0
    assert (row.tolist(), same.tolist()) == ([1.0, 2.0], [[1.0, 2.0], [3.0, 8.0]])


def test_assignment_to_a_leaf() -> None:
    x = leaf()
    loss = np.sum(x * x)
    with pytest.raises(TrackedTensorError, match="no_grad"):
        x[0] = 1.0
    with tg.no_grad():
        x[0] = 10.0
    assert x.tolist() == [10.0, 2.0, 3.0]
    assert x.is_leaf
    loss.backward()  # of the old value
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


def test_assignment_to_an_element_twice_is_refused() -> None:
    y = leaf() * 1
    with pytest.raises(ShapeError, match="twice"):
        y[[0, 0]] = np.ones(2)
    with pytest.raises(ShapeError, match="twice"):
        y[np.array([0, -3])] = np.ones(2)


def test_assignment_shape_error() -> None:
    y = leaf() * 1
    with pytest.raises(ShapeError, match=r"assigned.*\(3,\).*\(2,\)"):
        y[:] = np.ones(2)
    with pytest.raises(IndexError):
        y[5] = 1.0
    assert y.tolist() == [1.0, 2.0, 3.0]


def test_assignment_of_a_tracked_value_into_integers_is_refused() -> None:
    with pytest.raises(DTypeError, match="astype"):
        tg.tensor([1, 2])[0] = leaf(1.0)


# What has no rule


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.intersect1d(x, x), "intersect1d"),
        (lambda x: np.multiply.at(x, [0], 1.0), "multiply.at"),
        (lambda x: np.save("never", x), "save"),
        (lambda x: np.strings.isalpha(x), "isalpha"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_unknown_functions_are_refused_by_name(call: Any, name: str, requires_grad: bool) -> None:
    with pytest.raises(UnsupportedFunctionError, match=name) as raised:
        call(tg.tensor([1.0, 2.0, 3.0], requires_grad=requires_grad))
    assert isinstance(raised.value, TypeError)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.exp(x, out=np.empty(3)), "exp.*out="),
        (lambda x: np.add(x, 1.0, np.empty(3)), "add.*out="),
        (lambda x: np.exp(np.ones(3), out=x), "exp.*out="),
        (lambda x: np.exp(x, where=np.array([True, False, True])), "exp.*where"),
        (lambda x: np.exp(x, dtype=np.float32), "exp.*dtype"),
        (lambda x: np.multiply(x, x, casting="unsafe"), "multiply.*casting"),
        (lambda x: np.sum(x, out=np.empty(())), "sum"),
        (lambda x: np.min(x, out=np.empty(())), "min"),
        (lambda x: np.std(x, out=np.empty(())), "std.*out="),
        (lambda x: np.cumsum(x, out=np.empty(3)), "cumsum.*out="),
        (lambda x: np.add.reduce(x, out=np.empty(())), "add.*out="),
        (lambda x: np.concatenate([x, x], out=np.empty(6)), "concatenate.*out="),
        (lambda x: np.stack([x, x], out=np.empty((2, 3))), "stack.*out="),
        (lambda x: np.matmul(x, x, out=np.empty(())), "matmul.*out="),
        (lambda x: np.einsum("i,i", x, x, dtype=np.float32), "einsum.*dtype"),
        (lambda x: np.reshape(x, (3, 1), copy=False), "reshape.*copy="),
        (lambda x: np.clip(x, 0.0, 1.0, out=np.empty(3)), "clip.*out"),
        (lambda x: np.take(x, [0], out=np.empty(1)), "take.*out"),
        (lambda x: np.dot(x, x, out=np.empty(())), "dot"),
        (lambda x: np.transpose(x, axes=(0,), order="C"), "transpose"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_out_where_and_dtype_are_refused(call: Any, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        call(leaf())


def test_a_tracked_tensor_where_nothing_is_differentiated_is_refused() -> None:
    x = leaf()
    with pytest.raises((TypeError, TrackedTensorError)):
        np.reshape(x, leaf(3.0))
    with pytest.raises((TypeError, TrackedTensorError)):
        np.roll(x, leaf(1.0))
    with pytest.raises(DTypeError, match="index"):
        x[leaf(1.0)]


# Errors in shapes


@pytest.mark.parametrize(
    ("call", "pattern"),
    [
        (lambda: leaf(np.ones((3, 4))) @ np.ones((5, 6)), r"matmul.*\(3, 4\).*\(5, 6\).*transpose"),
        (lambda: leaf(np.ones((3, 4)), name="W") @ np.ones(5), r"matmul\(W \(3, 4\), \(5,\)\)"),
        (lambda: leaf(np.ones(3)) + np.ones(4), r"add.*\(3,\).*\(4,\)"),
        (lambda: np.ones(3) - leaf(np.ones(4)), r"subtract.*\(3,\).*\(4,\)"),
        (lambda: np.where([True, False], leaf(), 0.0), r"where.*\(2,\).*\(3,\)"),
        (lambda: leaf().reshape(2, 2), r"reshape.*\(3,\).*\(2, ?2\)"),
        (lambda: np.concatenate([leaf(), leaf([[1.0]])]), r"concatenate.*\(3,\).*\(1, 1\)"),
        (lambda: np.stack([leaf(), leaf([1.0])]), r"stack.*\(3,\).*\(1,\)"),
        (lambda: np.split(leaf(), 2), "split.*3.*2"),
        (lambda: np.split(leaf(), np.int64(2)), "split.*3.*2"),
        (lambda: np.squeeze(leaf(), 0), r"squeeze.*\(3,\)"),
        (lambda: np.einsum("ij,jk", leaf(np.ones((2, 3))), np.ones((2, 3))), r"einsum.*\(2, 3\)"),
        (lambda: np.einsum("ij", leaf()), r"einsum.*\(3,\)"),
        (lambda: np.einsum("i,j", leaf()), "einsum.*2 operands.*1"),
        (lambda: np.broadcast_to(leaf(), (2, 2)), r"broadcast_to.*\(3,\)"),
        (lambda: np.tensordot(leaf(), leaf([1.0]), 1), r"tensordot.*\(3,\).*\(1,\)"),
        (lambda: np.sum(leaf(), axis=1), r"(sum|axis).*1"),
        (
            lambda: tg.affine(np.ones((2, 3)), leaf(np.ones((4, 5))), np.ones(5)),
            r"affine.*\(2, 3\).*\(4, 5\)",
        ),
        (lambda: tg.nn.mse(leaf(np.ones((3, 1))), np.ones(3)), r"mse.*\(3, 1\).*\(3,\)"),
    ],
)
def test_shape_errors_name_the_operation_and_the_shapes(call: Any, pattern: str) -> None:
    with pytest.raises(ValueError, match=pattern):
        call()


def test_a_failing_call_leaves_no_trace() -> None:
    x = leaf()
    with pytest.raises(ShapeError):
        x + np.ones(4)  # the sum is what raises
    np.sum(x).backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_index_errors() -> None:
    x = leaf()
    with pytest.raises(IndexError, match=r"\(3,\)"):
        x[5]
    with pytest.raises(IndexError, match=r"\(3,\)"):
        x[0, 0]
    for wrong in (1.5, "a", np.array([0.5])):
        with pytest.raises(DTypeError, match="index"):
            x[wrong]


# Mutation of what the user still holds


class Labelled(np.ndarray):
    """A subclass of ndarray, as pandas, astropy and numpy.memmap have them."""


@together
@pytest.mark.parametrize("kind", ["plain", "view", "subclass"])
@pytest.mark.parametrize(
    "operation",
    [
        lambda x, a: x * a,
        lambda x, a: a * x,
        lambda x, a: x / a,
        lambda x, a: x**a,
        lambda x, a: np.arctan2(a, x),
        lambda x, a: np.hypot(x, a),
        lambda x, a: np.maximum(x, a),
        lambda x, a: x @ a,
        lambda x, a: np.einsum("i,i->i", x, a),
        lambda x, a: np.where(a > 1.5, x, 0.0) * a,
        lambda x, a: np.where(a, x, 0.0),
        lambda x, a: np.clip(x, a, 2.9),
        lambda x, a: x[a.astype(int) - 1] * a,
        lambda x, a: np.multiply.outer(a, x),
        lambda x, a: np.average(x, weights=a),
    ],
)
def test_mutation_of_raw_operands(operation: Any, kind: str) -> None:
    def run(change: bool) -> tuple[Any, Any]:
        held = np.array([1.0, 3.0, 2.0, 7.0])
        a = held[:3]
        if kind == "plain":
            held = a = a.copy()
        elif kind == "subclass":
            a = a.view(Labelled)
        x = leaf([0.5, 2.5, 1.5])
        y = operation(x, a)
        before = y.tolist()
        if change:
            held[:] = 5.0
        assert y.tolist() == before
        y.backward(np.ones(y.shape))
        return y.tolist(), x.grad.tolist()

    assert run(change=True) == run(change=False)


def test_mutation_of_an_index_array_or_mask() -> None:
    x = leaf()
    index, mask = np.array([0, 2]), np.array([True, False, True])
    y = np.sum(x[index] * 2) + np.sum(x[mask]) + np.sum(np.take(x, index))
    index[:] = 1
    mask[:] = False
    y.backward()
    assert x.grad.tolist() == [4.0, 0.0, 4.0]


def test_mutation_of_a_cotangent() -> None:
    x = leaf()
    ct = np.ones(3)
    (x + 0.0).backward(ct)
    ct[:] = 9.0
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
    t = tg.tensor(np.ones(3))
    (x + 0.0).backward(t)
    t[0] = 50.0
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_backward_of_what_tracks_nothing() -> None:
    for untracked in (tg.tensor(1.0), leaf(1.0).detach(), np.sign(leaf(1.0)) * tg.tensor(1.0)):
        with pytest.raises(GraphError, match="requires_grad"):
            untracked.backward()


@pytest.mark.parametrize("operation", BINARY[:4], ids=["add", "sub", "mul", "div"])
def test_a_python_complex_stands_beside_a_0_d_tensor(operation: Any) -> None:
    t = tg.tensor(0.5, requires_grad=True)
    for one, two in (
        (operation(1j, t), operation(1j, 0.5)),
        (operation(t, 1j), operation(0.5, 1j)),
    ):
        assert one.dtype == np.complex128
        assert one.item() == two
        np.real(one).backward()
    assert t.grad.dtype == np.float64
