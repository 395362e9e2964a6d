"""Pictures of graphs: order, ids, names that are only ever text, and every form of output."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import weakref
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from dot_reader import label_lines, parse_dot
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp.errors import GraphError
from tinygrad_bp.nn import Linear, Sequential, Sigmoid, bce_with_logits
from tinygrad_bp.view import EdgeView, GraphView, NodeView, RenderError, dot, graph

SVG = "{http://www.w3.org/2000/svg}"
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def leaf(shape=(), name=None):
    return tg.tensor(np.ones(shape), requires_grad=True, name=name)


def network_loss():
    """The loss of a 2-5-5-1 network, and its parameters by name."""
    rng = np.random.default_rng(0)
    layers = [Linear(2, 5, rng=rng), Linear(5, 5, rng=rng), Linear(5, 1, rng=rng)]
    network = Sequential(layers[0], Sigmoid(), layers[1], Sigmoid(), layers[2])
    X, y = leaf((4, 2), "X"), tg.tensor(np.zeros((4, 1)))
    return bce_with_logits(network(X), y), dict(network.named_parameters())


def shown(name):
    text = dot.printable(name)
    return text if len(text) <= dot.NAME_LENGTH else text[: dot.NAME_LENGTH - 1] + "…"


MARKUP = ['"', "&lt;", "&", "<", ">", "<b>", "</svg>", "-->", "]]>", "{a|b}"]
ESCAPES = ["\\", r"\n", r"\N", r"\G", "\n", "\r", "\0", "\x1b", "\u202e", "\ud800"]
SYNTAX = ["n0:port", "[label=x]", ";", "//", "#", " "]
PIECES = [*MARKUP, *ESCAPES, *SYNTAX]
HOSTILE = st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@settings(max_examples=150, deadline=None)
@given(first=HOSTILE, second=HOSTILE)
def test_any_name_is_a_text_and_nothing_else_in_dot(first, second):
    x, y = leaf((2,), first), leaf((2,))
    out = x * y
    out.name = second
    source = graph(out, parameters={second: y}).to_dot()
    nodes, edges = parse_dot(source)
    assert list(nodes) == ["n0", "n1", "n2"]
    assert [(a, b) for a, b, _ in edges] == [("n0", "n2"), ("n1", "n2")]
    labels = [label_lines(node["label"]) for node in nodes.values()]
    assert labels[0] == [shown(first) or "leaf", "2"]
    assert labels[1] == [shown(second) or "leaf", "2"]
    assert labels[2] == [*([shown(second)] if second else []), "multiply", "2"]


@needs_dot
@settings(max_examples=15, deadline=None)
@given(names=st.lists(HOSTILE, min_size=1, max_size=12))
def test_any_name_is_a_text_and_nothing_else_in_svg(names):
    out = sum((leaf(name=name) for name in names), start=leaf())
    root = ET.fromstring(graph(out).to_svg())  # noqa: S314  # what the program dot has written
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "title", "polygon", "polyline", "ellipse", "path", "text"}
    texts = ["".join(text.itertext()).replace("\xa0", " ") for text in root.iter(f"{SVG}text")]
    for name in names:
        # dot sets spaces as no-break spaces, and leaves out those at the ends
        expected = shown(name) or "leaf"
        assert any(expected.split() == text.split() for text in texts)


@needs_dot
def test_dot_reads_what_the_parser_of_this_file_reads():
    loss, parameters = network_loss()
    view = graph(loss, parameters=parameters)
    done = subprocess.run(
        ["dot", "-Tjson0"], input=view.to_dot().encode(), capture_output=True, check=True
    )
    theirs = json.loads(done.stdout)
    nodes, edges = parse_dot(view.to_dot())
    assert [node["name"] for node in theirs["objects"]] == list(nodes)
    assert [node["label"] for node in theirs["objects"]] == [n["label"] for n in nodes.values()]
    ends = sorted((f"n{edge['tail']}", f"n{edge['head']}") for edge in theirs["edges"])
    assert ends == sorted(edge[:2] for edge in edges)


def test_printable_makes_every_character_visible():
    assert dot.printable("a\n\x1b[31m\u202e\ud800 é日") == "a\\n\\x1b[31m\\u202e\\ud800 é日"


def test_nodes_of_the_network_have_names_shapes_and_kinds():
    loss, parameters = network_loss()
    view = graph(loss, parameters=parameters)
    assert [(n.kind, n.name, n.shape) for n in view.nodes if n.kind in ("leaf", "parameter")] == [
        ("parameter", "layers.0.W", (2, 5)),
        ("parameter", "layers.0.b", (5,)),
        ("parameter", "layers.2.W", (5, 5)),
        ("parameter", "layers.2.b", (5,)),
        ("parameter", "layers.4.W", (5, 1)),
        ("parameter", "layers.4.b", (1,)),
        ("leaf", "X", (4, 2)),
    ]
    assert [(n.op, n.kind, n.shape) for n in view.nodes[7:]] == [
        ("affine", "op", (4, 5)),
        ("sigmoid", "op", (4, 5)),
        ("affine", "op", (4, 5)),
        ("sigmoid", "op", (4, 5)),
        ("affine", "op", (4, 1)),
        ("bce_with_logits", "output", ()),
    ]
    assert {node.dtype for node in view.nodes} == {"float64"}


def test_names_of_arguments_come_from_the_rule():
    x, y = leaf((2, 2), "x"), leaf((2, 2), "y")
    named = {edge.position: edge.argument for edge in graph(tg.affine(x, y, leaf((2,)))).edges}
    assert named == {0: "x", 1: "W", 2: "b"}
    assert [edge.argument for edge in graph(np.concatenate([x, y])).edges] == [None, None]
    assert [edge.argument for edge in graph(np.arctan2(x, y)).edges] == ["y", "x"]


@pytest.mark.parametrize(
    ("function", "labels"),
    [
        (lambda a, b: a - b, ["x", "y"]),
        (lambda a, b: a + b, ["", ""]),  # the order says nothing
        (lambda a, b: tg.affine(a, b, tg.tensor(np.ones(2))), ["x", "W"]),
        (lambda a, b: np.concatenate([a, b]), ["0", "1"]),
        (lambda a, b: np.sin(a) + 0 * b, ["", "", "", ""]),
    ],
)
def test_an_edge_is_labelled_where_it_could_be_mistaken(function, labels):
    _, edges = parse_dot(graph(function(leaf((2, 2)), leaf((2, 2)))).to_dot())
    assert [attributes.get("label", "") for _, _, attributes in edges] == labels


def test_a_leaf_called_like_its_argument_needs_no_label():
    out = tg.affine(leaf((1, 2)), leaf((2, 2), "hidden1.W"), leaf((2,), "b"))
    _, edges = parse_dot(graph(out).to_dot())
    assert all("label" not in attributes for _, _, attributes in edges)


programs = st.lists(
    st.tuples(
        st.sampled_from(["add", "multiply", "subtract"]), st.integers(0, 40), st.integers(0, 40)
    ),
    min_size=1,
    max_size=30,
)


def run_program(program):
    values = [leaf((2,), f"x{i}") for i in range(3)]
    for name, i, j in program:
        values.append(getattr(np, name)(values[i % len(values)], values[j % len(values)]))
    return values[-1]


@settings(max_examples=60, deadline=None)
@given(program=programs)
def test_ids_are_a_topological_order_and_the_same_each_time(program):
    view = graph(run_program(program))
    assert [node.id for node in view.nodes] == list(range(len(view.nodes)))
    assert all(edge.source < edge.target for edge in view.edges)
    assert view.nodes[-1].kind == "output"
    assert sum(node.kind == "output" for node in view.nodes) == 1
    # every node but the last is used: nothing beside the way to the output is drawn
    assert {edge.source for edge in view.edges} == set(range(len(view.nodes) - 1))
    places = [(edge.target, edge.position) for edge in view.edges]
    assert places == sorted(places)
    assert graph(run_program(program)) == view


@settings(max_examples=60, deadline=None)
@given(program=programs, name=HOSTILE)
def test_json_goes_out_and_comes_back(program, name):
    out = run_program(program)
    out.name = name
    view = graph(out)
    text = view.to_json()
    assert text.isascii()
    found = json.loads(text)
    assert found == view.to_dict()
    assert (found["format"], found["version"]) == ("tinygrad_bp.graph", 1)
    assert found.keys() == {"format", "version", "nodes", "edges"}
    nodes = tuple(NodeView(**{**node, "shape": tuple(node["shape"])}) for node in found["nodes"])
    assert GraphView(nodes, tuple(EdgeView(**edge) for edge in found["edges"])) == view


def test_a_chain_of_100_000_nodes_needs_no_recursion(tmp_path):
    limit = sys.getrecursionlimit()
    x = out = leaf(name="x")
    for _ in range(100_000):
        out = np.sin(out)
    view = graph(out)
    assert len(view.nodes) == 100_001
    assert view.nodes[0].name == x.name
    view.save(tmp_path / "chain.json")
    assert len(json.loads((tmp_path / "chain.json").read_text())["edges"]) == 100_000
    short = GraphView(view.nodes[:10_000], view.edges[:9_999])  # Graphviz' quoting takes its time
    assert short.to_dot().count("sin") == 9_999
    assert sys.getrecursionlimit() == limit


def test_same_tensor_twice_is_two_edges():
    x = leaf(name="x")
    assert graph(x * x).edges == (EdgeView(0, 1, 0, "x"), EdgeView(0, 1, 1, "y"))


def test_a_leaf_alone_is_a_picture():
    view = graph(leaf((3,), "x"))
    assert view.nodes == (NodeView(0, "leaf", "x", (3,), "float64", "leaf"),)
    assert view.edges == ()
    assert list(parse_dot(view.to_dot())[0]) == ["n0"]


def test_dtype_is_shown_where_it_is_not_float64():
    x = tg.tensor(np.ones(2, np.float32), requires_grad=True, name="x")
    nodes, _ = parse_dot(graph(np.exp(x)).to_dot())
    assert [label_lines(node["label"]) for node in nodes.values()] == [
        ["x", "2 float32"],
        ["exp", "2 float32"],
    ]


@pytest.mark.parametrize(
    "make",
    [lambda: tg.tensor(1.0), lambda: leaf().detach(), lambda: 1.0, lambda: np.ones(2)],
    ids=["untracked", "detached", "float", "array"],
)
def test_nothing_tracked_is_nothing_to_draw(make):
    with pytest.raises(GraphError, match="nothing is tracked, so there is no graph to show"):
        graph(make())


def test_a_picture_does_not_keep_the_graph_alive():
    out = np.sin(leaf())
    node = weakref.ref(out.node)
    view = graph(out)
    gc.disable()
    try:
        del out
        assert node() is None
    finally:
        gc.enable()
    assert len(view.nodes) == 2


def test_save_writes_the_form_that_the_suffix_names(tmp_path):
    view = graph(np.sin(leaf(name="ö")))
    for name in ("g.dot", "g.gv", "G.DOT"):
        view.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == view.to_dot().encode()
    view.save(str(tmp_path / "g.json"))
    assert json.loads((tmp_path / "g.json").read_text()) == view.to_dict()


@needs_dot
def test_save_writes_svg(tmp_path):
    view = graph(np.sin(leaf(name="ö")))
    view.save(tmp_path / "g.svg")
    assert (tmp_path / "g.svg").read_bytes() == view.to_svg().encode()


@pytest.mark.parametrize(
    ("name", "error", "part"),
    [
        ("g.png", ValueError, "'g.png' ends in '.png'; expected one of .svg, .dot, .gv, .json"),
        ("g", ValueError, "'g' ends in ''"),
        ("absent/g.dot", OSError, "No such file"),
    ],
)
def test_save_refuses(tmp_path, name, error, part):
    with pytest.raises(error) as caught:
        graph(np.sin(leaf())).save(tmp_path / name)
    assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def program_called_dot(folder, monkeypatch, script):
    path = folder / "dot"
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("import sys; sys.exit('<stdin>: syntax error')", "'dot' failed: <stdin>: syntax error"),
        ("raise SystemExit(3)", "'dot' failed: exit code 3"),
        ("import time; time.sleep(60)", "'dot' did not finish in 0.5 s"),
        (None, "'dot' cannot run: "),
        ("", "Graphviz' program 'dot' is not installed"),
    ],
    ids=["error", "exit", "slow", "no program", "absent"],
)
def test_what_goes_wrong_with_dot_is_told_and_nothing_is_written(
    tmp_path, monkeypatch, script, part
):
    monkeypatch.setattr(dot, "TIMEOUT", 0.5)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    if script is None:
        (programs / "dot").write_bytes(b"\x7fELF, or rather not")
        (programs / "dot").chmod(0o755)
    elif script:
        program_called_dot(programs, monkeypatch, script)
    with pytest.raises(RenderError) as caught:
        graph(np.sin(leaf())).save(tmp_path / "g.svg")
    assert part in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_each_kind_has_its_own_shape_and_colour():
    for attribute in ("shape", "color", "fillcolor"):
        assert len({style[attribute] for style in dot.STYLES.values()}) == 4


@pytest.mark.parametrize("style", dot.STYLES.values(), ids=dot.STYLES)
def test_black_text_stands_out_from_every_fill(style):
    """WCAG 2.2, success criterion 1.4.6: a contrast of 7 to 1."""
    channels = np.array([int(style["fillcolor"][i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    assert (luminance + 0.05) / 0.05 >= 7.0
