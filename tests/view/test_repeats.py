"""Repeated blocks drawn once: what was folded can be unfolded, and gives the same edges."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from deeper import explored
from hypothesis import strategies as st
from view_samples import ones

import tinygrad_bp as tg
from tinygrad_bp.view.picture.folding import folded
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.repeats import block_of, collapsed

WORDS = {"first": lambda n: 0, "last": lambda n: n - 1}


def turns(word, times):
    """Return the repetitions that a label names."""
    if word == "each":
        return range(times)
    return [WORDS[word](times) if word in WORDS else int(word.removeprefix("no. ")) - 1]


def is_given(node):
    return KINDS[node.kind].is_source


def unfolded(view):
    """Return the operations in order, and the edges, that a folded picture says there were."""
    blocks, order = {}, []
    for node in view.nodes:
        block = block_of(node)
        if block is not None and block not in blocks:
            blocks[block] = [one for one in view.nodes if block_of(one) == block]
            order += [(one.id, k) for k in range(node.times) for one in blocks[block]]
        elif block is None:
            order.append((node.id, 0))
    edges = []
    for edge in view.edges:
        source, target = view.nodes[edge.source], view.nodes[edge.target]
        if edge.of or edge.to:
            pairs = [
                (i, j)
                for i in (turns(edge.of, source.times) if edge.of else [0])
                for j in (turns(edge.to, target.times) if edge.to else [0])
            ]
            assert bool(edge.of) == (source.times > 1)
            assert bool(edge.to) == (target.times > 1)
        else:
            assert source.times == target.times
            pairs = [(k, k + edge.loop) for k in range(target.times - edge.loop)]
        edges += [((source.id, i), (target.id, j), edge.position, edge.of) for i, j in pairs]
    return order, edges


def check_unfolding(view, small):
    """Whether unfolding gives the operations and edges of the picture before."""
    for title in {block_of(node) for node in small.nodes} - {None}:  # one box around all of it
        outside = {n.scope[: n.scope.index(title)] for n in small.nodes if block_of(n) == title}
        assert len(outside) == 1
    order, edges = unfolded(small)
    operations = [one for one in order if not is_given(small.nodes[one[0]])]
    before = [node for node in view.nodes if not is_given(node)]
    assert [small.nodes[one[0]].op for one in operations] == [node.op for node in before]
    own = {one: before[i].id for i, one in enumerate(operations)}
    leaves = {}
    # a leaf is told by its uses: which operations read it, and where
    for source, target, position, _ in edges:
        leaves.setdefault(source, set()).add((own[target], position))
    uses = {}
    for edge in view.edges:
        uses.setdefault(edge.source, set()).add((edge.target, edge.position))
    theirs = Counter(frozenset(uses[n.id]) for n in view.nodes if is_given(n))
    assert theirs == Counter(
        frozenset(found) for one, found in leaves.items() if is_given(small.nodes[one[0]])
    )
    # of what one operation puts together from all repetitions, no label says the order
    together = {own[target] for _, target, _, of in edges if of == "each"}

    def known(source, target, position):
        return source, target, -1 if target in together else position

    found = [known(own[s], own[t], position) for s, t, position, _ in edges if s in own]
    given_before = [e for e in view.edges if not is_given(view.nodes[e.source])]
    assert sorted(found) == sorted(known(e.source, e.target, e.position) for e in given_before)


ARGUMENTS = st.tuples(
    st.sampled_from(["step", "before", "shared", "own", "start", "constant"]), st.integers(0, 5)
)
BODIES = st.lists(
    st.tuples(st.sampled_from(["add", "multiply", "subtract", "tanh"]), ARGUMENTS, ARGUMENTS),
    min_size=1,
    max_size=5,
)


def program(body, times, end):
    """Run a block of operations again and again, and use what it made."""
    start = np.sin(ones((2,), "x"))
    shared = [ones((2,), f"layer{i}.w") for i in range(2)]
    last, steps, held = [start], [], [start, *shared]
    for _ in range(times):
        made = []

        def argument(kind, k, made=made, last=last):
            if kind == "step" and made:
                return made[k % len(made)]
            if kind == "before":
                return last[k % len(last)]
            if kind == "shared":
                return shared[k % 2]
            if kind == "own":
                held.append(ones((2,), "v"))
                return held[-1]
            return np.full(2, 3.0) if kind == "constant" else start

        for name, first, second in body:
            x = argument(*first)
            made.append(
                np.tanh(x + x) if name == "tanh" else getattr(np, name)(x, argument(*second))
            )
        last = [one if isinstance(one, tg.Tensor) else start for one in made]
        steps.append(last[-1])
    if end == "all":
        return np.sum(np.concatenate(steps)), held
    if end == "stacked":  # each is made a row after all have been computed
        return np.sum(np.stack(steps)), held
    if end == "some":
        return np.sum(steps[-1] * steps[1]), held
    return np.sum(steps[-1]), held


@explored(40, 400, BODIES, st.integers(3, 7), st.sampled_from(["last", "all", "some", "stacked"]))
def test_unfolding_what_was_folded_gives_the_same_edges(body, times, end):
    out, _held = program(body, times, end)
    view = tg.graph(out, values=False)
    check_unfolding(view, collapsed(view))


def rnn(steps=20, *, states=False):
    """Return the loss of a recurrent network, written as a plain loop."""
    rng = np.random.default_rng(0)
    leaves = {
        name: tg.tensor(rng.normal(size=shape) * 0.3, requires_grad=True, name=name)
        for name, shape in {"Wx": (3, 4), "Wh": (4, 4), "b": (4,), "Wo": (4, 1)}.items()
    }
    h, outputs = np.zeros((2, 4)), []
    for x in rng.normal(size=(steps, 2, 3)):
        h = np.tanh(x @ leaves["Wx"] + h @ leaves["Wh"] + leaves["b"])
        outputs.append(h @ leaves["Wo"])
    loss = np.mean(np.concatenate(outputs) ** 2) if states else np.mean(outputs[-1] ** 2)
    loss.name = "loss"
    return loss, leaves


@pytest.mark.parametrize("states", [False, True])
def test_a_recurrent_network_written_as_a_loop_is_one_step_with_a_loop_back(states):
    loss, leaves = rnn(states=states)
    view = tg.graph(loss, parameters=leaves)
    small = folded(view)
    assert len(small.nodes) < 20
    check_unfolding(view, small)
    (loop,) = (edge for edge in small.edges if edge.loop)
    assert (small.nodes[loop.source].op, small.nodes[loop.target].op) == ("tanh", "matmul")
    assert small.nodes[loop.source].times == 20
    shared = {small.nodes[e.source].name for e in small.edges if e.to == "each"}
    assert shared >= {"Wx", "Wh", "b"}
    for text in (
        small_text := tg.graph(loss).folded().to_text(),
        tg.graph(loss).to_dot(),
        tg.graph(loss).to_svg(engine="own"),
        tg.graph(loss).to_mermaid().replace("#215;", "×"),
    ):
        assert "next ×19" in text
    assert "first: data" in small_text
    assert ("each: " if states else "last: ") in small_text


def test_leaves_may_be_made_in_another_order_than_they_are_used_in():
    weights = [ones((2,), f"w{i}") for i in range(8)]
    h = np.ones(2)
    for w in reversed(weights):
        h = np.tanh(h * w)
    view = tg.graph(np.sum(h))
    small = folded(view)
    check_unfolding(view, small)
    (leaf,) = (node for node in small.nodes if node.kind == "leaf")
    assert (leaf.times, leaf.name) == (8, "w…")


def test_rows_that_are_stacked_after_a_loop_are_drawn_once():
    w = ones((3, 2), "net.W")
    outs = [np.sum(np.tanh(x @ w) ** 2) for x in np.arange(24.0).reshape(8, 3)]
    view = tg.graph(np.mean(np.stack(outs)))
    small = folded(view)
    check_unfolding(view, small)
    (row,) = (node for node in small.nodes if node.op == "reshape")
    assert row.times == 8
    assert len(small.nodes) < 12


def test_two_recurrent_layers_are_two_blocks():
    rng = np.random.default_rng(0)
    weights = [tg.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=f"W{i}") for i in (1, 2)]
    rows = list(rng.normal(size=(10, 2, 3)))
    for w in weights:
        h, out = np.zeros((2, 3)), []
        for x in rows:
            h = np.tanh(x + h @ w)
            out.append(h)
        rows = out
    view = tg.graph(np.sum(rows[-1]))
    small = folded(view)
    check_unfolding(view, small)
    assert [node.times for node in small.nodes if node.op == "tanh"] == [10, 10]
    assert len(small.nodes) < 15


def test_what_repetitions_have_not_in_common_is_left_out():
    h, held = ones((2,), "x"), []
    for i in range(5):
        held.append(ones((2,), f"block{i}.W"))
        h = np.tanh(h * held[-1] + (7.0 if i < 9 else 1.0)) * float(i)
        h.name = f"h{i}"
    small = collapsed(tg.graph(np.sum(h)))
    names = {node.name for node in small.nodes}
    assert {"block….W", "h…"} <= names
    values = {node.value for node in small.nodes if node.kind == "constant"}
    assert values == {(7.0,), None}
    assert all(node.cotangent is None for node in small.nodes if node.times > 1)


def test_weights_that_are_decayed_later_belong_to_their_steps():
    held = [tg.tensor(np.eye(2), requires_grad=True, name=f"W{i}") for i in range(8)]
    h = ones((3, 2), "x")
    for w in held:
        h = np.tanh(h @ w)
    loss = np.sum(h)
    for w in held:
        loss = loss + np.sum(np.square(w))
    view = tg.graph(np.sqrt(loss))
    small = collapsed(view)
    check_unfolding(view, small)
    assert [node.times for node in small.nodes if node.name == "W…"] == [8]


def test_a_note_says_what_was_folded_and_how_to_unfold_it():
    loss, _leaves = rnn()
    (note,) = (note for note in tg.graph(loss).folded().notes if "folded into" in note)
    assert "a block that repeats 20 times; tg.graph(..., unfold='repeated ×20') opens it" in note
    assert "force=True draws all" in note
    assert "folded into" in tg.graph(loss).to_svg(engine="own")


def test_what_reads_several_repetitions_says_which_is_which_argument():
    W = ones((3, 3), "W")
    a, b, c = (np.tanh(np.full((2, 3), i) @ W) for i in range(3))
    small = tg.graph(np.sum(np.power(b - a, 2) / (c - a))).folded()
    found = [
        (edge.argument, edge.position, edge.of)
        for edge in small.edges
        if small.nodes[edge.target].op == "subtract"
    ]
    assert sorted(found) == [
        ("x", 0, "last"),
        ("x", 0, "no. 2"),
        ("y", 1, "first"),
        ("y", 1, "first"),
    ]
