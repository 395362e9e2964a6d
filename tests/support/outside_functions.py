"""What PyTorch and JAX call the rows of the rule table, where they do not call it what NumPy does.

Each entry takes the row's arguments in NumPy's form, and is written in the library's own functions.
A row that is named nowhere here is looked up by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from outside_libraries import Jax, RefusedError, Torch, home_of, named

from tinygrad_bp.engine.rule import Composition, Rule

Function = Callable[..., Any]
Table = dict[str, Function]

# NumPy's word for an argument -> PyTorch's
WORDS = {"axis": "dim", "axes": "dims", "keepdims": "keepdim", "ddof": "correction"}


def reduced(losses: Any, reduction: str) -> Any:
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()


def indexed(index: Any) -> Any:
    """Return an index with arrays in place of lists, which JAX refuses."""
    if isinstance(index, tuple):
        return tuple(map(indexed, index))
    return np.asarray(index) if isinstance(index, list) else index


def common(peer: Jax | Torch, concatenate: Function) -> Table:
    """Return rows that are formulas or decompositions, spelled alike in both libraries."""
    la = peer.modules["numpy.linalg"]

    def qr(a: Any, complete: bool) -> Any:
        q, r = la.qr(a, "complete" if complete else "reduced")
        parts = (q, r[..., : r.shape[-1], :])
        return concatenate([x.reshape(*x.shape[:-2], -1) for x in parts], -1)

    return {
        "affine": lambda x, W, b: x @ W + b,
        "cofactors": lambda a: la.det(a)[..., None, None] * la.inv(a).mT,
        "evenly_spaced": lambda start, stop, num, endpoint, axis: peer.modules["numpy"].linspace(
            start, stop, num, endpoint, axis=axis
        ),
        "logistic_slope": lambda ct, s, _x=None: ct * s * (1 - s),
        "matrix_product": lambda x, y, turned: (
            (x.mT if turned[0] == "T" else x) @ (y.mT if turned[1] == "T" else y)
        ),
        "packed_qr": qr,
        "packed_slogdet": lambda a: concatenate([x[..., None] for x in la.slogdet(a)], -1),
        "tanh_slope": lambda ct, t, _x=None: ct * (1 - t * t),
    }


def jax_table(peer: Jax) -> Table:
    """Return JAX's functions; it has no losses, so those are formulas of its own functions."""
    np_, nn, special = peer.jax.numpy, peer.jax.nn, peer.jax.scipy.special

    def entropy(z: Any, labels: Any, reduction: str = "mean") -> Any:
        return reduced(-nn.log_softmax(z)[np.arange(len(labels)), labels], reduction)

    return {
        **common(peer, np_.concatenate),
        "assigned": lambda x, value, index: x.at[indexed(index)].set(value),
        "bce_with_logits": lambda z, y, reduction="mean": reduced(
            nn.softplus(z) - y * z, reduction
        ),
        "binary_cross_entropy": lambda p, y, reduction="mean": reduced(
            -special.xlogy(y, p) - special.xlog1py(1 - y, -p), reduction
        ),
        "cast": lambda x, dtype: x.astype(dtype),
        "cross_entropy": entropy,
        "fraction": lambda x: np_.modf(x)[0],
        "getitem": lambda x, index: x[indexed(index)],
        "log_expit": nn.log_sigmoid,
        "psi": special.digamma,
        "scatter": lambda ct, shape, index: np_.zeros(shape, ct.dtype).at[indexed(index)].add(ct),
        "summed_to": lambda x, shape: peer.jax.linear_transpose(
            lambda y: np_.broadcast_to(y, x.shape), peer.jax.ShapeDtypeStruct(shape, x.dtype)
        )(x)[0],
    }


def torch_table(peer: Torch) -> Table:
    """Return PyTorch's functions."""
    torch = peer.torch
    F = torch.nn.functional

    def entropy(z: Any, labels: Any, reduction: str = "mean") -> Any:
        return F.cross_entropy(z, torch.as_tensor(labels), reduction=reduction)

    return {
        **common(peer, torch.concatenate),
        **torch_reductions(torch),
        **torch_shaping(torch),
        **{name: of_signal(getattr(torch.fft, name)) for name in ("fft", "ifft", "rfft", "irfft")},
        "bce_with_logits": lambda z, y, reduction="mean": F.binary_cross_entropy_with_logits(
            z, y, reduction=reduction
        ),
        "binary_cross_entropy": lambda p, y, reduction="mean": F.binary_cross_entropy(
            p, y, reduction=reduction
        ),
        "cast": lambda x, dtype: x.to(getattr(torch, np.dtype(dtype).name)),
        "conjugate": torch.conj,
        "copy": torch.clone,
        "cross_entropy": entropy,
        "degrees": torch.rad2deg,
        "fabs": torch.abs,
        "fraction": torch.frac,
        "gelu": lambda x: F.gelu(x, approximate="tanh"),
        "log_expit": F.logsigmoid,
        "log_softmax": lambda x, axis=-1: torch.log_softmax(x, axis),
        "pinv": lambda a, rcond=None: torch.linalg.pinv(a, rtol=rcond),
        "power": torch.pow,
        "radians": torch.deg2rad,
        "softplus": lambda x: F.softplus(x, threshold=1e3),
        "where": lambda condition, x, y: torch.where(torch.as_tensor(condition), x, y),
    }


