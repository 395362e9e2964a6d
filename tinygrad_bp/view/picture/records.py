"""A picture of a computation as plain data: nodes, edges, checks, statistics, numbers.

Every renderer reads a `Picture` and nothing else.  It holds no array and no node, so that keeping a
picture does not keep a graph alive.  `docs/graphs.md` describes its JSON form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tinygrad_bp.engine.shapes import Shape

Phase = Literal["forward", "backward"]
Numbers = tuple[Any, ...]  # the elements of an array in C order
NUMBERED = re.compile(r" \(\d+\)$")  # the number of one of several that are called alike


@dataclass(frozen=True, slots=True)
class Statistics:
    """The elements of a value in four numbers; those that are not finite are only counted.

    Attributes
    ----------
    low, high, mean, deviation : float
        Over the finite elements; of absolute values where the value is complex.
    not_finite : int
    """

    low: float
    high: float
    mean: float
    deviation: float
    not_finite: int = 0


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node of the picture.

    Attributes
    ----------
    id : int
        Place in the topological order: every node comes after those it depends on.
    op : str
        The rule that was applied; ``"leaf"`` for a leaf, the kind for an argument that tracks
        nothing.
    name : str or None
        What a user called it; at the scalar level the element, ``W3[0,2]``.
    shape : tuple of int
    dtype : str
    kind : str
        A row of `kinds.KINDS`.
    scope : tuple of str
        The parts that it belongs to, outermost first.
    phase : {"forward", "backward"}
    value, cotangent : tuple of numbers, or None
        All elements in C order; None if unknown, not asked for, or too many.
    statistics : Statistics or None
        Of the value.
    detail : str
        The settings of the operation: ``axis=0``.
    words, formula, tex : str
        What the rule does, and its formula in plain text and in TeX.
    pulls : tuple of str
        For each argument the formula of its part of the cotangent.  Here and in `formula`, ``{0}``,
        ``{1}`` stand for the arguments, ``{out}`` and ``{ct}`` for the result and its cotangent.
        Empty for an argument that tracks nothing.
    links : tuple, or None
        How each element of the result is made, in C order: a pair ``(products, terms)``.  A product
        ``(k, l)`` multiplies element k of the first argument by element l of the second; a term
        ``(position, k, slope)`` is element k of an argument, with the partial derivative by it.
        None if not asked for, or too many.
    is_sum : bool
        Whether an element is the sum of its products, and of its terms times their slopes.
    commutes : bool
        Whether the order of its arguments says nothing.
    count : int
        How many nodes of the graph it stands for.
    times : int
        How often the block runs that it belongs to, and that is drawn once.
    value_of, cotangent_of : int
        Over how many samples they are taken where the picture shows one sample; 1 of those that are
        this sample's own.
    note : str
        The message of an operation that failed, or why a value is not shown.
    """

    id: int
    op: str
    name: str | None
    shape: Shape
    dtype: str
    kind: str
    scope: tuple[str, ...] = ()
    phase: Phase = "forward"
    value: Numbers | None = None
    cotangent: Numbers | None = None
    statistics: Statistics | None = None
    detail: str = ""
    words: str = ""
    formula: str = ""
    tex: str = ""
    pulls: tuple[str, ...] = ()
    links: tuple[Any, ...] | None = None
    is_sum: bool = False
    commutes: bool = False
    count: int = 1
    times: int = 1
    value_of: int = 1
    cotangent_of: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True)
class EdgeView:
    """The value of one node used as an argument of another.

    Attributes
    ----------
    source, target : int
        Ids of nodes.
    position : int
        Which argument of the target's rule, from 0.
    argument : str or None
        What the rule calls it: ``"W"``; None where it has no names for its arguments.
    contribution : tuple of numbers, or None
        What this use adds to the source's cotangent; given where the source is used more than once.
    loop : int
        How many repetitions later the target is: 0 where both belong to the same one.
    of, to : str
        Which repetition of the source and of the target it is about: ``"first"``, ``"last"``,
        ``"each"``, ``"no. 3"``; "" where one repetition goes with the same one, or there is none.
    """

    source: int
    target: int
    position: int
    argument: str | None = None
    contribution: Numbers | None = None
    loop: int = 0
    of: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class CheckView:
    """The gradient of one leaf by finite differences of the recorded computation.

    Attributes
    ----------
    node : int
        Id of the leaf.
    differences : tuple of float
        Central differences, one an element.
    error : float
        Largest absolute difference from the cotangent.
    """

    node: int
    differences: Numbers
    error: float


@dataclass(frozen=True, slots=True)
class Picture:
    """What a `GraphView` holds; its attributes are described there."""

    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]
    level: str = "tensor"
    notes: tuple[str, ...] = ()
    checks: tuple[CheckView, ...] = ()
    unfold: tuple[str, ...] = ()
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the explorer's page that another package writes.

    Attributes
    ----------
    title : str
    markup, style : str
        HTML, in which every text is escaped already, and CSS for it.
    """

    title: str
    markup: str
    style: str


def part_of(view: Picture, ids: Iterable[int]) -> Picture:
    """Return the picture of some nodes, in their order, with the edges among them."""
    kept = set(ids)
    edges = [edge for edge in view.edges if edge.source in kept and edge.target in kept]
    return renumbered(view, [node for node in view.nodes if node.id in kept], edges)


def renumbered(view: Picture, nodes: Sequence[NodeView], edges: Iterable[EdgeView]) -> Picture:
    """Return the picture of these nodes and edges: ids become places, in order.

    Checks stay with their leaves, as long as these stand for themselves.
    """
    new = {node.id: place for place, node in enumerate(nodes)}
    placed = [_joining(one, new[one.source], new[one.target]) for one in edges]
    alone = {node.id for node in nodes if node.times == 1 and node.kind != "scope"}
    return replace(
        view,
        nodes=tuple(
            node if node.id == place else replace(node, id=place)
            for place, node in enumerate(nodes)
        ),
        edges=tuple(sorted(placed, key=lambda one: (one.target, one.position, one.source))),
        checks=tuple(replace(one, node=new[one.node]) for one in view.checks if one.node in alone),
    )


def _joining(edge: EdgeView, source: int, target: int) -> EdgeView:
    if (edge.source, edge.target) == (source, target):
        return edge
    return replace(edge, source=source, target=target)
