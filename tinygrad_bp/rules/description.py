"""Functions that describe an array, or answer with integers, booleans or text."""

from __future__ import annotations

import numpy as np

from tinygrad_bp.rules.table import NO_VALUE, flat

flat(np.array2string, np.array_repr, np.array_str, why="answers with text")
flat(np.common_type, np.einsum_path, why=NO_VALUE)
flat(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, why=NO_VALUE)
flat(np.packbits, np.unpackbits, np.ravel_multi_index, np.unravel_index, why="takes integers")
