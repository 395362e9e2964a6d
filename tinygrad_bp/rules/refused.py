"""NumPy's functions that no Tensor may enter, and what to do instead.

They hold no numbers, leave the program, or have no derivative to speak of.
"""

from __future__ import annotations

import numpy as np
from numpy._core import umath

from tinygrad_bp.rules.table import refused

# NumPy names the loops that a ufunc has for numbers; one for strings has none.
STRINGS = [one for one in vars(umath).values() if isinstance(one, np.ufunc) and not one.types]

refused(
    *(*STRINGS, "numpy.strings", "numpy.char"),
    remedy="strings are not differentiable: keep them in NumPy arrays",
)

refused(
    np.save,
    np.savetxt,
    np.savez,
    np.savez_compressed,
    remedy="write the plain array .detach().numpy(), which loses the graph knowingly",
)
refused(
    *(np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string),
    remedy="dates are not differentiable: keep them in NumPy arrays",
)
refused(
    "numpy.lib.recfunctions",
    remedy="structured arrays are not differentiable: make a Tensor of each field",
)
refused(
    np.intersect1d,
    remedy="elements that are equal have no common derivative: call it on .detach().numpy() with"
    " return_indices=True, and index with what it gives",
)
