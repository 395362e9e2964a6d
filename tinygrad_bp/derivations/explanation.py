"""`explain` derives the gradients of a recorded graph; an `Explanation` holds what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_bp.derivations import latex, markdown, page, paths, plain
from tinygrad_bp.derivations.arrays import arrays
from tinygrad_bp.derivations.derivation import Deriving
from tinygrad_bp.derivations.records import Derivation
from tinygrad_bp.derivations.rerun import Rerun, compared, rerun
from tinygrad_bp.derivations.symbols import place_of, symbols
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import GraphError, ProgramError, TinygradError
from tinygrad_bp.view.picture.records import Section
from tinygrad_bp.view.reading.sheet import Sheet, sheet_of
from tinygrad_bp.view.reading.variables import of_caller, variables


class Explanation:
    """How a value was computed, and how its gradients follow, with the user's own names.

    Made by `explain`; ``print`` shows it as text, a notebook as a page.

    Parameters
    ----------
    sheet : Sheet
        What was recorded.
    wanted : list of int
        The values whose gradients are asked for.
    start : array
        The gradient by the result itself: ones.
    element : str or None
        Which element is followed.
    """

    def __init__(self, sheet: Sheet, wanted: list[int], start: Any, element: Any) -> None:
        self._sheet, self._wanted, self._start = sheet, wanted, start
        deriving = self._deriving = Deriving(sheet, wanted)
        self._symbols = deriving.symbols
        self.derivation: Derivation = deriving.derivation(start)
        if element is not None:
            at = paths.element_of(sheet, self._symbols, element)
            found = paths.element(
                sheet, self._symbols, deriving.rows, deriving.formulas.folded, at, start
            )
            self.derivation = replace(self.derivation, element=found)

    def __str__(self) -> str:
        return plain.written(self.derivation)

    def __repr__(self) -> str:
        found = self.derivation
        return f"<Explanation: {len(found.forward)} lines forward, {len(found.steps)} steps back>"

    @cached_property
    def values(self) -> dict[str, Any]:
        """The arrays that the formulas speak of, by the names that they have there.

        ``values["z1"]`` is a value, ``values["dz1"]`` the gradient by it, and where a value is used
        more than once ``values["dz1⁽²⁾"]`` is what the second use sends back.
        """
        return arrays(self._deriving, self._start)

    def to_markdown(self) -> str:
        """Return the derivation in Markdown, with formulas in LaTeX between dollars."""
        return markdown.written(self.derivation)

    def to_latex(self) -> str:
        """Return the derivation as a LaTeX document."""
        return latex.written(self.derivation)

    def to_html(self) -> str:
        """Return the derivation as one page with MathML, which asks no network for anything."""
        return page.page(self.derivation, self._source())

    def section(self) -> Section:
        """Return the derivation as a section of the explorer, for `GraphView.to_html`."""
        return page.section(self.derivation, self._source())

    def _repr_html_(self) -> str:
        return page.notebook(self.derivation)

    def _source(self) -> str:
        """Return the source, or nothing where there is none."""
        try:
            return self.numpy()
        except TinygradError:
            return ""

    @cached_property
    def _rerun(self) -> Rerun:
        return rerun(self._sheet, self._symbols, self._wanted, self._start)

    def numpy(self) -> str:
        """Return the forward and the backward pass as a Python module that needs NumPy alone.

        Returns
        -------
        str
            One function of the leaves and the arrays of the graph, which returns the value and the
            gradients.

        Raises
        ------
        GraphError
            If an array of the graph is not known any more.
        TraceError
            If the computation looks at values.
        """
        return self._rerun.source

    def check(self) -> dict[str, float]:
        """Run the source that `numpy` gives, and compare it with what the engine found.

        Returns
        -------
        dict of str to float
            Of the value and of each gradient, the largest difference, in units of the largest
            element; of a gradient that is rounding alone, of the largest of all gradients.

        Raises
        ------
        ProgramError
            If they differ by more than rounding.
        """
        found, bound = compared(self._rerun)
        wrong = [label for label, apart in found.items() if not apart <= bound]
        if wrong:
            raise ProgramError(f"explain: the source gives another {', '.join(wrong)}")
        return found


@answers
def explain(
    out: Tensor,
    wrt: Any = None,
    element: str | None = None,
    *,
    names: Mapping[str, Any] | None = None,
) -> Explanation:
    """Derive the gradients of a recorded graph, step by step, with the user's own names.

    Parameters
    ----------
    out : Tensor
        What was computed: a loss, or what a layer gives.  Of one that is no scalar, the gradient of
        the sum of its elements is derived.
    wrt : Tensor or name, or a list of them, optional
        What the gradients are by; all leaves by default.
    element : str, optional
        One element to look at, ``"W3[2,0]"``: the sum that is its gradient, term by term, and the
        paths that lead from it to `out`.
    names : mapping of str to Tensor or array, optional
        What to call Tensors that have no name, and arrays; by default the variables that the caller
        has.  Dicts, lists and modules among them are looked into.

    Returns
    -------
    Explanation

    Raises
    ------
    GraphError
        If `out` tracks nothing, `wrt` is not in its graph, or `element` is none of it.

    Notes
    -----
    The formulas are what the code of the rules does, run on values that have a name and no number.
    Time is about that of a backward pass, and a millisecond for each operation.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> loss = np.sum(np.sin(x))
    >>> print(tg.explain(loss))
    How loss was computed, and where its gradients come from
    ...
        dx = dv1 ⊙ cos(x)                           2
    ...
    """
    if not isinstance(out, Tensor) or out.node is None:
        what = type(out).__name__ if not isinstance(out, Tensor) else "a Tensor that tracks nothing"
        raise GraphError(
            f"explain: expected a Tensor with a graph, got {what}; compute it from a Tensor made"
            " with requires_grad=True, outside of tg.no_grad(), and without .detach()"
        )
    scopes = of_caller() if names is None else [dict(names)]
    start = np.ones(out.shape, out.dtype)[()]
    sheet = _sheet(out, start, scopes)
    return Explanation(sheet, _wanted(sheet, wrt), start, element)


def _sheet(out: Tensor, start: Any, scopes: Sequence[Mapping[str, Any]]) -> Sheet:
    """Read the graph, with the names of variables for what has none of its own."""
    root: Any = out.node
    parameters: dict[str, Tensor] = {}
    data: dict[str, Any] = {}
    for name, one in variables(scopes, [root]).items():
        if isinstance(one, Tensor) and one.node is not None:
            if one.node.name is None:
                parameters[name] = one
        else:
            data[name] = one
    sheet = sheet_of(out, parameters, data, cotangent=start, values=True)
    if sheet.recorded.foreign is not None:
        raise GraphError(
            f"explain: the graph holds a {sheet.recorded.foreign}, which it does not compute;"
            " explain the same computation of a few rows as NumPy arrays"
        )
    return sheet


def _wanted(sheet: Sheet, wrt: Any) -> list[int]:
    """Return the places of what gradients are asked by.

    Raises
    ------
    GraphError
        If something is no value of the graph, or the result does not depend on it.
    """
    entries = sheet.recorded.entries
    if wrt is None:
        return [p for p, entry in enumerate(entries) if isinstance(entry.node, Leaf)]
    found: list[int] = []
    for one in flatten(wrt)[0]:
        if isinstance(one, str):
            place = place_of(sheet, symbols(sheet), one, "wrt")
        elif isinstance(one, Tensor) and one.node in sheet.recorded.places:
            place = sheet.recorded.places[one.node]
        else:
            what = f"the Tensor {one.name!r:.40}" if isinstance(one, Tensor) else repr(one)[:60]
            raise GraphError(
                f"explain: wrt: {what} is not in the graph of the result; give Tensors that it was"
                " computed from, or their names"
            )
        if entries[place].node is None:
            raise GraphError(
                f"explain: wrt: {one!r:.60} tracks nothing, so there is no gradient by it; make it"
                " with requires_grad=True"
            )
        found.append(place)
    return found
