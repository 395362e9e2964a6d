"""What is checked: a function of several arrays with one result, however the user has it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.engine.containers import flatten, places
from tinygrad_bp.engine.tensor import SCALARS, Tensor, unwrap, wrap
from tinygrad_bp.errors import TinygradError
from tinygrad_bp.nn import Module
from tinygrad_bp.testing.errors import UncheckableError, UncheckablePointError
from tinygrad_bp.testing.parameters import with_parameters

Flat = list[Any]
Values = Callable[[Flat], Any]
Pull = Callable[[Any], Flat]


@dataclass
class Subject:
    """A function of a flat list of arrays, and the derivatives that are checked.

    Attributes
    ----------
    name : str
        Of the function, for messages.
    labels : list of str
        What each array is called.
    point : list of array
        Where to check, float64 or complex128.
    result : callable
        The function on raw arrays.
    values : callable
        The same, as the oracle asks it: a complex result is given as its real and its imaginary
        part.
    vjp : callable
        ``vjp(flat)`` returns the map from a cotangent to the gradients of the arrays.
    jvp : callable or None
        ``jvp(flat, tangents)`` returns the tangent of the result.
    record : callable or None
        The function of separate arguments that runs on Tensors; None if the engine has no part.
    hidden : float
        The rounding of what this is a derivative of: a slope may be off by that.
    """

    name: str
    labels: list[str]
    point: Flat
    result: Values
    values: Values
    vjp: Callable[[Flat], Pull]
    jvp: Callable[[Flat, Flat], Any] | None = None
    record: Callable[..., Any] | None = None
    hidden: float = 0.0

    def is_finite(self, point: Flat) -> bool:
        """Whether the function can be called at a point, and is finite there."""
        try:
            return bool(np.all(np.isfinite(self.result(point))))
        except Exception:  # noqa: BLE001  # out of its domain the user's function may raise
            return False


@dataclass
class Signature:
    """How a flat list of arrays becomes the arguments of a call."""

    name: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    labels: list[str]
    point: Flat
    rebuild: Callable[[Sequence[Any]], list[Any]]
    positions: tuple[int, ...]
    narrow: list[Any]  # the dtypes that the arguments came in
    parameters: list[Tensor]
    symmetric: set[int] = field(default_factory=set)  # those that move as symmetric matrices do

    def __call__(self, *flat: Any) -> Any:
        """Call the function with `flat` in place of the arrays."""
        flat = tuple(
            _mirrored(x, self.point[i]) if i in self.symmetric else x for i, x in enumerate(flat)
        )
        count = len(self.parameters)
        f = with_parameters(self.f, self.parameters, flat[:count]) if count else self.f
        return f(*self.arguments(flat))

    def arguments(self, flat: Sequence[Any]) -> list[Any]:
        """Return the arguments with `flat` in place of the arrays."""
        arguments = list(self.args)
        rebuilt = self.rebuild(flat[len(self.parameters) :])
        for i, one in zip(self.positions, rebuilt, strict=True):
            arguments[i] = one
        return arguments


def _mirrored(x: Any, start: Any) -> Any:
    """Return the matrix that has moved from `start` by the Hermitian part of how `x` has."""
    apart = x - start
    other = np.swapaxes(apart, -1, -2)
    return start + 0.5 * (apart + (np.conjugate(other) if np.iscomplexobj(start) else other))


def signature(
    f: Callable[..., Any], args: tuple[Any, ...], argnums: Sequence[int] | int | None
) -> Signature:
    """Return how `f` is called, refusing what cannot be checked.

    Raises
    ------
    UncheckableError
        If an argument is not floating, or there is no such argument.
    """
    name = name_of(f)
    if not callable(f):
        raise UncheckableError(f"check: expected a function, got {type(f).__name__}")
    if argnums is None:
        positions = tuple(range(len(args)))
    else:
        positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        beyond = [i for i in positions if not -len(args) <= i < len(args)]
        if beyond:
            raise UncheckableError(
                f"{name}: argnums names argument {beyond[0]}, {len(args)} are given"
            )
    parameters = f.parameters() if isinstance(f, Module) else []
    flat, rebuild = flatten([args[i] for i in positions])
    named = f.named_parameters() if isinstance(f, Module) else ()
    labels = [f"parameter {one!r}" for one, _ in named]
    names = _argument_names(f, len(args))
    for i in positions:
        labels += [f"argument {i}{names[i]}{place}" for place in places(args[i])]
    found = [*parameters, *flat]
    if not found:
        raise UncheckableError(f"{name}: nothing to differentiate by; give arguments")
    point = [_floating(name, label, one) for label, one in zip(labels, found, strict=True)]
    narrow = [one.dtype for one in point]
    wide = [one.astype(np.result_type(one.dtype, np.float64))[()] for one in point]
    return Signature(name, f, args, labels, wide, rebuild, positions, narrow, parameters)


def name_of(f: Any) -> str:
    """Return what a function is called in messages."""
    while isinstance(f, functools.partial):
        f = f.func
    name = getattr(f, "__qualname__", None) or getattr(f, "__name__", None)
    return str(name or type(f).__name__).rpartition("<locals>.")[2]


def _argument_names(f: Any, count: int) -> list[str]:
    """Return the names of positional arguments, quoted after a blank; empty where unknown."""
    call = f.forward if isinstance(f, Module) else f
    call = getattr(call, "__wrapped__", call)
    code = getattr(getattr(call, "__func__", call), "__code__", None)
    names: list[str] = []
    if code is not None:
        names = list(code.co_varnames[: code.co_argcount])
        names = names[1:] if hasattr(call, "__func__") else names
    return [f" {one!r}" for one in names[:count]] + [""] * (count - len(names))


def _floating(name: str, label: str, value: Any) -> Any:
    array = np.array(unwrap(value))
    if array.dtype.kind not in "fc":
        hint = "write 2.0, not 2" if type(value) in SCALARS else "use .astype(float)"
        raise UncheckableError(
            f"{name}: {label} is {array.dtype}, and a derivative needs a floating value; {hint}, or"
            " name the arguments to differentiate by: argnums=(0,)"
        )
    if np.finfo(array.dtype).bits not in (32, 64):
        raise UncheckableError(
            f"{name}: {label} is {array.dtype}; checks are made in float64 (float32 is compared"
            " with it): pass .astype(float)"
        )
    if not np.all(np.isfinite(array)):
        raise UncheckableError(f"{name}: {label} holds what is not finite")
    return array


def plain_caller(call: Signature, refuse: Callable[[str], Any]) -> Callable[[Flat], Any]:
    """Return the function on raw arrays, or on untracked Tensors if it takes no arrays.

    `refuse` raises the report of a function that changes its arguments in place.

    Raises
    ------
    UncheckableError
        If it raises either way, gives another result each time, or no single floating result.
    """

    def run(flat: Flat) -> Any:
        return _single(call.name, call(*[np.array(one)[()] for one in flat]))

    def run_wrapped(flat: Flat) -> Any:
        return _single(call.name, call(*[wrap(np.array(one)[()]) for one in flat]))

    try:
        first = run(call.point)
        chosen = run
    except UncheckableError:
        raise
    except Exception as error:  # noqa: BLE001  # the user's function may raise anything
        try:
            first = run_wrapped(call.point)
        except UncheckableError:
            raise
        except Exception:  # noqa: BLE001  # the user's function may raise anything
            raise UncheckablePointError(
                f"{call.name}: the function raises at the arguments:"
                f" {type(error).__name__}: {error}"
            ) from error
        chosen = run_wrapped
    _require_checkable(call.name, first, chosen(call.point))
    if chosen is run:
        given = [np.array(one) for one in call.point]
        call(*given)
        require_unchanged(call.name, call.labels, given, call.point, refuse)
    return chosen


def require_unchanged(
    name: str, labels: list[str], given: Flat, before: Flat, refuse: Callable[[str], Any]
) -> None:
    """Refuse a function that changed an array which it was given."""
    for label, one, old in zip(labels, given, before, strict=True):
        if not np.array_equal(one, old):
            refuse(f"{name}: it changes {label} in place; it must work on a copy")


def _single(name: str, result: Any) -> Any:
    if result is None:
        raise UncheckableError(f"{name}: the function returned None; does it lack a return?")
    if isinstance(result, (tuple, list, dict)):
        first = next(iter(result), "name") if isinstance(result, dict) else 0
        raise UncheckableError(
            f"{name}: the function returned a {type(result).__name__} of {len(result)} outputs;"
            f" check them one by one: lambda *args: f(*args)[{first!r:.60}]"
        )
    return np.array(unwrap(result))


def _require_checkable(name: str, first: Any, second: Any) -> None:
    if first.dtype.kind not in "fc":
        raise UncheckableError(
            f"{name}: the function returned {first.dtype}, which has no derivative"
        )
    if not np.all(np.isfinite(first)):
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(first))[0])
        raise UncheckablePointError(
            f"{name}: the result is {first[index]} at index {index}: there is no derivative to"
            " check; choose arguments inside the domain"
        )
    size = np.max(np.abs(first), initial=0.0)
    if first.shape != second.shape or not np.all(np.abs(first - second) <= 1e-12 * size):
        raise UncheckableError(
            f"{name}: a random function: two calls with the same arguments gave different results;"
            " make its generator inside, from a fixed seed"
        )


def real_values(plain: Callable[[Flat], Any], point: Flat) -> Values:
    """Return a function whose results are real; a complex step still may make them complex."""
    if np.iscomplexobj(plain(point)):
        return lambda flat: as_real(plain(flat))
    return plain


def as_real(value: Any) -> Any:
    """Return a result as real numbers: the parts of a complex one, stacked."""
    return np.stack([value.real, value.imag]) if np.iscomplexobj(value) else value


def real_weight(weight: Any) -> Any:
    """Return the weights of the real numbers of a result for a cotangent of the result."""
    return np.stack([weight.real, -weight.imag]) if np.iscomplexobj(weight) else weight


def advised(error: TinygradError) -> TinygradError:
    """Add to an error of the engine what a check can do without."""
    error.add_note(
        "check_grads: order=1 asks for no second derivative, modes=('vjp',) for no forward mode"
    )
    return error
