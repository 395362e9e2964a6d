"""Renderers of pictures: names that are only ever text, looks, engines, files, notebooks."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import html
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from deeper import explored
from dot_reader import label_lines, parse_dot, parse_parts, tokens
from hypothesis import strategies as st
from sample_graphs import SAMPLES
from view_samples import HOSTILE, network_loss, network_view, ones, programs, run_program
from words import ABSENT, DISK_FULL

import tinygrad_bp as tg
from tinygrad_bp.formulas import printing
from tinygrad_bp.view import GraphView, RenderError
from tinygrad_bp.view.explorer.content import content
from tinygrad_bp.view.explorer.unfolding import unfoldings
from tinygrad_bp.view.formats import dot, pictures, placed, svg
from tinygrad_bp.view.layout.drawing import drawing
from tinygrad_bp.view.layout.layering import Broken, ranks
from tinygrad_bp.view.layout.layout import grid
from tinygrad_bp.view.layout.rows import layout
from tinygrad_bp.view.picture import labels, palette
from tinygrad_bp.view.picture.kinds import KINDS, MARK
from tinygrad_bp.view.picture.parts import parts
from tinygrad_bp.view.picture.tags import tagged

SVG = "{http://www.w3.org/2000/svg}"
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
LENGTH = printing.NAME_LENGTH


def shown(name):
    text = printing.printable(name)
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def named(first, second):
    x, y = ones((2,), first), ones((2,))
    out = x * y
    out.name = second
    return tg.graph(out, parameters={second: y})


# Names are text and nothing else


@pytest.mark.parametrize("source", [dot.source, placed.source])
@explored(32, 320, first=HOSTILE, second=HOSTILE)
def test_any_name_is_a_text_and_nothing_else_in_dot(source, first, second):
    nodes, edges = parse_dot(source(named(first, second)))
    assert sorted(nodes) == ["n0", "n1", "n2"]
    assert [(a, b) for a, b, _ in edges] == [("n0", "n2"), ("n1", "n2")]
    found = [label_lines(nodes[name]["label"]) for name in sorted(nodes)]
    assert found[0] == [shown(first) or "leaf", "2"]
    assert found[1] == [shown(second) or "leaf", "2"]
    assert found[2] == [*([shown(second)] if second else []), "multiply", "2"]


@explored(24, 240, name=HOSTILE.filter(bool))
def test_any_scope_is_a_text_and_nothing_else_in_dot(name):
    with tg.scope(name):
        out = np.sin(np.cos(ones((2,))))
    view = tg.graph(out)
    _, _, within = parse_parts(view.to_dot())
    assert [label_lines(box) for box in within["n1"]] == [[shown(name)]]
    found = [value for _, value in tokens(placed.source(view))]
    label = found.index("label", found.index("subgraph"))
    (title,) = label_lines(found[label + 2])  # cut to the width of its box
    assert shown(name).startswith(title.removesuffix("…"))


def check_svg(text, names):
    root = ET.fromstring(text)  # noqa: S314  # what this project or the program dot has written
    tags = {
        element.tag.removeprefix(SVG) for element in root.iter() if element.tag is not ET.Comment
    }
    assert tags <= {
        "svg",
        "g",
        "title",
        "style",
        "rect",
        "polygon",
        "polyline",
        "ellipse",
        "path",
        "text",
    }
    assert {key for element in root.iter() for key in element.attrib} <= {
        "width", "height", "viewBox", "role", "class", "fill", "d", "points", "x", "y", "id",
        "transform", "stroke", "stroke-width", "stroke-dasharray", "text-anchor", "font-family",
        "font-size", "font-weight", "cx", "cy", "rx", "ry", "data-node",
        "{http://www.w3.org/XML/1998/namespace}space",
    }  # fmt: skip
    texts = ["".join(one.itertext()).replace("\xa0", " ") for one in root.iter(f"{SVG}text")]
    for name in names:
        expected = shown(name) or "leaf"
        # dot sets spaces as no-break spaces, and leaves out those at the ends
        assert any(expected.split() == one.split() for one in texts)


@explored(32, 320, names=st.lists(HOSTILE, min_size=1, max_size=6, unique=True))
def test_any_name_is_a_text_and_nothing_else_in_our_own_svg(names):
    out = sum((ones(name=name) for name in names), start=ones())
    check_svg(tg.graph(out).to_svg(engine="own"), names)


@needs_dot
@explored(6, 60, names=st.lists(HOSTILE, min_size=1, max_size=12, unique=True))
def test_any_name_is_a_text_and_nothing_else_in_the_svg_of_dot(names):
    out = sum((ones(name=name) for name in names), start=ones())
    check_svg(tg.graph(out).to_svg(engine="dot"), names)


MERMAID_LINE = re.compile(
    r"flowchart (LR|TB)"
    r'| +(?P<node>n\d+)(>|\[|\[\(|\(|\(\[|\(\(|\{\{|\[/|\[\[)"(?P<label>[^"]*)"'
    r"(\]|\)\]|\)|\]\)|\)\)|\}\}|\\\]|\]\]):::\w+"
    r'|  subgraph s\d+\["(?P<title>[^"]*)"\]|  end'
    r'|  n\d+ (-->|-\.->)(\|"[^"]*"\|)? n\d+'
    r"|  classDef \w+ [\w#:,.\- ]+"
)


def unescaped(text):
    assert re.fullmatch(r"(?:[\w .,_=+·×…]|#\d+;)*", text), text
    return re.sub(r"#(\d+);", lambda code: chr(int(code[1])), text)


@explored(60, 600, first=HOSTILE, second=HOSTILE)
def test_any_name_is_a_text_and_nothing_else_in_mermaid(first, second):
    found = {}
    for line in named(first, second).to_mermaid().splitlines():
        match = MERMAID_LINE.fullmatch(line)
        assert match, line
        if match["node"]:
            found[match["node"]] = [unescaped(part) for part in match["label"].split("<br/>")]
        if match["title"]:
            unescaped(match["title"])
    assert found["n0"] == [shown(first) or "leaf", "2"]
    assert found["n2"] == [*([shown(second)] if second else []), "multiply", "2"]


@explored(60, 600, first=HOSTILE, second=HOSTILE)
def test_any_name_is_a_text_and_nothing_else_in_a_terminal(first, second):
    lines = named(first, second).to_text().split("\n")
    assert all(line.isprintable() for line in lines)
    assert lines[:3] == [
        "  ".join([*([shown(second)] if second else []), "multiply", "2"]),
        f"├─ {shown(first) or 'leaf'}  2",
        f"└─ {shown(second) or 'leaf'}  2",
    ]


def test_printable_makes_every_character_visible():
    assert printing.printable("a\n\x1b[31m\u202e\ud800 é日") == "a\\n\\x1b[31m\\u202e\\ud800 é日"


# Labels


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (1.0, "1"), (0.25460, "0.2546"), (-12.5, "-12.5"),
        (1234.5, "1235"), (123456.0, "123456"), (1e6, "1e+06"), (3.14159e-7, "3.14e-07"),
        (1e-4, "0.0001"), (5e-324, "4.94e-324"), (-2e300, "-2e+300"), (9.99996, "10"),
        (float("nan"), "nan"), (float("-inf"), "-inf"), (True, "True"), (12345678, "12345678"),
        (1.5 - 2j, "1.5-2j"), (complex(0, -0.0), "0-0j"),
    ],
)  # fmt: skip
def test_numbers_have_four_significant_digits(number, text):
    assert labels.number_text(number) == text


@explored(120, 1200, st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_shown_to_three_digits_at_least(number):
    read = Decimal(labels.number_text(number))
    assert abs(read - Decimal(number)) <= abs(Decimal(number)) * Decimal("0.0051")


@pytest.mark.parametrize(
    ("function", "labels"),
    [
        (lambda a, b: a - b, ["x", "y"]),
        (lambda a, b: a + b, ["", ""]),  # the order says nothing
        (lambda a, b: tg.affine(a, b, np.ones(2)), ["x", "W", "b"]),
        (lambda a, b: np.concatenate([a, b]), ["0", "1"]),
        (lambda a, b: np.sin(a) + np.exp(b), ["", "", "", ""]),
    ],
)
def test_an_edge_is_labelled_where_it_could_be_mistaken(function, labels):
    _, edges = parse_dot(tg.graph(function(ones((2, 2)), ones((2, 2)))).to_dot())
    assert [attributes.get("label", "") for _, _, attributes in edges] == labels


def test_a_leaf_called_like_its_argument_needs_no_label():
    out = tg.affine(ones((1, 2)), ones((2, 2), "hidden1.W"), ones((2,), "b1"))
    _, edges = parse_dot(tg.graph(out).to_dot())
    assert all("label" not in attributes for _, _, attributes in edges)


def test_dtype_is_shown_where_it_is_not_float64():
    x = tg.tensor(np.ones(2, np.float32), requires_grad=True, name="x")
    nodes, _ = parse_dot(tg.graph(np.exp(x)).to_dot())
    assert [label_lines(node["label"]) for node in nodes.values()] == [
        ["x", "2 float32"],
        ["exp", "2 float32"],
    ]


def test_a_scalar_shows_its_value_and_a_constant_is_its_value():
    nodes, _ = parse_dot(tg.graph(ones((), "x") ** 0.5).to_dot())
    assert [label_lines(node["label"]) for node in nodes.values()] == [
        ["x", "= 1"],
        ["0.5"],
        ["power", "= 1"],
    ]


@pytest.mark.parametrize("engine", ["own", pytest.param("dot", marks=needs_dot)])
def test_notes_are_written_below_a_drawing_and_are_texts(engine):
    notes = ("</svg> &lt; \\N", "a long note " * 20)
    view = dataclasses.replace(tg.graph(np.sin(ones((2,), "x"))), notes=notes)
    root = ET.fromstring(view.to_svg(engine=engine))  # noqa: S314  # our own, and dot's
    text = " ".join(" ".join(one.itertext()) for one in root.iter(f"{SVG}text"))
    assert "Note: </svg> &lt; \\N" in text
    assert text.count("a long note") == 20
    low = max(float(one.get("y")) for one in root.iter(f"{SVG}text"))
    assert low < float(root.get("height").removesuffix("pt"))


def test_notes_are_in_the_page_with_and_without_javascript():
    view = dataclasses.replace(network_view(), notes=("</ul><script>",))
    before, _, after = view.to_html().partition('<main id="explorer"')
    assert "<li>&lt;/ul&gt;&lt;script&gt;</li>" in before
    assert after


def test_parts_are_boxes():
    x = ones((2,), "x")
    with tg.scope("outer"), tg.scope("inner"):
        h = np.sin(np.cos(x))
    with tg.scope("lone"):
        h = h * ones((2,), "lone.w")
    view = tg.graph(np.sum(h))
    _, _, within = parse_parts(view.to_dot())
    found = {node.op: within[f"n{node.id}"] for node in view.nodes}
    assert found["cos"] == found["sin"] == ["outer / inner"]
    assert found["multiply"] == found["sum"] == []  # a box around one operation says nothing


def test_a_layer_is_a_box_at_each_place_where_it_is_used():
    W, b, V = ones((3, 3), "first.W"), ones((3,), "first.b"), ones((3, 3), "second.W")
    out = ((ones((2, 3), "x") @ W + b) @ V) @ W + b
    boxes = drawing(tg.graph(np.sum(out) + np.sum(W**2))).boxes
    assert [box.title for box in boxes] == ["first", "first"]  # a single operation has none
    with tg.scope("powers"):  # the user's own is one, whatever it holds
        found = [np.square(ones((2,), "powers.a") + 1), np.exp(ones((2,), "b") * 2)]
    assert [box.title for box in drawing(tg.graph(np.sum(found[0] * found[1]))).boxes] == ["powers"]


def test_the_network_as_a_tree():
    bias = network_loss()[1]["output.b"].detach().item()
    assert network_view().to_text() == (
        f"loss  bce_with_logits(mean)  = {network_loss()[0].item():.4f}\n"
        "├─ affine  4×1\n"
        "│  ├─ sigmoid  4×5\n"
        "│  │  └─ affine  4×5\n"
        "│  │     ├─ sigmoid  4×5\n"
        "│  │     │  └─ affine  4×5\n"
        "│  │     │     ├─ X  4×2\n"
        "│  │     │     ├─ hidden1.W  2×5\n"
        "│  │     │     └─ hidden1.b  5\n"
        "│  │     ├─ hidden2.W  5×5\n"
        "│  │     └─ hidden2.b  5\n"
        "│  ├─ output.W  5×1\n"
        f"│  └─ output.b  1  = {bias:.4f}\n"
        "└─ y  4×1\n"
    )


def test_a_node_that_is_used_twice_is_written_out_once():
    h = np.tanh(ones((2,), "x"))
    assert tg.graph(np.sum(h * np.sin(h))).to_text().count("x  2") == 1
    assert "tanh  2  (see #1 above)" in tg.graph(h * np.sin(h)).to_text()


@needs_dot
def test_dot_reads_what_the_parser_of_the_tests_reads():
    view = network_view()
    done = subprocess.run(
        ["dot", "-Tjson0"], input=view.to_dot().encode(), capture_output=True, check=True
    )
    theirs = json.loads(done.stdout)
    nodes, edges, within = parse_parts(view.to_dot())
    found = {one["name"]: one for one in theirs["objects"]}
    assert {name: found[name]["label"] for name in nodes} == {
        name: node["label"] for name, node in nodes.items()
    }
    boxes = {one["_gvid"]: one for one in theirs["objects"] if "nodes" in one}
    members = {
        box["label"]: {n for n in nodes if found[n]["_gvid"] in box["nodes"]}
        for box in boxes.values()
    }
    assert members == {label: {n for n in nodes if within[n] == [label]} for label in members}
    names = {one["_gvid"]: one["name"] for one in theirs["objects"]}
    ends = sorted((names[edge["tail"]], names[edge["head"]]) for edge in theirs["edges"])
    assert ends == sorted(edge[:2] for edge in edges)


# Looks


def test_each_kind_has_its_own_outline_and_colour():
    kinds = len(KINDS)
    styles = [dot.style(kind) for kind in KINDS]
    assert len({(style["shape"], style.get("style")) for style in styles}) == kinds
    assert len({style["color"] for style in styles}) == kinds
    assert len({style["fillcolor"] for style in styles}) == kinds
    assert len({look.brackets for look in KINDS.values()}) == kinds
    assert len({look.word for look in KINDS.values()}) == kinds
    outlines = {
        kind: svg.outline(look.shape, (0.0, 0.0), (80.0, 40.0)) for kind, look in KINDS.items()
    }
    alike = {kind for kind in outlines if list(outlines.values()).count(outlines[kind]) > 1}
    assert alike == {"parameter", "constant"}  # which differ in their border: dashed or not


def test_a_new_kind_of_node_is_drawn_in_every_form_by_its_row_alone(monkeypatch):
    row = KINDS["leaf"]._replace(word="measured", border="#123456")
    monkeypatch.setitem(KINDS, "measured", row)
    view = tg.graph(np.sin(ones((2,), "x")))
    first = dataclasses.replace(view.nodes[0], kind="measured")
    view = dataclasses.replace(view, nodes=(first, *view.nodes[1:]))
    assert row.border in view.to_dot()
    assert row.border in view.to_mermaid()
    assert 'class="measured"' in view.to_svg(engine="own")
    assert ("measured", "measured") in [
        one[:2] for one in content(unfoldings(view), None)["legend"]
    ]
    assert ".measured>path" in view.to_html()
    assert "x  2" in view.to_text()
    assert GraphView.from_dict(view.to_dict()) == view


def test_the_documentation_names_every_kind():
    page = (Path(__file__).parents[2] / "docs" / "graphs.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `kind` \| nodes \| (.*) \|$", page, re.MULTILINE)
    drawn_alone = {MARK}  # in no GraphView
    assert row.replace("`", "").split(", ") == [kind for kind in KINDS if kind not in drawn_alone]


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def contrast(one, other):
    """WCAG 2.2: the ratio of luminances."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("look", KINDS.values(), ids=KINDS)
