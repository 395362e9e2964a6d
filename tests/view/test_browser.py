"""The explorer in a real browser: every number, stepping, keys, pointer, sliders, nothing else.

Skipped where there is no browser: see `browsing`.
"""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from browsing import serious_faults
from sample_graphs import SAMPLES
from view_samples import network, network_view, ones

import tinygrad_bp as tg
from tinygrad_bp.classifier import SigmoidClassifier
from tinygrad_bp.cli.explore import Snapshots, frames
from tinygrad_bp.data import moons
from tinygrad_bp.nn import bce_with_logits
from tinygrad_bp.view.picture.labels import number_text
from tinygrad_bp.view.picture.tags import tagged

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    '"><svg onload=alert(3)>',
    "@@SCRIPT@@",
]


class Example:
    """A 2-5-5-1 network: the engine's own values and gradients, by name, and its page."""

    def __init__(self):
        rng = np.random.default_rng(5)
        X, y = rng.normal(size=(4, 2)), np.array([[0.0], [1.0], [1.0], [0.0]])
        model = network(("l1", "l2", "l3"))
        names = {}
        value = X
        for number, layer in enumerate(model, 2):
            value = layer(value)
            value.name = f"{'za'[number % 2]}{number // 2}"
            names[value.name] = value
            if number % 2 == 0:
                names |= {f"W{number // 2}": layer.W, f"b{number // 2}": layer.b}
        loss = bce_with_logits(value, y)
        loss.name = "loss"
        names["loss"] = loss
        parameters = {name: one for name, one in names.items() if name[0] in "Wb"}
        self.view = tg.graph(loss, parameters=parameters, data={"X": X, "y": y})
        self.page = self.view.to_html()
        self.values = {name: one.detach().numpy() for name, one in names.items()}
        self.values |= {"X": X, "y": y}
        self.gradients = {name: tg.gradients(loss, one).numpy() for name, one in names.items()}


@pytest.fixture(scope="module")
def example():
    # rows: bias, weights and logits alike have their numbers from the engine, not from the view
    return Example()


def step_of(page):
    return page.inner_text("#status")


def shown(page, role):
    """Return {name: {element: text}} of the matrices of this step."""
    found = {}
    for one in page.evaluate(
        """() => [...document.querySelectorAll("#now td.number")].map((td) =>
            [td.dataset.role, td.closest("table").caption.textContent, +td.dataset.element,
             td.textContent, td.title])"""
    ):
        if one[0] == role:
            name = re.sub(r"ᵀ?  \S+$", "", one[1])
            found.setdefault(name, {})[one[2]] = (one[3], one[4])
    return found


def test_every_number_of_every_step_is_the_engines(opened, example):
    page = opened(example.page)
    count = int(page.get_attribute("#step", "max"))
    assert count == 6 + 12
    seen_values, seen_gradients = set(), set()
    for i in range(count + 1):
        assert step_of(page).startswith(f"Step {i} of 18")
        for role, engine, prefix, seen in (
            ("value", example.values, "", seen_values),
            ("ct", example.gradients, "d", seen_gradients),
        ):
            for name, cells in shown(page, role).items():
                own = name.removeprefix(prefix)
                exact = np.ravel(engine[own])
                assert sorted(cells) == list(range(exact.size))
                for k, (text, full) in cells.items():
                    assert text == number_text(float(exact[k]))
                    assert float(full) == exact[k]
                seen.add(own)
        page.keyboard.press("ArrowRight")
    assert seen_values == set(example.values)
    assert seen_gradients == set(example.gradients)


def test_finite_differences_stand_beside_the_gradient_of_each_parameter(opened, example):
    page = opened(example.page)
    page.keyboard.press("End")
    for _ in range(12):
        name = re.search(r"backward: d(\w+)", step_of(page))[1]
        if name[0] in "Wb":
            cells = shown(page, "check")["finite differences"]
            gradient = np.ravel(example.gradients[name])
            assert all(abs(float(full) - gradient[k]) < 1e-8 for k, (_, full) in cells.items())
            assert "Finite differences agree to" in page.inner_text("#words")
        else:
            assert shown(page, "check") == {}
        page.keyboard.press("ArrowLeft")
    assert page.locator("#checks tbody tr").count() == 6


def test_the_keys_and_the_buttons(opened, example):
    page = opened(example.page)
    expected = {
        "ArrowRight": 1, "ArrowLeft": 0, "End": 18, "b": 7, "f": 1, "B": 7, "Home": 0, "F": 1,
    }  # fmt: skip
    for key, step in expected.items():
        page.keyboard.press(key)
        assert step_of(page).startswith(f"Step {step} of 18"), key
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert step_of(page).startswith("Step 0")
    for button, step in {
        "next": 1,
        "last": 18,
        "back": 17,
        "backward": 7,
        "forward": 1,
        "first": 0,
    }.items():
        page.click(f"#{button}")
        assert step_of(page).startswith(f"Step {step} of 18"), button
    assert page.is_disabled("#back")
    page.focus("#step")
    page.keyboard.press("ArrowRight")
    assert step_of(page).startswith("Step 1")
    page.click("#graph g.output")
    assert "forward: loss" in step_of(page)


