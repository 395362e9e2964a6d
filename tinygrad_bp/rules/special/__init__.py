"""SciPy's special functions, one module a family.

Their ufuncs reach Tensors by the same protocol as NumPy's.  The package imports SciPy, and is
itself imported when a function of SciPy first meets a Tensor, or a pickle asks for one of its rows.
"""

from __future__ import annotations

from tinygrad_bp.rules.special import (
    bessel,
    elementary,
    entropies,
    error_functions,
    gamma,
    hypergeometric,
    integrals,
    power_transforms,
    robust,
)

__all__ = [
    "bessel",
    "elementary",
    "entropies",
    "error_functions",
    "gamma",
    "hypergeometric",
    "integrals",
    "power_transforms",
    "robust",
]
