"""Steps that do not heed the answers: the same whether these are right or wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.judgement import names
from tinygrad_bp.doctor.learning.losses import meetings
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.replay import Replay

PLACES, WIDE, DIFFERENT = (
    8,
    3.0,
    3,
)  # weights that are tried, their size, and kinds of answers that they have to give
SAME = 1e-9  # relative difference of two steps that is rounding


def findings(replay: Replay, roles: Roles) -> list[Finding]:
    """Return that steps are one and the same from weights of which the answers differ."""
    steps: list[Any] = []
    answers: set[bytes] = set()
    for seed in range(PLACES):
        rng = np.random.default_rng(seed)
        shapes = {path: np.shape(replay.before[path]) for path in roles.parameters}
        values = {path: np.round(WIDE * rng.standard_normal(shapes[path])) for path in shapes}
        ran = replay.at(values)
        if ran is None or ran.error is not None:
            return []
        ended = [np.asarray(ran.value(path), float) for path in roles.parameters]
        if any(np.shape(a) != np.shape(v) for a, v in zip(ended, values.values(), strict=True)):
            return []
        outputs, labels = meetings(ran.recording, roles.pairs[0], None)
        wrong = [np.ravel(o != y) for o, y in zip(outputs, labels, strict=True)]
        if not any(map(np.any, wrong)):
            continue
        pairs = zip(ended, values.values(), strict=True)
        steps.append(np.concatenate([np.ravel(a - v) for a, v in pairs]))
        answers.add(np.concatenate(wrong).tobytes())
    size = float(np.abs(steps[0]).max()) if len(answers) >= DIFFERENT else 0.0
    if not size:
        return []
    if max(float(np.abs(one - steps[0]).max()) for one in steps) > SAME * size:
        return []
    text = (
        f"the step of {names(roles.parameters)} is the same from {len(steps)} different weights, of"
        " which other answers are right and others wrong: it does not follow from the errors"
    )
    line = next((place[0] for name, _, place in roles.base.recording.stores
                 if name in {names([path]) for path in roles.parameters}), None)  # fmt: skip
    return [Finding("wrong-gradient", FAULT, text, line, names(roles.parameters))]
