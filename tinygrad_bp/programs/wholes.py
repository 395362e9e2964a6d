"""Fused rules in a program: where the composition of one stands, which a compiler may call whole.

A program says in NumPy's words what a fused rule does, since that is what a person reads and what
can be differentiated.  The rule's own code may be faster all the same; `Whole` says between which
values it stands, in the forward pass and in the backward pass, and `taken` puts calls of it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tinygrad_bp.programs.instructions import (
    Instruction,
    Listing,
    Operand,
    Ref,
    Type,
    Types,
    references,
    replaced,
)
from tinygrad_bp.programs.passes import drop

WHOLE = "tinygrad_bp."  # before the name of a rule that is called whole
PULL = ".pull"  # behind it, for its pulls
P = TypeVar("P", bound=Listing)


@dataclass(frozen=True, eq=False)
class Pulled:
    """Pulls of a fused rule.

    Attributes
    ----------
    ct : Ref
        The cotangent of the result.
    wanted : tuple of int
        Places of arguments.
    parts : tuple of Ref
        The cotangents of these.
    """

    ct: Ref
    wanted: tuple[int, ...]
    parts: tuple[Ref, ...]


@dataclass(frozen=True, eq=False)
class Whole:
    """A call of a fused rule, the composition of which is in a program.

    Attributes
    ----------
    rule : str
        Its name.
    out : Ref
    arguments : tuple of Ref
    parameters : tuple
        Those of its node, values among them or not.
    constants : tuple of Instruction
        Those of the arguments that are constants: the composition may read none of them as a whole.
    pulls : list of Pulled
    """

    rule: str
    out: Ref
    arguments: tuple[Ref, ...]
    parameters: tuple[Any, ...]
    constants: tuple[Instruction, ...] = ()
    pulls: list[Pulled] = field(default_factory=list)

    def renamed(self, names: dict[str, str]) -> Whole:
        """Return the same where values have other names."""

        def new(ref: Ref) -> Ref:
            return Ref(names[ref.name])

        pulls = [Pulled(new(one.ct), one.wanted, tuple(map(new, one.parts))) for one in self.pulls]
        arguments = tuple(map(new, self.arguments))
        constants = tuple(replace(one, name=names[one.name]) for one in self.constants)
        parameters: Any = replaced(self.parameters, new)
        return Whole(self.rule, new(self.out), arguments, parameters, constants, pulls)


def taken(program: P, wholes: Sequence[Whole]) -> P:
    """Return a program that calls fused rules, where all that they stand between is still there.

    Parameters
    ----------
    program : Listing
    wholes : sequence of Whole

    Returns
    -------
    Listing
        Without what only the compositions read.
    """
    if not wholes:
        return program
    types, before = program.types, {one.name: k for k, one in enumerate(program.instructions)}
    made: dict[str, list[Instruction]] = {}  # what stands in the place of an instruction
    for one in wholes:
        missing = [x for x in one.constants if x.name not in types]
        types |= {x.name: x.type for x in missing}
        ahead = [one.arguments, one.parameters]
        if one.out.name not in before or not _are_before(ahead, one.out, types, before):
            continue
        name = f"{one.out.name}.whole"
        made[one.out.name] = [
            *missing,
            _call(name, one, (*one.arguments, one.parameters), (types[one.out.name],)),
            _part(one.out, name, 0, types),
        ]
        for k, pulled in enumerate(one.pulls):
            made |= _pulled(f"{name}.{k}", name, one, pulled, types, before)
    lines = [x for one in program.instructions for x in made.get(one.name, (one,))]
    return drop(replace(program, instructions=tuple(lines)))


def _pulled(
    name: str, whole: str, one: Whole, pulled: Pulled, types: Any, before: dict[str, int]
) -> dict[str, list[Instruction]]:
    """Return what stands in the place of each cotangent, the call before the first of them."""
    parts = {
        part.name: (k, part)
        for k, (part, i) in enumerate(zip(pulled.parts, pulled.wanted, strict=True))
        if part.name in before and types[part.name] == types[one.arguments[i].name]
    }
    first = min(parts, key=before.__getitem__, default=None)
    ahead = [Ref(one.out.name), pulled.ct]
    if first is None or not _are_before(ahead, Ref(first), types, before):
        return {}
    operands = (Ref(whole), pulled.ct, pulled.wanted, [*one.arguments])  # which have to stay
    kinds = tuple([types[one.arguments[i].name] for i in pulled.wanted])
    made = {part: [_part(ref, name, k, types)] for part, (k, ref) in parts.items()}
    made[first].insert(0, _call(name, one, operands, kinds, PULL))
    return made


def _are_before(operands: Operand, one: Ref, types: Any, before: dict[str, int]) -> bool:
    """Whether all values in operands are known where another is computed."""
    names = list(references(operands))
    place = before[one.name]
    return all(name in types and before.get(name, -1) < place for name in names)


def _call(
    name: str, one: Whole, operands: tuple[Operand, ...], kinds: tuple[Types, ...], more: str = ""
) -> Instruction:
    return Instruction(name, f"{WHOLE}{one.rule}{more}", operands, (), kinds)  # type: ignore[arg-type]  # each is one


def _part(ref: Ref, of: str, place: int, types: Any) -> Instruction:
    kind: Type = types[ref.name]
    return Instruction(ref.name, "part", (Ref(of), place), (), kind)
