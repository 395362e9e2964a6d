"""PyTorch and JAX as oracles: value, pull and second derivative of a function, by their own rules.

Arrays go in and come out as NumPy's, and a function may give one array or several.  Both libraries
compute in float64.  Pulls are transposes without conjugation, as in tinygrad_bp and JAX; PyTorch's,
which conjugate, are conjugated on the way in and out.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten

Arrays = Sequence[Any]
Function = Callable[..., Any]


class RefusedError(Exception):
    """The library has the function but does not take this call."""


def results(value: Any) -> list[Any]:
    """Return the arrays of real or complex numbers in a result; others have no derivative."""
    if isinstance(value, (list, tuple)):
        return [one for part in value for one in results(part)]
    dtype = getattr(value, "dtype", None)
    floating = getattr(dtype, "is_floating_point", None)  # PyTorch's own dtypes have these
    if floating is None:
        return [value] if dtype is not None and np.dtype(dtype).kind in "fc" else []
    return [value] if floating or dtype.is_complex else []


def several(f: Function) -> Function:
    """Return `f` with a list of its results."""
    return lambda *xs: results(f(*xs))


class Ours:
    """tinygrad_bp, asked in the same way as the others."""

    name = "tinygrad_bp"

    def value(self, f: Function, arrays: Arrays) -> list[Any]:
        """Return what `f` gives on plain arrays."""
        return [np.asarray(one) for one in several(f)(*arrays)]

    def answers(
        self, f: Function, arrays: Arrays, weights: Arrays, e: Arrays, order: int
    ) -> list[list[Any]]:
        """Return value, cotangents for cotangents `weights`, and second derivatives, up to `order`.

        These are the gradient of the real part of ``<pull(weights), e>`` in the weights and arrays.
        """
        value = self.value(f, arrays)
        if order == 0:
            return [value]

        def tensors(*xs: Any) -> list[Any]:
            return [x if isinstance(x, tg.Tensor) else tg.tensor(x) for x in several(f)(*xs)]

        _, back = tg.vjp(tensors, *arrays)
        found = [value, list(back(list(weights)))]
        if order == 2:

            def first(weights: Any, xs: Any) -> Any:
                _, back = tg.vjp(tensors, *xs)
                return np.real(sum(np.sum(p * d) for p, d in zip(back(weights), e, strict=True)))

            found.append(flatten(tg.grad(first, (0, 1))(list(weights), list(arrays)))[0])
        return found


class Jax:
    name = "JAX"

    def __init__(self) -> None:
        self.jax = extra("jax")
        self.jax.config.update("jax_enable_x64", val=True)
        numpy = self.jax.numpy
        self.modules = {
            "numpy": numpy,
            "numpy.linalg": numpy.linalg,
            "numpy.fft": numpy.fft,
            "scipy.special": self.jax.scipy.special,
        }
        self.own = self.jax.nn

    def shapes(self, f: Function, arrays: Arrays) -> list[Any]:
        """Return the shapes of the results; an error of any kind if it does not take the call."""
        return [one.shape for one in self.jax.eval_shape(several(f), *arrays)]

    def refuses(self, error: Exception) -> bool:
        """Return whether the error says that there is no such derivative."""
        # of loops of unknown length; the other one is a fault of JAX's with exp1 and expn
        reasons = ("Reverse-mode differentiation does not work", "No constant handler")
        return isinstance(error, NotImplementedError) or any(one in str(error) for one in reasons)

    def answers(
        self, f: Function, arrays: Arrays, weights: Arrays, e: Arrays, order: int
    ) -> list[list[Any]]:
        """Compile all at once: a third of the time that one primitive after the other takes."""
        jax = self.jax

        def pulled(weights: Any, xs: Any) -> Any:
            value, back = jax.vjp(several(f), *xs)
            cast = [w.astype(v.dtype) for w, v in zip(weights, value, strict=True)]
            return value, back(cast)

        def first(weights: Any, xs: Any) -> Any:
            value, parts = pulled(weights, xs)
            pairs = zip(parts, e, strict=True)
            return sum(jax.numpy.sum(p * d).real for p, d in pairs), (value, parts)

        def all_orders(weights: Any, xs: Any) -> Any:
            if order < 2:
                return pulled(weights, xs) if order else [several(f)(*xs)]
            seconds, found = jax.grad(first, (0, 1), has_aux=True)(weights, xs)
            return *found, [*seconds[0], *seconds[1]]

        given = [list(map(jax.numpy.asarray, one)) for one in (weights, arrays)]
        return [list(map(np.asarray, part)) for part in jax.jit(all_orders)(*given)]


class Torch:
    name = "PyTorch"

    def __init__(self) -> None:
        self.torch = extra("torch")
        self.modules = {
            "numpy": self.torch,
            "numpy.linalg": self.torch.linalg,
            "numpy.fft": self.torch.fft,
            "scipy.special": self.torch.special,
        }
        self.own = self.torch.nn.functional

    def shapes(self, f: Function, arrays: Arrays) -> list[Any]:
        return [tuple(one.shape) for one in several(f)(*map(self.leaf, arrays))]

    def refuses(self, error: Exception) -> bool:
        # the last is a fault of some functions of PyTorch's own, among them cond and vander
        reasons = ("not differentiable", "not implemented", "modified by an inplace operation")
        return isinstance(error, RuntimeError) and any(one in str(error) for one in reasons)

    def leaf(self, x: Any) -> Any:
        return self.torch.tensor(np.asarray(x).copy(), requires_grad=True)

    def answers(
        self, f: Function, arrays: Arrays, weights: Arrays, e: Arrays, order: int
    ) -> list[list[Any]]:
        xs, ws = list(map(self.leaf, arrays)), list(map(self.leaf, weights))
        value = several(f)(*xs)
        found = [value]
        if order:
            pairs = [
                (v, w.to(v.dtype).conj()) for v, w in zip(value, ws, strict=True) if v.requires_grad
            ]
            parts = self._gradients([v for v, _ in pairs], xs, [w for _, w in pairs])
            found.append([part.conj() for part in parts])
        if order == 2:
            pairs = zip(found[1], e, strict=True)
            total = sum((p * self.torch.tensor(np.asarray(d))).sum().real for p, d in pairs)
            parts = self._gradients([total] if total.requires_grad else [], [*ws, *xs])
            found.append([part.conj() for part in parts])
        return [[one.numpy(force=True) for one in part] for part in found]

    def _gradients(self, values: Arrays, xs: Arrays, weights: Arrays | None = None) -> Any:
        if not values:
            return [self.torch.zeros_like(x) for x in xs]
        return self.torch.autograd.grad(
            values, xs, weights, create_graph=True, allow_unused=True, materialize_grads=True
        )


# The same call in another library's words


def named(peer: Jax | Torch, function: Any) -> Any:
    """Return the library's function of the same name in the module of the same meaning, or None."""
    home, name = home_of(function), function.__name__.lstrip("_")  # SciPy's zeta is _zeta
    places = [peer.own] if home == "tinygrad_bp" else [peer.modules.get(home)]
    if home == "scipy.special" and hasattr(np, name):  # exp2, expm1 and others
        places.append(peer.modules["numpy"])
    found = [getattr(place, name, None) for place in places]
    return next((one for one in found if one is not None), None)


