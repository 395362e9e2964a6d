"""The two walks over a recorded graph: cotangents down (reverse mode), tangents up (forward mode).

Knows no single rule: it calls what the nodes' rules hold.  On raw arrays a walk records nothing; on
Tensors (`create_graph`) the very same pulls record themselves, which gives derivatives of any
order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from typing import Any

import numpy as np

from tinygrad_bp.broadcasting import unbroadcast
from tinygrad_bp.errors import GraphError
from tinygrad_bp.graph import Leaf, Node
from tinygrad_bp.tensor import Tensor, wrap

Cotangents = dict[Node, Any]
ONE = np.float64(1)


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
    floor = min([node.index for node in wanted]) if wanted else -1
    cts, deliver, newest = _frontier()
    kept: Cotangents = {}
    for root, ct in seeds.items():
        deliver(root, ct, None)
    while (node := newest()) is not None:
        ct = cts.pop(node)  # pop, not get: frees the cotangent before the next rule allocates
        if wanted and node in wanted:
            kept[node] = ct
        rule = node.rule
        saved = node.saved
        if saved is None:
            raise _freed(node)
        if free:
            node.saved = None
        if record:
            saved = _retracked(node, saved)
        pulls: Any = rule.pulls  # recorders see to it that a tracked argument has one
        wide = rule.broadcasts and node.shape
        left, right = node.left, node.right
        if len(saved) == 2:  # spelt out for the commonest rules: packing arguments costs as much
            if left is not None and left.index >= floor:
                out, x = saved
                deliver(left, pulls[0](ct, out, x), wide)
        elif node.more is None and len(saved) == 3:
            out, x, y = saved
            if left is not None and left.index >= floor:
                deliver(left, pulls[0](ct, out, x, y), wide)
            if right is not None and right.index >= floor:
                deliver(right, pulls[1](ct, out, x, y), wide)
        else:
            for pull, parent in zip(pulls, node.more or (left, right), strict=False):
                if parent is not None and parent.index >= floor:
                    deliver(parent, pull(ct, *saved), wide)
    if not wanted:
        return cts  # what no rule took on: the leaves
    kept.update((node, cts[node]) for node in wanted if node in cts)
    return kept


def _frontier() -> tuple[Cotangents, Callable[[Node, Any, Any], None], Callable[[], Node | None]]:
    """Return the cotangents in flight, what delivers a part, and what gives the newest node.

    The newest is kept apart or is None, and the others wait in a heap, so that a chain needs none.
    Leaves are never given: their cotangents stay.
    """
    cts: Cotangents = {}
    owned: set[Node] = set()  # their cotangents are sums made here, which may be added to in place
    front: Node | None = None
    waiting: dict[int, Node] = {}
    heap: list[int] = []

    def deliver(parent: Node, part: Any, wide: Any) -> None:
        nonlocal front
        if wide and part.shape != parent.shape:
            part = unbroadcast(part, parent.shape)
        prior = cts.get(parent)
        if prior is not None:
            if parent in owned and prior.dtype is part.dtype:
                np.add(prior, part, prior)
                return
            cts[parent] = total = prior + part
            if type(total) is np.ndarray:
                owned.add(parent)
            return
        cts[parent] = part
        if isinstance(parent, Leaf):
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

    def newest() -> Node | None:
        nonlocal front
        if front is not None:
            node, front = front, None
            return node
        return waiting.pop(-heappop(heap)) if heap else None

    return cts, deliver, newest


def _freed(node: Node) -> GraphError:
    return GraphError(
        f"backward: the residuals of {node.rule.name} {node.shape} were freed by an earlier"
        " backward with retain_graph=False; drop that argument to walk a graph twice"
    )


def _retracked(node: Node, saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `saved` with out and tracked arguments as Tensors at their places in the graph."""
    values = list(saved)
    if values[0] is not None:
        values[0] = wrap(values[0], node)
    for i, parent in enumerate(node.parents, 1):
        if parent is not None and values[i] is not parent:
            values[i] = wrap(values[i], parent)
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
        if type(root._value) is np.float64:
            return ONE
        if root.size != 1:
            raise GraphError(
                f"{name}: a result of shape {root.shape} needs its cotangent (an array of that"
                " shape);"
                " or reduce it to a scalar first, for instance with .sum()"
            )
        if not root.shape:
            return root.dtype.type(1)
        return np.ones_like(root._value)
    value = cotangent._value if isinstance(cotangent, Tensor) else np.asarray(cotangent)
    if value.shape != root.shape:
        raise GraphError(f"{name}: the cotangent has shape {value.shape}, the result {root.shape}")
    return cotangent if isinstance(cotangent, Tensor) else value.astype(root.dtype)
