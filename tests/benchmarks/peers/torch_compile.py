"""torch.compile, default mode.

Training steps are compiled whole: torch.func.grad_and_value and the update in one graph. The usual
idiom, which compiles the loss and differentiates outside, is `--env BENCH_TC=loss`; on these sizes
it is slower than eager mode.
"""

import os

import torch

from . import torch_eager as eager

LOSS_ONLY = os.environ.get("BENCH_TC") == "loss"
WHY = {
    "deep": "so many operations in one graph do not finish compiling",
    "scalar_mlp": "30,000 scalar operations in one graph",
}


def version():
    return torch.__version__


def _train(d, net, y):
    x, y, params = torch.tensor(d.x), torch.tensor(y), [*map(torch.tensor, d.params)]
    lr, last, grad = d.lr, [None], torch.func.grad_and_value(net)

    def whole(params, x, y):
        grads, loss = grad(params, x, y)
        for p, g in zip(params, grads, strict=True):
            p.sub_(lr * g)
        return loss

    fast, no_grad = torch.compile(whole), torch.no_grad

    def step():
        with no_grad():
            last[0] = fast(params, x, y)

    step.result = lambda: {"loss": last[0], "params": params}
    step.params = params
    return step


def mlp2551(d):
    if LOSS_ONLY:
        return eager.mlp2551(d, torch.compile(eager.net2551))
    return _train(d, eager.net2551, d.y)


def train_loop(d):
    if LOSS_ONLY:
        return eager.train_loop(d, torch.compile(eager.net2551))
    step = mlp2551(d)
    params, start = step.params, [p.clone() for p in step.params]

    def run():
        torch._foreach_copy_(params, start)
        for _ in range(d.steps):
            step()

    run.result = step.result
    return run


def mlp784(d):
    if LOSS_ONLY:
        return eager.mlp784(d, torch.compile(eager.net784))
    return _train(d, eager.net784, d.labels)


def chain(d):
    """All operations unrolled into one graph."""
    return eager.differentiate(torch.compile(eager.sine_chain(d)), d)


def hvp(d):
    """Forward over reverse, in one graph."""
    x, y, params, v, out = (
        torch.tensor(d.x),
        torch.tensor(d.y),
        *map(_tensors, (d.params, d.vec)),
        {},
    )

    def product(params, v, x, y):
        gradient = torch.func.grad(lambda p: eager.net2551(p, x, y))
        return torch.func.jvp(gradient, (params,), (v,))[1]

    fast = torch.compile(product)

    def step():
        with torch.no_grad():
            out["hv"] = fast(params, v, x, y)

    step.result = lambda: out
    return step


def _tensors(arrays):
    return tuple(map(torch.tensor, arrays))


def wide(d):
    x, a, b = (torch.tensor(v, dtype=torch.float64) for v in (d.x, d.a, d.b))
    fast = torch.compile(torch.func.grad_and_value(eager.wide_loss, argnums=(0, 1, 2)))
    out = {}

    def step():
        with torch.no_grad():
            (gx, ga, gb), loss = fast(x, a, b)
        out.update(loss=loss, gx=gx, ga=ga, gb=gb)

    step.result = lambda: out
    return step
