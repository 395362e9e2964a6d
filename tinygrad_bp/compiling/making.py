"""How a version of a compiled function is made: traces, their family, and what runs it."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tinygrad_bp.compiling import reloading
from tinygrad_bp.compiling.arguments import batches, of_length
from tinygrad_bp.compiling.captured import Captured
from tinygrad_bp.compiling.engines import engine_of
from tinygrad_bp.compiling.interpreter import Carry
from tinygrad_bp.compiling.state import State
from tinygrad_bp.compiling.surroundings import Surroundings
from tinygrad_bp.compiling.tracing import STATE, Call, Traced, traced
from tinygrad_bp.compiling.version import Version
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.comparison import Different, aligned, difference
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.instructions import Ref, references
from tinygrad_bp.programs.program import Program

FEW = 16  # versions of one function that are left on the disk
Lengths = tuple[int, int]
Member = tuple[Program, dict[str, Any]]  # of a family: the program of a length, and its numbers
# Lengths that stand in for those of batches: primes, of which no array is likely to have a side.
STAND_INS: tuple[Lengths, ...] = ((97, 101), (9973, 10007), (89, 103))


@contextmanager
def without_collections() -> Iterator[None]:
    """Within it, nobody looks for cycles: a program is many objects, all of which stay."""
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()


@dataclass(eq=False)
class Kin:
    """A family of programs, what it is for, and what runs it.

    Attributes
    ----------
    family : Family
    traced : Traced
        Of the call that it was made for.
    batch : frozenset of int
        The leaves among the arguments whose first axis is the batch.
    engine : object
        Interpreter or native code.
    carry : tuple of (int, int), or None
    captured : Captured
    is_proven : bool
        Whether two traces have agreed in this process.  What was found on the disk is for one
        length, and has neither family nor engine.
    """

    family: Family | None
    traced: Traced
    batch: frozenset[int]
    engine: Any
    carry: Carry | None
    captured: Captured
    is_proven: bool = True


@dataclass
class Timings:
    """Seconds that were spent, by what they were spent on."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Add the time that is spent within it."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - begin
            self.seconds[what] = self.seconds.get(what, 0.0) + spent


