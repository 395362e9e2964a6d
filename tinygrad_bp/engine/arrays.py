"""What annotations call the values that the engine computes with."""

from __future__ import annotations

from typing import Any, TypeAlias

# An ndarray, a NumPy scalar, a Tensor, or an array of another library: rules are written for all of
# them, and no type says so.
Array: TypeAlias = Any
# The same, of the shape of the result of a rule: the derivative of what is differentiated by it.
Cotangent: TypeAlias = Any
