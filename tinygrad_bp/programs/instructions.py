"""What a program consists of: plain, immutable data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.shapes import Shape

NESTED = (tuple, list, dict)  # operands that may hold others
# An operand: a Ref, a number, None, a string, a dtype, a slice, an Ellipsis, or nested lists,
# tuples and (in outputs) dicts of them.
Operand = Any


@dataclass(frozen=True, slots=True)
class Ref:
    """A value, by its name."""

    name: str


@cache
def name_of(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype, which NumPy makes anew each time."""
    return dtype.name


class Type(NamedTuple):
    """What an array is before it has values.

    Attributes
    ----------
    dtype : numpy.dtype
    shape : tuple of int
    weak : bool
        Whether it is Python's own number, which takes the dtype of the arrays that it meets.
    """

    dtype: np.dtype[Any]
    shape: Shape
    weak: bool = False

    def __str__(self) -> str:
        if self.weak:
            return "complex" if self.dtype.kind == "c" else "float"
        sides = ", ".join(map(str, self.shape))
        name = name_of(self.dtype)
        return f"{name}[{sides}]" if sides else name


Types = Type | tuple[Type, ...]  # several, of a function that returns several arrays


@dataclass(frozen=True, slots=True)
class Input:
    """An array that the program is called with.

    Attributes
    ----------
    name : str
        Of the value.
    type : Type
    path : tuple
        Where it is found: the parameter's name, then keys and positions in containers.
    """

    name: str
    type: Type
    path: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Instruction:
    """A value, and the call that makes it.

    Attributes
    ----------
    name : str
        Of the value.
    op : str
        The function: NumPy's, by the name after ``np.``; SciPy's, by its full name; or one of
        ``getitem``, ``astype``, ``part`` (of several results) and ``constant``.  With ``into.``
        before it, the function writes into a copy of its first operand, and that is the value.
    operands : tuple
        What the call is given by position.
    parameters : tuple of (str, operand)
        What it is given by keyword.
    type : Type, or tuple of Type
    line : str
        The user's line that asked for it, as ``file:line``.
    formula : str
        The function that NumPy lacks, and which call of it, whose value it helps to compute.
    """

    name: str
    op: str
    operands: tuple[Operand, ...]
    parameters: tuple[tuple[str, Operand], ...]
    type: Types
    line: str = ""
    formula: str = ""

    @property
    def shape(self) -> Shape:
        """Of the value."""
        return self.one_type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the value."""
        return self.one_type.dtype

    @property
    def one_type(self) -> Type:
        """The type of a value that is one array."""
        if not isinstance(self.type, Type):
            raise TypeError(f"{self.name} is several arrays; its parts have a shape and a dtype")
        return self.type

    @property
    def refs(self) -> list[str]:
        """Names of the values that it reads, as often as it reads them."""
        found: list[str] = []
        for one in (*self.operands, *self.parameters):
            if type(one) is Ref:
                found.append(one.name)
            elif isinstance(one, NESTED):
                found += references(one)
        return found


@dataclass(frozen=True, eq=False)
class Listing:
    """The fields of a program, of which `Program` tells."""

    name: str
    parameters: tuple[str, ...]
    inputs: tuple[Input, ...]
    instructions: tuple[Instruction, ...]
    outputs: Operand

    @property
    def types(self) -> dict[str, Types]:
        """The type of every value."""
        found: dict[str, Types] = {one.name: one.type for one in self.inputs}
        return found | {one.name: one.type for one in self.instructions}

    @property
    def arrays(self) -> dict[str, Any]:
        """The values that are constants."""
        return {one.name: one.operands[0] for one in self.instructions if one.op == "constant"}

    @property
    def uses(self) -> dict[str, int]:
        """How often every value is read, by instructions and as an output."""
        found = dict.fromkeys(self.types, 0)
        for one in self.instructions:
            for name in one.refs:
                found[name] += 1
        for name in references(self.outputs):
            found[name] += 1
        return found


def references(tree: Operand) -> Iterator[str]:
    """Yield the names of the values in an operand."""
    if type(tree) is Ref:
        yield tree.name
    elif isinstance(tree, dict):
        for one in tree.values():
            yield from references(one)
    elif isinstance(tree, (list, tuple)):
        for one in tree:
            yield from references(one)


def replaced(tree: Operand, new: Callable[[Ref], Any]) -> Operand:
    """Return an operand with ``new(ref)`` in place of every value."""
    if type(tree) is Ref:
        return new(tree)
    if isinstance(tree, dict):
        return {key: replaced(one, new) for key, one in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)([replaced(one, new) for one in tree])
    return tree


def renewed(
    one: Instruction,
    new: Callable[[Ref], Any],
    like: Instruction | None = None,
    name: str | None = None,
) -> Instruction:
    """Return an instruction with ``new(ref)`` in place of every value that it reads.

    It has its own name, line and formula, or those of another; or a new name.
    """
    like = like or one
    parameters = tuple([(key, replaced(x, new)) for key, x in one.parameters])
    operands = tuple([new(x) if type(x) is Ref else replaced(x, new) for x in one.operands])
    name = name or like.name
    return Instruction(name, one.op, operands, parameters, one.type, like.line, like.formula)


def is_number(operand: Operand) -> bool:
    """Whether an operand is a number, Python's or NumPy's."""
    return isinstance(operand, (bool, int, float, complex, np.generic))


def several(types: Sequence[Type]) -> Types:
    """Return the type of what a function with so many results gives."""
    return types[0] if len(types) == 1 else tuple(types)
