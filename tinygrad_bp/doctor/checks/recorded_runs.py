"""Scripts that let this package derive their gradients: what their backward passes show."""

from __future__ import annotations

import ast
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks import alike, ranges
from tinygrad_bp.doctor.checks.recorded import (
    OF_LOGITS,
    Met,
    asleep,
    constant_operands,
    leaf_nodes,
    met,
    out_of_reach,
    squashed_twice,
    turned,
)
from tinygrad_bp.doctor.checks.reports import Counts
from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.doctor.learning.outcome import Standing, standing
from tinygrad_bp.doctor.watched.rewriting import Place, Script
from tinygrad_bp.doctor.watched.slots import is_own
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn.module import Module

LOOKS = 6  # backward passes that are looked at; of the others only the loss is kept
MOST = 500  # passes of which the labels are kept
WINDOW, RARELY = 64, 8  # passes at the end that are compared; of later passes every eighth
FIRST = 3.0  # times the loss of one that knows nothing
SLEEPING = 0.85  # share of a layer's units that keeps it from learning
UPHILL = 0.98  # cosine of a step with its gradient
STUCK = 0.98  # share of the first loss above which nothing was learned


@dataclass
class Pass:
    """One backward pass: the leaves it reached, their values, and what was in their gradients."""

    reached: set[Any]
    values: dict[str, Any]
    nodes: dict[str, Any]
    left_over: set[str]
    slopes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Recorded:
    """What the backward passes of a run showed."""

    passes: list[Pass] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    found: dict[str, Finding] = field(default_factory=dict)
    asleep: list[Finding] = field(default_factory=list)  # at the last look
    labels: list[tuple[float, float, int]] = field(default_factory=list)  # least, largest, how many
    looks: int = 0
    slopes: dict[str, float] = field(default_factory=dict)  # the size of each gradient, once
    recent: deque[Met] = field(default_factory=lambda: deque(maxlen=WINDOW))
    taken: list[tuple[int, set[Any]]] = field(default_factory=list)  # line, leaves
    inputs: list[Any] = field(default_factory=list)  # of the first pass's products
    optimizes: bool = False  # by an optimizer of this package
    lines: tuple[int, ...] = ()  # where the script was in its first backward pass, outermost first
    counts: defaultdict[Place, Counts] = field(default_factory=lambda: defaultdict(Counts))

    @property
    def line(self) -> int | None:
        """The line of the first backward pass."""
        return self.lines[-1] if self.lines else None

    @property
    def end(self) -> Standing | None:
        """How far the last answers are from the labels; None where they are not known."""
        return _standing(list(self.recent))

    def look(self, loss: Tensor, frame: FrameType | None, given: Any = ()) -> None:
        """Take down a backward pass that is about to begin; `given` is what a function is given."""
        if loss.size == 1:
            self.losses.append(float(loss.item()))
        if frame is not None:
            self.lines = self.lines or tuple(_lines(frame))
        self._meet(loss)
        if len(self.passes) >= LOOKS or frame is None:
            return
        self.inputs = self.inputs or list(constant_operands(loss))
        tensors = dict(named(frame))
        kept: dict[str, Any] = {name: one for name, one in tensors.items() if one.is_leaf}
        left = {n for n, one in kept.items() if one.grad is not None and np.any(one.grad.numpy())}
        values = {name: one.numpy().copy() for name, one in kept.items()}
        nodes = {name: one.node for name, one in kept.items()}
        arrays = dict(named(frame, {id(one) for one in given}.__contains__)) if given else {}
        values |= {name: np.array(one) for name, one in arrays.items()}
        nodes |= {name: name for name in arrays}
        self.passes.append(Pass({*leaf_nodes(loss), *arrays}, values, nodes, left))
        for one in squashed_twice(loss):
            one.line = frame.f_lineno
            self.found.setdefault(one.name, one)

    def _meet(self, loss: Tensor) -> None:
        """Take down the labels of a pass, and at every second power the units that are asleep."""
        self.looks += 1
        closely = self.looks & (self.looks - 1) == 0
        wanted = closely or self.looks < MOST or self.looks % RARELY == 0
        pair = met(loss) if wanted else None
        if closely:
            self.asleep = asleep(loss)
        if pair is None:
            return
        name, labels = pair.rule, pair.labels
        if name not in OF_LOGITS:
            for one in ranges.broadcast(pair.node.shape, labels.shape, self.line):
                self.found.setdefault(one.name, one)
        self.recent.append(pair)
        if self.looks <= LOOKS:
            self._turned(loss, pair)
        if len(self.labels) < MOST:
            self.labels.append((float(labels.min()), float(labels.max()), labels.size))
        for one in out_of_reach(name, labels):
            self.found.setdefault(one.name, one)
        if len(self.losses) == 1 and name in OF_LOGITS:
            self._first(name, labels)

    def _turned(self, loss: Tensor, pair: Met) -> None:
        if turned(loss, pair):
            text = f"the loss, {loss.item():.4g} first, is lower the worse the answers are"
            self.found.setdefault("wrong-sign", Finding("wrong-sign", FAULT, text, self.line))
        elif pair.rule in OF_LOGITS and pair.node.rule.name == "relu":
            text = f"the logits of {pair.rule} are what a relu lets through, 0 or more"
            self.found.setdefault("relu-output", Finding("relu-output", FAULT, text, self.line))

    def _first(self, name: str, labels: Any) -> None:
        """Compare the first loss with that of a network that knows nothing."""
        many = len(np.unique(labels)) if name == "cross_entropy" and labels.ndim == 1 else 2
        many = labels.shape[-1] if name == "cross_entropy" and labels.ndim == 2 else max(many, 2)
        chance = float(np.log(many))
        if self.losses[0] > FIRST * chance:
            text = f"the first loss is {self.losses[0]:.3g}; one that knows nothing has ln {many} ="
            told = Finding("init-too-large", NOTE, f"{text} {chance:.3g}")
            self.found.setdefault(told.name, told)

    def after(self, found: Iterable[tuple[str, Any]]) -> None:
        """Take down the gradients that a backward pass has made, by name."""
        if len(self.passes) > LOOKS or self.looks > len(self.passes):
            return
        for name, one in found:
            self.passes[-1].slopes[name] = np.array(one)
            self.slopes[name] = max(self.slopes.get(name, 0.0), float(np.linalg.norm(one)))


