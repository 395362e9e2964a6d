"""Pictures of eleven models: legible, and every number in them that of the engine."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from deeper import by_turns
from sample_graphs import ALL, SAMPLES, STRUCTURES, structures
from view_samples import ones

import tinygrad_bp as tg
from tinygrad_bp.view.layout.drawing import text_width
from tinygrad_bp.view.picture import labels
from tinygrad_bp.view.picture.folding import drawable

SVG = "{http://www.w3.org/2000/svg}"
PAGE = 794 * 1123  # pixels of an A4

# Crossings and bends that Graphviz' dot needs for the same pictures, counted alike (version 2.43),
# folded and unfolded; where it fills up to 12 pages.  Ours are as many at most.
DOT = {
    "perceptron": ((0, 4), (0, 4)),
    "residual": ((0, 6), (0, 7)),
    "recurrent": ((1, 1), (0, 0)),
    "transformer": ((0, 1), (1, 14)),
    "autoencoder": ((1, 2), (2, 5)),
    "logistic": ((0, 0), (0, 0)),
    "convolutional": ((0, 2), (0, 2)),
    "remembering": ((2, 12), (5, 16)),
    "implicit": ((0, 0), (0, 0)),
    "hypernetwork": ((1, 4), (1, 4)),
    "adversarial": ((4, 19), (9, 18)),
}
BENT = np.radians(10)  # what is less, nobody sees


@cache
def model(name):
    """Return the loss of a model and the options of its graph; nothing here changes them."""
    return ALL[name]()


@cache
def picture(name, force):
    """Return the drawing of a model without values, as it is read from the SVG."""
    loss, options = model(name)
    view = tg.graph(loss, values=False, **options)
    return ET.fromstring(view.to_svg(engine="own", force=force))  # noqa: S314  # our own


# Each model in one of its forms by default, folded or not, and in the other as a deep run.
FORMS = [
    pytest.param(name, form, marks=pytest.mark.deep if (i + form) % 2 else ())
    for i, name in enumerate(ALL)
    for form in (False, True)
]


def test_the_structures_are_those_that_were_kept():
    kept = json.loads(STRUCTURES.read_text(encoding="utf-8"))
    found = structures()
    assert list(found) == list(kept)
    for name, one in found.items():
        assert one == kept[name], f"{name}: if this is meant, run tests/support/sample_graphs.py"


def sampled(path):
    """Return points along a path of lines and quadratic curves."""
    commands = re.findall(r"([MLQ])([^MLQ]+)", path)
    points = []
    for command, text in commands:
        found = [np.array(one.split(","), float) for one in text.split()]
        if command == "Q":
            start, (corner, end) = points[-1], found
            points += [(1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t * t * end
                       for t in (0.25, 0.5, 0.75, 1.0)]  # fmt: skip
        else:
            points += found
    return np.array(points)


def crossings(ways):
    """Count where two edges cross, but for the last pixels at nodes where they may meet."""
    count = 0
    for i, a in enumerate(ways):
        for b in ways[:i]:
            p, r = a[:-1, None], np.diff(a, axis=0)[:, None]
            q, s = b[None, :-1], np.diff(b, axis=0)[None]
            cross = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
            d = q - p
            with np.errstate(all="ignore"):
                t = (d[..., 0] * s[..., 1] - d[..., 1] * s[..., 0]) / cross
                u = (d[..., 0] * r[..., 1] - d[..., 1] * r[..., 0]) / cross
            for k, m in np.argwhere((t > 0) & (t < 1) & (u > 0) & (u < 1)):
                where = a[k] + t[k, m] * (a[k + 1] - a[k])
                apart = [np.hypot(*(way[[0, -1]] - where).T).min() for way in (a, b)]
                count += max(apart) > 14
    return count


def bends(way):
    """Count the turns of a way: each to one side, however round it is."""
    steps = np.diff(way, axis=0)
    steps = steps[np.hypot(*steps.T) > 1e-6]
    turns = np.diff(np.arctan2(steps[:, 1], steps[:, 0]))
    turns = (turns + np.pi) % (2 * np.pi) - np.pi
    count, turned = 0, 0.0
    for turn in turns:
        if turn * turned < 0:
            count += abs(turned) > BENT
            turned = 0.0
        turned += turn
    return count + (abs(turned) > BENT)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_pictures_of_models_have_few_crossings_and_bends_and_fit_a_page(name, force):
    root = picture(name, force)
    edges = [one for one in root.iter(f"{SVG}g") if "edge" in one.get("class")]
    ways = [sampled(edge.find(f"{SVG}path").get("d")) for edge in edges]
    crossed, bent = DOT[name][force]
    assert crossings(ways) <= crossed
    assert sum(map(bends, ways)) <= bent
    assert float(root.get("width")) * float(root.get("height")) <= 1.51 * PAGE


@pytest.mark.parametrize("width", [None, 500])
def test_what_several_layers_read_crosses_none_of_their_weights(width):
    h = tg.sigmoid(np.exp(np.tanh(ones((2, 3), "x"))))
    q, k, v = (tg.affine(h, ones((3, 3), f"{name}.W"), ones((3,), f"{name}.b")) for name in "qkv")
    view = tg.graph(np.sum(np.sin(q @ k.T) @ v), values=False)
    root = ET.fromstring(view.to_svg(engine="own", width=width))  # noqa: S314  # our own
    edges = [one for one in root.iter(f"{SVG}g") if "edge" in one.get("class")]
    assert crossings([sampled(edge.find(f"{SVG}path").get("d")) for edge in edges]) == 0


@pytest.mark.parametrize(("name", "force"), FORMS)
def test_pictures_of_models_can_be_read_on_a_phone(name, force):
    loss, options = model(name)
    view = tg.graph(loss, values=False, **options)
    root = ET.fromstring(view.to_svg(width=360, force=force))  # noqa: S314  # our own
    assert float(root.get("width")) <= 360
    letters = 12 * float(root.get("width")) / float(root.get("viewBox").split()[2])
    assert letters > 10
    ids = {int(one.get("data-node")) for one in root.iter(f"{SVG}g") if "data-node" in one.attrib}
    assert ids == {*range(len(drawable(view, force=force).nodes))}


def along(way, where, fixed, *, near):
    """Return how far a way runs beside the border of a box: a line at `fixed` from a to b."""
    axis, (a, b) = where
    run = 0.0
    for p, q in pairwise(way):
        if max(abs(p[axis] - fixed), abs(q[axis] - fixed)) < near:
            ends = sorted((p[1 - axis], q[1 - axis]))
            run += max(0.0, min(ends[1], b) - max(ends[0], a))
    return run


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_edges_keep_clear_of_the_titles_and_borders_of_boxes(name, force):
    root = picture(name, force)
    edges = [one for one in root.iter(f"{SVG}g") if one.get("class").startswith("edge")]
    ways = [sampled(edge.find(f"{SVG}path").get("d")) for edge in edges]
    boxes = [one for one in root.iter(f"{SVG}g") if one.get("class") == "cluster"]
    assert boxes or not force or name == "recurrent"
    for box in boxes:
        title = box.find(f"{SVG}text")
        x, y = float(title.get("x")), float(title.get("y"))
        width = 0.7 * text_width(title.text)
        for way in ways:
            fine = np.concatenate([np.linspace(p, q, 40) for p, q in pairwise(way)])
            inside = (abs(fine[:, 0] - x - width / 2) < width / 2) & (abs(fine[:, 1] - y + 4) < 4)
            assert not inside.any(), title.text
        left, top, right, low, _ = map(float, re.findall(r"[\d.]+", box[0].get("d")))
        for way in ways:
            for fixed in (top, low):
                assert along(way, (1, (left, right)), fixed, near=2.5) < 15
            for fixed in (left, right):
                assert along(way, (0, (top, low)), fixed, near=2.5) < 15


def shown(lines):
    """Return the value and the gradient that a label shows, as texts."""
    value = [line for line in lines if line.startswith("= ")]
    gradient = [line for line in lines if line.startswith("grad ")]
    return tuple(found[0].split()[1] if found else None for found in (value, gradient))


TOO_MANY = ("recurrent", "transformer", "convolutional", "remembering")
VIEWS = {
    "whole": {},
    "folded": {"fold": None},
    "folded parts": {"fold": 0},
    "sample": {"level": "scalar", "sample": 1},
    "element": {"focus": 0},
}


def element_of(name, given, *, last=False):
    """Return the options of `graph` to look at one element of a parameter."""
    leaves = [*given["parameters"].items()]
    first, leaf = leaves[-1 if last or name in TOO_MANY else 0]  # less depends on the last
    return {"focus": f"{first}[{','.join('0' * leaf.ndim)}]"}


# The longest, and of no other kind than the others.
LONGEST = {("transformer", "element"), ("transformer", "sample"), ("recurrent", "sample")}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(
            *(name, options),
            id=f"{name}-{view}",
            marks=()
            if view in by_turns(2, VIEWS, turn) and (name, view) not in LONGEST
            else pytest.mark.deep,
        )
        for turn, name in enumerate(ALL)
        for view, options in VIEWS.items()
    ],
)
def test_every_number_in_the_drawing_is_that_of_the_engine(name, options):
    loss, given = model(name)
    if name == "transformer" and "level" in options:
        options = {**options, "sample": None}  # it has one
    if "focus" in options:
        options = element_of(name, given)
    fold = {key: options[key] for key in options if key == "fold"}
    view = whole = tg.graph(loss, **given, **({} if fold else options))
    if fold:
        view = whole.folded(fold["fold"])
    drawn = drawable(view, force=True)
    root = ET.fromstring(view.to_svg(engine="own", force=True))  # noqa: S314  # our own
    groups = [one for one in root.iter(f"{SVG}g") if "data-node" in one.attrib]
    gradients = {key: tg.gradients(loss, leaf).numpy() for key, leaf in given["parameters"].items()}
    read = 0
    for group in groups:
        node = drawn.nodes[int(group.get("data-node"))]
        value, gradient = shown([text.text for text in group.iter(f"{SVG}text")])
        if value is not None:
            assert value == labels.number_text(node.value[0])
            assert any(one.value == node.value for one in whole.nodes)
            read += 1
        if gradient is not None:
            assert gradient == labels.number_text(node.cotangent[0])
            element = re.fullmatch(r"(.*)\[([\d,]+)\]", node.name or "")
            if element and element[1] in gradients:
                index = tuple(map(int, element[2].split(",")))
                assert gradient == labels.number_text(gradients[element[1]][index])
                own = given["parameters"][element[1]].numpy()[index]
                assert value == labels.number_text(own)
    assert read > 0
    assert {int(group.get("data-node")) for group in groups} == {*range(len(drawn.nodes))}


@pytest.mark.parametrize(("name", "folded"), FORMS)
def test_every_number_of_the_page_is_that_of_the_engine(name, folded):
    loss, given = model(name)
    view = tg.graph(loss, **given)
    view = view.folded(0) if folded else view
    page = view.to_html()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    parameters = given["parameters"]
    gradients = {key: tg.gradients(loss, leaf).numpy() for key, leaf in parameters.items()}
    found = set()
    for node in data["nodes"]:
        name = html.unescape(node["name"])
        if name in parameters and node["value"] is not None:
            assert node["value"] == parameters[name].numpy().ravel().tolist()[:144]
            assert node["ct"] == gradients[name].ravel().tolist()[:144]
            found.add(name)
        if name == "loss":
            assert node["value"] == [loss.item()]
            found.add(name)
    assert "loss" in found
    # what leads from a part into another adds up what each use sends back
    for edge in data["edges"]:
        parts = [one for one in data["edges"] if one["s"] == edge["s"]]
        own = data["nodes"][edge["s"]]["ct"]
        if own is not None and len(parts) > 1 and all("part" in one for one in parts):
            total = np.sum([one["part"] for one in parts], axis=0)
            assert np.allclose(total, own, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_every_number_of_a_page_that_is_zoomed_is_that_of_the_engine(name):
    loss, given = model(name)
    options = element_of(name, given, last=True)
    if name in (*TOO_MANY, "residual"):  # more than a page steps through: among whole arrays
        options = {"focus": options["focus"].partition("[")[0]}
    page = tg.graph(loss, **given, **options).to_html()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    found = 0
    for node in data["nodes"]:
        element = re.fullmatch(r"(.*)\[([\d,]+)\]", html.unescape(node["name"]))
        if element is None or element[1] not in given["parameters"]:
            continue
        leaf, index = given["parameters"][element[1]], tuple(map(int, element[2].split(",")))
        assert node["value"] == [leaf.numpy()[index]]
        assert node["ct"] == [tg.gradients(loss, leaf).numpy()[index]]
        found += 1
    assert found
    assert [node["value"] for node in data["nodes"] if node["name"] == "loss"] == [[loss.item()]]
