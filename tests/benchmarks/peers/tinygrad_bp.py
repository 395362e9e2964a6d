"""The engine of this repository, written as a user would write it."""

from itertools import cycle
from operator import methodcaller

import numpy as np

import tinygrad_bp as tg

from . import _programs as programs


def version():
    return tg.__version__


def leaf(a):
    return tg.tensor(a, requires_grad=True)


def net2551(params, x, y):
    W1, b1, W2, b2, W3, b3 = params
    h = tg.sigmoid(tg.affine(x, W1, b1))
    h = tg.sigmoid(tg.affine(h, W2, b2))
    return tg.nn.bce_with_logits(tg.affine(h, W3, b3), y)


def net784(params, x, labels):
    W1, b1, W2, b2, W3, b3 = params
    h = tg.relu(tg.affine(x, W1, b1))
    h = tg.relu(tg.affine(h, W2, b2))
    return tg.nn.cross_entropy(tg.affine(h, W3, b3), labels)


def _train(d, net, y, batches=1):
    # Tensors once, before the loop: an array that is handed over raw is copied at every step
    data = cycle([(tg.tensor(d.x), tg.tensor(y)) for _ in range(batches)])
    params, last = [*map(leaf, d.params)], [None]
    optimizer = tg.optim.SGD(params, lr=d.lr)

    def step():
        last[0] = loss = net(params, *next(data))
        loss.backward(retain_graph=False)
        optimizer.step()
        optimizer.zero_grad()

    step.result = lambda: {"loss": last[0].item(), "params": [p.numpy() for p in params]}
    return step


def mlp2551(d):
    return _train(d, net2551, d.y)


def fresh(d):
    return _train(d, net2551, d.y, batches=3)


def mlp784(d):
    return _train(d, net784, d.labels)


def train_loop(d):
    def run():  # a Tensor's value cannot be written over, so every run has new leaves
        step = mlp2551(d)
        for _ in range(d.steps):
            step()
        run.result = step.result

    return run


def _differentiate(f, d, key="y"):
    """One unit: f forward, then the gradients of x, a and b; the graph dies with the unit."""
    leaves, out = [leaf(v) for v in (d.x, d.a, d.b)], {}

    def run():
        y = f(*leaves)
        gx, ga, gb = tg.gradients(y, leaves, retain_graph=False)
        out.update({key: y.item()}, gx=gx, ga=ga, gb=gb)

    def result():
        return {k: v.numpy() if isinstance(v, tg.Tensor) else v for k, v in out.items()}

    run.result = result
    return run


def chain(d):
    return _differentiate(programs.sine_chain(d, np.sin, np.tanh, np.sum), d)


def deep(d):
    return _differentiate(programs.line(d), d)


def wide(d):
    def loss(x, a, b):
        return np.mean(tg.sigmoid(a * x + b) * np.tanh(x))

    return _differentiate(loss, d, "loss")


def scalar_mlp(d):
    """One 0-d Tensor a number."""
    points, labels, last = d.x.tolist(), d.y.ravel().tolist(), [None]
    layers = programs.scalar_layers(d.params, leaf)
    params, relu = programs.scalar_parameters(layers), methodcaller("relu")
    optimizer = tg.optim.SGD(params, lr=d.lr)

    def step():
        last[0] = loss = programs.scalar_loss(layers, points, labels, relu)
        loss.backward(retain_graph=False)
        optimizer.step()
        optimizer.zero_grad()

    step.result = lambda: {
        "loss": last[0].item(),
        "params": programs.scalar_arrays(layers, methodcaller("item")),
    }
    return step


def hvp(d):
    """Reverse over reverse: the recorded gradients are pulled back once more, from the vector."""
    x, y, params, out = tg.tensor(d.x), tg.tensor(d.y), [*map(leaf, d.params)], {}

    def step():
        grads = tg.gradients(net2551(params, x, y), params, create_graph=True)
        out["hv"] = tg.gradients(grads, params, d.vec, retain_graph=False)

    step.result = lambda: {"hv": [h.numpy() for h in out["hv"]]}
    return step