def test_text_and_borders_stand_out_in_light_and_dark(look):
    """WCAG 2.2, success criteria 1.4.6 (7 to 1 for text) and 1.4.11 (3 to 1 for borders)."""
    assert contrast(palette.TEXT, look.fill) >= 7
    assert contrast(palette.DARK_TEXT, look.dark_fill) >= 7
    assert contrast(look.border, palette.PAPER) >= 3
    assert contrast(look.dark_border, palette.DARK_PAPER) >= 3


@pytest.mark.parametrize("engine", ["own", pytest.param("dot", marks=needs_dot)])
def test_a_drawing_turns_dark_with_the_screen(engine):
    text = network_view().to_svg(engine=engine)
    assert "@media (prefers-color-scheme: dark)" in text
    assert 'class="node parameter"' in text or 'class="parameter"' in text


# Our own layout


def boxes(text):
    """Return the centre and size of each node's text block, from the SVG."""
    root = ET.fromstring(text)  # noqa: S314  # our own
    found = []
    for group in root.iter(f"{SVG}g"):
        if "data-node" in group.attrib:
            texts = list(group.iter(f"{SVG}text"))
            ys = [float(one.get("y")) for one in texts]
            found.append((float(texts[0].get("x")), min(ys) - 10, max(ys) + 3))
    return found, float(root.get("width")), float(root.get("height"))


