"""Dropout: numbers that are left out at random while a network is trained."""

from __future__ import annotations

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.parameters import Seed, share


class Dropout(Module):
    """``x * kept / (1 - p)`` while it is trained, where each element is kept with 1 - p; else `x`.

    Parameters
    ----------
    p : float, default 0.5
        The probability with which an element becomes 0, in [0, 1).
    rng : numpy.random.Generator or int, optional
        Where the choice comes from; fresh entropy if not given.

    Notes
    -----
    Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting",
    section 4; scaled while training, so that nothing changes afterwards.  A generator is no array:
    `state` does not hold where it stands.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> drop = nn.Dropout(0.5, rng=0)
    >>> drop(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> drop.eval()(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, *, rng: Seed = None) -> None:
        self.p = share("Dropout", "p", p)
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Array) -> Array:
        """Return `x` without the elements that are left out.

        Parameters
        ----------
        x : array or Tensor

        Returns
        -------
        array or Tensor of x's shape
        """
        if not (self.training and self.p):
            return x
        x = arrayed(x)
        kept = self.rng.random(x.shape) >= self.p
        kind = x.dtype if x.dtype.kind in "fc" else np.float64
        return x * (kept / (1.0 - self.p)).astype(kind)

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"
