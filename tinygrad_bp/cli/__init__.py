"""The command ``tinygrad-bp``: train the small classifier on a table of two classes, and predict with it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from tinygrad_bp.cli.arguments import build_parser
from tinygrad_bp.cli.console import Console
from tinygrad_bp.errors import TinygradError

__all__ = ["main"]

BAD_INPUT = 2  # as argparse's usage errors
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
BROKEN_PIPE = 141  # 128 + SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the command's name; those of the process by default.

    Returns
    -------
    int
        The exit code: 0; 2 for bad input or usage, with nothing written; 130 after Ctrl-C, with the best model so
        far saved; 141 when the reader of the output went away.
    """
    console = Console()
    try:
        code = _dispatch(argv, console)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse printed a help page or a usage error
        return stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        console.error("interrupted before there was a model; nothing was written")
        return INTERRUPTED
    except (TinygradError, OSError) as error:
        console.error(str(error))
        return BAD_INPUT
    except MemoryError as error:
        console.error(f"not enough memory: {error or 'choose a smaller network or table'}")
        return BAD_INPUT
    return code


def _dispatch(argv: Sequence[str] | None, console: Console) -> int:
    options = build_parser().parse_args(argv)
    console.configure(options)
    # What matters is said in the command's own words: a row of NumPy's internals helps no one here.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        code: int = options.run(options, console)
    return code


def _discard_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not complain."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