@explored(16, 160, program=programs)
def test_no_two_labels_overlap_and_all_are_inside(program):
    view = tg.graph(run_program(program))
    found, width, height = boxes(view.to_svg(engine="own"))
    assert len(found) == len(tagged(view).view.nodes)
    for i, (x, top, low) in enumerate(found):
        assert 0 < x < width
        assert 0 < top < low < height
        for other, upper, lower in found[i + 1 :]:
            assert abs(x - other) > 20 or upper >= low or lower <= top


def drawn_ways(view, **options):
    """Return the points of each edge of our own SVG, without the arrow."""
    root = ET.fromstring(view.to_svg(engine="own", **options))  # noqa: S314  # our own
    groups = [g for g in root.iter(f"{SVG}g") if "edge" in g.get("class")]
    texts = [group.find(f"{SVG}path").get("d") for group in groups]
    return [[tuple(map(float, p.split(","))) for p in re.findall(r"[\d.-]+,[\d.-]+", text)]
            for text in texts]  # fmt: skip


def test_an_edge_ends_at_the_nodes_it_joins():
    centres, _, _ = boxes(network_view().to_svg(engine="own"))
    for edge, way in zip(network_view().edges, drawn_ways(network_view()), strict=True):
        assert centres[edge.source][0] < way[0][0] < way[-1][0] < centres[edge.target][0]


