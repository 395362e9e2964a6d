"""What each awkward case gives: one test for each row of the table of semantics, and more.

The derivative at a point where there is none, or where the formula has no number, is a decision.
Each decision is written here as a number; the docs show the same table.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from extras import extra
from leaves import leaf
from oracles import EXACT, richardson, same
from sampling import directions
from together import together
from words import READ_ONLY, words

import tinygrad_bp as tg
from tinygrad_bp import optim
from tinygrad_bp.errors import DTypeError, GraphError, NonFiniteError, ShapeError, ViewError
from tinygrad_bp.nn.losses import bce_with_logits, binary_cross_entropy, cross_entropy

inf, nan = np.inf, np.nan


# Values and first derivatives


@dataclass(frozen=True)
class At:
    """A function at a point: its value, and its gradients against a cotangent of ones.

    `warns` is what NumPy says of the numbers that have no better answer; nothing else may warn.
    """

    f: Callable[..., Any]
    x: tuple[Any, ...]
    value: Any
    grads: tuple[Any, ...]
    warns: str = ""
    ct: Any = None


def at(f: Any, x: Any, value: Any, grad: Any, **other: Any) -> At:
    """Describe a function of one argument."""
    return At(f, (x,), value, (grad,), **other)


def at2(f: Any, x: Any, y: Any, value: Any, *grads: Any, **other: Any) -> At:
    """Describe a function of two arguments."""
    return At(f, (x, y), value, grads, **other)


LN2, LN3 = float(np.log(2.0)), float(np.log(3.0))
DIVISION = "divide by zero"
INVALID = "invalid value"
EMPTY = "Mean of empty slice|Degrees of freedom|invalid value"
NOTHING = np.zeros(0)
LARGE_SHARES = [0.5, 1.0, 0.5], [0.5, 0.0, 0.5]

TABLE: dict[str, list[At]] = {
    "ties are split evenly": [
        at(np.max, [1.0, 3.0, 3.0], 3.0, [0.0, 0.5, 0.5]),
        at(np.max, [[2.0, 2.0], [2.0, 2.0]], 2.0, [[0.25, 0.25], [0.25, 0.25]]),
        at(
            lambda x: np.max(x, axis=1),
            [[1.0, 1.0], [0.0, 2.0]],
            [1.0, 2.0],
            [[0.5, 0.5], [0.0, 1.0]],
        ),
        at(
            lambda x: np.max(x, axis=0, keepdims=True),
            [[1.0, 5.0], [1.0, 2.0]],
            [[1.0, 5.0]],
            [[0.5, 1.0], [0.5, 0.0]],
        ),
        at(np.amax, [4.0, 4.0], 4.0, [0.5, 0.5]),
        at(np.amin, [4.0, 4.0], 4.0, [0.5, 0.5]),
        at(np.min, [1.0, 3.0, 1.0, 1.0, 1.0], 1.0, [0.25, 0.0, 0.25, 0.25, 0.25]),
        at(np.maximum.reduce, [2.0, 2.0], 2.0, [0.5, 0.5]),
        at(np.max, [inf, inf], inf, [0.5, 0.5]),
        at(np.min, [inf, -inf, -inf], -inf, [0.0, 0.5, 0.5]),
        at2(np.maximum, [1.0, 2.0], [1.0, 1.0], [1.0, 2.0], [0.5, 1.0], [0.5, 0.0]),
        at2(np.minimum, [1.0, 2.0], [1.0, 1.0], [1.0, 1.0], [0.5, 0.0], [0.5, 1.0]),
        at2(np.fmax, [1.0, 2.0], [1.0, 1.0], [1.0, 2.0], [0.5, 1.0], [0.5, 0.0]),
        at2(np.fmin, [1.0, 2.0], [1.0, 1.0], [1.0, 1.0], [0.5, 0.0], [0.5, 1.0]),
        at2(np.maximum, inf, inf, inf, 0.5, 0.5),
        at(lambda x: np.maximum(x, x), [1.0, 2.0], [1.0, 2.0], [1.0, 1.0]),
    ],
    "ties of what is picked by its rank": [
        at(np.median, [1.0, 2.0, 2.0, 2.0, 3.0], 2.0, [0.0, *[1 / 3] * 3, 0.0]),
        at(np.median, [2.0, 2.0, 1.0, 3.0], 2.0, [0.5, 0.5, 0.0, 0.0]),
        at(np.nanmedian, [nan, 2.0, 2.0], 2.0, [0.0, 0.5, 0.5]),
        at(lambda x: np.quantile(x, 0.5), [1.0, 2.0, 2.0, 2.0, 3.0], 2.0, [0, *[1 / 3] * 3, 0]),
        at(lambda x: np.quantile(x, 1.0), [1.0, 3.0, 3.0], 3.0, [0.0, 0.5, 0.5]),
        at(lambda x: np.percentile(x, 75), [1.0, 1.0, 2.0], 1.5, [0.25, 0.25, 0.5]),
        at(
            lambda x: np.partition(x, 1),
            [1.0, 2.0, 1.0],
            [1.0, 1.0, 2.0],
            [2.0, 5.0, 2.0],
            ct=[1.0, 3.0, 5.0],
        ),
        at(
            lambda x: np.partition(x, 2, axis=0),
            np.zeros((3, 1)),
            np.zeros((3, 1)),
            np.ones((3, 1)),
        ),
    ],
    "max with NaN": [
        at(np.max, [1.0, nan, 3.0, nan], nan, [0.0, nan, 0.0, nan]),
        at(np.min, [nan, 1.0], nan, [nan, 0.0]),
        at(
            lambda x: np.max(x, axis=1),
            [[nan, 1.0], [3.0, 3.0]],
            [nan, 3.0],
            [[nan, 0.0], [0.5, 0.5]],
        ),
        at2(np.maximum, [nan, 1.0], [1.0, nan], [nan, nan], [nan, 0.0], [0.0, nan]),
        at2(np.minimum, [nan, 1.0], [1.0, nan], [nan, nan], [nan, 0.0], [0.0, nan]),
        at2(np.fmax, [nan, 1.0], [1.0, nan], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]),
        at2(np.fmin, [nan, 1.0], [1.0, nan], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]),
    ],
    "relu and maximum at 0": [
        at(tg.relu, [0.0, -0.0, 1.0, -1.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]),
        at(lambda x: x.relu(), 0.0, 0.0, 0.0),
        at(lambda x: np.maximum(x, 0), [0.0, 1.0], [0.0, 1.0], [0.5, 1.0]),
        at(lambda x: np.maximum(0.0, x), 0.0, 0.0, 0.5),
        at(lambda x: np.minimum(x, 0.0), 0.0, 0.0, 0.5),
    ],
    "abs and sign at 0": [
        at(np.abs, [0.0, -0.0, -2.0], [0.0, 0.0, 2.0], [0.0, 0.0, -1.0]),
        at(np.fabs, [0.0, -0.0, 2.0], [0.0, 0.0, 2.0], [0.0, 0.0, 1.0]),
        at(abs, 0.0, 0.0, 0.0),
        at(lambda x: x + np.sign(x), [0.0, 3.0, -3.0], [0.0, 4.0, -4.0], [1.0, 1.0, 1.0]),
        at(lambda x: x * np.sign(x), [0.0, 3.0, -3.0], [0.0, 3.0, 3.0], [0.0, 1.0, -1.0]),
    ],
    "sqrt at 0": [
        at(np.sqrt, 0.0, 0.0, inf, warns=DIVISION),
        at(np.sqrt, [0.0, 4.0], [0.0, 2.0], [inf, 0.25], warns=DIVISION),
        at(lambda x: x**0.5, [0.0, 4.0], [0.0, 2.0], [inf, 0.25], warns=DIVISION),
        at(np.cbrt, 0.0, 0.0, inf, warns=DIVISION),
        at(lambda x: np.sqrt(x * x), 0.0, 0.0, nan, warns=f"{DIVISION}|{INVALID}"),
    ],
    "norm of zeros, std of a constant, hypot and arctan2 of the origin": [
        at(np.std, [2.0, 2.0, 2.0], 0.0, [0.0, 0.0, 0.0]),
        at(
            lambda x: np.std(x, axis=1),
            [[2.0, 2.0], [1.0, 3.0]],
            [0.0, 1.0],
            [[0.0, 0.0], [-0.5, 0.5]],
        ),
        at(lambda x: np.std(x, keepdims=True), [[5.0]], [[0.0]], [[0.0]]),
        at(np.std, 3.0, 0.0, 0.0),
        at(np.std, [0.1, 0.1, 0.1], 0.0, [0.0, 0.0, 0.0]),  # their mean is not quite 0.1
        at(lambda x: np.std(x, axis=0), np.full((7, 1), 0.1), [0.0], np.zeros((7, 1))),
        at(np.std, [1e-200, 0.0], 0.0, [0.0, 0.0]),
        at(np.var, [2.0, 2.0], 0.0, [0.0, 0.0]),
        at2(np.hypot, [0.0, 3.0], [0.0, 4.0], [0.0, 5.0], [0.0, 0.6], [0.0, 0.8]),
        at2(np.arctan2, [0.0, 1.0], [0.0, 0.0], [0.0, np.pi / 2], [0.0, 0.0], [0.0, -1.0]),
        at2(np.arctan2, 0.0, 2.0, 0.0, 0.5, 0.0),
        at(np.linalg.norm, [0.0, 0.0], 0.0, [0.0, 0.0]),
        at(np.linalg.norm, [[0.0, 0.0]], 0.0, [[0.0, 0.0]]),
        at(
            lambda x: np.linalg.norm(x, axis=1),
            [[0.0, 0.0], [3.0, 4.0]],
            [0.0, 5.0],
            [[0.0, 0.0], [0.6, 0.8]],
        ),
        at(lambda x: np.linalg.norm(x, 3), [0.0, 0.0], 0.0, [0.0, 0.0]),
    ],
    "clip at an edge": [
        at(
            lambda x: np.clip(x, -1.0, 1.0),
            [-1.0, 1.0, 0.5, 2.0, -2.0],
            [-1.0, 1.0, 0.5, 1.0, -1.0],
            [1.0, 1.0, 1.0, 0.0, 0.0],
        ),
        at(lambda x: x.clip(0.0), [0.0, -1.0], [0.0, 0.0], [1.0, 0.0]),
        at(lambda x: x.clip(max=0.0), [0.0, 1.0], [0.0, 0.0], [1.0, 0.0]),
        at(lambda x: np.clip(x, 1.0, 1.0), [1.0, 0.0, 2.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0]),
        at2(
            lambda x, low: np.clip(x, low, 9.0),
            [1.0, 0.0],
            [1.0, 1.0],
            [1.0, 1.0],
            [1.0, 0.0],
            [0.0, 1.0],
        ),
        at2(
            lambda x, high: np.clip(x, -9.0, high),
            [1.0, 2.0],
            [1.0, 1.0],
            [1.0, 1.0],
            [1.0, 0.0],
            [0.0, 1.0],
        ),
        at2(lambda x, high: np.clip(x, 5.0, high), 7.0, 3.0, 3.0, 0.0, 1.0),
        at(lambda x: np.clip(x, -1.0, 1.0), [inf, -inf], [1.0, -1.0], [0.0, 0.0]),
    ],
    "where, untaken branch not finite": [
        at2(
            lambda x, y: np.where([True, False], x, y),
            [1.0, inf],
            [nan, 5.0],
            [1.0, 5.0],
            [1.0, 0.0],
            [0.0, 1.0],
        ),
        at(
            lambda x: np.where(x > 0, np.log(x), 0.0),
            [0.0, 2.0],
            [0.0, LN2],
            [nan, 0.5],
            warns=f"{DIVISION}|{INVALID}",
        ),
        at(
            lambda x: np.where(x > 0, np.sqrt(x), 0.0),
            [0.0, 4.0],
            [0.0, 2.0],
            [nan, 0.25],
            warns=INVALID,
        ),
        at(
            lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0),
            [0.0, 2.0],
            [0.0, LN2],
            [0.0, 0.5],
        ),
    ],
    "powers with exponent 0": [
        at(lambda x: x**0.0, [0.0, 2.0], [1.0, 1.0], [0.0, 0.0]),
        at(lambda x: x**0, [0.0, -2.0], [1.0, 1.0], [0.0, 0.0]),
        at(lambda x: np.float_power(x, 0.0), 0.0, 1.0, 0.0),
        at2(np.power, 0.0, 0.0, 1.0, 0.0, 0.0),
        at2(np.power, [0.0, 0.0, 3.0], [0.0, 2.0, 0.0], [1.0, 0.0, 1.0], [0.0] * 3, [0, 0, LN3]),
        at2(np.float_power, 0.0, 0.0, 1.0, 0.0, 0.0),
        at(lambda x: np.power(x, np.zeros(3)), [0.0, 1e-310, 3.0], [1.0] * 3, [0.0] * 3),
        at(lambda x: np.power(x, np.zeros(2, np.uint8)), [0.0, 3.0], [1.0] * 2, [0.0] * 2),
        at(lambda x: x**1, [0.0, 3.0], [0.0, 3.0], [1.0, 1.0]),
        at(lambda x: x**2, [0.0, -3.0], [0.0, 9.0], [0.0, -6.0]),
        at(lambda y: 0.0**y, [0.0, 2.0], [1.0, 0.0], [0.0, 0.0]),
    ],
    "negative ** integer": [
        at(lambda x: x**3, -2.0, -8.0, 12.0),
        at(lambda x: x**-1, [-2.0, -4.0], [-0.5, -0.25], [-0.25, -0.0625]),
        at(lambda x: np.power(x, [2.0, 3.0]), [-2.0, -2.0], [4.0, -8.0], [-4.0, 12.0]),
        at(lambda y: (-2.0) ** y, [2.0, 3.0], [4.0, -8.0], [nan, nan], warns=INVALID),
        at2(np.power, -2.0, 3.0, -8.0, 12.0, nan, warns=INVALID),
    ],
    "prod with zeros": [
        at(np.prod, [0.0, 2.0, 3.0], 0.0, [6.0, 0.0, 0.0]),
        at(np.prod, [0.0, 0.0, 3.0], 0.0, [0.0, 0.0, 0.0]),
        at(np.prod, [-2.0, 0.5, 4.0], -4.0, [2.0, -8.0, -1.0]),
        at(
            lambda x: np.prod(x, axis=1),
            [[0.0, 5.0], [2.0, 3.0]],
            [0.0, 6.0],
            [[5.0, 0.0], [3.0, 2.0]],
        ),
        at(
            lambda x: np.prod(x, axis=(0, 1)),
            [[0.0, 5.0], [2.0, 3.0]],
            0.0,
            [[30.0, 0.0], [0.0, 0.0]],
        ),
        at(np.multiply.reduce, [0.0, 7.0], 0.0, [7.0, 0.0]),
        at(np.prod, 5.0, 5.0, 1.0),
    ],
    "nothing to reduce": [
        at(np.sum, NOTHING, 0.0, NOTHING),
        at(np.prod, NOTHING, 1.0, NOTHING),
        at(np.mean, NOTHING, nan, NOTHING, warns=EMPTY),
        at(np.var, NOTHING, nan, NOTHING, warns=EMPTY),
        at(np.std, NOTHING, nan, NOTHING, warns=EMPTY),
        at(tg.logsumexp, NOTHING, -inf, NOTHING),
        at(np.logaddexp.reduce, NOTHING, -inf, NOTHING),
        at(np.cumsum, NOTHING, NOTHING, NOTHING),
        at(tg.log_softmax, np.zeros((2, 0)), np.zeros((2, 0)), np.zeros((2, 0))),
        at(lambda x: np.sum(x, axis=1), np.zeros((2, 0)), [0.0, 0.0], np.zeros((2, 0))),
        at(lambda x: np.max(x, axis=1), np.zeros((0, 3)), NOTHING, np.zeros((0, 3))),
        at(lambda x: np.mean(x, axis=1), np.zeros((0, 3)), NOTHING, np.zeros((0, 3))),
        at(
            lambda x: np.mean(x, axis=0), np.zeros((0, 2)), [nan] * 2, np.zeros((0, 2)), warns=EMPTY
        ),
        at2(np.add, NOTHING, [1.0], NOTHING, NOTHING, [0.0]),
        at2(np.multiply, np.zeros((0, 2)), [1.0, 2.0], np.zeros((0, 2)), np.zeros((0, 2)), [0, 0]),
        at2(
            np.matmul,
            np.zeros((2, 0)),
            np.zeros((0, 1)),
            [[0.0], [0.0]],
            np.zeros((2, 0)),
            np.zeros((0, 1)),
        ),
        at(lambda x: x[x > 9], [1.0, 2.0], NOTHING, [0.0, 0.0]),
    ],
    "one axis of no axis": [
        at(lambda x: np.sum(x, axis=0), 3.0, 3.0, 1.0),
        at(lambda x: np.max(x, axis=-1), 3.0, 3.0, 1.0),
        at(lambda x: np.prod(x, axis=0), 3.0, 3.0, 1.0),
        at(lambda x: np.cumsum(x, axis=0), 3.0, [3.0], 1.0),
    ],
    "more degrees of freedom than elements": [
        at(lambda x: np.var(x, ddof=1), [1.0], nan, [nan], warns=f"{EMPTY}|{DIVISION}"),
    ],
    "the same tensor twice": [
        at(lambda x: x * x, [3.0, -2.0], [9.0, 4.0], [6.0, -4.0]),
        at(lambda x: x + x, 3.0, 6.0, 2.0),
        at(lambda x: x - x, 3.0, 0.0, 0.0),
        at(lambda x: x[[0, 0, 1]], [3.0, 5.0], [3.0, 3.0, 5.0], [2.0, 1.0]),
        at(lambda x: np.take(x, [1, 1, 1]), [3.0, 5.0], [5.0, 5.0, 5.0], [0.0, 3.0]),
        at(lambda x: np.concatenate([x, x, x]), [3.0], [3.0, 3.0, 3.0], [3.0]),
        at(lambda x: x @ x, [3.0, 1.0], 10.0, [6.0, 2.0]),
        at(lambda x: np.where([True, False], x, x), [3.0, 1.0], [3.0, 1.0], [1.0, 1.0]),
        at(lambda x: np.einsum("i,i,i", x, x, x), [2.0], 8.0, [12.0]),
    ],
    "sigmoid far out": [
        at(tg.sigmoid, [1000.0, -1000.0, 0.0], [1.0, 0.0, 0.5], [0.0, 0.0, 0.25]),
        at(tg.sigmoid, 1000.0, 1.0, 0.0),
        at(tg.sigmoid, -1000.0, 0.0, 0.0),
        at(tg.sigmoid, [inf, -inf], [1.0, 0.0], [0.0, 0.0]),
        at(np.tanh, [1000.0, -1000.0], [1.0, -1.0], [0.0, 0.0]),
        at(tg.softplus, [1000.0, -1000.0], [1000.0, 0.0], [1.0, 0.0]),
        at(tg.silu, [1000.0, -1000.0], [1000.0, 0.0], [1.0, 0.0]),
        at(tg.gelu, [1000.0, -1000.0], [1000.0, 0.0], [1.0, 0.0]),
        at(
            tg.sigmoid,
            np.repeat([1000.0, -1000.0], 5000),  # above the size that takes another road
            np.repeat([1.0, 0.0], 5000),
            np.zeros(10_000),
        ),
    ],
    "binary cross entropy of logits": [
        at(
            lambda z: bce_with_logits(z, np.array([0, 1]).astype(z.dtype), "sum"),
            [0.0, 0.0],
            2 * LN2,
            [0.5, -0.5],
        ),
        at(
            lambda z: bce_with_logits(z, np.array([0, 1, 1, 0]).astype(z.dtype), "none"),
            [1000.0, -1000.0, 1000.0, -1000.0],
            [1000.0, 1000.0, 0.0, 0.0],
            [1.0, -1.0, 0.0, 0.0],
        ),
        at(
            lambda z: bce_with_logits(z, np.array([0, 1]).astype(z.dtype)),
            [1000.0, -1000.0],
            1000.0,
            [0.5, -0.5],
        ),
        at(lambda z: bce_with_logits(z, 1.0), 0.0, LN2, -0.5),
    ],
    "log_softmax and logaddexp with -inf": [
        at(
            tg.log_softmax,
            [-inf, 0.0, 0.0],
            [-inf, -LN2, -LN2],
            [0.0, 0.0, 0.0],
        ),
        at(
            tg.log_softmax,
            [-inf, 0.0, 0.0],
            [-inf, -LN2, -LN2],
            [0.0, 1.0, -1.0],
            ct=[7.0, 2.0, 0.0],
        ),
        at(
            lambda x: tg.log_softmax(x)[1],
            [-inf, 0.0, 0.0],
            -LN2,
            [0.0, 0.5, -0.5],
        ),
        at(
            tg.softmax,
            [-inf, 0.0, 0.0],
            [0.0, 0.5, 0.5],
            [0.0, 0.25, -0.25],
            ct=[1.0, 1.0, 0.0],
        ),
        at(
            lambda z: cross_entropy(z, np.array([1])),
            [[-inf, 0.0, 0.0]],
            LN2,
            [[0.0, -0.5, 0.5]],
        ),
        at2(np.logaddexp, -inf, -inf, -inf, 0.0, 0.0),
        at2(np.logaddexp2, -inf, -inf, -inf, 0.0, 0.0),
        at2(np.logaddexp, [-inf, 0.0], [0.0, 0.0], [0.0, LN2], [0.0, 0.5], [1.0, 0.5]),
        at(
            lambda x: tg.logsumexp(x, axis=1),
            [[-inf, -inf], [-inf, 0.0]],
            [-inf, 0.0],
            [[0.0, 0.0], [0.0, 1.0]],
        ),
        at(tg.logsumexp, [1000.0, 1000.0], 1000.0 + LN2, [0.5, 0.5]),
        at(np.logaddexp.reduce, [-inf, -inf], -inf, [0.0, 0.0]),
    ],
    "logarithms of sums of large terms": [
        at(tg.logsumexp, [inf, 0.0], inf, [1.0, 0.0]),
        at(tg.logsumexp, [inf, inf, 0.0], inf, [0.5, 0.5, 0.0]),
        at(tg.logsumexp, [1e30, 1e30], 1e30, [0.5, 0.5]),
        at2(np.logaddexp, [inf, inf, 1e30], [inf, 0.0, 1e30], [inf, inf, 1e30], *LARGE_SHARES),
        at2(np.logaddexp2, [inf, inf, 1e30], [inf, 0.0, 1e30], [inf, inf, 1e30], *LARGE_SHARES),
        at(tg.log_softmax, [inf, 0.0], [0.0, -inf], [0.0, 0.0]),
        at(tg.softmax, [inf, 0.0], [1.0, 0.0], [0.0, 0.0], ct=[1.0, 2.0]),
        at(lambda z: cross_entropy(z, np.array([0])), [[inf, 0.0]], 0.0, [[0.0, 0.0]]),
    ],
}


CASES = [
    pytest.param(one, id=f"{row} {i}".replace(" ", "-"))
    for row, found in TABLE.items()
    for i, one in enumerate(found)
]


@contextmanager
def warned(pattern: str) -> Iterator[None]:
    """Check that what is warned of in the block matches `pattern`, and nothing if that is empty."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield
    messages = [str(one.message) for one in seen]
    assert bool(messages) == bool(pattern), messages
    assert all(re.search(pattern, one) for one in messages), messages


