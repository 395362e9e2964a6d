"""Folding of large pictures: parts, repeated blocks, limits; what is left is still a graph."""

from __future__ import annotations

import ast
import html
import re

import numpy as np
import pytest
from deeper import explored
from hypothesis import strategies as st
from sample_graphs import ALL, recurrent
from view_samples import network_view, ones

import tinygrad_bp as tg
from tinygrad_bp.view import GraphTooLargeError
from tinygrad_bp.view.explorer import unfolding
from tinygrad_bp.view.explorer.unfolding import unfoldings
from tinygrad_bp.view.picture.folding import COMFORTABLE, LARGEST
from tinygrad_bp.view.picture.kinds import KINDS


def nested(depths, rng=None):
    """Return the sum of a chain whose operations lie in scopes of the given depths."""
    x = ones((2,), "x")
    for i, depth in enumerate(depths):
        scopes = [tg.scope(f"part{(i + level) % 3}") for level in range(depth)]
        for scope in scopes:
            scope.__enter__()
        x = (np.sin if i % 2 else np.cos)(x) * ones((2,), f"w{i}")
        for scope in reversed(scopes):
            scope.__exit__(None, None, None)
    return np.sum(x)


def blocks(count, *, shared=False):
    x = ones((3, 4), "x")
    start = np.sin(x)
    h = start
    for i in range(count):
        h = h + np.tanh(h @ ones((4, 4), f"block{i}.W"))
        if shared:
            h = h * start
    return np.sum(h)


def check_graph(view):
    """Every picture, without its loops, is a graph in topological order."""
    assert [node.id for node in view.nodes] == list(range(len(view.nodes)))
    assert all(0 <= e.source < e.target < len(view.nodes) for e in view.edges if not e.loop)
    places = [(edge.target, edge.position, edge.source) for edge in view.edges]
    assert places == sorted(places)


def operations(view):
    return sum(
        node.count for node in view.nodes if node.kind in ("op", "output", "scope", "failed")
    )


@explored(20, 200, st.lists(st.integers(0, 3), min_size=1, max_size=25), st.integers(0, 3))
def test_folding_keeps_a_graph_with_as_many_operations(depths, depth):
    view = tg.graph(nested(depths))
    folded = view.folded(depth)
    check_graph(folded)
    assert operations(folded) == operations(view)
    assert folded.nodes[-1].kind == "output"
    assert all(len(node.scope) <= depth for node in folded.nodes if node.kind != "output")
    # nothing hangs loose: all but the result are used
    assert {edge.source for edge in folded.edges} == set(range(len(folded.nodes) - 1))


def test_a_folded_part_is_one_node_with_its_parameters():
    with tg.scope("net"):
        x = np.sin(np.cos(ones((2,), "x")) * ones((2,), "w"))
    view = tg.graph(np.sum(x)).folded(0)
    assert [(n.kind, n.name, n.count) for n in view.nodes] == [
        ("scope", "net", 3),
        ("output", None, 1),
    ]
    assert view.nodes[0].shape == (2,)
    assert view.nodes[0].value == tg.graph(np.sum(x)).nodes[-2].value


def test_a_parameter_of_two_parts_stays_outside():
    w = ones((2,), "w")
    with tg.scope("a"):
        x = np.sin(w) * w
    with tg.scope("b"):
        x = np.cos(x) * w
    view = tg.graph(np.sum(x)).folded(0)
    assert [node.name for node in view.nodes] == ["w", "a", "b", None]


def test_a_layer_that_is_used_again_later_is_a_part_again():
    w, v = ones((2, 2), "first.W"), ones((2, 2), "second.W")
    x = np.ones((1, 2)) @ w @ v @ w
    view = tg.graph(np.sum(x)).folded(0)
    check_graph(view)
    assert [node.name for node in view.nodes if node.kind == "scope"] == [
        "first",
        "second",
        "first",
    ]


@pytest.mark.parametrize("shared", [False, True])
def test_repeated_blocks_are_one_with_a_count(shared):
    view = tg.graph(blocks(100, shared=shared))
    folded = view.folded()
    check_graph(folded)
    assert operations(folded) == operations(view)
    assert len(folded.nodes) < 16
    counts = {node.count for node in folded.nodes}
    assert max(counts) in (99, 100, 98)
    assert "×" in folded.to_text()


