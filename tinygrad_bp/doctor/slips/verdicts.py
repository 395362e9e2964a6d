"""What the measured steps say: which gradients are wrong, how, and by which line."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding, Undecided
from tinygrad_bp.doctor.learning import gradients
from tinygrad_bp.doctor.learning.gradients import Match, Point
from tinygrad_bp.doctor.learning.judgement import Verdict, created, names
from tinygrad_bp.doctor.learning.losses import CRITERION, Form, meetings
from tinygrad_bp.doctor.learning.roles import Roles, count_comparisons, is_stored, stored_in_loop
from tinygrad_bp.doctor.slips import unheeding
from tinygrad_bp.doctor.slips.slips import by_factor, explain
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.slots import Names, Path, shown

SCALES = (0.5, 1.0, 2.0)  # of random points; a start hides missing masks and saturation
SHRINK = (1.0, 0.1, 0.01, 0.001)  # by which they are made smaller where outputs are saturated
FAINT = 1e-2  # of the gradient of another layer: a gradient that has all but vanished
DRAWS = 12  # of random numbers, of which one should lead to a step
UPHILL = -0.5  # cosine of a step that no optimizer makes of a gradient, everywhere it was tried
CLEAR = 0.98  # a cosine below this is another direction, whatever the rounding


def measured(replay: Replay, roles: Roles, seconds: float, verdict: Verdict) -> Verdict:
    """Measure at the start and at random points."""
    until = now() + seconds
    _leave_out_velocities(replay, roles, until)
    values = {"the start": gradients.start_point(replay, roles)}
    for seed, scale in enumerate(SCALES):
        name = f"random weights of size {scale:g}"
        values[name] = _within_reach(replay, roles, scale, seed)
    _first_step(replay, roles, values[name])
    for name, one in values.items():
        point = gradients.measure(replay, roles, name, one, until) if roles.pairs else None
        if point is not None:
            verdict.points.append(point)
    is_step = _is_step(roles, verdict.points)
    for point in verdict.points:  # a threshold has no slopes but its scores'
        point.slopes = {form: some for form, some in point.slopes.items()
                        if is_step == (form[1] == CRITERION)}  # fmt: skip
    if not is_step or sum(map(bool, (one.slopes for one in verdict.points))) > 1:
        steps = [one.base.ended for one in verdict.points]
        verdict.form = gradients.best_form(verdict.points, steps)
    return verdict


def _first_step(replay: Replay, roles: Roles, values: dict[Path, Any]) -> None:
    """Let an iteration end with its first step at these values, if it is earlier than at the start.

    Where units are saturated the first samples may move nothing.
    """
    there = replay.at(values, watched=roles.parameters) if roles.turn is not None else None
    if there is None:
        return
    count_comparisons(other := replace(roles), there)
    if 0 < other.compared < roles.compared:
        roles.compared, roles.turn = other.compared, other.turn


def _within_reach(replay: Replay, roles: Roles, scale: float, seed: int) -> dict[Path, Any]:
    """Return random values at which no output is rounded to a bound: inputs may be large."""
    for shrink in SHRINK:
        values = gradients.random_point(replay, roles, scale * shrink, seed)
        outputs = gradients.outputs_at(replay, roles, values)
        if np.all((outputs != 0) & (outputs != 1)):
            return values
    return gradients.random_point(replay, roles, scale, seed)


def _is_step(roles: Roles, points: list[Point]) -> bool:
    """Tell whether the output takes two values alone: where it jumps it has no derivative."""
    pair = roles.pairs[0] if roles.pairs else None
    if pair is None or pair.own or len(points) < 2:
        return False
    outputs = [meetings(one.base.recording, pair, roles.compared)[0] for one in points]
    seen = [np.ravel(value) for some in outputs for value in some]
    flat = np.concatenate(seen) if seen else np.zeros(0)
    sides = flat if len(np.unique(flat)) <= 2 else flat[flat != 0]  # `sign` has a third answer
    return flat.size > 2 and len(np.unique(sides)) <= 2


def _leave_out_velocities(replay: Replay, roles: Roles, until: float) -> None:
    """Take out of the parameters what only looks ahead of one: Nesterov's velocities.

    They start at 0, and their gradient is a multiple of the parameter's.
    """
    still = [p for p in roles.parameters if not np.any(replay.before[p])]
    if not still or not roles.pairs:
        return
    shapes = [np.shape(replay.before[p]) for p in roles.parameters]
    if all(shapes.count(np.shape(replay.before[p])) < 2 for p in still):
        return
    values = gradients.start_point(replay, roles)
    point = gradients.measure(replay, roles, "the start", values, until)
    slopes = next(iter(point.slopes.values()), {}) if point is not None else {}
    holders = {path[:2] for path in still if _looks_ahead(path, roles, slopes)}
    if holders:
        roles.parameters = [p for p in roles.parameters if not (p in still and p[:2] in holders)]


def _looks_ahead(path: Path, roles: Roles, slopes: dict[Path, Any]) -> bool:
    own = slopes.get(path)
    if own is None or len(own) < 2:
        return False
    for other in roles.parameters:
        theirs = slopes.get(other)
        if other == path or theirs is None or len(theirs) != len(own):
            continue
        length = np.linalg.norm(own) * np.linalg.norm(theirs)
        factor = np.linalg.norm(own) / max(float(np.linalg.norm(theirs)), 1e-300)
        if length and own @ theirs / length > 0.999999 and abs(factor - 1) > 1e-4 and factor < 1:
            return True
    return False


def judged(replay: Replay, roles: Roles, verdict: Verdict, seconds: float) -> Verdict:
    """Say what is wrong, and look for the edits that mend it."""
    form = verdict.form
    if form is None:
        verdict.findings += unheeding.findings(replay, roles) if roles.pairs else []
        if not verdict.findings:
            verdict.undecided.append(Undecided("gradient", _why_not(roles, verdict)))
        return verdict
    points = [one for one in verdict.points if form in one.slopes]
    table = {one.name: gradients.judge(one, form, one.base.ended) for one in points}
    seen = {path: [row[path] for row in table.values() if path in row]
            for path in gradients.learned(roles)}  # fmt: skip
    for path, rows in seen.items():
        _one(path, rows, points, form, verdict)
    wrong = [path for path, rows in seen.items()
             if path not in verdict.right and _is_wrong(path, rows, points)]  # fmt: skip
    wrong += [p for p in by_factor(replay, roles, verdict, table) if p not in wrong]
    wrong = [p for p in wrong if p not in roles.stuck]
    if roles.stuck:
        _never_moves(replay, roles, points, form, verdict)
    unheeded = unheeding.findings(replay, roles) if wrong and form[1] == CRITERION else []
    if unheeded:
        verdict.findings += unheeded
    elif wrong and _is_search(replay, wrong):
        reason = "the steps are drawn at random, whatever the labels are, and kept where they help"
        verdict.undecided.append(Undecided("gradient", f"{reason}: none is a gradient"))
    elif wrong:
        explain(replay, roles, verdict, wrong, table, seconds)
    elif not verdict.right and not verdict.findings:
        verdict.undecided.append(Undecided("gradient", _why_not(roles, verdict)))
    return verdict


def _is_search(replay: Replay, wrong: list[Path]) -> bool:
    """Tell a search at random: its steps follow the random numbers, and no data."""
    own = [path for path, value in replay.before.items() if path not in wrong and is_array(value)]
    data = [path for path in own if replay.before[path].dtype.kind == "f"]

    def steps(change: Callable[[Names], None]) -> Any:
        ended = replay.run(change)
        values = [ended.value(path) for path in wrong]
        before = [replay.before[path] for path in wrong]
        if any(np.shape(a) != np.shape(b) for a, b in zip(values, before, strict=True)):
            return None
        pairs = zip(values, before, strict=True)
        return np.concatenate([np.ravel(np.asarray(a, float) - b) for a, b in pairs])

    def disturb(names: Names) -> None:
        for path in data:
            names.put(path, replay.before[path] * (1 + 1e-6) + 1e-9)

    plain, other = steps(lambda _: None), steps(lambda _: replay.reached.draw(1))
    if plain is None or other is None or not data or np.array_equal(plain, other):
        return False
    for draws in range(DRAWS):
        moved = steps(lambda _, n=draws: replay.reached.draw(n))  # type: ignore[misc]  # of a default in a lambda
        if moved is not None and np.any(moved):

            def both(names: Names, draws: int = draws) -> None:
                disturb(names)
                replay.reached.draw(draws)

            return np.array_equal(steps(both), moved)
    return False


def _why_not(roles: Roles, verdict: Verdict) -> str:
    if not roles.pairs:
        return (
            "no comparison of an output with a label was found in the loop;"
            " say which they are: tg.doctor.watch(output=..., label=...)"
        )
    if not verdict.points:
        return "the iteration takes too long, or does not get to the comparison, to be measured"
    return (
        "moving the parameters a little does not move the output: it is a step function,"
        " or saturated everywhere that was tried"
    )


def _is_wrong(path: Path, rows: list[Match], points: list[Point]) -> bool:
    """Tell whether steps are no gradient: at half of the points, or clearly at one.

    Where outputs hardly differ many a wrong step looks right.  A right one fits exactly somewhere.
    """
    known = [one for one in rows if one.right is not None]
    if not known or 2 * sum(not one.right for one in known) >= len(known):
        return bool(known)
    cosines = [one.cosine for one in known if one.cosine is not None]
    single = any(getattr(o.values.get(path), "dtype", None) == np.float32 for o in points)
    vague = known[0].size < 2 or single or not cosines
    return not vague and min(cosines) < CLEAR and max(cosines) < gradients.EXACT


def _one(path: Path, rows: list[Match], points: list[Point], form: Form, verdict: Verdict) -> None:
    """Note a parameter that is right, an optimizer's scaled step among them, and its decay."""
    known = [one for one in rows if one.right is not None]
    if not known:
        return
    is_wrong = _is_wrong(path, rows, points)
    if is_wrong and any(one.shape for one in known):
        return
    uphill = all(one.cosine is not None and one.cosine < UPHILL for one in known)
    if is_wrong and not uphill and _is_scaled(path, points, form):
        is_wrong = False
    if not is_wrong:
        verdict.right.add(path)
        decays = [one.decay for one in known if one.decay]
        if len(decays) >= 2 and max(decays) < 0:
            verdict.findings.append(
                Finding(
                    "weight-decay-sign",
                    FAULT,
                    f"each step adds, beside the gradient, {-np.median(decays):.3g} times the rate"
                    f" times {shown(path)} itself: the weights grow by it",
                    parameter=shown(path),
                )
            )


