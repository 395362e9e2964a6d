"""The walk up a recorded graph with tangents: forward mode.  `walk` goes down.

Knows no single rule: each kind of rule has its way to push.  Elementwise rules push by their pulls,
linear and bilinear ones by the function itself; only a general rule brings a push of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.modes import blocks, recorded
from tinygrad_bp.engine.nodes import Node, Variable, ancestors
from tinygrad_bp.engine.recording import nary
from tinygrad_bp.engine.rule import Pulls
from tinygrad_bp.engine.tensor import wrap
from tinygrad_bp.engine.walk import conform, pull_back, refuse_freed, retracked, walk_watch

Tangents = dict[Node, Any]


def push_forward(
    outputs: Sequence[Node],
    tangents: Mapping[Node, Any],
    *,
    record: bool = False,
    order: Sequence[Node] | None = None,
) -> Tangents:
    """Walk from the nodes in `tangents` up to `outputs`.

    Parameters
    ----------
    outputs : sequence of Node
        Nodes whose tangents are wanted.
    tangents : mapping of Node to array
        The tangents to begin with, in each node's shape and dtype; Tensors if `record`.
    record : bool
        Run the rules on Tensors, so that the result can be differentiated again.
    order : sequence of Node, optional
        What `ancestors` gives for `outputs`, where several walks share it.

    Returns
    -------
    dict of Node to array
        The tangent of every output that was reached; the others' are zero.

    Raises
    ------
    GraphError
        If the residuals of a visited node were freed by an earlier walk.

    Notes
    -----
    Nodes in order of creation: each comes after its parents.  A tangent is dropped after the last
    rule that reads it.  Residuals stay: a checkpointed function that runs again may walk over what
    is older, and in the beginning all of them are there anyway.
    """
    if order is None:
        order = ancestors(*outputs, floor=min(node.index for node in tangents))
    last = _last_uses(order, outputs)
    ts: Tangents = dict(tangents)
    watch = walk_watch() if blocks.get() else None
    for node in reversed(order):
        given = _given(node, ts)
        if given is None or node in tangents:
            continue
        saved = node.saved
        if saved is None:
            refuse_freed(node)
        if record:
            saved = retracked(node, saved)
        part = PUSHES[node.rule.kind](node, given, saved, record)
        if record and node.rule.convention is not None:
            part = node.rule.convention.pushed(part, saved)
        if part is not None:
            if watch is not None:
                watch.pushed(node, part, given, saved)
            if part.dtype is not node.dtype:
                part = conform(part, node)
            ts[node] = part if part.shape == node.shape else np.broadcast_to(part, node.shape)
        for parent in node.more or (node.left, node.right):
            if last.get(parent) is node:
                ts.pop(parent, None)  # type: ignore[arg-type]  # None is no key in it
    return {node: ts[node] for node in outputs if node in ts}


def _given(node: Node, ts: Tangents) -> Sequence[Any] | None:
    """Return the tangent of each argument of a node; None if no argument moves."""
    given: Sequence[Any]
    if node.more is not None:
        given = [ts.get(parent) for parent in node.more]  # type: ignore[arg-type]  # as above
    elif len(node.rule.pulls) == 2:
        given = (ts.get(node.left), ts.get(node.right))  # type: ignore[arg-type]  # as above
    else:
        given = (ts.get(node.left),)  # type: ignore[arg-type]  # as above
    for t in given:
        if t is not None:
            return given
    return None


def _last_uses(order: Sequence[Node], outputs: Iterable[Node]) -> dict[Node | None, Node]:
    """Return the newest node that has each node among its parents, of all but the outputs."""
    last: dict[Node | None, Node] = {}
    for node in reversed(order):
        if node.more is None:
            last[node.left] = last[node.right] = node
        else:
            last.update(dict.fromkeys(node.more, node))
    for node in outputs:
        last.pop(node, None)
    return last


def _push_elementwise(node: Node, ts: Sequence[Any], saved: tuple[Any, ...], _record: bool) -> Any:
    """Add what the pulls make of the tangents: a diagonal matrix is its own transpose."""
    total = None
    dtype = node.dtype
    for pull, t in zip(node.rule.pulls, ts, strict=True):
        if t is None:
            continue
        if t.dtype is not dtype and t.dtype.kind == "c" and dtype.kind == "f":
            # pulled back, a real number becomes ∂f/∂x - i ∂f/∂y of a complex argument; f moves by
            # the real part of that times the tangent
            ones = np.ones(t.shape, dtype)[()]
            part = np.real(pull(ones, *saved) * t)  # type: ignore[misc]  # as below
        else:
            part = pull(t, *saved)  # type: ignore[misc]  # a tracked argument has one
        total = part if total is None else _added(total, part, ts)
    return total


def _push_linear(node: Node, ts: Sequence[Any], saved: tuple[Any, ...], record: bool) -> Any:
    """Apply the function to the tangents."""
    count = len(ts)
    if count > 1:
        arguments = saved[1 : 1 + count]
        pulls = node.rule.pulls
        if type(pulls) is Pulls:  # what is pulled back from zeros are zeros for the argument
            zeros = np.zeros(node.shape, node.dtype)
            ts = [pulls.part(i, zeros, saved) if t is None else t for i, t in enumerate(ts)]
        elif any(t is parent is None for parent, t in zip(node.parents, ts, strict=True)):
            # of what is not tracked nobody may know the shape, and so no zeros to stand for it
            parts = [
                transposed(pull, t, node, saved, record=record)
                for pull, t in zip(pulls, ts, strict=True)
                if t is not None
            ]
            return sum(parts[1:], parts[0])
        ts = [
            np.zeros(x.shape, x.dtype)[()] if t is None else t
            for x, t in zip(arguments, ts, strict=True)
        ]
    params = saved[1 + count :]
    return nary(node.rule, ts, params) if record else node.rule.forward(*ts, *params)


def _push_bilinear(node: Node, ts: Sequence[Any], saved: tuple[Any, ...], record: bool) -> Any:
    """Add what the function makes of each tangent beside the other arguments."""
    arguments, params = saved[1 : 1 + len(ts)], saved[1 + len(ts) :]
    if record:  # in a Tensor, so that nobody copies what is ours already
        arguments = tuple([wrap(x) if isinstance(x, np.ndarray) else x for x in arguments])
    total = None
    for i, t in enumerate(ts):
        if t is not None:
            mixed = [*arguments[:i], t, *arguments[i + 1 :]]
            part = nary(node.rule, mixed, params) if record else node.rule.forward(*mixed, *params)
            total = part if total is None else _added(total, part, ts)
    return total


def _added(total: Any, part: Any, ts: Sequence[Any]) -> Any:
    """Add `part` to `total`, in place where that is an array made here and not a tangent."""
    if (
        type(total) is type(part) is np.ndarray
        and total.base is None
        and total.dtype is part.dtype
        and total.shape == part.shape
        and total.flags.writeable
    ):
        for t in ts:
            if t is total:
                break
        else:
            return np.add(total, part, total)
    return total + part


def _push_general(node: Node, ts: Sequence[Any], saved: tuple[Any, ...], _record: bool) -> Any:
    return node.rule.push(tuple(ts), *saved)  # type: ignore[misc]  # general rules have one


PUSHES = {
    "elementwise": _push_elementwise,
    "linear": _push_linear,
    "bilinear": _push_bilinear,
    "general": _push_general,
}


def transposed(
    pull: Any, tangent: Any, node: Node, saved: tuple[Any, ...], *, record: bool = False
) -> Any:
    """Push `tangent` through the transpose of a rule's `pull`, which is linear in its cotangent.

    The pull is recorded from any cotangent, here 1, and pulled back itself (Townsend 2017, "A new
    trick for calculating Jacobian vector products").
    """
    start = Variable(node.shape, node.dtype)
    part = recorded(pull, wrap(np.ones(node.shape, node.dtype)[()], start), *saved)
    root = getattr(part, "node", None)
    found = {} if root is None else pull_back({root: tangent}, targets=[start], record=record)
    return found[start] if start in found else np.zeros(node.shape, node.dtype)[()]
