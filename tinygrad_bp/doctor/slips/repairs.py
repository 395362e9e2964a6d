"""Which edit makes the script's steps the gradient: each is tried, in the loop itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.learning.gradients import (
    EXACT,
    PROPORTIONAL,
    Match,
    Point,
    judge,
    learned,
)
from tinygrad_bp.doctor.learning.losses import Form
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.slips.edits import Edit, Edits
from tinygrad_bp.doctor.slips.sums import sums
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import Recording, is_array
from tinygrad_bp.doctor.watched.replay import (
    Iteration,
    Replay,
    function_code,
    live_functions,
    swapped,
)
from tinygrad_bp.doctor.watched.running import line_of
from tinygrad_bp.doctor.watched.slots import Path, same

NEARLY = 0.995  # cosine at the points that a repair was not chosen by
ALIKE = 1 - 2e-5  # the same, of one that is exact: rounding may be a 300th of a gradient there


@dataclass
class Repair:
    """An edit that mends parameters, and these."""

    edit: Edit
    mended: list[Path]
    matches: dict[Path, Match] = field(default_factory=dict)


class Workshop:
    """The parts of one iteration, and runs of it with some of them edited."""

    def __init__(self, replay: Replay, roles: Roles) -> None:
        self.replay, self.roles = replay, roles
        self.live = live_functions(replay.script.path)
        self.nodes = self._nodes()

    def _nodes(self) -> dict[tuple[str, int], Any]:
        found: dict[tuple[str, int], Any] = {}
        for one in ast.walk(self.replay.script.tree):
            if isinstance(one, ast.FunctionDef):
                line = min([one.lineno, *(d.lineno for d in one.decorator_list)])
                found[one.name, line] = one
            elif isinstance(one, ast.Lambda):
                found["<lambda>", one.lineno] = one
        return found

    def run(
        self, replaced: dict[int, Any], units: list[Any], point: Point | None
    ) -> Iteration | None:
        """Run an iteration with an edit in place; None where it cannot be put there."""
        standing, others = self.replay.edited
        with ExitStack() as stack:
            code = self._put({**standing, **replaced}, [*others, *units], stack)
            if code is None:
                return None
            change = point.change if point is not None else None
            try:
                iteration = self.replay.run(change, code=code, limit=self.roles.turn)
            except (TypeError, KeyError, ValueError, AttributeError):
                return None
            values = point.values if point is not None else self.replay.before
            iteration.ended = {path: iteration.value(path) for path in values}
            return iteration

    def _put(self, replaced: dict[int, Any], units: list[Any], stack: ExitStack) -> CodeType | None:
        """Put an edit into functions; return the code of the loop's body, or None if it fails."""
        code: CodeType | None = self.replay.code
        for unit in units:
            try:
                if isinstance(unit, ast.For | ast.While):
                    code = self.replay.body_code(replaced)
                    continue
                functions = self._functions(unit)
                shared = functions[0].__code__.co_freevars if functions else ()
                made = function_code(
                    self.replay.script, unit, replaced, self.replay.prepared, shared
                )
                if made is None or not functions:
                    return None
                stack.enter_context(swapped(functions, made))
            except (SyntaxError, ValueError, TypeError):
                return None
        return code

    @contextmanager
    def kept(self, replaced: dict[int, Any], units: list[Any]) -> Iterator[None]:
        """Let every run have an edit, and those tried beside it, while the block runs."""
        before = self.replay.edited, self.replay.code
        with ExitStack() as stack:
            code = self._put(replaced, units, stack)
            if code is not None:
                self.replay.edited, self.replay.code = (replaced, units), code
            try:
                yield
            finally:
                self.replay.edited, self.replay.code = before

    def _functions(self, unit: Any) -> list[FunctionType]:
        for key, node in self.nodes.items():
            if node is unit:
                return self.live.get(key, [])
        return []

    def forward(self) -> set[int]:
        """Return the lines that store before an output meets its label."""
        met, pairs = self.roles.base.recording.comparisons, self.roles.pairs[:1]
        many = next((k for k, one in enumerate(met, 1) for pair in pairs
                     if one.place == pair.place and not pair.own), None)  # fmt: skip
        if many is None:
            return set()
        return {place[0] for _, _, place in self.replay.run(limit=many).recording.stores}

    def units(self) -> list[Any]:
        """Return the loop, and the functions that its body calls."""
        called = sorted(self.replay.functions(), key=lambda key: key[1])
        return [self.replay.loop.node, *(self.nodes[key] for key in called if key in self.nodes)]

    def edits(self) -> Edits:
        """Return the edits of everything that one iteration runs after its forward pass."""
        early = self.forward()
        kept = self.roles.base.recording
        values = {text: value for text, value, _ in kept.stores}
        moving = {path[1] for path in (*self.roles.changed, *learned(self.roles))}
        given: Any = {path[1] for path, value in self.replay.before.items()
                 if len(path) == 2 and is_array(value)} - moving  # fmt: skip
        return Edits(
            self.replay.script.tree, self.units(), kept.shapes, early, values, frozenset(given),
            [*kept.given, *kept.stores],
        )  # fmt: skip

    def sums(self, wrong: list[Path]) -> list[Edit]:
        """Return the sums over samples that lines which store a wrong parameter may lack."""
        return sums(self.units(), self.roles.base.recording.shapes, wrong)


