"""Parts of a command line: a command with its help page, and the kinds of values of its options."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, TypeAlias

Group: TypeAlias = "argparse._ArgumentGroup"

# What `float` reads with a minus before it; argparse knows no exponents, and takes -1e-3 for an
# option.
NEGATIVE = re.compile(r"-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|-(inf|infinity|nan)$", re.IGNORECASE)


class Parser(argparse.ArgumentParser):
    """A parser, of a command too, that takes every negative number for a value."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options
        )
        self._negative_number_matcher = NEGATIVE

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, or end with the usage of this very command: argparse shows the whole line's."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        for action in self._actions:  # older Pythons make an empty list of --out=--
            if action.nargs is None and vars(found).get(action.dest) == [] != action.default:
                self.error(f"argument {'/'.join(action.option_strings)}: expected one argument")
        return found, unknown


class CommandParser(Parser):
    """The parser of a command, whose module is loaded when its arguments are there to be read.

    What is parsed carries ``run(options, console)`` and ``fail(message)``.
    """

    def __init__(self, *, load: Callable[[], Any], what: str, **options: Any) -> None:
        super().__init__(description=f"{what[0].upper()}{what[1:]}.", **options)
        self._load = load

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse by the options of the command's module."""
        if self.epilog is None:
            module = self._load()
            self.epilog = module.EXAMPLE
            self.set_defaults(run=module.run, fail=self.error)
            module.add(self)
        return super().parse_known_args(args, namespace)


def integer(low: int) -> Callable[[str], int]:
    """Return a converter to integers of `low` or more; argparse shows what went wrong."""

    def convert(text: str) -> int:
        # int() also takes 1_000, blanks and other alphabets' digits; a limit keeps it linear
        number = int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else -1
        if number < low:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not an integer of {low} or more")
        return number

    return convert
