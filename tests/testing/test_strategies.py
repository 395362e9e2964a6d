"""Strategies: what they draw is well-formed, and what fails shrinks to what is at fault."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.testing import (
    GradientMismatch,
    UncheckableError,
    check_grads,
    gradients_hold,
    strategies,
)
from tinygrad_bp.testing.registration import register

BRIEF = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@BRIEF
@given(strategies.tensors(domain=(0.5, 3.0)))
def test_tensors_are_leaves_inside_their_domain(x: tg.Tensor) -> None:
    assert x.is_leaf
    assert x.requires_grad
    assert x.dtype == np.float64
    assert np.all((x.numpy() >= 0.5) & (x.numpy() <= 3.0))


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
@BRIEF
@given(data=st.data())
def test_tensors_have_the_shape_and_dtype_that_is_asked_for(data: Any, dtype: Any) -> None:
    x = data.draw(strategies.tensors((2, 3), dtype, requires_grad=False))
    assert (x.shape, x.dtype, x.requires_grad) == ((2, 3), np.dtype(dtype), False)


@BRIEF
@given(st.data())
def test_the_type_tensor_has_a_strategy(data: Any) -> None:
    register()  # as the entry point does, where the package is installed
    assert type(data.draw(st.from_type(tg.Tensor))) is tg.Tensor


@pytest.mark.parametrize("first", ["hypothesis", "tinygrad_bp"])
def test_the_type_is_known_in_whichever_order_both_are_imported(first: str) -> None:
    second = {"hypothesis": "tinygrad_bp", "tinygrad_bp": "hypothesis"}[first]
    entry = "import tinygrad_bp.testing.hypothesis_entry as e; e.hypothesis_is_imported()"
    code = f"""
import {first}, {second}
{entry if first == "tinygrad_bp" else ""}
import sys, tinygrad_bp
from hypothesis import strategies as st
assert "tinygrad_bp.testing.strategies" not in sys.modules  # not before one is drawn
drawn = []
hypothesis = sys.modules["hypothesis"]

@hypothesis.settings(max_examples=3, deadline=None, database=None)
@hypothesis.given(st.from_type(tinygrad_bp.Tensor))
def draw(x):
    drawn.append(type(x))

draw()
assert set(drawn) == {{tinygrad_bp.Tensor}}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@BRIEF
@given(strategies.broadcastable(3))
def test_shapes_broadcast(shapes: Any) -> None:
    assert len(shapes) == 3
    np.broadcast_shapes(*shapes)


@BRIEF
@given(strategies.matmul_shapes())
def test_shapes_multiply(shapes: Any) -> None:
    np.matmul(*map(np.zeros, shapes))


@BRIEF
@given(st.data())
def test_indices_fit(data: Any) -> None:
    shape = data.draw(st.sampled_from([(), (3,), (2, 3), (0, 2)]))
    x, index = np.zeros(shape), data.draw(strategies.indices_for(shape))
    assert isinstance(np.asarray(x[index]), np.ndarray)


@settings(BRIEF, max_examples=120)
@given(st.data())
def test_reductions_run_and_have_right_gradients(data: Any) -> None:
    shape = data.draw(st.sampled_from([(), (3,), (2, 3), (0, 2)]))
    function, keywords = data.draw(strategies.reductions(shape))
    x = data.draw(strategies.arrays(shape))
    check_grads(lambda x: function(x, **keywords), x, order=1)


@BRIEF
@given(strategies.away_from([0.0, 1.0], (-1.0, 3.0), 0.1))
def test_numbers_keep_away_from_kinks(x: float) -> None:
    assert -1.0 <= x <= 3.0
    assert min(abs(x), abs(x - 1.0)) > 0.4


def test_nothing_left_of_a_domain_is_said() -> None:
    with pytest.raises(ValueError, match="nothing is left"):
        strategies.away_from([0.0], (-1.0, 1.0), 0.9)


def test_numbers_shrink_to_round_ones() -> None:
    assert find(strategies.away_from(), lambda x: True) == 0.0
    assert find(strategies.away_from([0.0]), lambda x: True) in {1.0, 0.5}
    x = find(strategies.arrays((3,)), lambda x: bool(np.max(x) > 0.3))
    assert sorted(x.tolist()) in ([0.0, 0.0, 1.0], [0.0, 0.0, 0.5])


