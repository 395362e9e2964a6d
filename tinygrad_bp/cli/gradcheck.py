"""``tinygrad-bp gradcheck``: compare the gradients of a user's function with an oracle."""

from __future__ import annotations

import argparse
import re

import numpy as np

from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import DONE, MISMATCH
from tinygrad_bp.cli.user_functions import load_function
from tinygrad_bp.errors import DataError, TinygradError

MOST = 10_000_000  # elements of one argument


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code.

    Raises
    ------
    DataError
        If the function cannot be had or called.
    """
    from tinygrad_bp import testing  # other commands start without it

    function = load_function(options.function)
    low, high = options.domain
    if not np.isfinite([low, high, high - low]).all():
        raise DataError(
            f"--domain {low:g} {high:g}: two finite numbers are needed, not too far apart"
        )
    if not low < high:
        raise DataError(f"--domain {low:g} {high:g}: the second number must be the larger")
    rng = np.random.default_rng(options.seed)
    arguments = [rng.uniform(low, high, shape) for shape in options.shape]
    try:
        report = testing.check_grads(function, *arguments, order=options.order, seed=options.seed)
    except testing.GradientMismatch as mismatch:
        console.report(str(mismatch))
        return MISMATCH
    except (TinygradError, MemoryError):
        raise
    except Exception as error:
        raise DataError(
            f"{options.function} raised {type(error).__name__}: {error} (it was called with Tensors"
            f" of the shapes {', '.join(str(one) for one in options.shape) or 'none'})"
        ) from error
    console.report(str(report))
    return DONE


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