def close(got: Any, wanted: Any, dtype: Any) -> None:
    tolerance = EXACT[np.dtype(dtype).char]
    assert got.shape == np.shape(wanted)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=tolerance, atol=tolerance)


@together
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("one", CASES)
def test_value_and_gradient(one: At, dtype: Any) -> None:
    """Also that the recorded walk gives the same, and that a gradient has its leaf's dtype."""
    leaves = [leaf(np.asarray(x, dtype)) for x in one.x]
    with warned(one.warns):
        value = one.f(*leaves)
        ct = np.ones(value.shape) if one.ct is None else np.asarray(one.ct)
        grads = tg.gradients(value, leaves, ct)
        recorded = tg.gradients(value, leaves, ct, create_graph=True)
        value.backward(ct)
    close(value, one.value, dtype)
    for found in (grads, [grad.detach() for grad in recorded], [x.grad for x in leaves]):
        for grad, wanted in zip(found, one.grads, strict=True):
            assert grad.dtype == dtype
            close(grad, wanted, dtype)


@together
@pytest.mark.parametrize("one", CASES)
def test_gradient_in_one_argument_alone(one: At) -> None:
    """Other residuals are kept then, and the other derivative is not computed."""
    for i, wanted in enumerate(one.grads):
        args: list[Any] = [np.asarray(x, float) for x in one.x]
        args[i] = x = leaf(args[i])
        with warnings.catch_warnings():
            if one.warns:
                warnings.simplefilter("ignore")
            value = one.f(*args)
            (grad,) = tg.gradients(
                value, [x], np.ones(value.shape) if one.ct is None else np.asarray(one.ct)
            )
        close(grad, wanted, float)