def test_what_differs_is_not_folded_together():
    view = tg.graph(random_chain(60))
    assert len(view.folded().nodes) > 50


def test_counted_nodes_have_no_value_of_their_own():
    folded = tg.graph(blocks(60)).folded()
    assert all(node.value is None for node in folded.nodes if node.count > 1)


def test_up_to_40_nodes_are_drawn_as_they_are():
    x = ones((), "x")
    for _ in range(COMFORTABLE - 1):
        x = np.sin(x)
    assert tg.graph(x).to_dot().count('label="sin') == COMFORTABLE - 1
    assert tg.graph(np.sin(x)).to_dot().count('label="sin') < 5


def random_chain(count):
    rng = np.random.default_rng(0)
    x = ones((), "x")
    for name in rng.choice(["sin", "cos", "tanh", "arctan", "sinh", "negative"], count):
        x = getattr(np, name)(x)
    return x


def test_more_than_1000_nodes_are_refused_without_force():
    view = tg.graph(random_chain(2 * LARGEST))
    for render in (view.to_dot, view.to_svg, view.to_mermaid, view.to_text):
        with pytest.raises(GraphTooLargeError, match="more than 1000, which nobody could read"):
            render()
    assert view.to_text(force=True).count("\n") == 2 * LARGEST + 2  # and the note
    assert view.to_json()  # is no drawing


def test_scopes_are_opened_as_deep_as_one_can_read():
    x = ones((), "x")
    rng = np.random.default_rng(0)
    for i in range(20):
        with tg.scope(f"stage{i}"):
            for j in range(20):
                with tg.scope(f"layer{j}"):
                    for name in rng.choice(["sin", "cos", "tanh", "arctan"], 3):
                        x = getattr(np, name)(x)
    folded = tg.graph(x).folded()
    assert {node.kind for node in folded.nodes} == {"scope", "leaf", "output"} or {
        node.kind for node in folded.nodes
    } == {"scope", "output"}
    assert len(folded.nodes) <= COMFORTABLE


def test_checks_go_with_their_leaves():
    view = network_view()
    folded = view.folded(0)
    assert {view.nodes[c.node].name for c in view.checks} > {
        folded.nodes[c.node].name for c in folded.checks
    }
    assert all(folded.nodes[c.node].kind == "parameter" for c in folded.checks)


# What is left open


def merged(view, depth):
    """Return the ends of the edges that are left where runs of a scope below `depth` are one node.

    In their order: each run is where its last operation was.
    """
    part, last = {}, None
    for node in view.nodes:
        if KINDS[node.kind].is_source:
            continue
        path = node.scope[: depth + 1] if len(node.scope) > depth and node.kind == "op" else None
        if path is None or path != last:
            run = node.id
        part[node.id], last = run, path
    for node in view.nodes:
        users = {part[e.target] for e in view.edges if e.source == node.id}
        inside = {e.target for e in view.edges if e.source == node.id}
        deep = all(len(view.nodes[k].scope) > depth and view.nodes[k].kind == "op" for k in inside)
        if KINDS[node.kind].is_source:
            part[node.id] = next(iter(users)) if len(users) == 1 and deep else node.id
    ends = {}
    for node in view.nodes:
        ends[part[node.id]] = node.id
    order = {run: i for i, run in enumerate(sorted(ends, key=ends.get))}
    pairs = {(order[part[e.source]], order[part[e.target]]) for e in view.edges}
    return {(a, b) for a, b in pairs if a != b}


@explored(24, 240, st.lists(st.integers(0, 3), min_size=1, max_size=25), st.integers(0, 3))
def test_folding_scopes_keeps_the_edges_between_them(depths, depth):
    view = tg.graph(nested(depths), values=False)
    found = {(edge.source, edge.target) for edge in view.folded(depth).edges}
    assert found == merged(view, depth)