def _is_scaled(path: Path, points: list[Point], form: Form) -> bool:
    """Tell whether an optimizer's step follows a gradient that is right, element by element."""
    for point in points:
        gradient = point.slopes[form].get(path)
        after = point.base.ended.get(path)
        if gradient is None or after is None or np.shape(after) != np.shape(point.values[path]):
            return False
        if len(gradient) != np.size(after):
            signs = True  # random directions: signs say nothing
        else:
            step = np.ravel(np.asarray(point.values[path], float) - after)
            clear = np.abs(gradient) > 1e-6 * np.abs(gradient).max()
            signs = bool(np.all(np.sign(step[clear]) == np.sign(gradient[clear])))
        if not signs or not gradients.stored_like(point, form, path):
            return False
    return bool(points)


def _never_moves(
    replay: Replay, roles: Roles, points: list[Point], form: Form, verdict: Verdict
) -> None:
    """Report parameters with a gradient that no step changes."""
    still = []
    for path in roles.stuck:
        slopes = [one.slopes[form].get(path) for one in points]
        has = any(s is not None and np.linalg.norm(s) > 1e-9 for s in slopes)
        moves = any(
            not np.array_equal(np.asarray(one.base.ended[path]), np.asarray(one.values[path]))
            for one in points
            if path in one.values and one.base.ended.get(path) is not None
        )
        if has and not moves:
            still.append(path)
        elif moves:
            verdict.right.add(path)
    if still:
        _report_still(replay, roles, points, form, verdict, still)


