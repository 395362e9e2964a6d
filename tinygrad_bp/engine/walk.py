"""The walk down a recorded graph with cotangents: reverse mode.  `push` walks up.

Knows no single rule: it calls what the nodes' rules hold.  On raw arrays a walk records nothing; on
Tensors (`create_graph`) the very same pulls record themselves, which gives derivatives of any
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Any, NoReturn
from warnings import warn_explicit

import numpy as np
from numpy import add, ndarray

from tinygrad_bp.engine.broadcasting import sum_rows, unbroadcast
from tinygrad_bp.engine.failures import COTANGENT, noted
from tinygrad_bp.engine.modes import blocks, unasked, watch
from tinygrad_bp.engine.nodes import LEAF, Node, is_live
from tinygrad_bp.engine.rule import JointPulls, Pulls
from tinygrad_bp.engine.tensor import Tensor, is_foreign, unwrap, wrap
from tinygrad_bp.errors import GraphError, TrackedTensorError, users_frame

Cotangents = dict[Node, Any]
ONES = {np.float64: np.float64(1), np.float32: np.float32(1)}
# A parameter of at most SMALL elements that is used again and again: what it gets is piled up and
# added MANY at a time, which takes NumPy less than half as long as one by one.
SMALL = 128
MANY = 64
SHORT_PILE = 6  # a pile of so many is not worth it


def pull_back(  # noqa: C901  # one loop: a call more for every node costs a tenth of the walk
    seeds: Mapping[Node, Any],
    *,
    targets: Iterable[Node] = (),
    record: bool = False,
    free: bool = False,
) -> Cotangents:
    """Walk from the nodes in `seeds` down to the leaves.

    Parameters
    ----------
    seeds : mapping of Node to array
        The cotangents to begin with; Tensors if `record`.
    targets : iterable of Node
        Nodes whose cotangents are wanted.  None given: all leaves.  Given: what was created before
        all of them is not visited, and interior ones are kept.
    record : bool
        Run the pulls on Tensors, so that the result can be differentiated again.
    free : bool
        Drop the residuals of every node that was visited.

    Returns
    -------
    dict of Node to array
        The cotangent of every target (leaf) that was reached.

    Raises
    ------
    GraphError
        If the residuals of a visited node were freed by an earlier walk.

    Notes
    -----
    The newest node that holds a cotangent comes next.  Whatever uses a node is newer than it, so
    its cotangent is complete by then.  A heap of indices finds it; nothing recurses.
    """
    wanted = frozenset(targets)
    floor, inside = -1, wanted
    if wanted:
        floor = min([node.index for node in wanted])
        inside = frozenset([node for node in wanted if node.rule is not LEAF])
    cts: Cotangents = {}  # in flight
    # The frontier: of the nodes to visit, the newest is `front` or waits in the heap.
    front: Node | None = None
    waiting: dict[int, Node] = {}
    heap: list[int] = []
    # Sums: of the cotangents in flight, those added up here, which may be added to in place.
    sums: Cotangents = {}
    # Piles: what is still to be added to the cotangents of small leaves.
    piles: dict[Node, list[Any]] = {}
    kept: Cotangents = {}
    watch = walk_watch() if blocks.get() else None
    # Masks: NumPy's error state of before, once a rule that masks was visited.
    errors: Any = None
    rule: Any = None

    def deliver(parent: Node, part: Any, wide: Any) -> None:
        nonlocal front
        # the part has the shape of the node or of the parent; asking the array costs more
        if wide and wide != parent.shape and part.shape != parent.shape:
            part = unbroadcast(part, parent.shape)
        prior = cts.get(parent)
        if prior is not None:
            pile = piles.get(parent)
            # not a view, which would keep alive what may be large
            if pile is not None and type(part) is ndarray and part.base is None:
                pile.append(part)
                if len(pile) == MANY:
                    cts[parent] = _sum(prior, pile)
                    pile.clear()
                return
            total = sums.get(parent)
            if total is not None and type(part) is ndarray and total.dtype is part.dtype:
                add(total, part, total)
                return
            cts[parent] = total = prior + part
            if type(total) is not ndarray:
                sums.pop(parent, None)
            elif parent.rule is LEAF and total.size <= SMALL:
                piles.setdefault(parent, [])
            else:
                sums[parent] = total
            return
        cts[parent] = part
        if parent.rule is LEAF:  # never visited: its cotangent stays
            return
        index = parent.index
        if front is None:
            if not heap or index > -heap[0]:
                front = parent
                return
        elif index > front.index:
            front, parent, index = parent, front, front.index
        waiting[index] = parent
        heappush(heap, -index)

    for root, ct in seeds.items():
        deliver(root, ct, None)
    node: Node | None = None
    try:
        while True:
            if node is None:
                if front is not None:
                    node, front = front, None
                elif heap:
                    node = waiting.pop(-heappop(heap))
                else:
                    break
                ct = cts.pop(node)  # pop, not get: frees it before the next rule allocates
                if sums:
                    sums.pop(node, None)
            if inside and node in inside:
                kept[node] = ct
            rule = node.rule
            saved = node.saved
            if saved is None:
                refuse_freed(node)
            if free:
                node.saved = None
            # recorders see to it that a tracked argument has a pull
            pulls: Any = rule.pulls if watch is None else watch.pulls(node)
            if record:
                saved = retracked(node, saved)
                if rule.convention is not None:
                    pulls = rule.convention.pulls(pulls, node)
            wide = rule.broadcasts and node.shape
            parent, right = node.left, node.right
            length = len(saved)
            if length == 2:  # the commonest rules spelt out: packing arguments costs as much
                if parent is None or parent.index < floor:
                    node = None
                    continue
                out, x = saved
                ct = pulls[0](ct, out, x)
            elif length == 3 and node.more is None:
                out, x, y = saved
                if right is not None and right.index >= floor:
                    part = pulls[1](ct, out, x, y)
                    pile = piles.get(right)
                    if (
                        pile is not None
                        and len(pile) < MANY - 1
                        and type(part) is ndarray
                        and part.base is None
                        and (not wide or wide is right.shape or wide == right.shape)
                    ):
                        pile.append(part)  # a parameter used again: no call
                    else:
                        deliver(right, part, wide)
                if parent is None or parent.index < floor:
                    node = None
                    continue
                ct = pulls[0](ct, out, x, y)
            elif length == 4 and node.more is not None and not rule.masks:
                out, x, y, z = saved
                parent, right, third = node.more
                if third is not None and third.index >= floor:
                    part = pulls[2](ct, out, x, y, z)
                    if third.rule is LEAF and not wide and third not in cts:
                        cts[third] = part  # a parameter used once: no call
                    else:
                        deliver(third, part, wide)
                if right is not None and right.index >= floor:
                    part = pulls[1](ct, out, x, y, z)
                    if right.rule is LEAF and not wide and right not in cts:
                        cts[right] = part
                    else:
                        deliver(right, part, wide)
                if parent is None or parent.index < floor:
                    node = None
                    continue
                ct = pulls[0](ct, out, x, y, z)
            else:
                if rule.masks and errors is watch is None and np.geterr()["invalid"] == "warn":
                    complain = lambda *_: _warn_of_masked(rule)  # noqa: B023  # the one of then
                    errors = np.errstate(invalid="call", call=complain)
                    errors.__enter__()
                arguments: Any = node.more or (parent, right)
                kind = type(pulls)  # an abstract base class takes its time for isinstance
                if kind is JointPulls or kind is Pulls:
                    moving = [
                        i
                        for i, parent in enumerate(arguments)
                        if parent is not None and parent.index >= floor
                    ]
                    for i, part in pulls.parts(ct, saved, moving):
                        deliver(arguments[i], part, wide)
                    node = None
                    continue
                for pull, parent in zip(pulls, arguments):  # noqa: B905  # costs 0.1 us
                    if parent is not None and parent.index >= floor:
                        deliver(parent, pull(ct, *saved), wide)
                node = None
                continue
            # The chain: what would be delivered is what comes next.
            if (
                front is None
                and (not heap or parent.index > -heap[0])  # so that it has no cotangent yet
                and (not wide or wide is parent.shape or wide == parent.shape)
                and parent.rule is not LEAF
            ):
                node = parent
            else:
                deliver(parent, ct, wide)
                node = None
    except Exception as error:
        if node is not None:
            noted(error, f"pull of {node.rule.name}", (), {"out": node, COTANGENT: ct})
        raise
    finally:
        if errors is not None:
            errors.__exit__(None, None, None)
    for node, pile in piles.items():
        cts[node] = _sum(cts[node], pile)
    if not wanted:
        return cts  # what no rule took on: the leaves
    for node in wanted:
        if node in cts:
            kept[node] = cts[node]
    return kept


def walk_watch() -> Any:
    """Return what looks at the values of one walk, or None."""
    found = watch()
    return None if found is None else found.walk()


def _sum(total: Any, pile: list[Any]) -> Any:
    """Return the array `total` plus all those of its shape in `pile`."""
    if len(pile) <= SHORT_PILE:
        return sum(pile, total)
    rows = np.concatenate((total, *pile), axis=None)
    return sum_rows(rows.reshape(1 + len(pile), total.size)).reshape(total.shape)


def _warn_of_masked(rule: Any) -> None:
    """Warn where NumPy would of an invalid value, of 0 times infinity as a rule."""
    where = users_frame()
    warn_explicit(
        f"backward: invalid value (NaN) in the derivative of {rule.name}: 0 times infinity, where"
        " `where` did not take what it made? Give it a safe argument there:"
        " np.where(ok, np.log(np.where(ok, x, 1)), 0); under tg.debug() the lines are named",
        RuntimeWarning,
        where.f_code.co_filename,
        where.f_lineno,
    )


def conform(part: Any, node: Node) -> Any:
    """Return a tangent or cotangent in the node's dtype; a real node gets the real part."""
    if part.dtype == node.dtype:
        return part
    if part.dtype.kind == "c" and node.dtype.kind == "f":
        part = np.real(part)
    return part.astype(node.dtype)


