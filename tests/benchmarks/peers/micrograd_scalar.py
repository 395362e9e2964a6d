"""micrograd: one Value a number; +, *, ** and relu are all there is.

`--env BENCH_RECURSION=N` raises Python's recursion limit; the default one ends `deep`.
"""

import os
import sys
from importlib.metadata import version as version_of

from micrograd.engine import Value
from micrograd.nn import MLP

from . import _programs as programs

WHY = dict.fromkeys(
    ("mlp2551", "mlp784", "hvp", "wide", "train_loop", "chain"), "no tensors; only + * ** relu"
)
if os.environ.get("BENCH_RECURSION"):
    sys.setrecursionlimit(int(os.environ["BENCH_RECURSION"]))


def version():
    return version_of("micrograd")


def deep(d):
    f, out = programs.line(d), {}

    def run():
        x, a, b = Value(d.x), Value(d.a), Value(d.b)
        y = f(x, a, b)
        y.backward()
        out.update(y=y.data, gx=x.grad, ga=a.grad, gb=b.grad)

    run.result = lambda: out
    return run


def scalar_mlp(d):
    """Its own network class, with the common weights put in."""
    points, labels, last = d.x.tolist(), d.y.ravel().tolist(), [None]
    net = MLP(2, [16, 16, 1])
    for layer, start in zip(net.layers, programs.scalar_layers(d.params, float), strict=True):
        for neuron, column, bias in zip(layer.neurons, *start, strict=True):
            neuron.b.data = bias
            for w, value in zip(neuron.w, column, strict=True):
                w.data = value
    params = net.parameters()

    def step():
        total = 0.0
        for point, label in zip(points, labels, strict=True):
            e = net(point) - label
            total = total + e * e
        loss = total * (1.0 / len(points))
        net.zero_grad()
        loss.backward()
        for p in params:
            p.data -= d.lr * p.grad
        last[0] = loss.data

    def result():
        layers = [([n.w for n in la.neurons], [n.b for n in la.neurons]) for la in net.layers]
        return {"loss": last[0], "params": programs.scalar_arrays(layers, lambda v: v.data)}

    step.result = result
    return step
