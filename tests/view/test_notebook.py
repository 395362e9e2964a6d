"""What notebooks show: the engine's numbers, names that are only ever text, nothing that runs."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import numpy as np
import pytest
from deeper import explored
from hypothesis import strategies as st
from view_samples import HOSTILE

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.formulas.printing import printable
from tinygrad_bp.training import History, progress
from tinygrad_bp.training.progress import Progress
from tinygrad_bp.view.formats.notebook import ACROSS, CURVE_POINTS, CURVE_SIZE, LISTED, STRIP, curve
from tinygrad_bp.view.picture.labels import number_text

TAGS = {"div", "b", "table", "thead", "tbody", "tr", "th", "td", "svg", "rect", "path", "span"}
ATTRIBUTES = {"style", "width", "height", "viewBox", "role", "x", "y", "fill", "d", "stroke",
              "stroke-width", "stroke-linecap"}  # fmt: skip


def read(text):
    """Return the HTML as a tree, which holds nothing but what is allowed."""
    root = ET.fromstring(f"<div>{text}</div>")  # noqa: S314  # our own
    assert {one.tag for one in root.iter()} <= TAGS
    assert {key for one in root.iter() for key in one.attrib} <= ATTRIBUTES
    assert "url" not in "".join(one.get("style", "") for one in root.iter())
    return root


def tables(root):
    return [
        [[td.text for td in tr.iter("td")] for tr in table.iter("tr") if tr.find("td") is not None]
        for table in root.iter("table")
    ]


def listed(array):
    return [[number_text(one) for one in row] for row in np.atleast_2d(array).tolist()]


ARRAYS = {
    "matrix": np.random.default_rng(0).normal(size=(4, 5)),
    "scalar": np.array(0.25),
    "odd": np.array([1.0, np.nan, -np.inf, 1e-9]),
    "integers": np.arange(-3, 4),
    "booleans": np.array([True, False]),
    "complex": np.array([1 + 2j, -1j]),
    "zeros": np.zeros((2, 2)),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_every_element_of_a_small_tensor_is_shown(array):
    root = read(tg.tensor(array)._repr_html_())
    assert tables(root) == [listed(array)]
    assert str(array.dtype) in "".join(root.itertext())


def test_the_largest_element_has_the_deepest_shade_and_signs_have_colours():
    root = read(tg.tensor([[-2.0, 1.0, 0.0]])._repr_html_())
    shades = [re.search(r"rgba\((.*),(.*)\)", td.get("style")).groups() for td in root.iter("td")]
    assert [shade for _, shade in shades] == ["0.50", "0.25", "0.00"]
    assert shades[0][0] != shades[1][0]


def test_more_axes_are_matrices_and_long_vectors_are_wrapped():
    three = np.arange(24).reshape(2, 3, 4)
    root = read(tg.tensor(three)._repr_html_())
    assert tables(root) == [listed(one) for one in three]
    assert "[1]" in "".join(root.itertext())
    (table,) = tables(read(tg.tensor(np.arange(40))._repr_html_()))
    assert [len(row) for row in table] == [ACROSS, ACROSS, 8]
    assert "no elements" in tg.tensor(np.zeros((0, 3)))._repr_html_()


@pytest.mark.parametrize("shape", [(100, 200), (LISTED + 1,), (2, ACROSS + 1), (3, 5, 70)])
def test_a_large_tensor_is_told_by_statistics_and_a_strip(shape):
    array = np.random.default_rng(0).normal(size=shape)
    array.flat[3] = np.nan
    root = read(tg.tensor(array)._repr_html_())
    text = "".join(root.itertext())
    assert tables(root) == []
    finite = array[np.isfinite(array)]
    for number in (finite.min(), finite.max(), finite.mean(), finite.std()):
        assert number_text(float(number)) in text
    assert "1 not finite" in text
    steps = [int(n) for n in re.findall(r"one (?:row|column) of (\d+)", text)]
    assert all(step > 1 for step in steps)
    dots = len([*root.iter("rect")])
    assert array.size / (2 * np.prod(steps)) <= dots <= STRIP[0] * STRIP[1]
    assert len(tg.tensor(array)._repr_html_()) < 100_000


def test_the_gradient_stands_beside_the_value_once_it_is_there():
    x = tg.tensor([[1.0, 2.0]], requires_grad=True, name="x")
    assert len(tables(read(x._repr_html_()))) == 1
    out = np.sum(x * x)
    out.backward()
    root = read(x._repr_html_())
    assert tables(root) == [listed(x.numpy()), listed(x.grad.numpy())]
    assert "requires gradients" in "".join(root.itertext())
    assert "from sum" in "".join(read(out._repr_html_()).itertext())


@explored(24, 240, name=HOSTILE.filter(bool))
def test_any_name_is_a_text_and_nothing_else(name):
    root = read(tg.tensor([1.0], name=name)._repr_html_())
    assert [one.text for one in root.iter("b")] == [printable(name)]
    history = History()
    history.append({name: 1.0})
    (((shown, *_),),) = tables(read(history._repr_html_()))
    assert shown == printable(name)


class Foreign:
    """An array of another library, whose elements nobody may ask for."""

    shape, ndim, size, dtype = (2,), 1, 2, np.dtype(float)

    def __array_function__(self, *_):
        raise AssertionError

    def __array__(self, *_):
        raise AssertionError

    def __repr__(self):
        return "Foreign<2>"


def test_the_elements_of_another_library_are_left_alone():
    text = tg.tensor(Foreign())._repr_html_()
    assert "<code>Foreign&lt;2&gt;</code>" in text


def test_a_module_is_a_table_of_its_layers():
    net = nn.Sequential(nn.Linear(2, 3, rng=0, name="<i>"), nn.Tanh())
    rows = tables(read(net._repr_html_()))[0]
    assert rows == [["Sequential", "9", "72"], ["0: Linear", "9", "72"], ["1: Tanh", "0", "0"]]
    assert len(tables(read(net.summary(np.zeros((1, 2)))._repr_html_()))[0][0]) == 4


def test_a_history_is_a_curve_of_each_number_and_its_ends():
    history = History()
    assert tables(read(history._repr_html_())) == []
    for loss in (4.0, 1.0, 2.0):
        history.append({"loss": loss})
    history.append({"loss": 3.0, "accuracy": 0.5})
    history.stopped = "enough"
    root = read(history._repr_html_())
    assert [row[:1] + row[2:] for row in tables(root)[0]] == [
        ["loss", "3", "1", "4"],
        ["accuracy", "0.5", "0.5", "0.5"],
    ]
    assert "stopped: enough" in "".join(root.itertext())


@explored(24, 240, st.lists(st.floats(width=32), max_size=400))
def test_a_curve_stays_in_its_frame_and_ends_at_the_last_number(values):
    text = curve(values)
    if not any(map(np.isfinite, values[::-1][:: -(-len(values) // CURVE_POINTS) or 1])):
        assert text == ""
        return
    points = np.array(re.findall(r"[ML]([\d.-]+),([\d.-]+)", text), float)
    assert len(points) <= CURVE_POINTS
    assert np.all((points >= 0) & (points <= CURVE_SIZE))
    if np.isfinite(values[-1]) and len(values) > 1:
        assert points[-1, 0] == CURVE_SIZE[0] - 3


def test_a_curve_is_logarithmic_where_numbers_are_far_apart():
    points = re.findall(r"[ML][\d.]+,([\d.]+)", curve([100.0, 10.0, 1.0, 0.1]))
    assert np.allclose(np.diff(np.array(points, float)), 20 / 3, atol=0.11)
    assert "log" in curve([100.0, 1.0])
    assert "log" not in curve([100.0, -1.0])


def test_a_training_is_a_bar_and_curves_that_change(monkeypatch):
    pages = []

    def display(data, **_):
        pages.append(data["text/html"])
        return SimpleNamespace(update=display)

    module = SimpleNamespace(
        get_ipython=lambda: SimpleNamespace(kernel=object()),
        display=SimpleNamespace(display=display),
    )
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)  # epochs that take their time
    shown = Progress(4)
    for epoch in range(1, 4):
        shown.epoch(epoch, {"loss": 1 / epoch})
    shown.close("enough")
    root = read(pages[-1])
    assert "width:75.0%" in pages[-1]
    assert tables(root)[0][0][2:] == ["0.3333", "0.3333", "1"]
    assert "epoch 3/4  loss 0.3333  enough" in "".join(root.itertext())
    assert len(pages) == 4
