"""The order of things: what runs as machine code together, and in which loops.

In comes a program with its lowering; out come segments, few and long ones, and of a segment of code
the works that it consists of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinygrad_bp.native.loops.by_rows import is_by_rows, note_cuts, rows_of
from tinygrad_bp.native.loops.nests import require_loops
from tinygrad_bp.native.lowering.expansion import REDUCTIONS
from tinygrad_bp.native.lowering.lowering import Lowering
from tinygrad_bp.native.lowering.moves import NotLowered
from tinygrad_bp.programs.instructions import Instruction, Listing, references

NUMPY = "numpy"
# Works of one level run in this order.
NUMBERS, FLAT, BATCH, ROWS = range(4)
# What NumPy has in no time as well.
VIEWS = frozenset(
    {"broadcast_to", "expand_dims", "moveaxis", "reshape", "squeeze", "swapaxes", "transpose"}
)
WORTH = 2  # calls of NumPy's that a call of machine code has to replace


@dataclass
class Work:
    """Instructions that one loop computes.

    Attributes
    ----------
    kind : int
        `NUMBERS`: no loop; `FLAT`: over the elements of arrays that lie in a row; `BATCH`: over the
        rows of the batch; `ROWS`: over the rows of arrays, and the elements of each.
    shape : tuple of int
        Of the arrays, where they are flat; without the batch, where rows are.
    level : int
        Works of a lower one come before.
    """

    kind: int
    shape: tuple[int, ...]
    level: int
    instructions: list[Instruction] = field(default_factory=list)


@dataclass
class Segment:
    """Instructions that run one after the other, as machine code or by NumPy.

    Attributes
    ----------
    lane : str
        The type character of its reals; "numpy" for what NumPy calls.
    inputs, outputs : list of str
        Values that it needs from before, and that are needed after.
    why : dict of str to str
        Of what NumPy calls: why there is no code for it.
    """

    lane: str
    instructions: list[Instruction]
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)


def segments(program: Listing, lowering: Lowering) -> list[Segment]:
    """Return the instructions of a program in segments, few and long ones."""
    lanes, why = _lanes(program, lowering)
    done = {one.name for one in program.inputs}
    rest = list(program.instructions)
    found: list[Segment] = []
    while rest:
        before = len(rest)
        for lane in ("d", "f", NUMPY, ""):
            if lane == "" and len(rest) < before:
                continue
            taken = _ready(rest, lowering.reads, lanes, lane, done)
            if any(lanes[one.name] == lane for one in taken):
                # truths and Python's numbers alone: any lane has them
                found.append(Segment(lane or "d", taken))
                done.update(one.name for one in taken)
                rest = [one for one in rest if one.name not in done]
    found = _joined([_worth(one, lowering, why) for one in found])
    for one in found:
        one.why = {i.name: why[i.name] for i in one.instructions} if one.lane == NUMPY else {}
    _connect(program, found, lanes)
    return found


def _lanes(program: Listing, lowering: Lowering) -> tuple[dict[str, str], dict[str, str]]:
    lanes, why = {}, {}
    note_cuts(program, lowering)
    for one in program.instructions:
        by_rows = is_by_rows(one, lowering)
        try:
            lanes[one.name] = lowering.lane(one, by_rows=by_rows)
            if lowering.wide and lowering.of_rows(one) and not by_rows:
                require_loops(one, lowering)
        except NotLowered as reason:
            lanes[one.name], why[one.name] = NUMPY, str(reason)
        lowering.learn(one, by_numpy=lanes[one.name] == NUMPY)
    return lanes, why


def _ready(
    rest: Iterable[Instruction],
    reads: dict[str, list[str]],
    lanes: dict[str, str],
    lane: str,
    done: set[str],
) -> list[Instruction]:
    """Return what can run in this lane, from what is done."""
    there = set(done)
    taken = []
    for one in rest:
        own = lanes[one.name]
        if (own == lane or (own == "" and lane != NUMPY)) and there.issuperset(reads[one.name]):
            taken.append(one)
            there.add(one.name)
    return taken


def _worth(one: Segment, lowering: Lowering, why: dict[str, str]) -> Segment:
    """Return a segment as NumPy's, if its code would do next to nothing."""
    computing = [x for x in one.instructions if not lowering.is_view(x)]
    rows = any(is_by_rows(x, lowering) for x in computing)
    if one.lane == NUMPY or len(computing) >= (1 if rows else WORTH):
        return one
    for x in one.instructions:
        why.setdefault(x.name, "a call of machine code would cost more")
    return Segment(NUMPY, one.instructions)


