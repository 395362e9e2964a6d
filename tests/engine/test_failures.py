"""Exceptions say which operation raised them, and on what."""

from __future__ import annotations

import gc
import pickle
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.failures import failure_of, noted
from tinygrad_bp.engine.recording import binary, nary, ternary, unary
from tinygrad_bp.engine.rule import Rule
from tinygrad_bp.errors import ShapeError


def leaf(*shape):
    return tg.tensor(np.ones(shape), requires_grad=True)


def raised(function, *args, **kwargs):
    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one is asked by the test
        function(*args, **kwargs)
    return caught.value


@dataclass(frozen=True)
class FrozenError(Exception):
    """Cannot be written to."""

    text: str = ""


def recorder(count, error):
    """What records a function of so many arguments that raises an error."""

    def forward(*_args):
        raise error

    pulls = (lambda ct, *_: ct,) * count
    rule = Rule("f", None, forward, pulls, "general", reads=lambda _: [False] * (1 + count))
    if count > 3:
        return lambda *args: nary(rule, args, ())
    return ternary(rule, None) if count == 3 else (unary, binary)[count - 1](rule)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "kind", [TypeError, IndexError, MemoryError, ZeroDivisionError, FrozenError]
)
def test_any_exception_of_a_function_says_what_was_applied_to_what(count, kind):
    error, args = kind("why"), [leaf(2) for _ in range(count)]
    found = raised(recorder(count, error), *args)
    assert found is error
    assert found.__cause__ is None
    failure = failure_of(found)
    assert failure.operation == "f"
    assert all(one is arg for one, arg in zip(failure.operands, args, strict=True))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_value_error_becomes_one_that_names_the_shapes(count):
    cause = ValueError("no such shape")
    found = raised(recorder(count, cause), *[leaf(2)] * count)
    assert type(found) is ShapeError
    assert found.__cause__ is cause
    assert str(found) == f"f({', '.join(['(2,)'] * count)}): no such shape"
    assert len(failure_of(found).operands) == count


X, W = leaf(3, 2), leaf(5, 4)
MASK = np.ones((3, 2), bool)
CALLS = {
    "operand": (lambda: X + "a", "add", [X, "a"]),
    "operand of three": (lambda: tg.affine(X, "a", W), "affine", [X, "a", W]),
    "keyword of a ufunc": (lambda: np.add(X, W, where=MASK), "add", [X, W, MASK]),
    "written into": (lambda: np.add(MASK, X, out=MASK), "add", [MASK, X]),
    "reduced": (lambda: np.add.reduce(X, axis=7), "sum", [X]),
    "no rule": (lambda: np.savetxt("x", X), "savetxt", ["x", X]),
    "by name": (lambda: np.savetxt(fname="x", X=X), "savetxt", ["x", X]),
    "composition": (lambda: np.split(X, 7), "split", [X, 7]),
    "inside of one": (lambda: np.linalg.multi_dot([X, W]), "matmul", [X, W]),
    "linear algebra": (lambda: np.linalg.inv(X), "inv", [X]),
    "index": (lambda: X[7], "getitem", [X]),
    "parameter": (lambda: np.take(X, X), "take", [X, X]),
}


@pytest.mark.parametrize(("call", "operation", "operands"), CALLS.values(), ids=CALLS)
def test_the_innermost_operation_is_noted(call, operation, operands):
    error = raised(call)
    found = failure_of(error)
    assert found.operation == operation
    assert len(found.operands) == len(operands)
    assert all(a is b or a == b for a, b in zip(found.operands, operands, strict=True))


def test_what_is_not_finite_is_noted_with_its_place_in_the_graph():
    x = leaf(2)
    with tg.debug():
        failure = failure_of(raised(lambda: np.log(x * 0.0)))
    assert failure.operation == "log"
    (operand,) = failure.operands
    assert operand.node.parents[0] is x.node
    assert operand.tolist() == [0.0, 0.0]


def test_a_pickled_exception_leaves_the_graph_behind():
    error = pickle.loads(pickle.dumps(raised(lambda: leaf(2) @ leaf(3))))
    assert failure_of(error).operation == "matmul"
    assert failure_of(error).operands == ()


def test_a_failure_keeps_the_graph_no_longer_than_its_exception():
    gc.disable()
    try:
        out = np.sin(leaf(2))
        node = weakref.ref(out.node)
        try:
            out @ np.ones(3)
        except ShapeError as caught:
            error = caught
        error.__traceback__ = error.__cause__.__traceback__ = None
        del out
        assert node() is failure_of(error).operands[0].node
        del error
        assert node() is None
    finally:
        gc.enable()


def test_the_first_note_stays_and_other_exceptions_have_none():
    error = noted(noted(KeyError("x"), "inner", [1]), "outer", [2])
    assert failure_of(error).operation == "inner"
    assert failure_of(ValueError()) is None