def all_finite(one: At) -> bool:
    return not one.warns and all(np.all(np.isfinite(part)) for part in (*one.x, *one.grads))


@together
@pytest.mark.parametrize("one", [one for one in CASES if all_finite(one.values[0])])
def test_second_derivative_is_finite_where_all_else_is(one: At) -> None:
    """What is hidden behind a convention in the first order must not come out in the second."""
    leaves = [leaf(np.asarray(x, float)) for x in one.x]
    value = one.f(*leaves)
    grads = tg.gradients(value, leaves, np.ones(value.shape), create_graph=True)
    total = sum((np.sum(grad * grad) for grad in grads), tg.tensor(0.0))
    if total.requires_grad:
        assert all(np.all(np.isfinite(one.numpy())) for one in tg.gradients(total, leaves))


def test_a_derivative_in_the_exponent_is_computed_only_if_asked_for() -> None:
    """Warnings are errors here: the logarithm of a negative base would warn."""
    x = leaf([-2.0, -3.0])
    np.sum(x ** np.array([2.0, 3.0])).backward()
    assert x.grad.tolist() == [-4.0, 27.0]


def test_max_of_nothing_is_numpys_error() -> None:
    for function in (np.max, np.min, np.amax):
        with pytest.raises(ValueError, match=words(function, NOTHING)):
            function(leaf(NOTHING))
    with pytest.raises(ValueError, match=words(lambda: np.max(np.zeros((0, 3)), axis=0))):
        np.max(leaf(np.zeros((0, 3))), axis=0)