@settings(BRIEF, max_examples=20)
@given(strategies.modules(n_in=3, n_out=2, smooth=False))
def test_networks_have_right_gradients(module: tg.nn.Module) -> None:
    report = check_grads(module, np.linspace(-1.0, 1.0, 6).reshape(2, 3))
    assert report.entries >= 6 + 3


@BRIEF
@given(strategies.classification_data())
def test_data_has_two_classes(data: Any) -> None:
    X, y = data
    assert X.shape[0] == y.shape[0] <= 12
    assert X.dtype == np.float64
    assert set(y.tolist()) == {0, 1}


@settings(BRIEF, max_examples=30)
@given(strategies.graphs(8))
def test_graphs_run_and_can_be_pasted(program: Any) -> None:
    value = program.function()(*program.inputs)
    np.testing.assert_allclose(value, program.plain(*program.inputs), rtol=1e-9, atol=1e-9)
    text = repr(program).replace("program(", "result = program(").replace("def result = ", "def ")
    scope: dict[str, Any] = {"np": np, "TABLE": TABLE}
    exec(text, scope)  # noqa: S102  # the text is the program's own
    np.testing.assert_array_equal(scope["result"], value)


# Shrinking


def is_caught(program: Any) -> bool:
    try:
        check_grads(program.function(), *program.inputs, order=1, modes=("vjp",))
    except GradientMismatch:
        return True
    except (UncheckableError, FloatingPointError):
        return False
    return False


@pytest.mark.parametrize(
    ("row", "argument", "wrong", "lines"),
    [
        ("tanh", 0, lambda pull: lambda *args: 1.01 * pull(*args), 8),
        pytest.param(
            *("tanh", 0, lambda pull: lambda *args: 1.01 * pull(*args), 20), marks=pytest.mark.deep
        ),
        pytest.param(
            *("multiply", 1, lambda pull: lambda *args: -pull(*args), 20), marks=pytest.mark.deep
        ),
        pytest.param(
            *("exp", 0, lambda pull: lambda ct, out, _x: 0.5 * ct * out, 20), marks=pytest.mark.deep
        ),
        pytest.param(
            *("matmul", 0, lambda pull: lambda *args: 2.0 * pull(*args), 20), marks=pytest.mark.deep
        ),
        pytest.param(
            *("divide", 1, lambda pull: lambda *args: 1.5 * pull(*args), 20), marks=pytest.mark.deep
        ),
    ],
)
def test_a_graph_of_many_lines_shrinks_to_the_guilty_one(
    row: str, argument: int, wrong: Any, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = TABLE[row]
    pulls = list(rule.pulls)
    pulls[argument] = wrong(pulls[argument])
    monkeypatch.setattr(rule, "pulls", tuple(pulls))
    monkeypatch.setattr(rule, "_saves", {})
    monkeypatch.setattr(rule, "reads", lambda i: [True] * (1 + len(pulls)))
    search = settings(
        BRIEF, max_examples=2000, phases=[Phase.generate, Phase.shrink], derandomize=True
    )
    long = strategies.graphs(lines).filter(lambda p: p.source.count("\n") >= 3 or row in p.rows)
    found = find(long, is_caught, settings=search)
    # weighing the result takes products and sums, so a program of no line at all may do
    assert found.rows <= {row}
    assert found.source.count("\n") <= 3
    assert len(found.inputs) == 1
    with pytest.raises(GradientMismatch) as caught:
        check_grads(found.function(), *found.inputs, order=1)
    assert "from tinygrad_bp.rules import TABLE" in caught.value.reproduction


def test_a_failing_property_shrinks_to_one_element(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tg.differentiable(np.sin, vjp=lambda ct, out, x: ct * np.cos(np.abs(x) + 1e-3))
    with pytest.raises(GradientMismatch) as caught:
        gradients_hold(("m", "n"))(lambda x: wrong(x))()
    assert "argument 0" in caught.value.argument
    numbers = re.search(r"np\.array\(\[(.*?)\]", caught.value.reproduction)[1].split(",")
    assert len(numbers) == 1
