"""The explorer's page as a text: policy, data, what stands for it without JavaScript, its size."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from deeper import explored
from view_samples import HOSTILE, network_view, ones

import tinygrad_bp as tg
from tinygrad_bp.errors import DataError, GraphError
from tinygrad_bp.formulas import printing
from tinygrad_bp.view import Frame, TrainingFrames
from tinygrad_bp.view.explorer.content import content
from tinygrad_bp.view.explorer.unfolding import unfoldings
from tinygrad_bp.view.formats.pages import as_json
from tinygrad_bp.view.picture import labels

DRAWN = {"g", "path", "polygon", "text"}


class Reader(HTMLParser):
    """The elements of a page and the texts in them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self._open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "input", "path", "polygon", "rect"):
            self._open.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        key = self._open[-1] if self._open else ("", {})
        name = f"{key[0]}#{key[1]['id']}" if "id" in key[1] else key[0]
        self.texts.setdefault(name, []).append(data)


def data_of(page):
    return json.loads("".join(Reader(page).texts["script#data"]))


def test_the_policy_allows_the_page_its_own_script_and_style_and_nothing_else():
    page = network_view().to_html()
    reader = Reader(page)
    (policy,) = (
        one["content"] for tag, one in reader.tags if tag == "meta" and "http-equiv" in one
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for element, rule in (("script", "script-src"), ("style", "style-src")):
        (text,) = reader.texts[element]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not any("src" in one or "href" in one for _, one in reader.tags)
    assert not any(key.startswith("on") or key == "style" for _, one in reader.tags for key in one)
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page


def test_the_same_graph_gives_the_same_page():
    assert network_view().to_html() == network_view().to_html()


@explored(24, 240, first=HOSTILE.filter(bool), second=HOSTILE.filter(bool))
def test_any_name_is_a_text_and_nothing_else(first, second):
    def elements(first, second):
        x = ones((2,), first)
        out = np.sum(x * x)
        out.name = second
        page = tg.graph(out).to_html()
        return page, [(tag, tuple(sorted(one))) for tag, one in Reader(page).tags]

    page, found = elements(first, second)
    wanted = elements("a", "b")[1]
    # a wide name may break the drawing into rows: it has marks then, and nothing else
    assert {*found} <= {*wanted} | {("g", ("class",))}
    assert [one for one in found if one[0] not in DRAWN] == [
        one for one in wanted if one[0] not in DRAWN
    ]
    names = [node["name"] for node in data_of(page)["nodes"]]
    shown = [
        text if len(text) <= 40 else text[:39] + "…"
        for text in (printing.printable(first), printing.printable(second))
    ]
    assert names == [shown[0], "multiply#1", shown[1]]


@explored(24, 240, HOSTILE)
def test_data_cannot_end_the_script_that_holds_it(name):
    text = as_json({name: [name, 1.5, None]})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {name: [name, 1.5, None]}


def test_formulas_have_names_and_shapes():
    loss_view = network_view()
    found = data_of(loss_view.to_html())
    formulas = {(edge["s"], edge["t"]): edge for edge in found["edges"]}
    edge = formulas[4, 11]
    assert edge["formula"] == "d(output.W) = sigmoid#10ᵀ · d(affine#11)"
    assert edge["shapes"] == "(5×4)(4×1) = 5×1"
    assert edge["order"] == [["0", "ᵀ"], ["ct", ""]]
    assert found["nodes"][11]["formula"] == "affine#11 = sigmoid#10 · output.W + output.b"
    assert found["nodes"][11]["shapes"] == "(4×5)(5×1) + 1 = 4×1"


def test_parts_that_add_up_are_written_so():
    x = ones((2,), "x")
    edges = content(unfoldings(tg.graph(np.sum(x * x))), None)["edges"]
    assert [edge["formula"] for edge in edges[:2]] == ["dx += d(multiply#1) ⊙ x"] * 2
    assert [edge["part"] for edge in edges[:2]] == [[1.0, 1.0]] * 2


def test_without_javascript_a_table_has_the_same_numbers():
    view = network_view()
    page = view.to_html()
    table = page[page.index("<noscript>") : page.index("</noscript>")]
    rows = re.findall(r"<tr><th scope=row>(.*?)</th>(.*?)</tr>", table)
    assert len(rows) == len(view.nodes)
    for node, (name, cells) in zip(view.nodes, rows, strict=True):
        assert html.unescape(name) == (node.name or f"{node.op}#{node.id}")
        for values in (node.value, node.cotangent):
            if values is not None:
                shown = " ".join(map(labels.number_text, values[:30]))
                assert f"<td>{shown}{' …' if len(values) > 30 else ''}</td>" in cells
    assert table.count("finite differences agree") == 6


def test_a_large_graph_says_so_and_stays_small():
    rng = np.random.default_rng(0)
    x = ones((), "x")
    for name in rng.choice(["sin", "cos", "tanh", "arctan", "sinh"], 5000):
        x = getattr(np, name)(x)
    page = tg.graph(x).to_html()
    found = data_of(page)
    assert len(found["nodes"]) == 200
    assert "5001 nodes are too many to step through" in Reader(page).texts["li"][-1]
    assert all(0 <= edge["s"] < edge["t"] < 200 for edge in found["edges"] if not edge["loop"])
    assert len(page) < 400_000


def test_a_large_matrix_is_held_in_part():
    x = ones((60, 60), "x")
    found = content(unfoldings(tg.graph(np.sum(x))), None)
    assert len(found["nodes"][0]["value"]) == 144
    assert found["nodes"][0]["size"] == 3600
    assert found["nodes"][0]["statistics"] == "from 1 to 1, mean 1 ± 0"


def test_numbers_that_json_lacks_are_texts():
    x = tg.tensor([np.inf, np.nan, 1.0], requires_grad=True, name="x")
    assert data_of(tg.graph(x * 1.0).to_html())["nodes"][0]["value"] == ["inf", "nan", 1.0]


# Training


def frame(epoch=1, side=2):
    return Frame(epoch, 0.5, None, {"W": (1.0,)}, (0.0, 0.5, 1.0, 0.25)[: side**2])


def test_frames_are_in_the_page():
    frames = TrainingFrames((frame(), frame(2)), {"W": (1,)}, ((0.0, 1.0),), (1,), side=2)
    found = data_of(tg.graph(ones()).to_html(frames))["training"]
    assert [one["epoch"] for one in found["frames"]] == [1, 2]
    assert found["frames"][0]["parameters"] == {"W": [1.0]}
    assert list(base64.b64decode(found["frames"][0]["field"])) == [0, 128, 255, 64]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"frames": ()}, "0 frames; expected 1 to 100"),
        ({"frames": (frame(),) * 101}, "101 frames"),
        ({"side": 3}, "a field has not 3×3 elements"),
        ({"labels": (1, 0)}, "1 points, 2 labels"),
    ],
)
def test_frames_that_do_not_fit_are_refused(change, part):
    fields = {
        "frames": (frame(),), "shapes": {"W": (1,)}, "points": ((0.0, 1.0),), "labels": (1,),
        "side": 2,
    }  # fmt: skip
    with pytest.raises(DataError) as caught:
        TrainingFrames(**{**fields, **change})
    assert part in str(caught.value)


