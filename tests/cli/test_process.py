"""The command as a process of its own: terminal, pipes, signals, seeds, and absent extras."""

from __future__ import annotations

import importlib
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import contents, run_process, write_table
from extras import extra
from words import DISK_FULL, FILE_TOO_LARGE

import tinygrad_bp
from tinygrad_bp.cli.saved_model import load_model

SILENCE = 300  # seconds after which a process has died or hangs, however busy the machine is
SHORT = ("train", "--data", "moons", "--samples", "40", "--epochs", "3", "--out", "r")
LONG = ("train", "--data", "spiral", "--samples", "20000", "--epochs", "1000000000", "--out", "r")
WITHOUT = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
"""
# Only Ctrl-C ends a training that never loses its patience.
ENDLESS = """
from functools import partial
from tinygrad_bp.cli import fitting

fitting.SigmoidClassifier = partial(fitting.SigmoidClassifier, patience=1_000_000_000)
"""
MAIN = """
import sys
from tinygrad_bp.cli import main

sys.exit(main())
"""


# Matplotlib takes most of the time of a short run.
BARE = WITHOUT.format(blocked={"matplotlib", "rich"})
QUICK = BARE + MAIN
WITH_RICH = WITHOUT.format(blocked={"matplotlib"}) + MAIN


@pytest.fixture
def environment(tmp_path):
    """No DISPLAY, no dot, no settings of the user: what a small server has."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}
    with suppress(ImportError):
        kept["MPLCONFIGDIR"] = importlib.import_module("matplotlib").get_cachedir()
    return {"PATH": str(home), "HOME": str(home), **kept}


@pytest.fixture
def folder(tmp_path):
    """Where the command runs."""
    path = tmp_path / "here"
    path.mkdir()
    return path


def start(
    arguments, folder, environment, script=QUICK, stdout=subprocess.PIPE
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_without_rich_and_matplotlib_it_runs_and_says_what_it_could_not_draw(folder, environment):
    script = WITHOUT.format(blocked={"matplotlib", "rich", "scipy", "sklearn"}) + MAIN
    code, out, err = run_process(SHORT, script, cwd=folder, env=environment)
    assert (code, "Traceback" in err) == (0, False)
    for name in ("loss.svg", "boundary.svg"):
        assert f"{name} not drawn: it needs Matplotlib (pip install 'tinygrad-bp[cli]')\n" in out
    assert set(contents(folder)) == {
        f"r/{name}" for name in ("model.safetensors", "history.csv", "graph.svg", "run.json")
    }


@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False)])
def test_terminal_shows_a_bar_and_a_dumb_one_lines(folder, environment, term, drawn):
    pty = extra("pty")
    extra("rich")
    env = {**environment, "TERM": term, "COLUMNS": "100"}
    text, code = in_terminal(pty, SHORT, folder, env, WITH_RICH)
    assert code == 0
    assert ("\x1b[2K" in text) == drawn
    assert bool(re.search(r"epoch 1/3  loss 0\.\d{4}  held-out loss 0\.\d{4}\r\n", text)) != drawn
    if drawn:
        assert re.search(r"epoch 3/3 \S*━+.*loss 0\.\d{4}  held-out loss 0\.\d{4}", text)
    assert "written to r: " in text.splitlines()[-1]


def test_terminal_without_rich_shows_lines(folder, environment):
    pty = extra("pty")
    text, code = in_terminal(pty, SHORT, folder, {**environment, "TERM": "xterm"}, QUICK)
    assert code == 0
    assert "epoch 1/3  loss 0." in text
    assert "\x1b" not in text


@pytest.mark.usefixtures("ctrl_c")
def test_interrupt_on_a_terminal_takes_the_bar_away_and_saves(folder, environment):
    pty = extra("pty")
    extra("rich")
    endless, env = ENDLESS + MAIN, {**environment, "TERM": "xterm"}
    text, code = in_terminal(pty, LONG, folder, env, endless, press="loss 0.")
    assert code == 130
    assert "this is the best model so far" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back
    assert_whole(folder)


