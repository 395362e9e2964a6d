"""Layers: the affine map, and how layers are put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.nn.activations import ReLU, Sigmoid, Tanh  # noqa: F401  # pickles of 0.1.0
from tinygrad_bp.nn.initializers import Initializer
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.parameters import Seed, drawn, parameter, size
from tinygrad_bp.rules.linalg.products import affine


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
        n_in, n_out = size("Linear", "n_in", n_in), size("Linear", "n_out", n_out)
        self.W = parameter(drawn("Linear", init, rng, n_in, n_out), "W", name, dtype)
        self.b: Tensor | None = parameter(np.zeros(n_out), "b", name, dtype) if bias else None

    def forward(self, x: Array) -> Array:
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
            fault = "" if callable(layer) else "cannot be called; expected layers"
            if isinstance(layer, type):
                fault = f"is a class; expected layers; write {layer.__name__}(…)"
            elif isinstance(layer, (list, tuple)):
                fault += "; write Sequential(*layers)"
            if fault:
                raise TypeError(f"Sequential: {layer!r:.80} {fault}")
        self.layers = list(layers)

    def forward(self, x: Array) -> Array:
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


class Residual(Module):
    """What a layer gives, added to what it is given: ``x + layer(x)``.

    Parameters
    ----------
    layer : callable
        A module, or any function of one array or Tensor that keeps its shape.

    Notes
    -----
    He, Zhang, Ren & Sun (2016), "Deep residual learning for image recognition", equation 1.
    """

    def __init__(self, layer: Any) -> None:
        if not callable(layer):
            raise TypeError(f"Residual: {layer!r:.80} cannot be called; expected a layer")
        self.layer = layer

    def forward(self, x: Array) -> Array:
        """Return ``x + layer(x)``.

        Parameters
        ----------
        x : array or Tensor
            What the layer takes.

        Returns
        -------
        array or Tensor of x's shape

        Raises
        ------
        ShapeError
            If the layer changes the shape; the sum would broadcast silently.
        """
        added = self.layer(x)
        if np.shape(added) != np.shape(x):
            raise ShapeError(
                f"Residual: the layer made {np.shape(added)} of {np.shape(x)}; it must keep the"
                " shape"
            )
        return x + added
