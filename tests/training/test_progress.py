"""What is seen of a training: a line that moves, or twenty that stay."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tinygrad_bp import nn, optim, training
from tinygrad_bp.training import progress
from tinygrad_bp.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def told(stream, epochs=100):
    shown = Progress(epochs, stream)
    for epoch in range(1, epochs + 1):
        shown.batch(epoch, 1, 2, 0.5)
        shown.epoch(epoch, {"loss": 1.0 / epoch})
    shown.close("enough")
    return stream.getvalue()


def test_in_a_pipe_there_are_few_plain_lines():
    lines = told(io.StringIO()).splitlines()
    assert len(lines) == 22
    assert lines[0] == "epoch 1/100  loss 1"
    assert lines[-2:] == ["epoch 100/100  loss 0.01", "enough"]
    assert [line for line in told(io.StringIO(), 7).splitlines() if "epoch 7/7" in line]


def test_on_a_terminal_one_line_moves(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    text = told(Terminal())
    assert text.count("\n") == 1
    assert text.count("\r") > 100
    assert text.endswith("enough\n")
    assert f"[{'#' * 20}] epoch 100/100" in text
    monkeypatch.setenv("TERM", "dumb")
    assert "\r" not in told(Terminal())


@pytest.fixture
def cell(monkeypatch):
    """What the cell of a notebook has shown, one bundle after the other."""
    shown = []
    handle = SimpleNamespace(update=lambda data, raw: shown.append(data))

    def display(data, *, raw, display_id):
        shown.append(data)
        return handle

    module = SimpleNamespace(
        get_ipython=lambda: SimpleNamespace(kernel=object()),
        display=SimpleNamespace(display=display),
    )
    monkeypatch.setitem(sys.modules, "IPython", module)
    return shown


def test_in_a_notebook_one_text_changes(cell):
    stream = io.StringIO()
    assert told(stream, 3) == ""
    texts = [one["text/plain"] for one in cell]
    assert "epoch 3/3" in texts[-2]
    assert "enough" in texts[-1]


def test_in_a_notebook_curves_are_drawn_ten_times_a_second_at_most(cell, monkeypatch):
    now = [1.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    Progress(1000, io.StringIO()).close()  # of nothing, nothing is shown
    assert cell == []
    shown = Progress(1000, io.StringIO())
    for epoch in range(1, 301):
        now[0] += 0.01
        shown.epoch(epoch, {"loss": 1.0 / epoch})
    assert len(cell) <= 31
    now[0] += 0.01
    shown.close()  # an interrupt
    assert cell[-1]["text/plain"].endswith("epoch 300/1000  loss 0.003333")
    shown.epoch(1000, {"loss": 0.25})
    assert cell[-1]["text/plain"].endswith("epoch 1000/1000  loss 0.25")


def test_a_training_shows_itself_on_standard_error_and_may_be_quiet(capsys):
    net = nn.Linear(1, 1, rng=0)
    X = np.ones((4, 1))
    for shown in (True, False):
        training.fit(
            net, nn.mse, (X, X), optim.SGD(net.parameters(), 0.1), epochs=2, progress=shown
        )
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 2 * shown


def test_without_standard_error_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", None)
    shown = Progress(2)
    shown.batch(1, 1, 1, 0.5)
    shown.epoch(1, {"loss": 1.0})
    shown.close("enough")
