"""The models of the gallery in PyTorch, of the same sizes, on the same data: what to compare with.

    python docs/examples/gallery/in_pytorch.py NAME

Each function takes the settings of its script, and returns what can be compared.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch
from drawing import report
from torch import nn
from torch.nn import functional as F  # noqa: N812  # as PyTorch's users call it


def fitted(
    net: Any, loss: Callable[[Any, Any], Any], data: Any, optimizer: Any, **options: Any
) -> Any:
    """Train as `tg.training.fit` does, by a cosine schedule, and return the network."""
    epochs, size, rate = options["epochs"], options.get("size", 32), options["rate"]
    X, y = (torch.tensor(np.ascontiguousarray(one)) for one in data)
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * epoch / epochs)) / 2
        for rows in torch.randperm(len(X)).split(size):
            optimizer.zero_grad()
            loss(net(X[rows]), y[rows]).backward()
            if "clip_norm" in options:
                nn.utils.clip_grad_norm_(net.parameters(), options["clip_norm"])
            optimizer.step()
        if "after" in options:
            net.eval()
            with torch.no_grad():
                options["after"](net)
            net.train()
    return net.eval()


def digits(epochs: int, samples: int) -> dict[str, float]:
    ours = import_module("digits")
    train, (X, y) = ours.data(samples)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters())
    fitted(net, F.cross_entropy, train, optimizer, epochs=epochs, rate=ours.RATE)
    return {"held-out accuracy": float(ours.accuracy(net(torch.tensor(X)).detach().numpy(), y))}


class Recurrent(nn.Module):
    def __init__(self, letters: int, width: int, _places: int) -> None:
        super().__init__()
        self.table, self.steps = (
            nn.Embedding(letters, width),
            nn.GRU(width, 2 * width, batch_first=True),
        )
        self.out = nn.Linear(2 * width, letters)

    def forward(self, x: Any) -> Any:
        return self.out(self.steps(self.table(x))[0])


class Transformer(nn.Module):
    def __init__(self, letters: int, width: int, places: int) -> None:
        super().__init__()
        self.table, self.order = nn.Embedding(letters, width), nn.Embedding(places, width)
        options = {"activation": lambda x: F.gelu(x, approximate="tanh"), "batch_first": True}
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 4 * width, 0.1, norm_first=True, **options)
            for _ in range(2)
        )
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, letters)
        self.register_buffer("later", torch.triu(torch.ones(places, places, dtype=torch.bool), 1))

    def forward(self, x: Any) -> Any:
        x = self.table(x) + self.order(torch.arange(x.shape[1]))
        for block in self.blocks:
            x = block(x, src_mask=self.later)
        return self.out(self.norm(x))


def characters(epochs: int, width: int, step: int, **_drawn: int) -> dict[str, float]:
    ours = import_module("characters")
    train = ours.windows(ours.SYMBOLS[: ours.HELD], step)
    X, y = map(torch.tensor, ours.windows(ours.SYMBOLS[ours.HELD :], step))
    measured = {}

    def loss(logits: Any, labels: Any) -> Any:
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())

    for kind, rate in ((Recurrent, 0.005), (Transformer, 0.003)):
        net = kind(len(ours.LETTERS), width, ours.PLACES)
        optimizer, bits = torch.optim.AdamW(net.parameters(), weight_decay=0.1), []
        options = {"epochs": epochs, "rate": rate, "clip_norm": 1.0}

        def judge(net: Any, bits: list[float] = bits) -> None:
            bits.append(float(loss(net(X), y)) / math.log(2))

        fitted(net, loss, train, optimizer, after=judge, **options)
        measured[f"held-out bits, {kind.__name__.lower()}"] = min(bits)
    return measured


def uncertainty(members: int, epochs: int) -> dict[str, float]:
    ours = import_module("uncertainty")
    torch.set_default_dtype(torch.float64)
    train, (x, y) = ours.data(300, 0), ours.data(2000, 1)

    def split(out: Any) -> Any:
        return out[:, :1], F.softplus(out[:, 1:]) + 1e-3

    def surprise(out: Any, y: Any) -> Any:
        mean, spread = split(out)
        return torch.mean(0.5 * ((y - mean) / spread) ** 2 + torch.log(spread))

    nets = []
    for _ in range(members):
        layers = [nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2)]
        net = nn.Sequential(*layers)
        optimizer = torch.optim.Adam(net.parameters())
        nets.append(fitted(net, surprise, train, optimizer, epochs=epochs, rate=0.01))
    pairs = [[part.detach().numpy() for part in split(net(torch.tensor(x)))] for net in nets]
    mean, spread = ours.mixed(pairs)
    return ours.judged(mean, spread, y)


def autoencoder(epochs: int, hidden: int) -> dict[str, float]:
    ours = import_module("autoencoder")
    torch.set_default_dtype(torch.float64)
    train, (X, _) = ours.data()
    encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 4))
    decoder = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 64))

    class Autoencoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList([encoder, decoder])

        def forward(self, x: Any) -> Any:
            mean, log_variance = encoder(x).chunk(2, dim=1)
            code = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
            return decoder(code), mean, log_variance

    def bound(prediction: Any, x: Any) -> Any:
        logits, mean, log_variance = prediction
        pixels = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        divergence = 0.5 * torch.sum(torch.exp(log_variance) + mean**2 - 1 - log_variance)
        return (pixels + divergence) / len(x)

    net, held, bounds = Autoencoder(), torch.tensor(X), []
    optimizer = torch.optim.Adam(net.parameters())
    options = {"epochs": epochs, "rate": 0.003}
    fitted(
        net,
        bound,
        train,
        optimizer,
        after=lambda net: bounds.append(bound(net(held), held)),
        **options,
    )
    return {"held-out bound, nats": float(np.mean(bounds[-5:]))}


def minimized(loss: Callable[[], Any], parameters: list[Any], iterations: int) -> int:
    """Minimise by PyTorch's L-BFGS, and return how often the loss was computed."""
    optimizer, count = torch.optim.LBFGS(
        parameters, max_iter=iterations, max_eval=2 * iterations, tolerance_grad=0.0,
        tolerance_change=0.0, history_size=10, line_search_fn="strong_wolfe",
    ), [0]  # fmt: skip

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        count[0] += 1
        return value

    optimizer.step(closure)
    return count[0]


