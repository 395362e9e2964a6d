"""The two walks over a recorded graph: cotangents down (reverse mode), tangents up (forward mode).

Knows no single rule: it calls what the nodes' rules hold.  On raw arrays a walk records nothing; on Tensors
(`create_graph`) the very same pulls record themselves, which gives derivatives of any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.broadcasting import unbroadcast
from tinygrad_bp.errors import GraphError
from tinygrad_bp.graph import LEAF, Node, ancestors
from tinygrad_bp.tensor import Tensor, wrap

Cotangents = dict[Node, Any]


def pull_back(  # noqa: C901
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
        Nodes whose cotangents are wanted.  None given: all leaves.  Given: what was created before all of them is
        not visited, and interior ones are kept.
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
    """
    wanted = set(targets)
    floor = min((node.index for node in wanted), default=-1)
    cts: Cotangents = dict(seeds)
    owned: set[Node] = (
        set()
    )  # whose cotangent is a sum that this walk made, and may add to in place
    kept: Cotangents = {}
    for node in ancestors(*seeds, floor=floor):
        ct = cts.pop(node, None)  # pop, not get: frees the cotangent before the next rule allocates
        if ct is None:
            continue
        rule = node.rule
        if rule is LEAF:  # type: ignore[comparison-overlap]
            if not wanted or node in wanted:
                kept[node] = ct
            continue
        if node in wanted:
            kept[node] = ct
        saved = node.saved
        if saved is None:
            raise GraphError(
                f"backward: the residuals of {node.rule.name} {node.shape} were freed by an earlier backward with"
                " retain_graph=False; drop that argument to walk a graph twice"
            )
        values = _retracked(node, saved) if record else saved
        if free:
            node.saved = None
        for pull, parent in zip(rule.pulls, node.more or (node.left, node.right)):  # noqa: B905  # a rule of one argument has no right
            if parent is None or parent.index < floor:
                continue
            part = pull(ct, *values)  # type: ignore[misc]  # a tracked argument has a pull: recorders see to it
            if rule.broadcasts and part.shape != parent.shape:
                part = unbroadcast(part, parent.shape)
            prior = cts.get(parent)
            if prior is None:
                cts[parent] = part
            elif parent in owned and prior.dtype is part.dtype:
                np.add(prior, part, prior)
            else:
                prior = cts[parent] = prior + part
                if type(prior) is np.ndarray:
                    owned.add(parent)
    return kept


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
    """Return the raw cotangent to begin with at `root`: ones for a scalar, else what was given, checked.

    Raises
    ------
    GraphError
        If `root` tracks nothing, a non-scalar has no cotangent, or the shapes differ.
    """
    if root.node is None:
        raise GraphError(
            f"{name}: nothing to differentiate: the result does not depend on a Tensor made with requires_grad=True"
            " (or was computed under no_grad or after .detach())"
        )
    if cotangent is None:
        if root.size != 1:
            raise GraphError(
                f"{name}: a result of shape {root.shape} needs its cotangent (an array of that shape);"
                " or reduce it to a scalar first, for instance with .sum()"
            )
        if not root.shape:
            return root.dtype.type(1)
        return np.ones_like(root._value)
    value = cotangent._value if isinstance(cotangent, Tensor) else np.asarray(cotangent)
    if value.shape != root.shape:
        raise GraphError(f"{name}: the cotangent has shape {value.shape}, the result {root.shape}")
    return cotangent if isinstance(cotangent, Tensor) else value.astype(root.dtype)
