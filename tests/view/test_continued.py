"""Edges from row to row: the marks of a drawing say what the lines did."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from sample_graphs import ALL

import tinygrad_bp as tg
from tinygrad_bp.view.layout.drawing import drawing
from tinygrad_bp.view.picture.folding import drawable
from tinygrad_bp.view.picture.kinds import KINDS, MARK


def read(drawn):
    """Return the edges that a drawing shows, by the ids in its picture, and how many go on."""
    source = {}  # of each number, what leads to it
    for edge in drawn.edges:
        if drawn.nodes[edge.edge.target].node.kind == MARK:
            (number,) = drawn.nodes[edge.edge.target].lines
            assert number not in source
            source[number] = edge.edge.source
    found, used = [], set()
    for edge in drawn.edges:
        start, end = drawn.nodes[edge.edge.source], drawn.nodes[edge.edge.target]
        if end.node.kind == MARK:
            continue
        if start.node.kind == MARK:
            used.add(start.lines[0])
            start = drawn.nodes[source[start.lines[0]]]
        found.append((start.own, end.own, edge.edge.position, edge.edge.loop))
    assert used == source.keys()
    return found, len(source)


@pytest.mark.parametrize("page", [None, 330.0])
@pytest.mark.parametrize("name", ALL)
def test_marks_and_tags_stand_for_the_edges_of_the_picture(name, page):
    loss, options = ALL[name]()
    view = tg.graph(loss, values=False, **options)
    for shown in (drawable(view, force=True), drawable(view), view.folded(0)):
        drawn = drawing(shown, page)
        found, _ = read(drawn)
        wanted = [(e.source, e.target, e.position, e.loop) for e in shown.edges]
        assert Counter(found) == Counter(wanted)
        full = [one.own for one in drawn.nodes if one.node.kind != MARK]
        assert {*full} == {*range(len(shown.nodes))}
        twice = {own for own, count in Counter(full).items() if count > 1}
        assert all(KINDS[shown.nodes[own].kind].is_source for own in twice)


def test_long_graphs_go_on_by_number_and_short_ones_do_not():
    loss, options = ALL["recurrent"]()
    view = tg.graph(loss, values=False, **options)
    assert read(drawing(drawable(view, force=True)))[1] > 4
    assert read(drawing(drawable(view)))[1] == 0


@pytest.mark.parametrize("name", ["recurrent", "residual", "transformer", "remembering"])
def test_no_edge_leads_back_to_the_beginning_of_a_row(name):
    loss, options = ALL[name]()
    drawn = drawing(drawable(tg.graph(loss, values=False, **options), force=True))
    for edge in drawn.edges:
        assert edge.edge.loop or all(a[0] <= b[0] + 1 for a, b in pairwise(edge.way))