def _standing(pairs: list[Met]) -> Standing | None:
    sides = [one for one in (pair.sides() for pair in pairs) if one is not None]
    if not sides:
        return None
    try:
        return standing([output for output, _ in sides], [label for _, label in sides])
    except ValueError:  # shapes that do not broadcast: a loss of another kind
        return None


def uses_package(script: Script) -> bool:
    """Tell whether a script imports this package."""
    names = []
    for one in ast.walk(script.tree):
        if isinstance(one, ast.Import):
            names += [alias.name for alias in one.names]
        elif isinstance(one, ast.ImportFrom):
            names.append(one.module or "")
    return any(name.split(".")[0] == __name__.split(".")[0] for name in names)


def findings(kept: Recorded, script: Script) -> list[Finding]:
    """Return what the passes of a run show."""
    found = list(kept.found.values())
    found += _outside(kept, script)
    found += _unmoved(kept)
    found += _alike(kept)
    found += [*_added_up(kept), *_uphill(kept)]
    course = _course(kept)
    stuck = len(kept.losses) > LOOKS and kept.losses[-1] > STUCK * kept.losses[0]
    stuck = stuck and all(one.name != "step-too-large" for one in course)  # which may be why
    for one in kept.asleep:
        one.severity = FAULT if stuck and one.gain > SLEEPING else NOTE
    loops = around(kept, script)[-2:]  # epochs, and batches in them
    if loops:
        found += kept.counts[loops[0]].findings(script, loops[0])
    return [*found, *course, *kept.asleep, *_unshuffled(kept)]


