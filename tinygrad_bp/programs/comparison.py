"""Two traces of one function, side by side: what is the same in both, and which numbers differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.programs.instructions import (
    Instruction,
    Operand,
    Ref,
    Type,
    is_number,
    renewed,
    replaced,
)
from tinygrad_bp.programs.literals import written
from tinygrad_bp.programs.program import Program

PLAIN = frozenset({Ref, str, bool, type(None)})  # kinds of operands that are compared as they are


class Different(Exception):  # noqa: N818  # an answer, no fault
    """Two traces are not of one family; the text says in what they differ, and where."""


class Entry(NamedTuple):
    """An input, an instruction, or the outputs, as it is compared.

    Attributes
    ----------
    name : str
        Of the value; empty for the outputs.
    form : tuple
        All that may not differ, with a mark for each number.
    numbers : list
        The numbers, those of the type first, and the constants.
    place : str
        For messages.
    """

    name: str
    form: Any
    numbers: list[Any]
    place: str


def entries(program: Program) -> list[Entry]:
    """Return all that a program consists of, in order."""
    known = vars(program)  # asked again and again of a program that never changes
    if "_entries" not in known:
        known["_entries"] = list(_entries(program))
    found: list[Entry] = known["_entries"]
    return found


def _entries(program: Program) -> Iterator[Entry]:
    for given in program.inputs:
        yield _entry(given.name, given.type, f"the argument {given.name}")
    for one in program.instructions:
        place = f"{one.op} at {one.line}" if one.line else one.op
        yield _entry_of(one, place)
    yield _entry("", program.outputs, "what is returned")


def _entry(name: str, tree: Operand, place: str) -> Entry:
    numbers: list[Any] = []
    return Entry(name, _form(tree, numbers), numbers, place)


def _entry_of(one: Instruction, place: str) -> Entry:
    """Return what `_entry` returns of all that an instruction says; there are many of these."""
    numbers: list[Any] = []
    form = (
        one.op,
        _form(one.type, numbers),
        *[x if type(x) in PLAIN else _form(x, numbers) for x in one.operands],
        *[(key, _form(x, numbers)) for key, x in one.parameters],
    )
    return Entry(one.name, form, numbers, place)


def _form(tree: Operand, numbers: list[Any]) -> Any:
    """Return an operand with a mark for each number, which is added to `numbers`."""
    kind = type(tree)
    if kind in PLAIN:
        return tree
    if kind is Type:
        numbers += tree.shape
        return tree.dtype, len(tree.shape), tree.weak
    if kind in (tuple, list):
        return (kind, *[x if type(x) in PLAIN else _form(x, numbers) for x in tree])
    if kind in (int, float) or is_number(tree):
        numbers.append(tree)
        return kind
    if kind is np.ndarray:
        numbers.append(tree)
        return tree.dtype, tree.ndim
    if kind is slice:
        return (kind, *[_form(one, numbers) for one in (tree.start, tree.stop, tree.step)])
    if kind is dict:
        return {key: _form(one, numbers) for key, one in tree.items()}
    if isinstance(tree, (list, tuple)):
        return (kind, *[_form(one, numbers) for one in tree])
    return tree


def numbers_of(tree: Operand) -> list[Any]:
    """Return the numbers in an operand, in order."""
    found: list[Any] = []
    _form(tree, found)
    return found


def filled(tree: Operand, numbers: Iterator[Any]) -> Operand:
    """Return an operand with other numbers, in the order of `numbers_of`."""
    kind = type(tree)
    if kind is np.ndarray or (kind is not bool and is_number(tree)):
        return next(numbers)
    if kind is slice:
        return slice(*[filled(one, numbers) for one in (tree.start, tree.stop, tree.step)])
    if kind is dict:
        return {key: filled(one, numbers) for key, one in tree.items()}
    if kind in (list, tuple):
        return kind([filled(one, numbers) for one in tree])
    return tree


def alike(x: Any, y: Any) -> bool:
    """Whether two numbers, or two constants, are the same to the bit; NaN is NaN."""
    if type(x) is int or type(y) is int:
        return type(x) is type(y) and bool(x == y)
    if type(x) is np.ndarray:
        return bool(x.shape == y.shape) and x.tobytes() == y.tobytes()
    return written(x) == written(y)


def aligned(first: Program, other: Program) -> Program:
    """Return a program with the names and lines of another, if it differs in numbers alone.

    Raises
    ------
    Different
        If it differs in more.
    """
    found = _named_as(first, other)
    for mine, theirs in zip_longest(entries(first), entries(found)):
        if mine is None or theirs is None or mine.form != theirs.form:
            here, there = (one.place if one else "nothing" for one in (mine, theirs))
            what = f"{here} is of another kind" if here == there else f"{here}, but then {there}"
            raise Different(what)
    return found


def _named_as(first: Program, other: Program) -> Program:
    """Return a program with the names and lines of the values of another."""
    pairs = list(zip(first.instructions, other.instructions, strict=False))
    names = {x.name: one.name for one, x in zip(first.inputs, other.inputs, strict=False)}
    names |= {x.name: one.name for one, x in pairs}
    if all(name == new for name, new in names.items()):
        return other

    def renamed(ref: Ref) -> Ref:
        return Ref(names.get(ref.name, ref.name))

    instructions = [renewed(x, renamed, like=one) for one, x in pairs]
    more = other.instructions[len(pairs) :]
    return replace(
        other,
        inputs=tuple([replace(one, name=names.get(one.name, one.name)) for one in other.inputs]),
        instructions=(*instructions, *[renewed(one, renamed) for one in more]),
        outputs=replaced(other.outputs, renamed),
    )


def difference(first: Program, other: Program) -> str | None:
    """Return in what two traces with the same arguments differ, and where; None if in nothing.

    Parameters
    ----------
    first, other : Program
        As `traced` gives them.

    Returns
    -------
    str or None
    """
    try:
        other = aligned(first, other)
    except Different as error:
        return str(error)
    for mine, theirs in zip(entries(first), entries(other), strict=True):
        for x, y in zip(mine.numbers, theirs.numbers, strict=True):
            if not alike(x, y):
                return f"{_told(x)}, but then {_told(y)}, in {mine.place}"
    return None


def _told(number: Any) -> str:
    return f"an array of {number.shape}" if isinstance(number, np.ndarray) else repr(number)
