"""Hypothesis strategies: what to test with.  They need Hypothesis (``tinygrad-bp[test]``).

Everything drawn shrinks towards few, short, round numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

try:
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp
except ImportError as error:
    raise ImportError(
        "tinygrad_bp.testing.strategies needs Hypothesis: pip install 'tinygrad-bp[test]'"
    ) from error

from tinygrad_bp import nn
from tinygrad_bp.engine.rule import REAL
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.testing.graphs import Program, graphs

__all__ = [
    "Program",
    "arrays",
    "away_from",
    "broadcastable",
    "classification_data",
    "graphs",
    "indices_for",
    "matmul_shapes",
    "modules",
    "reductions",
    "tensors",
]

Strategy = st.SearchStrategy
Domain = tuple[float, float]
MARGIN = 0.05  # how far `away_from` keeps from a kink, in sizes of the domain
ROUND = 7  # numbers that half of all draws are: where rules are most often wrong
GRID = 2**10  # floats are drawn on a grid: round numbers, that are the same in float32
ACTIVATIONS: tuple[Callable[[], Any], ...] = (nn.Tanh, nn.Sigmoid)


def away_from(
    kinks: Sequence[float] = (), domain: Domain = REAL, margin: float = MARGIN
) -> Strategy[float]:
    """Draw floats in a domain that are not close to any kink.

    Parameters
    ----------
    kinks : sequence of float
        Points to keep away from.
    domain : (float, float), default (-2, 2)
        The least and the largest number.
    margin : float, default 0.05
        How far away, as a part of the domain's length.

    Returns
    -------
    strategy of float

    Raises
    ------
    ValueError
        If nothing is left of the domain.
    """
    low, high = domain
    ordered = _grid(tuple(kinks), (low, high), margin)
    if not ordered:
        raise ValueError(f"away_from: nothing is left of {domain} away from {list(kinks)}")
    # shrinking goes to the first: the roundest numbers come first, and are drawn as often as others
    return st.one_of(st.sampled_from(ordered[:ROUND]), st.sampled_from(ordered))


@lru_cache(256)  # where shapes are drawn, the strategy of their elements is made anew each time
def _grid(kinks: tuple[float, ...], domain: Domain, margin: float) -> tuple[float, ...]:
    """Return what is left of a grid in a domain away from kinks, the roundest numbers first."""
    low, high = domain
    step = (high - low) / GRID
    grid = [low + step * k for k in range(GRID + 1)]
    left = [x for x in grid if all(abs(x - kink) > margin * (high - low) for kink in kinks)]
    return tuple(sorted(left, key=_roundness))


def _roundness(x: float) -> tuple[int, float, bool]:
    digits = next((k for k in range(12) if x * 2**k == int(x * 2**k)), 12)
    return (digits, abs(x), x < 0)


def arrays(
    shape: Shape | Strategy[Shape] | None = None,
    dtype: Any = np.float64,
    domain: Domain = REAL,
    kinks: Sequence[float] = (),
) -> Strategy[Any]:
    """Draw NumPy arrays.

    Parameters
    ----------
    shape, dtype, domain
        As in `tensors`.
    kinks : sequence of float
        Points that the elements keep away from.

    Returns
    -------
    strategy of numpy.ndarray
    """
    if shape is None:
        shape = _preferably_filled(
            lambda side: hnp.array_shapes(min_dims=0, max_dims=3, min_side=side, max_side=4), 0
        )
    kind = np.dtype(dtype)
    part = away_from(kinks, domain).map(np.finfo(kind).dtype.type)
    elements = part if kind.kind == "f" else st.builds(complex, part, part)
    return hnp.arrays(kind, shape, elements=elements, fill=st.nothing())


def tensors(
    shape: Shape | Strategy[Shape] | None = None,
    dtype: Any = np.float64,
    domain: Domain = REAL,
    *,
    requires_grad: bool = True,
) -> Strategy[Tensor]:
    """Draw Tensors.

    Parameters
    ----------
    shape : tuple of int, or a strategy of them, optional
        By default up to three axes, of lengths 0 to 4.
    dtype : dtype, default float64
        Floating or complex.
    domain : (float, float), default (-2, 2)
        The least and the largest element.
    requires_grad : bool, default True
        Whether they are leaves.

    Returns
    -------
    strategy of Tensor
    """
    return arrays(shape, dtype, domain).map(lambda x: tensor(x, requires_grad=requires_grad))


def broadcastable(n: int, *, min_side: int = 0, max_dims: int = 3) -> Strategy[tuple[Shape, ...]]:
    """Draw `n` shapes that broadcast against each other: missing axes, lengths 1, and nothing.

    Parameters
    ----------
    n : int
    min_side : int, default 0
        The least length of an axis; the largest is 4.
    max_dims : int, default 3
        The most axes.

    Returns
    -------
    strategy of tuple of shapes
    """
    drawn = _preferably_filled(
        lambda side: hnp.mutually_broadcastable_shapes(
            num_shapes=n, min_side=side, max_side=4, max_dims=max_dims
        ).map(lambda found: found.input_shapes),
        min_side,
    )
    if max_dims < 2:
        return drawn
    # small shapes are drawn more often, and hide what goes wrong of rows and columns
    matrices = st.tuples(st.integers(2, 4), st.integers(2, 4)).map(lambda shape: (shape,) * n)
    return st.one_of(drawn, matrices)


def _preferably_filled(shapes: Callable[[int], Strategy[Any]], min_side: int) -> Strategy[Any]:
    """Draw shapes that shrink to those of arrays that hold something."""
    return shapes(min_side) if min_side else st.one_of(shapes(1), shapes(0))


def matmul_shapes(*, min_side: int = 0) -> Strategy[tuple[Shape, Shape]]:
    """Draw two shapes whose arrays ``@`` multiplies: vectors, matrices, and stacks of them.

    Parameters
    ----------
    min_side : int, default 0
        The least length of an axis; the largest is 4.

    Returns
    -------
    strategy of (shape, shape)
    """
    return _preferably_filled(
        lambda side: hnp.mutually_broadcastable_shapes(
            signature=np.matmul.signature, min_side=side, max_side=4, max_dims=2
        ).map(lambda found: (found.input_shapes[0], found.input_shapes[1])),
        min_side,
    )


def indices_for(shape: Shape) -> Strategy[Any]:
    """Draw what may stand in ``x[...]`` for an x of this shape: slices, integers, arrays, masks.

    Parameters
    ----------
    shape : tuple of int

    Returns
    -------
    strategy of index
    """
    choices: list[Strategy[Any]] = [
        hnp.basic_indices(shape, allow_newaxis=True),
        hnp.arrays(bool, shape),
    ]
    if shape and all(shape):
        sides = hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=3)
        choices.append(hnp.integer_array_indices(shape, result_shape=sides))
    return st.one_of(choices)


@st.composite
def reductions(draw: Any, shape: Shape) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Draw a reduction of an array of this shape.

    Parameters
    ----------
    shape : tuple of int

    Returns
    -------
    strategy of (function, keywords)
        ``function(x, **keywords)`` is a sum, a mean, a product, a norm of the elements, a largest
        or a least one, along one axis, several, or all.  What NumPy refuses of an array with
        nothing in it is not drawn.
    """
    axes: list[Any] = [None, *range(-len(shape), len(shape))]
    if len(shape) > 1:
        axes.append(tuple(range(len(shape) - 1)))
    axis = draw(st.sampled_from(axes))
    over = range(len(shape)) if axis is None else np.atleast_1d(axis)
    some = all(shape[k] for k in over)
    functions: list[Callable[..., Any]] = [np.sum, np.prod]
    if some:
        functions += [np.mean, np.var, np.max, np.min]
    keywords: dict[str, Any] = {"axis": axis}
    if draw(st.booleans()):
        keywords["keepdims"] = True
    return draw(st.sampled_from(functions)), keywords