def chain(length):
    out = ones((), "x")
    for _ in range(length):
        out = np.sin(np.cos(out))
    return tg.graph(out)


def test_a_long_chain_is_broken_into_rows_that_fit_a_page():
    found, width, height = boxes(chain(30).to_svg(engine="own", force=True))
    rows = sorted({top for _, top, _ in found})
    assert len(rows) > 3
    assert width < 1200
    assert width * height < 1.5 * 794 * 1123
    assert all(way[0][0] < way[-1][0] for way in drawn_ways(chain(30), force=True))


def test_a_chain_of_a_few_is_one_row():
    found, _, _ = boxes(chain(4).to_svg(engine="own"))
    assert len({top for _, top, _ in found}) == 1


def rectangles(text):
    """Return the boxes of the parts in our own SVG: left, top, right, low by title."""
    root = ET.fromstring(text)  # noqa: S314  # our own
    found = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "cluster":
            numbers = re.findall(r"[\d.-]+", group.find(f"{SVG}path").get("d"))
            left, top, right, low = map(float, numbers[:4])
            found.setdefault(group.find(f"{SVG}text").text, []).append((left, top, right, low))
    return found


@explored(16, 160, st.lists(st.sampled_from(["a", "b", "", "a/c"]), min_size=2, max_size=14))
def test_a_box_holds_the_nodes_of_its_scope_and_no_others(scopes):
    h = x = ones((2,), "x")
    for i, path in enumerate(scopes):
        names = [name for name in path.split("/") if name]
        with contextlib.ExitStack() as stack:
            for name in names:
                stack.enter_context(tg.scope(name))
            h = np.tanh(h * ones((2,), f"w{i}") + x)
    view = tg.graph(np.sum(h), values=False)
    text = view.to_svg(engine="own", force=True)
    root = tagged(view).view
    found, _, _ = boxes(text)
    for title, pieces in rectangles(text).items():
        last = title.rpartition(" / ")[2]
        for left, top, right, low in pieces:
            inside = {
                node.id
                for node, (x, upper, lower) in zip(root.nodes, found, strict=True)
                if left < x < right and top < (upper + lower) / 2 < low
            }
            assert inside
            assert all(last in root.nodes[i].scope for i in inside)


