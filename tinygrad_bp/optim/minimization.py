"""Minima by SciPy's methods: it is given exact gradients and products with the Hessian."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.containers import flatten, flatten_like, places
from tinygrad_bp.engine.modes import enable_grad
from tinygrad_bp.engine.tensor import Tensor, tensor, unwrap
from tinygrad_bp.errors import DTypeError, ShapeError
from tinygrad_bp.nn import Module
from tinygrad_bp.transforms import gradients

# What the methods of scipy.optimize.minimize take, by their documentation.
WITHOUT_GRADIENT = {"nelder-mead", "powell", "cobyla", "cobyqa"}
WITH_PRODUCTS = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}
WITH_HESSIAN = {"dogleg", "trust-exact"}


@dataclass(frozen=True)
class Minimum:
    """What `minimize` found.

    Attributes
    ----------
    x : array, or container of arrays
        The parameters at the minimum, nested as those that were given; the module, if one was.
    fun : float
        The loss there.
    gradient : array, or container of arrays
        The gradient there; of a module a list in the order of its parameters.
    success : bool
        Whether the method says that it has arrived.
    message : str
        Why it ended, in SciPy's words.
    steps, evaluations : int
        Of the method, and of the loss.
    result : scipy.optimize.OptimizeResult
        All that SciPy tells, about the parameters as one vector.
    """

    x: Any
    fun: float
    gradient: Any
    success: bool
    message: str
    steps: int
    evaluations: int
    result: Any


@answers
def minimize(
    loss: Callable[[Any], Any],
    parameters: Any,
    method: str = "L-BFGS-B",
    *,
    bounds: tuple[Any, Any] | None = None,
    tol: float | None = None,
    options: dict[str, Any] | None = None,
    callback: Callable[[Any], Any] | None = None,
) -> Minimum:
    """Minimise a loss by a method of `scipy.optimize.minimize`; needs the extra ``[scipy]``.

    Parameters
    ----------
    loss : callable
        Takes what `parameters` is, with Tensors in it, and returns one real number.
    parameters : array, nested dict, list or tuple of arrays, or Module
        Where to begin.  Arrays are left as they are; the parameters of a module are moved, to the
        best that was found.
    method : str, default "L-BFGS-B"
        SciPy's name.  Gradients are exact; Newton-CG, trust-ncg, trust-krylov and trust-constr are
        given products of the Hessian with a vector, dogleg and trust-exact the Hessian.
    bounds : (low, high), optional
        Each None, a number for all parameters, or nested like `parameters`, with numbers and
        arrays in it; for methods that take bounds.
    tol : float, optional
        When to end; SciPy's default for the method if not given.
    options : dict, optional
        Of the method, as in SciPy: ``{"maxiter": 100}``.
    callback : callable, optional
        Called with the parameters after each step, nested as they were given.

    Returns
    -------
    Minimum

    Raises
    ------
    DTypeError
        If a parameter is no real floating-point number.
    ShapeError
        If the loss is not one number, or a bound does not fit its parameter.

    Notes
    -----
    L-BFGS-B: Byrd, Lu, Nocedal & Zhu (1995), "A limited memory algorithm for bound constrained
    optimization".  A product with the Hessian is the gradient of the inner product of gradient and
    vector (Pearlmutter 1994), recorded once for each point.

    Examples
    --------
    >>> import tinygrad_bp as tg
    >>> found = tg.optim.minimize(lambda p: (p["a"] - 1.0) ** 2 + p["b"] ** 4, {"a": 0.0, "b": 1.0})
    >>> found.success, round(float(found.x["a"]), 3)
    (True, 1.0)
    """
    try:
        from scipy import optimize
    except ImportError as error:
        raise ImportError(
            "minimize needs SciPy: install the extra, as in pip install 'tinygrad-bp[scipy]'"
        ) from error
    problem = _Problem(loss, parameters)
    known = problem.functions(method.lower())
    if bounds is not None:
        known["bounds"] = optimize.Bounds(*problem.bounds(bounds))
    if callback is not None:
        known["callback"] = lambda x, *_: callback(problem.shown(x))
    result = optimize.minimize(
        x0=problem.start, method=method, tol=tol, options=options or {}, **known
    )
    fun, slope = problem.loss_and_gradient(result.x)
    return Minimum(
        x=problem.shown(result.x),
        fun=fun,
        gradient=problem.nested(slope),
        success=bool(result.success),
        message=str(result.message),
        steps=int(result.get("nit", 0)),
        evaluations=int(result.nfev),
        result=result,
    )


class _Problem:
    """A loss of nested parameters as one of a vector of float64."""

    def __init__(self, loss: Callable[[Any], Any], parameters: Any) -> None:
        self._loss, self._given = loss, parameters
        self._module = parameters if isinstance(parameters, Module) else None
        tree = parameters if self._module is None else self._module.parameters()
        leaves, self.nested_values = flatten(tree)
        self._arrays = [np.asarray(unwrap(leaf)) for leaf in leaves]
        for place, array in zip(places(tree), self._arrays, strict=True):
            if array.dtype.kind != "f":
                raise DTypeError(
                    f"minimize: parameters{place} is {array.dtype}; expected real floating-point"
                    " numbers"
                )
        self._tree = tree
        self.start = self._joined(self._arrays)
        self._recorded: tuple[bytes, list[Tensor], list[Tensor]] | None = None

    def functions(self, method: str) -> dict[str, Any]:
        """Return what a method is to be given."""
        if method in WITHOUT_GRADIENT:
            return {"fun": lambda x: self.loss_and_gradient(x)[0]}
        known: dict[str, Any] = {"fun": self.loss_and_gradient, "jac": True}
        if method in WITH_PRODUCTS:
            known["hessp"] = self.hessian_product
        elif method in WITH_HESSIAN:
            known["hess"] = self.hessian
        return known

    def loss_and_gradient(self, x: Any) -> tuple[float, Any]:
        value, leaves = self._evaluated(x)
        return float(value.item()), self._joined(map(unwrap, gradients(value, leaves)))

    def hessian_product(self, x: Any, vector: Any) -> Any:
        """Return the product of the Hessian at `x` with `vector`."""
        if self._recorded is None or self._recorded[0] != x.tobytes():
            value, leaves = self._evaluated(x)
            slopes = gradients(value, leaves, create_graph=True)
            self._recorded = x.tobytes(), leaves, slopes
        _, leaves, slopes = self._recorded
        # what the loss is linear in has a gradient that depends on nothing
        moving = [
            (s, v) for s, v in zip(slopes, self._parts(vector), strict=True) if s.requires_grad
        ]
        if not moving:
            return np.zeros_like(self.start)
        roots, cotangents = map(list, zip(*moving, strict=True))
        return self._joined(map(unwrap, gradients(roots, leaves, cotangents)))

    def hessian(self, x: Any) -> Any:
        unit = np.eye(len(self.start))
        return np.stack([self.hessian_product(x, row) for row in unit])

    def bounds(self, bounds: tuple[Any, Any]) -> list[Any]:
        """Return both bounds as vectors."""
        if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
            raise ShapeError(f"minimize: bounds={bounds!r:.80}; expected a pair (low, high)")
        return [
            self._bound(bound, missing)
            for bound, missing in zip(bounds, (-math.inf, math.inf), strict=True)
        ]

    def _bound(self, bound: Any, missing: float) -> Any:
        if bound is None or np.isscalar(bound):
            parts = [bound] * len(self._arrays)
        else:
            parts = flatten_like(bound, self._tree, "minimize: bounds", ShapeError)
        filled = [missing if part is None else unwrap(part) for part in parts]
        try:
            fitted = [
                np.broadcast_to(part, array.shape)
                for part, array in zip(filled, self._arrays, strict=True)
            ]
        except ValueError as error:
            raise ShapeError(f"minimize: a bound does not fit its parameter: {error}") from error
        return self._joined(fitted)

    def nested(self, x: Any) -> Any:
        """Return a vector as arrays, nested like the parameters."""
        return self.nested_values(self._parts(x))

    def shown(self, x: Any) -> Any:
        """Return the parameters at `x` in the form in which they were given."""
        if self._module is None:
            return self.nested(x)
        assign(self._module.parameters(), self._parts(x))
        return self._module

    def _evaluated(self, x: Any) -> tuple[Any, list[Tensor]]:
        """Return the loss at `x`, recorded, and the leaves it depends on."""
        with enable_grad():
            if self._module is None:
                leaves = [tensor(part, requires_grad=True) for part in self._parts(x)]
                value = self._loss(self.nested_values(leaves))
            else:
                leaves = self._module.parameters()
                assign(leaves, self._parts(x))
                value = self._loss(self._module)
        if not isinstance(value, Tensor) or value.size != 1 or not value.requires_grad:
            raise ShapeError(
                f"minimize: the loss is {value!r:.80}; expected one number that depends on the"
                " parameters, as a Tensor"
            )
        return value.reshape(()) if value.ndim else value, leaves

    def _joined(self, arrays: Any) -> Any:
        parts = [np.asarray(array, float).ravel() for array in arrays]
        return np.concatenate(parts) if parts else np.empty(0)

    def _parts(self, x: Any) -> list[Any]:
        ends = np.cumsum([array.size for array in self._arrays])
        pieces: Sequence[Any] = np.split(np.asarray(x), ends[:-1])
        return [
            piece.reshape(array.shape).astype(array.dtype)
            for piece, array in zip(pieces, self._arrays, strict=True)
        ]
