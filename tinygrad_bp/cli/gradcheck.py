"""``tinygrad-bp gradcheck``: compare the gradients of a user's function with an oracle."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_bp.cli.arguments import Parser, integer
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import DONE, MISMATCH
from tinygrad_bp.cli.user_functions import DOMAIN, add_shapes, load_function, takes_nothing
from tinygrad_bp.engine.nodes import kept_leaves
from tinygrad_bp.errors import DataError, TinygradError
from tinygrad_bp.view import graph

EXAMPLE = """\
examples:
  tinygrad-bp gradcheck mymodel:loss --shape 3,4 --shape 4
      calls loss(x, b) of mymodel.py in this folder; exit code 1 if a gradient is wrong
  tinygrad-bp gradcheck numpy:log --shape 5 --domain 0.1 2 --order 3
  tinygrad-bp gradcheck mymodel:training_loss
      takes no arguments: the gradients of the Tensors that its result was computed from
"""
WIDER = (10.0, 100.0)  # what is drawn beside it: a slope may be wrong for large arguments alone
NEAR = 1e-6  # of a gradient's size, that finite differences may be off


def add(parser: Parser) -> None:
    """Add the options."""
    parser.add_argument(
        "function",
        metavar="MODULE:FUNCTION",
        help="takes arrays and returns one, or a number; or takes nothing, and returns a Tensor",
    )
    add_shapes(parser)
    parser.add_argument(
        "--domain",
        metavar=("LOW", "HIGH"),
        nargs=2,
        type=float,
        help="where the arguments are drawn (default: -2 2; first order also -100 100)",
    )
    parser.add_argument(
        "--order", metavar="N", type=integer(1), default=2, help="of derivatives (default: 2)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=integer(0), default=0, help="of the arguments (default: 0)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code.

    Raises
    ------
    DataError
        If the function cannot be had or called.
    """
    from tinygrad_bp import testing  # other commands start without it

    function = load_function(options.function)
    if not options.shape and takes_nothing(function):
        return _of_leaves(options.function, function, console)
    if not options.shape:
        raise DataError(f"{options.function}: takes arguments; give each a --shape, as --shape 3,4")
    low, high = options.domain or DOMAIN
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
        further = [] if options.domain else _further(function, options.shape, rng)
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
    console.report("\n".join([str(report), *further]))
    return DONE


def _of_leaves(name: str, function: Callable[[], Any], console: Console) -> int:
    """Check the gradients of what a function without arguments was computed from.

    Its recorded computation is run again with each element of a leaf moved.
    """
    try:
        with kept_leaves():
            view = graph(function(), values=True)
    except TinygradError:
        raise
    except Exception as error:
        raise DataError(f"{name} raised {type(error).__name__}: {error}") from error
    wrong = 0
    for check in view.checks:
        leaf = view.nodes[check.node]
        size = max([1.0, *map(abs, check.differences)])
        is_near = check.error <= NEAR * size
        wrong += not is_near
        said = "holds" if is_near else "is wrong"
        console.report(
            f"{leaf.name or f'leaf {leaf.id}'}: the gradient {said}; finite differences of the"
            f" recorded computation are {check.error:.2g} off at most, in"
            f" {len(check.differences)} entries"
        )
    for note in view.notes:
        console.note(note)
    if not view.checks:
        raise DataError(f"{name}: no gradient could be checked")
    return MISMATCH if wrong else DONE


def _further(function: Callable[..., Any], shapes: list[tuple[int, ...]], rng: Any) -> list[str]:
    """Check first derivatives at larger arguments of either sign; say where that could be done."""
    from tinygrad_bp import testing

    reached = 0.0
    for size in WIDER:
        arguments = [
            size * rng.uniform(0.3, 1.0, shape) * rng.choice([-1.0, 1.0], shape) for shape in shapes
        ]
        for sign in (1.0, -1.0):
            with suppress(testing.UncheckablePointError):  # nobody asked for these
                report = testing.check_grads(function, *[sign * x for x in arguments], order=1)
                reached = max(reached, *map(abs, report.domain or (0.0,)))
    return [f"to order 1 also at larger arguments, up to {reached:.3g} in size"] if reached else []
