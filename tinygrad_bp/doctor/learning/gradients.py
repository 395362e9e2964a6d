"""The step that the script takes against the true gradient of what it compares.

The true one comes from central differences: it knows nothing of the script's backward pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.doctor.learning.losses import Form, losses, meetings, roundings
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import Recording
from tinygrad_bp.doctor.watched.replay import Iteration, Replay
from tinygrad_bp.doctor.watched.slots import Names, Path, same

Vector = NDArray[np.float64]
FULL = 160  # parameters up to which every element is differentiated, and not random directions
DIRECTIONS = 14
STEP, SINGLE_STEP = 1e-5, 1e-2  # of central differences, in double and single precision
ALIGNED, SINGLE_ALIGNED = 0.9995, 0.98  # cosine of two vectors that are the same gradient
EXACT = 1 - 1e-6  # cosine of a gradient with its differences in double precision
ROUGH = 3e8  # times that single precision rounds what double does
AGREED = 3  # single numbers whose steps are of one length, for it to be the rate
SAME = 1e-5  # by which the rate of a plain step may differ from point to point
PROPORTIONAL = 0.02  # by which the factor of a parameter may differ from that of the others


@dataclass
class Match:
    """How the step of one parameter compares with its gradient at one point.

    Attributes
    ----------
    cosine, ratio : float or None
        Of the step against the downhill direction; the step's length over the gradient's.  None
        where the gradient is too small to be told from rounding.
    """

    cosine: float | None
    ratio: float | None
    shape: tuple[int, ...] | None = None  # where the step changed the parameter's shape
    decay: float = 0.0
    right: bool | None = None
    factor: float | None = None  # of the length to that of the largest parameter that is right
    size: int = 1


@dataclass
class Point:
    """Parameter values, the true gradient there in each form, and the script's own step."""

    name: str
    values: dict[Path, Any]
    directions: dict[Path, Vector]
    slopes: dict[Form, dict[Path, Vector]]
    base: Iteration
    steps: dict[Path, float] = field(default_factory=dict)  # of the differences
    rounding: dict[Form, float] = field(default_factory=dict)  # of each loss

    def change(self, names: Names) -> None:
        """Go there."""
        for path, value in self.values.items():
            names.put(path, value)


def start_point(replay: Replay, roles: Roles) -> dict[Path, Any]:
    """Return the values of the parameters at the head of the loop."""
    return {path: replay.before[path] for path in learned(roles)}


def learned(roles: Roles) -> list[Path]:
    """Return the parameters, with those that never move."""
    return [*roles.parameters, *roles.stuck]


def random_point(replay: Replay, roles: Roles, scale: float, seed: int) -> dict[Path, Any]:
    """Return random values, smaller where many inputs add up."""
    rng = np.random.default_rng(seed)
    values = {}
    for path in learned(roles):
        old = replay.before[path]
        if getattr(old, "dtype", np.dtype(float)).kind in "iu":
            continue
        shape = np.shape(old)
        fan = np.sqrt(max(shape)) if len(shape) > 1 else 1.0
        values[path] = scale * rng.standard_normal(shape) / fan
        if getattr(old, "dtype", None) == np.float32:
            values[path] = values[path].astype(np.float32)
    return values


def outputs_at(replay: Replay, roles: Roles, values: dict[Path, Any]) -> Vector:
    """Return what the comparison sees as outputs at these values, as one row."""
    known = roles.pairs and not roles.pairs[0].own
    ran = replay.at(values, limit=roles.compared) if known else None
    if ran is None:
        return np.zeros(0)
    outputs, _ = meetings(ran.recording, roles.pairs[0], roles.compared)
    return np.concatenate([np.ravel(one).astype(float) for one in outputs] or [np.zeros(0)])


