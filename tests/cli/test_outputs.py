"""The files and the table of a run: pictures, hostile names, and what cannot be drawn."""

from __future__ import annotations

import csv
import html
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, quiet, without_dot, without_plots
from deeper import explored
from hypothesis import strategies as st

from tinygrad_bp.cli import fitting, plots, report
from tinygrad_bp.data import Dropped, penguins
from tinygrad_bp.files import read_model
from tinygrad_bp.view import RenderError
from tinygrad_bp.view.formats import dot, pictures
from tinygrad_bp.view.formats.dot import printable

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


@pytest.fixture
def no_plots(monkeypatch):
    without_plots(monkeypatch)


@pytest.fixture
def no_pictures(monkeypatch):
    without_plots(monkeypatch)
    without_dot(monkeypatch)


def parsed(picture):
    return ET.fromstring(picture.read_bytes())  # noqa: S314  # what the command itself has written


def test_pictures_are_svg_with_their_words(command, tmp_path):
    command("train", "--epochs", 30, "--out", "r")
    words = {
        "loss.svg": {"epoch", "training", "validation", "held out"},
        "boundary.svg": {"bill length (mm)", "bill depth (mm)", "Adelie", "Chinstrap, held out"},
    }
    for name, expected in words.items():
        root = parsed(tmp_path / "r" / name)
        assert root.tag == f"{SVG}svg"
        assert expected <= {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
        assert (tmp_path / "r" / name).stat().st_size < 150_000


def test_without_dot_the_graph_is_drawn_all_the_same(command, tmp_path, no_pictures):
    code, out, _ = command("train", "--epochs", 2, "--out", "r")
    assert code == 0
    assert "graph.svg laid out without Graphviz: no program 'dot' here" in out
    text = (tmp_path / "r" / "graph.svg").read_text(encoding="utf-8")
    assert "laid out by the layered layout of tinygrad_bp" in text
    for part in ("hidden1.W", "2×5", "hidden2.W", "5×5", "output.W", "5×1", "164×2", "loss"):
        assert part in text
    assert not (tmp_path / "r" / "graph.dot").exists()


def test_where_dot_fails_the_graph_says_what_drew_it(command, tmp_path, monkeypatch, no_plots):
    def fail(text, form, seconds):
        raise RenderError("'dot' failed: syntax error")

    monkeypatch.setattr(pictures, "has_dot", lambda: True)
    monkeypatch.setattr(dot, "run", fail)
    assert command("train", "--epochs", 2, "--out", "r").code == 0
    text = html.unescape((tmp_path / "r" / "graph.svg").read_text(encoding="utf-8"))
    assert "Note: laid out by tinygrad_bp: 'dot' failed: syntax error" in text


def test_failure_of_a_picture_costs_the_picture_alone(command, tmp_path, monkeypatch):
    def fail(run):
        raise ValueError("a bad day")

    monkeypatch.setattr(plots, "loss_svg", fail)
    code, out, _ = command("train", "--epochs", 2, "--out", "r")
    assert code == 0
    assert "loss.svg not drawn: ValueError: a bad day" in out
    assert (tmp_path / "r" / "model.safetensors").exists()
    assert (tmp_path / "r" / "boundary.svg").exists()


def test_graph_of_a_deep_network_is_a_text(command, tmp_path, no_plots):
    hidden = [1] * 101
    options = ("--epochs", 1, "--out", "r", "--quiet")
    assert command("train", "--hidden", *hidden, *options).code == 0
    assert (tmp_path / "r" / "graph.dot").exists()


HOSTILE = [
    ("$\\frac{a}{b}$", "$\\undefined$"),
    ("<script>alert(1)</script>", "]]>&amp;<![CDATA["),
    ('"quoted"', "it's \\N \\G \\"),
    ("two\nlines", "bell\a and \x1b[31mred"),
    ("日本語", "עברית 🐧"),
    ("a_mm", "x" * 300),
]


# All kinds of them in three runs by default
MIXED = [
    ("$\\frac{a}{b}$", "<script>alert(1)</script>"),
    ("two\nlines", '"quoted" \\N'),
    ("日本語 עברית 🐧", "]]>&amp;<![CDATA[" + "x" * 300),
]


@pytest.mark.parametrize(
    ("first", "second"), [*MIXED, *(pytest.param(*one, marks=pytest.mark.deep) for one in HOSTILE)]
)
def test_hostile_names_are_text_in_every_output(command, tmp_path, first, second):
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([first, second, "c"])
        writer.writerows([i, i * i, (first, second)[i % 2]] for i in range(12))
    code, out, err = command(
        "train", path, "--features", first, second, "--label", "c", "--epochs", 2, "--out", "r"
    )
    assert code == 0, err
    assert "not drawn" not in out
    assert (out + err).replace("\n", "").isprintable()
    texts = set()
    for picture in (tmp_path / "r").glob("*.svg"):
        root = parsed(picture)
        tags = {element.tag for element in root.iter()}
        assert not {f"{SVG}script", f"{SVG}foreignObject", f"{SVG}a"} & tags
        texts |= {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    shown = [report.shortened(name, plots.NAME_LENGTH) for name in (first, second)]
    assert {f"{name}, held out" for name in shown} <= texts  # as it stands, nothing interpreted
    assert json.loads(read_model(tmp_path / "r" / "model.safetensors")[1]["features"]) == [
        first,
        second,
    ]


@pytest.fixture(scope="session")
def finished_run():
    return fitting.fit(penguins(), {"max_epochs": 1}, 0, quiet())


@explored(
    20,
    60,
    names=st.lists(st.text(max_size=60), min_size=2, max_size=2),
    reasons=st.lists(st.sampled_from(["missing", "gone"]), max_size=5),
)
def test_report_is_printable_whatever_the_names(finished_run, names, reasons):
    dropped = tuple(Dropped(i + 2, reason) for i, reason in enumerate(reasons))
    odd = replace(finished_run.table, class_names=tuple(names), dropped=dropped)
    lines = report.report(replace(finished_run, table=odd))
    told = sum(line.count("missing (") + line.count("gone (") for line in lines)
    assert told == len(set(reasons))
    printed = "\n".join(map(printable, "\n".join(lines).split("\n")))
    assert printed.replace("\n", "").isprintable()
    assert any(line.startswith(f"rows dropped  {len(reasons)}") for line in lines)


@pytest.mark.parametrize("name", ["boundary.svg", "graph.svg", "loss.svg"])
def test_picture_of_the_documentation_is_one_of_the_command(name):
    path = Path(__file__).parents[2] / "docs" / "images" / name
    assert path.stat().st_size < 150_000
    texts = {"".join(text.itertext()) for text in parsed(path).iter(f"{SVG}text")}
    expected = {
        "boundary.svg": {"bill length (mm)", "bill depth (mm)", "probability of Chinstrap"},
        "graph.svg": {"hidden1.W", "2×5", "hidden2.W", "5×5", "output.W", "5×1", "loss"},
        "loss.svg": {"penguins: 2-5-5-1 network, loss by epoch", "training", "held out"},
    }
    assert expected[name] <= texts


def test_of_many_rows_an_even_share_is_drawn_and_said(finished_run):
    """Two thousand points at most: more make a file that no viewer opens."""
    copies = 20
    table = finished_run.table
    X, y = np.tile(table.X, (copies, 1)), np.tile(table.y, copies)
    many = replace(finished_run, table=replace(table, X=X, y=y))
    root = ET.fromstring(plots.boundary_svg(many))  # noqa: S314  # drawn a moment ago
    assert "one row in 3 is shown" in {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    collections = [g for g in root.iter(f"{SVG}g") if g.get("id", "").startswith("PathCollection")]
    drawn = sum(len(list(g.iter(f"{SVG}use"))) for g in collections)
    assert drawn == -(-219 * copies // 3)


# The page of the training


def test_the_report_is_a_page_of_the_run(command, tmp_path, no_pictures):
    code, out, _ = command("train", "--epochs", 20, "--out", "r", "--report")
    assert code == 0
    assert "report.html" in out
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    for word in ("penguins, 2-5-5-1 network", "hidden2", "bill_length_mm", "Chinstrap", "held out"):
        assert word in page
    assert command("train", "--epochs", 20, "--out", "r", "--force").code == 0
    assert not (tmp_path / "r" / "report.html").exists()  # it was the earlier run's


def test_a_run_that_is_observed_has_the_same_files(command, tmp_path, no_pictures):
    command("train", "--epochs", 30, "--out", "a")
    command("train", "--epochs", 30, "--out", "b", "--report", "page.html")
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "page.html").exists()
    assert not (tmp_path / "b" / "report.html").exists()


def test_the_report_of_numbers_is_in_their_unit(command, tmp_path, no_pictures):
    lines = [f"{x},{y},{1000 + 10 * x + y}" for x in range(8) for y in range(8)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,mass", *lines]))
    wanted = ("--features", "a", "b", "--target", "mass", "--epochs", 9, "--report", "page.html")
    assert command("train", "t.csv", *wanted).code == 0
    begin = '<script type="application/json" id="data">'
    text = (tmp_path / "page.html").read_text(encoding="utf-8").partition(begin)[2]
    found = json.loads(text.partition("</script>")[0])
    assert found["plane"]["kind"] == "number"
    low, high = found["plane"]["span"]
    assert 1000 <= low < 1030 < 1050 < high <= 1077  # of the rows to train on
    assert found["plane"]["features"] == ["a", "b"]