def units_of(edits: list[Edit]) -> list[Any]:
    """Return what the edits are in, each once, what holds others last."""
    found = list({id(one.unit): one.unit for one in edits}.values())
    return sorted(found, key=lambda unit: isinstance(unit, ast.For | ast.While))


def repaired(
    shop: Workshop,
    points: list[Point],
    form: Form,
    wrong: list[Path],
    seconds: float,
    rest: list[Point] | tuple[()] = (),
) -> list[Repair]:
    """Return edits that together make as many of the wrong parameters right as can be.

    Each was run at every point, leaves the forward pass as it is, and takes nothing away that was
    right before.  At the `rest` of the points, where rounding may blur it, no step is far off.
    """
    until = now() + seconds
    search = _Search(shop, points, form, until, rest=[*rest])
    if shop.roles.base.error is not None:
        return search.past_errors(wrong)
    shapes = [p for p in wrong if any(judge(one, form, one.base.ended)[p].shape for one in points)]
    left = list(wrong)
    for path in shapes:
        if path in left:
            left = search.take_first(shop.sums([path]), left, path)
    edits = list(shop.edits()) if left else []
    while left and now() < until and len(search.repairs) < 6:
        before = len(left)
        left = search.take_best([*edits, *shop.sums(left)], left)
        if len(left) == before:
            break
    return search.repairs


@dataclass
class _Search:
    """The edits found so far, and what to try them on."""

    shop: Workshop
    points: list[Point]
    form: Form
    until: float
    repairs: list[Repair] = field(default_factory=list)
    rest: list[Point] = field(default_factory=list)

    def take_first(self, edits: list[Edit], left: list[Path], path: Path) -> list[Path]:
        """Take the first edit that mends a parameter; return what is then left."""
        for edit in edits:
            mended = self._mended(edit, left)
            if path in mended:
                return self._taken(edit, mended, left)
        return left

    def take_best(self, edits: list[Edit], left: list[Path]) -> list[Path]:
        """Take the edit that mends most, of the first kind of slip that mends anything.

        One after which the steps only nearly are the gradient gives way to any that is exact.
        """
        best: tuple[Edit, set[Path]] | None = None
        exact = False
        for edit in sorted(edits, key=lambda one: one.order):
            full = best is not None and len(best[1]) == len(left)
            if best is not None and exact and (full or edit.order > best[0].order):
                break
            mended = self._mended(edit, left)
            if mended and (best is None or len(mended) > len(best[1]) or not exact):
                is_exact = self._is_exact(edit, mended, len(left))
                if (
                    best is None
                    or is_exact
                    or (edit.order == best[0].order and len(mended) > len(best[1]))
                ):
                    best, exact = (edit, mended), is_exact
        return self._taken(*best, left) if best is not None else left

    def _is_exact(self, edit: Edit, mended: set[Path], many: int) -> bool:
        """Tell whether the steps are the gradient, up to the rounding of the differences.

        At a point where all outputs are nearly alike, the gradients of different losses are too.
        """
        edits = [*(one.edit for one in self.repairs), edit]
        replaced = {key: new for one in edits for key, new in one.replaced.items()}
        for point, least in [(self.points[-1], EXACT), *((one, ALIKE) for one in self.rest)]:
            iteration = self.shop.run(replaced, units_of(edits), point)
            if iteration is None:
                return False
            if any(getattr(point.values[path], "dtype", None) == np.float32 for path in mended):
                return True  # as exact as it can be told
            row = judge(point, self.form, iteration.ended)
            if all(row[path].size == 1 for path in mended if path in row) and len(mended) < many:
                return False  # a sign is no direction
            cosines = [row[path].cosine for path in mended if path in row]
            if not _is_even(row, mended) or not all(c is None or c > least for c in cosines):
                return False
        return True

    def past_errors(self, wrong: list[Path]) -> list[Repair]:
        """Edit the line that an iteration ends at, and the next one, until it ends and is right."""
        path = self.shop.replay.script.path
        error: BaseException | None = self.shop.roles.base.error
        every = [*self.shop.sums(wrong), *self.shop.edits()]
        while error is not None and now() < self.until and len(self.repairs) < 8:
            line, error = line_of(error, path) or 0, None
            further: tuple[Edit, BaseException] | None = None
            for edit in (one for one in every if one.line == line):
                ended = self._ended(edit)
                if ended is None:
                    continue
                if ended.error is None and len(self._mended(edit, wrong)) == len(wrong):
                    self._taken(edit, {*wrong}, wrong)
                    return self.repairs
                if ended.error is not None and (line_of(ended.error, path) or 0) > line:
                    further = further or (edit, ended.error)
            if further is not None:
                self.repairs.append(Repair(further[0], []))
                error = further[1]
        return []

    def _ended(self, edit: Edit) -> Iteration | None:
        """Return the iteration with an edit beside those that are taken."""
        edits = [*(one.edit for one in self.repairs), edit]
        replaced = {key: new for one in edits for key, new in one.replaced.items()}
        late = now() > self.until
        return None if late else self.shop.run(replaced, units_of(edits), self.points[0])

    def _taken(self, edit: Edit, mended: set[Path], left: list[Path]) -> list[Path]:
        self.repairs.append(Repair(edit, sorted(mended, key=str)))
        return [path for path in left if path not in mended]

    def _mended(self, edit: Edit, left: list[Path]) -> set[Path]:
        edits = [*(one.edit for one in self.repairs), edit]
        replaced = {key: new for one in edits for key, new in one.replaced.items()}
        mended = set(left)
        rows: list[dict[Path, Match]] = []
        for point in self.points:
            if now() > self.until:
                return set()
            some, row = _mended(self.shop, replaced, units_of(edits), point, self.form, left)
            mended &= some
            rows.append(row)
            if not mended:
                return mended
        known = {path for row in rows for path in row if path not in left}
        if _are_steady(rows, known) and not _are_steady(rows, known | mended):
            return set()
        for point in self.rest:
            iteration = self.shop.run(replaced, units_of(edits), point)
            if iteration is not None and iteration.error is None:
                row = judge(point, self.form, iteration.ended)
                if _takes_away(judge(point, self.form, point.base.ended), row, left):
                    return set()
                mended -= {path for path in mended if path in row and _is_off(row[path])}
        return mended


