"""Every formula, path and source of random graphs, computed and compared with the engine."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from formula_reader import require_all
from hypothesis import given, seed, settings
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import ancestors
from tinygrad_bp.errors import GraphError, TraceError
from tinygrad_bp.testing.graphs import Program, graphs

BRIEF = settings(max_examples=2_000, derandomize=True)  # the gate gives the same answer each time
# Part k is the same graphs each time, so that a long run can be done in pieces: -k "part-7-".
PARTS, GRAPHS = 40, 500
DEEP = settings(max_examples=GRAPHS, derandomize=False, print_blob=True)
ROUNDING = 1e-9


def explained(drawn: Program, number: int) -> None:
    leaves = [tg.tensor(x, requires_grad=True, name=f"x{k}") for k, x in enumerate(drawn.inputs)]
    with np.errstate(all="ignore"):
        loss = drawn.function()(*leaves)
    if loss.node is None:
        return
    loss.name = "loss"
    sizes = [(x, k) for x in leaves for k in range(x.size)]
    element = None
    if sizes:
        leaf, k = sizes[number % len(sizes)]
        index = ",".join(str(int(i)) for i in np.unravel_index(k, leaf.shape)) if leaf.ndim else ""
        element = f"{leaf.name}[{index}]"
        if leaf.node not in ancestors(loss.node):
            element = None
    found = tg.explain(loss, element=element, names={})
    require_all(found, ROUNDING)
    with suppress(GraphError, TraceError):
        found.check()
    one = found.derivation.element
    if one is not None:
        scale = max(1.0, *(abs(x.product) for x in (*one.terms, *one.paths)), 0.0)
        assert abs(one.path_sum - one.gradient) <= ROUNDING * scale
        assert abs(sum(t.product for t in one.terms) + one.rest - one.gradient) <= ROUNDING * scale
        for path in one.paths:
            assert path.product == pytest.approx(np.prod(path.factors), rel=1e-12)


@pytest.mark.filterwarnings("ignore:bce_with_logits")
@BRIEF
@given(graphs(5), st.integers(0, 1000))
def test_every_formula_of_a_random_graph(drawn: Program, number: int) -> None:
    explained(drawn, number)


@pytest.mark.deep
@pytest.mark.filterwarnings("ignore:bce_with_logits")  # of a sigmoid: it is drawn at times
@pytest.mark.parametrize("part", range(PARTS), ids="part-{}-".format)
def test_every_formula_of_many_random_graphs(part: int) -> None:
    @seed(part)
    @DEEP
    @given(graphs(14, min_ops=4), st.integers(0, 1000))
    def explain_all(drawn: Program, number: int) -> None:
        explained(drawn, number)

    explain_all()