def sources(page):
    return set(
        page.evaluate(
            """() => [...document.querySelectorAll("td.source")].map((td) => {
                const name = td.closest("table").caption.textContent.split(/ᵀ?  /)[0];
                return `${name}:${td.dataset.element}`;
            })"""
        )
    )


def evaluated(line):
    """Compute the sum of products that a line of the page prints, and return it and the result."""
    _, _, products, result = line.split(" = ")
    total = sum(
        np.prod([float(factor.strip("()")) for factor in term.split("·")])
        for term in products.split(" + ")
    )
    return total, float(result)


def test_pointing_at_an_element_shows_what_it_came_from(opened, example):
    page = opened(example.page)
    page.keyboard.press("f")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "forward: z2" in step_of(page)
    page.hover('#now td[data-role="value"][data-node="9"][data-element="7"]')  # row 1, column 2
    line = page.inner_text("#sum")
    assert line.startswith("z2[1,2] = a1[1,0]·W2[0,2] + a1[1,1]·W2[1,2] + ")
    assert " + b2[2] = " in line
    total, result = evaluated(line)
    assert total == pytest.approx(result, abs=2e-3)
    assert sources(page) == {
        *(f"a1:{5 + k}" for k in range(5)),
        *(f"W2:{5 * k + 2}" for k in range(5)),
        "b2:2",
    }


def test_pointing_at_a_gradient_shows_what_was_sent_back(opened, example):
    page = opened(example.page)
    page.keyboard.press("b")
    while "backward: dW3" not in step_of(page):
        page.keyboard.press("ArrowRight")
    assert "dW3 = a2ᵀ · dz3: (5×4)(4×1) = 5×1" in page.inner_text("#now")
    page.hover('#now td[data-role="ct"][data-node="4"][data-element="2"]')
    line = page.inner_text("#sum")
    assert line.startswith("dW3[2,0] = dz3[0,0]·a2[0,2] + dz3[1,0]·a2[1,2] + ")
    total, result = evaluated(line)
    assert total == pytest.approx(result, abs=1e-4)
    assert sources(page) == {f"a2:{5 * i + 2}" for i in range(4)} | {f"dz3:{i}" for i in range(4)}


def lines_of(page):
    """Point at every number of every step; return [what is printed, the number] of each."""
    found = []
    for _ in range(int(page.get_attribute("#step", "max")) + 1):
        found += page.evaluate(
            """() => [...document.querySelectorAll("#now td.number")]
                .filter((td) => ["value", "ct"].includes(td.dataset.role))
                .map((td) => {
                    td.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
                    return [document.getElementById("sum").textContent, td.title];
                })"""
        )
        page.keyboard.press("ArrowRight")
    return found


SUM = re.compile(r"[^=]+ = [^=]+ = ([-+.·()\de ]+) = [^=]+")
rng = np.random.default_rng(2)
X = tg.tensor(rng.normal(size=(2, 3)), requires_grad=True, name="x")
CHECKSUM = tg.tensor(rng.normal(size=(2, 3)), requires_grad=True, name="checksum")
V = tg.tensor(rng.normal(size=3), requires_grad=True, name="a+b·mean")
LINES = {
    "mean": lambda: np.sum(np.mean(X, axis=0)),
    "a quotient of a sum": lambda: np.sum(X) / 7.0,
    "logsumexp": lambda: np.sum(tg.logsumexp(X, axis=-1)),
    "names": lambda: np.sum(np.tanh(CHECKSUM) * np.exp(V)),
    "difference": lambda: np.sum(V - X),
    "statistics": lambda: np.var(X) + np.median(X),
    "moved": lambda: np.sum(np.cumsum(X.T, axis=0) @ X[:, ::2]),
    "network": lambda: bce_with_logits(network()(np.ones((1, 2))), np.ones((1, 1))),
}


@pytest.mark.parametrize("level", ["tensor", "scalar"])
@pytest.mark.parametrize("make", LINES.values(), ids=LINES)
def test_what_is_printed_as_a_sum_of_products_is_one(opened, make, level):
    view = tg.graph(make(), level=level, sample=None)
    checked = 0
    for line, full in lines_of(opened(view.to_html())):
        assert "not traced" not in line
        found = SUM.fullmatch(line)
        if found and "…" not in line:
            terms = [
                np.prod([float(factor.strip("()")) for factor in term.split("·")])
                for term in found[1].split(" + ")
            ]
            size = sum(map(abs, terms))
            assert abs(sum(terms) - float(full)) <= 1e-3 * size, line
            checked += 1
    assert checked


