"""Tables of a network's layers: what each gives, and how many numbers it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.modes import no_grad
from tinygrad_bp.engine.scopes import scope
from tinygrad_bp.engine.tensor import Tensor

# Who is told of every module that is called within a scope, and of what it returns.
observer: ContextVar[Callable[[Any, Any], Any] | None] = ContextVar("observer", default=None)

RIGHT = "text-align:right"
HEAD = ("layer", "output", "parameters", "bytes")


class Row(NamedTuple):
    """A layer.

    Attributes
    ----------
    depth : int
        How many modules it is inside of.
    layer, output : str
        Its place and class, and the shape that it gave; empty if it was not called.
    parameters, bytes : int
        Numbers that are trained, and bytes of all numbers that it holds.  What is in two layers
        counts in both, and once in what holds these.
    """

    depth: int
    layer: str
    output: str
    parameters: int
    bytes: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        return (
            "  " * self.depth + self.layer,
            self.output,
            f"{self.parameters:,}",
            f"{self.bytes:,}",
        )


class Summary:
    """The layers of a network, in the order of definition; notebooks show it as a table.

    Attributes
    ----------
    rows : tuple of Row
        The network itself comes first.
    """

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self.rows = rows

    def __str__(self) -> str:
        table = [HEAD, *(row.cells for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for layer, output, *numbers in table:
            right = [one.rjust(n) for one, n in zip(numbers, widths[2:], strict=True)]
            lines.append("  ".join([layer.ljust(widths[0]), output.ljust(widths[1]), *right]))
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape  # a millisecond, which is a notebook's to spend

        called = any(row.output for row in self.rows)
        shown = [k for k, word in enumerate(HEAD) if called or word != "output"]
        head = "".join(f"<th>{HEAD[k]}</th>" for k in shown)
        lines = []
        for row in self.rows:
            left = f"text-align:left;padding-left:{0.5 + 1.5 * row.depth}em"
            styles = (left, "text-align:left", RIGHT, RIGHT)
            cells = [f'<td style="{styles[k]}">{escape(row.cells[k].strip())}</td>' for k in shown]
            lines.append(f"<tr>{''.join(cells)}</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def listed(module: Any, outputs: Mapping[int, str] | None = None) -> Summary:
    """Return the layers of `module`, with what each gave, if that is known."""
    named = list(module.named_modules())
    return Summary(tuple(_row(name, one, named, outputs or {}) for name, one in named))


@contextmanager
def modes_restored(module: Any) -> Iterator[None]:
    """Within it modules may be trained or not; after it each is as it was before."""
    modes = [(one, one.training) for _, one in module.named_modules()]
    try:
        yield
    finally:
        for one, mode in modes:
            one.training = mode


def summarized(module: Any, sample: Any) -> Summary:
    """Call `module` once, as after the training, and return what its layers gave."""
    if isinstance(sample, tuple) and sample and all(type(n) is int for n in sample):
        raise TypeError(
            f"summary: the sample is {sample}; expected arrays, as np.zeros({sample}) of that shape"
        )
    outputs: dict[int, str] = {}
    token = observer.set(lambda one, out: outputs.setdefault(id(one), _shapes(out)))
    try:
        with modes_restored(module), no_grad(), scope("summary"):
            module.eval()
            module(*sample) if isinstance(sample, tuple) else module(sample)
    finally:
        observer.reset(token)
    return listed(module, outputs)


def _row(name: str, module: Any, named: list[tuple[str, Any]], outputs: Mapping[int, str]) -> Row:
    around = [outer for outer, _ in named if outer != name and _within(name, outer)]
    place = name.removeprefix(max(around, key=len)).lstrip(".") if around else ""
    kind = type(module).__name__
    return Row(
        depth=len(around),
        layer=f"{place.removeprefix('layers.')}: {kind}" if place else kind,
        output=outputs.get(id(module), ""),
        parameters=sum(p.size for p in module.parameters()),
        bytes=sum(array.nbytes for array in module.state().values()),
    )


def _within(name: str, outer: str) -> bool:
    return not outer or name.startswith(f"{outer}.")


def _shapes(out: Array) -> str:
    found = [str(one.shape) for one in flatten(out)[0] if hasattr(one, "shape")]
    return ", ".join(found)


def described(value: Array) -> str:
    """Return an attribute of a module in a line, or in lines further in."""
    if isinstance(value, Tensor):
        return f"Tensor {value.shape} {value.dtype}"
    if isinstance(value, (list, tuple)):
        opening, closing = "[]" if isinstance(value, list) else "()"
        return opening + ", ".join(map(described, value)) + closing
    return repr(value).replace("\n", "\n  ")