def test_prod_with_zeros_in_the_second_order() -> None:
    """The Hessian of x y z at (0, 0, 3): the other factor in each place."""
    x = leaf([0.0, 0.0, 3.0])
    grad = tg.gradients(np.prod(x), x, create_graph=True)
    rows = [tg.gradients(grad[i], x).tolist() for i in range(3)]
    assert rows == [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 100, 1001])
def test_prod_of_many_is_the_product_of_the_others(n: int) -> None:
    x = np.random.default_rng(n).uniform(0.5, 1.5, n)
    same(tg.grad(np.prod)(x), np.prod(x) / x)
    x[n // 2] = 0.0
    wanted = np.zeros(n)
    wanted[n // 2] = np.prod(np.delete(x, n // 2))
    same(tg.grad(np.prod)(x), wanted)


def test_argsort_of_ties_is_the_stable_permutation() -> None:
    ties = np.repeat([1.0, 0.0], 500)  # so many that the default of NumPy is not stable
    wanted = [*range(500, 1000), *range(500)]
    for x in (leaf(ties), tg.tensor(ties)):
        assert np.argsort(x).tolist() == x.argsort().tolist() == wanted
    assert np.argsort(leaf(ties.reshape(2, 500)), axis=0)[:, 3].tolist() == [1, 0]


def test_sort_of_ties_is_the_stable_permutation() -> None:
    x = leaf(np.repeat([1.0, 0.0], 500))
    np.sort(x).backward(np.arange(1000.0))
    assert x.grad.tolist() == [*range(500, 1000), *range(500)]


def test_xlogy_of_zeros() -> None:
    special = extra("scipy.special")
    x = leaf([0.0, 0.0, 2.0])
    np.sum(special.xlogy(x, [0.0, 2.0, 3.0])).backward()
    assert x.grad.tolist() == [0.0, LN2, LN3]


def test_the_debug_mode_names_what_an_untaken_branch_made() -> None:
    x = leaf([0.0, 4.0])
    loss = np.sum(np.where([False, True], np.sqrt(x), 0.0))
    with tg.debug(), pytest.raises(NonFiniteError, match="sqrt made NaN"):
        loss.backward()


# Beyond the range in which the textbook's formula works


@pytest.mark.parametrize(
    ("f", "x", "wanted"),
    [
        (lambda x: np.arctan2(x, 1e300), 1e300, 0.5e-300),
        (lambda x: np.arctan2(x, 1e-300), 1e-300, 0.5e300),
        (np.arcsinh, 1e200, 1e-200),
        (np.arccosh, 1e200, 1e-200),
        (lambda x: np.hypot(x, 1e300), 1e300, 0.5**0.5),
        (np.arcsin, 1 - 2.0**-50, 2.0**24.5 / (1 - 2.0**-51) ** 0.5),
        (np.arctanh, 1 - 2.0**-50, 2.0**49 / (1 - 2.0**-51)),
        (np.log1p, 1e-300, 1.0),
        (np.expm1, 1e-300, 1.0),
        (np.reciprocal, 1e150, -1e-300),
    ],
)
def test_derivatives_of_large_small_and_edge_arguments(f: Any, x: float, wanted: float) -> None:
    assert tg.grad(f)(x) == pytest.approx(wanted, rel=1e-15)


# Dtypes


@pytest.mark.parametrize("dtype", [int, np.int8, np.uint64, bool])
def test_integers_cannot_require_gradients(dtype: Any) -> None:
    with pytest.raises(DTypeError, match=np.dtype(dtype).name):
        tg.tensor(np.ones(3, dtype), requires_grad=True)
    with pytest.raises(DTypeError):
        tg.grad(np.sum)(np.ones(3, dtype))


def network(dtype: Any) -> tg.nn.Sequential:
    return tg.nn.Sequential(
        tg.nn.Linear(2, 5, rng=0, dtype=dtype),
        tg.nn.Sigmoid(),
        tg.nn.Linear(5, 5, rng=1, dtype=dtype),
        tg.nn.Tanh(),
        tg.nn.Linear(5, 1, rng=2, dtype=dtype),
    )


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda params: optim.SGD(params, 0.1),
    "Nesterov": lambda params: optim.SGD(
        params, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01
    ),
    "Adam": lambda params: optim.Adam(params, 0.01),
    "AdamW": lambda params: optim.AdamW(params, 0.01),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_step_keeps_the_dtype(name: str, dtype: Any) -> None:
    """Every value and every gradient of the graph, not of the leaves alone."""
    net = network(dtype)
    stepper = OPTIMIZERS[name](net.parameters())
    X = np.random.default_rng(3).normal(size=(8, 2)).astype(dtype)
    y = (X[:, :1] > 0).astype(dtype)
    for _ in range(2):
        loss = bce_with_logits(net(X), y) + 0.001 * sum(np.sum(w * w) for w in net.parameters())
        nodes = [loss.node]
        for node in nodes:
            nodes += [p for p in node.parents if p is not None]
        assert {node.dtype for node in nodes} == {np.dtype(dtype)}
        stepper.zero_grad()
        loss.backward()
        assert {w.grad.dtype for w in net.parameters()} == {np.dtype(dtype)}
        stepper.step()
        assert {w.dtype for w in net.parameters()} == {np.dtype(dtype)}


def test_gradients_take_the_dtype_of_their_leaf_among_others() -> None:
    half, single, double = (leaf(np.ones(2, kind)) for kind in "efd")
    np.sum(half * single * double + np.arange(2)).backward()
    assert [x.grad.dtype.char for x in (half, single, double)] == ["e", "f", "d"]
    whole = leaf(np.ones(2, np.float32))
    np.sum(whole * np.arange(2) * 1j).real.backward()
    assert whole.grad.dtype == np.float32


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: bce_with_logits(z, np.zeros_like(z.detach().numpy())),
        lambda z: binary_cross_entropy(z, np.full(z.shape, 0.5, np.float16)),
        lambda z: tg.nn.mse(z, np.zeros(z.shape, np.float16)),
        lambda z: cross_entropy(np.stack([z, z * 0], axis=1), np.zeros(z.shape, int)),
    ],
    ids=["bce_with_logits", "binary_cross_entropy", "mse", "cross_entropy"],
)
def test_float16_losses_accumulate_in_float32(loss: Any) -> None:
    """A running float16 sum of so many terms would stop growing at 2048."""
    n = 20_000
    z = np.full(n, 0.5, np.float16)
    value, wide = loss(leaf(z)), loss(leaf(z[:2].astype(np.float64).repeat(2)))
    assert value.dtype == np.float16
    assert value.item() == pytest.approx(wide.item(), rel=EXACT["e"] / 10)
    grad = tg.grad(loss)(z)
    assert grad.dtype == np.float16
    exact = tg.grad(loss)(np.full(4, 0.5))[0] * 4 / n
    np.testing.assert_allclose(grad, np.full(n, exact), rtol=EXACT["e"], atol=1e-7)


