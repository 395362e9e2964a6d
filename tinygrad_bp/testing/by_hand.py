"""Gradients that the user computes: `check_vjp`'s subject."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_bp.engine.containers import flatten_like
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.nn import Module
from tinygrad_bp.testing.analytic import is_analytic
from tinygrad_bp.testing.errors import UncheckableError
from tinygrad_bp.testing.hints import unsummed
from tinygrad_bp.testing.oracles import complex_step, richardson
from tinygrad_bp.testing.subject import (
    Flat,
    Pull,
    Signature,
    Subject,
    real_values,
    real_weight,
    require_unchanged,
)

if TYPE_CHECKING:
    from tinygrad_bp.testing.examination import Examination


def by_hand(
    call: Signature, plain: Callable[[Flat], Any], df: Callable[..., Any], examination: Examination
) -> Subject:
    """Return a function and the gradient that the user has for it.

    Raises
    ------
    UncheckableError
        If df takes no cotangent where one is needed, or returns no such gradients.
    """
    if isinstance(call.f, Module):
        raise UncheckableError(f"{call.name}: check_vjp takes a function, check_grads a Module")
    first = plain(call.point)
    takes = _takes_cotangent(df, len(call.args))
    if not takes and (first.shape != () or first.dtype.kind == "c"):
        raise UncheckableError(
            f"{call.name}: the result has shape {first.shape} and is {first.dtype}, so the gradient"
            f" needs its cotangent: write it as df(ct, {', '.join(['...'] * len(call.args))})"
        )

    values = real_values(plain, call.point)

    def vjp_at(flat: Flat) -> Pull:
        def pull(ct: Any) -> Flat:
            given = [np.array(one) for one in flat]
            arguments = call.arguments([one if one.ndim else one[()] for one in given])
            kept = np.array(ct)
            found = df(kept if kept.ndim else kept[()], *arguments) if takes else df(*arguments)
            require_unchanged(call.name, call.labels, given, flat, examination.refuse)
            require_unchanged(call.name, ["the cotangent"], [kept], [ct], examination.refuse)
            parts = _parts(call, df, found)
            _require_like(call, parts, values, flat, ct, examination)
            return parts if takes else [ct * one for one in parts]

        return pull

    return Subject(call.name, call.labels, call.point, plain, values, vjp_at)


def _takes_cotangent(df: Callable[..., Any], count: int) -> bool:
    try:
        signature = inspect.signature(df)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return True
    parameters = signature.parameters.values()
    if not any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return False
    return next(iter(signature.parameters), "") in {"ct", "cotangent"}


def _parts(call: Signature, df: Any, found: Any) -> Flat:
    """Return the gradients that df gave, in the order of the arguments."""
    like = [call.args[i] for i in call.positions]
    name = getattr(df, "__name__", "df")
    if len(like) == 1:
        nested = isinstance(like[0], (tuple, list))
        alone = isinstance(found, tuple) and len(found) == 1 and not nested
        found = found if alone else (found,)
    parts = flatten_like(found, like, f"{name}: the gradients", UncheckableError)
    for label, one in zip(call.labels, parts, strict=True):
        if one is None:
            raise UncheckableError(
                f"{name}: no gradient of {label}; return zeros, or leave it out by argnums="
            )
    return [np.asarray(unwrap(one)) for one in parts]


def _require_like(
    call: Signature, parts: Flat, values: Any, flat: Flat, ct: Any, examination: Examination
) -> None:
    """Refuse gradients of another shape or dtype than their arguments."""
    for a, (label, part, x) in enumerate(zip(call.labels, parts, flat, strict=True)):
        if part.shape != np.shape(x):
            expected = _gradient(values, flat, a, ct)
            hint = unsummed(part, expected)
            examination.refuse(
                f"{call.name}: the gradient of {label} has shape {part.shape}, the argument"
                f" {np.shape(x)}\n  hint       {hint}",
                argument=label,
                hints=(hint,),
            )
        if part.dtype != np.result_type(x):
            examination.refuse(
                f"{call.name}: the gradient of {label} is {part.dtype}, the argument"
                f" {np.result_type(x)}",
                argument=label,
                hints=(f"dtype {part.dtype}",),
            )


def _gradient(values: Any, flat: Flat, a: int, ct: Any) -> Any:
    """Return one gradient by the oracle alone; for a message."""
    oracle = complex_step if is_analytic(values, flat, np.random.default_rng(0)) else richardson
    w = real_weight(np.asarray(ct))
    found = np.zeros(np.shape(flat[a]))
    for i in range(found.size):
        parts: Flat = [None] * len(flat)
        parts[a] = np.zeros(found.shape)
        parts[a].flat[i] = 1.0
        slope = oracle(lambda *xs: np.sum(values(list(xs)) * w), flat, parts)
        found.flat[i] = slope.value
    return found