def measure(
    replay: Replay, roles: Roles, name: str, values: dict[Path, Any], until: float
) -> Point | None:
    """Differentiate the losses at a point; None where the iteration does not get that far."""
    rng = np.random.default_rng(3)
    paths = [path for path in learned(roles) if path in values]
    many = sum(np.size(values[path]) for path in paths)
    directions = {}
    drawn: dict[tuple[int, ...], Vector] = {}  # one set a shape: a velocity's is its parameter's
    for path in paths:
        size, shape = np.size(values[path]), np.shape(values[path])
        if many <= FULL or size <= DIRECTIONS:
            directions[path] = np.eye(size)
            continue
        if shape not in drawn:
            drawn[shape] = rng.standard_normal((DIRECTIONS, size))
        directions[path] = drawn[shape]
    point = Point(name, values, directions, {}, Iteration(replay.names, Recording(), None, {}))
    try:
        point.base = _at(replay, roles, point)
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
    forms = _forms(roles, point.base)
    point.slopes = {form: {} for form in forms}
    point.rounding = roundings(forms, point.base.recording, roles.compared)
    compared = _enough(replay, roles, point, forms) if not roles.pairs[0].own else None
    for path in paths:
        value = np.asarray(values[path], float)
        single = _is_single(values[path])
        step = (SINGLE_STEP if single else STEP) * max(1.0, float(np.abs(value).max()))
        point.steps[path] = step
        for direction in directions[path]:
            if now() > until:
                return None
            _differentiate(
                replay, roles, point, path, step * direction.reshape(value.shape), compared
            )
        for form in forms:
            slopes = point.slopes[form]
            if len(slopes.get(path, ())) != len(directions[path]):
                slopes.pop(path, None)
            else:
                slopes[path] = np.asarray(slopes[path]) / (2 * step)
    return point


def _enough(replay: Replay, roles: Roles, point: Point, forms: dict[Form, float]) -> int:
    """Return how many comparisons make the losses at a point: a backward pass may take long."""
    places = {pair.place for pair in roles.pairs if not pair.own}
    met = point.base.recording.comparisons[: roles.compared]
    many = max((k for k, one in enumerate(met, 1) if one.place in places), default=roles.compared)
    same_losses = _forms(roles, replay.run(point.change, limit=many)) == forms
    return many if same_losses else roles.compared


def _at(replay: Replay, roles: Roles, point: Point) -> Iteration:
    base = replay.run(point.change, limit=roles.turn)
    kept = {path: base.value(path) for path in point.values}
    base.ended = kept
    return base


def _forms(roles: Roles, base: Iteration) -> dict[Form, float]:
    compared = roles.compared
    found = {}
    for pair in roles.pairs:
        for name, value in losses(base.recording, pair, compared, roles.weights).items():
            found[pair, name] = value
    return found


def _differentiate(
    replay: Replay, roles: Roles, point: Point, path: Path, step: Any, compared: int | None
) -> None:
    values = []
    for sign in (1, -1):

        def change(names: Names, sign: int = sign) -> None:
            point.change(names)
            names.put(path, np.asarray(point.values[path], float) + sign * step)

        again = replay.run(change, limit=compared)
        values.append(_forms(roles, again))
    for form, slopes in point.slopes.items():
        if form in values[0] and form in values[1]:
            rows: Any = slopes.setdefault(path, [])  # type: ignore[arg-type]  # until all are there
            rows.append(values[0][form] - values[1][form])


Ends = Callable[[Path], Any]


def judge(point: Point, form: Form, ends: dict[Path, Any]) -> dict[Path, Match]:
    """Compare the steps that lead to `ends` with the gradient in one form."""
    found = {}
    slopes = point.slopes[form]
    for path, value in point.values.items():
        after = ends.get(path)
        if after is None or np.shape(after) != np.shape(value):
            found[path] = Match(None, None, None if after is None else np.shape(after), right=False)
            continue
        if path not in slopes:
            found[path] = Match(None, None)
            continue
        found[path] = _compared(point, path, form, np.asarray(after, float))
    _settle(point, found)
    return found


