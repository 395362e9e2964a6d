"""Scripts that let this package derive their gradients, run with a look at every backward pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks import ranges
from tinygrad_bp.doctor.checks.recorded import leaf_nodes
from tinygrad_bp.doctor.checks.recorded_runs import LOOKS, MOST, Recorded
from tinygrad_bp.doctor.watched.recorder import Recorder
from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.running import Ran, run
from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.optim.optimizer import Optimizer

OUT = ("numpy", "detach")  # methods that end a graph


def watched(
    script: Script, recorder: Recorder, seconds: float, *, scale: float = 1.0, tree: Any = None
) -> tuple[Recorded, Ran]:
    """Run a script, or an edited copy, and look at its backward passes.

    Parameters
    ----------
    script : Script
    recorder : Recorder
    seconds : float
        When it is stopped.
    scale : float
        By which every step is multiplied: the rate of an optimizer, else the gradients.
    tree : Whole, optional
        The edited copy.
    """
    kept = Recorded()

    def prepare(recorder: Recorder) -> None:
        recorder.at_shapes = lambda o, y, line: _compare(kept, o, y, line)

    with _hooks(kept, script.path, scale), _rates(kept, scale):
        ran = run(script, recorder, seconds=seconds, prepare=prepare, tree=tree)
    return kept, ran


def _compare(kept: Recorded, o: Any, y: Any, line: int) -> None:
    for one in ranges.broadcast(tuple(np.shape(o)), tuple(np.shape(y)), line):
        kept.found.setdefault(one.name, one)


@contextmanager
def _rates(kept: Recorded, scale: float) -> Iterator[None]:
    """Let every optimizer have `scale` times the rate that it is given."""
    own: Any = Optimizer.lr

    def give(self: Optimizer, lr: float) -> None:
        kept.optimizes = True
        own.fset(self, lr)
        self._lr *= scale

    Optimizer.lr = property(lambda self: self._lr / scale, give)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Optimizer.lr = own  # type: ignore[method-assign]  # its own again


@contextmanager
def _hooks(kept: Recorded, path: str, scale: float) -> Iterator[None]:
    """Look at every backward pass that the script begins."""
    backward = Tensor.backward

    def looked(self: Tensor, *given: Any, **options: Any) -> Any:
        frame = _script_frame(path)
        kept.look(self, frame)
        result = backward(self, *given, **options)
        kept.after(frame)
        if scale != 1 and not kept.optimizes:
            _scale_gradients(leaf_nodes(self), scale)
        return result

    own = {name: getattr(Tensor, name) for name in OUT}
    Tensor.backward = looked  # type: ignore[method-assign, assignment]  # for this run
    for name, method in own.items():
        setattr(Tensor, name, partialmethod(_taken_out, method, kept, path))
    try:
        yield
    finally:
        Tensor.backward = backward  # type: ignore[method-assign]  # its own again
        for name, method in own.items():
            setattr(Tensor, name, method)


def _scale_gradients(leaves: set[Any], scale: float) -> None:
    for leaf in leaves:
        account = leaf.account()
        if account is not None and account.grad is not None:
            account.grad = tensor(account.grad.numpy() * scale)


def _taken_out(
    self: Tensor, method: Any, kept: Recorded, path: str, *given: Any, **options: Any
) -> Any:
    """Note which leaves a value depends on that the script takes out of its graph."""
    frame = sys._getframe(1)
    if len(kept.passes) < LOOKS and frame.f_code.co_filename == path and len(kept.taken) < MOST:
        kept.taken.append((frame.f_lineno, leaf_nodes(self)))
    return method(self, *given, **options)


def _script_frame(path: str) -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame
