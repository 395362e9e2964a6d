"""Which slips are behind parameters that take wrong steps, by the edits that mend them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding, Undecided
from tinygrad_bp.doctor.learning import gradients
from tinygrad_bp.doctor.learning.gradients import Match, Point
from tinygrad_bp.doctor.learning.judgement import Table, Verdict, names, source_line
from tinygrad_bp.doctor.learning.losses import Form
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.slips.repairs import Repair, Workshop, repaired, units_of
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.slots import Path, shown

CLEAR = 0.98  # a cosine below this is another direction, whatever the rounding


def explain(
    replay: Replay,
    roles: Roles,
    verdict: Verdict,
    wrong: list[Path],
    table: Table,
    seconds: float,
) -> None:
    """Name the slips behind the wrong parameters."""
    form = verdict.form
    assert form is not None  # noqa: S101  # `judged` has asked
    points = [one for one in verdict.points if form in one.slopes]
    shop = Workshop(replay, roles)
    form, repairs = _most_mended(shop, verdict, wrong, seconds)
    verdict.form = form
    points = [one for one in verdict.points if form in one.slopes]
    table = {one.name: gradients.judge(one, form, one.base.ended) for one in points}
    turned = any(_is_turned(path, table) for one in repairs for path in one.mended)
    if not verdict.right and _mended(repairs) < len(wrong) and not turned:
        repairs = []  # where no step fits, the loss may be one that was not tried
    for repair in repairs:
        repair.mended = repair.mended or repairs[-1].mended
        _add(replay, verdict, repair, points, table, form)
    left = [p for p in wrong if not any(p in one.mended for one in repairs)]
    left = _still_wrong(shop, repairs, points, form, left)
    if left and roles.base.error is None:
        _unexplained(verdict, left, table, form, bool(repairs))


def _is_turned(path: Path, table: Table) -> bool:
    """Tell whether a step is the gradient of this very loss, the other way round everywhere."""
    rows = [row[path] for row in table.values() if path in row]
    cosines = [one.cosine for one in rows if one.cosine is not None and one.size > 1]
    return len(cosines) > 1 and max(cosines) < -gradients.EXACT


def _still_wrong(
    shop: Workshop, repairs: list[Repair], points: list[Point], form: Form, left: list[Path]
) -> list[Path]:
    """Return what is wrong at most points with all repairs made; some may be clipped at one."""
    edits = [one.edit for one in repairs]
    replaced = {key: new for one in edits for key, new in one.replaced.items()}
    rows = []
    for point in points if left and repairs else ():
        iteration = shop.run(replaced, units_of(edits), point)
        if iteration is not None and iteration.error is None:
            rows.append(gradients.judge(point, form, iteration.ended))
    known = {p: [right for row in rows if (right := row[p].right) is not None] for p in left}
    return [p for p in left if not known[p] or 2 * sum(known[p]) <= len(known[p])]


def _most_mended(
    shop: Workshop, verdict: Verdict, wrong: list[Path], seconds: float
) -> tuple[Form, list[Repair]]:
    """Return the edits that leave least wrong, under the loss that fits best, or another."""
    best = verdict.form
    assert best is not None  # noqa: S101  # `judged` has asked
    most = sum(best in one.slopes for one in verdict.points)
    others = [one for one in verdict.points[0].slopes if one != best and one[0] == best[0]]
    others = [one for one in others if sum(one in p.slopes for p in verdict.points) >= most - 1]
    forms, until = [best, *others], now() + seconds
    found: tuple[Form, list[Repair]] = (best, [])
    highest: tuple[int, int] | None = None
    for number, form in enumerate(forms):
        time = (until - now()) / (len(forms) - number)
        if verdict.right and form == best:
            time = max(time, 0.7 * seconds)  # this loss is the likely one
        points = [one for one in verdict.points if form in one.slopes]
        judged = {one.name: gradients.judge(one, form, one.base.ended) for one in points}
        tried = [one for one in points if any(judged[one.name][p].right is not None for p in wrong)]
        tried = [one for one in tried if _is_plain(judged[one.name], verdict.right)] or tried
        if not tried:  # a loss with slopes at points where nothing can be told
            continue
        is_crash = shop.roles.base.error is not None
        chosen = tried[:2] if is_crash else (tried[1:3] or tried[:1])
        rest = [] if is_crash else [one for one in tried if one not in chosen]
        every = [*wrong, *_doubtful(verdict, wrong, judged)]
        repairs = repaired(shop, chosen, form, every, time, rest)
        slips = len({one.edit.name for one in repairs})
        worth, alone = (_mended(repairs) - len(every), -slips), slips == 1
        if highest is None or worth > highest:
            highest, found = worth, (form, repairs)
        if _mended(repairs) >= len(wrong) and alone:
            break
    return found


def _is_plain(row: dict[Path, Match], right: set[Path]) -> bool:
    """Tell whether all that is right elsewhere is so here: a gradient that is clipped is not."""
    return all(row[path].right is not False for path in right if path in row)


def _doubtful(verdict: Verdict, wrong: list[Path], table: Table) -> list[Path]:
    """Return what may be wrong as well: steps that are clearly off at one point.

    And single numbers, where nothing that has a direction is right beside them.  Where all are
    single numbers their lengths tell.
    """
    if all(one.size == 1 for row in table.values() for one in row.values()):
        return []
    rows = {path: [row[path] for row in table.values() if path in row]
            for path in verdict.right if path not in wrong}  # fmt: skip
    off = [path for path, some in rows.items()
           if any(one.cosine is not None and one.cosine < CLEAR for one in some)]  # fmt: skip
    sure = [path for path, some in rows.items() if path not in off and some]
    if any(rows[path][0].size > 1 for path in sure):
        return off
    return [*off, *sure]


def _mended(repairs: list[Repair]) -> int:
    return len({path for one in repairs for path in one.mended})


def by_factor(replay: Replay, roles: Roles, verdict: Verdict, table: Table) -> list[Path]:
    """Look at steps of the right direction and another length; return those that are wrong.

    A constant factor is a rate of its own, unless it is the number of samples.  A single number
    whose factor changes from point to point has no gradient for a step.
    """
    wrong = []
    samples = _samples(roles, verdict)
    for path in gradients.learned(roles):
        rows = [row[path] for row in table.values() if path in row]
        factors = _factors(path, table)
        if len(factors) < 2:
            continue
        spread, factor = max(factors) / min(factors), float(np.median(factors))
        is_mean = samples > 1 and min(abs(factor / samples - 1), abs(factor * samples - 1)) < 0.03
        if (
            spread > 1.05
            and rows[0].size == 1
            and (any(one.size > 1 for one in _others(table, path)) or _agree(table))
        ):
            wrong.append(path)
        elif spread < 1.05 and is_mean:
            _mean_or_sum(replay, roles, verdict, path, (factor, samples), table)
    return wrong


def _factors(path: Path, table: Table) -> list[float]:
    """Return how much longer the steps of a parameter are than those of the largest right one."""
    right = {
        other: row[other].size
        for row in table.values()
        for other in row
        if all(r[other].right is not False for r in table.values() if other in r)
    }
    steady = _steady(table)
    widest = steady or max(right, key=lambda other: right[other], default=None)
    found = []
    for row in table.values():
        own, other = row.get(path), row.get(widest) if widest is not None else None
        if own is None or other is None or not own.right or not own.ratio or not other.ratio:
            continue
        among = own.size == other.size == 1 and steady is None
        common = own.factor if among else own.ratio / other.ratio
        found += [common] if common is not None else []
    return found


def _steady(table: Table) -> Path | None:
    """Return the largest parameter that takes plain steps along its gradient."""
    rows = [*table.values()]
    found = gradients.steady(rows)
    return max(found, key=lambda path: (rows[0][path].size, str(path)), default=None)


def _agree(table: Table) -> bool:
    """Tell whether enough single numbers take steps of one length, for others to be wrong."""
    if _steady(table) is not None:
        return True
    return all(gradients.agreed(row) >= max(gradients.AGREED, len(row) / 4)
               for row in table.values())  # fmt: skip


def _others(table: Table, path: Path) -> list[Match]:
    return [one for row in table.values() for other, one in row.items() if other != path]


def _mean_or_sum(
    replay: Replay,
    roles: Roles,
    verdict: Verdict,
    path: Path,
    found: tuple[float, int],
    table: Table,
) -> None:
    """Report a gradient that is a sum where the others are means, or the other way round."""
    factor, samples = found
    text = (
        f"the step of {shown(path)} has the gradient's direction and {factor:.3g} times the length"
        f" of the largest parameter's; there are {samples} samples: one is a sum, the other a mean"
    )
    form = verdict.form
    assert form is not None  # noqa: S101  # `judged` has asked
    points = [one for one in verdict.points if form in one.slopes]
    repairs = repaired(Workshop(replay, roles), points[1:3] or points, form, [path], 1.5)
    name = (
        "bias-axis"
        if any("axis" in source_line(replay, r.edit.line) for r in repairs)
        else "not-averaged"
    )
    for one in repairs:
        one.edit.name = name
        _add(replay, verdict, one, points, table, form)
        verdict.findings[-1].evidence = text
    if not repairs:
        verdict.findings.append(Finding(name, FAULT, text, parameter=shown(path)))


def _samples(roles: Roles, verdict: Verdict) -> int:
    point = verdict.points[0]
    pair = verdict.form[0] if verdict.form else roles.pairs[0]
    for one in point.base.recording.comparisons:
        if one.place == pair.place:
            return int(max(pair.label_of(one).shape, default=1))
    return 1


def _add(
    replay: Replay,
    verdict: Verdict,
    repair: Repair,
    points: list[Point],
    table: Table,
    form: Form,
) -> None:
    script, edit = replay.script, repair.edit
    name = edit.name
    shapes = _grown(points, table, repair.mended)
    patch = patches.patch_of(script, edit.replaced)
    evidence = _cosines(repair.mended, table, form)
    if shapes:
        evidence = f"after one step {shapes}"
    evidence += "; with the patched line the step is the gradient at every point that was tried"
    same = next((one for one in verdict.findings if one.name == name and one.patch), None)
    if same is not None:  # the same slip in another layer
        edits = verdict.edits.setdefault(name, {})
        edits.update(edit.replaced)
        if names(repair.mended) not in (same.parameter or ""):
            same.parameter = f"{same.parameter}, {names(repair.mended)}"
            same.evidence += f". And {evidence}"
        same.patch = patches.patch_of(script, edits)
    else:
        verdict.edits[name] = dict(edit.replaced)
        verdict.findings.append(
            Finding(name, FAULT, evidence, edit.line, names(repair.mended), patch)
        )
    if shapes:
        _add_grown(verdict, shapes, repair.mended, edit.line, patch)


def _add_grown(
    verdict: Verdict, shapes: str, paths: list[Path], line: int | None = None, patch: str = ""
) -> None:
    grown = next((one for one in verdict.findings if one.name == "parameter-grew"), None)
    if grown is None:
        text = f"after one step {shapes}"
        found = Finding("parameter-grew", FAULT, text, line, names(paths), patch)
        verdict.findings.append(found)
    elif names(paths) not in (grown.parameter or ""):
        grown.parameter = f"{grown.parameter}, {names(paths)}"
        grown.evidence += f"; {shapes}"


def _grown(points: list[Point], table: Any, paths: list[Path]) -> str:
    for point in points:
        row = table[point.name]
        found = [(p, row[p].shape) for p in paths if p in row and row[p].shape is not None]
        if found:
            return ", ".join(
                f"{shown(p)} has the shape {shape} instead of {np.shape(point.values[p])}"
                for p, shape in found
            )
    return ""


def _cosines(paths: list[Path], table: Table, form: Form) -> str:
    parts = []
    rows = [row[path] for row in table.values() for path in paths if path in row]
    alone = rows and all(one.size == 1 and one.right for one in rows)
    if alone and any(_factors(path, table) for path in paths):
        factors = [one for path in paths for one in _factors(path, table)]
        return (
            f"to the gradient of {form[1]} (finite differences) the steps are from"
            f" {min(factors):.3g} to {max(factors):.3g} times as long as the other parameters'"
        )
    for path in paths[:4]:
        known = [row[path].cosine for row in table.values() if row[path].cosine is not None]
        if known:
            spread = ", ".join(f"{one:.3f}" for one in known)
            parts.append(f"{shown(path)}: {spread}")
    if not parts:
        return f"{names(paths)} take no step that could be compared"
    return (
        f"the cosine of the step with the true downhill direction of {form[1]} (finite differences;"
        f" 1 is right) is {'; '.join(parts)}"
    )


def _fits(verdict: Verdict, table: Table) -> bool:
    """Tell whether any step fits this loss; of a single number only the length says so."""
    rows = [*table.values()]
    plain = {*gradients.steady(rows)}
    return any(path in plain or rows[0][path].size > 1 for path in verdict.right)


def _unexplained(verdict: Verdict, left: list[Path], table: Table, form: Form, some: bool) -> None:
    grown = [p for p in left if any(row[p].shape for row in table.values())]
    if grown:
        points = [one for one in verdict.points if one.name in table]
        _add_grown(verdict, _grown(points, table, grown), grown)
        left = [p for p in left if p not in grown]
    known = {p: [c for row in table.values() if (c := row[p].cosine) is not None] for p in left}
    clear = [p for p in left if known[p] and np.median(known[p]) < CLEAR]
    if left and not clear and _agree(table):
        text = _cosines(left, table, form)
        verdict.findings.append(Finding("wrong-gradient", FAULT, text, None, names(left)))
    spread = [path for path in clear if _is_spread(path, verdict.points, form)]
    if spread:
        text = f"every element of {names(spread)} takes the same step: its gradient is one number"
        text = f"{text}, and was spread over all; {_cosines(spread, table, form)}"
        verdict.findings.append(Finding("gradient-shape", FAULT, text, None, names(spread)))
        clear = [path for path in clear if path not in spread]
    if not clear:
        return
    evidence = _cosines(clear, table, form)
    lowest = min(float(np.median(known[p])) for p in clear)
    if some or lowest < 0.5 or _fits(verdict, table):
        name = (
            "wrong-sign" if all(np.median(known[p]) < -CLEAR for p in clear) else "wrong-gradient"
        )
        verdict.findings.append(Finding(name, FAULT, evidence, None, names(clear)))
    else:
        verdict.undecided.append(
            Undecided("gradient", f"no loss that was tried fits the steps; {evidence}")
        )


def _is_spread(path: Path, points: list[Point], form: Form) -> bool:
    """Tell whether one number is the step of a whole matrix, at every point with a gradient."""
    known = [one for one in points if path in one.slopes.get(form, {})]
    for point in known:
        value, after = np.asarray(point.values[path], float), np.asarray(point.base.ended[path])
        if sorted((1, 1, *value.shape))[-2] < 2 or np.shape(after) != value.shape:
            return False
        step = value - after
        rounding = 1e-6 if after.dtype == np.float32 else 1e-13
        if not np.any(step) or np.ptp(step) > rounding * np.abs(value).max():
            return False
    return len(known) > 1
