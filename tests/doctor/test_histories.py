"""Courses of training that have something wrong about them, and healthy ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.doctor.findings.diagnosis import FAULT
from tinygrad_bp.training.history import History

EPOCHS = np.arange(60)
FALLING = 0.7 * np.exp(-EPOCHS / 20) + 0.05
LEVEL = np.full(60, math.log(2))
NOISE = np.random.default_rng(0).normal(0, 0.02, 60)


def history(**columns: object) -> History:
    made = History()
    rows = [np.asarray(one, float).tolist() for one in columns.values()]
    for row in zip(*rows, strict=True):
        made.append(dict(zip(columns, row, strict=True)))
    return made


SICK = {
    "no number": ("exploding", {"loss": np.where(EPOCHS < 30, FALLING, np.nan)}),
    "rising": ("step-too-large", {"loss": 1 + EPOCHS**2.0}),
    "at ln 2": ("step-too-small", {"loss": LEVEL + NOISE / 20}),
    "at ln 10": ("step-too-small", {"loss": math.log(10) - EPOCHS * 1e-4}),
    "still": ("step-too-small", {"loss": 5 - EPOCHS * 1e-6}),
    "turned": ("overfitting", {"loss": FALLING, "validation_loss": FALLING + EPOCHS * 0.02}),
    "rate gone": ("rate-decays", {"loss": 2 - EPOCHS * 1e-4, "lr": 0.1 * 0.5**EPOCHS}),
    "told of training": ("no-held-out-data", {"loss": FALLING, "accuracy": 1 - FALLING}),
}
WELL = {
    "falling": {"loss": FALLING},
    "noisy": {"loss": FALLING + NOISE},
    "plateau, then down": {"loss": np.where(EPOCHS < 40, 0.69, 0.69 - (EPOCHS - 39) * 0.02)},
    "held out": {"loss": FALLING, "validation_loss": FALLING + 0.02, "accuracy": 1 - FALLING},
    "negative likelihood": {"loss": -EPOCHS * 0.1},
    "already good": {"loss": 1e-4 + 1e-6 * np.abs(NOISE)},
    "slowly from chance": {"loss": 0.71 - EPOCHS * 6e-4},
    "turned a little": {"loss": FALLING, "validation_loss": FALLING + 0.02 + EPOCHS * 0.004},
    "turned at the end": {"loss": FALLING, "validation_loss": np.where(EPOCHS < 57, FALLING, 1)},
    "both rise": {"loss": 1 + EPOCHS * 0.005, "validation_loss": 1 + EPOCHS * 0.01},
    "decayed late": {"loss": 2 - EPOCHS * 1e-4, "lr": 0.1 * 0.9**EPOCHS},
    "decayed and learned": {"loss": FALLING, "lr": 0.1 * 0.5**EPOCHS},
}
NOTED = {"already good": ["step-too-small"], "decayed late": ["step-too-small"]}  # it stands still


@pytest.mark.parametrize("case", SICK)
def test_what_is_wrong_with_a_course_is_named(case: str) -> None:
    name, columns = SICK[case]
    assert name in {one.name for one in tg.doctor.diagnose(history(**columns)).findings}


@pytest.mark.parametrize("case", WELL)
def test_a_healthy_course_has_no_faults_and_few_notes(case: str) -> None:
    found = tg.doctor.diagnose(history(**WELL[case])).findings
    assert [one for one in found if one.severity == FAULT] == []
    assert [one.name for one in found] == NOTED.get(case, [])


def test_labels_tell_at_which_loss_nothing_is_known() -> None:
    level = history(loss=np.full(40, math.log(3)) - EPOCHS[:40] * 1e-5)
    three = (np.zeros((3, 1)), np.array([0, 1, 2]))
    found = tg.doctor.diagnose(level, data=three).findings
    assert "ln 3" in found[0].evidence


def test_a_short_history_is_not_judged() -> None:
    found = tg.doctor.diagnose(history(loss=[1.0, 2.0]))
    assert found.findings == []
    assert "no course" in found.undecided[0].reason


def test_a_model_is_not_diagnosed_without_its_data() -> None:
    with pytest.raises(TypeError, match="optimizer"):
        tg.doctor.diagnose(tg.nn.Linear(1, 1))
