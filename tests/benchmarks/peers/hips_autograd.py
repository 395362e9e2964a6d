"""autograd (HIPS): NumPy that records; nothing compiled."""

from importlib.metadata import version as version_of
from itertools import pairwise

import autograd.numpy as anp
import numpy as np
from autograd import grad, value_and_grad
from autograd.scipy.special import expit, logsumexp

from . import _programs as programs


def version():
    return version_of("autograd")


def net2551(params, x, y):
    W1, b1, W2, b2, W3, b3 = params
    h = expit(anp.dot(x, W1) + b1)
    h = expit(anp.dot(h, W2) + b2)
    z = anp.dot(h, W3) + b3
    return anp.mean(anp.logaddexp(z.dtype.type(0), z) - y * z)


def net784(params, x, labels):
    W1, b1, W2, b2, W3, b3 = params
    h = anp.maximum(anp.dot(x, W1) + b1, np.float32(0))
    h = anp.maximum(anp.dot(h, W2) + b2, np.float32(0))
    z = anp.dot(h, W3) + b3
    return anp.mean(logsumexp(z, axis=1) - z[anp.arange(z.shape[0]), labels])


def _train(d, net, y):
    params, last, x = [p.copy() for p in d.params], [None], d.x
    loss_and_grads, lr = value_and_grad(net), np.dtype(d.dtype).type(d.lr)

    def step():
        last[0], grads = loss_and_grads(params, x, y)
        for p, g in zip(params, grads, strict=True):
            p -= lr * g

    step.result = lambda: {"loss": last[0], "params": params}
    step.params = params
    return step


def mlp2551(d):
    return _train(d, net2551, d.y)


def mlp784(d):
    return _train(d, net784, d.labels)


def train_loop(d):
    step = _train(d, net2551, d.y)

    def run():
        for p, start in zip(step.params, d.params, strict=True):
            p[:] = start
        for _ in range(d.steps):
            step()

    run.result = step.result
    return run


def _differentiate(f, leaves, key="y"):
    y_and_grads, out = value_and_grad(f, argnum=(0, 1, 2)), {}

    def run():
        y, (gx, ga, gb) = y_and_grads(*leaves)
        out.update({key: y}, gx=gx, ga=ga, gb=gb)

    run.result = lambda: out
    return run


def chain(d):
    leaves = [v if d.shape else float(v) for v in (d.x, d.a, d.b)]
    return _differentiate(programs.sine_chain(d, anp.sin, anp.tanh, anp.sum), leaves)


def deep(d):
    return _differentiate(programs.line(d), [d.x, d.a, d.b])


def wide(d):
    def loss(x, a, b):
        return anp.mean(expit(a * x + b) * anp.tanh(x))

    return _differentiate(loss, [d.x, d.a, d.b], "loss")


def scalar_mlp(d):
    """One box a number, unpacked from a flat vector, which is the cheapest way here."""
    points, labels, last = d.x.tolist(), d.y.ravel().tolist(), [None]
    ends = np.cumsum([0, *(p.size for p in d.params)])
    flat = np.concatenate([p.ravel() for p in d.params])

    def loss(flat):
        numbers, layers = [flat[i] for i in range(flat.size)], []
        for W, (start, middle), end in zip(d.params[::2], _steps(ends), ends[2::2], strict=True):
            width = W.shape[1]
            columns = [numbers[start + j : middle : width] for j in range(width)]
            layers.append((columns, numbers[middle:end]))
        return programs.scalar_loss(layers, points, labels, lambda s: anp.maximum(s, 0.0))

    loss_and_grad = value_and_grad(loss)

    def step():
        last[0], g = loss_and_grad(flat)
        flat[:] -= d.lr * g

    def result():
        params = [
            np.array(flat[start:end]).reshape(p.shape)
            for p, (start, end) in zip(d.params, pairwise(ends), strict=True)
        ]
        return {"loss": last[0], "params": params}

    step.result = result
    return step


def _steps(ends):
    """Where the weights of each layer begin and end in the flat vector."""
    return list(pairwise(ends))[::2]


def hvp(d):
    """Reverse over reverse."""
    gradient, out, v = grad(net2551), {}, d.vec

    def inner(params, x, y):
        total = 0.0
        for a, b in zip(gradient(params, x, y), v, strict=True):
            total = total + anp.sum(a * b)
        return total

    product = grad(inner)

    def step():
        out["hv"] = product(d.params, d.x, d.y)

    step.result = lambda: out
    return step
