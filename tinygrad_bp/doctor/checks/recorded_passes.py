"""Scripts that let this package derive their gradients, run with a look at every backward pass."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partialmethod
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp import transforms
from tinygrad_bp.doctor.checks import ranges
from tinygrad_bp.doctor.checks.recorded import leaf_nodes
from tinygrad_bp.doctor.checks.recorded_runs import LOOKS, MOST, Recorded, named
from tinygrad_bp.doctor.watched.recorder import Recorder
from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.running import Ran, run
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.optim.optimizer import Optimizer
from tinygrad_bp.transforms import reverse

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
        recorder.at_head = lambda place, frame: kept.counts[place].look(frame)

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
    """Look at every backward pass that the script begins, in each of the ways there are."""
    watching = _Watching(kept, path, scale)
    places: list[tuple[Any, str, Any]] = [(Tensor, "backward", watching.backward)]
    places += [(Tensor, name, partialmethod(_taken_out, getattr(Tensor, name), kept, path))
               for name in OUT]  # fmt: skip
    whole = sys.modules[__name__.partition(".")[0]]
    for name in ("gradients", "value_and_grad", "grad"):
        places += [(one, name, getattr(watching, name)) for one in (whole, transforms)]
    own = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    try:
        for owner, name, new in places:
            setattr(owner, name, new)
        yield
    finally:
        for owner, name, old in own:
            setattr(owner, name, old)


class _Watching:
    """What stands in the place of this package's ways to derive, in one run of a script."""

    def __init__(self, kept: Recorded, path: str, scale: float) -> None:
        self.kept, self.path, self.scale = kept, path, scale
        self.frame: FrameType | None = None
        own = Tensor.backward

        def backward(loss: Tensor, *given: Any, **options: Any) -> None:
            self._look(loss)
            own(loss, *given, **options)
            self._after((name, one.grad.numpy()) for name, one in self._leaves()
                        if one.is_leaf and one.grad is not None)  # fmt: skip
            for leaf in leaf_nodes(loss) if self._scales() else ():
                account = leaf.account()  # type: ignore[attr-defined]  # a leaf's
                if account is not None and account.grad is not None:
                    account.grad = tensor(account.grad.numpy() * scale)

        self.backward = backward  # a plain function, to be a method of Tensors

    def gradients(self, outputs: Any, inputs: Any, *given: Any, **options: Any) -> Any:
        """Stand for `tinygrad_bp.gradients`."""
        looked = isinstance(outputs, Tensor) and not options.get("create_graph")
        if looked:
            self._look(outputs)
        flat, rebuild = flatten(reverse.gradients(outputs, inputs, *given, **options))
        if looked:
            found = {id(one): slope for one, slope in zip(flatten(inputs)[0], flat, strict=True)}
            self._after((name, found[id(one)].numpy()) for name, one in self._leaves()
                        if id(one) in found)  # fmt: skip
        return (
            rebuild([one * self.scale for one in flat])
            if looked and self._scales()
            else rebuild(flat)
        )

    def value_and_grad(self, f: Any, argnums: Any = 0) -> Any:
        """Stand for `tinygrad_bp.value_and_grad`."""
        at = [argnums] if isinstance(argnums, int) else [*argnums]

        def watched_loss(*args: Any, **options: Any) -> Any:
            result = f(*args, **options)
            if isinstance(result, Tensor) and result.node is not None:
                self._look(result, given)
            return result

        given: list[Any] = []
        both = reverse.value_and_grad(functools.update_wrapper(watched_loss, f), argnums)

        @functools.wraps(f)
        def differentiated(*args: Any, **options: Any) -> Any:
            flat = flatten([args[k] for k in at if k < len(args)])[0]
            given[:] = [one for one in flat if isinstance(one, np.ndarray)]
            value, found = both(*args, **options)
            slopes, rebuild = flatten(found)
            if given and len(slopes) == len(flat):
                by = {id(one): slope for one, slope in zip(flat, slopes, strict=True)}
                names = named(self.frame, by.__contains__) if self.frame is not None else ()
                self._after((name, by[id(one)]) for name, one in names)
            scaled = [one * self.scale for one in slopes] if self._scales() else slopes
            return value, rebuild(scaled)

        return differentiated

    def grad(self, f: Any, argnums: Any = 0) -> Any:
        """Stand for `tinygrad_bp.grad`."""
        both = self.value_and_grad(f, argnums)

        @functools.wraps(f)
        def differentiated(*args: Any, **options: Any) -> Any:
            return both(*args, **options)[1]

        return differentiated

    def _look(self, loss: Tensor, given: Any = ()) -> None:
        self.frame = _script_frame(self.path)
        self.kept.look(loss, self.frame, given)

    def _after(self, found: Iterable[tuple[str, Any]]) -> None:
        if self.frame is not None:
            self.kept.after(found)

    def _leaves(self) -> Iterator[tuple[str, Any]]:
        return named(self.frame) if self.frame is not None else iter(())

    def _scales(self) -> bool:
        return self.scale != 1 and not self.kept.optimizes


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
