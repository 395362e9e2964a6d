"""Functions of the user's own, named on the command line."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.errors import DataError

DOMAIN = (-2.0, 2.0)  # where arguments are drawn
MOST = 10_000_000  # elements of one argument


def load_function(text: str) -> Callable[..., Any]:
    """Return the function that ``module:name`` names; modules of the working directory count.

    Raises
    ------
    DataError
        If there is no such thing, or its module cannot be imported.
    """
    module, _, name = text.partition(":")
    if not module or not name:
        raise DataError(f"{text!r:.60}: expected MODULE:FUNCTION, such as mymodel:loss")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    stem = module.removesuffix(".py").removeprefix("./").replace("/", ".")
    part = ".py" if module.endswith(".py") else "/"
    remedy = "" if stem == module else f"; a module has no {part}: write {stem}:{name}"
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise DataError(f"{text}: {error}{remedy}") from error
    except (Exception, SystemExit) as error:  # its exit code is not the command's
        raise DataError(
            f"{text}: importing {module} raised {type(error).__name__}: {error}{remedy}"
        ) from error
    if not callable(found):
        raise DataError(f"{text}: not a function but a {type(found).__name__}")
    return found  # type: ignore[no-any-return]  # it can be called


def takes_nothing(function: Callable[..., Any]) -> bool:
    """Return whether a function can be called without arguments, as far as that can be known."""
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return False
    return True


def arguments_of(function: Callable[..., Any], shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Return tracked Tensors of these shapes, called as the function's parameters are."""
    try:
        names = [*inspect.signature(function).parameters]
    except (TypeError, ValueError):  # of a function that is not Python's
        names = []
    names += [f"argument {i}" for i in range(len(names), len(shapes))]
    rng = np.random.default_rng(0)
    return [
        tensor(rng.uniform(*DOMAIN, shape), requires_grad=True, name=name)
        for name, shape in zip(names, shapes, strict=False)
    ]


def add_shapes(parser: argparse.ArgumentParser) -> None:
    """Add the option that says what arguments a function is to be called with."""
    parser.add_argument(
        "--shape",
        metavar="N,N",
        type=shape,
        action="append",
        default=[],
        help="of an argument, which is drawn at random; one for each; '' is a number",
    )


def shape(text: str) -> tuple[int, ...]:
    """Convert ``3,4`` to a shape; an empty text is that of a number.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is anything else.
    """
    if not text:
        return ()
    if not re.fullmatch(r"\d{1,8}(,\d{1,8})*,?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no shape such as 3,4")
    lengths = tuple(int(part) for part in text.rstrip(",").split(","))
    if np.prod(np.array(lengths, float)) > MOST:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} has more than {MOST} elements")
    return lengths