def around(kept: Recorded, script: Script) -> list[Place]:
    """Return the loops that the first backward pass stood in, the outermost first."""
    found = [
        (k, place) for place, loop in script.loops.items() for k, line in enumerate(kept.lines)
        if loop.node.lineno < line <= (loop.node.end_lineno or 0)
    ]  # fmt: skip
    return [place for _, place in sorted(found)]


def _unshuffled(kept: Recorded) -> list[Finding]:
    """Note batches that hold one class each, where there are several classes."""
    single = [least for least, most, many in kept.labels if least == most and many > 3]
    if len(kept.labels) < 4 or len(single) < 0.8 * len(kept.labels) or len({*single}) < 2:
        return []
    text = f"{len(single)} of {len(kept.labels)} batches that were looked at hold one class each"
    return [Finding("not-shuffled", NOTE, text)]


def _lines(frame: FrameType) -> list[int]:
    """Return the lines of a script on which its functions stand, the innermost last."""
    found, path, one = [], frame.f_code.co_filename, frame
    while one is not None:
        if one.f_code.co_filename == path:
            found.append(one.f_lineno)
        one = one.f_back  # type: ignore[assignment]  # None ends the loop
    return found[::-1]


def named(
    frame: FrameType, wanted: Callable[[int], bool] | None = None
) -> Iterator[tuple[str, Any]]:
    """Yield the Tensors that track gradients, or what is wanted by `id`, by the script's names."""
    seen: set[int] = set()
    for names in (frame.f_locals, frame.f_globals):
        for name, value in list(names.items()):
            yield from _inside(name, value, seen, 0, wanted)


def _inside(
    name: str, value: Any, seen: set[int], depth: int, wanted: Callable[[int], bool] | None
) -> Iterator[tuple[str, Any]]:
    if wanted(id(value)) if wanted else isinstance(value, Tensor) and value.requires_grad:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value
    elif isinstance(value, Module):
        for inner, one in value.named_parameters():
            yield from _inside(f"{name}.{inner}", one, seen, depth, wanted)
    elif depth < 3 and isinstance(value, list | tuple) and len(value) < 50:
        for k, one in enumerate(value):
            yield from _inside(f"{name}[{k}]", one, seen, depth + 1, wanted)
    elif depth < 3 and isinstance(value, dict) and len(value) < 50:
        for key, one in list(value.items()):
            yield from _inside(f"{name}[{key!r}]", one, seen, depth + 1, wanted)
    elif depth < 3 and is_own(value) and hasattr(value, "__dict__"):
        for key, one in list(vars(value).items()):
            yield from _inside(f"{name}.{key}", one, seen, depth + 1, wanted)


def _outside(kept: Recorded, script: Script) -> list[Finding]:
    """Return the Tensors that no loss depends on."""
    first = kept.passes[0]
    names = [
        name for name, node in first.nodes.items()
        if all(one.nodes.get(name) not in one.reached for one in kept.passes if name in one.nodes)
        and node is not None
    ]  # fmt: skip
    if not names:
        return []
    told = ", ".join(names)
    lines = script.text.splitlines()
    nodes = {first.nodes[name] for name in names}
    cut = [line for line, leaves in kept.taken if leaves & nodes and line <= len(lines)]
    text = f"the loss depends on other Tensors, and not on {told}"
    if cut:
        text += (
            f"; {script.at(cut[0])} ({lines[cut[0] - 1].strip()}) takes a value out of the graph"
        )
        return [Finding("detached", FAULT, text, cut[0], told)]
    return [Finding("not-in-graph", FAULT, text, parameter=told)]


def _alike(kept: Recorded) -> list[Finding]:
    """Return the matrices that the loss reaches whose units are equal, and stay so."""
    first, last = kept.passes[0], kept.passes[-1]
    reached = {n: value for n, value in first.values.items()
               if first.nodes[n] in first.reached and n in last.values}  # fmt: skip
    wide = alike.stay_alike(reached, last.values) if len(kept.passes) > alike.ROUNDS else []
    return [alike.told(", ".join(wide), len(kept.passes) - 1)] if wide else []