def test_a_float16_mean_of_more_elements_than_its_range() -> None:
    """1/70000 is a float16, 70000 is not; the ties of a maximum are counted the same way."""
    x = np.ones(70_000, np.float16)
    for f in (np.mean, np.max, np.min):
        np.testing.assert_allclose(tg.grad(f)(x), 1 / 70_000, rtol=EXACT["e"])


# Complex numbers: the gradient of a real function of z = x + iy is df/dx - i df/dy

Z = np.array([3.0 + 4.0j, -1.0 + 0.5j])
W = np.array([0.5 - 1.0j, 2.0 + 1.0j])
REAL_FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "real(z)": (lambda z: np.sum(np.real(z)), np.ones(2)),
    "imag(z)": (lambda z: np.sum(np.imag(z)), np.full(2, -1j)),
    "z.real * z.imag": (lambda z: np.sum(z.real * z.imag), Z.imag - 1j * Z.real),
    "abs(z)": (lambda z: np.sum(np.abs(z)), Z.conj() / abs(Z)),
    "abs(z)**2": (lambda z: np.sum(np.abs(z) ** 2), 2 * Z.conj()),
    "real(z conj(z))": (lambda z: np.real(np.sum(z * np.conj(z))), 2 * Z.conj()),
    "real(vdot(z, z))": (lambda z: np.real(np.vdot(z, z)), 2 * Z.conj()),
    "real(z*z)": (lambda z: np.real(np.sum(z * z)), 2 * Z),
    "imag(z*z)": (lambda z: np.imag(np.sum(z * z)), -2j * Z),
    "real(exp(z))": (lambda z: np.real(np.sum(np.exp(z))), np.exp(Z)),
    "real(w @ z)": (lambda z: np.real(W @ z), W),
    "real(conj(z) w)": (lambda z: np.real(np.sum(np.conj(z) * W)), W.conj()),
    "real(1/z)": (lambda z: np.real(np.sum(1 / z)), -1 / Z**2),
    "real(z**3)": (lambda z: np.real(np.sum(z**3)), 3 * Z**2),
    "var(z)": (np.var, (Z - Z.mean()).conj()),
    "std(z)": (np.std, (Z - Z.mean()).conj() / 2 / np.std(Z)),
}


