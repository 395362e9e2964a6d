"""Ways with fewer bends meet no node, cross no more of each other, and keep their ends."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_bp.view.layout.straightening import straightened
from tinygrad_bp.view.layout.ways import label_box, label_place

NUMBERS = st.integers(0, 300).map(float)


def between(a, b, count=400):
    return np.array(a) + np.linspace(0, 1, count)[:, None] * (np.array(b) - np.array(a))


def met(way, centre, size):
    """Return whether a way goes through a box, by points along it."""
    points = np.concatenate([between(a, b) for a, b in pairwise(way)])
    return bool(np.all(np.abs(points - centre) < np.array(size) / 2, axis=1).any())


@settings(max_examples=150)
@given(
    ys=st.lists(NUMBERS, min_size=3, max_size=5),
    centre=st.tuples(NUMBERS, NUMBERS),
    size=st.tuples(st.integers(10, 80), st.integers(10, 80)),
)
def test_a_way_that_met_no_node_meets_none(ys, centre, size):
    way = [(100.0 * k, y) for k, y in enumerate(ys)]
    (found,) = straightened(
        [way], [(1, 2)], [centre, (0, 0), (0, 0)], [size, (0, 0), (0, 0)], ["box"] * 3
    )
    assert found[0] == way[0]
    assert found[-1] == way[-1]
    assert {*found} <= {*way}
    if not met(way, centre, size):
        assert not met(found, centre, size)


def test_a_bend_goes_where_nothing_is_and_stays_where_something_is():
    way = [(0.0, 0.0), (50.0, 40.0), (100.0, 0.0)]
    nodes = [(50.0, 0.0), (0.0, 0.0), (100.0, 0.0)]
    for side, expected in ((20.0, 3), (0.0, 2)):
        sizes = [(side, side), (0.0, 0.0), (0.0, 0.0)]
        shown = nodes if side else [(50.0, 500.0), *nodes[1:]]
        (found,) = straightened([way], [(1, 2)], shown, sizes, ["box"] * 3)
        assert len(found) == expected


def test_no_crossing_is_made():
    way, other = [(0.0, 0.0), (50.0, 40.0), (100.0, 0.0)], [(50.0, -30.0), (50.0, 30.0)]
    far = [(0.0, 900.0)] * 4
    ways = straightened([way, other], [(0, 1), (2, 3)], far, [(0.0, 0.0)] * 4, ["box"] * 4)
    assert ways == [way, other]


def test_what_turns_back_to_the_next_row_stays():
    way = [(0.0, 0.0), (10.0, 0.0), (10.0, 50.0), (-90.0, 50.0), (-90.0, 90.0), (0.0, 90.0)]
    assert straightened([way], [(0, 1)], [(0, 900)] * 2, [(0, 0)] * 2, ["box"] * 2) == [way]


def test_the_label_of_an_edge_keeps_clear_of_what_is_in_its_way():
    way = [(0.0, 0.0), (40.0, 0.0), (80.0, 60.0)]
    free = label_place(way, 20.0, [], loop=False)
    other = label_place(way, 20.0, [label_box(free, 20.0)], loop=False)
    assert label_box(other, 20.0) != label_box(free, 20.0)
    end = (38.0, -20.0, 100.0, 80.0)  # nothing is free but the first stretch
    assert label_place(way, 20.0, [end], loop=False)[0] < 30
    loop = [(0.0, 0.0), (0.0, -9.0), (200.0, -9.0), (200.0, 0.0)]
    middle = label_place(loop, 20.0, [], loop=True)
    assert middle == (100.0, -12.0)
    assert label_place(loop, 20.0, [label_box(middle, 20.0)], loop=True) != middle
