"""A layer that is defined by an equation, z = tanh(z W + x U + b), with a rule of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import BLUE, PALE, RED, panels, run

import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training

FULL = {"epochs": 150, "samples": 600}
SHORT = {"epochs": 2, "samples": 120}
TOLERANCE, MOST = 1e-11, 500


def step(z: Any, W: Any, drive: Any) -> Any:
    return np.tanh(z @ W + drive)


def fixed_point(f: Any, start: Any) -> Any:
    """Return where f(z) = z, by Anderson's method with one step before (Anderson 1965)."""
    last, z = start, f(start)
    last_change, change = z - last, f(z) - z
    for _ in range(MOST):
        if abs(change).max() < TOLERANCE:
            return z
        turn = change - last_change
        share = np.sum(change * turn) / np.sum(turn * turn)
        mixed = z + change - share * (z + change - last - last_change)
        last, last_change, z = z, change, mixed
        change = f(z) - z
    raise RuntimeError(f"no fixed point within {MOST} steps")


def solved(W: Any, drive: Any) -> Any:
    return fixed_point(lambda z: step(z, W, drive), np.zeros_like(drive))


def rule(ct: Any, z: Any, W: Any, drive: Any) -> tuple[Any, Any]:
    """Return the cotangents by the implicit function theorem: u = ct + (df/dz)^T u, then df^T u."""
    _, pull = tg.vjp(step, z, W, drive)
    u = fixed_point(lambda u: ct + pull(u)[0], ct)
    return pull(u)[1:]


equilibrium = tg.differentiable(solved, vjp=rule)


class Implicit(nn.Module):
    """Bai, Kolter & Koltun (2019), "Deep equilibrium models"."""

    def __init__(self, n_in: int, n: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.entry = nn.Linear(n_in, n, rng=rng)
        self.W = tg.tensor(0.5 * rng.normal(size=(n, n)) / np.sqrt(n), requires_grad=True, name="W")
        self.exit = nn.Linear(n, 1, rng=rng)

    def forward(self, x: Any) -> Any:
        # as long as no column sums to 1, the step brings points together and has one fixed point
        norm = np.sum(np.abs(self.W), axis=0)
        contracting = self.W * (0.95 / np.maximum(norm, 0.95))
        return self.exit(equilibrium(contracting, self.entry(x)))


def data(samples: int) -> tuple[Any, Any]:
    table = tg.data.spiral(samples, seed=0)
    return tg.data.split(table.X, table.y[:, None], 0.25, rng=0)


def accuracy(logits: Any, y: Any) -> Any:
    return np.mean((logits > 0) == (y == 1))


def learn(epochs: int, samples: int) -> tuple[dict[str, float], Any]:
    train, held = data(samples)
    net = Implicit(2, 24, 0)
    history = training.fit(
        net,
        nn.bce_with_logits,
        train,
        optim.Adam(net.parameters()),
        epochs=epochs,
        validation=held,
        metrics={"accuracy": accuracy},
        schedule=optim.schedules.cosine(0.03, epochs=epochs),
        rng=0,
        progress=False,
    )
    rng = np.random.default_rng(1)
    W, drive = 0.3 * rng.normal(size=(6, 6)), rng.normal(size=(4, 6))

    def unrolled(W: Any, drive: Any) -> Any:
        z = np.zeros(drive.shape)
        for _ in range(300):
            z = step(z, W, drive)
        return z

    def gradients(f: Any) -> Any:
        return tg.grad(lambda W, drive: np.sum(f(W, drive) ** 2), (0, 1))(W, drive)

    pairs = gradients(equilibrium), gradients(unrolled)
    apart = max(abs(a - b).max() for a, b in zip(*pairs, strict=True))
    measured = {
        "held-out accuracy": history["validation_accuracy"][-1],
        "gradient, apart from that of 300 steps": float(apart),
    }
    return measured, (net, held)


def picture(drawn: Any) -> Any:
    """Draw where the network sees which class, and the points that were held out."""
    net, (X, y) = drawn
    side = np.linspace(-1.2, 1.2, 61) * abs(X).max()
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    logits = net(grid.reshape(-1, 2)).numpy().reshape(61, 61)
    figure, axes = panels(1, 1, (4.6, 4.4))
    plot = axes[0, 0]
    plot.contourf(side, side, logits, levels=[-1e9, 0.0, 1e9], colors=[PALE, "#F7DCC9"])
    for label, colour in ((0, BLUE), (1, RED)):
        points = X[y[:, 0] == label]
        plot.plot(points[:, 0], points[:, 1], ".", color=colour, label=f"class {label}, held out")
    plot.set(xticks=[], yticks=[])
    plot.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    run("implicit", learn, picture, SHORT, FULL)
