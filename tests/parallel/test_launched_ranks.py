"""Scripts on real ranks: what they agree on, and what ends them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from extras import extra

extra("mpi4py")

LIMIT = 500  # seconds after which a run counts as hanging, however busy the machine is
SCRIPT = """
import hashlib, os, signal, sys, time
import numpy as np
import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training

what, path = sys.argv[1:]
ranks = tg.parallel.Ranks(shards=8, deadline=float(os.environ.get("DEADLINE", 300)))
X = np.random.default_rng(0).normal(size=(90, 3))
Y = np.sin(X[:, :1])
net = nn.Sequential(
    nn.Linear(3, 8, rng=1), nn.Tanh(), nn.Dropout(0.2, rng=2), nn.Linear(8, 1, rng=3)
)
optimizer = optim.Adam(net.parameters(), 0.01)


def step(weights, X, y):
    return nn.mse(np.tanh(X @ weights[0]) @ weights[1], y)


class Trouble:
    steps = 0

    def after_step(self, loop):
        self.steps += 1
        if self.steps == 4 and ranks.rank == ranks.size - 1:
            if what == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if what == "stopped":
                os.kill(os.getpid(), signal.SIGSTOP)
            if what == "raises":
                raise ValueError("this will not do")
            if what == "exits":
                os._exit(3)
            if what == "waits":
                print("waiting")
                time.sleep(1000)


if what in ("eager", "compiled"):
    slopes = tg.value_and_grad(step)
    call = slopes if what == "eager" else tg.compile(slopes)
    weights = [np.ones((3, 4)) * 0.1, np.ones((4, 1)) * 0.2]
    for _ in range(5):
        _, found = ranks.mean(lambda X, y: call(weights, X, y), X, Y)
        weights = [w - 0.1 * g for w, g in zip(weights, found)]
    arrays = weights
else:
    epochs = 1 if what == "begins" else 3
    history = training.fit(
        net, nn.mse, (X, Y), optimizer, epochs=epochs, batch_size=40, rng=0, parallel=ranks,
        callbacks=[Trouble(), training.Checkpoint(path, resume=True)],
    )
    arrays = [*net.state().values(), *optimizer.state().values(), history["loss"]]
data = b"".join(np.asarray(one).tobytes() for one in arrays)
print("bits", hashlib.sha256(data).hexdigest())
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def launch(n: int, script: Path, what: str, path: str = "c", **environment: str) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_bp", "launch", "-n", str(n), script, what, path],
        cwd=script.parent,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def bits(done: Any, n: int) -> str:
    """Return what all ranks came to, which is one thing."""
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^\[(\d)\] bits (\w+)$", done.stdout, re.MULTILINE)
    assert sorted(rank for rank, _ in found) == [str(rank) for rank in range(n)]
    assert len({one for _, one in found}) == 1
    return found[0][1]


def test_one_two_and_four_ranks_have_the_same_bits(script: Path) -> None:
    """Of a training with all that it holds, also one that goes on with another number of ranks."""
    whole = {bits(launch(n, script, "trains", f"{n}"), n) for n in (1, 2, 4)}
    assert len(whole) == 1
    launch(4, script, "begins", "resumed")
    assert {bits(launch(2, script, "trains", "resumed"), 2)} == whole


@pytest.mark.parametrize("what", ["eager", "compiled"])
def test_steps_of_ones_own_have_the_same_bits(script: Path, what: str) -> None:
    assert len({bits(launch(n, script, what), n) for n in (1, 4)}) == 1


TROUBLE = {
    "killed": r"\[3\] rank 3 was killed by signal 9 \(SIGKILL\) in epoch 2, step 1; the other",
    "exits": r"\[3\] rank 3 ended with exit code 3 in epoch 2, step 1; .* goes on from it",
    "raises": r"\[3\] ValueError: this will not do\n(.*\n)*?\[3\] in rank 3 of 4, epoch 2, step 1",
}


@pytest.mark.parametrize("what", TROUBLE)
def test_a_rank_that_dies_ends_the_others_with_a_sentence(script: Path, what: str) -> None:
    done = launch(4, script, what)
    assert done.returncode != 0
    assert "bits" not in done.stdout
    assert re.search(TROUBLE[what], done.stderr)


def test_a_rank_that_hangs_ends_the_others_after_the_deadline(script: Path) -> None:
    done = launch(2, script, "stopped", DEADLINE="20")
    assert done.returncode != 0
    assert re.search(r"epoch 2, step 2: no word from rank 1 for 20 s", done.stderr)
    assert "raise deadline" in done.stderr
    assert not left(script)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, None)])
def test_a_signal_ends_all_ranks(script: Path, number: int, code: int | None) -> None:
    command = [sys.executable, "-m", "tinygrad_bp", "launch", "-n", "2", script, "waits", "c"]
    with subprocess.Popen(
        command, cwd=script.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "[1] waiting\n"
        process.send_signal(number)
        process.stdout.read()
        found = process.wait(LIMIT)
    assert found == code if code else found
    assert not left(script)


def left(script: Path) -> bool:
    """Tell whether a process of the script is there."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return str(script) in listed.stdout


def test_the_measurement_of_the_page_runs() -> None:
    script = Path(__file__).parents[2] / "docs" / "examples" / "scaling.py"
    done = subprocess.run(
        [sys.executable, script, "--steps", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\| [124] \| (?:256|2048) \|", done.stdout, re.MULTILINE)) == 6
