"""The hyperparameters of a Gaussian process, by the gradient of its marginal likelihood."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from drawing import BLUE, GREY, PALE, RED, panels, run

from tinygrad_bp import optim

FULL = {"points": 60}
SHORT = {"points": 15}
START = {"length": 0.0, "amplitude": 0.0, "noise": -1.0}  # logarithms


def truth(x: Any) -> Any:
    return np.sin(3 * x) + 0.5 * np.sin(9 * x)


def data(points: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-2.0, 2.0, points))
    return x, truth(x) + 0.15 * rng.normal(size=points)


def kernel(p: dict[str, Any], a: Any, b: Any) -> Any:
    """Return the squared exponential of all pairs."""
    distance = (a[:, None] - b) / np.exp(p["length"])
    return np.exp(2 * p["amplitude"]) * np.exp(-0.5 * distance**2)


def factor(p: dict[str, Any], x: Any) -> Any:
    return np.linalg.cholesky(kernel(p, x, x) + np.exp(2 * p["noise"]) * np.eye(len(x)))


def surprise(p: dict[str, Any], x: Any, y: Any) -> Any:
    """Return minus the log marginal likelihood: Rasmussen & Williams (2006), algorithm 2.1."""
    L = factor(p, x)
    whitened = np.linalg.solve(L, y)
    log_root = np.sum(np.log(np.diagonal(L)))
    return 0.5 * np.sum(whitened**2) + log_root + 0.5 * len(x) * math.log(2 * math.pi)


def predicted(p: dict[str, Any], x: Any, y: Any, at: Any) -> tuple[Any, Any]:
    """Return mean and spread of the function at other points."""
    L = factor(p, x)
    across = np.linalg.solve(L, kernel(p, x, at))
    variance = np.exp(2 * p["amplitude"]) - np.sum(across**2, axis=0)
    return across.T @ np.linalg.solve(L, y), np.sqrt(np.maximum(variance, 0.0))


def learn(points: int) -> tuple[dict[str, float], Any]:
    x, y = data(points)
    found = optim.minimize(lambda p: surprise(p, x, y), START)
    p = found.x
    measured = {
        "log marginal likelihood": -float(found.fun),
        "length": math.exp(p["length"]),
        "amplitude": math.exp(p["amplitude"]),
        "noise": math.exp(p["noise"]),
    }
    return measured, (x, y, p)


def picture(drawn: Any) -> Any:
    """Draw the process before and after, with the band that holds 95 % of the function."""
    x, y, found = drawn
    at = np.linspace(-2.5, 2.5, 201)
    figure, axes = panels(1, 2, (9.0, 3.4), sharey=True)
    for plot, p, title in zip(axes[0], (START, found), ("before", "after"), strict=True):
        mean, spread = predicted(p, x, y, at)
        band = mean - 1.96 * spread, mean + 1.96 * spread
        plot.fill_between(at, *band, color=PALE)
        plot.plot(at, mean, color=BLUE, label="mean, and 95 % band")
        plot.plot(at, truth(at), color=RED, linestyle="--", label="truth")
        plot.plot(x, y, ".", color=GREY, markersize=4)
        scales = ", ".join(f"{name} {math.exp(value):.2f}" for name, value in p.items())
        plot.set(title=f"{title}: {scales}", xlabel="x")
    axes[0, 0].legend(loc="lower right")
    return figure


if __name__ == "__main__":
    run("gaussian_process", learn, picture, SHORT, FULL)
