"""`numpy.lib.scimath`: elementary functions whose values are complex beyond the real domain.

Each is a cast, where one is needed, and then the function of the same name.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib import scimath

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import composed
from tinygrad_bp.engine.rule import POSITIVE, UNIT, call
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.rules.linalg.matrices import as_arrays

# What single precision holds: these become complex64, all else complex128.
SINGLE = ("float32", "complex64", "int8", "uint8", "int16", "uint16")
SAMPLES = (call((2, 3)), call(()), call((0,)))
PAIRS = (call((2, 3), (3,)), call((), ()), call((0,), (1,)))


def _complex(x: Array) -> Array:
    dtype = np.dtype(np.complex64 if x.dtype.name in SINGLE else np.complex128)
    return x if x.dtype == dtype else x.astype(dtype)


def _negative(x: Array) -> bool:
    raw = unwrap(x)
    return bool(np.any(np.isreal(raw) & (raw < 0)))


def _of_positive(x: Array) -> Array:
    """Return `x`, complex if any element is a negative real number."""
    (x,) = as_arrays(x)
    return _complex(x) if _negative(x) else x


def _of_unit(x: Array) -> Array:
    """Return `x`, complex if any element is a real number beyond 1 or -1."""
    (x,) = as_arrays(x)
    raw = unwrap(x)
    return _complex(x) if np.any(np.isreal(raw) & (np.abs(raw) > 1)) else x


composed(scimath.sqrt, samples=SAMPLES, domain=POSITIVE)(lambda x: np.sqrt(_of_positive(x)))
composed(scimath.log, samples=SAMPLES, domain=POSITIVE)(lambda x: np.log(_of_positive(x)))
composed(scimath.log2, samples=SAMPLES, domain=POSITIVE)(lambda x: np.log2(_of_positive(x)))
composed(scimath.log10, samples=SAMPLES, domain=POSITIVE)(lambda x: np.log10(_of_positive(x)))
composed(scimath.arccos, samples=SAMPLES, domain=UNIT)(lambda x: np.arccos(_of_unit(x)))
composed(scimath.arcsin, samples=SAMPLES, domain=UNIT)(lambda x: np.arcsin(_of_unit(x)))
composed(scimath.arctanh, samples=SAMPLES, domain=UNIT)(lambda x: np.arctanh(_of_unit(x)))
composed(scimath.logn, samples=PAIRS, domain=((1.2, 3.0), POSITIVE))(
    lambda n, x: np.log(_of_positive(x)) / np.log(_of_positive(n))
)


@composed(scimath.power, samples=PAIRS, domain=POSITIVE)
def power(x: Array, p: Any) -> Array:
    """`numpy.lib.scimath.power`; a negative integer exponent becomes a float."""
    (p,) = as_arrays(p)
    return np.power(_of_positive(x), p * 1.0 if _negative(p) else p)
