"""``tinygrad-bp explain``: derive the gradients of what a function of the user's own computes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from tinygrad_bp.cli.arguments import Parser
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import DONE
from tinygrad_bp.cli.user_functions import load_function
from tinygrad_bp.derivations import Explanation, explain
from tinygrad_bp.errors import DataError, TinygradError
from tinygrad_bp.files.atomic import atomic_write_text

EXAMPLE = """\
examples:
  tinygrad-bp explain mymodel:loss
      calls loss() of mymodel.py in this folder, and derives the gradients of its result
  tinygrad-bp explain mymodel:loss --element "W3[2,0]" -o loss.html
  tinygrad-bp explain mymodel:loss -o by_hand.py
      the forward and the backward pass as a NumPy program
"""
FORMS: dict[str, Callable[[Explanation], str]] = {
    ".html": Explanation.to_html, ".md": Explanation.to_markdown, ".tex": Explanation.to_latex,
    ".txt": str, ".py": Explanation.numpy,
}  # fmt: skip


def add(parser: Parser) -> None:
    """Add the options."""
    parser.add_argument(
        "function", metavar="MODULE:FUNCTION", help="takes no arguments and returns a Tensor"
    )
    parser.add_argument(
        "--wrt", metavar="NAME", action="append", help="derive the gradient by this one; repeatable"
    )
    parser.add_argument("--element", metavar="NAME[I,J]", help="an element to look at: W3[2,0]")
    parser.add_argument(
        "-o", "--out", metavar="FILE",
        help=f"must be new; its suffix says the form: {' '.join(FORMS)} (default: print text)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace FILE")


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    path = None if options.out is None else Path(options.out).absolute()
    form: Callable[[Explanation], str] = str
    if path is not None:
        if path.suffix.lower() not in FORMS:
            options.fail(f"-o {options.out}: the name ends in one of {', '.join(FORMS)}")
        if os.path.lexists(path) and not options.force:
            raise DataError(f"-o {options.out}: the file exists; choose another name, or --force")
        form = FORMS[path.suffix.lower()]
    function = load_function(options.function)
    try:
        out, names = called(function)
    except (Exception, SystemExit) as error:
        if isinstance(error, TinygradError):
            raise
        raise DataError(f"{options.function} raised {type(error).__name__}: {error}") from error
    text = form(explain(out, options.wrt, options.element, names=names))
    if path is None:
        console.report(text.rstrip("\n"))
    else:
        atomic_write_text(path, text)
        console.report(f"written to {options.out}")
    return DONE


def called(function: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """Return what a function gives, and its variables when it returned: its names for values."""
    code = getattr(function, "__code__", None)
    found: dict[str, Any] = {}

    def watch(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        out = function()
    finally:
        sys.setprofile(before)
    return out, {**getattr(function, "__globals__", {}), **found}