def _report_still(
    replay: Replay,
    roles: Roles,
    points: list[Point],
    form: Form,
    verdict: Verdict,
    still: list[Path],
) -> None:
    whole = replay.before[still[0]]
    if getattr(whole, "dtype", np.dtype(float)).kind in "iu":
        return
    others = [shown(p) for p in roles.parameters]
    line = created(replay, still[0])
    computed = [p for p in still if any(gradients.stored_like(o, form, p) for o in points)]
    evidence = (
        f"{names(still)} act on the output and have a gradient, and not one step changes them"
        + (f"; {', '.join(others)} move" if others else "; nothing else moves either")
        + (f". The gradient of {names(computed)} is computed and not used" if computed else "")
    )
    dropped = _dropped(replay, still)
    if dropped:
        evidence += (
            f"; {replay.script.at(dropped)} computes what it should be, and stores it nowhere"
        )
    is_meant = computed or dropped or not others or _is_assigned(replay, still)
    severity = FAULT if is_meant else NOTE
    zero = all(not np.any(replay.before[p]) for p in still)
    severity = FAULT if zero else severity
    verdict.findings.append(
        Finding("not-updated", severity, evidence, dropped or line, parameter=names(still))
    )


def held_back(roles: Roles, findings: list[Finding]) -> None:
    """Make a fault of what never moves beside what does, in a run that learned hardly anything."""
    beside = {(path[:-1], _kind(path)) for path in roles.parameters}
    for one in findings:
        still = any((path[:-1], _kind(path)) in beside for path in roles.stuck)
        if one.name == "not-updated" and one.severity == NOTE and still:
            one.severity = FAULT
            one.evidence += "; and what they are part of has learned hardly anything"