@pytest.mark.parametrize("name", REAL_FUNCTIONS)
def test_real_function_of_complex_numbers(name: str) -> None:
    f, wanted = REAL_FUNCTIONS[name]
    grad = tg.grad(f)(Z)
    assert grad.dtype == np.complex128
    np.testing.assert_allclose(grad, wanted, rtol=1e-13)
    a, b = directions([Z.real, Z.imag])
    slope = richardson(lambda x, y: f(x + 1j * y), [Z.real, Z.imag], [a, b])
    assert np.sum(grad.real * a - grad.imag * b) == pytest.approx(slope.value, abs=1e-10)
    assert np.real(np.sum(grad * (a + 1j * b))) == pytest.approx(slope.value, abs=1e-10)


def test_abs_of_complex_zero() -> None:
    assert tg.grad(lambda z: np.abs(z))(0j) == 0


@pytest.mark.parametrize("zero", [0j, complex(-0.0, 0.0), complex(0.0, -0.0)])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_logarithms_of_every_base_are_alike_at_complex_zero(zero: complex, order: int) -> None:
    found = []
    for f in (np.log, np.log2, np.log10):
        for _ in range(order):
            f = partial(lambda f, z: tg.vjp(f, z)[1](np.complex128(1))[0], f)
        with np.errstate(all="ignore"):
            found.append(f(zero))
    assert np.isinf(found[0].real) or order > 1
    np.testing.assert_equal([one.real for one in found], [found[0].real] * 3)
    np.testing.assert_equal([one.imag for one in found], [found[0].imag] * 3)


