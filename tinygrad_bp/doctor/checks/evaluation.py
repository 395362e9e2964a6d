"""How answers are compared with labels to be counted: wrong axes, shapes, thresholds, rows.

Every ``==`` of two arrays is taken down in a whole run, with the epoch in which it was made, and so
is every threshold of 0.5.  What they count is held against what the outputs themselves say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.doctor.learning.outcome import Outcome, classes_of
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.rewriting import Place, Script, place_of

LARGEST = 50_000  # elements of an array that is kept
LONGEST = 5  # times that a comparison of whole arrays is made in an epoch, at most
FEWEST = 8  # samples of which a share says something
CLEAR = 0.2  # by which a share of right answers is another
TOLD_APART = 0.5  # share of what a constant answer gets wrong that the outputs get right
MANY = 20  # samples from which on it is strange to keep none apart
CLAIMS = re.compile(r"test|valid|held|unseen|generali", re.IGNORECASE)
APART = re.compile(r"test|valid|val\b|_val|held|dev\b|fold|split|Xv|xv|_te\b|Xte|unseen")


@dataclass
class Count:
    """One place at which answers are compared with labels: the last time that it was reached."""

    left: Any
    right: Any
    epoch: int
    lines: tuple[int, ...]
    times: int = 1  # that it was reached in one epoch


@dataclass
class Evaluations:
    """What a run compared for equality, and where it drew a line at 0.5."""

    path: str
    loop: Any  # over epochs
    epoch: Callable[[], int]
    restores: bool = False  # whether weights of another epoch may be those that are counted with
    equal: dict[tuple[Place, int], Count] = field(default_factory=dict)  # by place and size
    over: dict[Place, Any] = field(default_factory=dict)

    def compared(self, left: Any, right: Any, place: Place, frame: FrameType | None) -> None:
        """Take a comparison for equality."""
        lines: list[int] = []
        while frame is not None and len(lines) < 3:
            if frame.f_code.co_filename == self.path:
                lines.append(frame.f_lineno)
            frame = frame.f_back
        if all(np.size(one) <= LARGEST and not isinstance(one, str) for one in (left, right)):
            key, epoch = (place, max(np.size(left), np.size(right))), self.epoch()
            before = self.equal.get(key)
            times = before.times + 1 if before is not None and before.epoch == epoch else 1
            self.equal[key] = Count(left, right, epoch, tuple(lines), times)

    def drawn(self, value: Any, place: Place) -> None:
        """Take a value of which it is asked whether it is above 0.5."""
        if is_array(value) and value.dtype.kind == "f" and value.size <= LARGEST:
            self.over[place] = np.ravel(value)

    def findings(
        self, script: Script, base: Outcome, last: list[list[Any]] | None, parameters: int
    ) -> list[Finding]:
        """Return what is wrong with the counts.

        Parameters
        ----------
        last : [outputs, labels] or None
            Of the last epoch, each a list.
        parameters : int
            How many numbers are learned.
        """
        if last is None or not last[1]:
            return []
        found: dict[Place, Finding] = {}
        nodes = {
            place_of(one): one for one in ast.walk(script.tree) if isinstance(one, ast.Compare)
        }
        truth = _Truth(base, *last)
        apart = {one.lines for one in self.equal.values() if not truth.is_trained_on(one)}
        for (place, _), one in self.equal.items():
            first, last_line = self.loop.lineno, self.loop.end_lineno
            inside = any(first <= line <= last_line for line in one.lines)
            other = self.restores and not inside
            text = truth.judged(one, nodes.get(place), other=other)
            if text:
                found[place] = _wrong(script, text, place)
            elif truth.is_trained_on(one) and one.lines not in apart:
                claim = _claim(script, one.lines)
                if claim and truth.many >= MANY:
                    said = (
                        f"{script.at(claim[0])} says {claim[1]!r}, of the rows that are trained on"
                    )
                    found[place] = Finding("evaluation-wrong", FAULT, said, claim[0])
        for place, value in self.over.items():
            text = truth.of_logits(value)
            if text:
                found[place] = _wrong(script, text, place)
        listed = list({one.line: one for one in found.values()}.values())
        counted = any(truth.is_trained_on(one) for one in self.equal.values())
        return listed or _nothing_apart(script, truth.many, parameters, counted)


def _wrong(script: Script, text: str, place: Place) -> Finding:
    return Finding("evaluation-wrong", FAULT, f"{script.at(place[0])}: {text}", place[0])


@dataclass
class _Truth:
    """What the outputs of the last epoch say about the labels."""

    base: Outcome
    outputs: list[Any]
    labels: list[Any]

    @property
    def many(self) -> int:
        """How many samples an epoch has."""
        return sum(max(np.shape(one), default=1) for one in self.labels)

    def judged(self, one: Count, node: ast.Compare | None, *, other: bool = False) -> str:
        """Return what is wrong with one count, or nothing; it may be one of `other` weights."""
        shapes = np.shape(one.left), np.shape(one.right)
        sizes = [int(np.prod(shape)) for shape in shapes]
        try:
            whole = np.broadcast_shapes(*shapes)
        except ValueError:
            return f"shapes {shapes[0]} and {shapes[1]} are compared, which is False as a whole"
        if min(sizes) > 1 and int(np.prod(whole)) > max(sizes):
            return f"{shapes[0]} is compared with {shapes[1]}: {int(np.prod(whole))} pairs"
        axis = self._axis(one, sizes, node) or _no_class(one, sizes)
        return axis or ("" if other else self._share(one, sizes) or self._one_answer(one))

    def _axis(self, one: Count, sizes: list[int], node: ast.Compare | None) -> str:
        label = self.labels[0]
        axes = [axis for axis in (1, 0) if label.ndim == 2 and np.all(label.sum(axis=axis) == 1)]
        if not axes or min(label.shape) < 2 or node is None:
            return ""
        kinds, samples = label.shape[axes[0]], label.shape[1 - axes[0]]
        text, first = ast.unparse(node), label.argmax(axis=1 - axes[0])
        sides = [np.ravel(side) for side in (one.left, one.right)]
        is_first = any(np.array_equal(side, first) for side in sides)  # each class's first sample
        if kinds == samples or not (is_first or "argmax" in text):
            return ""
        if sizes == [kinds, kinds]:
            return f"{kinds} answers are compared, one for each class; there are {samples} samples"
        at_once = one.times < LONGEST  # and not sample by sample
        if (
            at_once
            and sizes == [1, 1]
            and not re.search(r"argmax\([^()]*(, ?-?\d|axis)", text)
            and kinds > 1
        ):
            return f"argmax without an axis is one place of {samples} x {kinds} numbers"
        return ""

    def _share(self, one: Count, sizes: list[int]) -> str:
        near = min(self.base.curve, key=lambda point: abs(point[0] - one.epoch), default=None)
        right = near[1].right if near is not None else None
        if right is None or self.many < FEWEST or sizes != [self.many] * 2:
            return ""
        if not self.is_trained_on(one):
            return ""
        told = float(np.mean(np.ravel(one.left) == np.ravel(one.right)))
        if right - told < CLEAR:
            return ""
        return (
            f"{told:.0%} are counted as right; the outputs of the last epoch are so in {right:.0%}"
        )

    def _one_answer(self, one: Count) -> str:
        """Say that every answer which is counted is the same, where the outputs tell them apart."""
        sides = [np.ravel(one.left), np.ravel(one.right)]
        if min(map(len, sides)) < FEWEST or self.base.final.gain < TOLD_APART:
            return ""
        kinds = [np.unique(side) for side in sides]
        if min(map(len, kinds)) > 1 or max(map(len, kinds)) < 2:
            return ""
        same = min(kinds, key=len)[0]
        return f"all {len(sides[0])} answers that are counted are {same}; the outputs differ"

    def is_trained_on(self, one: Count) -> bool:
        """Tell whether one side of a count is the labels that are trained on."""
        kinds = [classes_of(label) for label in self.labels]
        known = np.sort(np.concatenate([np.ravel(one) for one in kinds]))
        for side in (one.left, one.right):
            if not isinstance(side, np.ndarray) or side.size < 2:
                continue
            if side.size == known.size and np.array_equal(np.sort(np.ravel(side)), known):
                return True
        return False

    def of_logits(self, value: Any) -> str:
        """Return what is wrong with a line at 0.5 through the inputs of the last sigmoid."""
        flat = np.concatenate([np.ravel(one) for one in self.outputs])
        if flat.size != value.size or flat.size < FEWEST or not np.all((flat > 0) & (flat < 1)):
            return ""
        if value.min() > -0.1 and value.max() < 1.1:
            return ""
        between = int(np.sum((value > 0) & (value <= 0.5)))
        ranks = [np.argsort(np.argsort(one)).astype(float) for one in (flat, value)]
        if not between or np.corrcoef(np.stack(ranks))[0, 1] < 0.98:
            return ""
        return (
            f"0.5 is the line through values from {value.min():.3g} to {value.max():.3g}, of which"
            f" the output is the sigmoid: their line is 0, and {between} samples are between"
        )


def _no_class(one: Count, sizes: list[int]) -> str:
    """Say that one answer, which is no class, is compared with the labels of many samples."""
    sides = sorted([one.left, one.right], key=np.size)
    if min(sizes) > 1 or max(sizes) < FEWEST or not isinstance(sides[0], np.integer):
        return ""  # a class that is asked for by its own number is one of Python's, or a label
    labels = np.asarray(sides[1])
    if labels.dtype.kind not in "iuf" or labels.min() <= sides[0] <= labels.max():
        return ""
    return (
        f"one answer, {sides[0]}, is compared with {labels.size} labels from {labels.min()} to"
        f" {labels.max()}: an argmax without an axis is a place among all numbers"
    )


def _claim(script: Script, lines: tuple[int, ...]) -> tuple[int, str] | None:
    """Return the text, of one of these lines, that speaks of data which are kept apart."""
    for one in ast.walk(script.tree):
        if not isinstance(one, ast.Expr | ast.Assign) or one.lineno not in lines:
            continue
        texts = [part.value for part in ast.walk(one)
                 if isinstance(part, ast.Constant) and isinstance(part.value, str)]  # fmt: skip
        names = [ast.unparse(target) for target in getattr(one, "targets", [])]
        for text in [*texts, *names]:
            if CLAIMS.search(text):
                return one.lineno, text.strip()
    return None


def _nothing_apart(script: Script, samples: int, parameters: int, counted: bool) -> list[Finding]:
    """Note that right answers are counted on the rows trained on alone, and could be remembered."""
    names = {getattr(one, "id", getattr(one, "attr", getattr(one, "arg", None)))
             for one in ast.walk(script.tree)}  # fmt: skip
    apart = any(APART.search(one) for one in names if isinstance(one, str))
    if not counted or samples < MANY or parameters < samples or apart:
        return []
    text = (
        f"right answers are counted on the {samples} samples that are trained on, and on no others;"
        f" {parameters} parameters can remember them"
    )
    return [Finding("no-held-out-data", NOTE, text)]
