"""``tinygrad-bp train`` on bad input: exit code 2, the reason, and nothing written."""

from __future__ import annotations

import errno
import os

import pytest
from command_line import Command, contents, without_dot, without_plots, write_table
from words import ABSENT, DISK_FULL, NAME_TOO_LONG

from tinygrad_bp.cli import outputs, run_folder, train


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


@pytest.fixture
def no_pictures(monkeypatch):
    without_plots(monkeypatch)
    without_dot(monkeypatch)


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


def plant_file(folder):
    (folder / "thesis.txt").write_text("mine")
    return "thesis.txt"


def plant_name_of_a_result(folder):
    (folder / "history.csv").write_text("epoch,train_loss,validation_loss,heldout_loss\n")
    return "history.csv"


def plant_edit(folder):
    with (folder / "history.csv").open("a") as file:
        file.write("my remark\n")
    return "history.csv"


def plant_folder(folder):
    (folder / "boundary.svg").unlink(missing_ok=True)
    (folder / "boundary.svg").mkdir()
    (folder / "boundary.svg" / "thesis.txt").write_text("mine")
    return "boundary.svg"


def plant_link(folder):
    (folder / "loss.svg").unlink(missing_ok=True)
    (folder / "loss.svg").symlink_to(folder / "history.csv")
    return "loss.svg"


def plant_pipe(folder):
    (folder / "loss.svg").unlink(missing_ok=True)
    os.mkfifo(folder / "loss.svg")
    return "loss.svg"


def plant_record(folder):
    (folder / "run.json").write_text('{"format": "mine"}')
    return min(path.name for path in folder.iterdir())


@pytest.mark.parametrize("run_before", [False, True])
@pytest.mark.parametrize(
    "plant",
    [
        plant_file,
        plant_name_of_a_result,
        plant_edit,
        plant_folder,
        plant_link,
        plant_pipe,
        plant_record,
    ],
)
def test_force_replaces_what_runs_have_written_and_nothing_else(tmp_path, plant, run_before):
    """Whatever stands there under whatever name: only what a run wrote, as it wrote it, goes."""
    with run_folder.new_folder(tmp_path / "r", force=False) as folder:
        for name in ("history.csv", "boundary.svg") if run_before else ():
            (folder / name).write_text("of a run")
    if not run_before:
        (tmp_path / "r" / "run.json").unlink()
    foreign = plant(tmp_path / "r")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(run_folder.RunFolderError, match=f"holds '{foreign}', which no run has"):
        run_folder.check_folder(str(tmp_path / "r"), force=True)
    with (
        pytest.raises(run_folder.RunFolderError, match=f"holds '{foreign}', which no run has"),
        run_folder.new_folder(tmp_path / "r", force=True) as folder,
    ):
        (folder / "history.csv").write_text("new")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_comes_into_the_folder_at_the_last_moment_is_kept(tmp_path, monkeypatch):
    for number in range(2):
        with run_folder.new_folder(tmp_path / "r", force=True) as folder:
            (folder / "history.csv").write_text(str(number))
    put = run_folder.put_folder

    def put_late(folder, target):
        (target / "thesis.txt").write_text("mine")
        return put(folder, target)

    monkeypatch.setattr(run_folder, "put_folder", put_late)
    with (
        pytest.raises(run_folder.RunFolderError, match="the new results are there") as caught,
        run_folder.new_folder(tmp_path / "r", force=True) as folder,
    ):
        (folder / "history.csv").write_text("2")
    assert (tmp_path / "r" / "history.csv").read_text() == "2"
    (old,) = set(tmp_path.iterdir()) - {tmp_path / "r"}
    assert contents(old) == {"thesis.txt": b"mine"}
    assert str(old) in str(caught.value)


@pytest.mark.parametrize("number", ["-1", "-1e3", "-.5", "-2.5E-3", "-inf"])
@pytest.mark.parametrize(
    ("name", "option"),
    [
        *(("train", one) for one in ("--samples", "--hidden", "--epochs", "--seed")),
        *(("explore", "--rows"), ("graph", "--fold"), ("gradcheck", "--order")),
    ],
)
def test_a_negative_number_is_a_value_out_of_range(command, name, option, number):
    code, out, err = command(name, option, number)
    assert (code, out) == (2, "")
    assert f"{option}: {number!r} is not an integer of" in err


