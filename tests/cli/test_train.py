"""``tinygrad-bp train``: what it says, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import shlex

import numpy as np
import pytest
from command_line import Command, contents, quiet, without_dot, without_plots, write_table

from tinygrad_bp.classifier import SigmoidRegressor, base
from tinygrad_bp.cli import application, fitting, scores
from tinygrad_bp.data import penguins
from tinygrad_bp.files import read_model
from tinygrad_bp.version import __version__

ALWAYS = {"model.safetensors", "history.csv", "loss.svg", "boundary.svg", "run.json"}
KEYS = {
    "train_accuracy",
    "heldout_accuracy",
    "train_logloss",
    "heldout_logloss",
    "baseline_accuracy",
    "epochs",
    "seconds",
    "rows_used",
    "rows_dropped",
    "seed",
    "out",
}


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


@pytest.fixture
def no_pictures(monkeypatch):
    without_plots(monkeypatch)
    without_dot(monkeypatch)


def logits_by_hand(arrays, X):
    """The 2-5-5-1 network in five lines of NumPy: the oracle of what was saved."""
    a = (X - arrays["input_mean"]) / arrays["input_scale"]
    for layer in ("layers.0", "layers.2"):
        a = 1.0 / (1.0 + np.exp(-(a @ arrays[f"{layer}.W"] + arrays[f"{layer}.b"])))
    return (a @ arrays["layers.4.W"] + arrays["layers.4.b"])[:, 0]


def test_no_argument_trains_on_the_penguins(command, tmp_path):
    code, out, err = command("train")
    assert code == 0
    folder = tmp_path / "runs" / "penguins"
    files = {path.name for path in folder.iterdir()}
    assert files - {"graph.svg", "graph.dot"} == ALWAYS
    assert len(files) == 6
    for part in [
        "penguins: Adelie or Chinstrap, told from bill_length_mm, bill_depth_mm",
        "rows used     219: 164 to train on, 55 held out",
        "rows dropped  1: missing value in column 'bill_length_mm', 'bill_depth_mm' (line 5)",
        "network       2-5-5-1, seed 0",
        " epochs in ",
        "restarts      0",
        "2-5-5-1 network  ",
        "logistic regression  ",
        "majority class           68.9%     69.1%     0.6199    0.6184",
        "held-out rows  predicted Adelie  predicted Chinstrap",
        "written to runs/penguins: model.safetensors, history.csv, loss.svg, boundary.svg, graph.",
    ]:
        assert part in out
    assert err.startswith("epoch    1/1500  loss 0.")


def test_json_is_one_object_that_the_saved_model_confirms(command, tmp_path, no_pictures):
    code, out, err = command("train", "--json", "--seed", "3", "--out", "r")
    assert code == 0
    found = json.loads(out)
    assert found.keys() >= KEYS
    assert "written to r" in err
    table = penguins()
    arrays, metadata = read_model(tmp_path / "r" / "model.safetensors")
    assert json.loads(metadata["classes"]) == ["Adelie", "Chinstrap"]
    assert json.loads(metadata["features"]) == ["bill_length_mm", "bill_depth_mm"]
    run = fitting.fit(table, {}, 3, quiet())
    for part, rows in (("train", run.train_rows), ("heldout", run.heldout_rows)):
        z, y = logits_by_hand(arrays, table.X[rows]), table.y[rows]
        p = 1.0 / (1.0 + np.exp(-z))
        log_loss = -np.mean(np.where(y == 1, np.log(p), np.log(1.0 - p)))
        assert found[f"{part}_logloss"] == pytest.approx(log_loss, rel=1e-9)
        assert found[f"{part}_accuracy"] == np.mean((z >= 0) == (y == 1))
    y = table.y[run.heldout_rows]
    z = logits_by_hand(arrays, table.X[run.heldout_rows])
    counts = [[np.sum((y == i) & ((z >= 0) == j)) for j in (0, 1)] for i in (0, 1)]
    assert found["confusion"] == counts
    assert found["baseline_accuracy"] == np.mean(y == 0)
    assert (found["rows_used"], found["rows_dropped"], found["seed"]) == (219, 1, 3)
    assert found["dropped"][0]["line"] == 5
    assert found["out"] == "r"
    assert found["interrupted"] is False


def test_history_has_a_line_for_each_epoch_and_tells_which_was_kept(command, tmp_path, no_pictures):
    _, out, _ = command("train", "--json", "--out", "r")
    found = json.loads(out)
    with (tmp_path / "r" / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, found["epochs"] + 1))
    best = min(rows, key=lambda row: float(row["validation_loss"]))
    assert int(best["epoch"]) == found["kept_epoch"]
    assert float(best["heldout_loss"]) == pytest.approx(found["heldout_logloss"], rel=1e-12)
    assert all(np.isfinite([float(value) for value in row.values()]).all() for row in rows)


def test_same_seed_same_bytes_and_another_seed_others(command, tmp_path):
    runs = {}
    for name, seed in (("r1", 7), ("r2", 7), ("r3", 8)):
        code, out, _ = command(
            "train", "--data", "moons", "--seed", seed, "--out", name, "--json", "--epochs", 50
        )
        assert code == 0
        found = json.loads(out)
        del found["seconds"], found["out"]
        runs[name] = found, contents(tmp_path / name)
    assert runs["r1"] == runs["r2"]
    for name in ALWAYS:  # the graph has shapes alone
        assert runs["r3"][1][name] != runs["r1"][1][name]


@pytest.mark.parametrize("name", ["xor", "moons", "circles", "spiral"])
def test_generated_data(command, name, no_pictures):
    code, out, _ = command(
        "train", "--data", name, "--samples", 100, "--epochs", 3, "--json", "--quiet"
    )
    assert code == 0
    found = json.loads(out)
    assert (found["rows_used"], found["epochs"], found["out"]) == (100, 3, f"runs/{name}")


@pytest.mark.parametrize("count", [1, 2, 5])
def test_table_with_any_number_of_features(command, tmp_path, count):
    names = [f"f{i}" for i in range(count)]
    path = write_table(tmp_path / "birds.csv", [*names, "sex"])
    code, out, err = command(
        "train", path, "--features", *names, "--label", "sex", "--json", "--epochs", 60
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["layers"] == [count, 5, 5, 1]
    assert found["classes"] == ["a", "b"]
    assert found["out"] == "runs/birds"
    assert found["train_accuracy"] > 0.8  # the classes stand 2 standard deviations apart
    drawn = (tmp_path / "runs" / "birds" / "boundary.svg").exists()
    note = f"boundary.svg not drawn: it shows two features, the table has {count}"
    assert drawn == (count == 2) == (note not in found["notes"])


@pytest.mark.filterwarnings("ignore:fit. hidden layer")  # in one step from so many
def test_a_thousand_features_are_saved_too(command, tmp_path, no_pictures):
    names = [f"a rather long name of a column, number {i}" for i in range(1000)]
    quoted = [f'"{name}"' for name in names]
    path = write_table(tmp_path / "wide.csv", [*quoted, "c"], rows=8)
    code, _, err = command("train", path, "--features", *names, "--label", "c", "--epochs", 1)
    assert code == 0, err
    _, metadata = read_model(tmp_path / "runs" / "wide" / "model.safetensors")
    assert json.loads(metadata["features"]) == names


@pytest.mark.parametrize(
    ("hidden", "layers"), [([], "2-1"), ([3], "2-3-1"), ([2, 3, 4], "2-2-3-4-1")]
)
def test_hidden_layers(command, tmp_path, hidden, layers, no_pictures):
    code, out, _ = command("train", "--hidden", *hidden, "--epochs", 2, "--out", "r")
    assert code == 0
    assert f"network       {layers}, seed 0" in out
    arrays, _ = read_model(tmp_path / "r" / "model.safetensors")
    assert len(arrays) == 2 * (len(hidden) + 1) + 2


def test_dropped_rows_are_told_by_line_and_reason(command, tmp_path, no_pictures):
    path = write_table(tmp_path / "t.csv", ["x", "y", "c"], rows=8)
    with path.open("a") as file:
        file.write("NA,1,a\n,2,b\n1,,a\n1,2,\n")
    options = ("train", path, "--features", "x", "y", "--label", "c", "--epochs", 1)
    code, _, err = command(*options)
    assert code == 2
    assert "4 faults" in err
    assert "line 10, column 'x': missing value (NA)" in err
    assert not (tmp_path / "runs").exists()
    code, out, _ = command(*options, "--drop-missing", "--json", "--quiet")
    assert code == 0
    found = json.loads(out)
    assert (found["rows_used"], found["rows_dropped"]) == (8, 4)
    assert [row["line"] for row in found["dropped"]] == [10, 11, 12, 13]
    out = command(*options, "--drop-missing", "--force").out
    assert "rows dropped  4: missing value in column 'x' (lines 10-11)\n" in out
    assert "\n              missing value in column 'c' (line 13)\n" in out


def test_quiet_prints_nothing(command, no_pictures):
    assert command("train", "--epochs", 2, "--quiet") == (0, "", "")


@pytest.mark.parametrize("page", [[], ["train"], ["predict"]])
def test_every_help_page_has_an_example_that_parses(command, page):
    code, out, err = command(*page, "--help")
    assert (code, err) == (0, "")
    assert "example" in out
    examples = [line for line in out.splitlines() if line.startswith("  tinygrad-bp ")]
    assert examples
    for line in examples:
        words = shlex.split(line.partition(">")[0])[1:]
        assert callable(application.build_parser().parse_args(words).run)
    assert max(map(len, out.splitlines())) <= 100


def test_version(command):
    assert command("--version")[:2] == (0, f"tinygrad-bp {__version__}\n")


def stuck_networks(monkeypatch, count: int) -> None:
    """Let the first networks be of zeros: all units of a layer stay alike, XOR is out of reach."""
    build, built = base.sigmoid_network, []

    def build_stuck(sizes, rng):
        network = build(sizes, rng)
        built.append(network)
        if len(built) <= count:
            network.load_state({name: 0.0 * array for name, array in network.state().items()})
        return network

    monkeypatch.setattr(base, "sigmoid_network", build_stuck)


def test_stuck_start_is_given_up_and_said(command, monkeypatch, no_pictures):
    stuck_networks(monkeypatch, 2)
    options = ("train", "--data", "xor", "--seed", "0", "--epochs", "300")
    code, out, err = command(*options, "--json")
    assert code == 0
    assert "restarts      2: the start may have been stuck (its training loss stayed high)" in err
    assert err.count("the start may be stuck after") == 2
    found = json.loads(out)
    assert found["restarts"] == 2
    assert found["heldout_accuracy"] > 0.9


def test_start_that_never_learns_still_gives_its_best(command, monkeypatch, no_pictures):
    stuck_networks(monkeypatch, 99)
    options = ("train", "--data", "xor", "--epochs", "150", "--json", "--quiet")
    found = json.loads(command(*options).out)
    assert found["restarts"] == 3
    assert found["heldout_logloss"] > 0.4  # of ln 2: one unit at most is at work


def test_separator_other_than_a_comma_is_said(command, tmp_path, no_pictures):
    rows = "".join(f"{i};{i * i % 7};{'pq'[i % 2]}\n" for i in range(20))
    (tmp_path / "t.csv").write_text("a;b;y\n" + rows)
    options = ("t.csv", "--features", "a", "b", "--label", "y", "--epochs", 2)
    assert "separated by  ';', not commas" in command("train", *options).out
    assert json.loads(command("train", *options, "--force", "--json").out)["separator"] == ";"


def test_a_constant_column_is_said(command, tmp_path, no_pictures):
    rows = "".join(f"{i},5,{'pq'[i % 2]}\n" for i in range(20))
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows)
    options = ("t.csv", "--features", "a", "b", "--label", "y", "--epochs", 2)
    out = command("train", *options).out
    assert "\nconstant      b: the same in every row, which tells nothing\n" in out


XOR = "a,b,y\n0,0,p\n0,1,q\n1,0,q\n1,1,p\n"


def test_a_score_over_few_rows_is_told_as_one(command, tmp_path, no_pictures):
    (tmp_path / "t.csv").write_text(XOR + XOR.partition("\n")[2] * 3)
    options = ("t.csv", "--features", "a", "b", "--label", "y", "--epochs", 2)
    code, out, err = command("train", *options)
    assert code == 0
    assert "the held-out scores rest on 4 rows: they say little" in out
    assert "(for want of rows to validate on) training loss was lowest" in out
    assert "Warning" not in err


def test_four_points_are_not_halved(command, tmp_path, no_pictures):
    (tmp_path / "t.csv").write_text(XOR)
    options = ("t.csv", "--features", "a", "b", "--label", "y", "--epochs", 700)
    code, out, err = command("train", *options)
    assert code == 0
    assert "nothing is held out of 4: the scores are of rows it was trained on" in out
    assert "2-5-5-1 network         100.0%         -" in out
    assert "training rows  predicted p  predicted q" in out
    assert "Warning" not in err
    assert "held-out loss" not in err
    found = json.loads(command("train", *options, "--json", "--quiet", "--force").out)
    assert found["train_accuracy"] == 1.0
    assert found["heldout_accuracy"] is None
    assert found["rows_heldout"] == 0
    rows = (tmp_path / "runs" / "t" / "history.csv").read_text().splitlines()
    assert all(row.endswith(",,") for row in rows[1:])


COLOURS = ("red", "green", "blue")


@pytest.fixture
def blobs(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["a,b,kind,mass"]
    for i in range(150):
        a, b = (rng.normal(size=2) + 4.0 * np.eye(3, 2)[i % 3]).tolist()
        lines.append(f"{a},{b},{COLOURS[i % 3]},{100 + 9 * np.sin(a) + b}")
    (tmp_path / "blobs.csv").write_text("\n".join(lines) + "\n")
    return "blobs.csv"


def read_predictions(command, folder, path):
    code, out, _ = command("predict", folder, path)
    assert code == 0
    return list(csv.reader(out.splitlines()))


def test_more_than_two_classes(command, blobs, no_pictures):
    options = ("train", blobs, "--features", "a", "b", "--label", "kind", "--out", "r")
    code, out, _ = command(*options)
    assert code == 0
    assert "blobs: blue or green or red, told from a, b" in out
    assert "network       2-5-5-3, seed 0" in out
    assert "boundary.svg not drawn: it shows two classes, the table has 3" in out
    found = json.loads(command(*options, "--force", "--json", "--quiet", "--balanced").out)
    assert found["heldout_accuracy"] > 0.9
    assert found["baseline_logloss"] == pytest.approx(np.log(3), abs=0.01)
    assert np.sum(found["confusion"]) == found["rows_heldout"]
    head, *rows = read_predictions(command, "r", blobs)
    assert head[2:] == ["probability_blue", "probability_green", "probability_red"]
    right = [row[1] == COLOURS[i % 3] for i, row in enumerate(rows)]
    assert np.mean(right) > 0.9
    assert all(sum(map(float, row[2:])) == pytest.approx(1.0) for row in rows)


def test_a_number_to_predict(command, blobs, tmp_path, no_pictures):
    options = ("train", blobs, "--features", "a", "b", "--target", "mass", "--out", "r")
    options = (*options, "--epochs", 600)
    code, out, _ = command(*options)
    assert code == 0
    assert "blobs: mass, told from a, b" in out
    assert "R squared" in out
    found = json.loads(command(*options, "--force", "--json", "--quiet").out)
    assert found["heldout_r2"] > 0.95 > found["linear_r2"]
    assert (found["target"], found["confusion"], found["classes"]) == ("mass", None, [])
    with (tmp_path / "r" / "history.csv").open(newline="") as file:
        kept = list(csv.DictReader(file))[found["kept_epoch"] - 1]
    assert float(kept["heldout_loss"]) == pytest.approx(found["heldout_rmse"], rel=1e-12)
    assert json.loads((tmp_path / "r" / "run.json").read_text())
    head, *rows = read_predictions(command, "r", blobs)
    assert head == ["line", "predicted"]
    with (tmp_path / blobs).open(newline="") as file:
        mass = np.array([float(row["mass"]) for row in csv.DictReader(file)])
    error = np.sqrt(np.mean((np.array([float(row[1]) for row in rows]) - mass) ** 2))
    parts = [found[f"{part}_rmse"] ** 2 * found[f"rows_{part}"] for part in ("train", "heldout")]
    assert error == pytest.approx(np.sqrt(sum(parts) / 150), rel=1e-9)


def test_the_loss_of_a_number_is_in_its_unit():
    x = np.linspace(-1.0, 1.0, 30)
    y, judge = 50.0 + 9.0 * np.sin(3.0 * x), scores.NumberJudge()
    model = SigmoidRegressor(max_epochs=50, restarts=0, validation_fraction=0, random_state=0)
    model.fit(x[:, None], y)
    told = judge.of_curve(min(model.loss_curve_), model)
    assert told == pytest.approx(judge.loss(judge.outputs(model, x[:, None]), y), rel=1e-9)
    assert told == pytest.approx(np.sqrt(np.mean((model.predict(x[:, None]) - y) ** 2)), rel=1e-9)


def test_what_classes_and_numbers_do_not_share_is_said(command, blobs):
    code, _, err = command("train", blobs, "--features", "a", "--label", "mass")
    assert code == 2
    assert "--target, not --label, is for a column of numbers" in err
    code, _, err = command("train", blobs, "--features", "a", "--target", "mass", "--balanced")
    assert (code, "--balanced is for classes" in err) == (2, True)
    options = ("--features", "a", "b", "--label", "kind")
    code, _, err = command("explore", blobs, *options, "--out", "page.html")
    assert (code, "shows two classes, and the table has 3 classes" in err) == (2, True)