def formulas(view):
    return {edge.get("formula"): edge.get("shapes") for edge in data_of(view.to_html())["edges"]}


def test_a_batch_of_matrices_is_transposed_in_its_last_axes():
    t, M = ones((2, 3, 4), "t"), ones((4, 5), "M")
    found = formulas(tg.graph(np.sum(t @ M)))
    assert found["dM = sum(tᵀ · d(matmul#2), axis=0)"] == "2×4×3, 2×3×5 → 4×5"
    assert found["dt = d(matmul#2) · Mᵀ"] == "(2×3×5)(5×4) = 2×3×4"


def test_what_the_walk_reads_is_no_second_use():
    assert any("d(sigmoid" in str(one) for one in formulas(network_view(phase="both")))
    assert not any("+=" in str(one) for one in formulas(network_view(phase="both")))


def test_of_one_sample_a_gradient_is_written_as_a_part():
    one = formulas(network_view(level="scalar", sample=0))
    assert any(str(text).startswith("d(output.b[0]) += ") for text in one)
    assert not any("+=" in str(text) for text in formulas(tg.graph(np.sin(ones((), "x")))))


def test_a_sum_of_which_terms_are_left_out_says_so():
    nodes = data_of(network_view(focus="hidden2.W[0,2]").to_html())["nodes"]
    assert any("add(" in node.get("formula", "") for node in nodes)
    for node in nodes:
        if "add(" in node.get("formula", ""):
            assert node["formula"].endswith(", …)")


def test_frames_are_saved_in_a_page_alone(tmp_path):
    frames = TrainingFrames((Frame(1, 0.5, None, {"W": (1.0,)}),), {"W": (1,)})
    with pytest.raises(ValueError, match=r"they go into \.html"):
        tg.graph(ones((), "x")).save(tmp_path / "x.svg", frames=frames)
    assert list(tmp_path.iterdir()) == []


def test_the_heading_names_every_result():
    x = ones((2,), "x")
    first, second = np.sum(x), np.sum(x * x)
    first.name, second.name = "loss D", "loss G"
    assert "<h1>How loss D and loss G were computed</h1>" in tg.graph([first, second]).to_html()
    assert "<h1>How loss D was computed</h1>" in tg.graph(first).to_html()


@pytest.mark.parametrize("focus", ["dW9", "W1[", "", "d", "[0]"])
def test_a_focus_that_there_is_not_is_refused(focus):
    view = network_view()
    if not focus:
        assert data_of(view.to_html(focus=focus))["focus"] == ""
        return
    with pytest.raises(GraphError, match=r"focus=.* there are: .*hidden1\.W"):
        view.to_html(focus=focus)


def test_a_focus_is_found_by_a_long_name_and_in_a_folded_part():
    x, name = ones((2, 2), "x"), "w" * 90
    out = np.sum(np.sin(x @ ones((2, 2), name)))
    assert data_of(tg.graph(out).to_html(focus=f"{name}[0,1]"))["focus"].endswith("…[0,1]")
    with tg.scope("part"):
        for _ in range(50):
            x = np.tanh(x) * np.cos(x)
        x.name = "hidden"
        x = np.sin(x) + 1
    assert data_of(tg.graph(np.sum(x)).to_html(focus="dhidden"))["focus"] == "dhidden"