def home_of(function: Any) -> str:
    """Return the public module of a function."""
    if isinstance(function, np.ufunc):
        is_numpys = getattr(np, function.__name__, None) is function
        return "numpy" if is_numpys else "scipy.special"
    home = getattr(function, "__module__", None) or "numpy"
    if home.startswith(("scipy.special", "tinygrad_bp.rules.special")):
        return "scipy.special"
    return "tinygrad_bp" if home.startswith("tinygrad_bp") else home


def translated(peer: Jax | Torch, f: Any) -> Any:
    """Return `f` with the library in place of NumPy, wherever its code or closure names that.

    None where the library lacks a function of NumPy's that `f` is.
    """
    if isinstance(f, np.ufunc) or getattr(f, "__module__", "").startswith("numpy"):
        return named(peer, f)
    if isinstance(f, types.ModuleType):
        return peer.modules.get(f.__name__, f)
    if not isinstance(f, types.FunctionType) or not f.__module__.startswith("test_"):
        return f
    names = {*f.__code__.co_names, *_inner_names(f.__code__)}
    known = {k: translated(peer, v) for k, v in f.__globals__.items() if k in names and v is not f}
    cells = tuple(
        types.CellType(translated(peer, cell.cell_contents)) for cell in f.__closure__ or ()
    )
    found = types.FunctionType(f.__code__, known, f.__name__, f.__defaults__, cells)
    found.__kwdefaults__ = f.__kwdefaults__
    return found


def _inner_names(code: types.CodeType) -> set[str]:
    inner = [one for one in code.co_consts if isinstance(one, types.CodeType)]
    return {name for one in inner for name in (*one.co_names, *_inner_names(one))}
