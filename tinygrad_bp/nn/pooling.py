"""Pooling: the largest or the mean element of each window; and `Flatten`, which often follows."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.nn.module import Module
from tinygrad_bp.rules.sequences.windows import geometry, per_axis, spacing, windows


class Pooling(Module):
    """What the poolings share; see these."""

    axes = 0

    def __init__(self, kernel: Any, *, stride: Any = None, padding: Any = 0) -> None:
        self.kernel = per_axis(type(self).__name__, "kernel", kernel, self.axes)
        self.stride = self.kernel if stride is None else stride
        self.padding = padding
        layer = type(self).__name__
        spacing(layer, self.kernel, stride=self.stride, padding=padding, dilation=1)  # or refused

    def _windows(self, x: Array, fill: float = 0.0) -> Array:
        """Return the elements of each window of `x` along one axis: (m, c, elements, *places)."""
        layer = type(self).__name__
        if x.ndim != self.axes + 2:
            raise ShapeError(
                f"{layer}: expected (m, channels, *size) with {self.axes + 2} axes, got {x.shape}"
            )
        options: dict[str, Any] = {"stride": self.stride, "dilation": 1}
        where = geometry(layer, x.shape[2:], self.kernel, padding=self.padding, **options)
        if fill and any(where.padding):
            sides = [(0, 0), (0, 0), *((p, p) for p in where.padding)]
            x = np.pad(x, sides, constant_values=fill)
            where = geometry(layer, x.shape[2:], self.kernel, padding=0, **options)
        return np.reshape(windows(x, where), (*x.shape[:2], -1, *where.places))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kernel}, stride={self.stride}, padding={self.padding})"


class MaxPooling(Pooling):
    """What the max poolings share."""

    def forward(self, x: Array) -> Array:
        """Return the largest element of each window; equal ones share the derivative.

        Parameters
        ----------
        x : array or Tensor, shape (m, channels, ``*size``)

        Returns
        -------
        array or Tensor, shape (m, channels, ``*places``)
        """
        return np.max(self._windows(arrayed(x), fill=-np.inf), axis=2)


class AveragePooling(Pooling):
    """What the average poolings share."""

    def forward(self, x: Array) -> Array:
        """Return the mean of each window; the padding counts as zeros.

        Parameters
        ----------
        x : array or Tensor, shape (m, channels, ``*size``)

        Returns
        -------
        array or Tensor, shape (m, channels, ``*places``)
        """
        return np.mean(self._windows(arrayed(x)), axis=2)


class MaxPool1d(MaxPooling):
    """The largest element of each window of a signal: ``out[n, c, p] = max of x[n, c, s p + k]``.

    Parameters
    ----------
    kernel : int
        Length of a window.
    stride : int, optional
        Steps between two windows, s; the length of a window if not given.
    padding : int, default 0
        Elements before and after the signal, which are never the largest.

    Notes
    -----
    Weng, Ahuja & Huang (1992), "Cresceptron", section 3; Riesenhuber & Poggio (1999).
    """

    axes = 1


class MaxPool2d(MaxPooling):
    """The largest element of each window of an image: ``out[n, c, p] = max of x[n, c, s p + k]``.

    Parameters
    ----------
    kernel : int or pair of int
        Height and width of a window.
    stride : int or pair of int, optional
        Steps between two windows, s; the size of a window if not given.
    padding : int or pair of int, default 0
        Elements at each side of the image, which are never the largest.

    Notes
    -----
    Weng, Ahuja & Huang (1992), "Cresceptron", section 3; Riesenhuber & Poggio (1999).

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> nn.MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """

    axes = 2


class AvgPool1d(AveragePooling):
    """The mean of each window of a signal: ``out[n, c, p] = mean of x[n, c, s p + k]``.

    Parameters
    ----------
    kernel : int
        Length of a window.
    stride : int, optional
        Steps between two windows, s; the length of a window if not given.
    padding : int, default 0
        Zeros before and after the signal, which count.

    Notes
    -----
    LeCun et al. (1998), "Gradient-based learning applied to document recognition", section II.
    """

    axes = 1


class AvgPool2d(AveragePooling):
    """The mean of each window of an image: ``out[n, c, p] = mean of x[n, c, s p + k]``.

    Parameters
    ----------
    kernel : int or pair of int
        Height and width of a window.
    stride : int or pair of int, optional
        Steps between two windows, s; the size of a window if not given.
    padding : int or pair of int, default 0
        Zeros at each side of the image, which count.

    Notes
    -----
    LeCun et al. (1998), "Gradient-based learning applied to document recognition", section II.
    """

    axes = 2


class Flatten(Module):
    """Each sample as a row: (m, ...) becomes (m, n)."""

    def forward(self, x: Array) -> Array:
        """Return `x` with one axis beside that of the samples.

        Parameters
        ----------
        x : array or Tensor, shape (m, ...)

        Returns
        -------
        array or Tensor, shape (m, n)
        """
        x = arrayed(x)
        return np.reshape(x, (x.shape[0], int(np.prod(x.shape[1:], dtype=int))))
