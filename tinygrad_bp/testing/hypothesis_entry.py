"""The Hypothesis entry point: makes it know the type Tensor.

Installed, this file is the module `_tinygrad_bp_hypothesis` beside the package: Hypothesis imports
it into every project that uses it, and nothing else is imported until a Tensor is drawn.
"""

from __future__ import annotations

import sys


def hypothesis_is_imported() -> None:
    """Register the type, if the package has been imported; if not, it does so when it is."""
    if "tinygrad_bp.engine.tensor" in sys.modules:
        from tinygrad_bp.testing.registration import register

        register()
