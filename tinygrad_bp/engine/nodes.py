"""The computation graph: nodes and leaves.  Knows neither Tensors nor any single rule.

A `Node` is one applied rule.  Its `parents` stand in the order of the rule's arguments, None for an
argument that tracks nothing.  Every node has a larger `index` than its parents: creation order is a
topological order, so a walk is a sort and nothing here recurses.  Nodes refer to their parents
only: there are no reference cycles, and a graph is freed the moment its last root dies.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from math import prod
from operator import attrgetter
from typing import Any
from weakref import ref

from tinygrad_bp.engine.rule import Rule
from tinygrad_bp.engine.shapes import Shape

tick = count().__next__
# Set while a checkpointed function runs: what is older is around it, and counts as live.  When the
# function runs again for a derivative, the transform that asks has closed its variables already.
inside_from: ContextVar[int] = ContextVar("inside_from", default=-1)
by_creation = attrgetter("index")


class Node:
    """One applied rule and what its derivative reads.

    Attributes
    ----------
    rule : Rule
        The row of the table that was applied.
    left, right, more
        How `parents` is kept: most rules have one or two arguments, and a tuple less on every node
        is a third less for Python's cycle collector to visit.  `more` holds all parents where there
        are three or more.
    saved : tuple or None
        ``(out, *arguments, *parameters)`` as the rule's pulls take them.  A value that no needed
        pull reads is not kept: None stands for it, or the parent node (which has shape and dtype)
        where the rule may ask for these.  Small constants are kept for pictures.  None once freed.
    index : int
        Order of creation.
    shape, dtype
        Of the result.
    """

    __slots__ = (
        "__weakref__", "dtype", "index", "label", "left", "more", "right", "rule", "saved", "shape"
    )  # fmt: skip

    rule: Rule
    left: Node | None
    right: Node | None
    more: tuple[Node | None, ...] | None
    saved: tuple[Any, ...] | None
    index: int
    shape: Shape
    dtype: Any
    label: str | None  # set only on nodes that a user named

    @property
    def name(self) -> str | None:
        """The name that a user gave, or None."""
        return getattr(self, "label", None)

    @property
    def parents(self) -> tuple[Node | None, ...]:
        """One entry an argument of the rule; None where the argument tracks nothing."""
        return self.more or (self.left, self.right)[: len(self.rule.pulls)]

    @property
    def ndim(self) -> int:
        """Number of dimensions of the result."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements of the result."""
        return prod(self.shape)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<Node {self.index} {self.rule.name}{name} {self.shape} {self.dtype}>"


@functools.lru_cache(typed=True)  # some duck array's 3 may be another kind of number
def one_object(*shape: int) -> Shape:
    """Return the same tuple for equal shapes, so that recorders see at a glance that they are."""
    return shape


def node_of(
    rule: Any, parents: tuple[Node | None, ...], saved: Any, shape: Shape, dtype: Any
) -> Node:
    """Return a node for a value that was computed elsewhere; the recorders have this unrolled."""
    node: Node = object.__new__(Node)
    node.rule = rule
    node.left = node.right = node.more = None
    if len(parents) > 2:
        node.more = parents
    else:
        node.left, node.right = [*parents, None][:2]
    node.saved = saved
    node.index = tick()
    node.shape = shape
    node.dtype = dtype
    return node


class LeafRule:
    """What stands in a leaf's `rule`: no arguments, nothing to pull."""

    name = "leaf"
    pulls = ()
    broadcasts = False
    masks = False
    convention = None


class Account:
    """Where the gradients of a leaf add up.

    The Tensors of the leaf hold it, and the leaf refers to it weakly: a gradient that was recorded
    refers to the graph, and so to the leaf, and would close a cycle.

    Attributes
    ----------
    grad : Tensor or None
        Sum of the gradients of all backward passes since it was last cleared.
    holder : callable
        Gives the Tensor that made the leaf, or None; drawings ask it for the value.
    unseen : bool
        Whether that value may change without a mark of when; see `changes`.
    """

    __slots__ = ("__weakref__", "grad", "holder", "unseen")

    grad: Any
    holder: Callable[[], Any]
    unseen: bool

    def __init__(self) -> None:
        self.grad = None
        self.holder = nobody
        self.unseen = False


