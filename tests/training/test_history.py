"""The numbers of a training: as lists, as CSV, as a picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from extras import extra

from tinygrad_bp.errors import DataError
from tinygrad_bp.training import History


@pytest.fixture
def history():
    history = History()
    for row in ({"loss": 0.5}, {"loss": np.float32(0.25), "accuracy": 0.9}, {"loss": math.nan}):
        history.append(row)
    return history


def test_columns(history):
    assert list(history) == ["loss", "accuracy"]
    assert history["loss"][:2] == [0.5, 0.25]
    assert math.isnan(history["accuracy"][0])
    assert (history.epochs, history.best("loss"), history.best("accuracy", highest=True)) == (
        3,
        2,
        2,
    )
    with pytest.raises(KeyError, match="accuracy"):
        history["los"]
    with pytest.raises(DataError):
        History.best({"x": [math.nan]}, "x")


def test_csv(history, tmp_path):
    text = history.to_csv(tmp_path / "h.csv")
    assert text == "epoch,loss,accuracy\n1,0.5,\n2,0.25,0.9\n3,,\n"
    assert (tmp_path / "h.csv").read_text() == text


def test_a_state_gives_it_back(history):
    again = History()
    again.load_state(history.state())
    assert again.to_csv() == history.to_csv()
    again.load_state({})
    assert again.epochs == 0


def test_the_picture_has_a_curve_for_each_column(history, tmp_path):
    extra("matplotlib")
    figure = history.plot(tmp_path / "h.svg")
    labels = [line.get_label() for axes in figure.axes for line in axes.lines]
    assert labels == ["loss", "accuracy"]
    first = (tmp_path / "h.svg").read_bytes()
    history.plot(tmp_path / "h.svg")
    assert (tmp_path / "h.svg").read_bytes() == first
    assert b"</svg>" in first
    assert len(history.plot(names=["loss"]).axes) == 1


def test_nothing_has_no_picture_to_fail_on():
    extra("matplotlib")
    assert History().plot().axes == []
    assert repr(History()) == "History(0 epochs)"
