"""Programs of functions: what they are called with, their names, invariants, text and source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from traced import compare, executed, hold

import tinygrad_bp as tg
from tinygrad_bp.errors import DTypeError, ProgramError, TraceError
from tinygrad_bp.programs import Program
from tinygrad_bp.programs.from_function import traced

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 1.5, (3, 2))
W = RNG.normal(size=2)


def loss(x: Any, w: Any) -> Any:
    return np.sum(np.tanh(x @ w) ** 2)


def layer(x: Any, w: Any) -> Any:
    return np.tanh(x @ w)


TRANSFORMS: dict[str, Callable[[Any, Any], Any]] = {
    "plain": layer,
    "grad": tg.grad(loss, (0, 1)),
    "grad of grad": lambda x, w: tg.grad(lambda w: np.sum(tg.grad(loss, 1)(x, w) ** 2))(w),
    "value_and_grad": tg.value_and_grad(loss),
    "vjp": lambda x, w: tg.vjp(layer, x, w)[1](x @ w),
    "jvp": lambda x, w: tg.jvp(layer, (x, w), (x, w)),
    "jacobian": tg.jacobian(layer, (0, 1)),
    "jacobian in reverse": tg.jacobian(layer, 1, mode="reverse"),
    "hessian": tg.hessian(loss, 1),
    "hvp": lambda x, w: tg.hvp(loss, (x, w), (x, w)),
    "hvp in reverse": lambda x, w: tg.hvp(loss, (x, w), (x, w), mode="reverse"),
    "vmap": tg.vmap(tg.grad(lambda x, w: np.sin(x @ w)), (0, None)),
    "checkpoint": tg.grad(lambda x, w: np.sum(tg.checkpoint(layer)(x, w)), (0, 1)),
    "differentiable": tg.grad(
        lambda x, w: tg.differentiable(lambda z: np.sum(z * z), vjp=lambda ct, _out, z: 2 * ct * z)(
            x @ w
        ),
        1,
    ),
    "hook": tg.grad(lambda x, w: loss(x, tg.hook(w, lambda ct: ct * 2.0)), 1),
    "no_grad": lambda x, w: tg.no_grad()(layer)(tg.tensor(x), w),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_is_a_program(name: str) -> None:
    hold(TRANSFORMS[name], [X, W])


PLACES = np.array([[0, 2], [1, 1]])


@pytest.mark.parametrize(
    "f",
    [
        lambda places: tg.nn.Embedding(3, 2, rng=0)(places),
        lambda places: tg.tensor(X, requires_grad=True)[places, 1:],
        lambda places: np.take(tg.tensor(X), places, axis=0),
        lambda places: tg.grad(lambda x: np.sum(np.exp(x[places])))(X),
    ],
    ids=["embedding", "beside a slice", "take", "scatter"],
)
def test_numbers_are_indexed_by_an_argument(f: Callable[[Any], Any]) -> None:
    hold(f, [PLACES])
    with pytest.raises(IndexError):
        tg.program(f, PLACES)(PLACES + 2)


# Arguments


class Pair(NamedTuple):
    left: Any
    right: Any


def test_containers_tensors_and_numbers() -> None:
    def f(tree: Any, t: Any, rate: Any, n: Any, how: Any) -> Any:
        (a, b), c = tree["weights"], tree["pair"].right
        return {"sum": (a + b) * rate, "rest": [np.sum(c * t, axis=n), how, n, None]}

    tree = {"weights": (X, 2 * X), "pair": Pair(1, X + 1.0)}
    t = tg.tensor(X, requires_grad=True, name="state of it")
    p = tg.program(f, tree, t, 0.5, 0, "mean")
    assert [one.path for one in p.inputs] == [
        ("tree", "weights", 0), ("tree", "weights", 1), ("tree", "pair", 1), ("t",), ("rate",),
    ]  # fmt: skip
    for run in (p.check(), executed(p.numpy(), "f")):
        found = run(tree, X, 0.25, 0, "mean")
        wanted = f(tree, X, 0.25, 0, "mean")
        compare(found["sum"], wanted["sum"])
        compare(found["rest"][0], wanted["rest"][0])
        assert found["rest"][1:] == wanted["rest"][1:]


def test_another_shape_or_dtype_is_refused() -> None:
    p = tg.program(layer, X, W)
    with pytest.raises(ProgramError, match=r"x is float64\[2\], .* made for float64\[3, 2\]"):
        p(X[0], W)
    with pytest.raises(ProgramError, match=r"w is float32\[2\]"):
        p(X, W.astype(np.float32))


def test_arrays_of_another_kind() -> None:
    big = X.astype(">f8")
    hold(layer, [big, W])
    with pytest.raises(ProgramError, match=r"takes \(x, w\), and was given 1"):
        tg.program(layer, X, W)(X)
    with pytest.raises(DTypeError, match="mask"):
        tg.program(np.sum, np.ma.array(X))
    with pytest.raises(TraceError, match="may_share_memory"):
        tg.program(np.may_share_memory, X, X.copy())


def test_a_constant_is_as_it_was() -> None:
    w = W.copy()

    def f(x: Any) -> Any:
        before = x @ w
        w[:] = 0.0
        return before + np.sum(w)

    p = tg.program(f, X)
    assert not w.any()
    compare(p(X), X @ W)


def test_a_constant_is_named_and_kept_once() -> None:
    weights = tg.tensor(W, requires_grad=True)
    p = tg.program(lambda x: tg.grad(lambda x: np.sum(np.sin(x * weights.detach())))(x), X)
    assert [one.name for one in p.instructions if one.op == "constant"] == ["weights"]
    named = tg.program(lambda x: np.sin(x @ W), X)
    assert "\nW = np.array(" in named.numpy()
    assert tg.program(lambda x: x @ weights.numpy(), X)(X).shape == (3,)


def test_the_parameters_of_a_module_are_arguments_and_stay_what_they_are() -> None:
    net = tg.nn.Sequential(tg.nn.Linear(2, 3, rng=0), tg.nn.Tanh(), tg.nn.Linear(3, 1, rng=1))
    optimizer = tg.optim.SGD(net.parameters(), lr=0.1)
    before = net.state()

    def step(net: Any, x: Any) -> Any:
        value = np.mean(net(x) ** 2)
        value.backward()
        optimizer.step()
        return value, net.parameters()

    p = tg.program(step, net, X)
    for name, value in net.state().items():
        np.testing.assert_array_equal(value, before[name])
    assert all(one.grad is None for one in net.parameters())
    found = p(net, X)
    compare(executed(p.numpy(), "step")(net.state(), X), found)
    compare(found, step(net, X))


def test_a_module_is_given_back_after_a_failure() -> None:
    net = tg.nn.Linear(2, 1, rng=0)
    with pytest.raises(TraceError, match="the truth"):
        tg.program(lambda net, x: net(x) if np.sum(net(x)) > 0 else 0, net, X)
    assert type(net.W.numpy()) is np.ndarray


def test_a_gradient_in_a_leaf_that_is_no_argument_is_refused() -> None:
    leaf = tg.tensor(W, requires_grad=True, name="w")
    leaf.grad = tg.tensor(np.ones(2))
    with pytest.raises(TraceError, match=r"the Tensor 'w', which is not an argument"):
        tg.program(lambda x: np.sum(x @ leaf).backward(), X)
    assert leaf.grad.tolist() == [1.0, 1.0]
    own = hold(
        lambda x, leaf: tg.gradients(np.sum(x @ leaf), [leaf]),
        [X, tg.tensor(W, requires_grad=True)],
    )
    assert len(own.inputs) == 2


def test_what_is_no_array_of_numpys_is_refused() -> None:
    from strict_array import StrictArray

    with pytest.raises(TraceError, match="StrictArray is no array of NumPy's"):
        tg.program(np.sin, StrictArray(X))


def test_labels_may_be_arguments() -> None:
    labels = np.array([2, 0, 1])

    def f(w: Any, x: Any, labels: Any, y: Any) -> Any:
        classes = tg.nn.cross_entropy(x @ w, labels)
        return classes + tg.nn.bce_with_logits(x @ w, y) + tg.nn.cross_entropy(x @ w, labels, "sum")

    hold(tg.value_and_grad(f), [RNG.normal(size=(2, 3)), X, labels, np.eye(3)])
    hold(tg.hessian(f), [RNG.normal(size=(2, 3)), X, labels, np.eye(3)])


# Names


def test_names_are_the_users() -> None:
    def network(x: Any, hidden: Any) -> Any:
        for weights in hidden:
            x = np.tanh(x @ weights)
        return np.sum(x)

    source = tg.program(tg.grad(network, 1), X, [np.ones((2, 2)), np.ones((2, 1))]).numpy()
    assert "def grad_network(" in source
    for line in ("x_2 = np.tanh(x @ weights)", "x_3 = np.tanh(x_2 @ weights_2)", "d_weights ="):
        assert line in source
    assert "d_x_2" in source


def test_a_part_of_a_cotangent_has_not_its_name() -> None:
    def affine(x: Any, w: Any, b: Any) -> Any:
        z = x @ w + b
        return np.sum(np.sin(z) * np.cos(z))

    lines = tg.program(tg.grad(affine, (0, 1, 2)), X, np.eye(2), W).numpy().splitlines()
    names = [line.split()[0] for line in lines if " = " in line]
    assert [name for name in names if name[:2] == "d_"] == ["d_z", "d_b", "d_w", "d_x"]
    assert any(line.strip().startswith("d_b = np.sum(d_z, axis=0)") for line in lines)
    (tangent,) = [
        line for line in str(tg.program(lambda x: tg.jvp(np.sin, (x,), (x,)), X)).splitlines()
        if "t_sin" in line and "multiply" in line
    ]  # fmt: skip
    assert tangent.strip().startswith("_t_sin: float64[3, 2] = multiply(")


@pytest.mark.parametrize("name", ["float64", "np", "lambda_", "nan", "slice", "match"])
def test_no_name_is_in_the_way(name: str) -> None:
    scope: dict[str, Any] = {"numpy": np}
    exec(f"def f({name}):\n    a = {name} + 1\n    return numpy.sin(a) * a", scope)  # noqa: S102
    hold(scope["f"], [X])


def test_functions_without_names() -> None:
    hold(np.arctan2, [X, X])
    hold(lambda *xs: xs[0] + xs[1], [X, X])
    assert tg.program(lambda *xs: xs[0], X).parameters == ("xs0",)


# Source


def test_the_source_stands_alone() -> None:
    p = tg.program(tg.value_and_grad(lambda x: np.sum(np.linalg.inv(x @ x.T + np.eye(3)))), X)
    tree = ast.parse(p.numpy())
    imported = [
        one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names
    ]
    assert imported == ["numpy"]


def test_a_function_that_numpy_lacks_is_one() -> None:
    def f(x: Any) -> Any:
        sigmoid = tg.sigmoid(x)
        return tg.sigmoid(x[0]) + tg.sigmoid(x.astype(np.float32)) + sigmoid * tg.softplus(sigmoid)

    p = hold(f, [X])
    assert {one.formula.split()[0] for one in p.instructions if one.formula} == {
        "sigmoid", "softplus",
    }  # fmt: skip
    source = p.numpy()
    assert source.count("def ") == 3
    assert "sigmoid = sigmoid_2(x)" in source
    assert "return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)" in source
    # a part that something else reads, too, stays in the line
    for both in (lambda x: tg.softplus(x) + np.abs(x), lambda x: np.abs(x) + tg.softplus(x)):
        shared = hold(both, [X]).numpy()
        assert shared.count("def ") == 1
        assert shared.count("np.abs(") == 1
    # what the function needs, the module has
    hold(lambda x: tg.silu(x) * tg.gelu(x), [X])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x - 1) - (x - (2 - x)),
        lambda x: x / (x / x) / 2 * (x * 3),
        lambda x: (-x) ** 2 - (-(x**2)) ** 3,
        lambda x: 2 ** (x**2) ** 0.5 - (2**x) ** x,
        lambda x: ((x < 1) == (x > 0.7)) * x,
        lambda x: (x @ x.T) @ x - x @ (x.T @ x),
        lambda x: (x + 1)[1:, None] * -1.5 - (x - 1).T[0, 0],
        lambda x: np.float32(0.1) * x.astype(np.float32) + np.float64(1.0) * np.abs(-x),
        lambda x: np.where(x > 1, -np.inf, np.nan) + x * (1 - 2j),
        lambda x: x[()] + x[..., None, :, 0].T + x[np.array([True, False, True])][:1, ::-1],
    ],
)
def test_parentheses(f: Callable[[Any], Any]) -> None:
    hold(f, [X])


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    code = """
import sys, tinygrad_bp as tg
assert not [name for name in sys.modules if name.startswith("tinygrad_bp.programs")]
assert callable(tg.program)
import tinygrad_bp.programs
assert callable(tg.program)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# Invariants and text

