"""How answers are counted: wrong ways, each beside the right one."""

from __future__ import annotations

import pytest

from tinygrad_bp.doctor.examination import examine
from tinygrad_bp.doctor.findings.diagnosis import FAULT

LOGISTIC = """
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(100, 2))
y = (X[:, 0] > 0.4 * X[:, 1]).astype(int)
X_test, y_test = X[:10] + 0.1, y[:10].copy()
w, b = rng.normal(size=2), 0.0
first = w.copy()
for epoch in range(150):
    z = X @ w + b
    p = 1 / (1 + np.exp(-z))
    w = w - 0.5 * X.T @ (p - y) / 100
    b = b - 0.5 * np.mean(p - y)
"""
CLASSES = """
import numpy as np

rng = np.random.default_rng(0)
c = rng.integers(0, 3, 60)
X = rng.normal(0, 0.3, (60, 2)) + np.array([[2, 0], [0, 2], [-2, -2]])[c]
Y = np.eye(3)[c]
W = np.zeros((2, 3))
for epoch in range(60):
    e = np.exp(X @ W)
    p = e / e.sum(axis=1, keepdims=True)
    W -= X.T @ (p - Y) / 60
"""
WRONG = {
    "pairs of all": (LOGISTIC, "print(np.mean((p > 0.5) == y[:, None]))", "10000 pairs"),
    "a line through logits": (LOGISTIC, "print(np.mean((z > 0.5) == y))", "their line is 0"),
    "weights of the start": (LOGISTIC, "print(np.mean((X @ -first > 0) == y))", "counted as right"),
    "all are 1": (LOGISTIC, "print(np.mean((p > 0) == y))", "counted as right"),
    "trained on": (LOGISTIC, "print('test accuracy', np.mean((p > 0.5) == y))", "trained on"),
    "classes over samples": (CLASSES, "print(np.mean(p.argmax(0) == Y.argmax(0)))", "each class"),
    "no axis": (CLASSES, "print(np.argmax(p) == np.argmax(Y))", "without an axis"),
}
RIGHT = {
    "at 0.5": (LOGISTIC, "print(np.mean((p > 0.5) == y))"),
    "logits at 0": (LOGISTIC, "print(np.mean((z > 0) == y))"),
    "of a test": (LOGISTIC, "print('test', np.mean((X_test @ w + b > 0) == y_test))"),
    "over classes": (
        CLASSES,
        "print(np.mean(p.argmax(1) == c), np.mean(p.argmax(1) == Y.argmax(1)))",
    ),
    "one by one": (CLASSES, "print(sum(np.argmax(a) == k for a, k in zip(p, c)))"),
}


def faults(text: str) -> list[str]:
    found = examine(text, "script.py").diagnosis.findings
    return [f"{one.name}: {one.evidence}" for one in found if one.severity == FAULT]


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_count_is_named(case: str) -> None:
    loop, count, said = WRONG[case]
    found = faults(loop + count + "\n")
    assert len(found) == 1, found
    assert found[0].startswith("evaluation-wrong")
    assert said in found[0]


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_count_is_let_alone(case: str) -> None:
    loop, count = RIGHT[case]
    assert faults(loop + count + "\n") == []