def test_a_real_leaf_gets_a_real_gradient() -> None:
    r = leaf([2.0, -1.0])
    np.sum(np.abs(r * Z) ** 2).backward()
    same(r.grad.numpy(), 2 * r.numpy() * abs(Z) ** 2)
    assert tg.grad(lambda r: np.imag(np.exp(1j * r)))(0.5) == pytest.approx(np.cos(0.5))
    assert tg.grad(lambda r: np.imag(r * r))(0.5) == 0.0


REAL_THROUGH_COMPLEX: dict[str, Callable[[Any], Any]] = {
    "abs": lambda x: np.sum(np.abs(x + W) ** 3),
    "abs of a product": lambda x: np.sum(np.sin(np.abs(x * W + 1j))),
    "real": lambda x: np.sum(np.sin(np.real(np.exp(x * W)))),
    "imag": lambda x: np.sum(np.exp(np.imag(np.sin(x * W)))),
    "imag of real": lambda x: np.sum(x**3 + (2.0 + np.imag(x)) ** 3),
    "conj": lambda x: np.sum(np.abs(np.conj(x * W) * (x + 1j))),
    "var": lambda x: np.sin(np.var(x * x * W)),
    "std": lambda x: np.exp(np.std(x * x * W)),
    "cast": lambda x: np.sum(np.abs(x.astype(complex) * x + W)),
    "twice": lambda x: np.sum(np.abs(np.sin(np.abs(x + W)) * W + x * 1j) ** 3),
}


@pytest.mark.parametrize("name", REAL_THROUGH_COMPLEX)
def test_second_derivative_of_a_real_variable_through_complex_numbers(name: str) -> None:
    """Imaginary parts that come down to real values may not come back squared, as real parts."""
    f, x = REAL_THROUGH_COMPLEX[name], np.array([0.4, -0.9])
    d, e = directions([x, x])
    slope = richardson(f, [x], [d])
    assert np.sum(tg.grad(f)(x) * d) == pytest.approx(slope.value, abs=1e-10)

    def first(x: Any) -> Any:
        return np.sum(tg.grad(f)(x) * e)

    slope = richardson(first, [x], [d])
    assert np.sum(tg.grad(first)(x) * d) == pytest.approx(slope.value, abs=1e-9)


# The walk


def test_two_backward_calls_add() -> None:
    x = leaf()
    loss = np.sum(x * x)
    loss.backward()
    loss.backward()
    assert x.grad.tolist() == [4.0, 8.0, 12.0]
    np.sum(x).backward()
    assert x.grad.tolist() == [5.0, 9.0, 13.0]