@st.composite
def modules(
    draw: Any, n_in: int = 2, n_out: int = 1, *, max_layers: int = 3, smooth: bool = True
) -> nn.Module:
    """Draw a small network.

    Parameters
    ----------
    n_in, n_out : int
        Widths of input and output.
    max_layers : int, default 3
        Affine maps, with an activation between them.
    smooth : bool, default True
        Whether to leave out ReLU, which has kinks.

    Returns
    -------
    strategy of Module
        It takes arrays of shape (m, n_in).
    """
    activations = ACTIVATIONS if smooth else (*ACTIVATIONS, nn.ReLU)
    widths = draw(st.lists(st.integers(1, 4), max_size=max_layers - 1))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    layers: list[Any] = []
    for i, (before, after) in enumerate(zip([n_in, *widths], [*widths, n_out], strict=True)):
        if i:
            layers.append(draw(st.sampled_from(activations))())
        layers.append(nn.Linear(before, after, bias=draw(st.booleans()), rng=rng))
    return nn.Sequential(*layers)


@st.composite
def classification_data(
    draw: Any, n_features: int | None = None, *, max_samples: int = 12
) -> tuple[Any, Any]:
    """Draw samples of two classes, each with one sample at least.

    Parameters
    ----------
    n_features : int, optional
        1 to 4 by default.
    max_samples : int, default 12

    Returns
    -------
    strategy of (X, y)
        X of shape (m, n_features), y of shape (m,) with the labels 0 and 1.
    """
    width = n_features if n_features is not None else draw(st.integers(1, 4))
    labels = draw(st.lists(st.integers(0, 1), max_size=max_samples - 2))
    y = np.array(draw(st.permutations([0, 1, *labels])))
    return draw(arrays((len(y), width))), y
