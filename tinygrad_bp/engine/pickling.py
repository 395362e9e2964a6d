"""Pickles and deep copies of Tensors: values, leaves with their gradients, and recorded graphs.

A graph is written as a flat list in the order of creation, so that its depth does not matter.  A
leaf is an object of its own in the pickle: Tensors that are pickled together still share it.

A pickle names the modules of what it calls.  Those that version 0.1.0 named have moved; its pickles
find them under their old names.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from tinygrad_bp.engine.nodes import Account, Leaf, Node, Variable, ancestors, tick
from tinygrad_bp.engine.tensor import Tensor, method, new, wrap


class _Place(NamedTuple):
    """Stands for a node in the list of a graph."""

    position: int


def _reduce(self: Tensor) -> tuple[Any, ...]:
    """Say how to build this Tensor again."""
    value = self._value
    if isinstance(value, np.ndarray):
        value = value.copy()  # a view would take the whole of its base along
    node = self._node
    if node is None:
        return _plain, (value, self.name)
    if isinstance(node, Leaf):
        return _leaf, (value, self.name, node, self.grad)
    return _computed, (value, _written(node))


def _plain(value: Any, name: str | None) -> Tensor:
    tensor = wrap(value)
    if name is not None:
        tensor.name = name
    return tensor


def _leaf(value: Any, name: str | None, leaf: Leaf, grad: Tensor | None) -> Tensor:
    tensor = wrap(value, leaf)
    if type(leaf) is Leaf:
        tensor._account = account = leaf.account() or Account()
        account.grad = grad
        account.holder = ref(tensor)
        leaf.connect(account)
    if name is not None:
        tensor.name = name
    return tensor


def _computed(value: Any, graph: Sequence[Any]) -> Tensor:
    node = _read(graph)
    tensor = wrap(value, node)
    if node.name is not None:
        tensor.name = node.name
    return tensor


def _written(root: Node) -> list[Any]:
    """Return the graph of `root`, oldest node first: leaves as they are, others as plain tuples."""
    order = ancestors(root)[::-1]
    places = {node: _Place(i) for i, node in enumerate(order)}

    def place(one: Any) -> Any:
        return places[one] if isinstance(one, Node) else one

    return [
        node
        if isinstance(node, Leaf)
        else (
            node.rule,
            [place(parent) for parent in node.parents],
            None if node.saved is None else [place(one) for one in node.saved],
            node.shape,
            node.dtype,
            node.name,
        )
        for node in order
    ]


def _read(graph: Sequence[Any]) -> Node:
    """Build the nodes again, with fresh indices; return the last."""
    nodes: list[Node] = []

    def node_at(one: Any) -> Any:
        return nodes[one.position] if type(one) is _Place else one

    for entry in graph:
        if isinstance(entry, Leaf):
            nodes.append(entry)
            continue
        node = new(Node)
        node.rule, parents, saved, node.shape, node.dtype, name = entry
        above = [node_at(parent) for parent in parents]
        node.left = node.right = node.more = None
        if len(above) > 2:
            node.more = tuple(above)
        else:
            node.left, node.right = [*above, None][:2]
        node.saved = None if saved is None else tuple([node_at(one) for one in saved])
        node.index = tick()
        if name is not None:
            node.label = name
        nodes.append(node)
    return nodes[-1]


def _reduce_leaf(self: Leaf) -> tuple[Any, ...]:
    """Say how to build this leaf again; the Tensor of it brings the account along."""
    if type(self) is Variable:
        return _closed, (self.shape, self.dtype)
    return type(self), (self.shape, self.dtype, self.name)


def _closed(shape: Any, dtype: Any) -> Variable:
    variable = Variable(shape, dtype)
    variable.open = False  # the function under its transform runs somewhere else
    return variable


MOVED = {
    "graph": "engine.nodes",
    "pickling": "engine.pickling",
    "rules.matrices": "rules.linalg.matrices",
    "rules.quantiles": "rules.reductions.quantiles",
    "rules.subscripts": "rules.linalg.subscripts",
    "rules.table": "engine.rule",
    "tensor": "engine.tensor",
}


def _stand_in(old: str, new: str) -> None:
    """Let a pickle find what is in the module `new` under the name `old`, which nothing else has.

    No file and no attribute of the package bears the old name.
    """
    module = ModuleType(f"tinygrad_bp.{old}")
    module.__getattr__ = lambda name: getattr(  # type: ignore[method-assign]  # as PEP 562 asks
        import_module(f"tinygrad_bp.{new}"), name
    )
    sys.modules[module.__name__] = module


for _old, _new in MOVED.items():
    _stand_in(_old, _new)
method("__reduce__", _reduce)
Leaf.__reduce__ = _reduce_leaf  # type: ignore[assignment]  # attached here: graph knows no pickles
