"""Convolutions: the same small affine map at every place of a signal or an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn.initializers import Initializer
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.parameters import Seed, drawn, parameter, size
from tinygrad_bp.rules.sequences.convolution import convolution
from tinygrad_bp.rules.sequences.windows import per_axis, spacing


class Convolution(Module):
    """What the convolutions over one and over two axes share; see these."""

    axes = 0

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: Any,
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        init: str | Initializer = "he_uniform",
        rng: Seed = None,
        name: str | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        layer = type(self).__name__
        n_in, n_out = size(layer, "n_in", n_in), size(layer, "n_out", n_out)
        groups = size(layer, "groups", groups)
        if n_in % groups or n_out % groups:
            raise ValueError(
                f"{layer}: {n_in} and {n_out} channels cannot be parted into {groups} groups"
            )
        shape = per_axis(layer, "kernel", kernel, self.axes)
        spacing(layer, shape, stride=stride, padding=padding, dilation=dilation)  # or refused
        depth = n_in // groups * int(np.prod(shape, dtype=int))
        weights = drawn(layer, init, rng, depth, n_out)
        weights = np.reshape(weights.T, (n_out, n_in // groups, *shape)).copy()  # in rows
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.W = parameter(weights, "W", name, dtype)
        self.b: Tensor | None = parameter(np.zeros(n_out), "b", name, dtype) if bias else None

    def forward(self, x: Array) -> Array:
        """Return the convolution of `x` with the kernel, and the bias.

        Parameters
        ----------
        x : array or Tensor, shape (m, n_in, ``*size``)

        Returns
        -------
        Tensor, shape (m, n_out, ``*places``)
        """
        out = convolution(x, self.W, self.stride, self.padding, self.dilation, self.groups)
        if self.b is None:
            return out
        return out + np.reshape(self.b, (-1, *(1,) * self.axes))

    def __repr__(self) -> str:
        n_out, n_in, *kernel = self.W.shape
        options = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        words = [
            f", {name}={getattr(self, name)!r}"
            for name, usual in options.items()
            if getattr(self, name) != usual
        ]
        bias = "" if self.b is not None else ", bias=False"
        return (
            f"{type(self).__name__}({n_in * self.groups}, {n_out}, {tuple(kernel)}"
            f"{''.join(words)}{bias})"
        )


class Conv1d(Convolution):
    """A convolution of signals: ``out[n, o, p] = sum of x[n, c, s p + d k] W[o, c, k] + b[o]``.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output channels.
    kernel : int
        Length of the kernel.
    stride : int, default 1
        Steps between two places of the kernel, s.
    padding : int or "same", default 0
        Zeros before and after the signal.
    dilation : int, default 1
        Steps between two elements of the kernel, d.
    groups : int, default 1
        Output channels see the input channels of their own group alone.
    bias : bool, default True
        Whether to add ``b``, which begins at zero.
    init : str or callable
        As in `Linear`; a kernel is drawn as a matrix from the elements that it reads to outputs.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from; fresh entropy if not given.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    W : Tensor, shape (n_out, n_in / groups, kernel)
    b : Tensor, shape (n_out,), or None

    Notes
    -----
    Waibel et al. (1989), "Phoneme recognition using time-delay neural networks".

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> nn.Conv1d(2, 4, 3, padding=1, rng=0)(np.ones((5, 2, 8))).shape
    (5, 4, 8)
    """

    axes = 1


class Conv2d(Convolution):
    """A convolution of images: ``out[n, o, p] = sum of x[n, c, s p + d k] W[o, c, k] + b[o]``.

    The sum is over c and k; p and k are pairs.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output channels.
    kernel : int or pair of int
        Height and width of the kernel; one number for both.
    stride : int or pair of int, default 1
        Steps between two places of the kernel, s.
    padding : int, pair of int, or "same", default 0
        Zeros at each side of the image.
    dilation : int or pair of int, default 1
        Steps between two elements of the kernel, d.
    groups : int, default 1
        Output channels see the input channels of their own group alone.
    bias : bool, default True
        Whether to add ``b``, which begins at zero.
    init : str or callable
        As in `Linear`; a kernel is drawn as a matrix from the elements that it reads to outputs.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from; fresh entropy if not given.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    W : Tensor, shape (n_out, n_in / groups, height, width)
    b : Tensor, shape (n_out,), or None

    Notes
    -----
    LeCun et al. (1989), "Backpropagation applied to handwritten zip code recognition".

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> nn.Conv2d(3, 4, 3, stride=2, rng=0)(np.ones((5, 3, 9, 9))).shape
    (5, 4, 4, 4)
    """

    axes = 2
