"""The heat equation, solved by a network whose loss holds its own second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from drawing import BLUE, GREEN, GREY, PINK, RED, panels, run

import tinygrad_bp as tg
from tinygrad_bp import nn, optim

DIFFUSION = 0.1
FULL = {"points": 400, "iterations": 1500}
SHORT = {"points": 40, "iterations": 10}


def exact(x: Any, t: Any) -> Any:
    """Return the solution that begins as sin(pi x) and is 0 at both ends."""
    return np.exp(-DIFFUSION * np.pi**2 * t) * np.sin(np.pi * x)


def network(seed: int) -> nn.Module:
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(2, 24, rng=rng),
        nn.Tanh(),
        nn.Linear(24, 24, rng=rng),
        nn.Tanh(),
        nn.Linear(24, 1, rng=rng),
    )


def value(net: nn.Module, x: Any, t: Any) -> Any:
    return net(np.concatenate([x, t], axis=1))


def residual(net: nn.Module, x: Any, t: Any) -> Any:
    """Return u_t - D u_xx at each point: 0 of a solution."""
    x, t = tg.tensor(x, requires_grad=True), tg.tensor(t, requires_grad=True)
    u_x, u_t = tg.gradients(np.sum(value(net, x, t)), [x, t], create_graph=True)
    u_xx = tg.gradients(np.sum(u_x), x, create_graph=True)
    return u_t - DIFFUSION * u_xx


def places(points: int) -> tuple[Any, Any, Any]:
    """Return where the equation is to hold, the ends of the rod at some times, and its start."""
    rng = np.random.default_rng(0)
    inside = rng.uniform(0.0, 1.0, (2, points, 1))
    ends = np.repeat([[0.0], [1.0]], points // 8, axis=0)
    times = rng.uniform(0.0, 1.0, ends.shape)
    return inside, (ends, times), np.linspace(0.0, 1.0, points // 4)[:, None]


def judged(found: Callable[[Any, Any], Any]) -> dict[str, float]:
    grid = np.linspace(0.0, 1.0, 41)
    X, T = (one.reshape(-1, 1) for one in np.meshgrid(grid, grid))
    return {"largest error": float(abs(found(X, T) - exact(X, T)).max())}


def learn(points: int, iterations: int) -> tuple[dict[str, float], Any]:
    (x, t), (ends, times), start = places(points)
    losses = []

    def loss(net: nn.Module) -> Any:
        inside = np.mean(residual(net, x, t) ** 2)
        at_ends = np.mean(value(net, ends, times) ** 2)
        at_start = np.mean((value(net, start, 0 * start) - exact(start, 0.0)) ** 2)
        return inside + 10.0 * (at_ends + at_start)

    net = network(0)
    optim.minimize(
        loss,
        net,
        options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 0.0, "gtol": 0.0},
        callback=lambda _: losses.append(loss(net).item()),
    )
    return judged(lambda X, T: value(net, X, T).numpy()), (net, losses)


def picture(drawn: Any) -> Any:
    """Draw the temperature along the rod at several times, and the loss by iteration."""
    net, losses = drawn
    figure, axes = panels(1, 2, (9.0, 3.4))
    rod, curve = axes[0]
    x = np.linspace(0.0, 1.0, 51)[:, None]
    for time, colour in zip((0.0, 0.3, 0.6, 1.0), (BLUE, GREEN, PINK, RED), strict=True):
        rod.plot(x, value(net, x, np.full_like(x, time)).numpy(), color=colour, label=f"t = {time}")
        rod.plot(x[::5], exact(x[::5], time), "o", color=colour, markersize=3)
    rod.set(xlabel="x (dots: the exact solution)", ylabel="temperature")
    rod.legend(loc="lower center")
    curve.semilogy(losses[:: max(1, len(losses) // 200)], color=GREY)
    curve.set(xlabel="iteration", ylabel="loss", xticks=[])
    return figure


if __name__ == "__main__":
    run("heat", learn, picture, SHORT, FULL)