# Engines and files


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
        (None, "'dot' cannot run: "),
        ("", "Graphviz' program 'dot' is not installed"),
    ],
    ids=["error", "exit", "no program", "absent"],
)
def test_what_goes_wrong_with_dot_is_told_and_nothing_is_written(
    tmp_path, monkeypatch, script, part
):
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    if script is None:
        (programs / "dot").write_bytes(b"\x7fELF, or rather not")
        (programs / "dot").chmod(0o755)
    elif script:
        program_called_dot(programs, monkeypatch, script)
    with pytest.raises(RenderError) as caught:
        tg.graph(np.sin(ones())).save(tmp_path / "g.png")
    assert part in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_a_dot_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(dot, "TIMEOUT", 0.5)
    monkeypatch.setattr(pictures, "QUICK", 0.5)
    program_called_dot(tmp_path, monkeypatch, "import signal; signal.pause()")
    with pytest.raises(RenderError, match=re.escape("'dot' did not finish in 0.5 s")):
        tg.graph(np.sin(ones())).save(tmp_path / "g.png")
    assert [path.name for path in tmp_path.iterdir()] == ["dot"]


def test_a_picture_comes_out_on_a_fresh_machine_and_says_what_drew_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    text = network_view().to_svg()
    assert "laid out by the layered layout of tinygrad_bp" in text
    check_svg(text, ["hidden1.W", "loss"])