KEEPING: list[list[Any]] = []  # what `kept_leaves` keeps, the innermost last


@contextmanager
def kept_leaves() -> Iterator[None]:
    """Keep the Tensors of all leaves that are made within it, for pictures that ask their values.

    A function that makes its own parameters and returns a loss leaves nobody else to hold them.
    """
    kept: list[Any] = []
    KEEPING.append(kept)
    try:
        yield
    finally:
        KEEPING[:] = [one for one in KEEPING if one is not kept]


def held(tensor: Any) -> Callable[[], Any]:
    """Return what gives the Tensor of a leaf, or None once nobody has it any more."""
    for kept in KEEPING:
        kept.append(tensor)
    return ref(tensor)


def nobody() -> None:
    """Stand in for the reference to an account where there is none."""


class Leaf(Node):
    """A node without parents: where gradients are accumulated.

    Attributes
    ----------
    account : callable
        Gives the `Account`, or None where no Tensor holds it any more.
    """

    __slots__ = ("account",)

    account: Callable[[], Account | None]

    def __init__(
        self, shape: Shape, dtype: Any, name: str | None = None, account: Account | None = None
    ) -> None:
        self.rule = LEAF
        self.left = self.right = self.more = None
        self.saved = ()
        self.index = tick()
        self.shape = one_object(*shape)
        self.dtype = dtype
        self.account = nobody
        if account is not None:
            self.connect(account)
        if name is not None:
            self.label = name

    def connect(self, account: Account) -> None:
        """Let gradients add up in `account`, which this leaf does not keep alive."""
        self.account = ref(account)


class Variable(Leaf):
    """The leaf that a functional transform differentiates by; a plain value outside of it.

    Attributes
    ----------
    open : bool
        Whether the function under the transform still runs, so that what depends on this variable
        must not be taken for a constant.
    """

    __slots__ = ("open",)

    open: bool

    def __init__(self, shape: Shape, dtype: Any) -> None:
        super().__init__(shape, dtype)
        self.open = True


LEAF: Any = LeafRule()  # stands in for a Rule: the same attributes


def ancestors(*roots: Node, floor: int = -1) -> list[Node]:
    """Return `roots` and every node they depend on, newest first: a reverse topological order.

    Parameters
    ----------
    roots : Node
        Where to start.
    floor : int
        Nodes with an index below `floor` are left out; whatever was created earlier cannot depend
        on it.

    Notes
    -----
    Iterative; time O(n log n) in the number of nodes returned, nearly linear for graphs recorded in
    order.
    """
    seen = set(roots)
    order = list(seen)
    for node in order:  # grows while it is read: a breadth-first search without a queue
        for parent in node.more or (node.left, node.right):
            if parent is not None and parent not in seen and parent.index >= floor:
                seen.add(parent)
                order.append(parent)
    order.sort(key=by_creation, reverse=True)
    return order


def leaves(*roots: Node) -> Iterator[Leaf]:
    """Yield the leaves that `roots` depend on, newest first."""
    return (node for node in ancestors(*roots) if type(node) is Leaf)


def is_live(nodes: Iterable[Node]) -> bool:
    """Whether `nodes` depend on anything that someone may still differentiate by."""
    rest = list(nodes)
    seen = set(rest)
    begin = inside_from.get()
    while rest:
        node = rest.pop()
        if type(node) is Leaf or node.index < begin or (type(node) is Variable and node.open):
            return True
        fresh = [one for one in node.parents if one is not None and one not in seen]
        seen.update(fresh)
        rest += fresh
    return False