# Ctrl-C becomes a signal only on the terminal that the process belongs to.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def in_terminal(pty, arguments, folder, environment, script=None, press=None):
    """Run the command on a pseudo-terminal; type Ctrl-C when a text is seen."""
    begin = ["-m", "tinygrad_bp"] if script is None else ["-c", script]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *begin, *arguments],
        cwd=folder,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen = b""
    try:
        while select.select([master], [], [], SILENCE)[0]:
            try:
                part = os.read(master, 4096)
            except OSError:  # Linux' way to say that the other side is closed
                break
            if not part:
                break
            seen += part
            if press is not None and press.encode() in seen:
                os.write(master, b"\x03")
                press = None
        return seen.decode(), process.wait(SILENCE)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def assert_whole(folder: Path) -> None:
    assert {"r/model.safetensors", "r/history.csv"} <= contents(folder).keys()
    assert names(folder) == ["r"]
    load_model(folder / "r" / "model.safetensors")


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("times", [1, 2])
def test_interrupt_in_the_training_saves_and_exits_with_130(folder, environment, times):
    with start((*LONG, "--json"), folder, environment, BARE + ENDLESS + MAIN) as process:
        try:
            first = process.stderr.readline()  # the first epoch is over
            for _ in range(times):
                process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=SILENCE)
        finally:
            process.kill()
    assert first.startswith("epoch          1/1000000000")
    assert "Traceback" not in err
    assert process.returncode == 130
    found = json.loads(out)
    assert found["interrupted"] is True
    assert found["logistic_accuracy"] is None
    assert_whole(folder)


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=pytest.mark.deep)])
def test_kill_9_at_any_time_leaves_the_whole_or_nothing(tmp_path, environment, rounds):
    generator = random.Random(rounds)
    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = start(SHORT, folder, environment)
        time.sleep(generator.uniform(0.1, 1.5))
        process.kill()
        process.communicate()
        # a killed process may leave a temporary folder behind, under its own name
        assert all(name == "r" or name.startswith(".tinygrad_bp-") for name in names(folder))
        if (folder / "r").exists():
            assert {"model.safetensors", "history.csv", "graph.svg"} <= contents(
                folder / "r"
            ).keys()
            load_model(folder / "r" / "model.safetensors")


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.deep
def test_interrupt_at_any_time_leaves_the_whole_or_nothing(tmp_path, environment):
    generator = random.Random(1)
    for number in range(100):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = start(SHORT, folder, environment)
        time.sleep(generator.uniform(0.0, 1.5))
        for _ in range(generator.choice((1, 2))):
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=SILENCE)
        if names(folder):
            assert process.returncode in (0, 130)
            assert_whole(folder)
        else:  # in its own start, before the command has begun, Python itself dies of the signal
            assert process.returncode in (130, 1, -signal.SIGINT)


# The script of the command, and Ctrl-C as it begins to load a module; with SIGINT as it came.
PRESSED = """
import importlib.abc, os, runpy, signal, sys

class Presser(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Presser())
signal.signal(signal.SIGINT, signal.{came})
runpy.run_path({script!r}, run_name="__main__")
"""


@pytest.mark.parametrize("came", ["default_int_handler", "SIG_IGN"])
@pytest.mark.parametrize(
    "module", ["tinygrad_bp", "numpy", "numpy.linalg", "tinygrad_bp.engine", "argparse"]
)
def test_interrupt_while_the_command_is_loaded(folder, environment, module, came):
    script = str(Path(tinygrad_bp.__file__).parent / "cli" / "start.py")
    pressed = PRESSED.format(module=module, came=came, script=script)
    process = start(["--version"], folder, environment, script=pressed)
    out, error = process.communicate(timeout=SILENCE)
    if came == "SIG_IGN":
        assert (process.returncode, error) == (0, "")
        assert out.startswith("tinygrad-bp ")
    else:
        assert (process.returncode, out, error) == (130, "", "interrupted\n")


