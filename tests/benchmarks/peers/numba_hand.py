"""Hand-written loops compiled by numba (fastmath), the whole unit in one compiled function."""

import math

import numba
import numpy as np

from . import _numba_nets as nets
from ._numba_nets import jit

WHY = {"scalar_mlp": "not written"}


def version():
    return numba.__version__


def _mlp2551(d, steps):
    dtype = np.dtype(d.dtype).type
    params, last = [p.copy() for p in d.params], [0.0]
    grads, work = [np.empty_like(p) for p in params], np.empty((4, 5), dtype)
    x, y, lr, one = d.x, d.y, dtype(d.lr / d.n), dtype(1)

    def step():
        last[0] = nets.mlp2551(x, y, *params, *grads, lr, steps, one, work)

    step.result = lambda: {"loss": last[0], "params": params}
    return step, params


def mlp2551(d):
    return _mlp2551(d, 1)[0]


def train_loop(d):
    step, params = _mlp2551(d, d.steps)

    def run():
        for p, start in zip(params, d.params, strict=True):
            p[:] = start
        step()

    run.result = step.result
    return run


def mlp784(d):
    params, n, last = [p.copy() for p in d.params], d.n, [0.0]
    shapes = ((n, 256), (n, 128), (n, 10), (n, 256), (n, 128), (784, 256), (256, 128), (128, 10))
    work, lr = [np.empty(shape, np.float32) for shape in shapes], np.float32(d.lr / n)

    def step():
        last[0] = nets.mlp784(d.x, d.x.T, d.labels, *params, *work, lr)

    step.result = lambda: {"loss": last[0], "params": params}
    return step


def hvp(d):
    out, work = [np.empty_like(p) for p in d.params], np.empty((6, 5))

    def step():
        nets.hvp(d.x, d.y, *d.params, *d.vec, *out, work)

    step.result = lambda: {"hv": out}
    return step


@jit
def _wide(x, a, b, gx):
    loss = ga = gb = 0.0
    inv = 1.0 / x.size
    for i in range(x.size):
        s = 1.0 / (1.0 + math.exp(-(a * x[i] + b)))
        t = math.tanh(x[i])
        u = s * (1.0 - s) * t
        loss += s * t
        ga += u * x[i]
        gb += u
        gx[i] = (u * a + s * (1.0 - t * t)) * inv
    return loss * inv, ga * inv, gb * inv


def wide(d):
    gx, out = np.empty(d.n), [None]

    def step():
        out[0] = _wide(d.x, d.a, d.b, gx)

    step.result = lambda: {"loss": out[0][0], "ga": out[0][1], "gb": out[0][2], "gx": gx}
    return step


@jit
def _chain(k, x, a, b, saved, g, ga, gb):
    n = x.size
    y = x.copy()
    for i in range(k):
        for j in range(n):
            saved[i, 0, j] = y[j]
            u = y[j] * a[j] + b[j]
            saved[i, 1, j] = u
            y[j] = math.tanh(math.sin(u))
            saved[i, 2, j] = y[j]
    g[:] = 1.0
    ga[:] = 0.0
    gb[:] = 0.0
    for i in range(k - 1, -1, -1):
        for j in range(n):
            h = saved[i, 2, j]
            t = g[j] * (1.0 - h * h) * math.cos(saved[i, 1, j])
            gb[j] += t
            ga[j] += t * saved[i, 0, j]
            g[j] = t * a[j]
    return y.sum()


def chain(d):
    k, shape, out = d.nops // 4, d.shape, [None]
    x, a, b = (np.array(v).reshape(-1) for v in (d.x, d.a, d.b))
    saved, (g, ga, gb) = np.empty((k, 3, x.size)), (np.empty(x.size) for _ in range(3))

    def run():
        out[0] = _chain(k, x, a, b, saved, g, ga, gb)

    run.result = lambda: {
        "y": out[0],
        "gx": g.reshape(shape),
        "ga": ga.reshape(shape),
        "gb": gb.reshape(shape),
    }
    return run


@jit
def _deep(k, x, a, b, saved):
    y = x
    for i in range(k):
        saved[i] = y
        y = y * a
        y = y + b
    g, ga, gb = 1.0, 0.0, 0.0
    for i in range(k - 1, -1, -1):
        gb += g
        ga += g * saved[i]
        g *= a
    return y, g, ga, gb


def deep(d):
    k, out = d.nops // 2, [None]
    saved = np.empty(k)

    def run():
        out[0] = _deep(k, d.x, d.a, d.b, saved)

    run.result = lambda: dict(zip(("y", "gx", "ga", "gb"), out[0], strict=True))
    return run