def test_of_one_sample_the_parts_of_the_others_are_said_to_be_missing(opened):
    lines = dict(lines_of(opened(network_view(level="scalar", sample=0).to_html())))
    own = next(line for line in lines if line.startswith("d(output.b[0]) = "))
    assert re.fullmatch(r"d\(output.b\[0\]\) = d\(add#\d+\) \+ … = \S+ \+ … = \S+", own)
    loss = next(line for line in lines if line.startswith("loss = "))
    assert ", …) = bce_with_logits(" in loss


def test_of_one_sample_the_sum_of_parts_is_left_open(opened):
    page = opened(network_view(focus="output.b[0]").to_html())
    page.keyboard.press("End")
    while "d(output.b[0])" not in step_of(page):
        page.keyboard.press("ArrowLeft")
    signs = page.locator("#now .sign").all_inner_texts()
    assert [sign.strip() for sign in signs] == ["+ …", "="]
    assert "Other parts" in page.inner_text("#words")


def test_what_is_no_sum_is_printed_as_a_function(opened):
    z = tg.tensor([1 - 2j], requires_grad=True, name="z")
    x = tg.tensor([0.0, 3.0], requires_grad=True, name="x")
    for out, start in (
        (np.sum(np.real(z)), "real#1[0] = real(z[0])"),  # the imaginary part is dropped
        (np.sum(np.tanh(x)), "tanh#1[0] = tanh(x[0]) = tanh(0) = 0"),  # though 0 = 1·0
        (np.mean(x), "mean#1 = 0.5·x[0] + 0.5·x[1] = 0.5·0 + 0.5·3 = 1.5"),
    ):
        lines = lines_of(opened(tg.graph(out).to_html()))
        assert any(line.startswith(start) for line, _ in lines)


def test_beside_the_cotangents_gradients_are_traced(opened):
    x = tg.tensor([0.5, 2.0], requires_grad=True, name="x")
    lines = dict(lines_of(opened(tg.graph(np.sum(np.sin(x)), phase="both").to_html())))
    assert any(line.startswith("dx[0] = d(sin#1)[0]·") for line in lines)


def test_numbers_that_are_given_are_told_in_the_sentence(opened):
    w = ones((2, 3), "w")
    page = opened(tg.graph(np.sum(np.maximum(w - 0.5, 0) + np.maximum(w, 0))).to_html())
    assert page.locator("#now caption").all_inner_texts() == ["w 2×3"]
    told = "These values are given, and the numbers 0.5 and 0; everything else is computed from"
    assert page.locator("#words").inner_text() == f"{told} them."


def test_a_leaf_of_repeated_blocks_is_not_called_the_result(opened):
    h, W = ones((1, 3), "h"), ones((3, 3), "W")
    for _ in range(80):
        h = np.tanh(h @ W)
    page = opened(tg.graph(np.sum(h)).to_html())
    page.keyboard.press("End")
    assert "stand for many operations" in page.inner_text("#words")
    assert "begins at the result" not in page.inner_text("#words")


def test_complex_numbers_are_rounded_too(opened):
    z = tg.tensor([1 / 3 - 2j / 7, 1e-9 + 3e10j, 2j], requires_grad=True, name="z")
    page = opened(tg.graph(np.sum(np.real(z))).to_html())
    cells = [text for text, _ in shown(page, "value")["z"].values()]
    assert cells == [number_text(one) for one in z.tolist()]


def test_the_keyboard_goes_through_a_matrix_too(opened, example):
    page = opened(example.page)
    page.keyboard.press("f")
    page.focus('#now td[data-node="7"]')
    assert page.inner_text("#sum").startswith("z1[0,0] = ")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#sum").startswith("z1[1,1] = ")
    assert step_of(page).startswith("Step 1 ")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    assert step_of(page).startswith("Step 2 ")


def test_the_keyboard_goes_through_a_stack_of_matrices(opened):
    x = ones((2, 2, 3), "x")
    page = opened(tg.graph(np.sum(x)).to_html())
    assert page.locator("#now tbody").count() == 2
    page.focus("#now td.number")
    for _ in range(5):  # there are four rows
        page.keyboard.press("ArrowDown")
    assert page.inner_text("#sum").startswith("x[1,1,0] = ")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.inner_text("#sum").startswith("x[0,1,0] = ")


