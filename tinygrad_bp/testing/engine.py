"""The derivatives that the engine gives, as subjects of a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import LEAF, Node, ancestors
from tinygrad_bp.engine.push import push_forward
from tinygrad_bp.engine.tensor import Tensor, tensor, unwrap
from tinygrad_bp.errors import TinygradError
from tinygrad_bp.rules.linalg.matrices import adjoint, hermitian
from tinygrad_bp.testing.directions import direction
from tinygrad_bp.testing.kinks import HIDDEN
from tinygrad_bp.testing.oracles import complex_step, pairing
from tinygrad_bp.testing.subject import (
    Flat,
    Pull,
    Signature,
    Subject,
    Values,
    advised,
    as_real,
    real_values,
    real_weight,
)
from tinygrad_bp.transforms import grad, jvp, vjp


def symmetric_arguments(call: Signature) -> set[int]:
    """Return which arrays have to move symmetrically, since one triangle is read of what they make.

    Such are those of which a function makes a matrix that is symmetric (Hermitian) as long as they
    are: ``a``, ``a + eps * np.eye(n)``, ``a @ a``.
    """
    square = [i for i, x in enumerate(call.point) if x.ndim >= 2 and x.shape[-1] == x.shape[-2]]
    if not square:
        return set()
    leaves = [tensor(one, requires_grad=True) for one in call.point]
    try:
        out = call(*leaves)
    except Exception:  # noqa: BLE001  # the user's function may raise anything; the check says so
        return set()
    nodes = ancestors(out.node) if isinstance(out, Tensor) and out.node else ()
    read = [one for node in nodes if _reads_one_triangle(node) for one in node.parents if one]
    places = {i: leaves[i].node for i in square} if read else {}
    return {i for i, one in places.items() if one and _moves_symmetrically(one, read)}


def _reads_one_triangle(node: Node) -> bool:
    if node.rule is LEAF or not node.rule.trial.symmetric or node.saved is None:
        return False
    asks = node.rule.trial.symmetric
    return asks is True or bool(asks(*node.saved[1 + len(node.parents) :]))


def _moves_symmetrically(leaf: Node, read: list[Node]) -> bool:
    """Whether symmetric moves of a matrix keep symmetric what is read, and others do not."""
    move = np.random.default_rng(0).normal(size=leaf.shape).astype(leaf.dtype)
    for t, expected in ((move, False), (hermitian(move), True)):
        try:
            moved = push_forward(read, {leaf: t}).values()
        except TinygradError:  # a user's function without a push
            return False
        if all(np.allclose(one, adjoint(one), rtol=1e-7, atol=1e-10) for one in moved) != expected:
            return False
    return True


def recorded(call: Signature, plain: Callable[[Flat], Any]) -> Subject:
    """Return what the engine makes of a function, to first order."""
    return _subject(call.name, call.labels, call.point, call, plain)


def _subject(
    name: str, labels: list[str], point: Flat, f: Callable[..., Any], result: Values
) -> Subject:
    values = real_values(result, point)

    def vjp_at(flat: Flat) -> Pull:
        try:
            _, pull = vjp(f, *flat)
        except TinygradError as error:
            raise advised(error) from None
        return lambda ct: [np.asarray(unwrap(one)) for one in pull(ct)]

    def jvp_at(flat: Flat, tangents: Flat) -> Any:
        try:
            _, tangent = jvp(f, tuple(flat), tuple(tangents))
        except TinygradError as error:
            raise advised(error) from None
        return as_real(np.asarray(unwrap(tangent)))

    return Subject(name, labels, point, result, values, vjp_at, jvp_at, f)


def gradient_of(subject: Subject, weight: Any, *, analytic: bool, rng: Any) -> Subject:
    """Return the function ``<gradient of <weight, f>, e>`` for random e: what second order checks.

    Its arguments are those of f and the weight.  What the oracle computes of it needs no rule where
    f is analytic, and the first-order pulls elsewhere.
    """
    f: Any = subject.record
    count = len(subject.point)
    e = [direction(one, rng) for one in subject.point]

    def psi(*flat: Any) -> Any:
        _, pull = vjp(f, *flat[:count])
        total = sum(np.sum(one * d) for one, d in zip(pull(flat[count]), e, strict=True))
        return np.real(total) if np.result_type(total).kind == "c" else total

    def psi_of_slopes(flat: Flat) -> Any:
        slope = complex_step(lambda *xs: subject.values(list(xs)), flat[:count], e)
        return np.sum(slope.value * flat[count])

    def psi_of_pulls(flat: Flat) -> Any:
        return np.real(pairing(subject.vjp(flat[:count])(flat[count]), e))

    labels = [*subject.labels, "cotangent"]
    point = [*subject.point, weight]
    name = f"gradient of {subject.name}"
    new = _subject(name, labels, point, psi, psi_of_slopes if analytic else psi_of_pulls)
    terms = np.abs(real_weight(weight) * subject.values(subject.point))
    new.hidden = max(subject.hidden, HIDDEN * float(np.sum(terms)))
    return new


def slopes_in_gradient(call: Callable[..., Any], flat: Flat) -> Flat:
    """Return the gradients of the sum of a function's result, as they come."""
    found = grad(lambda *xs: np.sum(np.real(call(*xs))), range(len(flat)))(*flat)
    return [np.asarray(unwrap(one)) for one in found]
