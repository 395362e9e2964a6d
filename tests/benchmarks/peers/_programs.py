"""Programs that every engine runs as they stand, so that no column gets a shorter one."""

from itertools import chain as _flatten

import numpy as np


def sine_chain(d, sin, tanh, total):
    """f(x, a, b): `d.nops` operations on a small array, or on a single number."""
    k = d.nops // 4

    def f(x, a, b):
        for _ in range(k):
            x = tanh(sin(x * a + b))
        return total(x)

    return f


def line(d):
    """f(x, a, b): `d.nops` operations on a single number."""
    k = d.nops // 2

    def f(x, a, b):
        for _ in range(k):
            x = x * a
            x = x + b
        return x

    return f


def scalar_layers(params, make):
    """Every number of the network through `make`: [(weights into each unit, biases), ...]."""
    return [
        ([[make(w) for w in column] for column in W.T.tolist()], [make(v) for v in b.tolist()])
        for W, b in zip(params[::2], params[1::2], strict=True)
    ]


def scalar_parameters(layers):
    """The numbers of `scalar_layers` in one list."""
    return [p for weights, biases in layers for p in [*_flatten.from_iterable(weights), *biases]]


def scalar_arrays(layers, number):
    """The layout of the reference again: [W1, b1, ...]."""
    out = []
    for weights, biases in layers:
        out += [
            np.array([[number(w) for w in column] for column in weights]).T,
            np.array([number(b) for b in biases]),
        ]
    return out


def scalar_loss(layers, points, labels, relu):
    """Mean squared error of the network, each operation on a single number."""
    total, last = 0.0, len(layers) - 1
    for point, label in zip(points, labels, strict=True):
        h = point
        for i, (weights, biases) in enumerate(layers):
            after = []
            for column, s in zip(weights, biases, strict=True):
                for w, v in zip(column, h, strict=True):
                    s = s + w * v
                after.append(s if i == last else relu(s))
            h = after
        e = h[0] - label
        total = total + e * e
    return total * (1.0 / len(points))