@pytest.mark.parametrize("ct", [None, np.ones(2), np.ones((3, 1)), 1.0])
def test_a_non_scalar_needs_a_cotangent_of_its_shape(ct: Any) -> None:
    with pytest.raises(GraphError, match=r"cotangent.*\(3,\)|\(3,\).*cotangent"):
        (leaf() * 2).backward(ct)


def test_a_leaf_not_reached() -> None:
    x, other = leaf(), leaf()
    np.sum(x).backward()
    assert other.grad is None
    assert tg.grad(lambda a, b: np.sum(a), 1)(np.ones(2), np.ones(3)).tolist() == [0.0] * 3


# Losses


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_binary_cross_entropy_of_certain_probabilities(dtype: Any, reduction: str) -> None:
    """Finite where the label agrees; a gradient that corrects where it disagrees."""
    p, y = np.array([0, 1, 0, 1], dtype), np.array([0, 1, 1, 0], dtype)
    value = binary_cross_entropy(p, y, reduction="none")
    assert value[:2].tolist() == [0.0, 0.0]
    assert np.all(np.isfinite(value))
    assert np.all(value[2:] > 80)
    _, pull = tg.vjp(lambda p: binary_cross_entropy(p, y, reduction=reduction), p)
    (grad,) = pull(np.ones(4 if reduction == "none" else (), dtype))
    assert np.all(np.isfinite(grad))
    assert grad[2] < -1e30
    assert grad[3] > 1e30


@pytest.mark.parametrize(
    "loss",
    [
        bce_with_logits,
        binary_cross_entropy,
        tg.nn.mse,
        lambda z, y: cross_entropy(z, y.astype(int).reshape(3, 1)),
    ],
    ids=["bce_with_logits", "binary_cross_entropy", "mse", "cross_entropy"],
)
def test_losses_refuse_shapes_that_would_broadcast(loss: Any) -> None:
    with pytest.raises(ShapeError, match=r"\(3, 1\).*\(3, ?1?\)"):
        loss(leaf(np.full((3, 1), 0.5)), np.ones(3))


# Mutation


def program(x: Any, a: Any, index: Any, mask: Any, labels: Any) -> Any:
    """Return a loss of `x` in which each other array is read by a rule's pull."""
    y = np.exp(x * a) + a @ np.outer(x, x)
    y = np.where(mask, y * a, np.sin(y))
    y = y[index] * np.concatenate([x[mask], a])[: len(index)]
    picked = cross_entropy(np.reshape(y, (2, 2)), labels)
    return picked + np.sum(np.maximum(x, a)) + np.sum(np.einsum("i,i->i", x, a))


def arrays() -> dict[str, Any]:
    return {
        "x": np.array([0.3, -0.7, 1.1]),
        "a": np.array([0.5, 0.4, -0.2]),
        "index": np.array([0, 2, 2, 1]),
        "mask": np.array([True, False, True]),
        "labels": np.array([1, 0]),
    }


def changed(array: Any) -> None:
    kind = array.dtype.kind
    array[...] = ~array if kind == "b" else (array + 1) % 2 if kind == "i" else 1 - 3 * array


@pytest.mark.parametrize("how", ["itself", "base", "view"])
@pytest.mark.parametrize("name", arrays())
def test_mutation_of_a_users_array_does_not_reach_the_gradient(name: str, how: str) -> None:
    plain = arrays()
    source = leaf(plain["x"])
    program(**plain | {"x": source}).backward()
    wanted = source.grad.tolist()

    mine = arrays()
    base = np.repeat(mine[name], 2)
    if how == "base":  # the program sees every second element of it
        mine[name] = base[::2]
    target = {"itself": mine[name], "base": base, "view": mine[name][:]}[how]
    x = leaf(mine["x"])
    loss = program(**mine | {"x": x})
    value = loss.item()
    changed(target)
    assert not np.array_equal(mine[name], plain[name])
    loss.backward()
    assert loss.item() == value
    assert x.grad.tolist() == wanted


def test_mutation_of_tensors_rebinds() -> None:
    x = leaf()
    y = x * 2
    z = np.sum(y * y)
    y[0] = 100.0
    y += 1.0
    z.backward()
    assert x.grad.tolist() == [8.0, 16.0, 24.0]
    assert y.tolist() == [101.0, 5.0, 7.0]
    x.zero_grad()
    np.sum(y).backward()
    assert x.grad.tolist() == [0.0, 2.0, 2.0]


def test_a_write_into_a_row_is_refused() -> None:
    y = leaf(np.ones((2, 2))) * 2
    with pytest.raises(ViewError, match=r"y\[0, 0\] = v"):
        y[0][0] = 7.0
    y[0, 0] = 7.0
    assert y.tolist() == [[7.0, 2.0], [2.0, 2.0]]


def test_views_of_values_are_read_only() -> None:
    x = leaf()
    y = x * 2
    for view in (x.numpy(), y.numpy(), x[:2].numpy(), x.T.numpy()):
        with pytest.raises(ValueError, match=READ_ONLY):
            view[0] = 1.0


def test_a_cotangent_and_a_gradient_are_the_users_to_change() -> None:
    x = np.array([1.0, 2.0])
    _, pull = tg.vjp(lambda x: x * x, x)
    ct = np.ones(2)
    (first,) = pull(ct)
    ct[...] = 7.0
    first[...] = 9.0
    assert pull(np.ones(2))[0].tolist() == [2.0, 4.0]
    t = leaf(x)
    ct[...] = 1.0
    (t + 0).backward(ct)
    ct[...] = 7.0
    assert t.grad.tolist() == [1.0, 1.0]


def test_the_mean_of_many_float16_losses_has_a_gradient() -> None:
    z = np.zeros(70_000, np.float16)
    slope = tg.grad(lambda z: tg.nn.bce_with_logits(z, np.zeros_like(z)))(z)
    assert slope.dtype == np.float16
    np.testing.assert_allclose(slope.astype(float), 0.5 / 70_000, rtol=0.01)
