"""``tinygrad-bp predict``: probabilities, and suspicion of every model file."""

from __future__ import annotations

import csv
import io
import json
import random

import numpy as np
import pytest
from command_line import Command, contents, write_table
from words import ABSENT

from tinygrad_bp.cli import main, outputs
from tinygrad_bp.cli.saved_model import load_model
from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.files import read_model, write_model
from tinygrad_bp.files.model_file import encode_model

NEW = 'y,note,x\n0.5,first,-1.5\n2.5,second,1e1\n-0.25,"two\nlines",0\n1,last,2.5\n'


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run on a table with the columns x and y, trained once for the whole file."""
    folder = tmp_path_factory.mktemp("trained")
    table = write_table(folder / "t.csv", ["x", "y", "kind"])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(outputs, "_attempt", lambda *arguments: [])  # no pictures
        options = ["--features", "x", "y", "--label", "kind", "--out", "r", "--quiet"]
        assert main(["train", str(table), *options]) == 0
    return folder / "r" / "model.safetensors"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text(NEW, encoding="utf-8", newline="")
    return Command(capsys)


def by_hand(model, X):
    """The probability of class 'b' by NumPy alone."""
    arrays, _ = read_model(model)
    a = (X - arrays["input_mean"]) / arrays["input_scale"]
    for layer in ("layers.0", "layers.2", "layers.4"):
        a = 1.0 / (1.0 + np.exp(-(a @ arrays[f"{layer}.W"] + arrays[f"{layer}.b"])))
    return a[:, 0]


def test_probabilities_are_those_of_the_saved_weights(command, trained):
    code, out, err = command("predict", trained, "new.csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["line", "predicted", "probability_a", "probability_b"]
    assert [row["line"] for row in rows] == ["2", "3", "4", "6"]
    p = by_hand(trained, np.array([[-1.5, 0.5], [10.0, 2.5], [0.0, -0.25], [2.5, 1.0]]))
    np.testing.assert_allclose([float(row["probability_b"]) for row in rows], p, rtol=1e-12)
    np.testing.assert_allclose([float(row["probability_a"]) for row in rows], 1 - p, rtol=1e-9)
    assert [row["predicted"] for row in rows] == ["ab"[int(value >= 0.5)] for value in p]


def test_folder_of_a_run_names_its_model(command, trained):
    assert command("predict", trained.parent, "new.csv") == command("predict", trained, "new.csv")


def test_out_writes_the_same_and_replaces_only_when_told(command, trained, tmp_path):
    expected = command("predict", trained, "new.csv").out
    assert command("predict", trained, "new.csv", "--out", "p.csv") == (0, "", "")
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == expected
    (tmp_path / "p.csv").write_text("mine")
    code, _, err = command("predict", trained, "new.csv", "--out", "p.csv")
    assert code == 2
    assert err == "--out p.csv: the file exists; choose another name, or --force\n"
    assert (tmp_path / "p.csv").read_text() == "mine"
    assert command("predict", trained, "new.csv", "--out", "p.csv", "--force").code == 0
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == expected


def test_an_input_is_never_replaced(command, trained, tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "new.csv")
    (tmp_path / "m").write_bytes(trained.read_bytes())
    before = contents(tmp_path)
    for out in ("new.csv", "link.csv", "m"):
        code, _, err = command("predict", "m", "new.csv", "--out", out, "--force")
        assert code == 2
        assert f"--out {out}: it is also an input" in err
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("out", "part"), [("absent/p.csv", ABSENT), (".", "the file exists")])
def test_place_that_cannot_be_written(command, trained, tmp_path, out, part):
    code, _, err = command("predict", trained, "new.csv", "--out", out)
    assert code == 2
    assert part in err
    assert list(contents(tmp_path)) == ["new.csv"]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("x,z\n1,2\n", "line 1: no column 'y'"),
        ("x,y\n1,2\n,3\n", "line 3, column 'x': missing value (empty)"),
        ("x,y\n1,2\n1,NA\n", "line 3, column 'y': missing value (NA)"),
        ("x,y\n1,inf\n", "line 2, column 'y': 'inf'"),
        ("x,y\n", "only a header line"),
        ("", "the file is empty"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_written(command, trained, tmp_path, content, part):
    (tmp_path / "bad.csv").write_text(content)
    code, out, err = command("predict", trained, "bad.csv", "--out", "p.csv")
    assert (code, out) == (2, "")
    assert part in err
    assert not (tmp_path / "p.csv").exists()


def test_far_values_give_probabilities_all_the_same(command, trained, tmp_path):
    (tmp_path / "far.csv").write_text("x,y\n1.7e308,-1.7e308\n-1.7e308,1e-320\n")
    code, out, _ = command("predict", trained, "far.csv")
    assert code == 0
    for row in csv.DictReader(io.StringIO(out)):
        pair = float(row["probability_a"]), float(row["probability_b"])
        assert sum(pair) == pytest.approx(1.0)
        assert min(pair) >= 0.0


def spoiled(trained, **changes):
    """The bytes of the trained model with other metadata or arrays; None leaves one out."""
    arrays, metadata = read_model(trained)
    for key, value in changes.items():
        target = arrays if isinstance(value, np.ndarray) or key in arrays else metadata
        if value is None:
            del target[key]
        else:
            target[key] = value
    return encode_model("m", arrays, metadata)


HOSTILE = {
    "no metadata": ({"features": None}, "expected a model of tinygrad-bp train"),
    "more metadata": ({"pickle": "x"}, "expected a model of tinygrad-bp train"),
    "another format": ({"format": "tinygrad_bp.sigmoid_classifier.2"}, "expected a model of"),
    "not json": ({"features": "{'x'"}, "metadata 'features' is not JSON"),
    "deep json": ({"features": "[" * 200_000}, "metadata 'features' is not JSON"),
    "huge integer": ({"hidden": "[" + "9" * 10_000 + "]"}, "metadata 'hidden' is not JSON"),
    "no list": ({"features": '{"x": 1}'}, "'features' is {'x': 1}; expected different texts"),
    "no texts": ({"features": "[1, 2]"}, "'features' is [1, 2]; expected different texts"),
    "no features": ({"features": "[]"}, "'features' is []"),
    "same features": ({"features": '["x", "x"]'}, "expected different texts"),
    "one feature": ({"features": '["x"]'}, "array 'input_mean' is float64 (2,); expected float64"),
    "one class": ({"classes": '["a"]'}, "expected 2 texts or more"),
    "three classes": ({"classes": '["a", "b", "c"]'}, "51 parameters; expected 63"),
    "same classes": ({"classes": '["a", "a"]'}, "expected different texts"),
    "no sizes": ({"hidden": '"55"'}, "'hidden' is '55'; expected integers of 1 or more"),
    "size zero": ({"hidden": "[0, 5]"}, "'hidden' is [0, 5]"),
    "size bool": ({"hidden": "[true, 5]"}, "'hidden' is [True, 5]"),
    "size float": ({"hidden": "[5.0, 5]"}, "'hidden' is [5.0, 5]"),
    "size nan": ({"hidden": "[NaN]"}, "'hidden' is [nan]"),
    "sizes huge": ({"hidden": "[1000000000, 1000000000]"}, "51 parameters; expected 100000000"),
    "sizes many": ({"hidden": json.dumps([1] * 100_000)}, "51 parameters; expected 200003"),
    "other sizes": ({"hidden": "[5, 4]"}, "51 parameters; expected 44 for the layers 2-5-4-1"),
    "same number": ({"hidden": "[12, 1]"}, "load_state: 'layers.0.W' has shape (2, 5), expected"),
    "no mean": ({"input_mean": None}, "array 'input_mean' is missing"),
    "mean too long": ({"input_mean": np.zeros(3)}, "array 'input_mean' is float64 (3,)"),
    "scale float32": ({"input_scale": np.ones(2, np.float32)}, "'input_scale' is float32 (2,)"),
    "scale zero": ({"input_scale": np.array([1.0, 0.0])}, "has values of 0 or less"),
    "scale negative": ({"input_scale": np.array([1.0, -1.0])}, "has values of 0 or less"),
    "no layer": ({"layers.4.b": None}, "50 parameters; expected 51"),
    "another layer": ({"layers.9.W": np.zeros(1)}, "52 parameters; expected 51"),
    "layer of float32": ({"layers.0.b": np.zeros(5, np.float32)}, "has dtype float32"),
    "layer of another shape": ({"layers.0.W": np.zeros((5, 2))}, "has shape (5, 2)"),
    "renamed layer": ({"layers.4.b": None, "evil": np.zeros(1)}, "missing 'layers.4.b'"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_model_is_one_message_and_exit_code_2(command, trained, tmp_path, case):
    changes, part = HOSTILE[case]
    (tmp_path / "m").write_bytes(spoiled(trained, **changes))
    code, out, err = command("predict", "m", "new.csv")
    assert (code, out) == (2, "")
    assert err.startswith("m: ")
    assert part in err
    assert err.count("\n") == 1
    assert len(err) < 500


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "0 bytes; expected 8 bytes of header length"),
        (b"\x80\x04\x95\x05\0\0\0\0\0\0\0\x8c\x01a\x94.", "a header of"),
        (NEW.encode(), "a header of"),
        (None, ABSENT),
    ],
)
def test_file_that_is_no_model(command, tmp_path, content, part):
    if content is not None:
        (tmp_path / "m").write_bytes(content)
    code, _, err = command("predict", "m", "new.csv")
    assert code == 2
    assert part in err
    assert err.count("\n") == 1


def test_names_inside_a_model_never_become_paths(command, trained, tmp_path):
    names = json.dumps(["../../x", "/etc/passwd"])
    (tmp_path / "m").write_bytes(spoiled(trained, features=names, classes=names))
    (tmp_path / "new.csv").write_text("../../x,/etc/passwd\n1,2\n")
    before = contents(tmp_path)
    code, out, _ = command("predict", "m", "new.csv")
    assert code == 0
    assert "probability_../../x,probability_/etc/passwd\n" in out
    assert contents(tmp_path) == before


@pytest.mark.parametrize("rounds", [150, pytest.param(20_000, marks=pytest.mark.deep)])
def test_mutated_models_load_or_are_refused(trained, tmp_path, rounds):
    original, generator = trained.read_bytes(), random.Random(5)
    path, refused = tmp_path / "m", 0
    for _ in range(rounds):
        data = bytearray(original)
        for _ in range(generator.choice((1, 1, 3))):
            data[generator.randrange(len(data))] = generator.randrange(256)
        path.write_bytes(data)
        try:
            model = load_model(path)
        except ModelFileError:
            refused += 1
        else:
            p = model.model.predict_proba(np.zeros((1, 2)))
            assert np.isfinite(p).all()
    assert 0 < refused < rounds


def test_model_that_another_writer_saved_is_read(command, trained, tmp_path):
    arrays, metadata = read_model(trained)
    write_model(tmp_path / "m", dict(sorted(arrays.items(), reverse=True)), metadata)
    assert command("predict", "m", "new.csv") == command("predict", trained, "new.csv")
