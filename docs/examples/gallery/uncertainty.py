"""Regression that says how sure it is: a mean and a spread from each of several networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from drawing import BLUE, GREY, PALE, RED, panels, run

from tinygrad_bp import nn, optim, softplus, training

FULL = {"members": 5, "epochs": 300}
SHORT = {"members": 2, "epochs": 10}
QUANTILE = 1.6449  # of the normal distribution: 90 % lie within so many spreads


def truth(x: Any) -> tuple[Any, Any]:
    """Return the mean and the spread that the noise really has."""
    return np.sin(3 * x), 0.05 + 0.15 * (x + 1) ** 2


def data(count: int, seed: int) -> tuple[Any, Any]:
    """Return noisy points, with none between 0 and 0.5."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 0.5, (count, 1))
    x = np.where(x > 0, x + 0.5, x)
    mean, spread = truth(x)
    return x, mean + spread * rng.normal(size=x.shape)


class Gaussian(nn.Module):
    """A mean and a spread for each x."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.inner = nn.Linear(1, 32, rng=rng)
        self.middle = nn.Linear(32, 32, rng=rng)
        self.outer = nn.Linear(32, 2, rng=rng)

    def forward(self, x: Any) -> Any:
        out = self.outer(np.tanh(self.middle(np.tanh(self.inner(x)))))
        return out[:, :1], softplus(out[:, 1:]) + 1e-3


def surprise(prediction: Any, y: Any) -> Any:
    """Return minus the logarithm of the density of y."""
    mean, spread = prediction
    return np.mean(0.5 * ((y - mean) / spread) ** 2 + np.log(spread)) + 0.5 * math.log(2 * math.pi)


def mixed(pairs: list[Any]) -> tuple[Any, Any]:
    """Return mean and spread of the mixture: Lakshminarayanan et al. (2017), section 2.4."""
    means, spreads = (np.array(column) for column in zip(*pairs, strict=True))
    mean = means.mean(axis=0)
    return mean, np.sqrt(np.mean(spreads**2 + means**2, axis=0) - mean**2)


def together(nets: list[Any], x: Any) -> tuple[Any, Any]:
    return mixed([[part.numpy() for part in net(x)] for net in nets])


def judged(mean: Any, spread: Any, y: Any) -> dict[str, float]:
    inside = abs(y - mean) < QUANTILE * spread
    return {
        "share in the 90 % band": float(np.mean(inside)),
        "held-out surprise": float(surprise((mean, spread), y)),
    }


def learn(members: int, epochs: int) -> tuple[dict[str, float], Any]:
    train, held = data(300, 0), data(2000, 1)
    nets = []
    for seed in range(members):
        net = Gaussian(seed)
        training.fit(
            net,
            surprise,
            train,
            optim.Adam(net.parameters()),
            epochs=epochs,
            schedule=optim.schedules.cosine(0.01, epochs=epochs),
            rng=seed,
            progress=False,
        )
        nets.append(net)
    mean, spread = together(nets, held[0])
    measured = judged(mean, spread, held[1])
    measured["surprise of the truth"] = float(surprise(truth(held[0]), held[1]))
    x = np.linspace(-1.2, 1.4, 261)[:, None]
    return measured, (train, x, together(nets, x), nets)


def picture(drawn: Any) -> Any:
    """Draw the points, the band that holds 90 %, and what each network says."""
    (x, y), grid, (mean, spread), nets = drawn
    figure, axes = panels(1, 1, (7.0, 3.6))
    plot, line = axes[0, 0], grid[:, 0]
    low, high = (mean + sign * QUANTILE * spread for sign in (-1, 1))
    plot.fill_between(line, low[:, 0], high[:, 0], color=PALE, label="90 % band")
    for net in nets:
        plot.plot(line, net(grid)[0].numpy()[:, 0], color=BLUE, linewidth=0.6, alpha=0.6)
    plot.plot(line, mean[:, 0], color=BLUE, label="mean of the networks")
    plot.plot(line, truth(line)[0], color=RED, linestyle="--", label="truth")
    plot.plot(x, y, ".", color=GREY, markersize=3, label="trained on")
    plot.set(xlabel="x", ylabel="y", ylim=(-2.5, 2.5))
    plot.legend(loc="upper left", ncols=2)
    return figure


if __name__ == "__main__":
    run("uncertainty", learn, picture, SHORT, FULL)
