"""The object that a rewritten script calls: it keeps what is asked for, and is quick otherwise."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.watched.rewriting import Place
from tinygrad_bp.engine.tensor import Tensor

MOST = 20_000  # comparisons and stores of one iteration that are kept
FEW = 32  # members of a container that is looked into


class Stop(BaseException):  # no error: the script's own `except Exception` lets it pass
    """Ends a run of the script from inside."""


@dataclass
class Comparison:
    """Two operands that met: by which operation, and where."""

    place: Place
    operation: str
    left: Any
    right: Any


@dataclass
class Recording:
    """What one iteration did, up to where it was read."""

    comparisons: list[Comparison] = field(default_factory=list)
    stores: list[tuple[str, Any, Place]] = field(default_factory=list)
    scores: list[tuple[Place, Any, int]] = field(
        default_factory=list
    )  # on one side of a threshold or the other; with the number of comparisons before
    held: list[tuple[str, Any]] = field(default_factory=list)  # arrays in containers so stored
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    by_tuple: list[Place] = field(default_factory=list)
    of_itself: dict[Place, int] = field(default_factory=dict)  # and the comparisons before it
    given: list[tuple[str, Any, Place]] = field(default_factory=list)  # to functions, like stores
    kept: dict[str, Any] = field(default_factory=dict)


class Recorder:
    """What the calls in the script reach.

    Attributes
    ----------
    on : bool
        Whether values are kept at all.
    at_head, at_store, at_pair : callable or None
        What is told of heads of loops, of stores, and of comparisons at one place.
    """

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new run begins."""
        self.on = False
        self.limit = MOST
        self.recording = Recording()
        self.at_head: Callable[[Place, FrameType], None] | None = None
        self.heads: set[Place] = set()  # those that are told of; all where there are none
        self.at_store: Callable[[str, Any, FrameType], None] | None = None
        self.at_comparison: Callable[[], None] | None = None  # before it is kept
        self.at_pair: Callable[[Any, Any], None] | None = None
        self.pair: Place | None = None
        self.cuts: dict[str, tuple[int, str, str]] = {}
        self.lost: dict[int, tuple[int, int]] = {}  # rows of an array before a shuffle, and after
        self.at_equal: Callable[[Any, Any, Place, FrameType], None] | None = None
        self.at_half: Callable[[Any, Place], None] | None = None
        self.at_shapes: Callable[[Any, Any, int], None] | None = None

    # ---- what the script calls

    def head(self, line: int, column: int) -> None:
        """Begin an iteration."""
        if self.at_head is None or (self.heads and (line, column) not in self.heads):
            return
        if threading.get_ident() == self.thread:
            self.at_head((line, column), sys._getframe(1))

    def sub(self, left: Any, right: Any, line: int, column: int) -> Any:
        """Subtract."""
        if self.at_shapes is not None:
            self.at_shapes(left, right, line)
        if self.on:
            self._keep("-", left, right, (line, column))
        if self.pair == (line, column) and self.at_pair is not None:
            self.at_pair(_plain(left), _plain(right))
        return left - right

    def chain(self, terms: tuple[Any, ...], *sides: int) -> Any:
        """Subtract one after the other: in `y - m * x - c` a label meets the sum of the rest."""
        value, taken = terms[0], None
        for term, place in zip(terms[1:], zip(sides[::2], sides[1::2], strict=True), strict=True):
            told = self.on or self.pair == place or self.at_shapes is not None
            taken = term if taken is None else taken + term if told else taken
            if told:
                self.sub(terms[0], taken, *place)
            value = value - term
        return value

    def div(self, left: Any, right: Any, line: int, column: int) -> Any:
        """Divide."""
        if self.on:
            self._keep("/", left, right, (line, column))
        if self.pair == (line, column) and self.at_pair is not None:
            self.at_pair(_plain(left), _plain(right))
        return left / right

    def scored(self, value: Any, bound: Any, line: int, column: int) -> Any:
        """Return what is then asked on which side of a bound it is: the score of a threshold."""
        if self.on:
            score, least = _plain(value), _plain(bound)
            if (is_array(score) or is_number(score)) and (is_array(least) or is_number(least)):
                self._score((line, column), np.asarray(score, float) - least)
        return value

    def _score(self, place: Place, score: Any) -> None:
        kept = self.recording
        if len(kept.scores) < MOST:
            kept.scores.append((place, score, len(kept.comparisons)))

    def equal(self, left: Any, right: Any, line: int, column: int) -> Any:
        """Compare for equality."""
        self._told(left, right, (line, column), sys._getframe(1))
        return left == right

    def unequal(self, left: Any, right: Any, line: int, column: int) -> Any:
        """Compare for inequality."""
        self._told(left, right, (line, column), sys._getframe(1))
        return left != right

    def told(self, left: Any, right: Any, line: int, column: int) -> None:
        """Tell of a comparison for equality that is made elsewhere."""
        self._told(left, right, (line, column), sys._getframe(1))

    def _told(self, left: Any, right: Any, place: Place, frame: FrameType) -> None:
        if self.on:
            self._keep("=", left, right, place)
        if self.pair == place and self.at_pair is not None:
            self.at_pair(_plain(left), _plain(right))
        if self.at_equal is not None:
            self.at_equal(left, right, place, frame)

    def halved(self, value: Any, line: int, column: int) -> Any:
        """Return what is then compared with 0.5."""
        if self.at_half is not None:
            self.at_half(value, (line, column))
        return value

    def picked(self, base: Any, index: Any, value: Any, line: int, column: int) -> None:
        """Take the label of a class from its output, in place: compare with a one-hot target."""
        wanted = self.on or self.pair == (line, column)
        if not wanted or not isinstance(base, np.ndarray) or isinstance(index, bool):
            return
        target = np.zeros(base.shape)
        try:
            target[index] = value
        except (IndexError, ValueError, TypeError):
            return
        if self.on:
            self._keep("-", base, target, (line, column))
        if self.pair == (line, column) and self.at_pair is not None:
            self.at_pair(base, target)

    def written(self, value: Any, into: Any, name: str, line: int) -> Any:
        """Return what is then written into elements; note what an array of integers cuts off.

        Replays may have other values than the script.
        """
        if type(into) is np.ndarray and not self.on and into.dtype.kind in "iu":
            array = np.asarray(value)
            if array.dtype.kind == "f" and np.any(array % 1) and np.isfinite(array).all():
                text = f"{np.ravel(array)[np.flatnonzero(array % 1)[0]]:.10g}"
                self.cuts.setdefault(name, (line, text, str(into.dtype)))
        return value

    def shuffled(self, function: Any, rows: Any, line: int, _column: int) -> Any:
        """Shuffle; note how many rows of an array one that swaps them through views has lost."""
        plain = isinstance(getattr(function, "__self__", None), random.Random)
        if not plain or self.on or line in self.lost or not is_array(rows) or rows.ndim < 2:
            return function(rows)
        before = len(np.unique(rows, axis=0))
        result = function(rows)
        after = len(np.unique(rows, axis=0))
        if after < before:
            self.lost[line] = before, after
        return result

    def store(self, text: str, value: Any, line: int, column: int) -> None:
        """Have stored a value."""
        if not self.on:
            return
        kept = self.recording
        if is_array(value) or is_number(value):
            kept.shapes[text] = np.shape(value)
            if len(kept.stores) < MOST:
                kept.stores.append((text, np.array(value), (line, column)))
        elif isinstance(value, (dict, list, tuple)) and len(value) <= FEW:
            parts = value.values() if isinstance(value, dict) else value
            arrays = [(text, np.array(one)) for one in parts if is_array(one)]
            kept.held += arrays if len(kept.held) < MOST else []
        if self.at_store is not None:
            self.at_store(text, value, sys._getframe(1))

    def tick(self, *_: int) -> None:
        """Have done something that may have stored a value."""
        if self.on and self.at_store is not None:
            self.at_store("", None, sys._getframe(1))

    def enter(self, names: dict[str, Any], line: int, column: int) -> None:
        """Enter a function of the script."""
        kept = self.recording
        for name, value in names.items():
            if is_array(value) or is_number(value):
                kept.shapes[name] = np.shape(value)
                kept.given += [(name, value, (line, column))] if len(kept.given) < MOST else []

    def keep(self, names: dict[str, Any]) -> None:
        """Take the local names at the end of an iteration."""
        self.recording.kept = names

    def _keep(self, operation: str, left: Any, right: Any, place: Place) -> None:
        kept = self.recording
        if isinstance(right, tuple):
            kept.by_tuple.append(place)
        if _is_one(left, right):
            kept.of_itself.setdefault(place, len(kept.comparisons))
        left, right = _plain(left), _plain(right)
        if isinstance(left, list) or isinstance(right, list):
            left, right = _arrays(left), _arrays(right)
        if (is_array(left) or is_number(left)) and (is_array(right) or is_number(right)):
            if self.at_comparison is not None:
                self.at_comparison()
            left, right = np.array(left, float), np.array(right, float)
            if operation == "/" and np.array_equal(right, np.abs(left)):
                self._score(place, left)  # the sign of it
            kept.comparisons.append(Comparison(place, operation, left, right))
            if len(kept.comparisons) >= self.limit:
                raise Stop


def _is_one(left: Any, right: Any) -> bool:
    """Tell whether both are one array, or a view of all of it."""
    if not isinstance(left, np.ndarray) or not isinstance(right, np.ndarray):
        return False
    shared = left is right or left.base is right or right.base is left
    return shared and left.shape == right.shape and left.strides == right.strides


def _plain(value: Any) -> Any:
    """Return the array of a Tensor of this package, and anything else as it is."""
    return value.detach().numpy() if isinstance(value, Tensor) else value


def _arrays(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(value, float)
    except (ValueError, TypeError):
        return None


def is_array(value: Any) -> bool:
    """Tell whether this is a NumPy array of real numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.size > 0


def is_number(value: Any) -> bool:
    """Tell whether this is a real number, and no truth value."""
    return isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, bool)