@pytest.mark.parametrize(
    ("script", "seconds", "reason"),
    [
        ("import signal; signal.pause()", 0.5, "'dot' did not finish in 0.5 s"),
        ("raise SystemExit(3)", 300.0, "'dot' failed: exit code 3"),
    ],
    ids=["slow", "broken"],
)
def test_where_dot_is_slow_or_broken_our_own_layout_takes_over_and_says_so(
    tmp_path, monkeypatch, script, seconds, reason
):
    monkeypatch.setattr(pictures, "QUICK", seconds)
    monkeypatch.setattr(dot, "TIMEOUT", seconds)
    program_called_dot(tmp_path, monkeypatch, script)
    text = html.unescape(network_view().to_svg())
    assert f"Note: laid out by tinygrad_bp: {reason}" in text
    with pytest.raises(RenderError):
        network_view().to_svg(engine="dot")


@needs_dot
def test_what_dot_would_spread_over_pages_is_laid_out_by_us():
    text = html.unescape(chain(40).to_svg(force=True))
    assert re.search(r"Note: laid out by tinygrad_bp: 'dot' needs \d+\.\d pages", text)
    assert "program dot" in chain(40).to_svg()  # folded, it fits


@needs_dot
def test_pixels_are_as_wide_as_asked_for(tmp_path):
    view = network_view()
    view.save(tmp_path / "g.png", width=360)
    across, _ = size_of((tmp_path / "g.png").read_bytes())
    assert 400 < across <= 1.5 * 360 + 12