def three_parts():
    """Return a graph of 3 scopes in one: more than 40 nodes."""
    h = ones((2,), "x")
    with tg.scope("net"):
        for name in "abc":
            with tg.scope(name):
                for _ in range(5 + 2 * (name == "b")):
                    h = np.tanh(h) * np.sin(h) + np.cos(h)
    return tg.graph(np.sum(h))


def scopes(view):
    return [node.name for node in view.nodes if node.kind == "scope"]


def test_a_part_is_left_open_by_its_name_or_path():
    view = three_parts()
    assert scopes(view.folded(1)) == ["a", "b", "c"]
    for name in ("b", "net/b"):
        small = view.folded(1, unfold=[name])
        assert scopes(small) == ["a", "c"]
        assert sum(node.scope == ("net", "b") for node in small.nodes) == 35
    assert scopes(view.folded(0)) == ["net"]
    assert scopes(view.folded(0, unfold=["net"])) == ["a", "b", "c"]
    assert scopes(view.folded(0, unfold=["net", "a", "b", "c"])) == []
    assert scopes(view.folded(0, unfold="b")) == ["a", "c"]  # and what is around it
    with pytest.raises(ValueError, match="folded are 'net/a', 'net/b', 'net/c'"):
        view.folded(1, unfold=["d"])


ADVICE = re.compile(r"unfold=('[^']*'|\[[^\]]*\])")


def advice(text):
    """Return what a note says to unfold, None if it says nothing."""
    found = ADVICE.search(" ".join(html.unescape(text).split()))
    return None if found is None else ast.literal_eval(found[1])


@pytest.mark.parametrize("name", ALL)
def test_who_follows_the_note_sees_all(name):
    loss, options = ALL[name]()
    options["values"] = False
    asked, drawn = [], tg.graph(loss, **options).folded()
    while (told := advice(" ".join(drawn.notes))) is not None:
        asked += [told] if isinstance(told, str) else told
        view = tg.graph(loss, **options, unfold=asked)
        wider = view.folded()
        assert len(wider.nodes) > len(drawn.nodes)
        assert view.to_text(force=True) == tg.graph(loss, **options).to_text(force=True)
        drawn = wider
    assert len(drawn.nodes) == len(view.nodes if asked else tg.graph(loss, **options).nodes)
    assert drawn.to_svg(engine="own") == drawn.to_svg(engine="own", force=True)


def texts(drawing):
    return re.sub(r"<[^>]+>", " ", drawing)


def test_every_form_says_how_to_unfold_and_draws_what_is_unfolded():
    loss, options = recurrent()
    view = tg.graph(loss, **options)
    opened = tg.graph(loss, **options, unfold="repeated x20")
    assert len(opened.nodes) == len(view.nodes)
    forms = {
        "svg": lambda one: texts(one.to_svg(engine="own")),
        "dot": lambda one: one.to_dot().replace("\\l", " "),
        "text": lambda one: one.to_text(),
        "html": lambda one: one.to_html(),
    }
    for name, form in forms.items():
        before, after = form(view), form(opened)
        assert advice(before) == "repeated ×20", name
        assert advice(after) is None, name
        assert "tanh" in after
        assert ("×20" in before, "×20" in after) == (True, False), name
    again = type(opened).from_dict(opened.to_dict())
    assert again == opened
    assert again.folded() == opened.folded() == view.folded(unfold="repeated ×20")


def test_what_cannot_be_unfolded_is_refused_and_what_can_be_is_listed():
    loss, options = recurrent()
    with pytest.raises(ValueError, match=r"unfold='decoder': .* folded are 'repeated ×20'"):
        tg.graph(loss, **options, unfold="decoder")
    with pytest.raises(ValueError, match="nothing is folded here: all 2 nodes"):
        tg.graph(np.sum(ones((2,), "x")), unfold=["decoder"])
    h = ones((2,), "x")
    for i in range(15):
        with tg.scope(f"part{i}"):
            h = np.sin(np.tanh(h))
    with pytest.raises(ValueError, match="'part11' and 3 more"):
        tg.graph(np.sum(h)).folded(0, unfold=["decoder"])