def _kind(path: Path) -> str:
    """Return the last name of a path without its number: `W` of `W1`, and of `net.W2`."""
    return str(path[-1][-1]).rstrip("0123456789_")


def _dropped(replay: Replay, paths: Iterable[Path]) -> int | None:
    """Return the line that computes an update and stores it nowhere."""
    known = {str(key) for path in paths for key in (path[1], *(part[1] for part in path[2:]))}
    for one in ast.walk(replay.script.tree):
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.BinOp):
            text = ast.unparse(one.value.left)
            if isinstance(one.value.op, ast.Sub | ast.Add) and (
                text.split("[")[0].split(".")[-1] in known
            ):
                return one.lineno
    return None


def _is_assigned(replay: Replay, paths: Iterable[Path]) -> bool:
    """Tell whether the loop, or what it calls, stores under these names, to no effect."""
    stored = stored_in_loop(replay)
    return any(is_stored(path, stored) for path in paths)


def vanishing(verdict: Verdict) -> str:
    """Return how much smaller the gradient of a first layer is, where it has all but vanished."""
    point = verdict.points[0]
    slopes = point.slopes.get(verdict.form, {}) if verdict.form else {}
    sizes = {
        path: float(np.linalg.norm(some)) / np.sqrt(max(len(some), 1))
        for path, some in slopes.items()
        if np.ndim(point.values[path]) == 2 and min(np.shape(point.values[path])) > 1
    }
    if len(sizes) < 3:
        return ""
    small, large = min(sizes, key=lambda p: sizes[p]), max(sizes, key=lambda p: sizes[p])
    if sizes[small] > FAINT * sizes[large] or not sizes[large]:
        return ""
    return (
        f"at the start an element of {shown(small)}'s gradient has the size {sizes[small]:.1g},"
        f" one of {shown(large)}'s {sizes[large]:.1g}"
    )
