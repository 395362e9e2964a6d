"""Values that leave the graph by `.numpy()`, `.item()` and `.tolist()`, and what is lost by it.

Anyone may look at a number.  But where a function under a transform computes on with it, its path
has no derivative, and a gradient of 0 would not tell.  So a transform collects what its function
reads, and judges it by the result: an error where nothing else leads to it, a warning where
something that is no Tensor came in afterwards.
"""

from __future__ import annotations

import functools
import linecache
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.memory import read_only
from tinygrad_bp.engine.nodes import Node, Variable, ancestors, tick
from tinygrad_bp.engine.tensor import Tensor, method
from tinygrad_bp.errors import GraphError, users_frame, warn_at

# Functions that are constant between steps: what they give has no derivative to lose.
STEPS = ("arg", "is", "searchsorted", "digitize", "sign", "floor", "ceil", "print")
NUMBERS = {"float", "int", "complex", "eval", "Decimal", "Fraction"}  # they read a text
KEEPING = {"append", "add", "extend", "insert", "update", "setdefault"}  # methods of containers
REMEDY = "compute with the Tensor itself; .detach() says that a constant is meant"


class Read(NamedTuple):
    """One value that was read out: of which node, how and when, and by which instruction."""

    node: Node
    what: str
    time: int
    code: CodeType
    instruction: int
    line: int
    registry: dict[Any, Any]

    def __str__(self) -> str:
        file = self.code.co_filename
        source = linecache.getline(file, self.line).strip()
        return f"{file}:{self.line}{source and f': {source}'}"


_reads: ContextVar[list[Read] | None] = ContextVar("_reads", default=None)


def _note(tensor: Tensor, what: str) -> None:
    reads = _reads.get()
    if reads is not None and tensor._node is not None:
        frame = users_frame()
        registry = frame.f_globals.setdefault("__warningregistry__", {})
        place = frame.f_code, frame.f_lasti, frame.f_lineno
        reads.append(Read(tensor._node, what, tick(), *place, registry))


def numpy(self: Tensor) -> Any:
    """Return the value as a read-only array; no copy.  A Dask or CuPy value stays one."""
    if self._node is not None:
        _note(self, ".numpy()")
    value = self._value
    return read_only(np.asarray(value) if isinstance(value, np.generic) else value)


def item(self: Tensor, *args: Any) -> Any:
    """Return the only element, or the one at a place, as a Python number.

    Parameters
    ----------
    *args : int
        The place, as `numpy.ndarray.item` takes it; none for the only element.
    """
    if self._node is not None:
        _note(self, ".item()")
    return self._value.item(*args)


def tolist(self: Tensor) -> Any:
    """Return the value as nested lists of Python numbers."""
    if self._node is not None:
        _note(self, ".tolist()")
    return self._value.tolist()


def formatted(self: Tensor, spec: str) -> str:
    """Return what `format` and f-strings show: of one element with a format, the number."""
    if not spec:
        return repr(self)
    if self.size != 1:
        raise TypeError(
            f"format {spec!r}: only one element has a number format, the shape is {self.shape}"
        )
    if self._node is not None:
        _note(self, f"the format {spec!r}")
    return format(self._value.item(), spec)


method("numpy", numpy)
method("item", item)
method("tolist", tolist)
method("__format__", formatted)


def watched(f: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[Read]]:
    """Call `f`; return its result, and what it read out."""
    before = _reads.get()
    reads: list[Read] = []
    try:
        _reads.set(reads)
        return f(*args, **kwargs), reads
    finally:
        _reads.set(before)


def judge(name: str, reads: Iterable[Read], result: Any, variables: Iterable[Node]) -> None:
    """Tell of derivatives that a function lost where it read values out.

    Parameters
    ----------
    name : str
        Of the transform, for messages.
    reads : iterable of Read
        What the function read.
    result
        What it returned.
    variables : iterable of Node
        What is differentiated by.

    Raises
    ------
    GraphError
        If the result depends on no variable, and a value that does was read out.
    """
    kept = [read for read in reads if not _looks_only(read.code, read.instruction)]
    if not kept:
        return
    variables = set(variables)
    floor = min([node.index for node in variables], default=0)
    dependent = _dependents([read.node for read in kept], variables, floor)
    mine = [read for read in kept if read.node in dependent]
    outer = _reads.get()
    if outer is not None:  # for the transform around this one
        outer.extend(read for read in kept if read.node not in dependent)
    if not mine:
        return
    outputs, _ = flatten(result)
    roots = [one._node for one in outputs if isinstance(one, Tensor) and one._node is not None]
    order = ancestors(*roots, floor=floor)
    if variables.isdisjoint(order):
        raise GraphError(
            f"{name}: the result does not depend on what it is differentiated by, since"
            f" {mine[0].what} took the value out of the graph at {mine[0]}; {REMEDY}"
        )
    constant = any(not isinstance(one, Tensor) and _is_number(one) for one in outputs)
    times = [node.index for node in order if None in node.parents]
    last = max(times, default=-1)
    for read in mine:
        if constant or last > read.time:
            warn_at(
                f"{name}: {read.what} takes a value out of the graph, and what is computed from it"
                f" adds nothing to the derivative; {REMEDY}",
                (read.code.co_filename, read.line, read.registry),
            )


def _dependents(nodes: Sequence[Node], variables: set[Node], floor: int) -> set[Node]:
    """Return what depends on a variable, or on one of a function that is checkpointed inside."""
    found: set[Node] = set()
    for one in reversed(ancestors(*nodes, floor=floor)):
        if one in variables or type(one) is Variable or not found.isdisjoint(one.parents):
            found.add(one)
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex, np.ndarray, np.generic))


@functools.lru_cache(maxsize=1024)
def _looks_only(code: CodeType, instruction: int) -> bool:
    """Whether what an instruction reads is shown, or decides, and is not computed with.

    Without the source it may be anything.
    """
    import ast  # it is slow to import, and few functions read anything

    first, last, start, end = list(code.co_positions())[instruction // 2]
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return False
    around = [
        one
        for one in ast.walk(tree)
        if isinstance(one, (ast.expr, ast.stmt))
        and (one.lineno, one.col_offset) <= (first or 0, start or 0)
        and (last or 0, end or 0) <= (one.end_lineno or 0, one.end_col_offset or 0)
    ]
    inner: Any = None
    text = False
    for one in reversed(around):  # from the inside out
        text = text or isinstance(one, ast.JoinedStr)
        match one:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if name.startswith(STEPS):
                    return True
                if (text and name in NUMBERS) or name in KEEPING:
                    return False
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) if test is inner:
                return True
            case ast.Compare() | ast.Assert() | ast.Raise() | ast.Expr():
                return True
            case ast.stmt() | ast.Lambda():
                return text
        inner = one
    return False
