"""JAX without jit, for the graph-building workloads only: what tracing op by op costs."""

import jax
import jax.numpy as jnp
import numpy as np

from . import _programs as programs

WHY = dict.fromkeys(
    ("mlp2551", "mlp784", "scalar_mlp", "hvp", "wide", "train_loop"),
    "only chain and deep are run without jit",
)


def version():
    return jax.__version__


def differentiate(f, d, transform=lambda g: g, key="y"):
    """One unit: f and the gradients of x, a and b."""
    leaves, out = [jnp.asarray(np.asarray(v)) for v in (d.x, d.a, d.b)], [None]
    y_and_grads = transform(jax.value_and_grad(f, argnums=(0, 1, 2)))

    def run():
        out[0] = y_and_grads(*leaves)

    def result():
        y, (gx, ga, gb) = out[0]
        return {key: y, "gx": gx, "ga": ga, "gb": gb}

    run.sync = lambda: jax.block_until_ready(out[0])
    run.result = result
    return run


def sine_chain(d):
    return programs.sine_chain(d, jnp.sin, jnp.tanh, jnp.sum)


def chain(d):
    return differentiate(sine_chain(d), d)


def deep(d):
    return differentiate(programs.line(d), d)
