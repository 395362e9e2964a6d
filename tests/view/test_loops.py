"""Loops back: no two of them run on one line, and their labels can be told apart."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from view_samples import ones

import tinygrad_bp as tg
from tinygrad_bp.view.layout.drawing import drawing, framed
from tinygrad_bp.view.layout.loops import loops

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