def plain_answer(answer: Any, who: str) -> Any:
    """Return the array that `who`, a user's function, gave in a walk that does not record.

    Raises
    ------
    TrackedTensorError
        If it depends on what is tracked around the function, and a transform decided not to record.
    """
    node = answer._node if type(answer) is Tensor else None
    if node is not None and unasked.get() and is_live([node]):
        raise TrackedTensorError(
            f"{who} reads a tracked Tensor from around it, by which the gradient could not be"
            " differentiated; make it an argument of the function, or read its .detach()"
        )
    return unwrap(answer)


def refuse_freed(node: Node) -> NoReturn:
    """Refuse to walk over a node that has lost what its derivative reads.

    Raises
    ------
    GraphError
    """
    raise GraphError(
        f"backward: the residuals of {node.rule.name} {node.shape} were freed by an earlier"
        " backward with retain_graph=False; drop that argument to walk a graph twice"
    )


def retracked(node: Node, saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `saved` with out and tracked arguments as Tensors at their places in the graph."""
    out = saved[0]
    values = [out if out is None else wrap(out, node)]
    for value, parent in zip(saved[1:], node.more or (node.left, node.right), strict=False):
        values.append(value if parent is None or value is parent else wrap(value, parent))
    values += saved[len(values) :]
    return tuple(values)


def seed(root: Tensor, cotangent: Any, name: str) -> Any:
    """Return the cotangent to begin with at `root`: 1 for a scalar, else what was given, checked.

    Raises
    ------
    GraphError
        If `root` tracks nothing, a non-scalar has no cotangent, or the shapes differ.
    """
    if not isinstance(root, Tensor) or root._node is None:
        raise GraphError(
            f"{name}: nothing to differentiate: the result does not depend on a Tensor made with"
            " requires_grad=True"
            " (or was computed under no_grad or after .detach())"
        )
    if cotangent is None:
        one = ONES.get(type(root._value))
        if one is not None:
            return one
        if root.size != 1:
            raise GraphError(
                f"{name}: a result of shape {root.shape} needs its cotangent (an array of that"
                " shape);"
                " or reduce it to a scalar first, for instance with .sum()"
            )
        if isinstance(root._value, np.generic):
            return root.dtype.type(1)
        return np.ones_like(root._value)
    value = unwrap(cotangent)
    if type(value) is not ndarray and not is_foreign(value):
        value = np.asarray(value)
    if value.shape != root.shape:
        raise GraphError(f"{name}: the cotangent has shape {value.shape}, the result {root.shape}")
    return cotangent if isinstance(cotangent, Tensor) else value.astype(root.dtype)
