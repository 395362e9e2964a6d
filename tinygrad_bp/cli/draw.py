"""``tinygrad-bp graph``: draw what a function of the user's own computes."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import BAD_INPUT, DONE
from tinygrad_bp.cli.user_functions import load_function
from tinygrad_bp.errors import DataError, GraphError, TinygradError
from tinygrad_bp.view import GraphView, graph


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    path = Path(options.out).absolute()  # now: the user's function may go to another folder
    if os.path.lexists(path) and not options.force:
        raise DataError(f"-o {options.out}: the file exists; choose another name, or --force")
    function = load_function(options.function)
    code = DONE
    try:
        out = function()
    except Exception as error:  # noqa: BLE001  # the user's code; what was recorded is drawn
        console.error(f"{options.function} raised {type(error).__name__}: {error}")
        view = _recorded_before(error)
        code = BAD_INPUT
    else:
        view = graph(out, level=options.level, focus=options.focus)
    _save(view, path, options)
    console.report(f"{len(view.nodes)} nodes, written to {options.out}")
    for note in view.notes:
        console.note(note)
    return code


def _recorded_before(error: Exception) -> GraphView:
    try:
        return graph(error)
    except GraphError as nothing:
        raise DataError("nothing is drawn: no operation was recorded before it") from nothing


def _save(view: GraphView, path: Path, options: argparse.Namespace) -> None:
    drawn = view if options.fold is None else view.folded(options.fold)
    try:
        drawn.save(path, force=options.force)
    except ValueError as error:
        if isinstance(error, TinygradError):
            raise
        options.fail(str(error))
