"""``python -m tinygrad_bp``: the same as the command ``tinygrad-bp``."""

from __future__ import annotations

import sys

from tinygrad_bp.cli import main

if __name__ == "__main__":
    sys.exit(main())
