"""What is measured: the name of each workload, its data and its initial weights.

A peer answers a workload by defining the function that the workload names. `data(name)` gives a
fresh namespace with everything that function needs; fixed seeds make it the same in every process.
"""

from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import numpy as np

CHAIN_OPS = 1000
LOOP_STEPS = 1000


@dataclass(frozen=True, kw_only=True)
class Work:
    """One row of the table."""

    function: str  # what a peer defines to take part
    n: int | None = None
    dtype: str = "float64"
    shape: tuple[int, ...] = ()
    nops: int | None = None
    per: int = 1  # the printed time is that of one unit divided by this
    # Units done before the results are compared. Two at least: a peer that forgets to clear its
    # gradients, or to start a loop from the initial weights, is right the first time only.
    checked: int = 2
    peers: tuple[str, ...] | None = None  # nobody else runs it, unless asked for by name


FRESH = ("numpy_hand", "c_hand", "tinygrad_bp", "tinygrad_bp_compiled")
WORK = {
    "mlp2551-n4": Work(function="mlp2551", n=4, checked=3),
    "mlp2551-n100": Work(function="mlp2551", n=100, checked=3),
    "mlp2551-n1000": Work(function="mlp2551", n=1000, checked=3),
    "mlp2551-n100000": Work(function="mlp2551", n=100_000, checked=3),
    "mlp2551-n100-f32": Work(function="mlp2551", n=100, dtype="float32", checked=3),
    "mlp2551-n100000-f32": Work(function="mlp2551", n=100_000, dtype="float32", checked=3),
    # other arrays at each step, as minibatches are
    **{f"fresh-n{n}": Work(function="fresh", n=n, checked=3, peers=FRESH) for n in (4, 100, 1000)},
    "mlp784": Work(function="mlp784", n=128, dtype="float32", checked=3),
    "chain-0d": Work(function="chain", nops=CHAIN_OPS, per=CHAIN_OPS),
    "chain-8": Work(function="chain", nops=CHAIN_OPS, per=CHAIN_OPS, shape=(8,)),
    "deep": Work(function="deep", nops=100_000),
    # most peers would need minutes for a round of this one
    "million": Work(
        function="deep", nops=1_000_000, peers=("numpy_hand", "torch_eager", "tinygrad_bp")
    ),
    "scalar-mlp": Work(function="scalar_mlp", n=50),
    "hvp": Work(function="hvp", n=100),
    "wide": Work(function="wide", n=1_000_000),
    "train-loop": Work(function="train_loop", n=100),
}


def data(name):
    """Everything the function of workload `name` is given."""
    work = WORK[name]
    d = SimpleNamespace(
        name=name, lr=0.1, dtype=work.dtype, n=work.n, nops=work.nops, steps=LOOP_STEPS
    )
    vars(d).update(MAKE[work.function](work))
    return d


def _layers(sizes, weight, bias):
    """[W1, b1, W2, b2, ...] in the layout (in, out)."""
    params = []
    for rows, columns in pairwise(sizes):
        params += [weight(rows, columns), bias(columns)]
    return params


def _mlp2551(work):
    """Binary classification by 2-5-5-1 sigmoid units: the parity of two bits, or of two signs."""
    rng = np.random.default_rng(12345)
    if work.n == 4:
        x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        y = np.array([[0.0], [1.0], [1.0], [0.0]])
    else:
        x = rng.uniform(-1, 1, (work.n, 2))
        y = (x[:, :1] * x[:, 1:] > 0).astype(float)
    params = _layers(
        [2, 5, 5, 1], lambda i, o: rng.normal(size=(i, o)), lambda o: 0.1 * rng.normal(size=o)
    )
    vec = [rng.normal(size=p.shape) for p in params]

    def cast(arrays):
        return [np.ascontiguousarray(a, dtype=work.dtype) for a in arrays]

    x, y = cast([x, y])
    return {"x": x, "y": y, "params": cast(params), "vec": cast(vec)}


def _mlp784(work):
    """A 784-256-128-10 ReLU network with softmax cross-entropy, one minibatch."""
    rng = np.random.default_rng(7)
    return {
        "x": (0.5 * rng.normal(size=(work.n, 784))).astype("float32"),
        "labels": rng.integers(0, 10, work.n),
        "params": _layers(
            [784, 256, 128, 10],
            lambda i, o: (rng.normal(size=(i, o)) * np.sqrt(2 / i)).astype("float32"),
            lambda o: np.zeros(o, "float32"),
        ),
    }


def _chain(work):
    """Over and over x*a, x+b, sin(x), tanh(x), then the sum; gradients of x, a and b."""
    k = int(np.prod(work.shape, dtype=int))
    ends = {"x": (0.3, 0.9), "a": (1.10, 1.20), "b": (0.02, 0.01)}
    leaves = {key: np.linspace(*pair, k).reshape(work.shape) for key, pair in ends.items()}
    return {"shape": work.shape, **leaves}


def _deep(work):
    """Over and over y*a, y+b on one number; gradients of x, a and b."""
    return {"x": 0.7, "a": 0.99999, "b": 1e-5}


def _scalar_mlp(work):
    """2-16-16-1, ReLU, linear output, mean squared error against labels of +1 and -1."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (work.n, 2))
    return {
        "x": x,
        "y": np.where(x[:, :1] * x[:, 1:] > 0, 1.0, -1.0),
        "params": _layers(
            [2, 16, 16, 1], lambda i, o: rng.uniform(-1, 1, (i, o)) / np.sqrt(i), np.zeros
        ),
        "lr": 0.05,
    }


def _wide(work):
    """mean(sigmoid(a x + b) tanh(x)) over a long x; gradients of x, a and b."""
    return {"x": np.random.default_rng(5).normal(size=work.n), "a": 0.8, "b": -0.3}


MAKE = {
    "fresh": _mlp2551,
    "mlp2551": _mlp2551,
    "hvp": _mlp2551,
    "train_loop": _mlp2551,
    "mlp784": _mlp784,
    "chain": _chain,
    "deep": _deep,
    "scalar_mlp": _scalar_mlp,
    "wide": _wide,
}
