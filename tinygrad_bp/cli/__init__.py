"""The command ``tinygrad-bp``: train a small network on a table, and predict with it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from tinygrad_bp.cli.exit_codes import INTERRUPTED

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the command's name; by default those of the process, which then is
        about to end and ignores Ctrl-C from here on.

    Returns
    -------
    int
        The exit code: 0; 1 for a gradient that is wrong; 2 for bad input or usage, with nothing
        written, and for a place that cannot be written to; 130 after Ctrl-C, with the best model so
        far saved; 141 when the reader of the output went away.
    """
    try:
        # now, not above: the imports take most of the start, and Ctrl-C may come in between
        from tinygrad_bp.cli.application import run

        code = run(argv)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = INTERRUPTED
    if argv is None:
        with suppress(ValueError):  # not the main thread, which alone may set this
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's end would show a traceback
    return code
