"""Pickles and deep copies of Tensors: values, leaves with their gradients, and recorded graphs.

A Tensor is written with the list of its graph, oldest node first: so the depth does not matter.
Each node is an object of its own: Tensors that are pickled or copied together still share it.

A pickle names the modules of what it calls.  Those that version 0.1.0 named have moved; its pickles
find them under their old names.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from copy import deepcopy
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from tinygrad_bp.engine.changes import held_now
from tinygrad_bp.engine.nodes import Account, Leaf, Node, Variable, ancestors, by_creation, node_of
from tinygrad_bp.engine.tensor import Tensor, method, wrap
from tinygrad_bp.errors import UnsupportedFunctionError

# What nobody writes into: a copy of a graph shares it.
SHARED = {np.ndarray, np.float64, np.float32, float, int, bool, str, type(None)}


class ByName:
    """A user's function in a pickle, which writes the name under which it is found again.

    What a decorator made of it may stand under that name.
    """

    __slots__ = ("function", "who")

    def __init__(self, function: Any, who: str) -> None:
        self.function = function
        self.who = who

    def __reduce__(self) -> tuple[Any, ...]:
        function = self.function
        if not isinstance(function, FunctionType):
            return _itself, (function,)
        found: Any = sys.modules.get(function.__module__)
        for name in function.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is function:
            return _itself, (function,)
        if getattr(found, "__wrapped__", None) is function:
            return _inside, (found,)
        raise UnsupportedFunctionError(
            f"pickle: the graph holds {self.who} of {function.__qualname__}, a function that has no"
            " name to be found by; define it at the top of a module, or pickle the Tensor's"
            " .detach()"
        )


def _itself(function: Any) -> Any:
    return function


def _inside(wrapper: Any) -> Any:
    return wrapper.__wrapped__


# Tensors


def _reduce(self: Tensor) -> tuple[Any, ...]:
    """Say how to build this Tensor again."""
    node = self._node
    if node is None:
        return _plain, (self._value, self.name, hasattr(self, "_account"))
    if isinstance(node, Leaf):
        return _leaf, (self._value, self.name, node, self.grad, held_now(node)[1] >= 0)
    return _computed, (self._value, ancestors(node)[::-1])


def _plain(value: Any, name: str | None, frozen: bool = False) -> Tensor:
    tensor = wrap(value)
    if frozen:  # a parameter for the time being out of the training
        tensor._account = Account()
        tensor._account.holder = ref(tensor)
    if name is not None:
        tensor.name = name
    return tensor


def _leaf(
    value: Any, name: str | None, leaf: Leaf, grad: Tensor | None, changed: bool = True
) -> Tensor:
    tensor = wrap(value, leaf)
    if type(leaf) is Leaf:
        tensor._account = account = leaf.account() or Account()
        account.grad = grad
        account.holder = ref(tensor)
        account.unseen = changed  # since what was recorded, perhaps: that has new indices
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


def _deep_copy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """Copy a Tensor for `copy.deepcopy`; the arrays, which never change, are shared."""
    node = self._node
    if node is None:
        return _plain(self._value, self.name, hasattr(self, "_account"))
    twin: Any = deepcopy(node, memo)
    if isinstance(twin, Leaf):
        grad = deepcopy(self.grad, memo)
        return _leaf(self._value, self.name, twin, grad, held_now(node)[1] >= 0)
    return _computed(self._value, [twin])


# Nodes


def _reduce_node(self: Node) -> tuple[Any, ...]:
    """Say how to build this node again; its parents come before it in the list of its graph."""
    saved = self.saved
    if saved is not None:
        who = self.rule.name
        saved = tuple([ByName(one, who) if type(one) is FunctionType else one for one in saved])
    return _node, (self.rule, self.parents, saved, self.shape, self.dtype, self.name)


def _node(rule: Any, parents: Any, saved: Any, shape: Any, dtype: Any, name: str | None) -> Node:
    """Build a node, with a fresh index."""
    node = node_of(rule, tuple(parents), saved, shape, dtype)
    if name is not None:
        node.label = name
    return node


def _reduce_leaf(self: Leaf) -> tuple[Any, ...]:
    """Say how to build this leaf again; the Tensor of it brings the account along."""
    if type(self) is Variable:
        return _closed, (self.shape, self.dtype)
    return type(self), (self.shape, self.dtype, self.name)


def _closed(shape: Any, dtype: Any) -> Variable:
    variable = Variable(shape, dtype)
    variable.open = False  # the function under its transform runs somewhere else
    return variable


def _deep_copy_node(self: Node, memo: dict[int, Any]) -> Node:
    """Copy a node and what it depends on, oldest first; `memo` has what others have copied."""
    order, seen = [self], {self}
    for node in order:
        for parent in node.more or (node.left, node.right):
            if parent is not None and parent not in seen and id(parent) not in memo:
                seen.add(parent)
                order.append(parent)
    for node in sorted(order, key=by_creation):
        if isinstance(node, Leaf):
            make, arguments = _reduce_leaf(node)
            memo[id(node)] = make(*arguments)
            continue
        parents = [None if one is None else memo[id(one)] for one in node.parents]
        saved = node.saved
        if saved is not None:
            saved = tuple([one if type(one) in SHARED else deepcopy(one, memo) for one in saved])
        memo[id(node)] = _node(node.rule, parents, saved, node.shape, node.dtype, node.name)
    twin: Node = memo[id(self)]
    return twin


# What the first version wrote: a flat list, in which a place stands for each node.


class _Place(NamedTuple):
    """Stands for a node in the list of a graph."""

    position: int


def _read(graph: Sequence[Any]) -> Node:
    """Return the last node of a graph; what the first version wrote is built here."""
    nodes: list[Node] = []

    def node_at(one: Any) -> Any:
        return nodes[one.position] if type(one) is _Place else one

    for entry in graph:
        if isinstance(entry, Node):
            nodes.append(entry)
            continue
        rule, parents, saved, shape, dtype, name = entry
        saved = None if saved is None else tuple(map(node_at, saved))
        nodes.append(_node(rule, [node_at(one) for one in parents], saved, shape, dtype, name))
    return nodes[-1]


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
method("__deepcopy__", _deep_copy)
for _kind, _name, _how in (  # attached here: nodes know no pickles
    (Node, "__reduce__", _reduce_node),
    (Node, "__deepcopy__", _deep_copy_node),
    (Leaf, "__reduce__", _reduce_leaf),
):
    setattr(_kind, _name, _how)
