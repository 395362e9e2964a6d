"""`GraphView`: a computation graph as plain data, apart from the Tensors and arrays that made it.

Every renderer reads a `GraphView` and nothing else.  It holds no array and no node, so that keeping
a picture does not keep a graph alive.  `docs/graphs.md` describes its JSON form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.view import json_form

if TYPE_CHECKING:
    from tinygrad_bp.view.training_frames import TrainingFrames

Kind = Literal[
    "leaf", "parameter", "data", "constant", "op", "output", "cotangent", "failed", "scope"
]
Phase = Literal["forward", "backward"]
Numbers = tuple[Any, ...]  # the elements of an array in C order


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
        The rule that was applied; ``"leaf"`` for a leaf, ``"constant"`` for an argument that tracks
        nothing.
    name : str or None
        What a user called it; at the scalar level the element, ``W3[0,2]``.
    shape : tuple of int
    dtype : str
    kind : str
        ``leaf``, ``parameter``, ``data``, ``constant``, ``op``, ``output``, ``cotangent``,
        ``failed`` (the operation that raised) or ``scope`` (a part that is folded).
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
    links : tuple, or None
        How each element of the result is made, in C order: a pair ``(products, terms)``.  A product
        ``(k, l)`` multiplies element k of the first argument by element l of the second; a term
        ``(position, k, slope)`` is element k of an argument, with the partial derivative by it.
        None if not asked for, or too many.
    is_sum : bool
        Whether an element is the sum of its products, and of its terms times their slopes.
    count : int
        How many nodes of the graph it stands for.
    note : str
        The message of an operation that failed.
    """

    id: int
    op: str
    name: str | None
    shape: Shape
    dtype: str
    kind: Kind
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
    count: int = 1
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
    """

    source: int
    target: int
    position: int
    argument: str | None = None
    contribution: Numbers | None = None


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


@dataclass(frozen=True, slots=True, repr=False)
class GraphView:
    """A computation graph as plain data; made by `graph`.

    Attributes
    ----------
    nodes : tuple of NodeView
        In topological order; ``nodes[i].id == i``.
    edges : tuple of EdgeView
        By target, then by position.
    level : {"tensor", "scalar"}
        Whether nodes are arrays or single numbers.
    notes : tuple of str
        What the picture leaves out, and why.
    checks : tuple of CheckView
    """

    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]
    level: str = "tensor"
    notes: tuple[str, ...] = ()
    checks: tuple[CheckView, ...] = ()

    def __repr__(self) -> str:
        return f"<GraphView: {len(self.nodes)} nodes, {len(self.edges)} edges, {self.level} level>"

    def to_dict(self) -> dict[str, Any]:
        """Return the picture as dicts, lists, texts and numbers alone; None for what is empty."""
        return json_form.written(self)

    @staticmethod
    def from_dict(found: Mapping[str, Any]) -> GraphView:
        """Return the picture that `to_dict` wrote.

        Parameters
        ----------
        found : mapping
            As `to_dict` gives it, or JSON of it.

        Returns
        -------
        GraphView

        Raises
        ------
        ValueError
            If the format or its version is another one.
        """
        return json_form.read(found)

    def to_json(self) -> str:
        """Return `to_dict` as JSON in ASCII; numbers that JSON lacks are texts: ``"nan"``."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def folded(self, depth: int | None = None) -> GraphView:
        """Return the picture with its parts folded.

        Parameters
        ----------
        depth : int, optional
            Scopes nested deeper than this are one node each; 0 folds all.  By default scopes stay
            open as deep as 150 nodes allow, and repeated blocks become one with a count.

        Returns
        -------
        GraphView
        """
        folding = import_module("tinygrad_bp.view.folding")
        view: GraphView = folding.folded(self, depth)
        return view

    def to_dot(self, *, force: bool = False) -> str:
        """Return the picture in Graphviz' DOT language; every label is plain text.

        A graph of more than 150 nodes is folded (see `folded`).

        Parameters
        ----------
        force : bool, default False
            Draw everything, unfolded, however large.

        Returns
        -------
        str

        Raises
        ------
        GraphTooLargeError
            If more than 1000 nodes are left to draw.
        """
        return _renderer("dot").source(_drawn(self, force=force))  # type: ignore[no-any-return]

    def to_svg(self, *, engine: str | None = None, force: bool = False) -> str:
        """Return the picture as an SVG document, for light screens and dark ones.

        Parameters
        ----------
        engine : {"dot", "wasi", "own"}, optional
            What lays it out: Graphviz' program ``dot``, the extra ``[render]``, or this package.
            By default the first of them that is there; a comment in the SVG says which.
        force : bool, default False
            As in `to_dot`.

        Returns
        -------
        str

        Raises
        ------
        RenderError
            If the engine is missing or fails, or needs longer than a minute.
        GraphTooLargeError
            As `to_dot` does.
        """
        drawn = _drawn(self, force=force)
        return _renderer("pictures").svg(drawn, engine)  # type: ignore[no-any-return]

    def to_mermaid(self, *, force: bool = False) -> str:
        """Return the picture as a Mermaid flowchart, which Markdown hosts draw.

        Parameters
        ----------
        force : bool, default False
            As in `to_dot`.

        Returns
        -------
        str

        Raises
        ------
        GraphTooLargeError
            As `to_dot` does.
        """
        return _renderer("mermaid").source(_drawn(self, force=force))  # type: ignore[no-any-return]

    def to_text(self, *, force: bool = False) -> str:
        """Return the picture as a tree for terminals, from the result to what it came from.

        Parameters
        ----------
        force : bool, default False
            As in `to_dot`.

        Returns
        -------
        str

        Raises
        ------
        GraphTooLargeError
            As `to_dot` does.
        """
        return _renderer("text_tree").source(_drawn(self, force=force))  # type: ignore[no-any-return]

    def to_html(self, frames: TrainingFrames | None = None) -> str:
        """Return the explorer: one page, without a network, to step through the computation.

        Parameters
        ----------
        frames : TrainingFrames, optional
            Steps of a training, which a slider goes through.

        Returns
        -------
        str
        """
        return _renderer("explorer").page(self, frames)  # type: ignore[no-any-return]

    def save(
        self, path: str | Path, *, frames: TrainingFrames | None = None, force: bool = False
    ) -> None:
        """Write the picture to a file; the suffix chooses the form.

        Parameters
        ----------
        path : str or Path
            Ends in ``.svg``, ``.png``, ``.pdf``, ``.dot``, ``.gv``, ``.json``, ``.mmd``, ``.txt``
            or ``.html``.
        frames : TrainingFrames, optional
            For ``.html``; see `to_html`.
        force : bool, default False
            As in `to_dot`.

        Raises
        ------
        ValueError
            For any other suffix.
        RenderError, GraphTooLargeError
            As `to_svg` does; nothing is written then.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        _renderer("pictures").save(self, path, frames, force=force)

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        """Show an SVG in a notebook, and a text tree elsewhere; never raise."""
        bundle: dict[str, str] = _renderer("pictures").mimebundle(self)
        return bundle


def _renderer(name: str) -> Any:
    return import_module(f"tinygrad_bp.view.{name}")  # now: most programs draw nothing


def _drawn(view: GraphView, *, force: bool) -> GraphView:
    drawn: GraphView = _renderer("folding").drawable(view, force=force)
    return drawn