def _compared(point: Point, path: Path, form: Form, after: Any) -> Match:
    slopes = point.slopes[form]
    directions, gradient = point.directions[path], slopes[path]
    value = np.asarray(point.values[path], float)
    hand = directions @ np.ravel(value - after)
    longest = max(float(np.linalg.norm(one)) for one in slopes.values())
    rough = ROUGH if _is_single(point.values[path]) else 1.0
    noise = rough * point.rounding[form] / point.steps[path]
    length, floor = float(np.linalg.norm(gradient)), noise * np.sqrt(len(gradient))
    step = float(np.linalg.norm(hand))
    if not np.isfinite(hand).all() or not np.isfinite(gradient).all():
        return Match(None, None)
    if length == 0 or length < 300 * floor or length < 1e-9 * longest:
        return Match(None, None)  # from here 0 and rounding look alike
    if step == 0:
        return Match(0.0, 0.0, right=False)
    cosine = float(gradient @ hand / length / step)
    match = Match(cosine, step / length)
    if cosine < _aligned(point, path):
        _without_decay(match, point, path, gradient, hand)
    return match


def _aligned(point: Point, path: Path) -> float:
    return SINGLE_ALIGNED if _is_single(point.values[path]) else ALIGNED


def _is_single(value: Any) -> bool:
    return getattr(value, "dtype", None) == np.float32


def _without_decay(match: Match, point: Point, path: Path, gradient: Vector, hand: Vector) -> None:
    """See whether the step is the gradient and a multiple of the parameter itself."""
    own = point.directions[path] @ np.ravel(np.asarray(point.values[path], float))
    basis = np.stack([gradient, own], axis=1)
    if len(own) < 3 or np.linalg.norm(own) == 0:
        return
    (rate, decay), *_ = np.linalg.lstsq(basis, hand, rcond=None)
    rest = np.linalg.norm(hand - basis @ [rate, decay]) / np.linalg.norm(hand)
    seen = 1e-6 * np.linalg.norm(hand) < abs(decay) * np.linalg.norm(own)
    if rest < 0.01 and rate > 0 and seen and abs(decay) < 1:  # more is no decay
        match.cosine, match.ratio, match.decay = 1.0, float(rate), float(decay / rate)


def _settle(point: Point, found: dict[Path, Match]) -> None:
    """Decide which directions are right, and by which factor each step is longer than others.

    A single number has no direction but its sign: there the factor is all there is.
    """
    for path, one in found.items():
        one.size = int(np.size(point.values[path]))
        if one.cosine is not None and one.right is None:
            one.right = one.cosine >= _aligned(point, path)
    aligned = [one for one in found.values() if one.right and one.ratio]
    widest = max(aligned, key=_weight, default=None)
    if widest is None or not widest.ratio:
        return
    same = [one.ratio for one in aligned if one.size == widest.size and one.ratio]
    common = consensus(same)[0] if widest.size == 1 else widest.ratio
    for one in aligned:
        if one.ratio:
            one.factor = one.ratio / common


def _weight(match: Match) -> tuple[bool, int]:
    """Order matches by how much they tell of the rate: one that nearly fits may be wrong."""
    return match.size > 1 and (match.cosine or 0.0) > EXACT, match.size


def consensus(ratios: list[float]) -> tuple[float, int]:
    """Return the ratio that most agree on, within 1 %, and how many; the median where none do."""
    ordered = np.sort(ratios)
    counts = np.searchsorted(ordered, ordered * 1.01, side="right") - np.arange(len(ordered))
    most = int(counts.max())
    if most < AGREED:
        return float(np.median(ordered)), most
    first = int(np.argmax(counts))
    return float(np.median(ordered[first : first + most])), most


