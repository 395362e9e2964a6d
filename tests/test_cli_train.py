"""``tinygrad-bp train``: what it says, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import shlex
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from command_line import Command, contents, write_table
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_bp.classifier import estimator
from tinygrad_bp.cli import arguments, fitting, outputs, plots, report, run_folder, train
from tinygrad_bp.cli.console import Console
from tinygrad_bp.data import Dropped, penguins
from tinygrad_bp.training import read_model
from tinygrad_bp.view import RenderError, dot
from tinygrad_bp.view.dot import printable

ALWAYS = {"model.safetensors", "history.csv", "loss.svg", "boundary.svg"}
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
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


@pytest.fixture
def no_dot(monkeypatch):
    monkeypatch.setattr(outputs.shutil, "which", lambda name: None)


@pytest.fixture
def no_plots(monkeypatch):
    """As where Matplotlib is absent: most tests ask for other things, and drawing takes longest."""

    def import_module(name):
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")

    monkeypatch.setattr(outputs, "import_module", import_module)


@pytest.fixture
def no_pictures(no_plots, no_dot):
    """Neither plots nor a drawn graph."""


def parsed(picture):
    return ET.fromstring(picture.read_bytes())  # noqa: S314  # what the command itself has written


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
    assert len(files) == 5
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


def quiet() -> Console:
    console = Console()
    console.quiet = True
    return console


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


def test_pictures_are_svg_with_their_words(command, tmp_path):
    command("train", "--out", "r")
    words = {
        "loss.svg": {"epoch", "training", "validation", "held out"},
        "boundary.svg": {"bill length (mm)", "bill depth (mm)", "Adelie", "Chinstrap, held out"},
    }
    for name, expected in words.items():
        root = parsed(tmp_path / "r" / name)
        assert root.tag == f"{SVG}svg"
        assert expected <= {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
        assert (tmp_path / "r" / name).stat().st_size < 150_000


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


def test_nothing_is_overwritten_without_force(command, tmp_path, no_pictures):
    options = ("train", "--epochs", 2, "--out", "r")
    assert command(*options).code == 0
    before = contents(tmp_path)
    code, out, err = command(*options, "--seed", 1)
    assert (code, out) == (2, "")
    assert err == "--out r: the folder is not empty; choose another one, or --force to replace it\n"
    assert contents(tmp_path) == before
    assert command(*options, "--seed", 1, "--force").code == 0
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    assert after != before


def test_force_replaces_the_results_of_runs_alone(command, tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "thesis.txt").write_text("mine")
    code, _, err = command("train", "--out", "r", "--force")
    assert code == 2
    assert "the folder holds 'thesis.txt', which no run writes" in err
    assert contents(tmp_path) == {"r/thesis.txt": b"mine"}


@pytest.mark.parametrize(
    ("out", "part"),
    [
        ("file", "a file has this name"),
        (".", "the working directory is inside it"),
        ("..", "the working directory is inside it"),
        ("file/x", "is not a folder that may be written to"),
        ("loop", "loop"),
        ("x" * 300, "File name too long"),
    ],
)
def test_place_that_cannot_be_written_is_refused_before_the_work(
    command, tmp_path, monkeypatch, out, part
):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setattr(train, "fit", None)  # calling it would be a TypeError
    code, _, err = command("train", "--out", out)
    assert code == 2
    assert part in err
    assert contents(tmp_path) == {"file": b"mine"}


def test_folder_of_a_file_whose_name_is_all_dots_is_no_place(command, tmp_path, no_pictures):
    path = write_table(tmp_path / "...csv", ["x", "y", "c"])
    code, _, err = command("train", path, "--features", "x", "y", "--label", "c", "--epochs", 2)
    assert code == 0, err
    assert (tmp_path / "runs" / "table" / "model.safetensors").exists()


def test_disk_full_leaves_nothing_and_says_so(command, tmp_path, monkeypatch, no_pictures):
    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(outputs, "atomic_write_text", full)
    code, _, err = command("train", "--epochs", 2, "--out", "new/r")
    assert code == 2
    assert "cannot write: No space left on device; what was there before is intact" in err
    assert contents(tmp_path) == {}


def test_disk_full_with_force_leaves_the_old_results(command, tmp_path, monkeypatch, no_pictures):
    assert command("train", "--epochs", 2, "--out", "r").code == 0
    before = contents(tmp_path)

    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(outputs, "atomic_write_text", full)
    assert command("train", "--epochs", 3, "--out", "r", "--force").code == 2
    assert contents(tmp_path) == before


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


BAD_TABLES = {
    "not a number": (b"x,y,c\n1,2,a\n1,abc,b\n", ["line 3, column 'y': 'abc'"]),
    "nan": (b"x,y,c\nnan,2,a\n1,2,b\n", ["line 2, column 'x': 'nan'"]),
    "too large": (b"x,y,c\n1e400,2,a\n1,2,b\n", ["line 2, column 'x': '1e400' is beyond"]),
    "underscore": (b"x,y,c\n1_000,2,a\n1,2,b\n", ["line 2, column 'x': '1_000'"]),
    "short row": (b"x,y,c\n1,2\n1,2,b\n", ["line 2, column 'c': no value"]),
    "nul": (b"x,y,c\n1,2\0,a\n1,2,b\n", ["line 2, column 'y': a NUL byte"]),
    "not utf-8": (b"x,y,c\n1,2,\xff\n1,2,b\n", ["line 2, column 'c': byte 0xff"]),
    "quote": (b'x,y,c\n1,"2,a\n1,2,b\n', ["line 2, column 'y': the quote that opens here"]),
    "huge line": (b"x,y,c\n1,2," + b"a" * 2_000_000 + b"\n", ["line 2"]),
    "one class": (b"x,y,c\n1,2,a\n3,4,a\n", ["column 'c'", "found 1: 'a'"]),
    "three classes": (b"x,y,c\n1,2,a\n3,4,b\n5,6,z\n", ["column 'c'", "found 3"]),
    "no column": (b"x,z,c\n1,2,a\n3,4,b\n", ["line 1: no column 'y'"]),
    "empty": (b"", ["the file is empty"]),
    "one row of a class": (b"x,y,c\n1,2,a\n3,4,a\n5,6,b\n", ["class 'b' has 1 row; expected at"]),
    "two faults": (
        b"x,y,c\n,2,a\n1,z,b\n",
        ["2 faults", "line 2, column 'x'", "line 3, column 'y'"],
    ),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_table_is_refused_with_line_and_column(command, tmp_path, case, no_pictures):
    content, parts = BAD_TABLES[case]
    (tmp_path / "t.csv").write_bytes(content)
    code, out, err = command("train", "t.csv", "--features", "x", "y", "--label", "c", "--json")
    assert (code, out) == (2, "")
    for part in parts:
        assert part in err
    assert list(contents(tmp_path)) == ["t.csv"]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["t.csv"], "FILE needs --features and --label"),
        (["t.csv", "--features", "x"], "FILE needs --features and --label"),
        (["t.csv", "--data", "xor"], "FILE and --data or --samples exclude each other"),
        (["--features", "x", "--label", "c"], "need a FILE"),
        (["--drop-missing"], "need a FILE"),
        (["--samples", "9"], "--samples needs --data"),
        (["--data", "penguins", "--samples", "9"], "--samples needs --data"),
        (["--data", "mons"], "invalid choice: 'mons'"),
        (["--data", "xor", "--samples", "1"], "'1' is not an integer of 2 or more"),
        (["--data", "xor", "--samples", "99999999999"], "expected an integer, from 2 to"),
        (["--seed", "-1"], "'-1' is not an integer of 0 or more"),
        (["--seed", "1_0"], "'1_0' is not an integer"),
        (["--seed", "9" * 5000], "is not an integer"),
        (["--epochs", "0"], "'0' is not an integer of 1 or more"),
        (["--epochs", "1.5"], "'1.5' is not an integer"),
        (["--hidden", "0"], "'0' is not an integer of 1 or more"),
        (["--hidden", "99999999999"], "parameters; a model file holds at most 134217728"),
        (["--out", ""], "--out needs the name of a folder"),
        (["absent.csv", "--features", "x", "--label", "c"], "absent.csv: cannot read the CSV file"),
        (["--see", "1"], "unrecognized arguments: --see"),
    ],
)
def test_bad_usage_is_refused_with_its_reason(command, tmp_path, options, part):
    code, out, err = command("train", *options)
    assert (code, out) == (2, "")
    assert part in err
    assert contents(tmp_path) == {}


def test_lack_of_memory_is_told_and_writes_nothing(command, tmp_path, monkeypatch):
    def fit(*arguments, **options):
        raise MemoryError("Unable to allocate 9.31 GiB")

    monkeypatch.setattr(train, "fit", fit)
    code, _, err = command("train")
    assert (code, err) == (2, "not enough memory: Unable to allocate 9.31 GiB\n")
    assert contents(tmp_path) == {}


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
        assert callable(arguments.build_parser().parse_args(words).run)
    assert max(map(len, out.splitlines())) <= 100


def test_version(command):
    assert command("--version")[:2] == (0, "tinygrad-bp 0.1.0\n")


def stuck_networks(monkeypatch, count: int) -> None:
    """Let the first networks be of zeros: all units of a layer stay alike, XOR is out of reach."""
    build, built = estimator.sigmoid_network, []

    def build_stuck(sizes, rng):
        network = build(sizes, rng)
        built.append(network)
        if len(built) <= count:
            network.load_state({name: 0.0 * array for name, array in network.state().items()})
        return network

    monkeypatch.setattr(estimator, "sigmoid_network", build_stuck)


def test_stuck_start_is_given_up_and_said(command, monkeypatch, no_pictures):
    stuck_networks(monkeypatch, 2)
    options = ("train", "--data", "xor", "--seed", "0", "--epochs", "300")
    code, out, err = command(*options)
    assert code == 0
    assert "restarts      2: the training loss stayed high, the start may have been stuck" in out
    assert err.count("the start may be stuck after") == 2
    stuck_networks(monkeypatch, 2)
    found = json.loads(command(*options, "--json", "--quiet", "--force").out)
    assert found["restarts"] == 2
    assert found["heldout_accuracy"] > 0.9


def test_start_that_never_learns_still_gives_its_best(command, monkeypatch, no_pictures):
    stuck_networks(monkeypatch, 99)
    options = ("train", "--data", "xor", "--epochs", "150", "--json", "--quiet")
    found = json.loads(command(*options).out)
    assert found["restarts"] == 3
    assert found["heldout_logloss"] > 0.4  # of ln 2: one unit at most is at work


def test_without_dot_the_graph_is_a_text(command, tmp_path, no_pictures):
    code, out, _ = command("train", "--epochs", 2, "--out", "r")
    assert code == 0
    assert (
        "graph.svg not drawn: there is no Graphviz program 'dot' here; the graph is in graph.dot\n"
        in out
    )
    text = (tmp_path / "r" / "graph.dot").read_text(encoding="utf-8")
    for part in ("hidden1.W", "2×5", "hidden2.W", "5×5", "output.W", "5×1", "164×2", "loss"):
        assert part in text
    assert not (tmp_path / "r" / "graph.svg").exists()


def test_failure_of_dot_costs_the_picture_alone(command, tmp_path, monkeypatch, no_plots):
    def fail(text):
        raise RenderError("'dot' failed: syntax error")

    monkeypatch.setattr(outputs.shutil, "which", lambda name: "dot")
    monkeypatch.setattr(dot, "svg", fail)
    code, out, _ = command("train", "--epochs", 2, "--out", "r")
    assert code == 0
    assert "graph.svg not drawn: 'dot' failed: syntax error; the graph is in graph.dot" in out
    assert (tmp_path / "r" / "graph.dot").exists()


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


@pytest.mark.parametrize(("first", "second"), HOSTILE)
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
    assert "not drawn" not in out.replace("graph.svg not drawn", "")
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


@pytest.fixture(scope="module")
def finished_run():
    return fitting.fit(penguins(), {"max_epochs": 1}, 0, quiet())


@settings(max_examples=60, deadline=None)
@given(
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


def test_new_folder_vanishes_when_the_block_fails(tmp_path):
    with (
        pytest.raises(run_folder.RunFolderError, match="No such file"),
        run_folder.new_folder(tmp_path / "r", force=False) as folder,
    ):
        (folder / "absent").unlink()
    assert list(tmp_path.iterdir()) == []


def test_new_folder_gives_the_old_one_back_when_the_rename_fails(tmp_path, monkeypatch):
    old = tmp_path / "r"
    old.mkdir()
    (old / "history.csv").write_text("old")
    rename, calls = run_folder.Path.rename, []

    def fail_second(self, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(run_folder.Path, "rename", fail_second)
    with (
        pytest.raises(run_folder.RunFolderError, match="Input/output error; what was there"),
        run_folder.new_folder(old, force=True) as folder,
    ):
        (folder / "history.csv").write_text("new")
    assert contents(tmp_path) == {"r/history.csv": b"old"}
