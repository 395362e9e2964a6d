"""Attention, and the block that transformers are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.functional import softmax
from tinygrad_bp.nn.dropout import Dropout
from tinygrad_bp.nn.layers import Linear
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.normalization import LayerNorm
from tinygrad_bp.nn.parameters import Seed, size, within
from tinygrad_bp.rules.elementwise.activations import gelu


class MultiHeadAttention(Module):
    """Each place looks at all places: ``softmax(Q K^T / sqrt(d)) V`` in each of several heads.

    Parameters
    ----------
    width : int
        Length of the vector at each place.
    heads : int
        How many parts of it look separately; d is ``width / heads``.
    dropout : float, default 0
        Share of the weights that is left out while it is trained.
    bias : bool, default True
        Whether the four maps have one.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from; fresh entropy if not given.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    query, key, value, out : Linear
        Maps from width to width.

    Notes
    -----
    Vaswani et al. (2017), "Attention is all you need", equation 1 and section 3.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> nn.MultiHeadAttention(8, 2, rng=0)(np.ones((3, 5, 8)), causal=True).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        dropout: float = 0.0,
        bias: bool = True,
        rng: Seed = None,
        name: str | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        layer = type(self).__name__
        width, self.heads = size(layer, "width", width), size(layer, "heads", heads)
        if width % self.heads:
            raise ValueError(f"{layer}: a width of {width} cannot be parted into {heads} heads")
        rng = np.random.default_rng(rng)  # one for all maps
        self.query, self.key, self.value, self.out = (
            Linear(width, width, bias=bias, rng=rng, name=within(name, part), dtype=dtype)
            for part in ("query", "key", "value", "out")
        )
        self.dropout = Dropout(dropout, rng=rng)

    def forward(
        self, x: Array, context: Any = None, *, causal: bool = False, mask: Any = None
    ) -> Array:
        """Return what each place of `x` takes from the places of `context`.

        Parameters
        ----------
        x : array or Tensor, shape (m, places, width)
        context : array or Tensor, shape (m, others, width), optional
            What is looked at; `x` itself if not given.
        causal : bool, default False
            Whether a place sees itself and those before it alone.
        mask : array of bool, shape (m, others), optional
            True where there is something to see; False for padding.  A sample without anything to
            see sees all alike.

        Returns
        -------
        Tensor, shape (m, places, width)

        Raises
        ------
        ShapeError
            If the shapes do not fit.
        """
        x = self._checked(x)
        context = x if context is None else self._checked(context)
        query, key, value = (
            self._parted(map_(one))
            for map_, one in ((self.query, x), (self.key, context), (self.value, context))
        )
        scores = np.matmul(query, np.swapaxes(key, -1, -2)) / math.sqrt(query.shape[-1])
        seen = self._seen(scores.shape, causal=causal, mask=mask)
        if seen is not None:
            # finite: where nothing is seen, a softmax of -inf alone would be NaN
            scores = np.where(seen, scores, float(np.finfo(scores.dtype).min))
        found = np.matmul(self.dropout(softmax(scores)), value)
        return self.out(np.reshape(np.swapaxes(found, 1, 2), x.shape))

    def _checked(self, x: Array) -> Array:
        x, width = arrayed(x), self.query.W.shape[0]
        if x.ndim != 3 or x.shape[2] != width:
            raise ShapeError(f"MultiHeadAttention: expected (m, places, {width}), got {x.shape}")
        return x

    def _parted(self, x: Array) -> Array:
        """Return (m, heads, places, d)."""
        m, places, width = x.shape
        return np.swapaxes(np.reshape(x, (m, places, self.heads, width // self.heads)), 1, 2)

    def _seen(self, shape: tuple[int, ...], *, causal: bool, mask: Any) -> Any:
        """Return which scores count, as an array that broadcasts to `shape`; None for all."""
        m, _, places, others = shape
        seen = np.tri(places, others, dtype=bool) if causal else None
        if mask is None:
            return seen
        mask = np.asarray(unwrap(mask))
        if mask.shape != (m, others) or mask.dtype != bool:
            raise ShapeError(
                f"MultiHeadAttention: expected a mask of booleans of shape {(m, others)}, got"
                f" {mask.dtype} {mask.shape}"
            )
        mask = mask[:, np.newaxis, np.newaxis, :]
        return mask if seen is None else mask & seen

    def __repr__(self) -> str:
        return f"MultiHeadAttention({self.query.W.shape[0]}, {self.heads})"


class TransformerBlock(Module):
    """Attention and a small network at each place, each added to what it is given.

    ``y = x + attention(norm1(x))``, ``out = y + expand-GELU-contract(norm2(y))``.

    Parameters
    ----------
    width : int
        Length of the vector at each place.
    heads : int
        Heads of the attention.
    hidden : int, optional
        Hidden units of the network; four times the width if not given.
    causal : bool, default False
        Whether a place sees itself and those before it alone.
    dropout : float, default 0
        Share that is left out, while it is trained, of the attention's weights, and of what either
        part adds.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from; fresh entropy if not given.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    attention : MultiHeadAttention
    norm1, norm2 : LayerNorm
    expand, contract : Linear

    Notes
    -----
    Vaswani et al. (2017), "Attention is all you need", section 3.1, with the norms first: Xiong et
    al. (2020), "On layer normalization in the transformer architecture".
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int | None = None,
        *,
        causal: bool = False,
        dropout: float = 0.0,
        rng: Seed = None,
        name: str | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        hidden = 4 * width if hidden is None else size("TransformerBlock", "hidden", hidden)
        rng = np.random.default_rng(rng)  # one for all parts
        self.causal = causal
        self.norm1 = LayerNorm(width, name=within(name, "norm1"), dtype=dtype)
        self.attention = MultiHeadAttention(
            width, heads, dropout=dropout, rng=rng, name=within(name, "attention"), dtype=dtype
        )
        self.norm2 = LayerNorm(width, name=within(name, "norm2"), dtype=dtype)
        self.expand, self.contract = (
            Linear(n_in, n_out, rng=rng, name=within(name, part), dtype=dtype)
            for n_in, n_out, part in (
                (width, hidden, "expand"),
                (hidden, width, "contract"),
            )
        )
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, x: Array, *, mask: Any = None) -> Array:
        """Return `x` with what the attention and the network add.

        Parameters
        ----------
        x : array or Tensor, shape (m, places, width)
        mask : array of bool, shape (m, places), optional
            True where there is something to see; False for padding.

        Returns
        -------
        Tensor, shape (m, places, width)
        """
        seen = self.attention(self.norm1(x), causal=self.causal, mask=mask)
        x = x + self.dropout(seen)
        return x + self.dropout(self.contract(gelu(self.expand(self.norm2(x)))))

    def __repr__(self) -> str:
        width, hidden = self.expand.W.shape
        causal = ", causal=True" if self.causal else ""
        return f"TransformerBlock({width}, {self.attention.heads}, {hidden}{causal})"
