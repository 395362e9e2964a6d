"""Whole runs of the script with something about them treated, from outside or by an edit."""

from __future__ import annotations

import ast
import ctypes
import inspect
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks.evaluation import Evaluations
from tinygrad_bp.doctor.checks.keeping import Keeping
from tinygrad_bp.doctor.checks.pairing import Pairing
from tinygrad_bp.doctor.checks.reports import Counts
from tinygrad_bp.doctor.findings.diagnosis import Finding
from tinygrad_bp.doctor.learning.outcome import Follower, Outcome, names_at
from tinygrad_bp.doctor.learning.pairs import Pair
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import Recorder, is_array
from tinygrad_bp.doctor.watched.replay import Iteration, Replay
from tinygrad_bp.doctor.watched.rewriting import Loop, Place, Script
from tinygrad_bp.doctor.watched.running import run
from tinygrad_bp.doctor.watched.slots import Names, Path, Reached, same, taken
from tinygrad_bp.doctor.watched.substitution import expression, substituted

LOOKED_AT = 3  # heads at which shapes are compared
SHORTEST = 1e-12  # a step of this share of the first is none
DECAY_AT = (2, 5, 12, 30, 80, 200, 500, 1000, 3000, 10_000)  # steps at which the rate is looked at


@dataclass(frozen=True)
class Treatment:
    """What a run is treated with.

    Attributes
    ----------
    name : str
        Of the finding that it proves.
    text : str
        What it is, for the table of effects.
    scale : float
        By which every step is multiplied.
    steady : bool
        Whether the steps are kept from getting shorter, as the first was.
    start, inputs, centred : bool
        Whether the weights are drawn from Glorot's distribution; the inputs standardised; the
        labels shifted to mean 0.
    spread : float
        By which weights drawn from Glorot's distribution are multiplied.
    longer : int
        By how many times more epochs are run.
    """

    name: str
    text: str
    scale: float = 1.0
    steady: bool = False
    start: bool = False
    inputs: bool = False
    centred: bool = False
    spread: float = 1.0
    longer: int = 1


def of_rate(factor: float, long: str = "step-too-large") -> Treatment:
    """Return the treatment that multiplies every step; `long` is what too long a step is called."""
    if factor > 1:
        return Treatment("step-too-small", f"steps {factor:g} times as long", scale=factor)
    return Treatment(long, f"steps {1 / factor:g} times shorter", scale=factor)