LOADS = """
import sys
from tinygrad_bp.cli import main
COMMANDS = "train predict explore draw derive gradcheck doctor launch".split()
for arguments in (["--help"], ["launch", "--help"], ["graph", "--help"]):
    main(arguments)
    print("loaded", *(name for name in COMMANDS if f"tinygrad_bp.cli.{name}" in sys.modules))
"""


def test_a_command_is_loaded_when_it_is_asked_for(folder, environment):
    code, out, err = run_process((), LOADS, cwd=folder, env=environment)
    assert (code, err) == (0, "")
    assert re.findall("^loaded.*", out, re.MULTILINE) == [
        "loaded",
        "loaded launch",
        "loaded draw launch",
    ]


def test_reader_that_went_away_ends_the_output_quietly(folder, environment):
    reader, writer = os.pipe()
    os.close(reader)
    with start((*SHORT, "--quiet", "--json"), folder, environment, stdout=writer) as process:
        os.close(writer)
        err = process.communicate(timeout=SILENCE)[1]
    assert process.returncode == 141
    assert err == ""
    assert_whole(folder)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_full_standard_output_is_told(folder, environment):
    with (
        Path("/dev/full").open("w") as full,
        start((*SHORT, "--quiet", "--json"), folder, environment, stdout=full) as process,
    ):
        err = process.communicate(timeout=SILENCE)[1]
    assert process.returncode == 2
    assert err == f"standard output: {DISK_FULL}\n"


CLOSED = """
import os, sys
os.close(1), os.close(2)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""


@pytest.mark.parametrize(("options", "code"), [(["--quiet"], 0), ([], 2)])
def test_closed_outputs_cost_no_results(folder, environment, options, code):
    result = run_process([QUICK, *SHORT, *options], CLOSED, cwd=folder, env=environment)
    assert result == (code, "", "")
    assert_whole(folder)


FULL_DISK = """
import resource, signal, sys
sys.dont_write_bytecode = True  # CPython would keep the 500 bytes of it, and fail to import them
from tinygrad_bp.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
sys.exit(main())
"""


def test_full_disk_is_told_and_leaves_nothing(folder, environment):
    code, out, err = run_process([*SHORT, "--quiet"], FULL_DISK, cwd=folder, env=environment)
    assert (code, out) == (2, "")
    told = f"cannot write: {FILE_TOO_LARGE}; what was there before is intact"
    assert err == f"--out {folder / 'r'}: {told}\n"
    assert names(folder) == []


def test_stream_without_unicode_gets_question_marks(folder, environment):
    table = write_table(folder / "t.csv", ["größe", "x", "c"])
    options = ("--features", "größe", "x", "--label", "c", "--epochs", "1", "--out", "r")
    env = {**environment, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
    code, out, err = run_process(("train", table, *options), QUICK, cwd=folder, env=env)
    assert (code, "Traceback" in err) == (0, False)
    assert "told from gr??e, x" in out


def test_same_seed_gives_the_same_bytes_in_every_process(tmp_path, environment):
    """Whatever the hash seed, the place, and Matplotlib's settings of the user."""
    found = []
    for name, hash_seed in (("a", "0"), ("b", "77")):
        folder = tmp_path / name
        folder.mkdir()
        if name == "b":
            (folder / "matplotlibrc").write_text("text.usetex: True\nfont.size: 30\n")
        env = {**environment, "PYTHONHASHSEED": hash_seed}
        options = ("--seed", "11", "--quiet", "--json")
        code, out, err = run_process([*SHORT, *options], cwd=folder, env=env)
        assert (code, err) == (0, "")
        told = json.loads(out)
        del told["seconds"]
        found.append((told, contents(folder / "r")))
    assert found[0] == found[1]
    assert {"model.safetensors", "history.csv", "graph.svg"} <= found[0][1].keys()
