"""The hot paths, each beside a twin that one can read.

The walk is compared with one of a dozen lines, the unrolled recorders with the general one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from sampling import CASES, Case, directions, each, like, tracked

import tinygrad_bp as tg
from tinygrad_bp.engine.broadcasting import unbroadcast
from tinygrad_bp.engine.nodes import LEAF, Node, ancestors
from tinygrad_bp.engine.recording import nary
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.engine.walk import MANY, SMALL, pull_back
from tinygrad_bp.testing.graphs import graphs


def reference(seeds: dict[Node, Any]) -> dict[Node, Any]:
    """Walk newest first, add up what each node gets, and return what the leaves got."""
    cts = dict(seeds)
    for node in ancestors(*seeds):
        if node in cts and node.rule is not LEAF:
            ct = cts.pop(node)
            for pull, parent in zip(node.rule.pulls, node.parents, strict=True):
                if parent is not None:
                    part = pull(ct, *node.saved)
                    if node.rule.broadcasts:
                        part = unbroadcast(part, parent.shape)
                    cts[parent] = cts[parent] + part if parent in cts else part
    return cts


def check(seeds: dict[Node, Any]) -> None:
    found, expected = pull_back(seeds), reference(seeds)
    assert set(found) == set(expected)
    for leaf, ct in found.items():
        assert ct.dtype == expected[leaf].dtype
        np.testing.assert_allclose(ct, expected[leaf], rtol=1e-12, atol=1e-12)


def seeded(out: tg.Tensor) -> dict[Node, Any]:
    assert out.node is not None
    return {out.node: np.asarray(like(out.detach().numpy()), out.dtype)[()]}


@each(CASES)
def test_the_walk_over_one_node(one: Case) -> None:
    out = one(*tracked(one.arrays))
    check(seeded(out))


@given(graphs(max_ops=12))
def test_the_walk_over_a_random_program(program: Any) -> None:
    inputs = [tg.tensor(np.asarray(x, float), requires_grad=True) for x in program.inputs]
    out = program.function()(*inputs)
    if isinstance(out, tg.Tensor) and out.requires_grad:
        check(seeded(out))


@pytest.mark.parametrize("size", [1, SMALL, SMALL + 1])
@pytest.mark.parametrize("times", [1, 2, MANY - 1, MANY + 1, 3 * MANY])
def test_the_walk_over_a_leaf_used_again(size: int, times: int) -> None:
    """Piles, sums and chains: as often as fills a pile, and once more."""
    w, x = tracked(directions([np.zeros(size), np.zeros(size)]))
    for _ in range(times):
        x = np.tanh(x * w + w[:1])
    check(seeded(x))


def test_the_walk_with_several_roots() -> None:
    x, y = tracked(directions([np.zeros((3, 2)), np.zeros(2)]))
    a = x * y
    b = np.exp(a) + y
    check(seeded(a) | seeded(b))


def arguments(node: Node, given: dict[Node, tg.Tensor]) -> tuple[list[Any], tuple[Any, ...]]:
    """Return what `node`'s rule was called with: arguments and parameters."""
    count = len(node.rule.pulls)
    return [given[parent] for parent in node.parents], node.saved[1 + count :]


def kept(node: Node) -> list[Any]:
    """Return what a node saved, without the nodes that stand for values that nobody reads."""
    return [None if isinstance(one, Node) else one for one in node.saved]


@each([one for one in CASES if TABLE.get(one.rule.name) is one.rule])
def test_recorders_keep_what_the_general_one_keeps(one: Case) -> None:
    inputs = tracked(one.arrays)
    out = one(*inputs)
    node = out.node
    given = {x.node: x for x in inputs}
    if node.rule is not one.rule or not set(node.parents) <= set(given):
        return  # a call that composes: its parts have calls of their own
    again = nary(node.rule, *arguments(node, given))
    assert again.node.rule is node.rule
    assert again.node.parents == node.parents
    assert (again.shape, again.dtype) == (out.shape, out.dtype)
    assert (again.node.shape, again.node.dtype) == (node.shape, node.dtype)
    for mine, theirs in zip(kept(again.node), kept(node), strict=True):
        assert type(mine) is type(theirs)
        np.testing.assert_equal(mine, theirs)