class Maker:
    """Makes versions of one function.

    Parameters
    ----------
    backend : str
    surroundings : Surroundings
    threads : int or None
        That may run a step.
    """

    def __init__(
        self, backend: str, surroundings: Surroundings, threads: int | None = None
    ) -> None:
        self.backend, self.threads = backend, threads
        self.timings = Timings()
        self._surroundings = surroundings
        self.kept = 0

    @property
    def looks(self) -> bool:
        """Whether there may be something on the disk: of shards there is nothing."""
        return self.backend != "numpy" and self.threads is None

    def trace(self, call: Call, state: State, *, bare: bool = True) -> Traced:
        """Return a trace of a call."""
        with self.timings.of("trace"):
            return traced(call, state, self._surroundings, bare=bare)

    def reloaded(self, here: Traced) -> tuple[Kin, Version] | None:
        """Return the version for a trace that another process has left on the disk, if one has."""
        with self.timings.of("reload"):
            version = reloading.found(here)
        if version is None:
            return None
        kin = Kin(None, here, frozenset(), None, version.carry, Captured((), ()), is_proven=False)
        return kin, version

    def is_proven(self, kin: Kin, call: Call, state: State) -> bool:
        """Whether two traces agree; the second is made now of what was found on the disk."""
        if kin.is_proven:
            return True
        again = self.trace(call, state)
        kin.is_proven = str(again.program) == str(kin.traced.program) and (
            _form(again) == _form(kin.traced)
        )
        kin.captured = Captured(kin.traced.arrays, again.arrays)
        return kin.is_proven

    def kin(self, call: Call, state: State, first: Traced | None = None) -> tuple[Kin, Version]:
        """Return the family that a call is of, and its version for this call.

        Parameters
        ----------
        call : Call
        state : State
        first : Traced, optional
            A bare trace of the call.
        """
        here = self.trace(call, state, bare=False)
        again = first or self.trace(call, state)
        _require_same(here, again)
        family, batch, found = self._family(call, state, here)
        carry = _carry(here, family)
        with self.timings.of("build"):
            engine = engine_of(self.backend, family, carry or (), self.threads)
        kin = Kin(family, here, batch, engine, carry, Captured(here.arrays, again.arrays))
        version = self._bound(kin, call, here, found)
        self._keep(again, version)
        return kin, version

    def member(self, kin: Kin, call: Call, state: State) -> Version:
        """Return the version of a family for another length.

        Raises
        ------
        Different
            If it is of another family.
        """
        found = self.trace(call, state)
        if _form(found) != _form(kin.traced):
            raise Different("what is returned or changed is not the same")
        assert kin.family is not None  # noqa: S101  # what has none is of one length
        with self.timings.of("passes"):
            program = kin.family.at(found.program)
        version = self._bound(kin, call, found, program)
        self._keep(found, version)
        return version

    def _keep(self, bare: Traced, version: Version) -> None:
        """Leave a version on the disk for other processes, a few of each function."""
        if self.kept < FEW:
            self.kept += 1
            reloading.keep(bare, version)

    def _bound(self, kin: Kin, call: Call, found: Traced, of_length: Member) -> Version:
        program, numbers = of_length
        length = None
        if kin.batch:
            value = call.leaves[min(kin.batch)][1]
            length = value.shape[0]
        with self.timings.of("bind"):
            bound = kin.engine.at(program, length)
        return Version(found, program, numbers, bound, kin.carry)

    def _family(
        self, call: Call, state: State, here: Traced
    ) -> tuple[Family, frozenset[int], Member]:
        """Return the family of a trace, which leaves of the call are its batch, and its member."""
        sides = {n for one in (*here.program.inputs,) for n in one.type.shape}
        lengths = next(pair for pair in STAND_INS if not sides & {*pair})
        for _, batch in batches(call):
            try:
                first, second = self._stand_ins(call, state, here, batch, lengths)
                with self.timings.of("passes"):
                    family = Family.of_two(first, second, lengths)
                    family = family.with_wholes(here.program.wholes)
                    found = family.at(here.program)
            except Exception:  # noqa: BLE001, S112  # these are no batch: of any kind
                continue
            return family, batch, found
        with self.timings.of("passes"):
            family = Family.of_one(here.program)
            return family, frozenset(), family.at(here.program)

    def _stand_ins(
        self, call: Call, state: State, here: Traced, batch: frozenset[int], lengths: Lengths
    ) -> Iterator[Program]:
        """Yield the traces of two lengths; the second only if the first could be of a family."""
        for n in lengths:
            found = self.trace(of_length(call, batch, n), state).program
            if len(found.instructions) != len(here.program.instructions):
                raise Different("more is computed, or less")
            yield aligned(here.program, found)


def _require_same(first: Traced, second: Traced) -> None:
    """Refuse a function that does one thing now, and another then.

    Raises
    ------
    TraceError
        Naming what differs, and the line.
    """
    found = difference(first.program, second.program)
    if found is None and _form(first) != _form(second):
        found = "what is returned or changed"
    if found is not None:
        raise TraceError(
            f"compile: two traces of the same call differ: {found}.  A clock, a counter, or a"
            " generator that is neither an argument nor in state= decides on it: pass what changes"
            " as an argument, and generators as arguments or in state="
        )


def _form(one: Traced) -> Any:
    """Return what is no part of a program, and may not differ within a family either."""
    return (
        one.kinds,
        [(id(place.owner), place.key) for place in (*one.changed, None, *one.cleared) if place],
        len(one.cleared),
        [draw.described() for draw in one.draws],
        [position for position, _ in one.before],
        len(one.after),
    )


def _carry(here: Traced, family: Family) -> Carry | None:
    """Return which output of a step is which input of the next; None if a step must end for that.

    It must where a part of the state is no array of the same kind again.
    """
    program = family.program
    results, values, _ = program.outputs
    inputs = {one.path: k for k, one in enumerate(program.inputs)}
    types = program.types
    position = len(list(references(results)))
    found = []
    for place, value in zip(here.changed, values, strict=True):
        k = inputs.get((STATE, place.name))
        if k is None or type(value) is not Ref or types[value.name] != program.inputs[k].type:
            return None
        found.append((position, k))
        position += 1
    return None if here.cleared else tuple(found)
