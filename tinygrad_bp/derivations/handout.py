"""The source of an explanation as one hands it out: its names, its comments, its lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_bp.programs.instructions import Instruction, Ref, renewed, replaced
from tinygrad_bp.programs.naming import identifier
from tinygrad_bp.programs.program import Program
from tinygrad_bp.programs.source import COLUMN

LONGEST = 96  # characters of a line
AS_ARRAY = {"getitem", "part", "transpose", "astype"}  # written `x[0]`, `x.T`
GUARDED = "What ties, infinities and NaN would need is left out."


def handed_out(
    own: Program, labels: Sequence[str], start: Any, *, guarded: bool
) -> tuple[str, Program]:
    """Return the source of a program, and the program with the names that it has there.

    Parameters
    ----------
    own : Program
        Its last parameter is the gradient that the backward pass begins with, of ones.
    labels : sequence of str
        What is returned: the value, and ``dW`` for the gradient by W.
    start : array
        That gradient.
    guarded : bool
        Whether anything was left out that other values may need.
    """
    own = _returned(_told(own), labels)
    lines = _lines(own, labels, start, guarded=guarded)
    return "\n".join(part for line in lines for part in _wrapped(line)), own


def _renamed(own: Program, new: dict[str, str]) -> Program:
    def renamed(ref: Ref) -> Ref:
        return Ref(new.get(ref.name, ref.name))

    instructions = [
        renewed(one, renamed, name=new.get(one.name, one.name)) for one in own.instructions
    ]
    return replace(own, instructions=tuple(instructions), outputs=replaced(own.outputs, renamed))


def _returned(own: Program, labels: Sequence[str]) -> Program:
    """Return a program in which gradients that it returns are called so."""
    new: dict[str, str] = {}
    for label, ref in zip(labels[1:], own.outputs[1:], strict=True):
        if type(ref) is Ref and ref.name.startswith("_"):
            new.setdefault(ref.name, f"d_{identifier(label[1:])}")
    taken = set(own.types) | set(own.parameters)
    return _renamed(own, {old: name for old, name in new.items() if name not in taken})


def _told(own: Program) -> Program:
    """Return a program in which parts are called after what they are parts of.

    The terms of a sum or a mean with a name are its terms; what is added up to a gradient, its
    parts: ``d_z_1`` and ``d_z_2``.
    """
    makers = {one.name: one for one in own.instructions}
    uses = own.uses
    new: dict[str, str] = {}
    for one in own.instructions:
        if one.name.startswith("_"):
            continue
        first = one.refs[0] if one.op in ("sum", "mean") and one.refs else ""
        if first.startswith("_") and first in makers:
            new.setdefault(first, f"_{one.name}_terms")
        elif one.op == "add" and one.name.startswith("d_"):
            parts = [x for x in _parts(one, makers, uses) if x.startswith("_")]
            new |= {part: f"_{one.name}_part_{k}" for k, part in enumerate(parts, 1)}
    return _renamed(own, new)


def _parts(one: Instruction, makers: dict[str, Instruction], uses: dict[str, int]) -> Iterator[str]:
    """Yield the names of what is added up."""
    for name in one.refs:
        inner = makers.get(name)
        if inner is not None and inner.op == "add" and name.startswith("_") and uses[name] == 1:
            yield from _parts(inner, makers, uses)
        else:
            yield name


def _lines(own: Program, labels: Sequence[str], start: Any, *, guarded: bool) -> Iterator[str]:
    """Yield the lines of the source, with what it is and where the backward pass begins."""
    end = identifier(labels[0])
    lines = own.numpy().split("\n")
    begin = lines.index(f"def {own.name}(")
    close = lines.index("):", begin)
    made = (k for k in range(close, len(lines)) if lines[k].startswith(f"    {end} = "))
    last = next(made, close)
    yield from lines[: close - 1]  # without the parameter that it begins with
    yield lines[close]
    yield from _head(end, labels[1:], guarded=guarded)
    if last > close:
        yield "    # forward"
        yield from lines[close + 1 : last + 1]
    first, rest = own.parameters[-1], lines[last + 1 :]
    ones = _ones(np.asarray(start), number=not _is_asked(own, first))
    yield "    # backward: d_x has the shape of x"
    yield f"{f'    {first} = {ones}':<{COLUMN}}  # the gradient of {end} by itself"
    yield from rest


def _is_asked(own: Program, name: str) -> bool:
    """Whether something that depends on a scalar, or that itself, is read as only arrays are."""
    depends = {name}
    for one in own.instructions:
        if not depends.isdisjoint(one.refs):
            depends.add(one.name)
            kind = own.types.get(getattr(one.operands[0], "name", ""))
            if one.op in AS_ARRAY and getattr(kind, "shape", None) == ():
                return True
    return False


def _ones(start: Any, *, number: bool) -> str:
    """Return what makes the gradient of a result by itself: a number, if that will do."""
    if number and not start.ndim:
        return "1.0"
    dtype = "" if start.dtype == np.float64 else f", np.{start.dtype.name}"
    return f"np.ones({start.shape}{dtype})"


def _head(end: str, found: Sequence[str], *, guarded: bool) -> Iterator[str]:
    told = ", ".join(f"d_{identifier(one[1:])}" for one in found)
    head = f'    """Return {end}, and its gradients {told}.'
    if len(head) > LONGEST:
        head = f'    """Return {end}, and its gradients by the arguments.'
    yield from (head, "", f"    {GUARDED}", '    """') if guarded else (f'{head}"""',)


def _wrapped(line: str) -> Iterator[str]:
    """Yield a line as several, if it is long, as a formatter does."""
    code, mark, comment = line.partition("  # ")
    code = code.rstrip()
    span = None if len(code) <= LONGEST else _items(code)
    if span is None and code.startswith("    return ") and len(code) > LONGEST:
        code = f"    return ({code.removeprefix('    return ')})"
        span = _items(code)
    if span is None:
        yield line
        return
    first, items, rest = span
    indent = " " * (len(code) - len(code.lstrip()) + 4)
    yield first
    told = indent
    for item in items:
        if len(told) + len(item) > LONGEST and told.strip():
            yield told.rstrip()
            told = indent
        if len(indent) + len(item) > LONGEST:
            *lines, last = _wrapped(f"{indent}{item}")
            yield from lines
            told = last
        else:
            told += item
        told += ", "
    yield told.rstrip()
    yield f"{indent[4:]}{rest}{mark}{comment}"


def _items(code: str) -> tuple[str, list[str], str] | None:
    """Return a line as what stands before, in and behind the brackets that it ends with.

    The outermost of these that hold several items are taken; None if there are none.
    """
    stack: list[tuple[int, list[int]]] = []
    closed: dict[int, tuple[int, list[int]]] = {}  # where brackets open, and their commas
    for k, mark in enumerate(code):
        if mark in "([":
            stack.append((k, []))
        elif mark in ")]":
            at, commas = stack.pop()
            closed[at] = k, commas
        elif mark == "," and stack:
            stack[-1][1].append(k)
    for at, (end, commas) in sorted(closed.items()):
        if commas and not code[end:].strip(")]"):
            edges = [at, *commas, end]
            items = [code[a + 1 : b].strip() for a, b in pairwise(edges)]
            return code[: at + 1], items, code[end:]
    return None
