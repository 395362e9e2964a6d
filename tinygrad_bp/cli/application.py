"""The command from its arguments to its exit code: every error becomes a message."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NoReturn

import numpy as np

from tinygrad_bp.cli.arguments import CommandParser, Parser
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import BAD_INPUT, BROKEN_PIPE, INTERRUPTED
from tinygrad_bp.errors import DataError, TinygradError
from tinygrad_bp.version import __version__

COMMANDS = {  # as the help page lists them
    "train": "train on a table of classes or numbers",
    "predict": "predict with a trained model",
    "explore": "train, and write a page to step through the computation",
    "graph": "draw what a Python function computes",
    "explain": "derive the gradients of a Python function",
    "gradcheck": "compare the gradients of a Python function with an independent oracle",
    "doctor": "run a training script in plain NumPy under watch, and say why it does not learn",
    "launch": "run a training script as several ranks of MPI, which compute each step together",
}


def run(argv: Sequence[str] | None) -> int:
    """Carry out a command line; see `tinygrad_bp.cli.main`."""
    console = Console()
    try:
        code = _dispatch(argv, console)
        _flush(console)
    except SystemExit as stop:  # argparse printed a help page or a usage error
        code = stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:
        code = BROKEN_PIPE
    except KeyboardInterrupt:
        console.error("interrupted")
        code = INTERRUPTED
    except (TinygradError, OSError) as error:
        console.error(_described(error))
        code = BAD_INPUT
    except MemoryError as error:
        console.error(f"not enough memory: {error or 'choose a smaller network or table'}")
        code = BAD_INPUT
    _flush_or_discard(console)
    return code


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="tinygrad-bp",
        description="Train a small neural network on a table, and predict with it.",
        epilog="example:\n  tinygrad-bp train\n      then look into runs/penguins",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", parser_class=CommandParser
    )
    parser.set_defaults(run=None)
    for name, what in COMMANDS.items():
        commands.add_parser(name, load=partial(_module_of, name), help=what, what=what)
    return parser


def _module_of(command: str) -> Any:
    """Return the module of a command, which is imported here: all take as long as NumPy."""
    module: Any
    if command == "train":
        from tinygrad_bp.cli import train as module
    elif command == "predict":
        from tinygrad_bp.cli import predict as module
    elif command == "explore":
        from tinygrad_bp.cli import explore as module
    elif command == "graph":
        from tinygrad_bp.cli import draw as module
    elif command == "explain":
        from tinygrad_bp.cli import derive as module
    elif command == "gradcheck":
        from tinygrad_bp.cli import gradcheck as module
    elif command == "doctor":
        from tinygrad_bp.cli import doctor as module
    else:
        from tinygrad_bp.cli import launch as module
    return module


def _dispatch(argv: Sequence[str] | None, console: Console) -> int:
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.run is None:
        parser.print_help()
        return BAD_INPUT
    console.configure(options)
    # What matters is said in the command's own words: a row of NumPy's internals helps no one here.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with _exits_told(console):
            code: int = options.run(options, console)
    return code


@contextmanager
def _exits_told(console: Console) -> Iterator[None]:
    """Let no code of the user's end the command with an exit code of its own, as by success."""
    leave, own = os._exit, os.getpid()

    def told(status: int) -> NoReturn:
        if os.getpid() == own:  # a child ends in this way by right
            console.error(f"what was run called os._exit({status!r}): nothing is decided")
            status = BAD_INPUT
        leave(status)

    setattr(os, "_exit", told)  # noqa: B010  # a name of the module's own
    try:
        yield
    except SystemExit as stop:
        if stop.code == BAD_INPUT:  # a usage error, which has been said
            raise
        raise DataError(
            f"what was run called sys.exit({stop.code!r}): nothing is decided"
        ) from stop
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise DataError(f"what was run raised {type(error).__name__}: {error}") from error
    finally:
        setattr(os, "_exit", leave)  # noqa: B010


def _described(error: Exception) -> str:
    """Return what an error says, without the number that the system gives it."""
    if isinstance(error, OSError) and error.strerror:
        where = "standard output" if error.filename is None else os.fspath(error.filename)
        return f"{where}: {error.strerror}"
    return str(error)


def _flush(console: Console) -> None:
    if console.output is not None:  # None after the shell's >&-
        console.output.flush()


def _flush_or_discard(console: Console) -> None:
    """Flush standard output; if that fails point it at nothing, so that Python's end is silent."""
    try:
        _flush(console)
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, sys.stdout.fileno())
            os.close(nothing)
