"""Expressions share their parts: what walks over one must not take each where it stands."""

from __future__ import annotations

import numpy as np

from tinygrad_bp.formulas.expressions import Call, Expression, Name, each_in, names_in

DOUBLINGS = 60  # as a tree, more parts than can be counted


def doubled() -> Expression:
    one: Expression = Call("add", (Name("x", ()), Name("y", ())), (), (), np.dtype(float))
    for _ in range(DOUBLINGS):
        one = Call("add", (one, one), (), (), np.dtype(float))
    return one


def test_parts_that_are_shared_are_met_once_and_first() -> None:
    one = doubled()
    found = [*each_in(one)]
    assert len(found) == DOUBLINGS + 3
    assert found[-1] is one
    place = {id(part): k for k, part in enumerate(found)}
    assert all(
        place[id(part)] < place[id(whole)]
        for whole in found
        if type(whole) is Call
        for part in whole.operands
    )


def test_names_are_read_from_all_of_it() -> None:
    assert names_in(doubled()) == {"x", "y"}
    within = Call("index", (Name("a", ()), [Name("b", ())]), (("axis", Name("c", ())),), (), None)
    assert names_in(within) == {"a", "b", "c"}
    assert names_in(Name("a", ())) == {"a"}