@pytest.mark.parametrize(
    ("out", "part"),
    [
        ("file", "a file has this name"),
        (".", "the working directory is inside it"),
        ("..", "the working directory is inside it"),
        ("file/x", "is not a folder that may be written to"),
        ("loop", "not the path of a folder"),
        ("x" * 300, NAME_TOO_LONG),
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
        raise OSError(errno.ENOSPC, DISK_FULL, str(path))

    monkeypatch.setattr(outputs, "atomic_write_text", full)
    code, _, err = command("train", "--epochs", 2, "--out", "new/r")
    assert code == 2
    assert f"cannot write: {DISK_FULL}; what was there before is intact" in err
    assert contents(tmp_path) == {}


def test_disk_full_with_force_leaves_the_old_results(command, tmp_path, monkeypatch, no_pictures):
    assert command("train", "--epochs", 2, "--out", "r").code == 0
    before = contents(tmp_path)

    def full(path, text):
        raise OSError(errno.ENOSPC, DISK_FULL, str(path))

    monkeypatch.setattr(outputs, "atomic_write_text", full)
    assert command("train", "--epochs", 3, "--out", "r", "--force").code == 2
    assert contents(tmp_path) == before


def test_new_folder_vanishes_when_the_block_fails(tmp_path):
    with (
        pytest.raises(run_folder.RunFolderError, match=ABSENT),
        run_folder.new_folder(tmp_path / "r", force=False) as folder,
    ):
        (folder / "absent").unlink()
    assert list(tmp_path.iterdir()) == []


def test_results_that_a_killed_run_was_replacing_are_named(command, tmp_path):
    """On systems that cannot exchange two names a kill may leave the folder under another one."""
    (tmp_path / "r.before-0123abcd").mkdir()
    path = write_table(tmp_path / "t.csv", ["x", "y", "c"])
    for arguments in (
        ("train", "--out", "r"),
        ("train", "--out", "r", "--force"),
        ("predict", "r", path),
        ("predict", "r/model.safetensors", path),
    ):
        code, _, err = command(*arguments)
        assert code == 2
        assert "r.before-0123abcd: rename it back" in err.replace("\n", " ")
    assert contents(tmp_path).keys() == {"t.csv"}


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
    "no column": (b"x,z,c\n1,2,a\n3,4,b\n", ["line 1: no column 'y'"]),
    "empty": (b"", ["the file is empty"]),
    "one row of a class": (
        b"x,y,c\n" + b"1,2,a\n3,4,a\n" * 6 + b"5,6,b\n",
        ["class 'b' has 1 row; expected at"],
    ),
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
        (["t.csv"], "FILE needs --features, and --label or --target"),
        (["t.csv", "--features", "x"], "FILE needs --features, and --label or --target"),
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
        (["--seed=--"], "argument --seed: "),
        (["--see", "1"], "unrecognized arguments: --see"),
    ],
)
def test_bad_usage_is_refused_with_its_reason(command, tmp_path, options, part):
    code, out, err = command("train", *options)
    assert (code, out) == (2, "")
    assert part in err
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", ["train", "predict", "explore", "graph", "gradcheck"])
def test_an_unknown_option_shows_the_usage_of_its_command(command, name):
    code, _, err = command(name, "--bogus", "f", "f")
    assert code == 2
    assert err.startswith(f"usage: tinygrad-bp {name} ")


def test_the_command_alone_prints_its_help(command):
    code, out, err = command()
    assert (code, err) == (2, "")
    assert "commands:" in out
    assert "gradcheck" in out


def test_a_class_of_one_row_names_the_file(command, tmp_path):
    (tmp_path / "t.csv").write_text("a,c\n1,x\n" + "2,y\n3,y\n" * 6)
    code, _, err = command("train", "t.csv", "--features", "a", "--label", "c")
    assert (code, err.partition(":")[0]) == (2, "t.csv")


def test_lack_of_memory_is_told_and_writes_nothing(command, tmp_path, monkeypatch):
    def fit(*arguments, **options):
        raise MemoryError("Unable to allocate 9.31 GiB")

    monkeypatch.setattr(train, "fit", fit)
    code, _, err = command("train")
    assert (code, err) == (2, "not enough memory: Unable to allocate 9.31 GiB\n")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("folder", "this is a folder"),
        ("missing/page.html", "is not a folder that may be written to"),
        ("page.txt", "the name ends in .html"),
        ("old.html", "the file exists"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_training(
    command, tmp_path, name, told
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.html").write_text("mine")
    code, _, err = command("train", "--out", "r", "--report", name)
    assert code == 2
    assert f"--report {name}" in err
    assert told in err
    assert not (tmp_path / "r").exists()
    assert (tmp_path / "old.html").read_text() == "mine"


@pytest.mark.parametrize("name", ["train", "predict", "explore", "graph", "explain"])
def test_out_has_its_short_form_in_every_command(command, name):
    _, out, _ = command(name, "--help")
    assert "-o FILE, --out FILE" in out or "-o FOLDER, --out FOLDER" in out or "-o, --out" in out
