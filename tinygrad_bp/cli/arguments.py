"""The command line's options and their help pages."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeAlias

from tinygrad_bp.cli import draw, explore, gradcheck, predict, train
from tinygrad_bp.data import GENERATORS
from tinygrad_bp.version import __version__

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

TRAIN_EXAMPLE = """\
examples:
  tinygrad-bp train
      the 2-5-5-1 network on the bundled penguins; results in runs/penguins
  tinygrad-bp train birds.csv --features wing_mm mass_g --label sex
      your own table: any two classes, any number of numeric columns; results in runs/birds
  tinygrad-bp train --data moons --seed 7 --json > moons.json
      generated data; one JSON object on standard output
"""
EXPLORE_EXAMPLE = """\
examples:
  tinygrad-bp explore
      train on the bundled penguins, and write explore.html: one page that needs no network
  tinygrad-bp explore --data xor --rows 8 --out xor.html
"""
GRAPH_EXAMPLE = """\
examples:
  tinygrad-bp graph mymodel:loss -o loss.svg
      calls loss() of mymodel.py in this folder, and draws what computed its result
  tinygrad-bp graph mymodel:loss -o one.svg --level scalar --focus "W3[0,2]"
"""
GRADCHECK_EXAMPLE = """\
examples:
  tinygrad-bp gradcheck mymodel:loss --shape 3,4 --shape 4
      calls loss(x, b) of mymodel.py in this folder; exit code 1 if a gradient is wrong
  tinygrad-bp gradcheck numpy:log --shape 5 --domain 0.1 2 --order 3
