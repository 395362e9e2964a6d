"""SciPy's special functions as what computes them, which is what reaches a Tensor.

Under SCIPY_ARRAY_API=1, SciPy puts a function around each that looks for arrays of other libraries.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special as public

special: Any = public
if not isinstance(public.expit, np.ufunc):
    special = SimpleNamespace(
        **{name: getattr(one, "__wrapped__", one) for name, one in vars(public).items()}
    )
