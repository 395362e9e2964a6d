"""JAX under jit (x64 on, one CPU device); loops as lax.scan and fori_loop."""

import jax
import jax.numpy as jnp

from . import jax_eager as eager

WHY = {"scalar_mlp": "30,000 scalar operations in one jitted graph"}


def version():
    return jax.__version__


def net2551(params, x, y):
    W1, b1, W2, b2, W3, b3 = params
    h = jax.nn.sigmoid(x @ W1 + b1)
    h = jax.nn.sigmoid(h @ W2 + b2)
    z = h @ W3 + b3
    return jnp.mean(jnp.logaddexp(0.0, z) - y * z)


def net784(params, x, labels):
    W1, b1, W2, b2, W3, b3 = params
    h = jax.nn.relu(x @ W1 + b1)
    h = jax.nn.relu(h @ W2 + b2)
    z = h @ W3 + b3
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - z[jnp.arange(z.shape[0]), labels])


def _sgd(net, lr):
    def step(params, x, y):
        loss, grads = jax.value_and_grad(net)(params, x, y)
        return [p - lr * g for p, g in zip(params, grads, strict=True)], loss

    return step


def _train(d, net, y):
    state = [[jnp.asarray(p) for p in d.params], None]
    fast = jax.jit(_sgd(net, d.lr), donate_argnums=0)
    x, y = jnp.asarray(d.x), jnp.asarray(y)

    def step():
        state[0], state[1] = fast(state[0], x, y)

    step.result = lambda: {"loss": state[1], "params": state[0]}
    step.sync = lambda: jax.block_until_ready(state)
    return step


def mlp2551(d):
    return _train(d, net2551, d.y)


def mlp784(d):
    return _train(d, net784, d.labels)


def train_loop(d):
    one, x, y = _sgd(net2551, d.lr), jnp.asarray(d.x), jnp.asarray(d.y)
    params, out = [jnp.asarray(p) for p in d.params], [None]

    @jax.jit
    def loop(params, x, y):
        start = params, jnp.zeros((), x.dtype)
        return jax.lax.fori_loop(0, d.steps, lambda _, state: one(state[0], x, y), start)

    def run():
        out[0] = jax.block_until_ready(loop(params, x, y))

    run.result = lambda: {"loss": out[0][1], "params": out[0][0]}
    return run


def chain(d):
    """All operations unrolled into one jitted graph."""
    return eager.differentiate(eager.sine_chain(d), d, jax.jit)


def deep(d):
    """lax.scan: nothing else compiles in bearable time."""

    def f(x, a, b):
        return jax.lax.scan(lambda y, _: (y * a + b, None), x, None, length=d.nops // 2)[0]

    return eager.differentiate(f, d, jax.jit)


def wide(d):
    def loss(x, a, b):
        return jnp.mean(jax.nn.sigmoid(a * x + b) * jnp.tanh(x))

    unit = eager.differentiate(loss, d, jax.jit, "loss")

    def step():  # waits each time, so that results of 8 MB do not queue up
        unit()
        unit.sync()

    step.result = unit.result
    return step


def hvp(d):
    """Forward over reverse."""
    x, y, out = jnp.asarray(d.x), jnp.asarray(d.y), [None]
    params, v = [jnp.asarray(p) for p in d.params], [jnp.asarray(a) for a in d.vec]

    @jax.jit
    def product(params, v, x, y):
        return jax.jvp(jax.grad(lambda p: net2551(p, x, y)), (params,), (v,))[1]

    def step():
        out[0] = product(params, v, x, y)

    step.sync = lambda: jax.block_until_ready(out[0])
    step.result = lambda: {"hv": out[0]}
    return step
