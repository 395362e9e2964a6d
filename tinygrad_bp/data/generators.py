"""Synthetic tables of two classes in the plane, balanced, shuffled and fixed by their seed."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.data.tables import Table
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import DataError

SAMPLE_LIMIT = 10_000_000  # 240 MB of float64: more is a slip of the keyboard
SPIRAL_START = 0.15  # inner radius; at 0 both arms would meet in one point

Points = NDArray[np.float64]


@answers
def xor(n: int, *, noise: float = 0.0, seed: int) -> Table:
    """Draw points uniformly from the square [-1, 1]², labelled by whether their signs differ.

    Parameters
    ----------
    n : int
        Number of samples; ``n // 2`` of them are of class 0.
    noise : float
        Standard deviation of a Gaussian added to both coordinates after labelling.
    seed : int

    Returns
    -------
    Table
        Label 1 where ``x1 * x2 < 0`` (before the noise); no point lies on an axis.

    Raises
    ------
    DataError
        If an argument is out of its range.
    """
    rng, first, second = _begin("xor", n, noise, seed)
    magnitude = 1.0 - rng.random((n, 2))  # in (0, 1]: never on an axis
    sign = rng.choice((-1.0, 1.0), size=n)
    turn = np.repeat((1.0, -1.0), (first, second))
    points = magnitude * np.stack((sign, sign * turn), axis=1)
    return _finish("xor", points[:first], points[first:], ("same", "different"), noise, rng)


@answers
def moons(n: int, *, noise: float = 0.2, seed: int) -> Table:
    """Draw two interleaved half circles of radius 1 at equally spaced angles.

    Parameters
    ----------
    n : int
        Number of samples; ``n // 2`` of them are of class 0.
    noise : float
        Standard deviation of a Gaussian added to both coordinates.
    seed : int

    Returns
    -------
    Table
        Label 0 is the upper arc about (0, 0), label 1 the lower arc about (1, 0.5), as in
        scikit-learn's ``make_moons``.

    Raises
    ------
    DataError
        If an argument is out of its range.
    """
    rng, first, second = _begin("moons", n, noise, seed)
    upper = _arc(np.linspace(0.0, math.pi, first))
    lower = (1.0, 0.5) - _arc(np.linspace(0.0, math.pi, second))
    return _finish("moons", upper, lower, ("upper", "lower"), noise, rng)


@answers
def circles(n: int, *, noise: float = 0.1, factor: float = 0.5, seed: int) -> Table:
    """Draw two concentric circles at equally spaced angles.

    Parameters
    ----------
    n : int
        Number of samples; ``n // 2`` of them are of class 0.
    noise : float
        Standard deviation of a Gaussian added to both coordinates.
    factor : float
        Radius of the inner circle, at least 0 and below 1; the outer one has radius 1.
    seed : int

    Returns
    -------
    Table
        Label 0 is the outer circle, label 1 the inner one, as in scikit-learn's ``make_circles``.

    Raises
    ------
    DataError
        If an argument is out of its range.
    """
    rng, first, second = _begin("circles", n, noise, seed)
    if not 0.0 <= factor < 1.0:
        raise DataError(f"circles: factor={factor!r}; expected at least 0 and below 1")
    outer = _arc(np.linspace(0.0, 2.0 * math.pi, first, endpoint=False))
    inner = factor * _arc(np.linspace(0.0, 2.0 * math.pi, second, endpoint=False))
    return _finish("circles", outer, inner, ("outer", "inner"), noise, rng)


@answers
def spiral(n: int, *, noise: float = 0.05, turns: float = 1.0, seed: int) -> Table:
    """Draw two Archimedean spirals, one the other turned by half a circle.

    Parameters
    ----------
    n : int
        Number of samples; ``n // 2`` of them are of class 0.
    noise : float
        Standard deviation of a Gaussian added to both coordinates.
    turns : float
        Revolutions that an arm would make between radius 0 and radius 1, above 0. Neighbouring arms
        are ``1 / (2 * turns)`` apart.
    seed : int

    Returns
    -------
    Table
        Labels 0 and 1 are the two arms, from radius 0.15 to radius 1.

    Raises
    ------
    DataError
        If an argument is out of its range.
    """
    rng, first, second = _begin("spiral", n, noise, seed)
    if not 0.0 < turns < math.inf:
        raise DataError(f"spiral: turns={turns!r}; expected a finite number above 0")
    arms = []
    for size, start in ((first, 0.0), (second, math.pi)):
        radius = np.linspace(SPIRAL_START, 1.0, size)
        arms.append(radius[:, np.newaxis] * _arc(2.0 * math.pi * turns * radius + start))
    return _finish("spiral", arms[0], arms[1], ("first", "second"), noise, rng)


GENERATORS: Mapping[str, Callable[..., Table]] = MappingProxyType(
    {"circles": circles, "moons": moons, "spiral": spiral, "xor": xor}
)


@answers
def generate(name: str, n: int, seed: int) -> Table:
    """Draw ``n`` samples from the generator called ``name``, with its default shape and noise.

    Parameters
    ----------
    name : str
        A key of `GENERATORS`.
    n : int
    seed : int

    Returns
    -------
    Table
        ``X`` float64 (n, 2), ``y`` float64 (n,).

    Raises
    ------
    DataError
        If there is no such generator, or an argument is out of its range.
    """
    if name not in GENERATORS:
        near = difflib.get_close_matches(str(name), GENERATORS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"no data generator {name!r}; expected {', '.join(GENERATORS)}{hint}")
    return GENERATORS[name](n, seed=seed)


def _begin(name: str, n: int, noise: float, seed: int) -> tuple[np.random.Generator, int, int]:
    """Check what all the generators share; give the random stream and the sizes of the classes."""
    _check_integer(name, "n", n, low=2, high=SAMPLE_LIMIT)
    _check_integer(name, "seed", seed, low=0, high=None)
    if not 0.0 <= noise < math.inf:
        raise DataError(f"{name}: noise={noise!r}; expected a finite standard deviation, 0 or more")
    return np.random.default_rng(seed), n // 2, n - n // 2


def _check_integer(name: str, argument: str, value: int, *, low: int, high: int | None) -> None:
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or number < low or (high is not None and number > high):
        limits = f"{low} or more" if high is None else f"from {low} to {high}"
        raise DataError(f"{name}: {argument}={value!r}; expected an integer, {limits}")


def _arc(angle: Points) -> Points:
    return np.stack((np.cos(angle), np.sin(angle)), axis=1)


def _finish(
    name: str,
    zeros: Points,
    ones: Points,
    class_names: tuple[str, str],
    noise: float,
    rng: np.random.Generator,
) -> Table:
    """Label the points of the two classes, shuffle them and add the noise."""
    order = rng.permutation(len(zeros) + len(ones))
    X = np.concatenate((zeros, ones))[order]
    y = np.repeat((0.0, 1.0), (len(zeros), len(ones)))[order]
    if noise > 0.0:
        X = X + rng.normal(scale=noise, size=X.shape)
    return Table(X=X, y=y, feature_names=("x1", "x2"), class_names=class_names, name=name)
