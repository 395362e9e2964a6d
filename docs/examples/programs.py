"""What of the rules becomes a program, and what is refused: the lists of program.md.

Every row of the rule table and every composition is traced, with its first and second derivative.

    python docs/examples/programs.py           print the lists
    python docs/examples/programs.py --write   write them into the page
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.rule import COMPOSED, TABLE
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.calling import is_opaque
from tinygrad_bp.programs.from_function import traced
from tinygrad_bp.rules import fill_table, fill_table_from_scipy
from tinygrad_bp.testing.samples import Form, default_samples

with suppress(ImportError):
    import scipy.special  # noqa: F401  # with it, its functions are in the table

PAGE = Path(__file__).parents[1] / "program.md"
BEGIN, END = "<!-- the lists, by docs/examples/programs.py -->", "<!-- the end of the lists -->"


def forms() -> Iterator[Form]:
    """Yield every call that the generic tests make."""
    fill_table()
    fill_table_from_scipy()
    for rule in [*TABLE.values()]:
        if not rule.trial.elsewhere:
            yield from (Form(rule, one) for one in rule.trial.samples or default_samples(rule))
    for composition in COMPOSED.values():
        yield from (Form(composition, one) for one in composition.trial.samples)


def shown(form: Form) -> str:
    """Return the name of a function, with its module where NumPy itself is none."""
    function: Any = form.rule.function
    space = getattr(function, "__module__", None) or ""
    space = re.sub(r"\b_(\w+)_impl$", r"\1", space)  # an older NumPy told where it was written
    name = form.rule.name
    return f"{space.removeprefix('numpy.')}.{name}" if space.startswith("numpy.") else name


def reason(error: TraceError) -> str:
    """Return in a few words why a function is refused."""
    said = str(error).split(", at ", maxsplit=1)[0]
    head, depends, _ = said.partition(": whether it gives")
    if depends or said.endswith("depends on values"):
        return f"what `{head.split(': it gives')[0].rpartition(': ')[2]}` gives depends on values"
    return f"asks for {said.partition('asked for ')[2].partition(',')[0]}"


def derivatives(form: Form) -> Any:
    """Return what computes the values of a call, and derivatives of them."""

    def both(*arrays: Any) -> Any:
        leaves = [tg.tensor(x, requires_grad=True) for x in arrays]
        results, _ = flatten(form.rule.function(*form.arguments(leaves), **form.sample.kwargs))
        tracked = [one for one in results if isinstance(one, tg.Tensor) and one.requires_grad]
        weights = [np.ones_like(one._value) for one in tracked]
        first = tg.gradients(tracked, leaves, weights, create_graph=True) if tracked else []
        slope = sum((np.sum(np.real(one)) for one in first), np.float64(0.0))
        second = tg.gradients(slope, leaves) if getattr(slope, "requires_grad", False) else []
        return [*results, *first, *second]

    return both


def found() -> tuple[set[str], dict[str, str]]:
    """Return the opaque functions, and what is refused with the reason."""
    opaque: set[str] = set()
    refused: dict[str, str] = {}
    for form in forms():
        low, high = zip(
            *(form.rule.trial.interval(i) for i in range(len(form.shapes))), strict=True
        )
        arrays = [
            np.full(shape, (a + b) / 2)[()]
            for shape, a, b in zip(form.shapes, low, high, strict=True)
        ]
        try:
            program = traced(derivatives(form), *arrays)
        except TraceError as error:
            refused.setdefault(shown(form), reason(error))
        else:
            opaque |= {one.op for one in program.instructions if is_opaque(one.op)}
    return opaque, refused


def joined(refused: dict[str, str], why: str) -> str:
    """Return the functions that are refused for one reason."""
    return ", ".join(f"`{one}`" for one in sorted(refused) if refused[one] == why)


def lists() -> str:
    """Return the lists."""
    opaque, refused = found()
    numpys = sorted(op for op in opaque if not op.startswith("scipy."))
    scipys = sorted(op.rpartition(".")[2] for op in opaque if op.startswith("scipy."))
    return "\n".join(
        [
            BEGIN,
            "",
            f"**Called whole**, {len(opaque)} functions. Of NumPy:",
            f"{', '.join(f'`{one}`' for one in numpys)}.",
            f"Of `scipy.special`: {', '.join(f'`{one}`' for one in scipys)}.",
            "",
            f"**Refused**, in some calls at least, {len(refused)} functions:",
            "",
            "| why | functions |",
            "|---|---|",
            *(f"| {why} | {joined(refused, why)} |" for why in sorted({*refused.values()})),
            "",
            END,
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What becomes a program.")
    parser.add_argument("--write", action="store_true", help="write the lists into the page")
    text = lists()
    if parser.parse_args().write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        PAGE.write_text(before + text + rest.split(END)[1], encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