def test_a_scope_that_a_repeated_block_holds_is_opened_with_it():
    h = ones((2,), "x")
    for name in "abc":
        with tg.scope(name):
            for _ in range(9):
                h = np.tanh(h) * np.sin(h)
    out = np.sum(h)
    assert not scopes(tg.graph(out).folded())
    assert len(tg.graph(out).folded().nodes) < 10
    seen = tg.graph(out, unfold="b").folded()
    assert sum(node.scope == ("b",) for node in seen.nodes) == 27


def test_what_is_looked_at_is_not_folded_away():
    loss, options = ALL["transformer"]()
    view = tg.graph(loss, **options, focus="b2")
    assert len(view.nodes) > COMFORTABLE
    names = [node.name for node in view.folded().nodes]
    assert "b2[0]" in names
    assert "attention" in names  # which is closed
    both = tg.graph(loss, **options, focus="b2", unfold="norm2").folded()
    assert {"b2[0]", "g2"} <= {node.name for node in both.nodes}


def test_what_was_folded_is_drawn_as_it_is():
    view = three_parts()
    small = view.folded(1, unfold=["a", "b", "c"])
    assert len(small.nodes) > COMFORTABLE
    assert small.to_svg(engine="own").count("data-node=") == len(small.nodes)
    assert small.to_text() == small.to_text(force=True)
    assert len(unfoldings(small)) == 1


def test_a_repeated_block_is_left_open_by_its_title():
    h = ones((2,), "x")
    for _ in range(20):
        h = np.tanh(h) * 2
    for _ in range(12):
        h = np.sin(np.cos(np.exp(h)))
    view = tg.graph(np.sum(h))
    small = view.folded()
    assert {node.times for node in small.nodes} == {1, 20, 12}
    opened = view.folded(unfold=["repeated ×20"])
    assert {node.times for node in opened.nodes} == {1, 12}
    assert sum(node.op == "tanh" for node in opened.nodes) == 20
    assert len(view.folded(unfold=["repeated ×20", "repeated ×12"]).nodes) == len(view.nodes)


@pytest.mark.parametrize("make", [three_parts, lambda: tg.graph(recurrent()[0])])
def test_what_a_page_unfolds_is_what_was_folded(make):
    view = make()
    first, *others = unfoldings(view)
    assert first.picture == view.folded() or first.picture.nodes == view.folded().nodes
    assert others
    for one in others:
        assert one.picture.nodes == view.folded(unfold=one.opened).nodes
        assert len(one.picture.nodes) > len(first.picture.nodes)
        assert not KINDS[one.picture.nodes[one.at].kind].is_source
        assert not {*one.opened} & one.blocks.keys()
    numbers = {number for one in (first, *others) for number in one.blocks.values()}
    assert numbers == set(range(1, len(others) + 1))


def test_a_page_holds_so_many_pictures(monkeypatch):
    monkeypatch.setattr(unfolding, "PICTURES", 2)
    assert len(unfoldings(three_parts())) == 2
    monkeypatch.setattr(unfolding, "PICTURES", 9)
    monkeypatch.setattr(unfolding, "NODES", 1)
    (one,) = unfoldings(three_parts())
    assert one.blocks == {}


def test_several_values_that_a_part_sends_to_another_have_no_common_gradient():
    x = ones((2, 3), "x")
    with tg.scope("first"):
        a = np.sin(x)
        b = np.sum(a, axis=0)
    with tg.scope("second"):
        out = np.sum(a * b) + np.sum(np.cos(b))
    view = tg.graph(out + 0)
    small = view.folded(0)
    parts = {node.name: node.id for node in small.nodes if node.kind == "scope"}
    between = [edge for edge in small.edges if edge.target == parts["second"]]
    assert [edge.source for edge in between] == [parts["first"]]
    assert between[0].contribution is None
    with tg.scope("alone"):
        a = np.sin(x)
    with tg.scope("twice"):
        out = np.sum(a * np.cos(a))
    small = tg.graph(out + 0).folded(0)
    (edge,) = (edge for edge in small.edges if small.nodes[edge.target].name == "twice")
    np.testing.assert_allclose(edge.contribution, tg.gradients(out, a).numpy().ravel())
