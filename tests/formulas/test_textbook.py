"""Programs in the form of a textbook: how a line is written, and that it is worth the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.formulas.textbook import textbook
from tinygrad_bp.programs.from_function import program

rng = np.random.default_rng(0)
VALUES = {name: rng.uniform(0.5, 2.0, (2, 3)) for name in ("a", "b", "d_a")}
VALUES["s"] = rng.uniform(0.5, 2.0, (1, 3))
COUNTS = np.array([[0, 1, 3], [1, 1, 2]])
OTHERS = {name: np.array([[0.0, -1.5, 0.7], [np.inf, 2.0, 0.0]]) for name in VALUES}

CASES: dict[str, tuple[Callable[..., Any], str]] = {
    "the slope of a sigmoid": (lambda a, b, d_a, s: (a - a * a) * d_a, "d_a * a * (1 - a)"),
    "the slope of a tanh": (lambda a, b, d_a, s: d_a - d_a * a * a, "d_a * (1 - a ** 2)"),
    "a share": (lambda a, b, d_a, s: (a - b) * (d_a / 4), "d_a * (a - b) / 4"),
    "a number": (lambda a, b, d_a, s: a * 2.0 * d_a, "2 * d_a * a"),
    "all of one number": (lambda a, b, d_a, s: np.full((2, 3), 2.0) * d_a, "2 * d_a"),
    "a sign": (lambda a, b, d_a, s: -(a * d_a / 2), "-d_a * a / 2"),
    "minus one": (lambda a, b, d_a, s: -1.0 * a @ b.T, "-a @ b.T"),
    "a broadcast one": (lambda a, b, d_a, s: a - np.broadcast_to(s, (2, 3)), "a - s"),
    "a shape twice": (
        lambda a, b, d_a, s: np.reshape(np.reshape(a, (3, 2)), (6,)), "np.reshape(a, (6,))",
    ),
    "a slice": (lambda a, b, d_a, s: a[0:1:1, ::-1], "a[:1, ::-1]"),
    "half a tie": (
        lambda a, b, d_a, s: d_a * (a > b) + 0.5 * d_a * (a == b), "d_a * (a > b)",
    ),
    "infinities": (lambda a, b, d_a, s: np.where(a == np.inf, 0, a) * d_a, "d_a * a"),
    "NaN": (lambda a, b, d_a, s: np.where(a != a, np.nan, d_a) * b, "d_a * b"),
    "zeros": (lambda a, b, d_a, s: np.where(a != 0, d_a, 0) / b, "d_a / b"),
}  # fmt: skip


def line(code: Callable[..., Any], values: dict[str, Any], *, guards: bool = True) -> str:
    """Return how the source of a function computes what it returns, on these values."""
    own, _ = textbook(program(code, *values.values()), values, guards=guards)
    scope: dict[str, Any] = {}
    exec(own.numpy(), scope)  # noqa: S102  # what is printed
    np.testing.assert_allclose(
        scope[own.name](*values.values()), code(**values), rtol=1e-14, equal_nan=True
    )
    found = re.fullmatch(r".*\n    return ([^\n]*)\n", own.numpy(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("code", "wanted"), CASES.values(), ids=CASES)
def test_a_line_is_that_of_a_textbook(code: Callable[..., Any], wanted: str) -> None:
    assert line(code, VALUES) == wanted


GENERAL: dict[str, Callable[..., Any]] = {
    "a branch": lambda a, b, d_a, s: np.where(a > 0, d_a, 0.01 * d_a),
    "a mask": lambda a, b, d_a, s: d_a * (a > 0),
    "a maximum": lambda a, b, d_a, s: np.maximum(a, 0.0) + np.clip(b, -9.0, 9.0),
    "a class": lambda a, b, d_a, s: np.where(np.floor(a).astype(int) == 7, d_a, b),
}


@pytest.mark.parametrize("code", GENERAL.values(), ids=GENERAL)
def test_what_other_values_need_stays(code: Callable[..., Any]) -> None:
    """Though these values are all on one side."""
    own, guarded = textbook(program(code, *VALUES.values()), VALUES)
    assert not guarded
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(own(*_like(own)), code(**OTHERS | {"s": OTHERS["s"][:1]}))


def _like(own: Any) -> list[Any]:
    return [OTHERS[name][:1] if name == "s" else OTHERS[name] for name in own.parameters]


def test_guards_stay_where_they_are_asked_for_or_needed() -> None:
    def code(a: Any, b: Any, d_a: Any, s: Any) -> Any:
        return np.where(a == 0, 1.0, np.sin(a) / a)

    assert "where" not in line(code, VALUES)
    assert "where" in line(code, VALUES, guards=False)
    some = VALUES | {"a": np.where(VALUES["a"] > 1, 0.0, 1.0)}
    with np.errstate(all="ignore"):
        assert "where" in line(code, some)
    # counts are no measurements: which of them occur says nothing about the next
    counted = line(lambda n, a: np.where(n == 7, a, -a), {"n": COUNTS, "a": VALUES["a"]})
    assert "n == 7" in counted


def test_integers_keep_their_order() -> None:
    small = np.array([100, 50], np.int8)
    found = line(lambda a, n: a * (n * n), {"a": np.array([0.5, 2.0]), "n": small})
    assert found == "a * (n * n)"


def test_what_a_user_named_stays_a_line() -> None:
    def code(a: Any, b: Any) -> Any:
        half = (a - a * a) * b
        return np.sum(half) + tg.sigmoid(half)

    own, _ = textbook(program(code, VALUES["a"], VALUES["b"]), VALUES)
    assert "\n    half = a * (1 - a) * b " in own.numpy()
    assert "sigmoid(half)" in own.numpy()
