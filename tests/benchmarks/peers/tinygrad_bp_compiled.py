"""The engine of this repository under `tg.compile`: the steps of `tinygrad_bp.py`, natively."""

from itertools import cycle

import numpy as np

import tinygrad_bp as tg

from . import _programs as programs
from . import tinygrad_bp as eager

WHY = {
    "deep": "100,000 operations in one program",
    "scalar_mlp": "30,000 operations on single numbers in one program",
}


def version():
    return tg.__version__


def _step(d, net):
    params = [*map(eager.leaf, d.params)]
    optimizer = tg.optim.SGD(params, lr=d.lr)

    @tg.compile(state=(params, optimizer), backend="native")
    def step(x, y):
        loss = net(params, x, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return params, step


def _train(d, net, y, batches=1):
    last = [None]
    params, step = _step(d, net)
    data = cycle([(tg.tensor(d.x), tg.tensor(y)) for _ in range(batches)])

    def run():
        last[0] = step(*next(data))

    run.result = lambda: {"loss": last[0].item(), "params": [p.numpy() for p in params]}
    return run


def mlp2551(d):
    return _train(d, eager.net2551, d.y)


def fresh(d):
    return _train(d, eager.net2551, d.y, batches=3)


def mlp784(d):
    return _train(d, eager.net784, d.labels)


def train_loop(d):
    x, y, last = tg.tensor(d.x), tg.tensor(d.y), [None]
    params, step = _step(d, eager.net2551)
    start = [np.array(p) for p in d.params]

    def run():
        with tg.no_grad():
            for p, value in zip(params, start, strict=True):
                p[...] = value
        last[0] = step.repeat(d.steps, x, y)

    run.result = lambda: {"loss": last[0].item(), "params": [p.numpy() for p in params]}
    return run


def _differentiate(f, d, key="y"):
    fast, out = tg.compile(tg.value_and_grad(f, (0, 1, 2)), backend="native"), {}
    leaves = [tg.tensor(v) for v in (d.x, d.a, d.b)]

    def run():
        y, (gx, ga, gb) = fast(*leaves)
        out.update({key: y, "gx": gx, "ga": ga, "gb": gb})

    def result():
        return {k: np.asarray(v.numpy() if isinstance(v, tg.Tensor) else v) for k, v in out.items()}

    run.result = result
    return run


def chain(d):
    return _differentiate(programs.sine_chain(d, np.sin, np.tanh, np.sum), d)


def wide(d):
    def loss(x, a, b):
        return np.mean(tg.sigmoid(a * x + b) * np.tanh(x))

    return _differentiate(loss, d, "loss")


def hvp(d):
    """Reverse over reverse, as in the eager step."""
    x, y, out, count = tg.tensor(d.x), tg.tensor(d.y), [None], len(d.params)

    @tg.compile(backend="native")
    def product(x, y, *arrays):
        leaves = [eager.leaf(one) for one in arrays[:count]]
        grads = tg.gradients(eager.net2551(leaves, x, y), leaves, create_graph=True)
        return tg.gradients(grads, leaves, arrays[count:], retain_graph=False)

    arrays = [tg.tensor(one) for one in (*d.params, *d.vec)]

    def run():
        out[0] = product(x, y, *arrays)

    run.result = lambda: {"hv": [h.numpy() for h in out[0]]}
    return run