def _joined(found: list[Segment]) -> list[Segment]:
    kept: list[Segment] = []
    for one in found:
        if kept and kept[-1].lane == one.lane:
            kept[-1].instructions += one.instructions
        else:
            kept.append(one)
    return kept


def _connect(program: Listing, found: Sequence[Segment], lanes: dict[str, str]) -> None:
    """Say what each segment needs, and what is needed of it."""
    wanted = list(dict.fromkeys(references(program.outputs)))
    makers = {one.name: one for one in program.instructions if one.op in VIEWS}
    for one in reversed(found):
        _repeat_views(one, makers, lanes)
        own = {x.name for x in one.instructions}
        read = dict.fromkeys(name for x in one.instructions for name in x.refs)
        one.inputs = [name for name in read if name not in own]
        one.outputs = [x.name for x in one.instructions if x.name in wanted]
        wanted = list(dict.fromkeys([*wanted, *one.inputs]))


def _repeat_views(segment: Segment, makers: dict[str, Instruction], lanes: dict[str, str]) -> None:
    """Give a segment its own views: they are for nothing, unlike what they would be copied to."""
    own = {one.name for one in segment.instructions}
    repeated: set[str] = set()
    todo = [name for one in segment.instructions for name in one.refs]
    while todo:
        name = todo.pop()
        if name in own or name not in makers:
            continue
        if segment.lane != NUMPY and lanes[name] not in (segment.lane, ""):
            continue
        own.add(name)
        repeated.add(name)
        todo += makers[name].refs
    segment.instructions[:0] = [one for name, one in makers.items() if name in repeated]


def works(segment: Segment, lowering: Lowering) -> list[Work]:
    """Return the loops that a segment is made of, in order; views are in none."""
    ready: dict[str, tuple[int, Any, bool]] = {}  # at a level, in a place, after all rounds of it
    found: dict[Any, Work] = {}
    for one in segment.instructions:
        names = [name for name in lowering.reads[one.name] if name in ready]
        if lowering.is_view(one):
            if names:
                views_of = [ready[name] for name in names]
                ready[one.name] = max(views_of, key=lambda x: (x[0], x[1][0], x[2]))
            continue
        place = _place(one, lowering)
        level = 0
        for name in names:
            other = ready[name]
            # one number of an array is there when all of them are
            apart = place[0] == FLAT and lowering.types[name].shape != place[1]
            after = other[2] or apart if place == other[1] else other[1][0] >= place[0]
            level = max(level, other[0] + after)
        work = found.setdefault((level, *place), Work(*place, level))
        work.instructions.append(one)
        whole_row = place[0] == ROWS and one.op in REDUCTIONS
        ready[one.name] = level, place, whole_row or lowering.reduces(one)
    return sorted(found.values(), key=lambda work: (work.level, work.kind))


def _place(one: Instruction, lowering: Lowering) -> tuple[int, tuple[int, ...]]:
    if is_by_rows(one, lowering):
        return ROWS, rows_of(one, lowering)
    if lowering.of_rows(one):
        return BATCH, ()
    shape = lowering.flat_shape(one)
    return (NUMBERS, ()) if shape is None else (FLAT, shape)
