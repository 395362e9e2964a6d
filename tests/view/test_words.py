"""What rows say of their drawings is true of the functions."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import plain
from sampling import CASES, Case, each, tracked

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE, Rule
from tinygrad_bp.view.reading.building import TRACED
from tinygrad_bp.view.reading.words import adds_of

PAIRS = [
    rule
    for rule in TABLE.values()
    if rule.kind == "elementwise" and len(rule.pulls) == 2 and None not in rule.pulls
]
FULL = [one for one in CASES if adds_of(one.rule) and sum(x.size for x in one.arrays) <= TRACED]
NO_SUMS = {"einsum[2]", "einsum[3]"}  # a factor may have several partners


@pytest.mark.parametrize("rule", PAIRS, ids=lambda rule: rule.name)
def test_a_row_says_whether_its_arguments_commute(rule: Rule) -> None:
    rng = np.random.default_rng(0)
    low, high = rule.trial.interval(0)
    x, y = rng.uniform(low, high, (2, 50))
    f = plain(rule)
    swapped = np.allclose(f(x, y), f(y, x), rtol=1e-12, atol=0, equal_nan=True)
    assert rule.drawing.commutes == swapped


@each(FULL)
def test_elements_of_what_adds_up_are_the_sums_of_their_links(one: Case) -> None:
    leaves = tracked(one.arrays)  # held: a linear rule keeps no values
    view = tg.graph(one(*leaves))
    node = view.nodes[-1]
    if not node.is_sum:
        assert node.op in NO_SUMS
        return
    if (
        node.value
        and type(node.value[0]) is complex
        and all(x.dtype.kind == "f" for x in one.arrays)
    ):
        pytest.skip("links of real arguments are real")
    given = {e.position: view.nodes[e.source].value for e in view.edges if e.target == node.id}
    sums = [
        sum(given[0][i] * given[1][j] for i, j in products)
        + sum(given[position][k] * slope for position, k, slope in terms)
        for products, terms in node.links
    ]
    assert np.allclose(sums, node.value, rtol=1e-12, atol=1e-13)