def test_what_takes_no_width_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'dot' takes no width"):
        network_view().to_svg(engine="dot", width=360)
    with pytest.raises(ValueError, match=r"'g\.txt' has no width"):
        network_view().save(tmp_path / "g.txt", width=360)


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="expected one of dot, own"):
        tg.graph(ones()).to_svg(engine="paint")


def test_save_writes_the_form_that_the_suffix_names(tmp_path):
    view = tg.graph(np.sin(ones(name="ö")))
    forms = {
        "g.dot": view.to_dot, "g.gv": view.to_dot, "G.DOT": view.to_dot, "g.json": view.to_json,
        "g.mmd": view.to_mermaid, "g.txt": view.to_text, "g.svg": view.to_svg,
        "g.html": view.to_html,
    }  # fmt: skip
    for name, render in forms.items():
        view.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == render().encode()
    view.save(str(tmp_path / "again.json"))
    assert GraphView.from_dict(json.loads((tmp_path / "again.json").read_text())) == view


@pytest.mark.parametrize("suffix", ["svg", "dot", "gv", "json", "mmd", "txt", "html", "png"])
def test_save_on_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, suffix):
    def full(descriptor):
        raise OSError(errno.ENOSPC, DISK_FULL)

    path = tmp_path / f"g.{suffix}"
    path.write_text("old")
    if suffix == "png":
        monkeypatch.setattr(pictures, "pixels", lambda *_: b"pixels")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="what was there before is intact"):
        tg.graph(np.sin(ones())).save(path)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {path.name: "old"}


@needs_dot
def test_save_writes_pixels_by_dot(tmp_path):
    view = tg.graph(np.sin(ones(name="x")))
    view.save(tmp_path / "g.png")
    view.save(tmp_path / "g.pdf")
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "g.pdf").read_bytes().startswith(b"%PDF")


def size_of(picture):
    """Return width and height of a PNG, from its header."""
    return struct.unpack(">II", picture[16:24])


@needs_dot
def test_pixels_of_a_large_graph_are_those_of_our_own_layout(tmp_path):
    loss, options = SAMPLES["recurrent"]()
    view = tg.graph(loss, **options)
    view.save(tmp_path / "g.png", force=True)
    root = ET.fromstring(view.to_svg(engine="own", force=True))  # noqa: S314  # our own
    across, down = size_of((tmp_path / "g.png").read_bytes())
    # 144 a inch, not 96; a note of who has laid it out shrinks it a little
    assert across == pytest.approx(1.5 * float(root.get("width")), rel=0.02)
    assert across * down <= 1.51 * 794 * 1123 * 1.5**2


@needs_dot
@pytest.mark.parametrize("phase", ["forward", "both"])
def test_graphviz_paints_our_own_layout_where_it_stands(phase):
    loss, options = SAMPLES["autoencoder"]()
    view = tg.graph(loss, **options, phase=phase)
    plain = dot.run(placed.source(view), "plain", options=placed.OPTIONS).decode()
    rows = [line.split() for line in plain.splitlines()]
    drawn = drawing(view)
    found = {row[1]: [float(x) for x in row[2:6]] for row in rows if row[0] == "node"}
    assert len(found) == len(drawn.nodes)
    moved = {
        (
            round(found[f"n{i}"][0] * 72 - node.centre[0]),
            round(found[f"n{i}"][1] * 72 + node.centre[1]),
        )
        for i, node in enumerate(drawn.nodes)
    }
    across, up = zip(*moved, strict=True)
    assert max(across) - min(across) <= 1
    assert max(up) - min(up) <= 1
    edges = [(row[1], row[2]) for row in rows if row[0] == "edge"]
    expected = [(f"n{e.edge.source}", f"n{e.edge.target}") for e in drawn.edges]
    assert sorted(edges) == sorted(expected)


