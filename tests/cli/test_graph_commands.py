"""The commands that draw: ``tinygrad-bp explore`` and ``tinygrad-bp graph``."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from tinygrad_bp.classifier import SigmoidClassifier
from tinygrad_bp.cli import main
from tinygrad_bp.cli.explore import FRAMES, Snapshots
from tinygrad_bp.data import xor


def data_of(path):
    page = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_explore_writes_one_small_page(folder, capsys):
    assert main(["explore", "--data", "moons", "--samples", "200", "--seed", "3"]) == 0
    page = folder / "explore.html"
    assert page.stat().st_size <= 400 * 1024
    assert "written to explore.html: 14 nodes" in capsys.readouterr().out
    found = data_of(page)
    names = [node["name"] for node in found["nodes"]]
    assert {"X", "y", "W1", "b1", "z1", "a1", "W3", "z3", "loss"} <= set(names)
    formulas = {edge.get("formula") for edge in found["edges"]}
    assert "dW3 = a2ᵀ · dz3" in formulas
    training = found["training"]
    assert 50 <= len(training["frames"]) <= FRAMES
    assert len(training["points"]) == 200
    assert all(check["error"] < 1e-8 for check in found["checks"].values())
    assert len(found["checks"]) == 6


def test_explore_refuses_to_replace_a_file_unless_forced(folder, capsys):
    (folder / "x.html").write_text("mine")
    arguments = ["explore", "--epochs", "3", "--out", "x.html", "--quiet"]
    assert main(arguments) == 2
    assert "the file exists" in capsys.readouterr().err
    assert (folder / "x.html").read_text() == "mine"
    assert main([*arguments, "--force"]) == 0
    assert "</html>" in (folder / "x.html").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:fit. .* too few to hold")
def test_explore_trains_on_all_of_a_table_too_small_to_hold_out_from(folder):
    (folder / "t.csv").write_text("a,b,y\n0,0,p\n0,1,q\n1,0,q\n1,1,p\n")
    options = ["t.csv", "--features", "a", "b", "--label", "y", "--epochs", "3", "--rows", "9"]
    assert main(["explore", *options, "--quiet"]) == 0
    page = (folder / "explore.html").read_text()
    assert '"heldout":null' in page.replace(" ", "")
    assert "4 rows of the training part" in page


def test_explore_needs_the_name_of_a_page(folder, capsys):
    assert main(["explore", "--out", "x.svg"]) == 2
    assert "the name ends in .html" in capsys.readouterr().err


def test_explore_takes_a_table_of_more_than_two_features(folder):
    rows = ["a,b,c,label"]
    rng = np.random.default_rng(0)
    rows += [",".join([*map(repr, rng.normal(size=3).tolist()), "xy"[i % 2]]) for i in range(30)]
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    arguments = ["t.csv", "--features", "a", "b", "c", "--label", "label"]
    assert main(["explore", *arguments, "--hidden", "--epochs", "5", "--rows", "3"]) == 0
    found = data_of(folder / "explore.html")
    assert found["training"]["side"] == 0
    assert [n["shape"] for n in found["nodes"] if n["name"] == "X"] == [[3, 3]]


def test_snapshots_are_at_most_a_hundred_of_the_start_that_was_kept():
    table = xor(60, seed=0)
    snapshots = Snapshots(table.X, table.y)
    classifier = SigmoidClassifier(random_state=0, max_epochs=450, patience=450)
    classifier.fit(table.X, table.y, on_epoch=snapshots)
    kept = snapshots.of(classifier)
    epochs = [epoch for epoch, *_ in kept]
    assert 50 <= len(kept) <= FRAMES
    assert epochs[0] == 1
    assert len(set(np.diff(epochs))) == 1
    assert [loss for _, loss, *_ in kept] == [classifier.loss_curve_[e - 1] for e in epochs]


MODEL = """
import numpy as np, tinygrad_bp as tg

W = tg.tensor([[1.0, 2.0]], requires_grad=True, name="W")

def loss():
    with tg.scope("part"):
        return np.sum(np.tanh(W) @ np.ones((2, 1)))

def repeats():
    h = W
    for _ in range(30):
        h = np.tanh(h) * 2
    return np.sum(h)

def network(x, shift):
    return np.sum(np.tanh(x @ W.T) + shift)

def broken():
    return np.tanh(W) @ np.ones((3, 1))

def ends():
    z = W @ np.ones((2, 1))
    raise SystemExit(0)

def nothing():
    return 1.0

def early():
    raise KeyError("key")

def elsewhere():
    import os
    os.chdir("other")
    return loss()

