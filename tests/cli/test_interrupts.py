"""Ctrl-C at any moment of a run: the best model so far or nothing, and never a half."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from pathlib import Path

import pytest
from command_line import Command, contents, without_dot, without_plots

from tinygrad_bp import cli
from tinygrad_bp.classifier import SigmoidClassifier
from tinygrad_bp.cli import (
    fitting,
    interrupts,
    outputs,
    saved_model,
    scores,
    train,
    training_options,
)

pytestmark = pytest.mark.usefixtures("ctrl_c")
PACKAGE = str(Path(cli.__file__).parent.parent)
TRAIN = ("train", "--data", "moons", "--samples", "60", "--epochs", "40", "--out", "r")
FULL = {"model.safetensors", "history.csv", "graph.svg", "run.json"}


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    without_plots(monkeypatch)
    without_dot(monkeypatch)
    return Command(capsys)


def press() -> None:
    """Press Ctrl-C: the handler runs before the next line of Python."""
    os.kill(os.getpid(), signal.SIGINT)


def pressing_before(monkeypatch, module, name, *, call=1, times=1):
    """Press Ctrl-C when a function is called for the n-th time."""
    original, calls = getattr(module, name), []

    def wrapped(*arguments, **options):
        calls.append(name)
        if len(calls) == call:
            for _ in range(times):
                press()
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, wrapped)


def assert_loads(folder: Path) -> None:
    model = saved_model.load_model(folder / "model.safetensors")
    assert model.model.predict_proba([[0.0, 0.0]]).shape == (1, 2)


def test_before_the_training_nothing_is_written(command, tmp_path, monkeypatch):
    pressing_before(monkeypatch, training_options, "generate")
    assert command(*TRAIN) == (130, "", "interrupted\n")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("epoch", [1, 2, 25])
def test_in_the_training_the_best_model_so_far_is_saved(
    command, tmp_path, monkeypatch, epoch, times
):
    # the held-out loss is measured once an epoch
    pressing_before(monkeypatch, scores.ClassJudge, "loss", call=epoch, times=times)
    code, out, _ = command(*TRAIN)
    assert code == 130
    assert "interrupted   this is the best model so far" in out
    assert f"training      {epoch} epochs in" in out
    assert "logistic regression" not in out
    assert {"model.safetensors", "history.csv"} <= {
        path.name for path in (tmp_path / "r").iterdir()
    }
    assert len((tmp_path / "r" / "history.csv").read_text().splitlines()) == epoch + 1
    assert_loads(tmp_path / "r")
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_saved_weights_are_those_of_the_best_epoch(command, tmp_path, monkeypatch):
    """Interrupted in epoch 25, or limited to 25 epochs: the same model, to the bit."""
    once = [*TRAIN, "--hidden"]  # without hidden layers no start is given up
    assert command(*once, "--epochs", 25).code == 0
    expected = contents(tmp_path / "r")
    pressing_before(monkeypatch, scores.ClassJudge, "loss", call=25)
    assert command(*once, "--force").code == 130
    found = contents(tmp_path / "r")
    for name in ("model.safetensors", "history.csv"):
        assert found[name] == expected[name]


def test_in_the_baseline_the_network_is_saved(command, tmp_path, monkeypatch):
    pressing_before(monkeypatch, fitting, "_simple")
    code, out, _ = command(*TRAIN)
    assert code == 130
    assert "training      40 epochs" in out
    assert "logistic regression" not in out
    assert_loads(tmp_path / "r")


@pytest.mark.parametrize("name", ["save_model", "_history"])
def test_in_the_writing_the_model_and_its_history_are_complete(
    command, tmp_path, monkeypatch, name
):
    pressing_before(monkeypatch, outputs, name, times=2)
    code, out, _ = command(*TRAIN)
    assert code == 130
    for picture in ("loss.svg", "boundary.svg", "graph.svg"):
        assert f"{picture} not drawn: interrupted\n" in out
    assert set(contents(tmp_path / "r")) == {"model.safetensors", "history.csv", "run.json"}
    assert_loads(tmp_path / "r")


def test_in_the_drawing_what_is_left_is_skipped(command, tmp_path, monkeypatch):
    pressing_before(monkeypatch, outputs, "_draw_boundary")
    code, out, _ = command(*TRAIN)
    assert code == 130
    assert "boundary.svg not drawn: it needs Matplotlib" in out
    assert "graph.svg not drawn: interrupted" in out
    assert_loads(tmp_path / "r")


def test_in_the_report_the_results_are_there(command, tmp_path, monkeypatch):
    pressing_before(monkeypatch, train, "report")
    code, _, err = command(*TRAIN)
    assert code == 130
    assert err.endswith("interrupted; the results are in r\n")
    assert set(contents(tmp_path / "r")) == FULL
    assert_loads(tmp_path / "r")


def test_with_force_the_old_results_stay_until_the_new_are_whole(command, tmp_path, monkeypatch):
    assert command(*TRAIN).code == 0
    before = contents(tmp_path)
    pressing_before(monkeypatch, training_options, "generate")
    assert command(*TRAIN, "--force", "--seed", 5).code == 130
    assert contents(tmp_path) == before


def test_exception_that_comes_without_the_handler_is_met_too(command, tmp_path, monkeypatch):
    """A caller with a handler of its own gets KeyboardInterrupt anywhere."""
    calls = []

    def raising(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 0.5

    monkeypatch.setattr(scores.ClassJudge, "loss", raising)
    code, out, _ = command(*TRAIN)
    assert code == 130
    assert "training      3 epochs" in out  # its weights are in force, and are judged
    assert_loads(tmp_path / "r")


def test_exception_before_the_first_epoch_leaves_nothing(command, tmp_path, monkeypatch):
    def raising(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(SigmoidClassifier, "fit", raising)
    code, out, err = command(*TRAIN)
    assert (code, out) == (130, "")
    assert err == "interrupted before there was a model; nothing was written\n"
    assert contents(tmp_path) == {}


def test_handler_of_the_caller_is_kept_and_the_own_one_removed(command):
    before = signal.getsignal(signal.SIGINT)
    assert before is signal.default_int_handler
    assert command(*TRAIN).code == 0
    assert signal.getsignal(signal.SIGINT) is before
    seen = []
    signal.signal(signal.SIGINT, lambda *arguments: seen.append(arguments))
    try:
        with interrupts.Interrupts().held():
            press()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(seen) == 1


def test_thread_other_than_the_main_one_may_train(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codes = []
    thread = threading.Thread(target=lambda: codes.append(cli.main([*TRAIN, "--quiet"])))
    thread.start()
    thread.join()
    assert codes == [0]


def press_at(command, step: int) -> tuple[int, int]:
    """Press Ctrl-C at the n-th line of the package that a run executes; give code and lines."""
    lines = 0

    def trace(frame, event, argument):
        nonlocal lines
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            lines += 1
            if lines == step:
                press()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        code = command(*TRAIN, "--epochs", "3", "--hidden", "2").code
    finally:
        sys.settrace(before)
    return code, lines


@pytest.mark.parametrize("count", [8, pytest.param(2000, marks=pytest.mark.deep)])
def test_at_any_line_there_is_the_whole_or_nothing(command, tmp_path, count):
    press_at(command, -1)  # what is read and built once is not counted
    for path in (tmp_path / "r").iterdir():
        path.unlink()
    total = press_at(command, -1)[1]
    generator = random.Random(count)
    saved = 0
    for _ in range(count):
        for path in (tmp_path / "r").iterdir():
            path.unlink()
        step = generator.randrange(1, total)
        code, lines = press_at(command, step)
        assert code == 130, (step, lines, total)
        assert [path.name for path in tmp_path.iterdir()] == ["r"]
        if any((tmp_path / "r").iterdir()):
            assert {"model.safetensors", "history.csv"} <= contents(tmp_path / "r").keys()
            assert_loads(tmp_path / "r")
            saved += 1
    assert saved > count // 2
