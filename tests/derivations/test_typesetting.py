"""Expressions set as formulas: signs, parentheses and parts, read again and computed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
from formula_reader import computed

from tinygrad_bp.formulas.boxes import Symbol, text
from tinygrad_bp.formulas.rules import formula_of
from tinygrad_bp.formulas.typesetting import ATOM, Typesetter

rng = np.random.default_rng(0)
VALUES = {name: rng.uniform(0.5, 2.0, (2, 2)) for name in "abc"} | {"s": np.float64(1.5)}
# what the code does -> how it is written; None where that is no matter
CASES: dict[str, tuple[Callable[..., Any], str | None]] = {
    "minus a difference": (lambda a, b, c, s: a - (b - c), "a − (b − c)"),
    "minus a sum": (lambda a, b, c, s: a - (b + c), "a − (b + c)"),
    "a difference minus": (lambda a, b, c, s: a - b - c, "a − b − c"),
    "over a product": (lambda a, b, c, s: a / (b * c), "a / (b ⊙ c)"),
    "over a quotient": (lambda a, b, c, s: a / (b / c), "a / (b / c)"),
    "times a sum": (lambda a, b, c, s: a * (b + c), "a ⊙ (b + c)"),
    "a scalar times": (lambda a, b, c, s: (a * s) * b, None),
    "negative squared": (lambda a, b, c, s: (-a) ** 2, "(−a)²"),
    "squared negative": (lambda a, b, c, s: -(a**2), "−a²"),
    "a power of a power": (lambda a, b, c, s: (a**b) ** c, None),
    "to a power": (lambda a, b, c, s: a ** (b**c), None),
    "product of a product": (lambda a, b, c, s: a @ (b @ c), "a · (b · c)"),
    "products in a row": (lambda a, b, c, s: a @ b @ c, "a · b · c"),
    "mixed": (lambda a, b, c, s: (a @ b) * c, "(a · b) ⊙ c"),
    "mixed the other way": (lambda a, b, c, s: (a * b) @ c, "(a ⊙ b) · c"),
    "of a sum": (lambda a, b, c, s: (a + b) @ c.T, "(a + b) · cᵀ"),
    "transposed sum": (lambda a, b, c, s: (a + b).T, "(a + b)ᵀ"),
    "factored": (lambda a, b, c, s: a - a * b, "a ⊙ (1 − b)"),
    "factored twice": (lambda a, b, c, s: a - a * b * b, "a ⊙ (1 − b²)"),
    "a sign in a product": (lambda a, b, c, s: a * (-b), "−a ⊙ b"),
    "a sign twice": (lambda a, b, c, s: (-a) * (-a), "a²"),
    "a share twice": (lambda a, b, c, s: (a / 3) * (a / 3), None),
    "a sign in a sum": (lambda a, b, c, s: a + (-b), "a − b"),
    "minus a negative": (lambda a, b, c, s: a - (-b), None),
    "a comparison": (lambda a, b, c, s: a * (b > c), "a ⊙ (b > c)"),
    "comparisons": (lambda a, b, c, s: np.where((a > b) & (b < c) | (a > c), a, b - c), None),
    "one thing twice": (lambda a, b, c, s: np.exp(a + b + c) / (1 + np.exp(a + b + c)), None),
    "long": (lambda a, b, c, s: np.log(np.exp(a * b) + np.exp(b * c)) * np.sin(a - c) / 3, None),
    "an index": (lambda a, b, c, s: a[1:, None] + b[..., ::2], None),
    "a sum": (lambda a, b, c, s: np.sum(a * b, axis=0, keepdims=True), None),
    "a number": (lambda a, b, c, s: 0.1 * a - 1e-20 + 2.0 * s, None),
    "a constant": (lambda a, b, c, s: a * np.eye(2), None),
    "a large constant": (lambda a, b, c, s: np.sum(a) * np.arange(12.0), None),
}


@pytest.mark.parametrize(("code", "wanted"), CASES.values(), ids=CASES)
def test_a_formula_is_worth_what_the_code_gives(code: Callable[..., Any], wanted: str) -> None:
    found = formula_of(lambda known: code(*[known[name] for name in "abcs"]), VALUES)
    assert found is not None
    number = count(1)
    names = {name: (Symbol(name), ATOM) for name in VALUES}
    setter = Typesetter(names, lambda first: f"{first}{next(number)}")
    (box, _), parts = setter.formula(found.expression)
    own = dict(VALUES)
    for part in parts:
        own[text(part.left)] = part.value if part.right is None else computed(text(part.right), own)
    np.testing.assert_allclose(computed(text(box), own), code(*VALUES.values()), rtol=1e-14)
    if wanted is not None:
        assert text(box) == wanted