GOOD = """\
def f(p, x: float64[2]):
    q: float64[2] = p['q']
    a: float64[2] = add(x, q)  # f.py:1 in sigmoid 2
    return (a, [x])"""


def test_a_program_is_what_its_text_says() -> None:
    p = Program.parse(GOOD)
    assert str(p.check()) == GOOD
    assert p == Program.parse(GOOD)
    assert hash(p) == hash(Program.parse(GOOD))
    assert p != Program.parse(GOOD.replace("add", "subtract"))
    assert p.instructions[0].line == "f.py:1"
    assert p.instructions[0].formula == "sigmoid 2"


FAULTS = {
    "add(x, q)": ("add(x, b)", "a reads b, which does not stand before it"),
    "a: float64[2] = add": (
        "a: float64[3] = add",
        r"said to be float64\[3\], and add gives float64\[2\]",
    ),
    "= add": ("= no_such", "no_such fails"),
    "= add(": ("= f2py.os.system(", "no function of NumPy's"),
    "return (a, [x])": ("return a, [z]", "the output z does not exist"),
    "    a: ": ("    x: ", "x is there 2 times"),
}


@pytest.mark.parametrize("part", FAULTS)
def test_check_names_what_is_wrong(part: str) -> None:
    other, message = FAULTS[part]
    one = Program.parse(GOOD.replace(part, other))
    with pytest.raises(ProgramError, match=message):
        one.check()


