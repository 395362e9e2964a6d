"""NumPy's functions that have no derivative: those that no Tensor may enter, and descriptions.

The refused hold no numbers, leave the program, or have no derivative to speak of; each says what to
do instead.  Descriptions answer with integers, booleans or text.
"""

from __future__ import annotations

import numpy as np
from numpy._core import umath

from tinygrad_bp.engine.constructors import flat, refused
from tinygrad_bp.engine.rule import NO_VALUE

# NumPy names the loops that a ufunc has for numbers; one for strings has none.  So has one that the
# parts of complex numbers go through inside, since NumPy 2.5.
UNNAMED = {k: one for k, one in vars(umath).items() if isinstance(one, np.ufunc) and not one.types}
PARTS = [UNNAMED.pop(name) for name in ("real", "imag") if name in UNNAMED]
STRINGS = UNNAMED.values()

refused(
    *(*STRINGS, "numpy.strings", "numpy.char"),
    remedy="strings are not differentiable: keep them in NumPy arrays",
)

refused(*PARTS, remedy="call numpy.real or numpy.imag, of which it is the inside")

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

flat(np.array2string, np.array_repr, np.array_str, why="answers with text")
flat(np.common_type, np.einsum_path, why=NO_VALUE)
flat(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, why=NO_VALUE)
flat(np.packbits, np.unpackbits, np.ravel_multi_index, np.unravel_index, why="takes integers")
