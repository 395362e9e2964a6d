"""Loops back: no two of them run on one line, and their labels can be told apart."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from view_samples import ones

import tinygrad_bp as tg
from tinygrad_bp.view.layout.drawing import LABEL, drawing, framed, text_width
from tinygrad_bp.view.layout.loops import loops
from tinygrad_bp.view.layout.ways import LETTERS
from tinygrad_bp.view.picture.folding import folded

ROWS = st.tuples(st.integers(0, 4), st.integers(0, 4))


@settings(max_examples=100)
@given(st.lists(ROWS, max_size=7))
def test_each_has_tracks_and_a_lane_of_its_own(ends):
    found = loops(dict(enumerate(ends)), dict.fromkeys(range(len(ends)), 1))
    assert {*found.tracks} == {(edge, row) for edge, rows in enumerate(ends) for row in rows}
    for (one, row), (other, same) in combinations(found.tracks, 2):
        if row == same and one != other:
            assert found.tracks[one, row] != found.tracks[other, row]
    for row in range(5):
        assert all(
            track < found.room(row) for (_, own), track in found.tracks.items() if own == row
        )
    assert {*found.lanes} == {edge for edge, (a, b) in enumerate(ends) if a != b}
    for one, other in combinations(found.lanes, 2):
        (a, b), (c, d) = sorted(ends[one]), sorted(ends[other])
        if a <= d and c <= b:
            assert found.lanes[one] != found.lanes[other]


def cell(h, c, x, W, U):
    z = x @ W + h @ U
    c = tg.sigmoid(z[:, :3]) * c + tg.sigmoid(z[:, 3:6]) * np.tanh(z[:, 6:9])
    return tg.sigmoid(z[:, 9:]) * np.tanh(c), c


def memory():
    W, U = ones((2, 12), "W"), ones((3, 12), "U")
    h = c = np.zeros((2, 3))
    for i in range(30):
        h, c = cell(h, c, np.full((2, 2), i), W, U)
    return tg.graph(np.mean(h)).folded()


@pytest.mark.parametrize("page", [None, 350, 550, 750])
def test_those_of_a_memory_run_apart_on_any_page(page):
    found = drawing(memory(), page)
    back = [edge for edge in found.edges if edge.edge.loop]
    assert len(back) == 2
    first, second = ([*pairwise(edge.way)] for edge in back)
    for (a, b), (c, d) in ((p, q) for p in first for q in second):
        for axis in (0, 1):
            if a[axis] == b[axis] == c[axis] == d[axis]:  # on one line, but beside each other
                other = 1 - axis
                low, high = sorted((a[other], b[other]))
                assert max(c[other], d[other]) < low or min(c[other], d[other]) > high
    (x, y), (u, v) = (edge.place for edge in back)
    assert abs(y - v) >= 9 or abs(x - u) > 60


def test_a_picture_for_a_frame_has_the_sides_of_the_frame():
    view = memory()
    for across, down in ((590, 610), (900, 400)):
        found, first = framed(view, across, down), drawing(view, across)
        shares = [min(across / one.width, down / one.height) for one in (found, first)]
        assert shares[0] >= shares[1]
        assert shares[0] > 0.55
    large = tg.graph(np.sum(np.stack([np.sin(ones((2,), f"x{i}")) for i in range(150)])))
    assert framed(large, 590, 610).width == drawing(large, 590).width


def test_a_label_stands_on_no_border_of_a_box():
    rng = np.random.default_rng(0)
    W, U, b, V = (ones(shape, name) for shape, name in (
        ((3, 6), "W"), ((6, 6), "U"), ((6,), "b"), ((6, 2), "V")))  # fmt: skip
    h, outs = np.zeros((5, 6)), []
    for x in rng.normal(size=(12, 5, 3)):
        h = np.tanh(x @ W + h @ U + b)
        outs.append(h @ V)
    drawn = drawing(folded(tg.graph(np.mean(np.stack(outs)))))
    assert drawn.boxes
    for edge in drawn.edges:
        x, low = edge.place
        across = LABEL * text_width(edge.label) / 2
        for left, top, right, bottom in (box.where for box in drawn.boxes) if edge.label else ():
            over = x - across < right and x + across > left
            assert not (over and any(low - LETTERS < side < low for side in (top, bottom)))
