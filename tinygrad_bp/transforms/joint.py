"""Functions outside of the rule table, with one rule for all their arguments and results together.

A rule of the table has a pull for each argument.  Where the cotangents of all arguments come from
one computation (a user's rule, a function that is run again), the arguments are first packed into
one value, a `Bundle`: a node whose parents are the arguments.  The function's own node has that one
parent.  Several results are a `Bundle` too, and each is picked from it by a node of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.nodes import Node, node_of
from tinygrad_bp.engine.rule import Rule
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import Tensor, wrap


class Bundle:
    """Several arrays as the value, tangent or cotangent of one node.

    Attributes
    ----------
    parts : sequence
        Arrays or Tensors.  None stands for zeros; a node, or None for a result, for a value that
        nobody reads.
    """

    __slots__ = ("parts",)

    shape: Shape = ()
    dtype = np.dtype(object)

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts

    def __add__(self, other: Bundle) -> Bundle:
        return Bundle(
            [
                b if a is None else a if b is None else a + b
                for a, b in zip(self.parts, other.parts, strict=True)
            ]
        )


class Joint(Protocol):
    """One call of such a function: what its node keeps beside arguments and results."""

    def pull(self, cts: list[Any], outs: list[Any], args: list[Any]) -> list[Any]:
        """Return a cotangent for each argument; a cotangent is None where it is zero."""

    def push(self, ts: list[Any], outs: list[Any], args: list[Any]) -> list[Any]:
        """Return a tangent for each result; a tangent is None where it is zero."""


class Unlisted(Rule):
    """A rule that is not in the table; pickled by the call that makes it again."""

    __slots__ = ("made_by",)

    made_by: tuple[Callable[..., Any], tuple[Any, ...]]

    def __reduce__(self) -> tuple[Any, ...]:
        return self.made_by


def joint_rule(
    name: str, function: Any, made_by: tuple[Callable[..., Any], tuple[Any, ...]]
) -> Unlisted:
    """Return the rule of a function whose nodes keep a `Joint` as their one parameter."""

    def pull(ct: Cotangent, out: Array, x: Array, call: Joint) -> Array:
        return _bundled(call.pull(_moves(ct), _results(out), _arguments(x)))

    def push(tangents: Any, out: Array, x: Array, call: Joint) -> Array:
        return _bundled(call.push(_moves(tangents[0]), _results(out), _arguments(x)))

    return _unlisted(name, function, (pull,), push, made_by)


def _unlisted(
    name: str,
    function: Any,
    pulls: tuple[Any, ...],
    push: Callable[..., Any],
    made_by: tuple[Callable[..., Any], tuple[Any, ...]],
) -> Unlisted:
    rule = Unlisted(name, function, function, pulls, "general", push=push)
    rule.made_by = made_by
    return rule


def record(
    rule: Rule,
    call: Joint,
    parents: Sequence[Node],
    args: Sequence[Any],
    outs: Sequence[Any],
    *,
    keep_outs: bool = True,
) -> list[Tensor]:
    """Return the results of one call at their places in the graph.

    Parameters
    ----------
    rule : Rule
        From `joint_rule`.
    call : Joint
    parents : sequence of Node
        Where each argument stands in the graph.
    args : sequence
        Its value; the parent again where the call does not read it.
    outs : sequence
        The values of the results.
    keep_outs : bool
        Whether the call reads them.
    """
    source = parents[0] if len(parents) == 1 else _packed(parents)
    x = args[0] if len(args) == 1 else Bundle(args)
    if len(outs) == 1:
        (out,) = outs
        saved = (out if keep_outs else None, x, call)
        return [wrap(out, node_of(rule, (source,), saved, out.shape, out.dtype))]
    saved = (Bundle(outs if keep_outs else [None] * len(outs)), x, call)
    node = node_of(rule, (source,), saved, Bundle.shape, Bundle.dtype)
    return [wrap(out, _picked(node, i, len(outs), out)) for i, out in enumerate(outs)]


def _arguments(x: Array) -> list[Any]:
    """Return the arguments that a node keeps: arrays, Tensors where the walk records, or nodes."""
    if type(x) is not Tensor or type(x._value) is not Bundle:
        return list(x.parts) if type(x) is Bundle else [x]
    parents: Any = x._node.parents  # type: ignore[union-attr]  # a Tensor of a walk that records
    return [
        parent if isinstance(part, Node) else wrap(part, parent)
        for part, parent in zip(x._value.parts, parents, strict=True)
    ]


def _results(out: Array) -> list[Any]:
    """Return the results that a node keeps: arrays, Tensors where the walk records, or None."""
    if type(out) is not Tensor or type(out._value) is not Bundle:
        return list(out.parts) if type(out) is Bundle else [out]
    node: Any = out._node
    parts = out._value.parts
    return [
        None if part is None else wrap(part, _picked(node, i, len(parts), part))
        for i, part in enumerate(parts)
    ]


def _moves(ct: Cotangent) -> list[Any]:
    """Return the tangents or cotangents in a bundle, or the only one."""
    return list(ct.parts) if type(ct) is Bundle else [ct]


def _bundled(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else Bundle(parts)


# The arguments as one value.


def _packed(parents: Sequence[Node]) -> Node:
    """Return a node for the bundle of the values at `parents`; it keeps none of them."""
    rule = _pack(len(parents))
    return node_of(rule, tuple(parents), (None, *parents), Bundle.shape, Bundle.dtype)


@functools.cache
def _pack(count: int) -> Unlisted:
    """Return the rule that packs so many arguments."""
    pulls = tuple(_unpack(i) for i in range(count))

    def push(tangents: Any, _out: Array, *_arguments: Any) -> Array:
        return Bundle(tangents)

    return _unlisted("pack", Bundle, pulls, push, (_pack, (count,)))


def _unpack(i: int) -> Callable[..., Any]:
    def pull(ct: Cotangent, _out: Array, *arguments: Any) -> Array:
        part = ct.parts[i]
        if part is None:
            part = np.zeros(arguments[i].shape, arguments[i].dtype)[()]
        return part

    return pull


# One of several results.


def _picked(node: Node, i: int, count: int, like: Any) -> Node:
    """Return a node for the i-th value of the bundle at `node`."""
    return node_of(_pick(), (node,), (None, node, i, count), like.shape, like.dtype)


@functools.cache
def _pick() -> Unlisted:
    """Return the rule that picks one value out of a bundle."""

    def pull(ct: Cotangent, _out: Array, _bundle: Any, i: int, count: int) -> Array:
        return Bundle([ct if k == i else None for k in range(count)])

    def push(tangents: Any, _out: Array, _bundle: Any, i: int, _count: int) -> Array:
        return tangents[0].parts[i]

    return _unlisted("pick", Bundle, (pull,), push, (_pick, ()))
