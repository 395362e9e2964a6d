"""Layers beside PyTorch's: a forward and a backward pass in float32, one thread, in one process.

    python tests/benchmarks/layers.py [PATTERN] [--rounds 100] [--bars]

They take turns, with the same pass compiled; of the rounds of each the fastest counts, for what
else the machine does is in all the others.  The time is that of the processor.  Before it is
timed, a layer must agree with PyTorch's: output, and gradient of the input, to 1e-3 of the largest
of each.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import torch
from process import SINGLE_THREAD

import tinygrad_bp as tg
from tinygrad_bp import nn

Run = Callable[[], list[Any]]
LEAST = 0.004  # seconds of a round: short enough to run now and then without a pause


@dataclass(frozen=True)
class Bar:
    """A layer, the shape of its input, and how many times PyTorch's time it may take."""

    name: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    theirs: Callable[[dict[str, Any]], Callable[[Any], Any]]
    limit: float
    symbols: int = 0  # the input is integers below this


def conv(own: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda x: torch.nn.functional.conv2d(x, own["W"], own["b"], padding="same")


def holding(layer: Any, state: dict[str, Any], **options: Any) -> Callable[[Any], Any]:
    """Return `layer` with these parameters, which are leaves."""
    for name, value in state.items():
        place, _, last = name.rpartition(".")
        owner = layer.get_submodule(place)
        setattr(owner, last, torch.nn.Parameter(value.detach().contiguous()))
    return lambda x: layer(x, **options)


def lstm(own: dict[str, Any]) -> Callable[[Any], Any]:
    W, U, b = (own[f"cell.{letter}"] for letter in "WUb")
    layer = torch.nn.LSTM(W.shape[0], U.shape[0], batch_first=True)
    state = {"weight_ih_l0": W.T, "weight_hh_l0": U.T, "bias_ih_l0": b, "bias_hh_l0": 0 * b}
    run = holding(layer, state)
    layer.flatten_parameters()
    return lambda x: run(x)[0]


def block(own: dict[str, Any]) -> Callable[[Any], Any]:
    from layer_cases import attended

    width, hidden = own["expand.W"].shape

    def gelu(x: Any) -> Any:
        return torch.nn.functional.gelu(x, approximate="tanh")

    layer = torch.nn.TransformerEncoderLayer(
        width, 4, hidden, 0.0, gelu, batch_first=True, norm_first=True
    )
    state = {f"self_attn.{k}": v for k, v in attended(own, "attention.").items()}
    for ours, theirs in (("expand", "linear1"), ("contract", "linear2")):
        state |= {f"{theirs}.weight": own[f"{ours}.W"].T, f"{theirs}.bias": own[f"{ours}.b"]}
    for norm in ("norm1", "norm2"):
        state |= {f"{norm}.weight": own[f"{norm}.g"], f"{norm}.bias": own[f"{norm}.b"]}
    return holding(layer, state)


def batch_norm(own: dict[str, Any]) -> Callable[[Any], Any]:
    mean, var = own["mean"].detach(), own["var"].detach()
    return lambda x: torch.nn.functional.batch_norm(x, mean, var, own["g"], own["b"], training=True)


def layer_norm(own: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda x: torch.nn.functional.layer_norm(x, own["g"].shape, own["g"], own["b"])


def embedding(own: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda x: torch.nn.functional.embedding(x, own["W"])


SINGLE: Any = {"dtype": np.float32}
SEEDED: Any = {"rng": 0, **SINGLE}
CONV: Any = {"padding": "same", **SEEDED}
BARS = (
    Bar("conv 3-16", lambda: nn.Conv2d(3, 16, 3, **CONV), (32, 3, 32, 32), conv, 3.0),
    Bar("conv 16-32", lambda: nn.Conv2d(16, 32, 3, **CONV), (32, 16, 16, 16), conv, 3.0),
    Bar("conv 5 by 5", lambda: nn.Conv2d(3, 32, 5, **CONV), (8, 3, 64, 64), conv, 3.0),
    Bar("lstm", lambda: nn.LSTM(64, 64, **SEEDED), (32, 16, 64), lstm, 1.0),
    Bar("transformer", lambda: nn.TransformerBlock(64, 4, **SEEDED), (32, 32, 64), block, 1.3),
    Bar("batch norm", lambda: nn.BatchNorm(64, **SINGLE), (256, 64), batch_norm, 1.2),
    Bar("batch norm 2d", lambda: nn.BatchNorm(16, **SINGLE), (32, 16, 16, 16), batch_norm, 1.2),
    Bar("layer norm", lambda: nn.LayerNorm(64, **SINGLE), (32, 32, 64), layer_norm, 1.2),
    Bar("embedding", lambda: nn.Embedding(1000, 64, **SEEDED), (32, 32), embedding, 1.5, 1000),
)  # fmt: skip


def three(bar: Bar) -> tuple[Run, Run, Run]:
    """Return ours, PyTorch's, and ours compiled: each gives output and gradients of one pass."""
    rng = np.random.default_rng(0)
    layer = bar.build()
    if bar.symbols:
        x = rng.integers(0, bar.symbols, bar.shape)
    else:
        x = rng.normal(size=bar.shape).astype(np.float32)
    own = {name: torch.tensor(value) for name, value in layer.state().items()}
    for name, _ in layer.named_parameters():
        own[name].requires_grad_()
    theirs = bar.theirs(own)
    entry = tg.tensor(x, requires_grad=not bar.symbols)
    out = first(layer(entry))
    ct = rng.normal(size=out.shape).astype(np.float32)
    leaves = [*([] if bar.symbols else [entry]), *layer.parameters()]
    ct_tensor, given = tg.tensor(ct), torch.tensor(x)
    given.requires_grad_(not bar.symbols)
    ct_theirs = torch.tensor(ct)

    def run_ours() -> list[Any]:
        out = first(layer(entry))
        return [out, *tg.gradients(out, leaves, ct_tensor, retain_graph=False)]

    def run_theirs() -> list[Any]:
        out = theirs(given)
        out.backward(ct_theirs)
        grads = [] if bar.symbols else [given.grad]
        given.grad = None
        for value in own.values():
            value.grad = None
        return [out.detach(), *grads]

    @tg.compile(state=(layer,))
    def compiled(x: Any, ct: Any) -> list[Any]:
        entry = x if bar.symbols else tg.tensor(x, requires_grad=True)
        out = first(layer(entry))
        leaves = [*([] if bar.symbols else [entry]), *layer.parameters()]
        return [out, *tg.gradients(out, leaves, ct)]

    inputs = x if bar.symbols else tg.tensor(x)
    return run_ours, run_theirs, lambda: compiled(inputs, ct_tensor)


def first(out: Any) -> Any:
    return out[0] if isinstance(out, tuple) else out


def agree(run_ours: Run, run_theirs: Run, run_compiled: Run) -> None:
    for run in (run_ours, run_compiled):
        for one, other in zip(run(), run_theirs(), strict=False):
            mine, wanted = one.detach().numpy(), other.numpy()
            assert np.abs(mine - wanted).max() <= 1e-3 * np.abs(wanted).max()


def fastest(runs: Sequence[Run], rounds: int) -> list[float]:
    """Return the seconds of one run of each, of the fastest round."""
    counts = []
    for run in runs:
        start = time.process_time()
        run()
        counts.append(max(1, int(LEAST / (time.process_time() - start))))
    best = [float("inf")] * len(runs)
    gc.collect()
    for _ in range(rounds):
        for k, run in enumerate(runs):
            start = time.process_time()
            for _ in range(counts[k]):
                run()
            best[k] = min(best[k], (time.process_time() - start) / counts[k])
    return best


def main() -> int:
    if any(os.environ.get(name) != value for name, value in SINGLE_THREAD.items()):
        os.execve(  # noqa: S606  # itself: a pool of threads is made at the import
            sys.executable, [sys.executable, *sys.argv], {**os.environ, **SINGLE_THREAD}
        )
    sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--bars", action="store_true", help="exit status 1 if one fails")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    failed = 0
    print("| layer | here | PyTorch | ratio | bar | | compiled | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for bar in BARS:
        if not fnmatchcase(bar.name, chosen.pattern):
            continue
        runs = three(bar)
        agree(*runs)
        mine, other, compiled = fastest(runs, chosen.rounds)
        passed = mine / other <= bar.limit
        failed += not passed
        print(
            f"| {bar.name} | {1e3 * mine:.3g} ms | {1e3 * other:.3g} ms | {mine / other:.2f} |"
            f" {bar.limit:g} | {'pass' if passed else 'FAIL'} |"
            f" {1e3 * compiled:.3g} ms | {compiled / other:.2f} |",
            flush=True,
        )
    return int(chosen.bars and failed > 0)


if __name__ == "__main__":
    sys.exit(main())