def heat(points: int, iterations: int) -> dict[str, float]:
    ours = import_module("heat")
    torch.set_default_dtype(torch.float64)
    layers = [nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1)]
    net = nn.Sequential(*layers)
    (x, t), (ends, times), start = ours.places(points)
    x, t, ends, times, start = map(torch.tensor, (x, t, ends, times, start))
    x, t = x.requires_grad_(), t.requires_grad_()
    begun = torch.sin(math.pi * start)

    def value(x: Any, t: Any) -> Any:
        return net(torch.cat([x, t], dim=1))

    def loss() -> Any:
        u_x, u_t = torch.autograd.grad(value(x, t).sum(), [x, t], create_graph=True)
        (u_xx,) = torch.autograd.grad(u_x.sum(), [x], create_graph=True)
        inside = torch.mean((u_t - ours.DIFFUSION * u_xx) ** 2)
        at_ends = torch.mean(value(ends, times) ** 2)
        at_start = torch.mean((value(start, 0 * start) - begun) ** 2)
        return inside + 10.0 * (at_ends + at_start)

    minimized(loss, list(net.parameters()), iterations)
    return ours.judged(lambda X, T: value(torch.tensor(X), torch.tensor(T)).detach().numpy())


def implicit(epochs: int, samples: int) -> dict[str, float]:
    """The same equation by a loop of as many steps as the tolerance asks for, walked back whole."""
    ours = import_module("implicit")
    torch.set_default_dtype(torch.float64)
    (X, y), (X_held, y_held) = ours.data(samples)

    class Implicit(nn.Module):
        def __init__(self, n: int = 24) -> None:
            super().__init__()
            self.entry, self.exit = nn.Linear(2, n), nn.Linear(n, 1)
            self.W = nn.Parameter(0.5 * torch.randn(n, n) / math.sqrt(n))

        def forward(self, x: Any) -> Any:
            W = self.W * (0.95 / torch.clamp(self.W.abs().sum(0), min=0.95))
            drive = self.entry(x)
            z = torch.zeros_like(drive)
            for _ in range(ours.MOST):
                new = torch.tanh(z @ W + drive)
                if (new - z).detach().abs().max() < ours.TOLERANCE:
                    break
                z = new
            return self.exit(new)

    net = Implicit()
    optimizer = torch.optim.Adam(net.parameters())
    loss = F.binary_cross_entropy_with_logits
    fitted(net, loss, (X, y), optimizer, epochs=epochs, rate=0.03)
    logits = net(torch.tensor(X_held)).detach().numpy()
    return {"held-out accuracy": float(ours.accuracy(logits, y_held))}