def test_a_value_that_is_used_twice_shows_its_parts_adding(opened):
    x = tg.tensor([[0.5, -1.0], [2.0, 3.0]], requires_grad=True, name="x")
    h = np.tanh(x)
    h.name = "h"
    out = np.sum(h @ h)
    page = opened(tg.graph(out).to_html())
    page.keyboard.press("b")
    while "dh" not in step_of(page):
        page.keyboard.press("ArrowRight")
    assert "h is used 2 times" in page.inner_text("#words")
    parts = page.evaluate(
        """() => [...document.querySelectorAll('#now td[data-role="part"]')]
            .map((td) => +td.title)"""
    )
    total = [float(full) for _, full in shown(page, "ct")["dh"].values()]
    assert np.allclose(np.reshape(parts, (2, 4)).sum(axis=0), total)
    assert np.allclose(total, tg.gradients(out, h).numpy().ravel())
    assert [sign.strip() for sign in page.locator("#now .sign").all_inner_texts()] == ["+", "="]


def test_the_order_is_shown_with_every_arc_to_the_right(opened, example):
    page = opened(example.page)
    arcs = page.evaluate(
        """() => [...document.querySelectorAll("#order path")].map((p) => {
            const length = p.getTotalLength();
            return [p.getPointAtLength(0).x, p.getPointAtLength(length).x];
        })"""
    )
    assert len(arcs) == len(example.view.edges)
    assert all(start < end for start, end in arcs)
    page.keyboard.press("f")
    states = {"done": 8, "now": 1, "ready": 1, "waiting": 4}
    for state, count in states.items():
        assert page.locator(f"#order circle.{state}").count() == count, state
    assert page.locator("#order path.live").count() == 3
    page.keyboard.press("b")  # the gradient of the loss: the next can be z3's alone
    states = {"done": 0, "now": 1, "ready": 1, "waiting": 12}
    for state, count in states.items():
        assert page.locator(f"#order circle.{state}").count() == count, state


@pytest.fixture(scope="module")
def training():
    table = moons(80, seed=0)
    snapshots = Snapshots(table.X, table.y)
    classifier = SigmoidClassifier(random_state=0, max_epochs=60)
    classifier.fit(table.X, table.y, on_epoch=snapshots)
    return frames(classifier, table, snapshots)


def test_the_training_can_be_scrubbed(opened, example, training):
    page = opened(example.view.to_html(training))
    last = len(training.frames) - 1
    assert int(page.get_attribute("#frame", "max")) == last
    images = set()
    page.focus("#frame")
    for key, place in (("Home", 0), ("ArrowRight", 1), ("End", last)):
        page.keyboard.press(key)
        frame = training.frames[place]
        text = page.inner_text("#frame-status")
        told = (number_text(frame.loss), number_text(frame.heldout_loss))
        assert text == f"epoch {frame.epoch}: loss {told[0]}, held out {told[1]} nats"
        cells = page.locator("#parameters td").all_inner_texts()
        engine = [number_text(v) for values in frame.parameters.values() for v in values]
        assert cells == engine
        images.add(page.evaluate("() => document.querySelector('canvas').toDataURL()"))
        assert text in page.get_attribute("#boundary", "aria-label")
    assert len(images) == 3
    assert step_of(page).startswith("Step 0")  # the arrows moved the slider and nothing else


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_field_has_the_colours_of_the_probabilities(opened, example, training, scheme):
    page = opened(example.view.to_html(training), color_scheme=scheme)
    pixel = page.evaluate(
        """([x, y]) => [...document.querySelector("canvas").getContext("2d")
            .getImageData(x, y, 1, 1).data]""",
        [2, 2],  # top left
    )
    level = training.frames[-1].field[training.side * (training.side - 1)]
    assert (pixel[0] > pixel[2]) == (level > 0.5)  # red for class 1, blue for class 0


def test_hostile_names_are_inert(opened):
    out = 1.0
    for name in HOSTILE:
        out = out * ones((), name)
        out.name = name
    page = opened(tg.graph(out).to_html())
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.hover("#now td.number")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    page.keyboard.press("Home")
    assert all(name in page.inner_text("#now") for name in HOSTILE)