@pytest.mark.parametrize(
    ("name", "error", "part"),
    [
        ("g.jpg", ValueError, "'g.jpg' ends in '.jpg'; expected one of .svg, .dot, .gv, .json"),
        ("g", ValueError, "'g' ends in ''"),
        ("absent/g.dot", OSError, ABSENT),
    ],
)
def test_save_refuses(tmp_path, name, error, part):
    with pytest.raises(error) as caught:
        tg.graph(np.sin(ones())).save(tmp_path / name)
    assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


# Notebooks


def test_a_notebook_shows_svg_and_text():
    view = network_view()
    bundle = view._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == view.to_text()
    check_svg(bundle["image/svg+xml"], ["loss"])


def test_a_notebook_shows_our_own_drawing_where_dot_fails(tmp_path, monkeypatch):
    program_called_dot(tmp_path, monkeypatch, "raise SystemExit(1)")
    bundle = network_view()._repr_mimebundle_()
    assert "layered layout" in bundle["image/svg+xml"]


@pytest.mark.parametrize("renderer", ["to_text", "to_svg"])
def test_no_exception_escapes_from_a_display_hook(monkeypatch, renderer):
    def fail(*_args, **_kwargs):
        raise MemoryError

    monkeypatch.setattr(GraphView, renderer, fail)
    view = network_view()
    assert view._repr_mimebundle_()["text/plain"]
    assert repr(view) == "<GraphView: 14 nodes, 13 edges, tensor level>"


def test_a_notebook_folds_a_large_graph():
    out = ones((), "x")
    for _ in range(2000):
        out = np.sin(out)
    assert tg.graph(out)._repr_mimebundle_()["text/plain"].count("\n") == 6  # with two notes


def test_svg_text_is_escaped_once():
    assert svg.as_text("<a & b>\n") == html.escape("<a & b>\\n")


def used_everywhere():
    x = ones((4,), "x")
    out = x
    for name in np.random.default_rng(0).choice(["sin", "cos", "tanh", "arctan"], 100):
        out = getattr(np, name)(out) * x + 1.0
    return tg.graph(np.sum(out))


def test_long_edges_of_a_few_hundred_nodes_go_around_what_is_in_their_way():
    view = used_everywhere()
    sizes = [(40.0, 30.0)] * len(view.nodes)
    folds = Broken(ranks(view), [0])
    laid = grid(view, folds, sizes, [0.0] * len(view.edges), parts(view))
    found = layout(view, laid, parts(view))
    centres = np.array(found.centres)
    level = [(e, a, b) for e, way in zip(view.edges, found.bends, strict=True)
             for a, b in pairwise(way) if a[1] == b[1]]  # fmt: skip
    assert len(level) > 100
    for edge, (x, y), (u, _) in level:  # along a row: no node is there
        passed = (centres[:, 0] > min(x, u)) & (centres[:, 0] < max(x, u))
        passed[[edge.source, edge.target]] = False
        assert np.all(np.abs(centres[passed, 1] - y) > 15.0)


@pytest.mark.parametrize("wide", [40.0, 400.0])
def test_an_edge_does_not_run_behind_a_wide_neighbour(wide):
    view = tg.graph(np.concatenate([ones((1,), name) for name in "xyz"]))
    names = [node.name for node in view.nodes]
    sizes = [(wide if name == "y" else 40.0, 30.0) for name in names]
    folds = Broken(ranks(view), [0])
    found = layout(view, grid(view, folds, sizes, [0.0] * 3, parts(view)), parts(view))
    beyond = found.centres[names.index("y")][0] + wide / 2
    for edge, bends in zip(view.edges, found.bends, strict=True):
        if names[edge.source] != "y":
            along, across = found.centres[edge.source]
            assert max([along + 20.0, *(x for x, y in bends if y == across)]) == beyond


def test_dot_is_told_to_end():
    assert "nslimit=10" in used_everywhere().to_dot()  # or else it needs minutes for this one
