"""Models of the kinds that people draw: what the layout and the numbers of pictures are tested on.

Each returns its loss and the options of `tg.graph`, which hold the leaves.  What their pictures
consist of, whole and folded, is kept in `structures.json`; run this file to write it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.nn import Linear, Sequential, Sigmoid, bce_with_logits

Drawn = tuple[tg.Tensor, dict[str, Any]]


def leaves(rng: np.random.Generator, **shapes: tuple[int, ...]) -> dict[str, tg.Tensor]:
    return {
        name: tg.tensor(rng.normal(size=shape) * 0.3, requires_grad=True, name=name)
        for name, shape in shapes.items()
    }


def named(loss: Any) -> Any:
    loss.name = "loss"
    return loss


def perceptron() -> Drawn:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4, 2)), np.array([[0.0], [1.0], [1.0], [0.0]])
    layers = [Linear(2, 5, rng=rng, name="hidden1"), Sigmoid()]
    layers += [Linear(5, 5, rng=rng, name="hidden2"), Sigmoid(), Linear(5, 1, rng=rng, name="out")]
    net = Sequential(*layers)
    with tg.scope("network"):
        logits = net(X)
    parameters = {one.name: one for one in net.parameters()}
    loss = named(bce_with_logits(logits, y))
    return loss, {"parameters": parameters, "data": {"X": X, "y": y}}


def residual(blocks: int = 4) -> Drawn:
    rng = np.random.default_rng(0)
    shapes = {"W1": (6, 6), "b1": (6,), "W2": (6, 6), "b2": (6,)}
    p = leaves(rng, **{f"block{i}.{n}": s for i in range(blocks) for n, s in shapes.items()})
    h: Any = rng.normal(size=(4, 6))
    for i in range(blocks):
        with tg.scope(f"block{i}"):
            inner = np.tanh(h @ p[f"block{i}.W1"] + p[f"block{i}.b1"])
            h = h + (inner @ p[f"block{i}.W2"] + p[f"block{i}.b2"])
    return named(np.mean(h**2)), {"parameters": p}


def recurrent(steps: int = 20) -> Drawn:
    rng = np.random.default_rng(0)
    p = leaves(rng, Wx=(3, 8), Wh=(8, 8), b=(8,), Wo=(8, 1), bo=(1,))
    y, h = rng.normal(size=(4, 1)), np.zeros((4, 8))
    for x in rng.normal(size=(steps, 4, 3)):
        h = np.tanh(x @ p["Wx"] + h @ p["Wh"] + p["b"])
    loss = named(np.mean((h @ p["Wo"] + p["bo"] - y) ** 2))
    return loss, {"parameters": p, "data": {"y": y}}


def transformer() -> Drawn:
    rng = np.random.default_rng(0)
    weights = dict.fromkeys(("Wq", "Wk", "Wv", "Wo"), (8, 8))
    vectors = dict.fromkeys(("g1", "s1", "g2", "s2", "b2"), (8,))
    p = leaves(rng, x=(5, 8), W1=(8, 16), b1=(16,), W2=(16, 8), **weights, **vectors)

    def norm(h: Any, gain: Any, shift: Any) -> Any:
        middle = np.mean(h, axis=-1, keepdims=True)
        spread = np.mean((h - middle) ** 2, axis=-1, keepdims=True)
        return (h - middle) / np.sqrt(spread + 1e-5) * gain + shift

    x: Any = p["x"]
    with tg.scope("attention"):
        q, k, v = x @ p["Wq"], x @ p["Wk"], x @ p["Wv"]
        a = tg.softmax(q @ k.T / np.sqrt(8.0), axis=-1) @ v @ p["Wo"]
    with tg.scope("norm1"):
        h = norm(x + a, p["g1"], p["s1"])
    with tg.scope("mlp"):
        f = np.maximum(h @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]
    with tg.scope("norm2"):
        h = norm(h + f, p["g2"], p["s2"])
    return named(np.mean(h**2)), {"parameters": p}


def autoencoder() -> Drawn:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(4, 6)), rng.normal(size=(4, 2))
    ends = {"code": (6, 5), "mean": (5, 2), "spread": (5, 2), "hidden": (2, 5), "out": (5, 6)}
    p = leaves(rng, **{f"{name}.W": shape for name, shape in ends.items()},
               **{f"{name}.b": shape[1:] for name, shape in ends.items()})  # fmt: skip

    def layer(name: str, h: Any) -> Any:
        return tg.affine(h, p[f"{name}.W"], p[f"{name}.b"])

    with tg.scope("encoder"):
        h = np.tanh(layer("code", x))
        mean, spread = layer("mean", h), layer("spread", h)
    with tg.scope("sample"):
        z = mean + np.exp(spread / 2) * noise
    with tg.scope("decoder"):
        back = layer("out", np.tanh(layer("hidden", z)))
    error = np.mean(np.sum((back - x) ** 2, axis=1))
    distance = np.mean(np.sum(np.exp(spread) + mean**2 - 1 - spread, axis=1)) / 2
    return named(error + distance), {"parameters": p, "data": {"x": x, "noise": noise}}


def logistic() -> Drawn:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 3)), np.array([[0.0], [1.0], [1.0], [0.0], [1.0], [0.0]])
    p = leaves(rng, W=(3, 1), b=(1,))
    loss = named(bce_with_logits(tg.affine(X, p["W"], p["b"]), y))
    return loss, {"parameters": p, "data": {"X": X, "y": y}}


def convolutional() -> Drawn:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 1, 6, 6))
    layers = [nn.Conv2d(1, 2, 3, rng=rng, name="conv"), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    net = Sequential(*layers, Linear(8, 3, rng=rng, name="out"))
    parameters = {one.name: one for one in net.parameters()}
    loss = named(nn.cross_entropy(net(images), np.array([0, 2])))
    return loss, {"parameters": parameters, "data": {"images": images}}


def remembering() -> Drawn:
    rng = np.random.default_rng(0)
    cell = nn.LSTMCell(3, 2, rng=rng)
    state: Any = (np.zeros((4, 2)), np.zeros((4, 2)))
    for x in rng.normal(size=(6, 4, 3)):
        state = cell(x, state)
    loss = named(np.mean(state[0] ** 2))
    return loss, {"parameters": dict(cell.named_parameters())}


def implicit() -> Drawn:
    def solve(W: Any, x: Any) -> Any:
        z = np.zeros_like(x)
        for _ in range(60):
            z = np.tanh(z @ W + x)
        return z

    def pull(ct: Any, z: Any, W: Any, _x: Any) -> Any:
        slope = 1 - z**2
        u = np.stack([np.linalg.solve(np.eye(len(W)) - W * s, s * c)
                      for s, c in zip(slope, ct, strict=True)])  # fmt: skip
        return z.T @ u, u

    rng = np.random.default_rng(0)
    p = leaves(rng, W=(3, 3), V=(2, 3))
    X = rng.normal(size=(4, 2))
    found = tg.differentiable(solve, vjp=pull)(p["W"], X @ p["V"])
    return named(np.mean(found**2)), {"parameters": p, "data": {"X": X}}


def hypernetwork() -> Drawn:
    rng = np.random.default_rng(0)
    task, X = rng.normal(size=(1, 3)), rng.normal(size=(6, 2))
    p = leaves(rng, A=(3, 4), B=(4, 8), C=(4, 4), V=(4, 1))
    code = np.tanh(task @ p["A"])
    W, b = (code @ p["B"]).reshape(2, 4), code @ p["C"]
    W.name, b.name = "W", "b"
    loss = named(np.mean((np.tanh(X @ W + b) @ p["V"]) ** 2))
    return loss, {"parameters": p, "data": {"task": task, "X": X}}


def adversarial() -> Drawn:
    """Two branches through one network, of which a penalty reads a weight too."""
    rng = np.random.default_rng(0)
    ends = {"make.in": (2, 6), "make.out": (6, 2), "judge.in": (2, 6), "judge.out": (6, 1)}
    p = leaves(rng, **{f"{name}.W": shape for name, shape in ends.items()},
               **{f"{name}.b": shape[1:] for name, shape in ends.items()})  # fmt: skip

    def network(name: str, x: Any) -> Any:
        for part in ("in", "out"):
            h = tg.affine(x, p[f"{name}.{part}.W"], p[f"{name}.{part}.b"])
            x = np.where(h.numpy() > 0, h, 0.1 * h)
        return x

    real, noise = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    told = np.mean(tg.softplus(-network("judge", real)))
    found = np.mean(tg.softplus(network("judge", network("make", noise))))
    loss = named(told + found + 0.01 * np.sum(p["judge.out.W"] ** 2))
    return loss, {"parameters": p, "data": {"real": real, "noise": noise}}


SAMPLES = {
    "perceptron": perceptron,
    "residual": residual,
    "recurrent": recurrent,
    "transformer": transformer,
    "autoencoder": autoencoder,
}
MORE = {
    "logistic": logistic,
    "convolutional": convolutional,
    "remembering": remembering,
    "implicit": implicit,
    "hypernetwork": hypernetwork,
    "adversarial": adversarial,
}
ALL = SAMPLES | MORE

STRUCTURES = Path(__file__).parents[1] / "view" / "structures.json"


def structure(view: tg.view.GraphView) -> dict[str, list[Any]]:
    """Return what a picture consists of, without its numbers."""
    names = {node.id: f"{node.id} {node.name or node.op}" for node in view.nodes}
    nodes = [
        [names[n.id], n.kind, n.op, list(n.shape), "/".join(n.scope), n.detail, n.times]
        for n in view.nodes
    ]
    edges = [
        [names[e.source], names[e.target], e.argument or e.position, e.loop, e.of, e.to]
        for e in view.edges
    ]
    return {"nodes": nodes, "edges": edges}


def structures() -> dict[str, dict[str, list[Any]]]:
    """Return the structures of all samples, whole and folded."""
    found = {}
    for name, make in ALL.items():
        loss, options = make()
        view = tg.graph(loss, values=False, **options)
        found[name], found[f"{name}, folded"] = structure(view), structure(view.folded())
    return found


def as_text(found: dict[str, dict[str, list[Any]]]) -> str:
    """Return structures as JSON with a node or an edge a line, as a diff shows them best."""
    parts = []
    for name, one in found.items():
        lists = [
            f"  {json.dumps(key)}: [\n    "
            + ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in rows)
            + "\n  ]"
            for key, rows in one.items()
        ]
        parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lists) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    STRUCTURES.write_text(as_text(structures()), encoding="utf-8")