def test_the_policy_stops_a_script_that_is_not_the_pages_own(browser, example, tmp_path):
    (tmp_path / "page.html").write_text(example.page, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.taken = true";
            document.body.append(script);
        }"""
    )
    assert page.evaluate("() => window.taken") is None
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
def test_axe_finds_nothing_serious(browser, example, training, scheme, width, tmp_path):
    (tmp_path / "page.html").write_text(example.view.to_html(training), encoding="utf-8")
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    for key in ("f", "b"):
        page.keyboard.press(key)
        assert serious_faults(page) == []
    context.close()


def test_nothing_sticks_out_at_360_pixels(opened, example, training):
    page = opened(example.view.to_html(training), width=360, height=700)
    for key in ("Home", "f", "b", "End"):
        page.keyboard.press(key)
        assert page.evaluate("() => document.documentElement.scrollWidth") == 360


def test_long_names_do_not_stick_out_either(opened):
    x, y = (tg.tensor(np.eye(2), requires_grad=True, name=one * 200) for one in "WM")
    out = np.sum(np.tanh(x @ (y + 0)))
    out.name = "O" * 200
    del x, y  # so that a note names them
    page = opened(tg.graph(out).to_html(), width=360, height=700)
    assert page.locator("#notes li").count() == 1
    for _ in range(8):
        assert page.evaluate("() => document.documentElement.scrollWidth") == 360
        page.keyboard.press("ArrowRight")


@pytest.mark.parametrize(("motion", "duration"), [("reduce", "0s"), ("no-preference", "0.2s")])
def test_motion_is_reduced_where_it_is_not_wanted(opened, example, motion, duration):
    page = opened(example.page, reduced_motion=motion)
    page.keyboard.press("f")
    for selector in ("#now td.number", "#graph [data-node]"):
        found = page.evaluate(
            "(s) => getComputedStyle(document.querySelector(s)).transitionDuration", selector
        )
        assert found == duration


def test_without_javascript_there_is_a_table(opened, example):
    page = opened(example.page, java_script_enabled=False)
    assert page.is_hidden("#explorer")
    assert page.is_visible("noscript table")


@pytest.mark.parametrize("width", [360, 1100])
def test_the_table_without_javascript_fits_the_screen(opened, example, training, width):
    page = opened(example.view.to_html(training), width=width, java_script_enabled=False)
    lines = page.locator("noscript table >> nth=0").locator("tr")
    heights = [one.bounding_box()["height"] for one in lines.all()]
    assert len(heights) == 1 + 14
    assert max(heights) > 2 * min(heights)  # long rows of numbers are broken
    assert page.locator("body").evaluate("(body) => body.scrollWidth") <= width


@pytest.mark.parametrize("engine", ["dot", "own"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_drawing_itself_in_light_and_dark(browser, engine, scheme, tmp_path):
    if engine == "dot" and shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    (tmp_path / "g.svg").write_text(failed().to_svg(engine=engine), encoding="utf-8")
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto((tmp_path / "g.svg").as_uri())
    label, outline = page.evaluate(
        """() => [".edge text", ".failed path, .failed polygon"].map((selector) => {
            const found = getComputedStyle(document.querySelector(selector));
            return [found.fill, found.stroke, found.paintOrder, found.strokeWidth];
        })"""
    )
    assert label[1] == "none" or label[2].startswith("stroke")  # what is around is not above
    assert outline[3] == "3px"
    context.close()


def failed():
    try:
        np.tanh(ones((2, 3), "x")) @ np.ones((2, 3))
    except ValueError as error:
        return tg.graph(error)


VIEWS = {
    "scalar": lambda: network_view(level="scalar"),
    "element": lambda: network_view(focus="hidden2.W[0,2]"),
    "expanded": lambda: network_view(focus="output.W"),
    "folded": lambda: network_view().folded(0),
    "both phases": lambda: network_view(phase="both"),
    "backward phase": lambda: network_view(phase="backward"),
    "failed": failed,
    "repeated": lambda: tg.graph(SAMPLES["recurrent"]()[0]),
    "leaf": lambda: tg.graph(ones((2, 2, 2), "x")),
    "empty": lambda: tg.graph(np.sum(ones((0, 3), "x"))),
    "not finite": lambda: tg.graph(np.sum(ones((2,), "x") * [np.nan, np.inf])),
    "complex": lambda: tg.graph(np.sum(np.real(ones((2,), "x") * (1 + 2j)))),
}


@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS)
def test_every_kind_of_picture_can_be_stepped_through(opened, make):
    page = opened(make().to_html())
    for _ in range(int(page.get_attribute("#step", "max"))):
        page.keyboard.press("ArrowRight")
        if page.locator("#now td.number").count():
            page.hover("#now td.number:visible >> nth=-1")
    assert page.is_disabled("#next")


def test_a_large_graph_opens_with_a_message(opened):
    out = ones((), "x")
    for name in np.random.default_rng(0).choice(["sin", "cos", "tanh", "arctan"], 3000):
        out = getattr(np, name)(out)
    page = opened(tg.graph(out).to_html())
    assert "3001 nodes are too many" in page.inner_text("#notes")
    page.keyboard.press("End")
    assert step_of(page).startswith("Step 200 of 200")


# Where one is


def captions(page):
    return [text.split("  ")[0] for text in page.locator("#now caption").all_text_contents()]


def test_graph_and_step_stand_side_by_side(opened, example):
    page = opened(example.page, width=1280, height=900)
    for step in range(1, 19):
        page.keyboard.press("ArrowRight")
        graph, now = (
            page.locator(f"#{name}").bounding_box() for name in ("graph-section", "now-section")
        )
        assert graph["x"] + graph["width"] <= now["x"], step
        assert max(one["y"] + one["height"] for one in (graph, now)) <= 900, step
        for hidden in ("#graph", "#now-section"):
            high, shown_of = page.evaluate(
                "(s) => ['scrollHeight', 'clientHeight'].map((k) => document.querySelector(s)[k])",
                hidden,
            )
            assert high <= shown_of, (step, hidden)
        node = page.locator("#graph g.now > path").first.bounding_box()
        assert node["x"] >= graph["x"]
        assert node["x"] + node["width"] <= graph["x"] + graph["width"], step


def dense():
    """Return the graph of layers that each read all before them, on six samples."""
    seen = [np.arange(48.0).reshape(6, 8) / 24 - 1]
    for k in range(4):
        joined = np.concatenate(seen, axis=1)
        W = tg.tensor(np.cos(np.arange(8.0 * joined.shape[1])).reshape(-1, 8) / 4, name=f"W{k}",
                      requires_grad=True)  # fmt: skip
        seen.append(np.tanh(joined @ W))
    return tg.graph(np.mean(np.square(np.concatenate(seen, axis=1))))


def test_a_step_of_many_large_parts_stays_above_the_fold(opened):
    page = opened(dense().to_html(), width=1280, height=900)
    levels = {}
    for step in range(int(page.get_attribute("#step", "max")) + 1):
        high, room, level = page.evaluate("""() => {
            const one = document.getElementById("now-section");
            return [one.scrollHeight, one.clientHeight, one.dataset.rows];
        }""")
        assert high <= room, step
        levels[level] = step
        page.keyboard.press("ArrowRight")
    assert {*levels} == {"", "5", "2"}
    page.locator("#step").fill(str(levels["2"]))
    first = page.locator("#now table").first.locator("tr")
    assert [first.nth(k).is_visible() for k in range(4)] == [True, True, False, False]
    first.nth(0).locator("td").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")  # to a number that is not shown
    assert first.nth(3).locator("td.picked").is_visible()


def test_a_wide_result_is_written_smaller_and_below_its_arrow(opened):
    x = tg.tensor(np.cos(np.arange(30.0)).reshape(3, 10) / 100, requires_grad=True, name="x")
    page = opened(tg.graph(np.sum(np.tanh(x))).to_html(), width=1280, height=900)
    for _ in range(2):
        page.keyboard.press("ArrowRight")
        over = page.evaluate("""() => [...document.querySelectorAll("#now figure")].map(
            (one) => one.scrollWidth - one.clientWidth)""")
        assert over
        assert max(over) <= 0


def memory(steps=30):
    """Return the graph of a long short-term memory, written as a loop."""
    W, U, b = ones((2, 12), "W"), ones((3, 12), "U"), ones((12,), "b")
    h = c = np.zeros((2, 3))
    for i in range(steps):
        z = np.full((2, 2), 0.1 * i) @ W + h @ U + b
        c = tg.sigmoid(z[:, :3]) * c + tg.sigmoid(z[:, 3:6]) * np.tanh(z[:, 6:9])
        h = tg.sigmoid(z[:, 9:]) * np.tanh(c)
    return tg.graph(np.mean(np.square(h @ ones((3, 1), "V"))))


def frame_of(page):
    return page.evaluate("""() => {
        const [frame, figure] = ["#graph", "#graph svg"].map((s) => document.querySelector(s));
        const { width, height } = figure.getBoundingClientRect();
        return { scale: width / figure.viewBox.baseVal.width, width, height,
                 across: frame.clientWidth, down: frame.clientHeight,
                 left: frame.scrollLeft, top: frame.scrollTop,
                 low: frame.getBoundingClientRect().bottom };
    }""")


def test_a_long_graph_fits_beside_its_step_and_can_be_looked_at_closely(opened):
    page = opened(memory().to_html(), width=1280, height=900)
    whole = frame_of(page)
    assert whole["width"] <= whole["across"] + 1
    assert whole["height"] <= whole["down"] + 1
    assert 12 * whole["scale"] >= 7.5  # pixels of its letters
    for key in ("f", "b", "End"):
        page.keyboard.press(key)
        for name in ("graph-section", "now-section"):
            box = page.locator(f"#{name}").bounding_box()
            assert box["y"] + box["height"] <= 900, (key, name)
        assert frame_of(page) == whole
    for key in "+++":
        page.keyboard.press(key)
    page.keyboard.press("Home")
    page.keyboard.press("f")
    closer = frame_of(page)
    assert closer["scale"] > 1.9 * whole["scale"]
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    moved = frame_of(page)
    assert (moved["left"], moved["top"]) != (closer["left"], closer["top"])
    assert step_of(page).startswith("Step 1 ")
    page.keyboard.press("ArrowRight")  # what it is about comes into view
    node, frame = (page.locator(s).first.bounding_box() for s in ("#graph g.now > path", "#graph"))
    assert frame["x"] <= node["x"] <= frame["x"] + frame["width"] - node["width"]
    assert frame["y"] <= node["y"] <= frame["y"] + frame["height"] - node["height"]
    page.keyboard.press("0")
    assert frame_of(page) == whole
    page.set_viewport_size({"width": 1280, "height": 760})
    page.wait_for_function(
        "(h) => document.getElementById('graph').clientHeight < h", arg=whole["down"]
    )
    assert frame_of(page)["low"] < 760


def test_a_phone_has_a_narrow_drawing_that_follows_the_steps(opened):
    page = opened(memory().to_html(), width=390, height=844)
    frame = frame_of(page)
    assert frame["width"] <= frame["across"]
    assert frame["scale"] > 0.9
    page.keyboard.press("f")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        box = page.locator("#graph").bounding_box()
        node = page.locator("#graph g.now > path").first.bounding_box()
        assert box["y"] <= node["y"] <= box["y"] + box["height"] - node["height"]
        assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    step = step_of(page)
    page.set_viewport_size({"width": 1280, "height": 900})  # turned, or on a larger screen
    page.wait_for_function("() => document.querySelector('#graph svg').viewBox.baseVal.width > 500")
    assert step_of(page) == step


def test_what_is_in_a_folded_part_is_found_and_opened(opened):
    loss, options = SAMPLES["transformer"]()
    view = tg.graph(loss, **options)
    inside = next(n.name for n in view.nodes if n.kind == "parameter" and n.scope == ("mlp",))
    page = opened(view.to_html(focus=f"d({inside})" if "." in inside else f"d{inside}"), width=1280)
    assert parts_of(page)[0] == "− mlp"
    assert f"{inside}" in step_of(page)
    page.click("#parts button >> nth=0")
    assert parts_of(page)[0] == "+ attention"
    page.fill("#find", inside)
    page.press("#find", "Enter")
    assert parts_of(page)[0] == "− mlp"


def test_operands_stand_as_in_the_formula(opened, example):
    page = opened(example.page)
    found = {}
    for _ in range(18):
        page.keyboard.press("ArrowRight")
        found[re.search(r"ward: (\w+)", step_of(page))[1]] = captions(page)
    assert found["z2"][:3] == ["a1", "W2", "b2"]
    assert found["dW3"][:2] == ["a2ᵀ", "dz3"]
    assert found["da2"][:2] == ["dz3", "W3ᵀ"]


def test_what_is_transposed_shows_its_own_elements(opened, example):
    page = opened(f"{example.page}")
    page.fill("#find", "dW3")
    page.press("#find", "Enter")
    rows = page.evaluate(
        """() => [...document.querySelectorAll("#now figure")][0].querySelectorAll("tr").length"""
    )
    assert rows == 5
    shown_of = shown(page, "value")["a2"]
    assert all(float(full) == example.values["a2"].flat[k] for k, (_, full) in shown_of.items())


def test_the_gradients_of_a_layer_stand_beside_each_other(opened, example):
    page = opened(example.page)
    page.keyboard.press("b")
    order = []
    for _ in range(12):
        order.append(re.search(r"backward: (\w+)", step_of(page))[1])
        page.keyboard.press("ArrowRight")
    for layer in "123":
        at = order.index(f"dz{layer}")
        assert {*order[at + 1 : at + 3]} == {f"dW{layer}", f"db{layer}"}


def test_a_node_leads_to_its_step_and_its_mark_to_its_gradient(opened, example):
    page = opened(example.page)
    for node in example.view.nodes:
        if node.name in ("z1", "a2", "loss"):
            page.click(f'#graph g[data-node="{node.id}"]')
            assert f"forward: {node.name}" in step_of(page)
            page.click(f'#graph [data-gradient="{node.id}"]')
            assert f"backward: d{node.name}" in step_of(page)
    page.click("#now .sent button >> nth=0")
    assert "backward: dz3" in step_of(page)


def test_an_address_leads_to_a_step_and_an_element(opened, example):
    page = opened(example.page)
    page.keyboard.press("b")
    assert page.evaluate("() => location.hash") == "#step=7"
    page.evaluate("() => { location.hash = '#element=dW2[1,2]'; }")
    page.wait_for_function("() => document.getElementById('status').textContent.includes('dW2')")
    assert page.inner_text("#sum").startswith("dW2[1,2] = ")
    assert page.evaluate("() => location.hash").endswith("&element=dW2[1,2]")
    page.evaluate("() => { location.hash = '#dW3[2,0]'; }")  # as one would write it
    page.wait_for_function("() => document.getElementById('status').textContent.includes('dW3')")
    assert page.inner_text("#sum").startswith("dW3[2,0] = ")
    focused = opened(example.view.to_html(focus="dW3[2,0]"))
    assert "backward: dW3" in step_of(focused)
    assert focused.inner_text("#sum").startswith("dW3[2,0] = ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("z2", "forward: z2"),
        ("dz2", "backward: dz2"),
        ("W1", "Step 0"),
        ("no such", "Nothing is called no such"),
    ],
)
def test_a_name_is_found(opened, example, text, told):
    page = opened(example.page)
    page.fill("#find", text)
    page.press("#find", "Enter")
    page.wait_for_function(
        "(told) => document.getElementById('status').textContent.includes(told)", arg=told
    )


def test_the_drawing_is_made_larger_and_moved(opened, example):
    page = opened(example.page, width=1280, height=900)
    before = page.locator("#graph svg").bounding_box()["width"]
    for _ in range(3):
        page.click("#closer")
    assert page.locator("#graph svg").bounding_box()["width"] > 1.5 * before
    x, y = page.evaluate("""() => {  // beside all nodes, of which a click is another thing
        const box = document.getElementById("graph").getBoundingClientRect();
        for (let y = box.top + 20; y < box.bottom - 20; y += 5)
          for (let x = box.left + 250; x < box.right - 20; x += 5)
            if (!document.elementFromPoint(x, y).closest("[data-node]")) return [x, y];
    }""")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 200, y)
    page.mouse.up()
    assert page.evaluate("() => document.getElementById('graph').scrollLeft") > 50
    page.click("#whole")
    assert page.locator("#graph svg").bounding_box()["width"] == pytest.approx(before)


# Unfolding in place


def parts_of(page):
    return page.locator("#parts button").all_inner_texts()


def place_of(page, selector):
    box = page.locator(selector).first.bounding_box()
    return box["x"], box["y"]


def test_a_folded_part_is_unfolded_in_place_and_folded_again(opened):
    loss, options = SAMPLES["transformer"]()
    view = tg.graph(loss, **options)
    page = opened(view.to_html(), width=1280)
    folded = page.locator("#graph g[data-node]").count()
    assert parts_of(page) == ["+ attention", "+ norm1", "+ mlp", "+ norm2"]
    assert "4 parts; a click opens some, as does tg.graph(" in page.inner_text("#notes")
    before = place_of(page, '#graph g[aria-label="unfold mlp"]')
    page.locator('#graph g[aria-label="unfold mlp"]').click()
    assert parts_of(page)[0] == "− mlp"
    assert "3 parts; a click opens them" in page.inner_text("#notes")
    assert page.url.endswith("&open=mlp")
    unfolded = page.locator("#graph g[data-node]").count()
    assert unfolded == len(tagged(view.folded(unfold=["mlp"])).ids) > folded
    assert "matmul" in step_of(page)  # the first of what is inside
    assert before[1] - 900 < place_of(page, "#graph g.now")[1] < 900  # in view
    assert int(page.get_attribute("#step", "max")) > 20
    page.reload()
    assert parts_of(page)[0] == "− mlp"
    page.keyboard.press("u")
    assert page.locator("#graph g[data-node]").count() == folded
    assert "mlp" in step_of(page)
    assert "open=" not in page.url
    page.focus('#graph g[aria-label="unfold attention"]')
    page.keyboard.press("Enter")
    assert parts_of(page)[:2] == ["− attention", "+ repeated ×3"]
    page.click("#parts button:has-text('repeated')")
    assert page.url.endswith("&open=attention%20%3E%20repeated%20%C3%973")
    page.click("#parts button:has-text('attention')")
    assert "open=" not in page.url
    page.keyboard.press("ArrowRight")  # once: what listened before listens no more
    assert step_of(page).startswith("Step 2 ")


def test_the_name_of_a_part_is_a_text_and_nothing_else(opened):
    h = ones((2,), "x")
    for name in (*HOSTILE, "&open=a#b>c"):
        with tg.scope(name):
            for _ in range(12):
                h = np.tanh(h) * np.sin(h)
    page = opened(tg.graph(np.sum(h)).folded(0).to_html())
    assert parts_of(page) == []  # what was folded by hand stays so
    h = np.cos(h)
    page = opened(tg.graph(np.sum(h)).to_html())
    count = len(parts_of(page))
    assert count
    for i in range(count):
        page.locator("#parts button").nth(i).click()
        url = page.url
        page.reload()
        assert page.url == url
        assert parts_of(page)[0][0] == "−"
        page.locator("#parts button").first.click()
        assert len(parts_of(page)) == count
