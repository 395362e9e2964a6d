"""tinygrad without TinyJit: every unit builds, schedules and runs its graph; kernels are cached."""

from importlib.metadata import version as version_of

import numpy as np
from tinygrad import Tensor

from . import _programs as programs

WHY = {"scalar_mlp": "30,000 scalar nodes in one lazy graph"}


def version():
    return version_of("tinygrad")


def as_it_is(f):
    return f


def net2551(params, x, y):
    W1, b1, W2, b2, W3, b3 = params
    h = (x @ W1 + b1).sigmoid()
    h = (h @ W2 + b2).sigmoid()
    return (h @ W3 + b3).binary_crossentropy_logits(y)


def net784(params, x, y):
    W1, b1, W2, b2, W3, b3 = params
    h = (x @ W1 + b1).relu()
    h = (h @ W2 + b2).relu()
    return (h @ W3 + b3).sparse_categorical_crossentropy(y)


def buffers(arrays):
    return [Tensor(a.copy()).realize() for a in arrays]


def _train(d, net, y, wrap):
    x, y, *params = buffers([d.x, y, *d.params])
    last, lr = [None], d.lr

    def one():
        loss = net(params, x, y)
        for p, g in zip(params, loss.gradient(*params), strict=True):
            p.assign(p - lr * g)
        loss.realize(*params)
        return loss

    fast = wrap(one)

    def step():
        last[0] = fast()

    def wait():
        last[0].numpy()

    step.sync = wait
    step.result = lambda: {"loss": last[0].numpy(), "params": [p.numpy() for p in params]}
    step.params = params
    return step


def mlp2551(d, wrap=as_it_is):
    return _train(d, net2551, d.y, wrap)


def mlp784(d, wrap=as_it_is):
    return _train(d, net784, d.labels.astype(np.int32), wrap)


def train_loop(d, wrap=as_it_is):
    step = _train(d, net2551, d.y, wrap)

    def run():
        for p, start in zip(step.params, d.params, strict=True):
            p.assign(Tensor(start)).realize()
        for _ in range(d.steps):
            step()
        step.sync()

    run.result, run.step = step.result, step
    return run


def _differentiate(f, d, wrap, key="y"):
    # A Tensor made from a number is a constant, and constants fold the whole chain away: real
    # buffers of one element, reshaped, do not.
    flat = buffers([np.reshape(v, -1) for v in (d.x, d.a, d.b)])
    leaves = [t.reshape(np.shape(v)) for t, v in zip(flat, (d.x, d.a, d.b), strict=True)]
    out = [None]

    def one():
        y = f(*leaves)
        grads = y.gradient(*leaves)
        y.realize(*grads)
        return (y, *grads)

    fast = wrap(one)

    def run():
        out[0] = fast()

    def wait():
        out[0][0].numpy()

    def result():
        return dict(zip((key, "gx", "ga", "gb"), (t.numpy() for t in out[0]), strict=True))

    run.sync, run.result = wait, result
    return run


def chain(d, wrap=as_it_is):
    return _differentiate(programs.sine_chain(d, Tensor.sin, Tensor.tanh, Tensor.sum), d, wrap)


def deep(d, wrap=as_it_is):
    return _differentiate(programs.line(d), d, wrap)


def wide(d, wrap=as_it_is):
    def loss(x, a, b):
        return ((a * x + b).sigmoid() * x.tanh()).mean()

    return _differentiate(loss, d, wrap, "loss")


def hvp(d, wrap=as_it_is):
    """Gradient of the gradient."""
    x, y, *params = buffers([d.x, d.y, *d.params])
    v, out = buffers(d.vec), [None]

    def one():
        grads = net2551(params, x, y).gradient(*params)
        total = sum((g * w).sum() for g, w in zip(grads, v, strict=True))
        product = total.gradient(*params)
        product[0].realize(*product[1:])
        return tuple(product)

    fast = wrap(one)

    def step():
        out[0] = fast()

    def wait():
        out[0][0].numpy()

    step.sync = wait
    step.result = lambda: {"hv": [t.numpy() for t in out[0]]}
    return step
