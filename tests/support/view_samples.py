"""Computations and names that the tests of pictures draw."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp.nn import Linear, Sequential, Sigmoid, bce_with_logits

MARKUP = [
    '"',
    "&lt;",
    "&",
    "<",
    ">",
    "<b>",
    "</svg>",
    "-->",
    "]]>",
    "{a|b}",
    "</script>",
    "'",
    "</script ",
    "<!--",
    "<script ",
]
ESCAPES = ["\\", r"\n", r"\N", r"\G", "\n", "\r", "\0", "\x1b", "\u202e", "\ud800", "`", "**"]
SYNTAX = ["n0:port", "[label=x]", ";", "//", "#", " ", "#35;", "%%", "|", "end", "@@DATA@@"]
PIECES = [*MARKUP, *ESCAPES, *SYNTAX]
HOSTILE = st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=8).map("".join)

programs = st.lists(
    st.tuples(
        st.sampled_from(["add", "multiply", "subtract"]), st.integers(0, 40), st.integers(0, 40)
    ),
    min_size=1,
    max_size=30,
)


def run_program(program):
    values = [ones((2,), f"x{i}") for i in range(3)]
    for name, i, j in program:
        values.append(getattr(np, name)(values[i % len(values)], values[j % len(values)]))
    return values[-1]


def ones(shape=(), name=None):
    return tg.tensor(np.ones(shape), requires_grad=True, name=name)


def network(names=("hidden1", "hidden2", "output")):
    rng = np.random.default_rng(0)
    sizes = ((2, 5), (5, 5), (5, 1))
    first, second, last = (
        Linear(*size, rng=rng, name=name) for size, name in zip(sizes, names, strict=True)
    )
    for layer in (first, second, last):
        layer.b._value = rng.normal(size=layer.b.shape)  # zeros would hide what is left out
    return Sequential(first, Sigmoid(), second, Sigmoid(), last)


def network_loss(rows=4):
    """The loss of a 2-5-5-1 network, its parameters by name, and its data."""
    model = network()
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(rows, 2)), (rng.random((rows, 1)) > 0.5) * 1.0
    loss = bce_with_logits(model(X), y)
    loss.name = "loss"
    return loss, {one.name: one for one in model.parameters()}, {"X": X, "y": y}


def network_view(rows=4, **options):
    loss, parameters, data = network_loss(rows)
    return tg.graph(loss, parameters=parameters, data=data, **options)
