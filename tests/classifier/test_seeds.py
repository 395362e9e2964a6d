"""One seed, the same bits: alone, in a child by fork, and in a child by spawn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import hashlib
import multiprocessing
import sys

import tinygrad_bp as tg


def digest(seed):
    table = tg.data.moons(60, seed=seed)
    model = tg.SigmoidClassifier(max_epochs=10, restarts=1, random_state=seed)
    network = model.fit(table.X, table.y).network_
    return hashlib.sha256(b"".join(p.tobytes() for p in network.state().values())).hexdigest()


if __name__ == "__main__":
    how = multiprocessing.get_context(sys.argv[1])
    alone = [digest(0), digest(1)]
    assert alone[0] != alone[1]
    with how.Pool(2) as pool:
        assert pool.map(digest, [0, 1, 0, 1], chunksize=1) == alone + alone
    assert digest(0) == alone[0]  # here nothing was drawn from, either
"""

# Without a seed children must differ, though a fork copies all that its parent has drawn so far.
FRESH = """
import os
import tinygrad_bp as tg

tg.nn.Linear(2, 3)
found = set()
for _ in range(3):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, tg.nn.Linear(2, 3).parameters()[0].numpy().tobytes())
        os._exit(0)
    found.add(os.read(reading, 4096))
    os.wait()
assert len(found) == 3
"""


NO_FORK = pytest.mark.skipif(sys.platform == "win32", reason="no fork there")


@pytest.mark.parametrize("how", [pytest.param("fork", marks=NO_FORK), "spawn"])
def test_a_seed_fixes_every_bit_in_child_processes(how: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path), how],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stderr


@NO_FORK
def test_without_a_seed_forked_children_differ() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRESH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
