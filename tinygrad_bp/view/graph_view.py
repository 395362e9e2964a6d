"""`graph` takes a picture of a recorded computation; `GraphView` is the picture with its forms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.files.atomic import atomic_write_bytes, atomic_write_text
from tinygrad_bp.view.explorer.training_frames import TrainingFrames
from tinygrad_bp.view.formats import dot, json_form, mermaid, pictures, text_tree
from tinygrad_bp.view.picture import folding
from tinygrad_bp.view.picture.records import Picture, Section
from tinygrad_bp.view.reading.backward_phase import with_cotangents
from tinygrad_bp.view.reading.building import pictured
from tinygrad_bp.view.reading.failure import failed
from tinygrad_bp.view.reading.scalar_level import expanded
from tinygrad_bp.view.reading.sheet import number_names, sheet_of
from tinygrad_bp.view.reading.variables import of_modules

PIXEL_FORMS = (".png", ".pdf")  # which the program dot paints
NOTEBOOK_NODES = 300  # a notebook shows no larger picture: dot would keep it waiting


@dataclass(frozen=True, slots=True, repr=False)
class GraphView(Picture):
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
    unfold : tuple of str
        What drawings leave open, of what they fold.
    is_folded : bool
        Whether `folded` has made it: it is drawn as it is.
    """

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
        return _faced(json_form.read(found))

    def to_json(self) -> str:
        """Return `to_dict` as JSON in ASCII; numbers that JSON lacks are texts: ``"nan"``."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def folded(
        self, depth: int | None = None, *, unfold: str | Iterable[str] | None = None
    ) -> GraphView:
        """Return the picture with its parts folded; it is drawn as it is.

        Parameters
        ----------
        depth : int, optional
            Scopes nested deeper than this are one node each; 0 folds all.  By default repeated
            blocks become one with a count, and scopes stay open as deep as 40 nodes allow (150 at
            the scalar level).
        unfold : str or iterable of str, optional
            What is left open all the same, as in `graph`; by default what was named there, unless
            `depth` is given.

        Returns
        -------
        GraphView

        Raises
        ------
        ValueError
            If no part is called so; the message says what is folded.
        """
        if unfold is None:
            unfold = self.unfold if depth is None else ()
        return _faced(folding.folded(self, depth, unfold))

    def to_dot(self, *, force: bool = False) -> str:
        """Return the picture in Graphviz' DOT language; every label is plain text.

        A graph of more than 40 nodes is folded (see `folded`), of elements one of more than 150.

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
        return dot.source(folding.drawable(self, force=force))

    def to_svg(
        self, *, engine: str | None = None, force: bool = False, width: int | None = None
    ) -> str:
        """Return the picture as an SVG document, for light screens and dark ones.

        Parameters
        ----------
        engine : {"dot", "own"}, optional
            What lays it out: Graphviz' program ``dot``, or this package.  By default ``dot``, and
            where it is not there, fails, or needs more than 2 seconds, more than 1.5 pages (A4) or
            the width of a page, this package; a comment in the SVG says which, and a note below
            why.
        force : bool, default False
            As in `to_dot`.
        width : int, optional
            Pixels across: 360 for a phone.  This package lays it out then, in rows that fit; only
            what does not fit even so is shrunk.

        Returns
        -------
        str

        Raises
        ------
        RenderError
            If the engine that was asked for is missing or fails, or needs longer than a minute.
        GraphTooLargeError
            As `to_dot` does.
        """
        return pictures.svg(folding.drawable(self, force=force), engine, width)

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
        return mermaid.source(folding.drawable(self, force=force))

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
        return text_tree.source(folding.drawable(self, force=force))

    def to_html(
        self,
        frames: TrainingFrames | None = None,
        *,
        focus: str | None = None,
        section: Section | None = None,
    ) -> str:
        """Return the explorer: one page, without a network, to step through the computation.

        Parameters
        ----------
        frames : TrainingFrames, optional
            Steps of a training, which a slider goes through.
        focus : str, optional
            Where the page opens: a value ``"W3"``, a gradient ``"dW3"``, or an element of either,
            ``"dW3[2,0]"``; in a folded part, which is open then.
        section : Section, optional
            What else the page shows: ``tg.explain(loss).section()`` is the derivation.

        Returns
        -------
        str

        Raises
        ------
        GraphError
            If nothing is called `focus`.
        """
        from tinygrad_bp.view import explorer

        return explorer.page(self, frames, focus, section)

    def save(
        self,
        path: str | Path,
        *,
        frames: TrainingFrames | None = None,
        force: bool = False,
        width: int | None = None,
    ) -> None:
        """Write the picture to a file, whole or not at all; the suffix chooses the form.

        Parameters
        ----------
        path : str or Path
            Ends in ``.svg``, ``.png``, ``.pdf``, ``.dot``, ``.gv``, ``.json``, ``.mmd``, ``.txt``
            or ``.html``.  Of ``.png`` and ``.pdf`` the layout is that of `to_svg`; ``dot`` paints.
        frames : TrainingFrames, optional
            For ``.html``; see `to_html`.
        force : bool, default False
            As in `to_dot`.
        width : int, optional
            As in `to_svg`, for ``.svg``, ``.png`` and ``.pdf``.

        Raises
        ------
        ValueError
            For any other suffix.
        RenderError, GraphTooLargeError
            As `to_svg` does; nothing is written then.
        OSError
            If the file cannot be written. The old file, if there is one, is intact.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if frames is not None and suffix != ".html":
            raise ValueError(f"save: {path.name!r} has no place for frames; they go into .html")
        if width is not None and suffix not in (".svg", *PIXEL_FORMS):
            raise ValueError(f"save: {path.name!r} has no width; .svg, .png and .pdf have one")
        forms: dict[str, Callable[[], str]] = {
            ".svg": lambda: self.to_svg(force=force, width=width),
            ".dot": lambda: self.to_dot(force=force),
            ".gv": lambda: self.to_dot(force=force),
            ".json": self.to_json,
            ".mmd": lambda: self.to_mermaid(force=force),
            ".txt": lambda: self.to_text(force=force),
            ".html": lambda: self.to_html(frames),
        }
        if suffix in PIXEL_FORMS:
            drawn = folding.drawable(self, force=force)
            atomic_write_bytes(path, pictures.pixels(drawn, suffix[1:], width))
        elif suffix in forms:
            atomic_write_text(path, forms[suffix]())
        else:
            known = f"expected one of {', '.join((*forms, *PIXEL_FORMS))}"
            raise ValueError(f"save: {path.name!r} ends in {path.suffix!r}; {known}")

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        """Show an SVG in a notebook, and a text tree elsewhere; never raise."""
        bundle = {"text/plain": repr(self)}
        with suppress(Exception):  # a display hook that raises would hide the result of the cell
            drawn = _faced(folding.drawable(self))
            bundle["text/plain"] = drawn.to_text()
            if len(drawn.nodes) <= NOTEBOOK_NODES:
                bundle["image/svg+xml"] = drawn.to_svg()
        return bundle


@answers
def graph(
    out: Any,
    *,
    parameters: Mapping[str, Tensor] | None = None,
    data: Mapping[str, Any] | None = None,
    level: str = "tensor",
    focus: str | int | None = None,
    sample: int | None = 0,
    phase: str = "forward",
    cotangent: Any = None,
    values: bool | None = None,
    unfold: str | Iterable[str] = (),
) -> GraphView:
    """Take a picture of the graph that `out` was computed by.

    Parameters
    ----------
    out : Tensor, nested container of Tensors, or exception
        Tracks gradients.  Of an exception: what was recorded up to the operation that raised it.
    parameters : mapping of str to Tensor, optional
        The leaves that are trained, and what to call them; ``dict(model.named_parameters())``.  By
        default those of the modules among the caller's variables.
    data : mapping of str to array or Tensor, optional
        What was given, and what to call it; found among constants by its value, as are its parts,
        ``"X[3]"``, and in indices.
    level : {"tensor", "scalar"}
        At the scalar level each element is a node.
    focus : str or int, optional
        A node by its name or id, ``"hidden2"``: drawn element by element among whole tensors; at
        the scalar level only what it depends on and what depends on it.  One element,
        ``"W3[0,2]"``, is looked at at the scalar level.
    sample : int or None, default 0
        The row of the data that the scalar level shows; None for all.
    phase : {"forward", "backward", "both"}
        Whether to draw the computation, the walk back through it, with cotangents for nodes, or
        both.
    cotangent : array, optional
        What the walk begins with at `out`; 1 for a scalar.
    values : bool, optional
        Whether to look for values, cotangents and statistics; by default up to 1000 nodes.
    unfold : str or iterable of str, optional
        What drawings leave open, of what they fold in a graph of more than 40 nodes: scopes by
        name, ``"decoder"``, or path, ``"network/decoder"``, with those around them; repeated blocks
        by the title of their box, ``"repeated ×20"`` or ``"repeated x20"``.  The note below a
        drawing says what was folded, and what it is called.

    Returns
    -------
    GraphView

    Raises
    ------
    GraphError
        If `out` tracks nothing, so that there is no graph, `focus` names nothing in it, or no data
        have a row for the `sample`.
    ValueError
        If these options do not go together: of the backward phase, and of an exception, there is
        the tensor level alone.  If no part is called as `unfold` says; the message says what is
        folded.

    Notes
    -----
    Time O(n log n) in the number of nodes, whatever the depth.  Values and cotangents cost about as
    much as the computation and a backward pass; ``values=False`` leaves them out.  Running the same
    program again gives the same ids.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> [node.op for node in tg.graph(np.sum(np.sin(x))).nodes]
    ['leaf', 'sin', 'sum']
    """
    if isinstance(out, BaseException):
        if (level, focus, phase) != ("tensor", None, "forward"):
            raise ValueError(
                "graph: of an exception the forward phase at the tensor level is drawn"
            )
        return _faced(folding.checked(failed(out, parameters, data), unfold))
    if parameters is None:
        parameters = of_modules(out)
    sheet = sheet_of(out, parameters, data, cotangent=cotangent, values=values)
    number_names(sheet)
    if phase not in ("forward", "backward", "both") or level not in ("tensor", "scalar"):
        raise ValueError(
            f"graph: level={level!r}, phase={phase!r}; expected level 'tensor' or 'scalar', phase"
            " 'forward', 'backward' or 'both'"
        )
    if level == "scalar" or focus is not None:
        if phase != "forward":
            raise ValueError(f"graph: phase={phase!r} is drawn at the tensor level, without focus")
        view = expanded(sheet, level, None if focus is None else str(focus), sample)
    else:
        view = pictured(sheet)
        if phase != "forward":
            view = with_cotangents(view, sheet, alone=phase == "backward")
    return _faced(folding.checked(view, unfold))


def _faced(picture: Picture) -> GraphView:
    return GraphView(*(getattr(picture, field.name) for field in fields(Picture)))
