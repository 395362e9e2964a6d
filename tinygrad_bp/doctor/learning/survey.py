"""Which of a script's loops is the one that learns."""

from __future__ import annotations

from dataclasses import dataclass
from types import FrameType

from tinygrad_bp.doctor.learning.roles import Roles, find_roles, turned
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import Recorder, Stop
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.rewriting import Loop, Place, Script
from tinygrad_bp.doctor.watched.running import Ran, run
from tinygrad_bp.doctor.watched.slots import Path

LOOKS = 6  # at a loop of which an iteration, one sample say, does not use every parameter
ENOUGH = 1000  # comparisons of one iteration, in which its parameters are met
HEADS = 3  # of one loop, after which its inner loops have been met


@dataclass
class Candidate:
    """A loop in which something learns."""

    loop: Loop
    parameters: set[Path]
    moving: bool
    around: tuple[Place, ...]  # loops it runs in, those of the callers too; the outermost first
    at: int = 1  # the iteration that was looked at
    turns: bool = False  # a parameter was no array of floats, and is one after a step
    scattered: bool = False  # each iteration changes another parameter: it goes through them
    places: frozenset[Place] = frozenset()  # where an output met a label in it

    def learns_like(self, other: Candidate) -> bool:
        """Tell whether an output meets its label where it does in another loop, if any does."""
        return bool(self.places & other.places) or not (self.places and other.places)


@dataclass
class Survey:
    """What the first look found."""

    ran: Ran
    candidates: list[Candidate]
    loops: int  # that ran at all

    def best(self) -> Candidate | None:
        """Return the innermost loop in which all parameters of its outer ones learn."""
        if not self.candidates:
            return None
        moving = [one for one in self.candidates if one.moving] or self.candidates
        chosen, full = moving[0], 0
        for one in moving[1:]:
            full = max(full, len(chosen.parameters))
            inside = chosen.loop.place in one.loop.around or not one.loop.around
            many, part = 2 * len(one.parameters) >= full, len(one.parameters) < full
            if inside and many and not (part and one.scattered) and one.learns_like(chosen):
                chosen = one
        return chosen


def survey(script: Script, recorder: Recorder, seconds: float = 12.0) -> Survey:
    """Run a script to its first learning loop, and look into every loop at its first head."""
    until = now() + seconds
    counts: dict[Place, int] = {}
    found: list[Candidate] = []
    idle: set[Place] = set()  # loops that did something, and nothing to an output: a sample of 0

    def at_head(place: Place, frame: FrameType) -> None:
        counts[place] = counts.get(place, 0) + 1
        moving = next((one for one in found if one.moving), None)  # a check of gradients moves none
        done = moving is not None and counts[moving.loop.place] >= HEADS
        if done or now() > until:
            raise Stop
        known = next((one for one in found if one.loop.place == place), None)
        full = max((len(one.parameters) for one in found), default=0)
        is_partial = known is not None and (len(known.parameters) < full or known.turns)
        if counts[place] > LOOKS or (counts[place] > 1 and not is_partial and place not in idle):
            return
        loop = script.loops[place]
        replay = Replay(script, loop, recorder, frame)
        try:
            roles = find_roles(replay, limit=ENOUGH)
            turns = roles is not None and turned(replay, roles.parameters)
        finally:
            replay.reached.restore()
        idle.discard(place)
        if roles is None:
            again = replay.runs > 1 and not found and now() < until - seconds / 2
            idle.update([place] if again else [])
            return
        if known is not None and known.turns:
            found.remove(known)
            known = None
        if known is None:
            around = (*_callers(script, frame), *loop.around)
            places = frozenset(pair.place for pair in roles.pairs)
            moves, at = bool(roles.parameters), counts[place]
            found.append(Candidate(loop, _learning(roles), moves, around, at, turns, places=places))
            return
        known.scattered |= known.parameters.isdisjoint(_learning(roles))
        if len(_learning(roles)) > len(known.parameters):
            known.parameters, known.at = _learning(roles), counts[place]

    def prepare(recorder: Recorder) -> None:
        recorder.at_head = at_head

    ran = run(script, recorder, seconds=seconds, prepare=prepare)
    ran.out_of_time |= now() > until
    return Survey(ran, found, len(counts))


def _callers(script: Script, frame: FrameType) -> list[Place]:
    """Return the loops from which the function that a loop stands in is called."""
    found: list[Place] = []
    path, caller = frame.f_code.co_filename, frame.f_back
    while caller is not None:
        line, first = caller.f_lineno, caller.f_code.co_firstlineno
        if caller.f_code.co_filename == path:
            found[:0] = [
                place for place, one in script.loops.items()
                if first <= one.node.lineno <= line <= (one.node.end_lineno or 0)
            ]  # fmt: skip
        caller = caller.f_back
    return found


def _learning(roles: Roles) -> set[Path]:
    """Return what moves; where nothing does, what would."""
    return {*roles.parameters} or {*roles.stuck}
