"""What the pattern of a wrong gradient looks like, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

SAME = 1e-5  # relative; ratios are read, not proven
Lengths = Mapping[int, str]  # a length, and of which axis it is


@dataclass
class Pattern:
    """The gradient of one argument: as it should be, and as it is.

    Attributes
    ----------
    expected, got : array
    known : array of bool
        The entries that the oracle was asked for.
    wrong : array of bool
    x : array
        The argument.
    """

    expected: Any
    got: Any
    known: Any
    wrong: Any
    x: Any


def hints(pattern: Pattern, lengths: Lengths, others: Mapping[str, Any]) -> list[str]:
    """Describe a wrong gradient.

    Parameters
    ----------
    pattern : Pattern
    lengths : mapping of int to str
        Lengths of axes that a mean may have divided by, and whose they are.
    others : mapping of str to array
        What the gradients of other arguments should be, by argument.

    Returns
    -------
    list of str
        The most telling first; empty if nothing is recognised.
    """
    found = [*_factor(pattern, lengths)]
    if pattern.known.all() and not _same(pattern.got, pattern.expected):
        found += _arrangement(pattern)
        for name, other in others.items():
            if other.shape == pattern.got.shape and _same(pattern.got, other):
                found.append(f"this is the gradient of {name}")
    return found or [*_region(pattern), *_relation(pattern)]


def ratio_words(ratio: float, lengths: Lengths) -> str:
    """Say a constant ratio of the gradient to what it should be."""
    if _near(ratio, 0.0):
        return "zero: a term is missing, or the gradient is cut off"
    if _near(ratio, 1.0):
        return ""
    for sign, prefix in ((1.0, ""), (-1.0, "the sign is wrong, and ")):
        one = ratio * sign
        for length, whose in lengths.items():
            if length > 2 and _near(one, length):
                return f"{prefix}missing 1/m: {length} times too large, m = {whose}"
            if length > 2 and _near(one, 1 / length):
                return f"{prefix}divided by m once too often: m = {whose}"
    for value, words in RATIOS.items():
        if _near(ratio, value):
            return words
    return f"{ratio:.6g} times what it should be"


RATIOS = {
    -1.0: "the sign is wrong",
    2.0: "twice what it should be",
    -2.0: "the sign is wrong, and twice what it should be",
    0.5: "half of what it should be",
    -0.5: "the sign is wrong, and half of what it should be",
}


def unsummed(got: Any, expected: Any) -> str:
    """Say what is wrong with a gradient of another shape than its argument."""
    shape = np.shape(expected)
    for axis in range(np.ndim(got)):
        for keepdims in (False, True):
            total = np.sum(got, axis=axis, keepdims=keepdims)
            if total.shape == shape and _same(total, expected):
                return f"not summed over axis {axis}: .sum(axis={axis}) makes it right"
    if np.size(got) == np.size(expected) and _same(np.reshape(got, shape), expected):
        return f"right but for its shape: .reshape{shape}"
    if np.shape(got) == shape[::-1] and _same(np.transpose(got), expected):
        return "transposed"
    total = np.sum(got)
    if np.shape(total) == shape and _same(total, expected):
        return "not summed over all axes: .sum() makes it right"
    return f"its shape is {np.shape(got)}, that of the argument {shape}"


def _factor(p: Pattern, lengths: Lengths) -> Iterator[str]:
    known = p.known & (np.abs(p.expected) > 1e-9 * np.max(np.abs(p.expected), initial=0.0))
    if not known.any() or not np.all(np.isfinite(p.got[known])):
        return
    ratios = (p.got[known] / p.expected[known]).real
    ratio = float(np.median(ratios))
    if np.all(np.abs(ratios - ratio) <= SAME * max(abs(ratio), 1e-3)):
        words = ratio_words(ratio, lengths)
        if words:
            yield words


def _arrangement(p: Pattern) -> Iterator[str]:
    if p.got.ndim == 0 or not np.any(p.expected):
        return
    if p.got.ndim >= 2 and p.got.shape[-1] == p.got.shape[-2]:
        if _same(np.swapaxes(p.got, -1, -2), p.expected):
            yield "transposed"
        elif _same(np.swapaxes(p.got, -1, -2), -p.expected):
            yield "transposed, and the sign is wrong"
    if _same(np.conj(p.got), p.expected):
        yield "conjugated"
    for axis in range(p.got.ndim):
        if _same(np.flip(p.got, axis), p.expected):
            yield f"reversed along axis {axis}"
        total = np.broadcast_to(np.sum(p.expected, axis, keepdims=True), p.got.shape)
        if p.got.shape[axis] > 1 and _same(p.got, total):
            yield f"summed over axis {axis}, which the argument has"
        if p.got.shape[axis] > 1 and _same(p.got, total / p.got.shape[axis]):
            yield f"averaged over axis {axis}, which the argument has"


def _region(p: Pattern) -> Iterator[str]:
    """Say where the wrong entries lie, if not everywhere."""
    right = p.known & ~p.wrong
    if not right.any() or np.iscomplexobj(p.x):
        return
    for words, where in (
        ("negative", p.x < 0),
        ("positive", p.x > 0),
        ("zero", p.x == 0),
        ("above 1 in size", np.abs(p.x) > 1),
        ("below 1 in size", np.abs(p.x) < 1),
    ):
        if np.array_equal(p.wrong & p.known, where & p.known):
            yield f"wrong only where the argument is {words}"
            return
    if p.x.ndim == 2 and np.array_equal(p.wrong, (np.eye(*p.x.shape) == 1) & p.known):
        yield "wrong only on the diagonal"


def _relation(p: Pattern) -> Iterator[str]:
    wrong = p.wrong & p.known
    if not wrong.any() or not np.all(np.isfinite(p.got[wrong])):
        return
    got, expected, x = p.got[wrong], p.expected[wrong], p.x[wrong]
    for words, factor in (
        ("a factor of the argument is missing", x),
        ("a factor of the argument twice is missing", x**2),
    ):
        if np.any(np.abs(x) > 1e-9) and _same(got * factor, expected):
            yield words
    if np.any(np.abs(x) > 1e-9) and _same(got, expected * x):
        yield "a factor of the argument too many"
    if wrong.sum() > 1 and _same(got - expected, np.full(got.shape, np.mean(got - expected))):
        yield f"a constant {np.mean((got - expected).real):.6g} too much"


def _same(got: Any, wanted: Any) -> bool:
    size = np.max(np.abs(wanted), initial=0.0)
    return bool(size > 0 and np.all(np.abs(got - wanted) <= SAME * size))


def _near(value: float, wanted: float) -> bool:
    return abs(value - wanted) <= SAME * max(abs(wanted), 1.0)