def _unmoved(kept: Recorded) -> list[Finding]:
    """Return the Tensors with a gradient whose values stay the same."""
    if len(kept.passes) < 3:
        return []
    first, last = kept.passes[0], kept.passes[-1]
    still = [
        name for name, value in first.values.items()
        if name in last.values and np.array_equal(value, last.values[name])
        and first.nodes[name] in first.reached and kept.slopes.get(name, 0.0) > 0
        and first.nodes[name] == last.nodes[name]  # else it is made anew each time: no parameter
    ]  # fmt: skip
    if not still:
        return []
    told = ", ".join(still)
    text = f"{told} have gradients, and are the same after {len(kept.passes) - 1} steps"
    return [Finding("not-updated", FAULT, text, kept.line, told)]


def _uphill(kept: Recorded) -> list[Finding]:
    """Return the parameters of which every step goes along the gradient, and not against it."""
    cosines: dict[str, list[float]] = {}
    for one, other in zip(kept.passes, kept.passes[1:], strict=False):
        for name, slope in one.slopes.items():
            step = other.values[name] - one.values[name] if name in other.values else np.zeros(1)
            length = float(np.linalg.norm(step) * np.linalg.norm(slope))
            if length and step.shape == slope.shape:
                cosines.setdefault(name, []).append(float(np.sum(step * slope)) / length)
    up = [name for name, some in cosines.items() if min(some) > UPHILL and len(some) > 1]
    if not up:
        return []
    text = f"each step of {', '.join(up)} goes along its gradient: the loss rises by it"
    return [Finding("wrong-sign", FAULT, text, kept.line, ", ".join(up))]


def _added_up(kept: Recorded) -> list[Finding]:
    """Return the gradients that are still there when the next pass begins."""
    later = kept.passes[1:]
    if len(later) < 2 or not all(one.left_over for one in later):
        return []
    first, last = kept.passes[0].values, later[-1].values
    moved = [name for name in sorted(later[0].left_over)
             if not np.array_equal(first.get(name, np.nan), last.get(name, np.nan))]  # fmt: skip
    if not moved:  # what no step takes does no harm
        return []
    told = ", ".join(moved)
    text = (
        f"{told} still have their gradients when the next backward pass begins, which adds to them"
    )
    return [Finding("never-reset", FAULT, text, kept.line, told)]


def _course(kept: Recorded) -> list[Finding]:
    """Return what the losses and the sizes of the steps say."""
    losses = np.array(kept.losses)
    if len(losses) < 3:
        return []
    if not np.isfinite(losses).all():
        at = int(np.argmin(np.isfinite(losses))) + 1
        return [Finding("exploding", FAULT, f"the loss is {losses[at - 1]} at backward pass {at}")]
    found = []
    shares = _shares(kept)
    typical = float(np.median(shares)) if shares else 0.0
    text = f"the loss is {losses[0]:.4g} first and {losses[-1]:.4g} after {len(losses)} steps"
    if 0 < typical < 1e-5 and losses[-1] > STUCK * losses[0]:
        told = f"{text}; a step changes a parameter by {typical:.1g} of its size"
        found.append(Finding("step-too-small", FAULT, told))
    elif np.median(losses[len(losses) // 2 :]) > 1.5 * abs(losses[0]):
        found.append(Finding("step-too-large", FAULT, text))
    elif typical > 1 and losses[-1] > STUCK * losses[0]:
        told = f"{text}; a step changes a parameter by {typical:.2g} times its size"
        found.append(Finding("step-too-large", NOTE, told))
    return found


def _shares(kept: Recorded) -> list[float]:
    found = []
    for one, other in zip(kept.passes, kept.passes[1:], strict=False):
        for name, value in one.values.items():
            size = float(np.linalg.norm(value))
            if name in other.values and np.shape(other.values[name]) == np.shape(value) and size:
                found.append(float(np.linalg.norm(other.values[name] - value)) / size)
    return [share for share in found if share > 0]