"""
PREDICT_EXAMPLE = """\
example:
  tinygrad-bp predict runs/penguins/model.safetensors new.csv --out probabilities.csv
      new.csv needs the columns that the model was trained on, in any order
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line.

    Returns
    -------
    argparse.ArgumentParser
        What it parses carries ``run(options, console)`` and ``fail(message)`` of the command.
    """
    parser = argparse.ArgumentParser(
        prog="tinygrad-bp",
        description="Train a small neural network on a table of two classes, and predict with it.",
        epilog="example:\n  tinygrad-bp train\n      then look into runs/penguins",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="{train,predict,explore,graph,gradcheck}", required=True
    )
    _add_train(commands)
    _add_predict(commands)
    _add_explore(commands)
    _add_graph(commands)
    _add_gradcheck(commands)
    return parser


def _add_train(commands: Commands) -> None:
    parser = _command(commands, "train", "train on a table of two classes", TRAIN_EXAMPLE)
    parser.set_defaults(run=train.run, fail=parser.error)
    _add_data(parser.add_argument_group("data"))
    _add_model(parser.add_argument_group("model and training"))
    _add_output(parser.add_argument_group("output"))


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument("file", metavar="FILE", nargs="?", help="a CSV file with a header line")
    group.add_argument(
        "--features", metavar="COLUMN", nargs="+", help="the numeric columns of FILE"
    )
    group.add_argument("--label", metavar="COLUMN", help="the column of FILE with the two classes")
    group.add_argument(
        "--drop-missing",
        action="store_true",
        help="leave out rows of FILE with an empty or NA value; without it they are faults",
    )
    names = (train.BUNDLED, *GENERATORS)
    group.add_argument(
        "--data",
        choices=names,
        metavar="NAME",
        help=f"instead of FILE: {', '.join(names)} (default: {train.BUNDLED}, real and bundled)",
    )
    group.add_argument(
        "--samples",
        metavar="N",
        type=_integer(2),
        help=f"how many samples --data generates (default: {train.SAMPLES})",
    )


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--hidden",
        metavar="N",
        nargs="*",
        type=_integer(1),
        default=[5, 5],
        help="units of each hidden layer (default: 5 5); no number at all: logistic regression",
    )
    group.add_argument("--epochs", metavar="N", type=_integer(1), help="train for N epochs at most")
    group.add_argument(
        "--seed",
        metavar="N",
        type=_integer(0),
        default=0,
        help="the same seed gives the same files, to the bit (default: 0)",
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--out", metavar="FOLDER", help="where to write; must be new (default: runs/NAME)"
    )
    group.add_argument(
        "--force", action="store_true", help="replace the results of an earlier run in FOLDER"
    )
    group.add_argument("--quiet", action="store_true", help="print errors only")
    group.add_argument(
        "--json", action="store_true", help="print one JSON object; all else goes to standard error"
    )


def _add_predict(commands: Commands) -> None:
    parser = _command(commands, "predict", "predict with a trained model", PREDICT_EXAMPLE)
    parser.set_defaults(run=predict.run, fail=parser.error)
    parser.add_argument("model", metavar="MODEL", help="model.safetensors, or the folder of a run")
    parser.add_argument("file", metavar="FILE", help="a CSV file with the columns of the model")
    parser.add_argument(
        "--out", metavar="FILE", help="where to write (default: standard output); must be new"
    )
    parser.add_argument("--force", action="store_true", help="replace the file named by --out")


def _add_explore(commands: Commands) -> None:
    what = "train, and write a page to step through the computation"
    parser = _command(commands, "explore", what, EXPLORE_EXAMPLE)
    parser.set_defaults(run=explore.run, fail=parser.error)
    _add_data(parser.add_argument_group("data"))
    _add_model(parser.add_argument_group("model and training"))
    group = parser.add_argument_group("output")
    group.add_argument(
        "--rows",
        metavar="N",
        type=_integer(1),
        default=explore.ROWS,
        help=f"samples in the computation that the page steps through (default: {explore.ROWS})",
    )
    group.add_argument(
        "--out",
        metavar="FILE",
        default=explore.PAGE,
        help=f"where to write; must be new (default: {explore.PAGE})",
    )
    group.add_argument("--force", action="store_true", help="replace the file named by --out")
    group.add_argument("--quiet", action="store_true", help="print errors only")


def _add_graph(commands: Commands) -> None:
    parser = _command(commands, "graph", "draw what a Python function computes", GRAPH_EXAMPLE)
    parser.set_defaults(run=draw.run, fail=parser.error)
    parser.add_argument(
        "function", metavar="MODULE:FUNCTION", help="takes no arguments and returns a Tensor"
    )
    parser.add_argument(
        "-o", "--out", metavar="FILE", required=True,
        help="must be new; its suffix says the form: .svg .png .pdf .dot .json .mmd .txt .html",
    )  # fmt: skip
    parser.add_argument(
        "--level", choices=("tensor", "scalar"), default="tensor", help="draw arrays, or elements"
    )
    parser.add_argument("--fold", metavar="N", type=_integer(0), help="fold parts nested deeper")
    parser.add_argument("--focus", metavar="NAME", help="a node to expand, or an element: W3[0,2]")
    parser.add_argument("--force", action="store_true", help="replace FILE; draw however large")


def _add_gradcheck(commands: Commands) -> None:
    what = "compare the gradients of a Python function with an independent oracle"
    parser = _command(commands, "gradcheck", what, GRADCHECK_EXAMPLE)
    parser.set_defaults(run=gradcheck.run, fail=parser.error)
    parser.add_argument(
        "function", metavar="MODULE:FUNCTION", help="takes arrays and returns one, or a number"
    )
    parser.add_argument(
        "--shape",
        metavar="N,N",
        type=gradcheck.shape,
        action="append",
        default=[],
        help="of an argument, one for each; '' is a number",
    )
    parser.add_argument(
        "--domain",
        metavar=("LOW", "HIGH"),
        nargs=2,
        type=float,
        default=(-2.0, 2.0),
        help="where the arguments are drawn (default: -2 2)",
    )
    parser.add_argument(
        "--order", metavar="N", type=_integer(1), default=2, help="of derivatives (default: 2)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=_integer(0), default=0, help="of the arguments (default: 0)"
    )


def _command(
    commands: Commands,
    name: str,
    what: str,
    example: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _integer(low: int) -> Callable[[str], int]:
    """Return a converter to integers of `low` or more; argparse shows what went wrong."""

    def convert(text: str) -> int:
        # int() also takes 1_000, blanks and other alphabets' digits; a limit keeps it linear
        number = int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else -1
        if number < low:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not an integer of {low} or more")
        return number

    return convert