def _takes_away(before: dict[Path, Match], after: dict[Path, Match], left: list[Path]) -> bool:
    """Tell whether a step that was the gradient, and not nearly, is none any more."""
    exact = {p for p, one in before.items() if one.size > 1 and (one.cosine or 0) > EXACT}
    return any(one.right is False for path, one in after.items() if path in exact - {*left})


def _are_steady(rows: list[dict[Path, Match]], paths: set[Path]) -> bool:
    """Tell whether steps that are right keep their lengths to each other from point to point."""
    ratios = [
        {path: one.ratio for path, one in row.items() if path in paths and one.right and one.ratio}
        for row in rows
    ]
    shared = [path for path in ratios[0] if all(path in row for row in ratios)]
    for path in shared[1:]:
        factors = [row[path] / row[shared[0]] for row in ratios]
        if max(factors) > (1 + 2 * PROPORTIONAL) * min(factors):
            return False
    return True


def _is_even(row: dict[Path, Match], mended: set[Path]) -> bool:
    """Tell whether mended steps are as long as the others, where those are all of one length."""
    right = {path: one.ratio for path, one in row.items() if one.right and one.ratio}
    others = [ratio for path, ratio in right.items() if path not in mended]
    if len(others) < 2 or max(others) > (1 + PROPORTIONAL) * min(others):
        return True
    own = [right[path] / others[0] for path in mended if path in right]
    return all(abs(one - 1) < PROPORTIONAL for one in own)


def _is_off(match: Match) -> bool:
    return match.cosine is not None and match.cosine < NEARLY


def _mended(
    shop: Workshop, replaced: dict[int, Any], units: list[Any], point: Point, form: Form, left: Any
) -> tuple[set[Path], dict[Path, Match]]:
    """Return what of `left` an edit mends at a point, and the matches of all there."""
    iteration = shop.run(replaced, units, point)
    if iteration is None or iteration.error is not None:
        return set(), {}
    if not _same_forward(point.base.recording, iteration.recording, form):
        return set(), {}
    matches = judge(point, form, iteration.ended)
    before = judge(point, form, point.base.ended)
    wide = [one for one in matches.values() if one.size > 1]
    if wide and not any(one.right for one in wide):
        return set(), {}  # a single number always has the direction: nothing says how long
    unknown = {path for path, one in matches.items() if one.right is None}
    kept = {path for path, one in before.items() if one.right and path not in left}
    rates = [1.0, *(one.factor for path, one in matches.items() if path in kept and one.factor)]
    right = {path for path, one in matches.items() if one.right and _is_rate(one, rates)}
    still = {
        path for path in left if before[path].right and before[path].ratio == matches[path].ratio
    }
    right -= still  # a step of a single number that an edit leaves as it was is not mended
    if not kept <= right | unknown:
        return set(), {}
    return (right | unknown) & {*left} if right & {*left} else set(), matches


def _is_rate(match: Match, rates: list[float]) -> bool:
    """Tell whether a step is as long as those of others that were right: biases may have a rate."""
    own = match.factor
    return own is None or any(abs(own / rate - 1) < PROPORTIONAL for rate in rates)


def _same_forward(before: Recording, after: Recording, form: Form) -> bool:
    """Tell whether the same outputs met the same labels, on whichever sides."""
    pair = form[0]
    if pair.own:
        return True
    first = next((one for one in before.comparisons if one.place == pair.place), None)
    second = next((one for one in after.comparisons if one.place == pair.place), None)
    if first is None or second is None:
        return False
    straight = same(first.left, second.left) and same(first.right, second.right)
    return straight or (same(first.left, second.right) and same(first.right, second.left))
