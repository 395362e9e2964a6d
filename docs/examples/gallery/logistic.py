"""Logistic regression by L-BFGS, with standard errors from its Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import BLUE, GREY, panels, run
from sklearn.datasets import load_breast_cancer

import tinygrad_bp as tg
from tinygrad_bp import nn, optim

FULL = {"columns": 30}
SHORT = FULL  # it takes a moment
PENALTY = 1.0  # half of it times the squared weights: a normal prior of variance 1


def data(columns: int) -> tuple[Any, Any, list[str]]:
    table = load_breast_cancer()
    X = table.data[:, :columns]
    names = [str(name) for name in table.feature_names[:columns]]
    return (X - X.mean(axis=0)) / X.std(axis=0), 1.0 * (table.target == 0), names


def learn(columns: int) -> tuple[dict[str, float], Any]:
    X, y, names = data(columns)

    def loss(p: dict[str, Any]) -> Any:
        logits = X @ p["w"] + p["b"]
        penalty = 0.5 * PENALTY * np.sum(p["w"] ** 2)
        return nn.bce_with_logits(logits, y, reduction="sum") + penalty

    start = {"w": np.zeros(columns), "b": np.zeros(())}
    found = optim.minimize(loss, start, "L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9})
    p = found.x

    def joined(v: Any) -> Any:
        return loss({"w": v[:-1], "b": v[-1]})

    best = np.append(p["w"], p["b"])
    hessian = tg.hessian(joined)(best)
    errors = np.sqrt(np.diag(np.linalg.inv(hessian)))
    # the same by the formula: X^T diag(p (1 - p)) X, plus the penalty
    wide = np.column_stack([X, np.ones(len(X))])
    share = tg.sigmoid(wide @ best)
    formula = (wide.T * (share * (1 - share))) @ wide
    formula += PENALTY * np.diag([*np.ones(columns), 0.0])
    measured = {
        "loss": float(found.fun),
        "largest slope left": float(np.max(abs(tg.grad(joined)(best)))),
        "Hessian's trace": float(np.trace(hessian)),
        "Hessian, apart from its formula": float(abs(hessian - formula).max()),
        "accuracy": float(np.mean((share > 0.5) == y)),
    }
    return measured, (names, p["w"], errors[:-1])


def picture(drawn: Any) -> Any:
    """Draw the weights with their 95 % intervals, the surest first."""
    names, weights, errors = drawn
    order = np.argsort(-abs(weights) / errors)[:12][::-1]
    figure, axes = panels(1, 1, (7.0, 3.8))
    plot, rows = axes[0, 0], np.arange(len(order))
    plot.axvline(0.0, color=GREY, linewidth=0.8)
    plot.errorbar(weights[order], rows, xerr=1.96 * errors[order], fmt="o", color=BLUE, capsize=3)
    plot.set(yticks=rows, yticklabels=[names[k] for k in order])
    plot.set(xlabel="change of the log odds of a malignant tumour, for one standard deviation")
    return figure


if __name__ == "__main__":
    run("logistic", learn, picture, SHORT, FULL)
