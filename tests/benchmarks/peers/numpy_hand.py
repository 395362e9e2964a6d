"""Hand-written NumPy: derivatives by hand, arrays allocated once, out= everywhere, the long
workloads in blocks that fit the cache. It is the reference that all others must agree with."""

import numpy as np

from ._numpy_hvp import hvp
from ._numpy_nets import BLOCK, mlp784, mlp2551, scalar_mlp, train_loop

__all__ = [
    "chain",
    "deep",
    "fresh",
    "hvp",
    "mlp784",
    "mlp2551",
    "scalar_mlp",
    "train_loop",
    "version",
    "wide",
]

fresh = mlp2551  # reading other memory costs the same


def version():
    return np.__version__


def chain(d):
    return _chain_array(d) if d.shape else _chain_number(d)


def _chain_number(d):
    """On NumPy scalars, whose operators cost a fifth of a ufunc on a 0-d array."""
    k, a, b, out = d.nops // 4, np.float64(d.a), np.float64(d.b), {}
    sin, cos, tanh = np.sin, np.cos, np.tanh

    def run():
        y, saved = np.float64(d.x), []
        push = saved.append
        for _ in range(k):
            x = y
            y = y * a
            u = y + b
            y = tanh(sin(u))
            push((x, u, y))
        g, ga, gb, one = np.float64(1), np.float64(0), np.float64(0), np.float64(1)
        for x, u, h in reversed(saved):
            g = g * (one - h * h) * cos(u)
            gb = gb + g
            ga = ga + g * x
            g = g * a
        out.update(y=y, gx=g, ga=ga, gb=gb)

    run.result = lambda: out
    return run


def _chain_array(d):
    k, a, b = d.nops // 4, d.a, d.b
    rows = list(np.empty((4 * k + 1, *d.shape)))
    rows[0][:] = d.x
    links = [tuple(rows[4 * i : 4 * i + 5]) for i in range(k)]
    g, h, ga, gb, t, u = (np.empty(d.shape) for _ in range(6))
    mul, add, sub, sin, cos, tanh = np.multiply, np.add, np.subtract, np.sin, np.cos, np.tanh
    one, out, back = np.float64(1), {}, links[::-1]

    def run():
        for r0, r1, r2, r3, r4 in links:
            mul(r0, a, r1)
            add(r1, b, r2)
            sin(r2, r3)
            tanh(r3, r4)
        out["y"] = rows[-1].sum()
        g.fill(1)
        ga.fill(0)
        gb.fill(0)
        for r0, _, r2, _, r4 in back:
            mul(r4, r4, t)
            sub(one, t, u)
            mul(g, u, h)
            cos(r2, t)
            mul(h, t, u)
            add(gb, u, gb)
            mul(u, r0, t)
            add(ga, t, ga)
            mul(u, a, g)

    run.result = lambda: {"y": out["y"], "gx": g, "ga": ga, "gb": gb}
    return run


def deep(d):
    a, b, k, out = np.float64(d.a), np.float64(d.b), d.nops // 2, {}

    def run():
        y, saved = np.float64(d.x), []
        push = saved.append
        for _ in range(k):
            push(y)
            y = y * a
            y = y + b
        g, ga, gb = np.float64(1), np.float64(0), np.float64(0)
        for v in reversed(saved):
            gb = gb + g
            ga = ga + g * v
            g = g * a
        out.update(y=y, gx=g, ga=ga, gb=gb)

    run.result = lambda: out
    return run


def wide(d):
    n, a, b, x, gx, out = d.n, d.a, d.b, d.x, np.empty(d.n), {}
    buffers = [np.empty(BLOCK) for _ in range(4)]
    parts = [
        (x[i : i + BLOCK], gx[i : i + BLOCK], *(t[: n - i] for t in buffers))
        for i in range(0, n, BLOCK)
    ]
    exp, add, sub, mul = np.exp, np.add, np.subtract, np.multiply
    rec, tanh, dot, inv = np.reciprocal, np.tanh, np.dot, 1.0 / n

    def step():
        loss = ga = gb = 0.0
        for x, g, s, t, u, v in parts:
            mul(x, -a, s)
            sub(s, b, s)
            exp(s, s)
            add(s, 1.0, s)
            rec(s, s)
            tanh(x, t)
            loss += dot(s, t)
            sub(1.0, s, u)
            mul(u, s, u)
            mul(u, t, u)  # s (1-s) t: the derivative in a x + b
            ga += dot(u, x)
            gb += add.reduce(u)
            mul(t, t, v)
            sub(1.0, v, v)
            mul(v, s, v)  # s (1-t^2)
            mul(u, a, u)
            add(u, v, u)
            mul(u, inv, g)
        out.update(loss=loss * inv, ga=ga * inv, gb=gb * inv)

    step.result = lambda: {**out, "gx": gx}
    return step
