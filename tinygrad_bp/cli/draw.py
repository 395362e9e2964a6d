"""``tinygrad-bp graph``: draw what a function of the user's own computes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinygrad_bp.cli.arguments import Parser, integer
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import BAD_INPUT, DONE
from tinygrad_bp.cli.user_functions import add_shapes, arguments_of, load_function
from tinygrad_bp.engine.nodes import kept_leaves
from tinygrad_bp.errors import DataError, GraphError, TinygradError
from tinygrad_bp.view import GraphView, graph

EXAMPLE = """\
examples:
  tinygrad-bp graph mymodel:loss -o loss.svg
      calls loss() of mymodel.py in this folder, and draws what computed its result
  tinygrad-bp graph mymodel:loss -o one.svg --level scalar --focus "W3[0,2]"
  tinygrad-bp graph mymodel:network --shape 4,2 -o network.svg
      calls network(x) with a Tensor of random numbers
"""


def add(parser: Parser) -> None:
    """Add the options."""
    parser.add_argument(
        "function", metavar="MODULE:FUNCTION", help="returns a Tensor; takes nothing, or Tensors"
    )
    add_shapes(parser)
    parser.add_argument(
        "-o", "--out", metavar="FILE", required=True,
        help="must be new; its suffix says the form: .svg .png .pdf .dot .json .mmd .txt .html",
    )  # fmt: skip
    parser.add_argument(
        "--level", choices=("tensor", "scalar"), default="tensor", help="draw arrays, or elements"
    )
    parser.add_argument("--fold", metavar="N", type=integer(0), help="fold parts nested deeper")
    parser.add_argument(
        "--unfold", metavar="NAME", action="append", default=[],
        help="leave a part open that is folded: decoder, or 'repeated x20'; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--width", metavar="N", type=integer(100), help="pixels across: 360 for a phone"
    )
    parser.add_argument("--focus", metavar="NAME", help="a node to expand, or an element: W3[0,2]")
    parser.add_argument("--force", action="store_true", help="replace FILE; draw however large")


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    path = Path(options.out).absolute()  # now: the user's function may go to another folder
    if os.path.lexists(path) and not options.force:
        raise DataError(f"-o {options.out}: the file exists; choose another name, or --force")
    level, focus = options.level, options.focus
    view, code = computation_of(options.function, options.shape, console, level=level, focus=focus)
    _save(view, path, options)
    console.report(f"{len(view.nodes)} nodes, written to {options.out}")
    for note in view.notes:
        console.note(note)
    return code


def computation_of(
    name: str, shapes: Sequence[tuple[int, ...]], console: Console, **options: Any
) -> tuple[GraphView, int]:
    """Call the function ``module:name``; return the graph of its result, and an exit code.

    It is called with Tensors of these shapes.  If it raises, that is said, and the graph is of what
    was recorded before.
    """
    function = load_function(name)
    with kept_leaves():
        try:
            out = function(*arguments_of(function, shapes))
        except (Exception, SystemExit) as error:  # noqa: BLE001  # what was recorded is drawn
            console.error(f"{name} raised {type(error).__name__}: {error}")
            return _recorded_before(error), BAD_INPUT
        return graph(out, **options), DONE


def _recorded_before(error: BaseException) -> GraphView:
    try:
        return graph(error)
    except GraphError as nothing:
        raise DataError(
            "nothing is drawn: no operation was recorded before it; what needs arguments needs a"
            " --shape for each"
        ) from nothing


def _save(view: GraphView, path: Path, options: argparse.Namespace) -> None:
    try:
        if options.fold is not None or options.unfold:
            view = view.folded(options.fold, unfold=options.unfold)
        view.save(path, force=options.force, width=options.width)
    except ValueError as error:
        if isinstance(error, TinygradError):
            raise
        options.fail(str(error))
