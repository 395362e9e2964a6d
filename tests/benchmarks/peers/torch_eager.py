"""PyTorch, eager mode: the usual training loop, the update in one foreach call."""

from operator import methodcaller

import torch
from torch.nn import functional

from . import _programs as programs

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def version():
    return torch.__version__


def leaf(a):
    return torch.tensor(a, dtype=None if hasattr(a, "dtype") else torch.float64, requires_grad=True)


def net2551(params, x, y):
    W1, b1, W2, b2, W3, b3 = params
    h = torch.sigmoid(torch.addmm(b1, x, W1))
    h = torch.sigmoid(torch.addmm(b2, h, W2))
    return functional.binary_cross_entropy_with_logits(torch.addmm(b3, h, W3), y)


def net784(params, x, y):
    W1, b1, W2, b2, W3, b3 = params
    h = torch.relu(torch.addmm(b1, x, W1))
    h = torch.relu(torch.addmm(b2, h, W2))
    return functional.cross_entropy(torch.addmm(b3, h, W3), y)


def sgd(params, loss, lr):
    grads = torch.autograd.grad(loss, params)
    with torch.no_grad():
        torch._foreach_add_(params, grads, alpha=-lr)


def train(d, net, y):
    x, y, params, lr, last = (
        torch.tensor(d.x),
        torch.tensor(y),
        [*map(leaf, d.params)],
        d.lr,
        [None],
    )

    def step():
        last[0] = loss = net(params, x, y)
        sgd(params, loss, lr)

    step.result = lambda: {"loss": last[0].detach(), "params": [p.detach() for p in params]}
    step.params = params
    return step


def mlp2551(d, net=net2551):
    return train(d, net, d.y)


def mlp784(d, net=net784):
    return train(d, net, d.labels)


def train_loop(d, net=net2551):
    step = mlp2551(d, net)
    params, start = step.params, [p.detach().clone() for p in step.params]

    def run():
        with torch.no_grad():
            torch._foreach_copy_(params, start)
        for _ in range(d.steps):
            step()

    run.result = step.result
    return run


def differentiate(f, d, key="y"):
    """One unit: f forward, then the gradients of x, a and b; the graph dies with the unit."""
    leaves, out = [*map(leaf, (d.x, d.a, d.b))], {}

    def run():
        y = f(*leaves)
        gx, ga, gb = torch.autograd.grad(y, leaves)
        out.update({key: y.detach()}, gx=gx, ga=ga, gb=gb)

    run.result = lambda: out
    return run


def sine_chain(d):
    return programs.sine_chain(d, torch.sin, torch.tanh, torch.sum)


def chain(d):
    return differentiate(sine_chain(d), d)


def deep(d):
    return differentiate(programs.line(d), d)


def wide_loss(x, a, b):
    return (torch.sigmoid(a * x + b) * torch.tanh(x)).mean()


def wide(d, f=wide_loss):
    return differentiate(f, d, "loss")


def scalar_mlp(d):
    """One 0-d tensor a number."""
    points, labels, last = d.x.tolist(), d.y.ravel().tolist(), [None]
    layers = programs.scalar_layers(d.params, leaf)
    params, relu = programs.scalar_parameters(layers), methodcaller("relu")

    def step():
        last[0] = loss = programs.scalar_loss(layers, points, labels, relu)
        sgd(params, loss, d.lr)

    step.result = lambda: {
        "loss": last[0].detach(),
        "params": programs.scalar_arrays(layers, torch.Tensor.item),
    }
    return step


def hvp(d):
    """Double backward."""
    x, y, params, out = torch.tensor(d.x), torch.tensor(d.y), [*map(leaf, d.params)], {}
    v = [*map(torch.tensor, d.vec)]

    def step():
        g = torch.autograd.grad(net2551(params, x, y), params, create_graph=True)
        out["hv"] = torch.autograd.grad(g, params, grad_outputs=v)

    step.result = lambda: out
    return step