number = 3
"""


@pytest.fixture
def model(folder, monkeypatch):
    (folder / "drawn_model.py").write_text(MODEL)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(__import__("sys").modules, "drawn_model", raising=False)
    return folder


def test_a_function_that_takes_arguments_is_called_with_tensors_of_their_names(model, capsys):
    shapes = ["--shape", "3,2", "--shape", ""]
    assert main(["graph", "drawn_model:network", *shapes, "-o", "g.json"]) == 0
    nodes = json.loads((model / "g.json").read_text())["nodes"]
    leaves = {one["name"]: one["shape"] for one in nodes if one["kind"] == "leaf"}
    assert leaves == {"x": [3, 2], "shift": [], "W": [1, 2]}
    assert main(["explore", "drawn_model:network", *shapes, "--focus", "dx"]) == 0
    assert data_of(model / "explore.html")["focus"] == "dx"
    assert main(["graph", "drawn_model:network", "-o", "h.json"]) == 2
    assert "needs a --shape for each" in capsys.readouterr().err


def test_what_is_folded_is_unfolded_by_its_name(model, capsys):
    command = ["graph", "drawn_model:repeats", "-o"]
    assert main([*command, "folded.txt"]) == 0
    assert (model / "folded.txt").read_text("utf-8").count("tanh") == 1
    assert main([*command, "open.txt", "--unfold", "repeated x30"]) == 0
    assert (model / "open.txt").read_text("utf-8").count("tanh") == 30
    assert main([*command, "nothing.txt", "--unfold", "decoder"]) == 2
    assert "folded are 'repeated ×30'" in capsys.readouterr().err
    assert not (model / "nothing.txt").exists()


@pytest.mark.parametrize("suffix", ["svg", "dot", "json", "mmd", "txt", "html"])
def test_graph_draws_a_function(model, suffix, capsys):
    assert main(["graph", "drawn_model:loss", "-o", f"g.{suffix}"]) == 0
    assert "tanh" in (model / f"g.{suffix}").read_text(encoding="utf-8")
    assert f"5 nodes, written to g.{suffix}" in capsys.readouterr().out


def test_graph_takes_level_focus_and_fold(model):
    drawn = {}
    for name, options in {
        "scalar": ["--level", "scalar"],
        "focus": ["--focus", "W[0,1]"],
        "fold": ["--fold", "0"],
    }.items():
        assert main(["graph", "drawn_model:loss", "-o", f"{name}.txt", *options]) == 0
        drawn[name] = (model / f"{name}.txt").read_text(encoding="utf-8")
    assert "W[0,0]" in drawn["scalar"]
    assert "W[0,1]" in drawn["focus"]
    assert "W[0,0]" not in drawn["focus"]
    assert "part  2 operations" in drawn["fold"]


def test_graph_draws_what_was_recorded_before_an_exception(model, capsys):
    assert main(["graph", "drawn_model:broken", "-o", "g.txt"]) == 2
    assert (model / "g.txt").read_text(encoding="utf-8").startswith("matmul")
    assert "drawn_model:broken raised ShapeError" in capsys.readouterr().err


def test_graph_of_a_function_that_ends_the_process_is_no_success(model, capsys):
    assert main(["graph", "drawn_model:ends", "-o", "g.txt"]) == 2
    assert "matmul" in (model / "g.txt").read_text(encoding="utf-8")
    assert "drawn_model:ends raised SystemExit: 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["drawn_model"], "expected MODULE:FUNCTION"),
        (["drawn_model.py:loss"], "a module has no .py: write drawn_model:loss"),
        (["drawn_model:absent"], "absent"),
        (["no_such_model:loss"], "no_such_model"),
        (["drawn_model:number"], "not a function but a int"),
        (["drawn_model:nothing"], "nothing is tracked"),
        (["drawn_model:loss", "--focus", "V"], "'V' is no node"),
        (["drawn_model:loss", "-o", "g.jpg"], "expected one of .svg"),
    ],
)
def test_graph_refuses(model, arguments, part, capsys):
    before = {path.name for path in model.iterdir()}
    assert main(["graph", "-o", "g.txt", *arguments]) == 2
    assert part in capsys.readouterr().err
    assert {path.name for path in model.iterdir()} - before <= {"__pycache__"}


def test_graph_refuses_to_replace_a_file_unless_forced(model, capsys):
    (model / "g.txt").write_text("mine")
    assert main(["graph", "drawn_model:loss", "-o", "g.txt"]) == 2
    assert (model / "g.txt").read_text() == "mine"
    assert main(["graph", "drawn_model:loss", "-o", "g.txt", "--force"]) == 0


def test_graph_writes_where_the_command_began_wherever_the_function_goes(model, capsys):
    (model / "other").mkdir()
    (model / "other" / "g.txt").write_text("mine")
    assert main(["graph", "drawn_model:elsewhere", "-o", "g.txt"]) == 0
    assert (model / "other" / "g.txt").read_text() == "mine"
    assert "tanh" in (model / "g.txt").read_text(encoding="utf-8")
    assert "written to g.txt" in capsys.readouterr().out


def test_graph_says_that_there_is_nothing_to_draw_of_an_early_exception(model, capsys):
    assert main(["graph", "drawn_model:early", "-o", "g.txt"]) == 2
    told = capsys.readouterr().err
    assert "drawn_model:early raised KeyError: 'key'" in told
    assert "no operation was recorded before it" in told
    assert not (model / "g.txt").exists()


@pytest.mark.parametrize(
    ("function", "code", "told"),
    [("loss", 0, ""), ("elsewhere", 0, ""), ("broken", 2, "raised ShapeError")],
)
def test_explore_takes_a_function(model, function, code, told, capsys):
    (model / "other").mkdir()
    assert main(["explore", f"drawn_model:{function}", "--focus", "dW"]) == code
    found = data_of(model / "explore.html")
    assert found["focus"] == "dW"
    assert found["training"] is None
    assert "tanh" in {node["op"] for node in found["nodes"]}
    assert told in capsys.readouterr().err
    with pytest.raises(FileNotFoundError):
        (model / "other" / "explore.html").read_text()


def test_explore_shows_the_derivation_too(folder, capsys):
    assert main(["explore", "--data", "xor", "--epochs", "3", "--quiet"]) == 0
    page = (folder / "explore.html").read_text(encoding="utf-8")
    section = page.split('<details id="section">')[1].split("</details>")[0]
    assert section.startswith("<summary>How loss was computed, and where its gradients come from")
    assert "<msub><mi>W</mi><mn>3</mn></msub>" in section
    assert "def loss_and_gradients(" in section
    assert "<h1" not in section