def test_check_names_a_bad_name_and_a_bad_place() -> None:
    p = Program.parse(GOOD)
    with pytest.raises(ProgramError, match="'np' cannot be the name"):
        replace(p, inputs=(replace(p.inputs[0], name="np"), p.inputs[1])).check()
    with pytest.raises(ProgramError, match="not where it says: y"):
        replace(p, inputs=(*p.inputs, replace(p.inputs[0], name="b", path=("y",)))).check()


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "def f(:",
        "def f(x):\n    y = 1\n    return x",
        "def f(x):\n    pass",
        "def f(x):\n    y: int9[3] = sin(x)\n    return y",
        "def f(x):\n    y: float64 = x + 1\n    return y",
        "def f(x: float64):\n    y: float64 = sin(z + 1)\n    return y",
        "def f(x: tuple[float64]):\n    return x",
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"program|line"):
        Program.parse(text)


def test_numbers_survive_the_text() -> None:
    values = np.array([0.1, -0.0, np.nan, -np.inf, 5e-324, 1e308])
    for array in (
        values,
        values[:5].astype(np.float32),
        values[:2] * (1 - 2j),
        np.zeros((0, 3), "i2"),
    ):
        p = traced(lambda x, array=array: (x + array[..., :1], array), np.ones(1))
        (constant,) = [
            one.operands[0]
            for one in Program.parse(str(p)).instructions
            if one.op == "constant" and one.shape == array.shape
        ]
        assert constant.tobytes() == array.tobytes()
        assert executed(p.numpy(), p.name)(np.ones(1))[1].tobytes() == array.tobytes()


ADDED: dict[str, Any] = {
    "rows": (np.array([[0, 2], [2, 2]]),),
    "not in a tuple": np.array([1, 1, 0]),
    "elements": (np.array([0, 0, 1]), np.array([3, 3, 2])),
    "below a slice": (slice(1, None), np.array([3, 3])),
    "one slice": slice(0, 2),
    "truths": np.array([True, False, True]),
}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ADDED)
def test_a_program_adds_at_an_index_as_numpy_does(name: str, order: Any) -> None:
    index = ADDED[name]
    start = np.asarray(RNG.normal(size=(3, 600)), order=order)
    given = RNG.normal(size=start[index].shape)

    def f(given: Any) -> Any:
        total = start + 0 * given.ravel()[0]
        np.add.at(total, index, given)
        return total

    wanted = np.array(start)
    np.add.at(wanted, index, given)
    np.testing.assert_array_equal(tg.program(f, given)(given), wanted)
