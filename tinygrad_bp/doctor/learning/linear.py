"""A model that is linear in its parameters: its features, from what moving each of them does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.learning.losses import meetings, scores
from tinygrad_bp.doctor.learning.outcome import Standing, standing
from tinygrad_bp.doctor.learning.pairs import Pair
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import Recorder, Stop
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.rewriting import Loop, Script
from tinygrad_bp.doctor.watched.running import run
from tinygrad_bp.doctor.watched.slots import Names, Path, same

MOST, SAMPLES, HEADS = 40, 600, 200  # parameters, samples and iterations that are looked at
WEIGHTS = (1.0, 1e-2, 1e-4)  # sizes of weights at which a model is looked at
EXACT = 1e-6  # relative error of the linear form, which is none but rounding
NEWTON, RIDGE = 40, 1e-6  # steps, and what holds the weights of separable classes
SAMPLED = ("features", "offset", "labels")  # what a model has a row of for each sample
LINKS: dict[str, Callable[[Any], Any]] = {
    "": lambda o: o,
    "sigmoid": lambda o: np.log(o) - np.log1p(-o),
    "tanh": np.arctanh,
}


@dataclass
class Linear:
    """The scores of a linear model: features times parameters, plus what no parameter moves.

    Attributes
    ----------
    link : str
        What makes the output of the score: nothing, a sigmoid, tanh or a threshold.
    """

    link: str
    paths: list[Path]
    features: Any
    offset: Any
    labels: Any
    start: Any  # the parameters, in one row
    batch: int = 0  # samples of one iteration

    @property
    def rows(self) -> Any:
        """Features that differ."""
        return np.unique(self.features, axis=0)

    @property
    def has_bias(self) -> bool:
        """Whether some weights give every sample the same score, and not 0."""
        ones = np.ones(len(self.features))
        rest = ones - self.features @ np.linalg.lstsq(self.features, ones, rcond=None)[0]
        return bool(np.abs(rest).max() < EXACT)

    def distinct(self) -> Linear:
        """Return the model with each row of features once."""
        _, at = np.unique(self.features, axis=0, return_index=True)
        rows: Any = {name: getattr(self, name)[at] for name in SAMPLED}
        return replace(self, **rows)

    def best(self, *, bias: bool = False) -> tuple[Any, Standing]:
        """Return the answers of the best weights, and how they stand to the labels."""
        ones = np.ones((len(self.features), int(bias)))
        A, y = np.hstack([self.features, ones]), self.labels
        if not self.link:
            answers = A @ least_squares(A, y - self.offset) + self.offset
            return answers, standing([answers], [y])
        y = (y == y.max()).astype(float)
        answers = _logistic(A, y, self.offset)
        return answers, standing([answers], [y])


def least_squares(A: Any, y: Any) -> Any:
    """Return the weights of the least squared error, with columns brought to one length."""
    size = np.maximum(np.sqrt((A**2).mean(axis=0)), 1e-300)
    return np.linalg.lstsq(A / size, y, rcond=None)[0] / size


def _logistic(A: Any, y: Any, offset: Any) -> Any:
    """Return the probabilities of the best logistic model, by Newton's method."""
    A = A / np.maximum(np.sqrt((A**2).mean(axis=0)), 1e-300)
    w = np.zeros(A.shape[1])
    for _ in range(NEWTON):
        p = 1 / (1 + np.exp(-np.clip(A @ w + offset, -30, 30)))
        curved = (A * (p * (1 - p))[:, None]).T @ A + RIDGE * len(A) * np.eye(len(w))
        step = np.linalg.solve(curved, A.T @ (y - p) - RIDGE * len(A) * w)
        w = w + step * min(1.0, 5 / max(float(np.abs(step).max()), 1e-12))
    return 1 / (1 + np.exp(-np.clip(A @ w + offset, -30, 30)))


def linear(
    script: Script, recorder: Recorder, loop: Loop, roles: Roles, pair: Pair, seconds: float
) -> Linear | None:
    """Return a script's model as a linear one, over the samples of its first iterations."""
    until = now() + seconds
    found: list[Linear] = []
    heads = 0

    def at_head(place: Any, frame: FrameType) -> None:
        nonlocal heads
        if place != loop.place:
            return
        heads += 1
        replay = Replay(script, loop, recorder, frame)
        try:
            one = _at(replay, roles, pair, found[0].link if found else None)
        finally:
            replay.reached.restore()
        again = found and one is not None and same(one.features, found[0].features)
        many = sum(len(part.features) for part in found)
        if (again and len(found[0].features) > 1) or many > SAMPLES or heads > HEADS:
            raise Stop
        if one is None or now() > until:
            raise Stop
        found.extend([one] if len(one.features) else [])

    def prepare(recorder: Recorder) -> None:
        recorder.at_head, recorder.heads = at_head, {loop.place}

    run(script, recorder, seconds=seconds, prepare=prepare)
    kept = [one for one in found if one.paths == found[-1].paths and one.link == found[-1].link]
    if not kept:
        return None
    joined: Any = {name: np.concatenate([getattr(one, name) for one in kept]) for name in SAMPLED}
    return replace(kept[0], batch=len(kept[0].labels), **joined)