@dataclass
class Trials:
    """Runs of one script to their end, each with what is treated."""

    script: Script
    recorder: Recorder
    loop: Loop
    epoch: Place
    pair: Pair
    roles: Roles
    samples: int
    replaced: dict[int, Any] = field(default_factory=dict)
    rates: list[tuple[int, float]] = field(
        default_factory=list
    )  # step, and its length to the first
    hidden: list[Any] = field(
        default_factory=list
    )  # what the forward pass stored, at the last look
    looked: int = 0  # the step of that look
    at_first: list[Any] = field(default_factory=list)  # the same at the first
    held: dict[Path, float] = field(default_factory=dict)  # rates, as they were at the start
    shrinking: set[Path] = field(default_factory=set)  # those of them that change
    noting: tuple[Pairing, Counts, Keeping] | None = None
    evaluations: Evaluations | None = None
    follower: Follower | None = None
    seconds: float = 20.0
    weights: Any = None  # of the samples

    def run(
        self,
        treatments: tuple[Treatment, ...] = (),
        *,
        seed: int = 0,
        replaced: dict[int, Any] | None = None,
        probe: Callable[[int, FrameType], None] | None = None,
    ) -> Outcome:
        """Run the script to its end."""
        edits = {**(self.replaced if replaced is None else replaced)}
        for one in treatments:
            if one.longer > 1:
                edits.update(longer(self.script, self.epoch, one.longer))
        follower = Follower(self.recorder, self.loop, self.epoch, self.pair, self.weights)
        self.follower = follower
        treated = _Treated(self, treatments)

        def at_head(place: Place, frame: FrameType) -> None:
            follower.head(place, frame)
            if place == self.epoch and probe is not None:
                self._epoch_begins(follower.epochs, frame)
            if place == self.loop.place:
                treated.head(frame)
                if probe is not None:
                    probe(follower.steps, frame)

        def prepare(recorder: Recorder) -> None:
            recorder.at_head, recorder.heads = at_head, {self.loop.place, self.epoch}
            if probe is not None:
                restores = self.noting is not None and bool(self.noting[2].stores)
                epochs = self.script.loops[self.epoch].node, lambda: follower.epochs
                self.evaluations = Evaluations(self.script.path, *epochs, restores)
                recorder.at_equal = self.evaluations.compared
                recorder.at_half = self.evaluations.drawn
            if not self.pair.own:
                recorder.pair, recorder.at_pair = self.pair.place, follower.met

        tree = substituted(self.script.tree, edits) if edits else None
        ran = run(
            self.script, self.recorder, seed=seed, seconds=self.seconds, prepare=prepare, tree=tree
        )
        follower.close(last=True)
        return Outcome(
            ran, follower.curve, follower.epochs, follower.steps, treated.grown, follower.range
        )

    def measure_rates(self) -> Outcome:
        """Run once, and take down how the steps would shrink if nothing else changed."""
        first: dict[str, Any] = {}
        self.rates = [(1, 1.0)]
        self.noting = Pairing(self.pair), Counts(), Keeping(self.script, self.epoch)
        spent = 0.0

        def probe(step: int, frame: FrameType) -> None:
            nonlocal spent
            if (step != 1 and step not in DECAY_AT) or spent > 2.0:
                return
            began = now()
            replay = Replay(self.script, self.loop, self.recorder, frame)
            paths = [*self.roles.parameters, *self.roles.changed]
            if step == 1:
                first.update(values={p: replay.before[p] for p in paths if p in replay.before})
                first["step"] = self._step(replay, first["values"]) or 0.0
                self._find_rates(replay, first["step"])
            elif first["step"]:
                again = self._step(replay, first["values"])
                self.rates += [(step, again / first["step"])] if again is not None else []
                later = replay.before
                self.shrinking |= {p for p, rate in self.held.items() if later.get(p, rate) != rate}
            self._look(replay, step)
            replay.reached.restore()
            spent += now() - began

        return self.run(probe=probe)

    def _epoch_begins(self, epoch: int, frame: FrameType) -> None:
        names = names_at(frame)
        for one in self.noting or ():
            if not isinstance(one, Pairing):
                one.look(frame)
            elif epoch == 1:
                one.begin(taken(Reached(names).values))

    def noted(self) -> list[Finding]:
        """Return what the heads of epochs, and the looks in between, have shown."""
        if self.noting is None:
            return []
        pairing, counts, keeping = self.noting
        told = [*pairing.findings(), *counts.findings(self.script, self.epoch)]
        return [*told, *keeping.findings()]

    def _look(self, replay: Replay, step: int) -> None:
        """Keep what the forward pass stores."""
        comparisons = self.roles.base.recording.comparisons
        many = next(
            (k for k, one in enumerate(comparisons, 1) if one.place == self.pair.place), None
        )
        if many is not None:
            iteration = replay.run(limit=many)
            self.hidden, self.looked = iteration.recording.stores, step
            self.at_first = self.at_first or self.hidden
            if self.noting is not None:
                self.noting[0].look(iteration, replay.reached.values)

    def _step(self, replay: Replay, values: dict[Path, Any]) -> float | None:
        def change(names: Names) -> None:
            for path, value in values.items():
                fits = is_array(value) and np.shape(names.get(path)) == value.shape
                if path in self.roles.parameters or fits:  # a name may be another array by now
                    names.put(path, value)

        try:
            iteration = replay.run(change)
        except (TypeError, KeyError, ValueError, AttributeError, IndexError):
            return None
        return self._length(iteration, values)

    def _length(self, iteration: Iteration, values: dict[Path, Any]) -> float:
        total = 0.0
        for path in self.roles.parameters:
            after = iteration.value(path)
            if after is not None and path in values and np.shape(after) == np.shape(values[path]):
                total += float(np.sum((np.asarray(after, float) - values[path]) ** 2))
        return math.sqrt(total)

    @property
    def decay(self) -> float:
        """By how much the last step that was looked at is shorter than the first."""
        last = self.rates[-1][1] if self.rates else 1.0
        return 1 / max(last, SHORTEST) if last < 1 else 1.0

    def _find_rates(self, replay: Replay, step: float) -> None:
        """Find the numbers whose double makes the step twice as long: rates."""
        own = {*self.roles.parameters}
        for path, value in replay.before.items():
            if path in own or not isinstance(value, float | np.floating) or not value:
                continue
            ran = replay.at({path: 2 * float(value)})
            doubled = self._length(ran, replay.before) if ran is not None else 0.0
            if step and abs(doubled / step - 2) < 1e-3:
                self.held[path] = float(value)