def torch_reductions(torch: Any) -> Table:
    """Return PyTorch's reductions, which take one axis or several, and no () for none."""

    def axes_of(x: Any, axis: Any) -> Any:
        if axis == ():
            raise RefusedError("() means all axes in PyTorch")
        return tuple(range(x.ndim)) if axis is None else axis

    def reduction(function: Function) -> Function:
        def reduce(x: Any, axis: Any = None, keepdims: bool = False, **words: Any) -> Any:
            return function(x, dim=axes_of(x, axis), keepdim=keepdims, **words)

        return reduce

    def spread(function: Function) -> Function:
        return lambda x, *args, ddof=0, **words: reduction(function)(
            x, *args, correction=ddof, **words
        )

    def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axes = np.atleast_1d(axes_of(x, axis)) % max(x.ndim, 1)
        for one in sorted(axes, reverse=True) if x.ndim else ():
            x = torch.prod(x, dim=int(one), keepdim=keepdims)
        return x

    return {
        **{name: reduction(getattr(torch, name)) for name in ("sum", "mean", "logsumexp")},
        **{name: spread(getattr(torch, name)) for name in ("var", "std")},
        "cumsum": lambda x, axis=None: (
            torch.cumsum(x.flatten(), 0) if axis is None else torch.cumsum(x, axis)
        ),
        "max": reduction(torch.amax),
        "min": reduction(torch.amin),
        "prod": prod,
    }


def torch_shaping(torch: Any) -> Table:
    """Return what moves, picks and bounds elements in PyTorch."""

    def clip(x: Any, *bounds: Any, **rest: Any) -> Any:
        both = (*bounds, *[rest.get(k) for k in ("min", "max")][len(bounds) :])
        limits = [b if b is None else torch.as_tensor(b, dtype=x.dtype) for b in both]
        return torch.clip(x, *limits)

    def scatter(ct: Any, shape: Any, index: Any) -> Any:
        where = [torch.as_tensor(np.asarray(i)) for i in index]
        return torch.zeros(shape, dtype=ct.dtype).index_put(where, ct, accumulate=True)

    def assigned(x: Any, value: Any, index: Any) -> Any:
        out = x.clone()
        out[index] = value
        return out

    return {
        "assigned": assigned,
        "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
        "clip": clip,
        "diagonal": lambda x, offset=0, axis1=0, axis2=1: torch.diagonal(x, offset, axis1, axis2),
        "getitem": lambda x, index: x[index],
        "reshape": lambda x, shape: x.reshape(shape),
        "roll": lambda x, shift, axis=None: torch.roll(x, shift, axis),
        "scatter": scatter,
        "summed_to": lambda x, shape: x.sum_to_size(shape),
        "transpose": lambda x, axes=None: torch.permute(x, axes or tuple(range(x.ndim))[::-1]),
    }


def of_signal(function: Function) -> Function:
    return lambda x, n=None, axis=-1, norm=None: function(x, n, axis, norm)


def renamed(function: Function) -> Function:
    """Return a function of PyTorch's that takes NumPy's words for its arguments."""

    def run(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{WORDS.get(k, k): v for k, v in kwargs.items()})

    return run


def widened(peer: Jax | Torch, function: Function) -> Function:
    """Return a special function whose parameters are no float32, in which JAX would compute."""

    def run(*args: Any) -> Any:
        return function(
            *[double(x) if getattr(x, "dtype", None) == np.float32 else x for x in args]
        )

    def double(x: Any) -> Any:
        wide = np.asarray(x, np.float64)
        return peer.torch.as_tensor(wide) if isinstance(peer, Torch) else wide

    return run


def counterpart(peer: Jax | Torch, table: Table, rule: Rule | Composition) -> Function | None:
    """Return the library's function for a row of the table, or None."""
    if rule.name in table:
        return table[rule.name]
    found = named(peer, rule.function)
    if found is None:
        return None
    if home_of(rule.function) == "scipy.special":
        return widened(peer, found)
    return renamed(found) if isinstance(peer, Torch) else found