def gaussian_process(points: int) -> dict[str, float]:
    ours = import_module("gaussian_process")
    torch.set_default_dtype(torch.float64)
    x, y = map(torch.tensor, ours.data(points))
    p = {name: torch.tensor(value, requires_grad=True) for name, value in ours.START.items()}

    def surprise() -> Any:
        distance = (x[:, None] - x) / torch.exp(p["length"])
        K = torch.exp(2 * p["amplitude"]) * torch.exp(-0.5 * distance**2)
        L = torch.linalg.cholesky(K + torch.exp(2 * p["noise"]) * torch.eye(len(x)))
        whitened = torch.linalg.solve_triangular(L, y[:, None], upper=False)
        log_root = torch.log(torch.diagonal(L)).sum()
        return 0.5 * (whitened**2).sum() + log_root + 0.5 * len(x) * math.log(2 * math.pi)

    minimized(surprise, list(p.values()), 60)
    found = {name: value.exp().item() for name, value in p.items()}
    return {"log marginal likelihood": -surprise().item(), **found}


def logistic(columns: int) -> dict[str, float]:
    ours = import_module("logistic")
    torch.set_default_dtype(torch.float64)
    X, y = map(torch.tensor, ours.data(columns)[:2])
    v = torch.zeros(columns + 1, requires_grad=True)

    def loss(v: Any) -> Any:
        logits = X @ v[:-1] + v[-1]
        penalty = 0.5 * ours.PENALTY * (v[:-1] ** 2).sum()
        return F.binary_cross_entropy_with_logits(logits, y, reduction="sum") + penalty

    minimized(lambda: loss(v), [v], 300)
    hessian = torch.func.hessian(loss)(v.detach())
    found = ((X @ v[:-1] + v[-1] > 0) == y).double().mean()
    return {
        "loss": loss(v).item(),
        "Hessian's trace": float(hessian.trace()),
        "accuracy": float(found),
    }


def gridworld(rounds: int, walks: int) -> dict[str, float]:
    ours = import_module("gridworld")
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(size=(ours.SIDE**2, 4)), requires_grad=True)
    optimizer, lengths = torch.optim.Adam([logits], lr=0.1), []
    for _ in range(rounds):
        shares = torch.softmax(logits.detach(), dim=1).numpy()
        places, moves, counted = ours.walk(shares, walks, rng)
        advantage = torch.tensor(ours.advantage(counted))
        logs = torch.log_softmax(logits, dim=1)
        chosen = logs[torch.tensor(places), torch.tensor(moves)]
        entropy = -(torch.exp(logs) * logs).sum(1).mean()
        loss = -(chosen * advantage).sum() / walks - 0.01 * entropy
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        lengths.append(float(counted.sum() / walks))
    return {"mean steps, the last 20 rounds": float(np.mean(lengths[-20:]))}


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    name = parser.parse_args().name
    report(lambda: globals()[name](**import_module(name).FULL))
