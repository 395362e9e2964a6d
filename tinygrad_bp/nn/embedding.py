"""Embeddings: a vector for each of a number of symbols."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.guards import guard
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import DTypeError, ShapeError
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.parameters import Seed, parameter, size


class Embedding(Module):
    """The row of a matrix for each symbol: ``W[symbols]``.

    Parameters
    ----------
    symbols : int
        How many there are.
    width : int
        Length of a vector.
    rng : numpy.random.Generator or int, optional
        Where the initial vectors come from, which are normally distributed; fresh entropy if not
        given.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameter.

    Attributes
    ----------
    W : Tensor, shape (symbols, width)

    Notes
    -----
    Bengio et al. (2003), "A neural probabilistic language model", section 2.

    Examples
    --------
    >>> from tinygrad_bp import nn
    >>> nn.Embedding(10, 3, rng=0)([[1, 2], [2, 9]]).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        symbols: int,
        width: int,
        *,
        rng: Seed = None,
        name: str | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        shape = size("Embedding", "symbols", symbols), size("Embedding", "width", width)
        self.W = parameter(np.random.default_rng(rng).normal(size=shape), "W", name, dtype)

    def forward(self, symbols: Any) -> Any:
        """Return the vectors of `symbols`.

        Parameters
        ----------
        symbols : array of int
            In ``range(symbols)``.

        Returns
        -------
        Tensor, shape (``*symbols.shape``, width)

        Raises
        ------
        DTypeError, ShapeError
            If they are no integers, or there is no such symbol.
        """
        symbols = arrayed(unwrap(symbols))
        if symbols.dtype.kind not in "iu":
            raise DTypeError(f"Embedding: symbols are integers, got {symbols.dtype}")
        guard(symbols, self._require_symbols)
        return self.W[symbols]

    def _require_symbols(self, symbols: Any) -> None:
        count = self.W.shape[0]
        if symbols.size and not (symbols.min() >= 0 and symbols.max() < count):
            raise ShapeError(
                f"Embedding: symbols run from {symbols.min()} to {symbols.max()}, vectors from 0 to"
                f" {count - 1}"
            )

    def __repr__(self) -> str:
        return "Embedding({}, {})".format(*self.W.shape)
