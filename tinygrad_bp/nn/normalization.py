"""Normalization: numbers of mean 0 and variance 1, over a batch or within a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.parameters import parameter, share, size
from tinygrad_bp.rules.elementwise.scaling import scaled
from tinygrad_bp.rules.reductions.normalizing import moments, normalized


class BatchNorm(Module):
    """Each channel with mean 0 and variance 1 over a batch: ``(x - mean) / sqrt(var + eps) g + b``.

    While it is trained it takes the mean and variance of the batch, and keeps running ones; after
    `eval` it takes the running ones.

    Parameters
    ----------
    n : int
        Number of channels, or of columns.
    momentum : float, default 0.1
        Share of the newest batch in the running statistics.
    eps : float, default 1e-5
        Added to the variance: no division by 0.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters and the running statistics.

    Attributes
    ----------
    g, b : Tensor, shape (n,)
        Begin at 1 and 0.
    mean, var : array, shape (n,)
        The running statistics: buffers.  The variance is that of a sample (divided by m - 1), as
        in PyTorch.

    Notes
    -----
    Ioffe & Szegedy (2015), "Batch normalization", algorithms 1 and 2.
    """

    def __init__(
        self,
        n: int,
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        name: str | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        n = size("BatchNorm", "n", n)
        self.momentum, self.eps = share("BatchNorm", "momentum", momentum), float(eps)
        self.g = parameter(np.ones(n), "g", name, dtype)
        self.b = parameter(np.zeros(n), "b", name, dtype)
        self.mean, self.var = np.zeros(n, dtype), np.ones(n, dtype)

    def forward(self, x: Array) -> Array:
        """Return `x` normalized.

        Parameters
        ----------
        x : array or Tensor, shape (m, n, ``*size``)

        Returns
        -------
        Tensor of x's shape

        Raises
        ------
        ShapeError
            If there are other than n channels, or there is nothing to take the variance of.
        """
        x = arrayed(x)
        n, values = self.g.size, unwrap(x)
        shape = values.shape
        if len(shape) < 2 or shape[1] != n:
            raise ShapeError(f"BatchNorm: expected (m, {n}, *size), got {shape}")
        if self.training:
            count = values.size // n
            if count < 2:
                raise ShapeError(
                    f"BatchNorm: {shape} has {count} number(s) a channel, which have no variance;"
                    " call eval() for the running one"
                )
            found = moments(values, "channels")
            self._remember(found.mean, found.variance, count)
            return normalized(x, self.g, self.b, "channels", self.eps, found)
        wide = (n, *(1,) * (len(shape) - 2))
        apart = x - np.reshape(self.mean, wide)
        scale = np.reshape(self.g, wide) / np.sqrt(np.reshape(self.var, wide) + self.eps)
        return scaled(apart, scale, np.reshape(self.b, wide))

    def _remember(self, mean: Any, var: Any, count: int) -> None:
        self.mean = self._moved(self.mean, mean, self.momentum)
        self.var = self._moved(self.var, var, self.momentum * count / (count - 1))

    def _moved(self, old: Any, found: Any, share: float) -> Any:
        """Return a running statistic in a new array: a graph may hold the old one."""
        moved = old * (1.0 - self.momentum) + share * found.reshape(old.shape)
        # real: a complex step through the layer, to check it, moves nothing that is remembered
        return moved if moved.dtype == old.dtype else np.real(moved).astype(old.dtype)

    def __repr__(self) -> str:
        return f"BatchNorm({self.g.size})"


class SampleNorm(Module):
    """What the norms of a sample's last axis share; see these."""

    def __init__(
        self, n: int, *, eps: float = 1e-5, name: str | None = None, dtype: DTypeLike = np.float64
    ) -> None:
        self.eps = float(eps)
        self.g = parameter(np.ones(size(type(self).__name__, "n", n)), "g", name, dtype)

    def forward(self, x: Array) -> Array:
        """Return `x` normalized.

        Parameters
        ----------
        x : array or Tensor, shape (..., n)

        Returns
        -------
        Tensor of x's shape
        """
        x, n = arrayed(x), self.g.size
        if not x.ndim or x.shape[-1] != n:
            raise ShapeError(f"{type(self).__name__}: expected (..., {n}), got {x.shape}")
        return self._normalized(x)

    def _normalized(self, x: Array) -> Array:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.g.size})"


class LayerNorm(SampleNorm):
    """Each sample's last axis with mean 0 and variance 1: ``(x - mean) / sqrt(var + eps) g + b``.

    Parameters
    ----------
    n : int
        Length of the last axis.
    eps : float, default 1e-5
        Added to the variance: no division by 0.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    g, b : Tensor, shape (n,)
        Begin at 1 and 0.

    Notes
    -----
    Ba, Kiros & Hinton (2016), "Layer normalization", equation 4.
    """

    def __init__(
        self, n: int, *, eps: float = 1e-5, name: str | None = None, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__(n, eps=eps, name=name, dtype=dtype)
        self.b = parameter(np.zeros(self.g.size), "b", name, dtype)

    def _normalized(self, x: Array) -> Array:
        return normalized(x, self.g, self.b, "last", self.eps)


class RMSNorm(SampleNorm):
    """Each sample's last axis with mean square 1: ``x / sqrt(mean(x^2) + eps) g``.

    Parameters
    ----------
    n : int
        Length of the last axis.
    eps : float, default 1e-5
        Added to the mean square: no division by 0.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameter.

    Attributes
    ----------
    g : Tensor, shape (n,)
        Begins at 1.

    Notes
    -----
    Zhang & Sennrich (2019), "Root mean square layer normalization", equation 4.
    """

    def _normalized(self, x: Array) -> Array:
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.eps) * self.g