class _Treated:
    """Treats a run at the heads of its loop."""

    def __init__(self, trials: Trials, treatments: tuple[Treatment, ...]) -> None:
        self.trials, self.treatments = trials, treatments
        self.before: dict[Path, Any] = {}
        self.sizes: dict[Path, int] = {}
        self.grown = False
        self.step = 0
        self.scale = math.prod(one.scale for one in treatments)
        self.steady = any(one.steady for one in treatments)

    def head(self, frame: FrameType) -> None:
        self.step += 1
        first = self.step == 1
        stepwise = self.scale != 1 or self.steady
        if self.step > LOOKED_AT and not stepwise:
            return
        names = names_at(frame)
        if self.step <= LOOKED_AT:
            self._look(names)
        if first and any(one.start for one in self.treatments):
            self._start(names)
        if first and any(one.inputs for one in self.treatments):
            self._inputs(names)
        if first and any(one.centred for one in self.treatments):
            self._centre_labels(names)
        if self.steady:
            self._hold(names)
        if self.scale != 1 or (self.steady and not self.trials.shrinking):
            self._stretch(names)
        write_back(frame)

    def _look(self, names: Names) -> None:
        for path in self.trials.roles.parameters:
            with suppress(KeyError, IndexError, AttributeError, TypeError):
                size = np.size(names.get(path))  # a list may become a row
                self.grown |= self.sizes.setdefault(path, size) != size

    def _hold(self, names: Names) -> None:
        for path in self.trials.shrinking:
            value = self.trials.held[path]
            with suppress(KeyError, IndexError, AttributeError, TypeError):
                names.put(path, value)

    def _stretch(self, names: Names) -> None:
        factor = self.scale
        if self.steady and not self.trials.shrinking:
            steps, rates = zip(*self.trials.rates, strict=True)
            logs = np.log(np.maximum(rates, 1e-12))
            factor /= math.exp(np.interp(math.log(max(self.step - 1, 1)), np.log(steps), logs))
        for path in self.trials.roles.parameters:
            try:
                value = names.get(path)
                old = self.before.get(path)
                if old is not None and np.shape(old) == np.shape(value) and factor != 1:
                    with np.errstate(all="ignore"):
                        names.put(path, old + factor * (np.asarray(value) - old))
                value = names.get(path)
            except (KeyError, IndexError, AttributeError, TypeError, ValueError):
                continue
            self.before[path] = np.array(value)

    def _start(self, names: Names) -> None:
        rng = np.random.default_rng(0)
        roles = self.trials.roles
        every = [*roles.parameters, *roles.stuck, *roles.idle]
        spread = math.prod(one.spread for one in self.treatments)
        shapes = {p: np.shape(names.get(p)) for p in every}
        matrices = any(len(shape) > 1 and min(shape) > 1 for shape in shapes.values())
        for path, shape in shapes.items():
            if len(shape) > 1 and max(shape) > 1:
                value = spread * rng.normal(0, glorot(shape), shape)
                if is_bias(names.get(path), shape):
                    value = np.zeros(shape)
            elif matrices and len(shape) == 1:
                value = np.zeros(shape)
            else:
                value = rng.normal(0, 0.5, shape)
            names.put(path, value)

    def _inputs(self, names: Names) -> None:
        for path in self.trials.roles.data:
            try:
                X = names.get(path)
            except (KeyError, IndexError, AttributeError):
                continue
            if not is_array(X) or X.ndim == 0:
                continue
            new = standardised(X, self.trials.samples)
            if X.dtype.kind == "f" and X.flags.writeable:
                X[...] = new
            else:
                names.exchange(X, new)

    def _centre_labels(self, names: Names) -> None:
        met = self.trials.roles.base.recording.comparisons
        labels = [self.trials.pair.label_of(o) for o in met if o.place == self.trials.pair.place]
        for value in Reached(names).values.values() if labels else ():
            if is_array(value) and value.dtype.kind == "f" and same(value, labels[0]):
                value -= value.mean()


def is_bias(value: Any, shape: tuple[int, ...]) -> bool:
    """Tell a row of equal numbers, as biases start, from a matrix of one unit."""
    return min(shape) == 1 and bool(np.all(value == np.ravel(value)[0]))


def glorot(shape: tuple[int, ...]) -> float:
    """Return the standard deviation of Glorot's normal distribution."""
    return math.sqrt(2 / sum(shape[-2:]))


def sample_axis(X: Any, samples: int) -> int:
    """Return the axis along which the samples lie."""
    return X.ndim - 1 if X.ndim > 1 and X.shape[-1] == samples != X.shape[0] else 0


def standardised(X: Any, samples: int) -> Any:
    """Return inputs with mean 0 and standard deviation 1 in each feature; a constant one stays."""
    axis = sample_axis(X, samples)
    mean, deviation = X.mean(axis=axis, keepdims=True), X.std(axis=axis, keepdims=True)
    varies = deviation > 0
    return np.where(varies, (X - mean) / np.where(varies, deviation, 1), X)


def longer(script: Script, place: Place, times: int) -> dict[int, Any]:
    """Return the edit that lets a loop over a range run longer; nothing for other loops."""
    stop = turns(script.loops[place].node)
    return {id(stop): ast.BinOp(stop, ast.Mult(), expression(str(times)))} if stop else {}


def turns(node: Any) -> ast.expr | None:
    """Return the expression of how often a loop over a range turns, a progress bar around it."""
    over = getattr(node, "iter", None)
    while isinstance(over, ast.Call) and over.args:
        name = ast.unparse(over.func).rsplit(".", maxsplit=1)[-1]
        if name in {"range", "trange"}:
            return over.args[min(1, len(over.args) - 1)]
        over = over.args[0] if name in {"tqdm", "enumerate"} else None
    return None


def write_back(frame: FrameType) -> None:
    """Let a running function see the local numbers that were written.

    Reading `frame.f_locals` again would read the old numbers back over them.
    """
    if sys.version_info < (3, 13) and frame.f_code.co_flags & inspect.CO_NEWLOCALS:
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