def _parameters(replay: Replay, roles: Roles) -> list[Path]:
    """Return the parameters with their neighbours in a list, which one sample may leave alone."""
    lists = {path[:-1] for path in roles.parameters if path[-1][0] == "key" and len(path) > 2}
    beside = [path for path, value in replay.before.items()
              if path[:-1] in lists and isinstance(value, float)]  # fmt: skip
    return [*dict.fromkeys([*(p for p in roles.parameters if p in replay.before), *beside])]


def _at(replay: Replay, roles: Roles, pair: Pair, link: str | None) -> Linear | None:
    """Return the model over the samples of one iteration."""
    paths = _parameters(replay, roles)
    sizes = [int(np.size(replay.before[path])) for path in paths]
    start = [np.ravel(np.asarray(replay.before[path], float)) for path in paths]
    if not paths:
        return _nothing(paths, np.zeros(0))  # at the first head they may be lists
    if sum(sizes) > MOST:
        return None

    def answers(w: Any) -> tuple[Any, Any, list[Any]] | None:
        parts = np.split(w, np.cumsum(sizes)[:-1])

        def change(names: Names) -> None:
            for path, part in zip(paths, parts, strict=True):
                shape = np.shape(names.get(path))
                names.bind(path, part.reshape(shape) if shape else float(part[0]))

        try:
            recording = replay.run(change, limit=roles.compared or None).recording
        except (TypeError, KeyError, ValueError, AttributeError, IndexError):
            return None
        outputs, labels = meetings(recording, pair, roles.compared)
        if outputs and np.size(outputs[0]) == 1 and roles.compared <= 4:
            outputs, labels = outputs[:1], labels[:1]  # of one sample, met again
        pairs = zip(outputs, labels, strict=True)
        if not outputs or any(np.size(o) != np.size(y) for o, y in pairs):
            return None
        o = np.concatenate([np.ravel(one) for one in outputs])
        y = np.concatenate([np.ravel(one) for one in labels])
        wide = any(np.ndim(one) > 1 and np.size(one) > max(np.shape(one)) for one in labels)
        return None if wide else (o, y.copy(), scores(recording, outputs, roles.compared))

    return _measured(answers, paths, sum(sizes), link, np.concatenate(start))


def _nothing(paths: list[Path], start: Any) -> Linear:
    """Return the model of an iteration that shows nothing of it."""
    return Linear("", paths, np.zeros((0, len(start))), np.zeros(0), np.zeros(0), start)


def _measured(
    answers: Callable[[Any], Any], paths: list[Path], many: int, link: str | None, start: Any
) -> Linear | None:
    """Return the model as it is at weights of some size: large features saturate at usual ones."""
    found = (_measured_at(size, answers, paths, many, link, start) for size in WEIGHTS)
    return next((one for one in found if one is not None), None)


def _measured_at(
    unit: float, answers: Callable[[Any], Any], paths: list[Path], many: int, link: str | None,
    start: Any,
) -> Linear | None:  # fmt: skip
    rng = np.random.default_rng(11)
    here, there = (0.3 * unit * rng.standard_normal(many) for _ in range(2))
    first, middle, last = answers(here), answers((here + there) / 2), answers(there)
    if first is None or middle is None or last is None or not len(first[0]):
        return None
    sides = [[one[0], *one[2]] for one in (first, middle, last)]
    still = all(len(a) == len(sides[0]) and all(map(same, a, sides[0])) for a in sides)
    if still and link is None:
        return _nothing(paths, start)  # inputs of 0
    for name in [*LINKS, "threshold"] if link is None else [link]:
        ends = [_score(name, one) for one in (first, middle, last)]
        if any(one is None or not np.isfinite(one).all() for one in ends):
            continue
        if len({one.shape for one in ends}) > 1:
            return None
        if link is None and same(ends[0], ends[1]) and same(ends[0], ends[2]):
            continue  # a threshold that none of these passes
        size = max(1e-9, *(float(np.abs(one).max()) for one in ends))
        if np.abs(ends[0] + ends[2] - 2 * ends[1]).max() > EXACT * size:
            continue
        moved = [_score(name, answers(here + step)) for step in unit * np.eye(many)]
        if any(one is None or one.shape != ends[0].shape for one in moved):
            return None
        A = np.stack([one - ends[0] for one in moved], axis=1) / unit
        if not np.isfinite(A).all():
            return None
        if np.abs(A @ (there - here) + ends[0] - ends[2]).max() > EXACT * size:
            return None
        rounded = np.abs(A) < 1e-9 * max(float(np.abs(A).max()), 1.0)
        A = np.where(rounded, 0.0, A)
        return Linear(name, paths, A, ends[0] - A @ here, first[1], start)
    return None


def _score(link: str, answered: Any) -> Any:
    if answered is None:
        return None
    outputs, _, sides = answered
    if link == "threshold":
        return sides[0] if sides else None
    with np.errstate(all="ignore"):
        return LINKS[link](outputs)
