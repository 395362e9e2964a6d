"""The page of a training that runs: when it is written, what it says, and that it comes to rest."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from thread_ranks import on_ranks

from tinygrad_bp import nn, optim, training
from tinygrad_bp.parallel import Ranks
from tinygrad_bp.training import live as module

X = np.linspace(-1.0, 1.0, 12)[:, None]
AGAIN = re.compile(r'<meta http-equiv="refresh" content="(\d+)">')


def lead(page: str) -> str:
    return re.findall(r'<p id="lead">(.*?)</p>', page)[0]


def pages(
    path: Any,
    monkeypatch: Any,
    *,
    epoch: float,
    write: float = 0.0,
    epochs: int = 6,
    **more: Any,
) -> list[str]:
    """Return what is in the file after each epoch, and at the end, by a clock that we turn."""
    now = [0.0]
    written = module.atomic_write_text
    monkeypatch.setattr(module, "clock", lambda: now[0])

    def slowly(*arguments: Any) -> None:
        now[0] += write
        written(*arguments)

    monkeypatch.setattr(module, "atomic_write_text", slowly)
    found = []

    class Look:
        last = 4

        def after_epoch(self, _loop: Any) -> None:
            found.append(path.read_text(encoding="utf-8") if path.exists() else "")

    def spend(_loop: Any) -> None:
        now[0] += epoch

    net = nn.Linear(1, 1, rng=0)
    callbacks = [spend, training.Live(path, title="<b>run</b>"), Look()]
    training.fit(
        net, nn.mse, (X, X), optim.SGD(net.parameters(), 0.1), epochs=epochs, rng=0, progress=False,
        callbacks=callbacks, **more,
    )  # fmt: skip
    return [*found, path.read_text(encoding="utf-8")]


def test_it_says_how_far_it_is_and_comes_to_rest(tmp_path: Any, monkeypatch: Any) -> None:
    *running, ended = pages(tmp_path / "run.html", monkeypatch, epoch=30.0)
    assert [lead(page) for page in running[:2]] == [
        "Epoch 1 of 6; 30 s an epoch; 3 min to go at most.",
        "Epoch 2 of 6; 30 s an epoch; 2 min to go at most.",
    ]
    assert [AGAIN.findall(page) for page in running] == [["30"]] * 6
    assert AGAIN.findall(ended) == []
    assert lead(ended) == "6 epochs; the last weights were kept."


@pytest.mark.parametrize(("epoch", "again"), [(0.01, "1"), (2.2, "3"), (1e4, "60")])
def test_it_looks_again_when_there_may_be_something_new(
    tmp_path: Any, monkeypatch: Any, epoch: float, again: str
) -> None:
    page, *_ = pages(tmp_path / "run.html", monkeypatch, epoch=epoch)
    assert AGAIN.findall(page) == [again]


def test_it_is_written_once_a_second_at_most(tmp_path: Any, monkeypatch: Any) -> None:
    *running, _ = pages(tmp_path / "run.html", monkeypatch, epoch=0.25, epochs=12)
    assert [re.findall(r"Epoch (\d+)", lead(page))[0] for page in running] == [
        *("1", "1", "1", "1", "5", "5", "5", "5", "9", "9", "9", "9"),
    ]


def test_it_takes_a_twentieth_of_the_time_at_most(tmp_path: Any, monkeypatch: Any) -> None:
    *running, _ = pages(tmp_path / "run.html", monkeypatch, epoch=1.0, write=0.2, epochs=12)
    told = [int(re.findall(r"Epoch (\d+)", lead(page))[0]) for page in running]
    assert sorted({*told}) == [1, 5, 9]


def test_the_page_allows_itself_and_nothing_else(tmp_path: Any, monkeypatch: Any) -> None:
    page = pages(tmp_path / "run.html", monkeypatch, epoch=1.0)[0]
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy.startswith("default-src &#x27;none&#x27;; script-src &#x27;sha256-")
    assert "<b>run" not in page
    assert "&lt;b&gt;run&lt;/b&gt;" in page
    assert len(page) < 100_000


def test_a_training_that_goes_on_counts_its_own_epochs(tmp_path: Any, monkeypatch: Any) -> None:
    history = training.History()
    for _ in range(10):
        history.append({"loss": 1.0})
    page, *_ = pages(tmp_path / "run.html", monkeypatch, epoch=2.0, epochs=12, history=history)
    assert lead(page) == "Epoch 11 of 12; 2 s an epoch; 2 s to go at most."


def test_what_an_interrupt_leaves_is_at_rest(tmp_path: Any) -> None:
    def interrupt(loop: Any) -> None:
        if loop.epoch == 2:
            raise KeyboardInterrupt

    net, path = nn.Linear(1, 1, rng=0), tmp_path / "run.html"
    with pytest.raises(KeyboardInterrupt):
        training.fit(
            net, nn.mse, (X, X), optim.SGD(net.parameters(), 0.1), epochs=9, rng=0, progress=False,
            callbacks=[training.Live(path), interrupt],
        )  # fmt: skip
    page = path.read_text(encoding="utf-8")
    assert AGAIN.findall(page) == []
    assert lead(page).startswith("2 epochs;")


def test_one_rank_writes(tmp_path: Any) -> None:
    def work(comm: Any) -> None:
        net = nn.Linear(1, 1, rng=0)
        training.fit(
            net, nn.mse, (X, X), optim.SGD(net.parameters(), 0.1), epochs=2, rng=0, progress=False,
            callbacks=[training.Live(tmp_path / f"{comm.rank}.html")],
            parallel=Ranks(2, comm=comm),
        )  # fmt: skip

    assert on_ranks(2, work) == [None, None]
    assert [one.name for one in tmp_path.iterdir()] == ["0.html"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0 s"), (0.2, "1 s"), (59.0, "59 s"), (60.0, "1 min"), (3541.0, "1 h 0 min"),
     (9000.0, "2 h 30 min")],
)  # fmt: skip
def test_times_are_read_at_a_glance(seconds: float, told: str) -> None:
    assert module._time(seconds) == told
