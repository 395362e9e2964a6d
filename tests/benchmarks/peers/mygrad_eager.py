"""MyGrad with memory guarding off, as its documentation advises for speed."""

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu, sigmoid
from mygrad.nnet.losses import softmax_crossentropy

from . import _programs as programs

mg.turn_memory_guarding_off()
WHY = {"hvp": "no second derivatives"}


def version():
    return mg.__version__


def net2551(params, x, y):
    W1, b1, W2, b2, W3, b3 = params
    h = sigmoid(mg.matmul(x, W1) + b1)
    h = sigmoid(mg.matmul(h, W2) + b2)
    z = mg.matmul(h, W3) + b3
    return (mg.logaddexp(z.dtype.type(0), z) - y * z).mean()


def net784(params, x, labels):
    W1, b1, W2, b2, W3, b3 = params
    h = relu(mg.matmul(x, W1) + b1)
    h = relu(mg.matmul(h, W2) + b2)
    return softmax_crossentropy(mg.matmul(h, W3) + b3, labels)


def _train(d, net, y):
    params, last, x = [mg.tensor(p.copy()) for p in d.params], [None], d.x
    lr = np.dtype(d.dtype).type(d.lr)

    def step():
        loss = net(params, x, y)
        loss.backward()
        for p in params:
            p.data -= lr * p.grad
        last[0] = loss

    step.result = lambda: {"loss": last[0].data, "params": [p.data for p in params]}
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
            p.data[...] = start
        for _ in range(d.steps):
            step()

    run.result = step.result
    return run


def _differentiate(f, d, key="y"):
    leaves, out = [mg.tensor(v, dtype=np.float64) for v in (d.x, d.a, d.b)], {}
    x, a, b = leaves

    def run():
        y = f(*leaves)
        y.backward()
        out.update({key: y.data}, gx=x.grad, ga=a.grad, gb=b.grad)

    run.result = lambda: out
    return run


def chain(d):
    return _differentiate(programs.sine_chain(d, mg.sin, mg.tanh, mg.sum), d)


def deep(d):
    return _differentiate(programs.line(d), d)


def wide(d):
    return _differentiate(lambda x, a, b: (sigmoid(a * x + b) * mg.tanh(x)).mean(), d, "loss")


def scalar_mlp(d):
    """One 0-d tensor a number."""
    points, labels, last = d.x.tolist(), d.y.ravel().tolist(), [None]
    layers = programs.scalar_layers(d.params, mg.tensor)
    params = programs.scalar_parameters(layers)

    def step():
        loss = programs.scalar_loss(layers, points, labels, relu)
        loss.backward()
        for p in params:
            p.data -= d.lr * p.grad
        last[0] = float(loss.data)

    step.result = lambda: {
        "loss": last[0],
        "params": programs.scalar_arrays(layers, mg.Tensor.item),
    }
    return step
