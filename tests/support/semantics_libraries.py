"""The three libraries whose answers to awkward cases are compared: one way to ask each of them.

An expression is evaluated with the library under its usual name: ``np`` is NumPy for ours and
`jax.numpy` for JAX, ``torch`` and ``F`` are PyTorch.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn

Arrays = Sequence[Any]
NUMBERS = {"inf": np.inf, "nan": np.nan}
LETTERS = "xyz"


def expression(code: str, namespace: dict[str, Any], arity: int) -> Callable[..., Any]:
    """Return the function of x, y, ... that `code` is."""
    found: Callable[..., Any] = eval(  # noqa: S307  # the table's own code
        f"lambda {', '.join(LETTERS[:arity])}: {code}", {**NUMBERS, **namespace}
    )
    return found


class Library:
    """How to make leaves, to differentiate and to read results; the base class is tinygrad_bp's."""

    name = "tinygrad_bp"

    @property
    def namespace(self) -> dict[str, Any]:
        """Names that an expression may use."""
        return {"np": np, "tg": tg, "nn": nn, "scipy": self.scipy}

    @property
    def scipy(self) -> Any:
        try:
            import scipy.special
        except ImportError:
            return None
        return scipy

    def leaf(self, data: Any) -> Any:
        """Return a differentiable array of the library."""
        return tg.tensor(data, requires_grad=True)

    def constant(self, data: Any) -> Any:
        """Return an array of the library that is not differentiated."""
        return np.asarray(data)

    def plain(self, value: Any) -> Any:
        """Return a NumPy array of a result."""
        return value.numpy() if isinstance(value, tg.Tensor) else value

    def value(self, f: Callable[..., Any], arrays: Arrays) -> Any:
        """Return what `f` gives on leaves."""
        return self.plain(f(*map(self.leaf, arrays)))

    def gradients(self, f: Callable[..., Any], arrays: Arrays, ct: Any = None) -> list[Any]:
        """Return the cotangents of the arrays; that of the result is ones by default."""
        leaves = [self.leaf(x) for x in arrays]
        value = f(*leaves)
        seed = np.ones(value.shape, value.dtype) if ct is None else np.asarray(ct)
        return [part.numpy() for part in tg.gradients(value, leaves, seed)]

    def gradient(self, f: Callable[..., Any], arrays: Arrays) -> Any:
        """Return the gradient of a scalar function in its first argument."""
        return tg.grad(f)(*arrays)


class Torch(Library):
    name = "PyTorch"

    @property
    def torch(self) -> Any:
        return extra("torch")

    @property
    def namespace(self) -> dict[str, Any]:
        return {"torch": self.torch, "F": self.torch.nn.functional}

    def leaf(self, data: Any) -> Any:
        return self.torch.tensor(data, requires_grad=True)

    def constant(self, data: Any) -> Any:
        return self.torch.from_numpy(data)

    def plain(self, value: Any) -> Any:
        return value.detach().numpy() if isinstance(value, self.torch.Tensor) else value

    def gradients(self, f: Callable[..., Any], arrays: Arrays, ct: Any = None) -> list[Any]:
        leaves = [self.leaf(x) for x in arrays]
        value = f(*leaves)
        seed = self.torch.ones_like(value) if ct is None else self.torch.tensor(ct)
        return list(map(self.plain, self.torch.autograd.grad(value, leaves, seed)))

    def gradient(self, f: Callable[..., Any], arrays: Arrays) -> Any:
        return self.plain(self.torch.func.grad(f)(*map(self.torch.tensor, arrays)))


class Jax(Library):
    name = "JAX"

    @property
    def jax(self) -> Any:
        jax = extra("jax")
        jax.config.update("jax_enable_x64", val=True)  # otherwise there is no float64
        return jax

    @property
    def namespace(self) -> dict[str, Any]:
        return {"np": self.jax.numpy, "jax": self.jax}

    def leaf(self, data: Any) -> Any:
        return self.jax.numpy.asarray(data)

    def constant(self, data: Any) -> Any:
        return self.jax.numpy.asarray(data)

    def plain(self, value: Any) -> Any:
        return np.asarray(value) if isinstance(value, self.jax.Array) else value

    def gradients(self, f: Callable[..., Any], arrays: Arrays, ct: Any = None) -> list[Any]:
        value, pull = self.jax.vjp(f, *map(self.leaf, arrays))
        jnp = self.jax.numpy
        seed = jnp.ones_like(value) if ct is None else jnp.asarray(ct, value.dtype)
        return list(map(self.plain, pull(seed)))

    def gradient(self, f: Callable[..., Any], arrays: Arrays) -> Any:
        return self.plain(self.jax.grad(f)(*map(self.leaf, arrays)))


OURS, TORCH, JAX = Library(), Torch(), Jax()
LIBRARIES = (OURS, TORCH, JAX)


# How an answer is written in the page


def written(answer: Any) -> str:
    """Return an answer as a cell shows it: numbers to four digits, an error by its name."""
    if isinstance(answer, BaseException):
        return type(answer).__name__
    if isinstance(answer, list):
        return "; ".join(map(written, answer))
    if answer is None or isinstance(answer, str):
        return str(answer)
    if isinstance(answer, tuple):
        return str(answer)
    array = np.asarray(answer)
    if not array.size:
        return f"empty {array.shape}"
    return _numbers(array)


def _numbers(array: Any) -> str:
    if array.ndim:
        return f"[{', '.join(map(_numbers, array))}]"
    if array.dtype.kind == "c":
        return f"{_number(array.real)}{_number(array.imag, '+')}i"
    return str(operator.index(array)) if array.dtype.kind in "iub" else _number(array)


def _number(value: Any, sign: str = "") -> str:
    return format(float(value) + 0.0, f"{sign}.4g")  # + 0.0: no minus before a zero
