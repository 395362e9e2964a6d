"""Passes: each takes a program and returns one that computes the same, bit for bit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

import numpy as np

from tinygrad_bp.programs.calling import INTO, named, run
from tinygrad_bp.programs.instructions import (
    Instruction,
    Listing,
    Operand,
    Ref,
    Type,
    is_number,
    references,
    renewed,
    replaced,
)
from tinygrad_bp.programs.literals import written
from tinygrad_bp.programs.standins import loop, result_type

P = TypeVar("P", bound=Listing)
Step = Callable[[Instruction], Instruction | Operand]
# Reductions of a ufunc have names of their own.
REDUCTIONS = {
    "add.reduce": "sum",
    "multiply.reduce": "prod",
    "maximum.reduce": "max",
    "minimum.reduce": "min",
    "logical_and.reduce": "all",
    "logical_or.reduce": "any",
}
REDUCED = ("axis", "dtype", "out", "keepdims", "initial", "where")  # the order of the arguments
# What gives its first operand again where the type is the same.
COPIES = frozenset(
    {"array", "copy", "positive", "astype", "reshape", "broadcast_to", "conjugate", "real"}
)

# What 1 changes nothing in; the operators are those of Python's numbers.
TIMES = ("multiply", "operator.mul")
OTHERS_BY_ONE = ("divide", "power", "operator.truediv", "operator.pow")


def _each(program: P, step: Step) -> P:
    """Return the program with ``step(instruction)`` in place of each.

    An operand in place of an instruction stands for it wherever it is read.
    """
    gone: dict[str, Operand] = {}

    def new(ref: Ref) -> Operand:
        return gone.get(ref.name, ref)

    kept = []
    for one in program.instructions:
        as_it_is = not gone or gone.keys().isdisjoint(one.refs)
        result = step(one if as_it_is else renewed(one, new))
        if isinstance(result, Instruction):
            kept.append(result)
        else:
            gone[one.name] = result
    return replace(program, instructions=tuple(kept), outputs=replaced(program.outputs, new))


def canonicalise(program: P) -> P:
    """Spell what is the same in the same way.

    NumPy's numbers are Python's where the result has the same dtype; reductions have their own
    names, and their arguments keywords; a reversal of the axes is a transpose without any.
    """
    known = program.types, program.arrays

    def step(one: Instruction) -> Instruction:
        if any(map(_plain, one.operands)):
            operands = tuple(x.item() if _plain(x) else x for x in one.operands)
            if _gives(one, operands, known):
                one = replace(one, operands=operands)
        if one.op in REDUCTIONS:
            given = dict(zip(REDUCED, one.operands[1:], strict=False)) | dict(one.parameters)
            keywords = {"axis": given.pop("axis", 0), **given}
            one = replace(
                one,
                op=REDUCTIONS[one.op],
                operands=one.operands[:1],
                parameters=tuple(
                    [(k, x) for k, x in keywords.items() if k == "axis" or not _absent(x)]
                ),
            )
        if not one.parameters:
            return one
        kept = tuple([_short(*each) for each in one.parameters if not _default(one.op, *each)])
        return one if kept == one.parameters else replace(one, parameters=kept)

    return _each(program, step)


def _absent(x: Operand) -> bool:
    return x is None or x is False


def _short(key: str, x: Operand) -> tuple[str, Operand]:
    """Return ``axis=0`` for ``axis=(0,)``."""
    return key, x[0] if key == "axis" and isinstance(x, tuple) and len(x) == 1 else x


def _default(op: str, key: str, x: Operand) -> bool:
    """Whether a function is given by keyword what it takes anyway."""
    if key == "keepdims":
        return x is False
    return any(
        key == one and (x is default or (isinstance(x, str) and x == default))
        for one, default in _defaults(op)
    )


@cache
def _defaults(op: str) -> tuple[tuple[str, Operand], ...]:
    try:
        signature = inspect.signature(named(op.removeprefix(INTO)))
    except (TypeError, ValueError):  # one written in C, which does not tell
        return ()
    plain = (None, False, True)
    found = signature.parameters.values()
    return tuple([
        (x.name, x.default)
        for x in found
        if isinstance(x.default, str) or any(x.default is one for one in plain)
    ])  # fmt: skip


def _plain(x: Operand) -> bool:
    return isinstance(x, np.generic) and x.dtype.char not in "gG"


def _gives(one: Instruction, operands: tuple[Operand, ...], known: Any) -> bool:
    """Whether an instruction computes in the same dtypes with these operands."""
    given = dict(one.parameters)
    before, after = (loop(one.op, x, given, known[0]) for x in (one.operands, operands))
    same = before == after if before else isinstance(one.type, Type) and one.dtype.kind in "fc"
    return (
        same
        and any(references(operands))
        and result_type(one.op, operands, given, *known) == one.type
    )


def simplify(program: P) -> P:
    """Leave out what changes nothing, and compute what is known.

    Exact identities alone: copies, ``x * 1``, ``x / 1``, ``x ** 1``, a transpose of a transpose.
    """
    known = program.types, program.arrays
    makers: dict[str, Instruction] = {}

    def step(one: Instruction) -> Instruction | Operand:
        same = _same_value(one, makers, known[0])
        if same is not None:
            return same
        result = _folded(_narrowed(_without_values(one), makers, known))
        if isinstance(result, Instruction):
            makers[one.name] = result
        return result

    return _each(program, step)


def _same_value(one: Instruction, makers: Mapping[str, Instruction], types: Any) -> Operand:
    """Return what an instruction gives unchanged, if it does."""
    first, second = (*one.operands, None, None)[:2]
    if one.op in TIMES and _is_one(first) and _type(second, types) == one.type:
        return second
    if _type(first, types) == one.type and (
        (one.op in COPIES and _same_places(one))
        or (one.op in (*TIMES, *OTHERS_BY_ONE) and _is_one(second))
        or (one.op == "transpose" and len(one.shape) < 2)
    ):
        return first
    inner = makers.get(first.name) if type(first) is Ref else None
    if one.op == "transpose" and inner is not None and inner.op == "transpose":
        turned = _turns(one) and _turns(inner)
        return inner.operands[0] if turned else None
    return None


def _turns(one: Instruction) -> bool:
    """Whether a transpose reverses the axes."""
    return len(one.operands) == 1 and not one.parameters


def _narrowed(one: Instruction, makers: Mapping[str, Instruction], known: Any) -> Instruction:
    """Return a call of a ufunc on what its operands were before they were broadcast."""
    function = getattr(np, one.op, None)
    if not isinstance(function, np.ufunc) or function.signature or function.nout > 1:
        return one
    narrow = tuple(
        makers[x.name].operands[0]
        if type(x) is Ref and x.name in makers and makers[x.name].op == "broadcast_to"
        else x
        for x in one.operands
    )
    if narrow == one.operands or one.parameters:
        return one
    if any(references(narrow)):
        return replace(one, operands=narrow) if _gives(one, narrow, known) else one
    value = _value(replace(one, operands=narrow))
    if value.dtype != one.dtype or value.shape:
        return one
    return replace(one, op="broadcast_to", operands=(value[()], one.shape))


def _without_values(one: Instruction) -> Instruction:
    """Return ``ones(shape)`` for ``ones_like(x)``, which reads no value of x."""
    op = one.op.removesuffix("_like")
    if op == one.op or op not in ("ones", "zeros"):
        return one
    return replace(one, op=op, operands=(one.shape, one.dtype), parameters=())


def _same_places(one: Instruction) -> bool:
    """Whether a copy of the same type has its elements in the same places."""
    if one.op in ("conjugate", "real"):
        return one.dtype.kind != "c"
    return one.op not in ("reshape", "array") or not one.parameters


def _is_one(operand: Operand) -> bool:
    return is_number(operand) and not isinstance(operand, bool) and bool(operand == 1)


def _type(operand: Operand, types: Any) -> Any:
    return types[operand.name] if type(operand) is Ref else None


def _folded(one: Instruction) -> Instruction | Operand:
    """Return the value of an instruction that reads none, if it is one number."""
    if one.op in ("constant", "empty", "empty_like") or one.type[1:2] != ((),) or one.refs:
        return one
    return _value(one)[()]


def _value(one: Instruction) -> np.ndarray[Any, Any]:
    with np.errstate(all="ignore"):
        return np.asarray(run(one, {}))


def share(program: P) -> P:
    """Compute once what several instructions compute: the same call of the same operands."""
    seen: dict[tuple[Any, ...], Ref] = {}

    def step(one: Instruction) -> Instruction | Operand:
        if one.op in ("empty", "empty_like"):
            return one
        values = all(type(x) is Ref for x in one.operands)  # which can be compared as they are
        read: Operand = one.operands if values else written(one.operands)
        key = (one.op, read, one.parameters and written(dict(one.parameters)), one.type)
        if key in seen:
            return seen[key]
        seen[key] = Ref(one.name)
        return one

    return _each(program, step)


def drop(program: P) -> P:
    """Leave out what nobody reads."""
    live = set(references(program.outputs))
    kept = []
    for one in reversed(program.instructions):
        if one.name in live:
            kept.append(one)
            live.update(one.refs)
    return replace(program, instructions=tuple(reversed(kept)))


PASSES: tuple[Callable[[Any], Any], ...] = (canonicalise, simplify, canonicalise, share, drop)
