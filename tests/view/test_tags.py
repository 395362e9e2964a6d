"""Leaves that are used again and again: drawn once in full, and as a tag at each other use."""

from __future__ import annotations

from collections import Counter

import numpy as np
from dot_reader import label_lines, parse_dot
from hypothesis import given, settings
from sample_graphs import SAMPLES
from view_samples import ones, programs, run_program

import tinygrad_bp as tg
from tinygrad_bp.view.layout.drawing import drawing
from tinygrad_bp.view.picture.tags import AGAIN, tagged


@settings(max_examples=60)
@given(program=programs)
def test_tags_draw_the_same_edges(program):
    view = tg.graph(run_program(program), values=False)
    drawn = tagged(view)
    own = [(drawn.ids[e.source], drawn.ids[e.target], e.position) for e in drawn.view.edges]
    assert sorted(own) == sorted((e.source, e.target, e.position) for e in view.edges)
    assert all(edge.source < edge.target for edge in drawn.view.edges)
    full = [place for i, place in enumerate(drawn.ids) if i not in drawn.tags]
    assert full == list(range(len(view.nodes)))
    users = Counter(edge.source for edge in {(e.source, e.target): e for e in view.edges}.values())
    for place, count in Counter(drawn.ids).items():
        is_leaf = view.nodes[place].kind == "leaf"
        assert count == (users[place] if is_leaf and users[place] >= AGAIN else 1)


def shared(name, times=AGAIN):
    w, h = ones((2,), name), ones((2,), "x")
    for _ in range(times):
        h = np.tanh(h) * w
    return tg.graph(np.sum(h))


def test_a_tag_has_the_name_alone_and_the_look_of_its_leaf():
    nodes, _ = parse_dot(shared("w").to_dot())
    found = [(label_lines(n["label"]), n["class"]) for n in nodes.values() if "w" in n["label"]]
    assert found.count((["w"], "leaf")) == AGAIN - 1
    assert found.count((["w", "2"], "leaf")) == 1


def test_a_leaf_without_a_name_has_a_number_that_its_tags_bear():
    nodes, _ = parse_dot(shared(None).to_dot())
    labels = Counter(tuple(label_lines(node["label"])) for node in nodes.values())
    (full,) = (label for label in labels if label[0].startswith("leaf#") and len(label) > 1)
    assert labels[full[:1]] == AGAIN - 1


def test_what_is_used_a_few_times_has_its_edges():
    assert not tagged(shared("w", AGAIN - 1)).tags


def test_tags_are_one_node_in_the_page():
    page = shared("w").to_html()
    leaf = next(node.id for node in shared("w").nodes if node.name == "w")
    _, drawing = page.split('<template data-wide="0">')
    assert drawing.split("</template>")[0].count(f'data-node="{leaf}"') == AGAIN


def test_a_number_that_is_used_again_goes_by_its_value():
    loss, options = SAMPLES["autoencoder"]()
    drawn = drawing(tg.graph(loss, phase="both", **options), 500.0)
    shown = [one for one in drawn.nodes if one.node.kind == "constant"]
    assert len(shown) > len({one.own for one in shown})
    assert {tuple(one.lines) for one in shown} == {("1",), ("2",)}
