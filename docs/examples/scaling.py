"""Steps per second by ranks and batch: measured here, and what the model of the page makes of it.

    python docs/examples/scaling.py --steps 100

The times that the model needs come from runs of one rank, and from messages between two.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.parallel import Ranks

SHARDS = 8
WIDTHS = (64, 256, 256, 10)
BATCHES = (256, 2048)
RANKS = (1, 2, 4)
WEIGHTS = sum((n + 1) * m for n, m in pairwise(WIDTHS))


@dataclass
class Model:
    """Seconds of the parts of a step.

    `shard` is what a shard takes whatever its rows, `row` what each row adds, `move` the
    optimizer's, `message` a message of all gradients; `cores` is how many ranks compute at a time.
    """

    shard: float
    row: float
    move: float
    message: float
    cores: int

    def step(self, ranks: int, batch: int) -> float:
        """Return the seconds of a step."""
        crowd = max(1.0, ranks / self.cores)
        own = math.ceil(SHARDS / ranks)
        work = own * (self.shard + self.row * batch / SHARDS) + self.move
        return crowd * work + 2 * math.ceil(math.log2(ranks)) * self.message


def network() -> nn.Module:
    rng = np.random.default_rng(0)
    pairs = pairwise(WIDTHS)
    layers = [one for n, m in pairs for one in (nn.Linear(n, m, rng=rng), nn.Tanh())]
    return nn.Sequential(*layers[:-1])


def seconds(call: Callable[[], Any], steps: int) -> float:
    """Return the median time of a call; all ranks make the same number of them."""
    times = []
    for _ in range(steps + 1):  # the first one is for what is made once
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times[1:])


def measured(steps: int) -> dict[str, float]:
    """Return the times of a step by batch, of the optimizer's part, and of a message."""
    ranks, net, rng = Ranks(SHARDS), network(), np.random.default_rng(1)
    weights = net.parameters()
    optimizer = optim.Adam(weights, 1e-3)

    def slopes(X: Any, y: Any) -> list[Any]:
        return tg.gradients(nn.cross_entropy(net(X), y), weights)

    def step(X: Any, y: Any) -> None:
        for parameter, grad in zip(weights, ranks.mean(slopes, X, y), strict=True):
            parameter.grad = tg.tensor(grad)
        optimizer.step()

    found = {}
    for batch in BATCHES:
        X, y = rng.normal(size=(batch, WIDTHS[0])), rng.integers(WIDTHS[-1], size=batch)
        found[f"step {batch}"] = seconds(lambda X=X, y=y: step(X, y), steps)
    found["move"] = seconds(optimizer.step, steps)
    pair, zeros = Ranks(ranks.size), np.zeros(WEIGHTS)
    rows = np.arange(ranks.size)
    found["message"] = seconds(lambda: pair.mean(lambda _: zeros, rows), steps) / 2
    return found


def launched(ranks: int, steps: int) -> dict[str, float]:
    """Return what so many ranks measure."""
    command = [sys.executable, "-m", "tinygrad_bp", "launch", "-n", str(ranks), __file__]
    done = subprocess.run(  # noqa: S603
        [*command, "--steps", str(steps), "--rank"], check=True, capture_output=True, text=True
    )
    (line,) = re.findall(r"^\[0\] (\{.*\})$", done.stdout, re.MULTILINE)
    return json.loads(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rank", action="store_true", help="be one of the ranks")
    options = parser.parse_args()
    if options.rank:
        found = measured(options.steps)
        if Ranks(SHARDS).first:
            print(json.dumps(found))
        return
    times = {ranks: launched(ranks, options.steps) for ranks in RANKS}
    alone, few, many = times[1], *BATCHES
    row = (alone[f"step {many}"] - alone[f"step {few}"]) / (many - few)
    shard = (alone[f"step {few}"] - alone["move"] - row * few) / SHARDS
    model = Model(shard, row, alone["move"], times[2]["message"], os.cpu_count() or 1)
    print(model)
    print("| ranks | batch | steps a second | of the model | efficiency |")
    print("|---|---|---|---|---|")
    for batch in BATCHES:
        for ranks in RANKS:
            here = times[ranks][f"step {batch}"]
            speedup = alone[f"step {batch}"] / here
            print(
                f"| {ranks} | {batch} | {1 / here:.1f} | {1 / model.step(ranks, batch):.1f}"
                f" | {speedup / min(ranks, model.cores):.0%} |"
            )


if __name__ == "__main__":
    main()
