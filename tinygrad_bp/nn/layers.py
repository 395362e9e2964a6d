"""Layers: the affine map, activation functions, and their composition."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.nn.initializers import Initializer, initializer
from tinygrad_bp.nn.module import Module
from tinygrad_bp.rules.elementwise.activations import relu, sigmoid
from tinygrad_bp.rules.linalg.products import affine

Seed = int | np.random.Generator | None


class Linear(Module):
    """The affine map ``x @ W + b`` of a fully connected layer; samples are rows.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of inputs and of outputs, at least 1.
    bias : bool, default True
        Whether to add ``b``, which begins at zero.
    init : str or callable
        The name of an initialiser of ``W`` (`tinygrad_bp.nn.INITIALIZERS`), or a function
        ``(rng, n_in, n_out)`` that returns an (n_in, n_out) array.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from; fresh entropy if not given.
    name : str, optional
        Shown in drawings: parameters are called ``name.W`` and ``name.b``; else ``W`` and ``b``.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    W : Tensor, shape (n_in, n_out)
    b : Tensor, shape (n_out,), or None

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> nn.Linear(2, 5, rng=0)(np.ones((4, 2))).shape
    (4, 5)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        init: str | Initializer = "glorot_uniform",
        rng: Seed = None,
        name: str | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        n_in, n_out = _size("n_in", n_in), _size("n_out", n_out)
        prefix = f"{name}." if name else ""
        weights = initializer(init)(np.random.default_rng(rng), n_in, n_out)
        if np.shape(weights) != (n_in, n_out):
            raise ValueError(
                f"Linear: init={init!r} gave shape {np.shape(weights)}, expected {(n_in, n_out)}"
            )
        self.W = tensor(weights, dtype=dtype, requires_grad=True, name=f"{prefix}W")
        self.b: Tensor | None = None
        if bias:
            self.b = tensor(np.zeros(n_out), dtype=dtype, requires_grad=True, name=f"{prefix}b")

    def forward(self, x: Any) -> Any:
        """Return ``x @ W + b`` for x of shape (..., n_in).

        Parameters
        ----------
        x : array or Tensor, shape (..., n_in)

        Returns
        -------
        Tensor, shape (..., n_out)
        """
        return np.matmul(x, self.W) if self.b is None else affine(x, self.W, self.b)

    def __repr__(self) -> str:
        n_in, n_out = self.W.shape
        return f"Linear({n_in}, {n_out}{'' if self.b is not None else ', bias=False'})"


class Sigmoid(Module):
    """The logistic function of each element: ``1 / (1 + exp(-x))``."""

    def forward(self, x: Any) -> Any:
        """Return the logistic function of `x`.

        Parameters
        ----------
        x : array or Tensor

        Returns
        -------
        array or Tensor of x's shape
        """
        return sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent of each element."""

    def forward(self, x: Any) -> Any:
        """Return the hyperbolic tangent of `x`.

        Parameters
        ----------
        x : array or Tensor

        Returns
        -------
        array or Tensor of x's shape
        """
        return np.tanh(x)


class ReLU(Module):
    """``max(x, 0)`` of each element; the derivative at 0 is 0."""

    def forward(self, x: Any) -> Any:
        """Return the positive part of `x`.

        Parameters
        ----------
        x : array or Tensor

        Returns
        -------
        array or Tensor of x's shape
        """
        return relu(x)


class Sequential(Module):
    """Layers applied one after the other.

    Parameters
    ----------
    *layers : callable
        Modules, or any functions of one array or Tensor.

    Attributes
    ----------
    layers : list
        Index, slice, length and iteration of the Sequential are the list's; a slice is a
        Sequential of the same layers, which shares their parameters.

    Examples
    --------
    >>> from tinygrad_bp import nn
    >>> nn.Sequential(nn.Linear(2, 5, rng=0), nn.Sigmoid(), nn.Linear(5, 1, rng=1))
    Sequential(
      0: Linear(2, 5)
      1: Sigmoid()
      2: Linear(5, 1)
    )
    """

    def __init__(self, *layers: Any) -> None:
        for layer in layers:
            if not callable(layer):
                raise TypeError(f"Sequential: {layer!r:.80} cannot be called; expected layers")
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        """Return the last layer's output.

        Parameters
        ----------
        x : array or Tensor
            What the first layer takes.

        Returns
        -------
        array or Tensor
            What the last layer gives.
        """
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Any:
        return Sequential(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __repr__(self) -> str:
        if not self.layers:
            return "Sequential()"
        shown = [f"{i}: {layer!r}".replace("\n", "\n  ") for i, layer in enumerate(self.layers)]
        return "\n  ".join(["Sequential(", *shown]) + "\n)"


def _size(argument: str, value: int) -> int:
    try:
        size = operator.index(value)
    except TypeError:
        size = 0
    if isinstance(value, bool) or size < 1:
        raise ValueError(f"Linear: {argument}={value!r}; expected an integer, 1 or more")
    return size
