"""`GraphView`: a computation graph as plain data, apart from the Tensors and arrays that made it.

Every renderer reads a `GraphView` and nothing else, and a `GraphView` is read from the graph's
public traversal and nothing else.  It holds no array and no node, so that keeping a picture does
not keep a graph alive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tinygrad_bp.errors import GraphError
from tinygrad_bp.graph import Leaf, Node, ancestors
from tinygrad_bp.rules.table import Rule
from tinygrad_bp.shapes import Shape
from tinygrad_bp.tensor import Tensor
from tinygrad_bp.view import dot

FORMAT = "tinygrad_bp.graph"
VERSION = 1  # raised when a reader of version 1 could misread the JSON; new keys alone do not

Kind = Literal["leaf", "parameter", "op", "output"]


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node of the picture.

    Attributes
    ----------
    id : int
        Place in the topological order: 0 is drawn first, and every node comes after those it
        depends on.
    op : str
        The rule that was applied; ``"leaf"`` for a leaf.
    name : str or None
        What a user called it.
    shape : tuple of int
    dtype : str
    kind : {"leaf", "parameter", "op", "output"}
        Whether it was given, is trained, was computed, or is what was asked for.
    """

    id: int
    op: str
    name: str | None
    shape: Shape
    dtype: str
    kind: Kind


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
    """

    source: int
    target: int
    position: int
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class GraphView:
    """A computation graph as plain data; made by `graph`.

    Attributes
    ----------
    nodes : tuple of NodeView
        In topological order; ``nodes[i].id == i``.
    edges : tuple of EdgeView
        By target, then by position.
    """

    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the picture as dicts, lists, texts and integers alone."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "nodes": [
                {
                    "id": node.id,
                    "op": node.op,
                    "name": node.name,
                    "shape": list(node.shape),
                    "dtype": node.dtype,
                    "kind": node.kind,
                }
                for node in self.nodes
            ],
            "edges": [
                {
                    "source": edge.source,
                    "target": edge.target,
                    "position": edge.position,
                    "argument": edge.argument,
                }
                for edge in self.edges
            ],
        }

    def to_json(self) -> str:
        """Return `to_dict` as JSON in ASCII."""
        return json.dumps(self.to_dict())

    def to_dot(self) -> str:
        """Return the picture in Graphviz' DOT language; every label is plain text."""
        return dot.source(self)

    def to_svg(self) -> str:
        """Return the picture as an SVG document, laid out by Graphviz' program ``dot``.

        Raises
        ------
        RenderError
            If there is no ``dot``, or it fails, or needs longer than `dot.TIMEOUT` seconds.
        """
        return dot.svg(self.to_dot())

    def save(self, path: str | Path) -> None:
        """Write the picture to a file; the suffix chooses the form.

        Parameters
        ----------
        path : str or Path
            Ends in ``.svg``, ``.dot``, ``.gv`` or ``.json``.

        Raises
        ------
        ValueError
            For any other suffix.
        RenderError
            As `to_svg` does; nothing is written then.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        forms = {
            ".svg": self.to_svg,
            ".dot": self.to_dot,
            ".gv": self.to_dot,
            ".json": self.to_json,
        }
        render = forms.get(path.suffix.lower())
        if render is None:
            raise ValueError(
                f"save: {path.name!r} ends in {path.suffix!r}; expected one of {', '.join(forms)}"
            )
        path.write_text(render(), encoding="utf-8", newline="\n")


def graph(out: Tensor, *, parameters: Mapping[str, Tensor] | None = None) -> GraphView:
    """Take a picture of the graph that `out` was computed by.

    Parameters
    ----------
    out : Tensor
        Tracks gradients.
    parameters : mapping of str to Tensor, optional
        The leaves that are trained, and what to call them; ``dict(model.named_parameters())``.

    Returns
    -------
    GraphView

    Raises
    ------
    GraphError
        If `out` tracks nothing, so that there is no graph.

    Notes
    -----
    Time O(n log n) in the number of nodes, whatever the depth.  Running the same program again
    gives the same ids.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> [node.op for node in tg.view.graph(np.sum(np.sin(x))).nodes]
    ['leaf', 'sin', 'sum']
    """
    root = out.node if isinstance(out, Tensor) else None
    if root is None:
        raise GraphError(
            "graph: nothing is tracked, so there is no graph to show; compute it from a Tensor made"
            " with requires_grad=True, outside tg.no_grad()"
        )
    trained = {tensor.node: name for name, tensor in (parameters or {}).items()}
    order = ancestors(root)
    order.reverse()  # creation order: each node after its parents
    ids = {node: place for place, node in enumerate(order)}
    nodes = tuple(_picture(node, ids[node], root, trained) for node in order)
    names: dict[str, Sequence[str | None]] = {}
    edges = []
    for node in order:
        parents = node.parents
        if parents and node.rule.name not in names:
            names[node.rule.name] = _argument_names(node.rule)
        for position, parent in enumerate(parents):
            if parent is not None:
                argument = names[node.rule.name][position]
                edges.append(EdgeView(ids[parent], ids[node], position, argument))
    return GraphView(nodes, tuple(edges))


def _argument_names(rule: Rule) -> Sequence[str | None]:
    """Return what the pulls of a rule call its arguments: they take ``ct, out, *arguments``."""
    count = len(rule.pulls)
    for pull in rule.pulls:
        code = getattr(pull, "__code__", None)
        if code is not None and code.co_argcount >= 2 + count:
            return [name.lstrip("_") for name in code.co_varnames[2 : 2 + count]]
    return [None] * count


def _picture(node: Node, place: int, root: Node, trained: Mapping[Node | None, str]) -> NodeView:
    kind: Kind
    if node in trained:
        kind = "parameter"
    elif isinstance(node, Leaf):
        kind = "leaf"
    else:
        kind = "output" if node is root else "op"
    name = trained.get(node, node.name)
    shape = tuple(int(length) for length in node.shape)
    return NodeView(place, node.rule.name, name, shape, str(node.dtype), kind)
