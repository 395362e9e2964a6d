"""Hand-written C (c_hand.c) through ctypes: gcc -O3 -march=native -ffast-math."""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = os.environ.get(
    "BENCH_CFLAGS", "-O3 -march=native -ffast-math -mprefer-vector-width=512"
).split()
C_TYPES = {"float64": ("double", ctypes.c_double), "float32": ("float", ctypes.c_float)}
WHY = {
    "mlp784": "not written (it would be a call of a library's GEMM)",
    "scalar_mlp": "not written",
}


def version():
    return subprocess.run(
        ["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True
    ).stdout.strip()


def _function(name, real="double", block=64):
    folder = Path(os.environ.get("BENCH_TMP") or tempfile.mkdtemp())
    library = folder / f"c_hand_{real}_{block}.so"
    macros = [f"-DREAL={real}", f"-DBLK={block}"]
    command = ["gcc", *FLAGS, "-shared", "-fPIC", *macros, "-o", library, SOURCE, "-lm"]
    subprocess.run(command, check=True)
    function = getattr(ctypes.CDLL(str(library)), name)
    function.restype = None
    return function


def _pointer(a):
    return ctypes.c_void_p(a.ctypes.data)


def _prepare(d, name):
    """The function, the padded number of samples, their arrays, and the parameters as a vector."""
    dtype = np.dtype(d.dtype)
    block = 8 if d.n < 64 else 64
    if d.n == 100:
        block = 52  # two blocks, little padding
    n = -(-d.n // block) * block

    def padded(v):
        return np.concatenate([v, np.zeros(n - d.n, dtype)])

    arrays = [padded(v) for v in (d.x[:, 0], d.x[:, 1], d.y[:, 0], np.ones(d.n, dtype))]
    P = np.concatenate([p.ravel() for p in d.params]).astype(dtype)
    return _function(name, C_TYPES[d.dtype][0], block), n, arrays, P


def _split(P, d):
    out, i = [], 0
    for p in d.params:
        out.append(P[i : i + p.size].reshape(p.shape))
        i += p.size
    return out


def _call(function, arguments, result, keep):
    """The unit: one call. `keep` is what the pointers point to."""

    def unit():
        function(*arguments)

    unit.result, unit.keep = result, keep
    return unit


def _mlp2551(d, steps):
    function, n, arrays, P = _prepare(d, "mlp_steps")
    real, loss = C_TYPES[d.dtype][1], np.zeros(1, d.dtype)
    arguments = [ctypes.c_long(n), *map(_pointer, arrays), _pointer(P)]
    arguments += [real(d.lr / d.n), ctypes.c_long(steps), _pointer(loss)]
    return _call(
        function, arguments, lambda: {"loss": loss[0] / d.n, "params": _split(P, d)}, arrays
    ), P


def mlp2551(d):
    return _mlp2551(d, 1)[0]


fresh = mlp2551  # reading other memory costs the same


def train_loop(d):
    steps, P = _mlp2551(d, d.steps)
    start = P.copy()

    def run():
        P[:] = start
        steps()

    run.result = steps.result
    return run


def hvp(d):
    function, n, arrays, P = _prepare(d, "hvp")
    V, H = np.concatenate([p.ravel() for p in d.vec]), np.empty_like(P)
    arguments = [ctypes.c_long(n), *map(_pointer, (*arrays, P, V, H))]
    return _call(function, arguments, lambda: {"hv": _split(H / d.n, d)}, (arrays, P, V))


def wide(d):
    x, gx, out = d.x, np.empty(d.n), np.empty(3)
    numbers = [*map(ctypes.c_double, (d.a, d.b))]
    arguments = [ctypes.c_long(d.n), _pointer(x), *numbers, _pointer(gx), _pointer(out)]
    return _call(
        _function("wide"),
        arguments,
        lambda: {"loss": out[0], "ga": out[1], "gb": out[2], "gx": gx},
        x,
    )


def chain(d):
    k, n, shape = d.nops // 4, d.x.size, d.shape
    leaves = [np.array(v).reshape(-1) for v in (d.x, d.a, d.b)]
    saved, (g, ga, gb, y) = np.empty(4 * k * n), (np.empty(n) for _ in range(4))
    pointers = map(_pointer, (*leaves, saved, g, ga, gb, y))
    grads = {"gx": g, "ga": ga, "gb": gb}
    return _call(
        _function("chain"),
        [ctypes.c_long(k), ctypes.c_long(n), *pointers],
        lambda: {"y": y.sum(), **{key: v.reshape(shape) for key, v in grads.items()}},
        (leaves, saved),
    )


def deep(d):
    k, out = d.nops // 2, np.empty(4)
    saved, numbers = np.empty(k), map(ctypes.c_double, (d.x, d.a, d.b))
    return _call(
        _function("deep"),
        [ctypes.c_long(k), *numbers, _pointer(saved), _pointer(out)],
        lambda: dict(zip(("y", "gx", "ga", "gb"), out, strict=True)),
        saved,
    )