def agreed(row: dict[Path, Match]) -> int:
    """Return how many single numbers take steps of one length to their gradients."""
    ratios = [one.ratio for one in row.values() if one.size == 1 and one.right and one.ratio]
    return consensus(ratios)[1] if ratios else 0


def best_form(points: list[Point], steps: list[dict[Path, Any]]) -> Form | None:
    """Return the loss that the script's steps fit best, over all points.

    Of what a loss leaves unknown nothing is counted, unless that is most of what others know.
    """
    fits: dict[Form, tuple[float, ...]] = {}
    shares: dict[Form, tuple[float, ...]] = {}
    known_of: dict[Form, int] = {}
    counts = Counter(form for one in points for form in one.slopes if one.slopes[form])
    shared = [form for form, many in counts.items() if many >= len(points) - 1]
    for form in shared:
        exact, count, known, wide, total = 0, 0, 0, 0, 0.0
        rows: list[dict[Path, Match]] = []
        for point, ends in zip(points, steps, strict=True):
            if form not in point.slopes:
                continue
            row = judge(point, form, ends)
            rows.append(row)
            matches = [one for one in row.values() if one.right is not None]
            known, wide = known + len(matches), wide + sum(one.size > 1 for one in matches)
            count += sum(one.right is True for one in matches)
            exact += sum((one.cosine or 0) > EXACT for one in matches if one.size > 1)
            count += agreed(row) if all(one.size == 1 for one in matches) else 0
            total += sum(one.cosine for one in matches if one.cosine is not None)
        many = counts[form]  # the start may be saturated, where a loss of logarithms is none
        even: float = len(steady(rows))  # of one sample every loss has the same direction
        having = [one for one in points if form in one.slopes]
        if not exact:  # an optimizer's steps, and the gradients that it holds
            kept = (bool(stored_like(one, form, p)) for one in having for p in one.values)
            even += sum(kept) / many
        known_of[form] = known
        fits[form] = exact / many, count / many, even, round(abs(total) / many, 4)
        shares[form] = exact / max(wide, 1), count / max(known, 1), *fits[form][2:]
    least = max(known_of.values(), default=0) / 2
    ranked = [one for one in fits if known_of[one] >= least]
    best = max(ranked, key=shares.__getitem__, default=None)
    others = [one for one in ranked if not one[0].own]
    other = max(others, key=shares.__getitem__, default=None)
    if best is None or other is None or fits[other] < fits[best]:
        return best
    return other  # the script's own loss has to fit better, however it is counted


def steady(rows: list[dict[Path, Match]]) -> list[Path]:
    """Return the parameters whose steps are one multiple of their gradients at every point.

    Only plain steps along the right gradient are: no optimizer's, and no wrong ones by chance.
    """
    found = []
    for path in dict.fromkeys(path for row in rows for path in row):
        seen = [row[path] for row in rows if path in row and row[path].right is not None]
        ratios = [one.ratio for one in seen if one.right and one.ratio]
        if len(ratios) == len(seen) >= AGREED and max(ratios) < (1 + SAME) * min(ratios):
            found.append(path)
    return found


def stored_like(point: Point, form: Form, path: Path) -> str:
    """Return the name of a value the iteration stores that is a parameter's gradient, or nothing.

    An optimizer that divides by a running size takes steps that are no gradient, and still holds
    one.
    """
    gradient = point.slopes[form].get(path)
    if gradient is None or not np.linalg.norm(gradient):
        return ""
    shape, directions = np.shape(point.values[path]), point.directions[path]
    recording = point.base.recording
    stored = [(text, value) for text, value, _ in reversed(recording.stores)]
    for text, value in [*stored, *recording.held]:
        if np.shape(value) != shape or same(value, point.values[path]):
            continue
        hand = directions @ np.ravel(np.asarray(value, float))
        length = np.linalg.norm(hand) * np.linalg.norm(gradient)
        if length and abs(hand @ gradient) / length >= _aligned(point, path):
            return str(text)
    return ""
