"""The formulas that rows of the table bring along for pictures: what they say is computed."""

from __future__ import annotations

import re

import numpy as np
from formula_reader import computed
from sampling import CASES, Case, each, like, tracked

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE

SHAPES = {"matmul": ((3, 4), (4, 2)), "affine": ((4, 2), (2, 5), (5,))}
WORDS = {
    r"sum of the rows of (\w+)": r"sum(\1, axis=0)",
    r"log (\w+)": r"log(\1)",
}


def first_with_words() -> list[Case]:
    """Return a case of each row that has such formulas, of the shapes that they are about."""
    found: dict[str, Case] = {}
    for one in CASES:
        shapes = SHAPES.get(one.rule.name)
        if one.rule.drawing.pull_words and shapes in (None, tuple(one.shapes)):
            found.setdefault(one.rule.name, one)
    return [*found.values()]


@each(first_with_words())
def test_what_the_words_say_is_what_the_rule_does(one: Case) -> None:
    leaves = tracked(one.arrays)
    out = one(*leaves)
    ct = like(out._value)
    values = {"ct": ct, "out": out._value, "m": leaves[0].size}
    values |= {f"x{k}": x._value for k, x in enumerate(leaves)}
    names = {str(k): f"x{k}" for k in range(len(leaves))} | {"ct": "ct", "out": "out"}
    for words, leaf in zip(one.rule.drawing.pull_words, leaves, strict=True):
        formula = re.sub(r"\{(\w+)\}", lambda found: names[found[1]], words)
        for told, meant in WORDS.items():
            formula = re.sub(told, meant, formula)
        found = computed(formula, values)
        wanted = tg.gradients(out, leaf, ct).numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-12, err_msg=words)


def test_every_row_with_words_is_among_them() -> None:
    rows = {name for name, rule in TABLE.items() if rule.drawing.pull_words}
    assert {one.rule.name for one in first_with_words()} == rows
