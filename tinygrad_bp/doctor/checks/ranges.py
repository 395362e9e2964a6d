"""Outputs against labels: shapes that broadcast, labels out of reach, sums of classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.doctor.learning.outcome import classes_of

NAMES = {"double-sigmoid", "labels-not-01", "target-out-of-range", "relu-output"}  # of `reach`
SQUASHED = 0.4999, 0.7312  # what a sigmoid makes of what lies between 0 and 1

HALF, EDGE = 0.5, 0.01  # the least of what lies between a half and 1, and how near it comes


def meeting(output: Any, label: Any, line: int | None = None) -> list[Finding]:
    """Return what one output and its label show by themselves."""
    o, y = np.asarray(output, float), np.asarray(label, float)
    found = [*broadcast(o.shape, y.shape, line), *constant(y, line)]
    if o.shape == y.shape:
        found += sums(o, y, line)
    return found


def broadcast(o: tuple[int, ...], y: tuple[int, ...], line: int | None) -> Iterator[Finding]:
    """Report shapes that differ and still go together, into a larger one."""
    many, labels = int(np.prod(o)), int(np.prod(y))
    if many < 2 or labels < 2 or o == y:
        return
    try:
        shape = np.broadcast_shapes(o, y)
    except ValueError:
        return
    if np.prod(shape) > max(many, labels):
        text = f"the output has the shape {o}, the label {y}; their difference {shape}"
        yield Finding("label-broadcast", FAULT, text, line)


def constant(target: Any, line: int | None) -> Iterator[Finding]:
    """Report labels that are all the same."""
    if target.size > 1 and np.all(target == np.ravel(target)[0]):
        text = f"all {target.size} labels are {np.ravel(target)[0]:g}"
        yield Finding("constant-labels", FAULT, text, line)


def reach(flat: Any, target: Any, line: int | None) -> Iterator[Finding]:
    """Report labels that no weights reach.

    Parameters
    ----------
    flat : array
        Outputs under many weights, large ones among them.
    target : array
        All labels.
    """
    if flat.size < 20 or np.all(flat == flat[0]):
        return
    low, high = float(flat.min()), float(flat.max())
    least, most = float(target.min()), float(target.max())
    text = (
        f"under any weights the output lies between {low:.3g} and {high:.3g},"
        f" the labels between {least:.3g} and {most:.3g}"
    )
    if low >= SQUASHED[0] and high <= SQUASHED[1] and low < 0.56 and high > 0.65:
        yield Finding("double-sigmoid", FAULT, text, line)
    elif _is_upper_half(flat) and least < HALF:
        text += "; 1 / (1 + s) is so where s is a sigmoid already, in the place of exp"
        yield Finding("double-sigmoid", FAULT, text, line)
    elif low >= 0 and high <= 1 and (least < -1e-9 or most > 1 + 1e-9):
        two = len(np.unique(target)) == 2
        yield Finding("labels-not-01" if two else "target-out-of-range", FAULT, text, line)
    elif low >= -1 and high <= 1 and low < -0.5 and (least < -1 - 1e-9 or most > 1 + 1e-9):
        yield Finding("target-out-of-range", FAULT, text, line)
    elif low == 0 and high > 1 and 0.1 < np.mean(flat == 0) < 0.97:
        if least < 0:
            yield Finding("relu-output", FAULT, f"{text}; a relu never answers below 0", line)
        else:
            share = np.mean(flat == 0)
            text = f"{share:.0%} of the outputs are exactly 0, where a relu has no slope"
            yield Finding("relu-output", NOTE, text, line)


def _is_upper_half(flat: Any) -> bool:
    """Tell whether outputs fill what lies from 0.5 to 1; of a relu many are 0.5 exactly."""
    near = (flat > HALF) & (flat < HALF + EDGE)
    whole = flat.min() >= HALF and flat.max() <= 1 and flat.max() > 1 - EDGE
    return bool(whole and near.any() and np.sum(flat == HALF) < np.sum(near))


def labels(
    found: list[Finding], flat: Any, met: list[Any], ends: tuple[float, float], line: int | None
) -> list[Finding]:
    """Return the findings with what the labels of a whole epoch show: one batch may hold one class.

    Parameters
    ----------
    found : list of Finding
        So far.
    flat : array
        Outputs under many weights.
    met : list of array
        The labels of one epoch.
    ends : (float, float)
        The least and the largest of the run.
    """
    known = [one for one in found if one.name == "constant-labels"]
    made: list[Finding] = []
    if known and ends[0] != ends[1]:
        found = [one for one in found if one not in known]
    elif not known and ends[0] == ends[1]:
        text = f"all labels that an output meets are {ends[0]:g}"
        reused = any(one.name == "loop-variable-reused" for one in found)
        made.append(Finding("constant-labels", NOTE if reused else FAULT, text, line))
    elif not {one.name for one in found} & NAMES:
        made += reach(flat, np.concatenate([np.ravel(y) for y in met]), line)
    if len(met) > 1:
        made += in_blocks(np.concatenate([np.ravel(classes_of(y)) for y in met]))
    return [*found, *made]


def sums(o: Any, y: Any, line: int | None) -> Iterator[Finding]:
    """Check that the classes of one sample share a probability of 1."""
    if o.shape != y.shape or o.ndim != 2 or min(o.shape) < 2 or not np.all((y == 0) | (y == 1)):
        return
    axis = next((axis for axis in (1, 0) if np.all(y.sum(axis=axis) == 1)), None)
    if axis is None or np.any(o < 0):
        return
    right, across = (np.allclose(o.sum(axis=one), 1) for one in (axis, 1 - axis))
    if not right and (across or np.isclose(o.sum(), 1)):
        what = "each class's probabilities over the samples" if across else "all probabilities"
        found = o.sum(axis=axis)
        text = (
            f"{what} add up to 1; those of one sample to {found.min():.3g} up to {found.max():.3g}"
        )
        yield Finding("softmax-axis", FAULT, text, line)


def in_blocks(y: Any) -> list[Finding]:
    """Note labels that come class by class."""
    flat = np.ravel(y)
    kinds = np.unique(flat)
    changes = int(np.sum(flat[1:] != flat[:-1]))
    if flat.size < 20 or not 1 < len(kinds) <= 20 or changes != len(kinds) - 1:
        return []
    return [Finding("not-shuffled", NOTE, f"the {flat.size} labels come in {len(kinds)} blocks")]
