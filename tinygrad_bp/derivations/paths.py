"""Where the gradient by one element comes from: terms, paths, and a finite difference.

The graph of elements is followed up from one element only: a tangent that is 1 there and 0
elsewhere is pushed through one node after the other, which tells what it moves, and how much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any

import numpy as np

from tinygrad_bp.derivations.records import Element, Path, Term
from tinygrad_bp.derivations.symbols import place_of
from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.engine.push import push_forward
from tinygrad_bp.errors import GraphError
from tinygrad_bp.programs.calling import quiet
from tinygrad_bp.view.reading.checking import difference
from tinygrad_bp.view.reading.sheet import Sheet

TERMS = 12  # terms of the sum that are shown
PATHS = 6  # paths that are shown
WORK = 20_000_000  # elements that following one may compute
LINKS = 400_000  # and links between elements that it may find
TOO_MANY = "It moves too many elements to follow each: the terms and the paths are left out."
SEVERAL = (
    "It goes through a function that takes or gives several arrays at once, where single elements"
    " are not followed: the terms and the paths are left out."
)
EXACT = 1e-9  # of the largest path: what adding them up in another order may change in float64
ROUNDED = 16  # epsilons of a narrower dtype, likewise

ELEMENT = re.compile(r"(.+?)\s*\[([-\d,\s]*)\]", re.DOTALL)

Place = tuple[int, int]  # of an entry, and of an element in it


@dataclass
class Links:
    """What one element moves, directly and over others: a graph of elements.

    Attributes
    ----------
    up : dict of place to list of (place, slope)
        What each element moves directly.
    order : list of place
        Each after those that it is made of.
    """

    up: dict[Place, list[tuple[Place, float]]] = field(default_factory=dict)
    order: list[Place] = field(default_factory=list)


def element_of(sheet: Sheet, symbols: Sequence[str], text: str) -> Place:
    """Return the place of ``W3[2,0]``: of the entry, and of the element in its flat array.

    Raises
    ------
    GraphError
        If there is none.
    """
    match = ELEMENT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        for place, entry in enumerate(sheet.recorded.entries):
            if not entry.shape and text in (symbols[place], sheet.names[place]) and text:
                return place, 0  # a number is its only element
        raise GraphError(
            f"explain: element={text!r:.60} is no element; write its name and its index, such as"
            " element='W3[2,0]'"
        )
    place = place_of(sheet, symbols, match[1], "element")
    shape = sheet.recorded.entries[place].shape
    parts = [part.strip() for part in match[2].split(",") if part.strip()]
    try:
        index = tuple(int(part) for part in parts)
        inside = [i + n if i < 0 else i for i, n in zip(index, shape, strict=True)]
        flat = int(np.ravel_multi_index(tuple(inside), shape)) if shape else 0
    except ValueError as error:
        raise GraphError(
            f"explain: element={text!r:.60}: {match[1]!r:.40} has the shape {shape}; give one index"
            f" for each of its {len(shape)} axes, inside of it"
        ) from error
    return place, flat


def name_of(symbols: Sequence[str], sheet: Sheet, at: Place) -> str:
    """Return what to call an element."""
    place, flat = at
    shape = sheet.recorded.entries[place].shape
    if not shape:
        return symbols[place]
    index = ",".join(str(int(i)) for i in np.unravel_index(flat, shape))
    return f"{symbols[place]}[{index}]"


def element(
    sheet: Sheet,
    symbols: Sequence[str],
    rows: Mapping[int, int],
    folded: Mapping[int, int],
    at: Place,
    start: Any,
) -> Element:
    """Return where the gradient by an element comes from.

    Parameters
    ----------
    sheet : Sheet
    symbols : sequence of str
        What the entries are called.
    rows : mapping of int to int
        The entries that have a row for each sample.
    folded : mapping of int to int
        Entries that stand for the one that uses them, whose gradient is the same.
    at : place
    start : array
        The gradient that the walk back begins with.
    """
    recorded = sheet.recorded
    place, flat = at
    node = _followed(sheet, symbols[place], place)
    ct = recorded.cotangents.get(node)
    gradient = 0.0 if ct is None else float(np.ravel(ct)[flat])
    value = recorded.values.get(node)
    (root,) = recorded.roots
    end = recorded.places[root]
    links, note = _Following(sheet, folded, end).links(at)
    totals, counts, best = _summed(links, end, np.ravel(start))
    terms = [] if note else list(_terms(sheet, symbols, rows, links, totals, at))
    terms.sort(key=lambda term: -abs(term.product))
    shown = sorted(terms[:TERMS], key=lambda t: (t.sample is None, t.sample, t.through))
    paths = [] if note else _paths(sheet, symbols, best.get(at, []))
    total = gradient if note else totals.get(at, 0.0)
    notes = [note] if note else []
    scale = max([abs(gradient), *(abs(t.product) for t in terms)])
    coarse = max(float(np.finfo(one.dtype).eps) for one in (node, root))
    if not note and abs(total - gradient) > max(EXACT, ROUNDED * coarse) * scale:
        notes.append(
            "The paths do not add up to the gradient: a rule on the way does not pass back the"
            " slope of its function, such as a hook or a derivative of your own."
        )
    return Element(
        name_of(symbols, sheet, at), symbols[end],
        float("nan") if value is None else float(np.ravel(value)[flat]),
        gradient, tuple(shown), len(terms) - len(shown), sum(t.product for t in terms[TERMS:]),
        tuple(paths), counts.get(at, 0), total, difference(recorded, node, flat), tuple(notes),
    )  # fmt: skip


def _followed(sheet: Sheet, name: str, place: int) -> Any:
    """Return the node at a place, if its elements can be followed.

    Raises
    ------
    GraphError
        If it tracks nothing, or there are complex numbers.
    """
    node = sheet.recorded.entries[place].node
    if node is None:
        raise GraphError(
            f"explain: {name} tracks nothing, so there is no gradient by its elements;"
            " make it with requires_grad=True"
        )
    if any(one.dtype.kind == "c" for one in sheet.recorded.nodes):
        raise GraphError("explain: element= follows real numbers; this graph has complex ones")
    return node


class _Following:
    """Follows an element up to the result."""

    def __init__(self, sheet: Sheet, folded: Mapping[int, int], end: int) -> None:
        self.entries = sheet.recorded.entries
        self.folded, self.end = folded, end
        self.work = self.count = 0

    def links(self, at: Place) -> tuple[Links, str]:
        """Return what it moves; the second is why that was given up, if it was."""
        found = Links(order=[at])
        moved: dict[int, set[int]] = {at[0]: {at[1]}}
        for place in range(at[0] + 1, self.end + 1):
            node = self.entries[place].node
            if node is None or isinstance(node, Leaf):
                continue
            here: set[int] = set()
            for argument in dict.fromkeys(self.entries[place].arguments):
                sources = moved.get(argument)
                if not sources or self.entries[argument].node is None:
                    continue
                if node.dtype == object:
                    return found, SEVERAL
                steps = self._steps(place, argument, sources)
                if steps is None:
                    return found, TOO_MANY
                for source, target, slope in steps:
                    here.add(target)
                    one, other = self._standing(argument, source), self._standing(place, target)
                    if one != other:
                        found.up.setdefault(one, []).append((other, slope))
            if here:
                moved[place] = here
                if place not in self.folded:
                    found.order += [(place, k) for k in sorted(here)]
        return found, ""

    def _standing(self, place: int, element: int) -> Place:
        while place in self.folded:
            place = self.folded[place]
        return place, element

    def _steps(self, place: int, argument: int, sources: set[int]) -> list[Any] | None:
        """Return the links from one argument to a node; None where that is too much work."""
        node: Any = self.entries[place].node
        alone = node.rule.kind == "elementwise"
        self.work += node.size * (1 if alone else len(sources))
        if self.work > WORK or self.count > LINKS:
            return None
        found = list((self._everywhere if alone else self._one_by_one)(place, argument, sources))
        self.count += len(found)
        return found

    def _pushed(self, place: int, argument: int, tangent: Any) -> Any:
        node: Any = self.entries[place].node
        parent: Any = self.entries[argument].node
        with quiet():
            found = push_forward([node], {parent: tangent}, order=[node, parent])
        return np.ravel(found[node]) if node in found else np.zeros(node.size)

    def _one_by_one(
        self, place: int, argument: int, sources: set[int]
    ) -> Iterator[tuple[int, int, float]]:
        parent: Any = self.entries[argument].node
        for source in sorted(sources):
            tangent = np.zeros(parent.shape, parent.dtype)
            tangent.flat[source] = 1
            slopes = self._pushed(place, argument, tangent[()])
            for target in np.flatnonzero(slopes):
                yield source, int(target), float(slopes[target])

    def _everywhere(
        self, place: int, argument: int, sources: set[int]
    ) -> Iterator[tuple[int, int, float]]:
        """Push ones through a function that acts on each element alone."""
        parent: Any = self.entries[argument].node
        slopes = self._pushed(place, argument, np.ones(parent.shape, parent.dtype)[()])
        own = np.arange(parent.size).reshape(parent.shape)
        targets = np.ravel(np.broadcast_to(own, self.entries[place].shape)).tolist()
        for target, source in enumerate(targets):
            if source in sources and slopes[target] != 0:
                yield source, target, float(slopes[target])


Way = tuple[float, tuple[Place, ...], tuple[float, ...]]  # product, elements, slopes


def _summed(
    links: Links, end: int, start: Any
) -> tuple[dict[Place, float], dict[Place, int], dict[Place, list[Way]]]:
    """Return of each element: the sum of all paths from it, their number, and the largest."""
    totals: dict[Place, float] = {}
    counts: dict[Place, int] = {}
    best: dict[Place, list[Way]] = {}
    for own in reversed(links.order):
        if own[0] == end:
            weight = float(start[own[1]])
            totals[own], counts[own] = weight, 1
            best[own] = [(weight, (own,), ())]
            continue
        ways: list[Way] = []
        total, count = 0.0, 0
        for other, slope in links.up.get(own, ()):
            if other in totals:
                total += slope * totals[other]
                count += counts[other]
                ways += [
                    (slope * product, (own, *through), (slope, *slopes))
                    for product, through, slopes in best[other]
                ]
        if count:
            totals[own], counts[own] = total, count
            best[own] = nlargest(PATHS, ways, key=lambda way: abs(way[0]))
    return totals, counts, best


def _terms(
    sheet: Sheet, symbols: Sequence[str], rows: Mapping[int, int], links: Links,
    totals: dict[Place, float], at: Place,
) -> Iterator[Term]:  # fmt: skip
    """Yield the terms of the sum: what the element moves directly, times the gradient there."""
    for other, slope in links.up.get(at, ()):
        if other not in totals:
            continue
        place, flat = other
        entry = sheet.recorded.entries[place]
        ct = sheet.recorded.cotangents.get(entry.node)  # type: ignore[arg-type]  # not None: it was moved
        gradient = totals[other] if ct is None else float(np.ravel(ct)[flat])
        sample = flat // (entry.size // rows[place]) if place in rows else None
        yield Term(sample, name_of(symbols, sheet, other), slope, gradient, slope * gradient)


def _paths(sheet: Sheet, symbols: Sequence[str], ways: list[Way]) -> list[Path]:
    return [
        Path(tuple(name_of(symbols, sheet, one) for one in through), slopes, product)
        for product, through, slopes in ways
    ]
