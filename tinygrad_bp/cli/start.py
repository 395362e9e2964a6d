"""The script ``tinygrad-bp``, installed as a module beside the package, which it loads.

Loading takes most of a start.  Ctrl-C in it would come out as a traceback, or as the error of
whatever was being imported; here it ends the process, which has done nothing yet.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # as in the package's exit codes, which are not loaded yet


def _stop(_signal: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def main() -> int:
    """Load the command under a Ctrl-C that ends quietly, and run it under its own."""
    was = signal.getsignal(signal.SIGINT)
    if was is signal.default_int_handler:  # not what is ignored, as after nohup
        signal.signal(signal.SIGINT, _stop)
    from tinygrad_bp import cli

    signal.signal(signal.SIGINT, was)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
