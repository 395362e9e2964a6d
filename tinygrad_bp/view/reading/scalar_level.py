"""The second zoom: the same computation with each element for a node, whole or around one node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.errors import GraphError
from tinygrad_bp.formulas.templates import element_template
from tinygrad_bp.view.picture.folding import GraphTooLargeError
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.plain_arrays import numbers
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Picture, part_of
from tinygrad_bp.view.reading.building import node_view
from tinygrad_bp.view.reading.element_links import Link, Links, Made, explained, renamed
from tinygrad_bp.view.reading.samples import over_samples, rows_of
from tinygrad_bp.view.reading.sheet import Sheet, entry_at
from tinygrad_bp.view.reading.words import argument_names

MOST = 20_000  # nodes of a scalar picture; it is built before it is cut down

Element = tuple[int, int]  # place of the entry, place in the flat array


def expanded(sheet: Sheet, level: str, focus: str | None, sample: int | None) -> Picture:
    """Return the picture at the scalar level, or with one node of the tensor level expanded.

    `level`, `focus` and `sample` are those of `graph`.
    """
    if sheet.recorded.foreign is not None:
        raise GraphError(
            "graph: the scalar level shows numbers, and the graph holds a"
            f" {sheet.recorded.foreign}; compute a few rows as a NumPy array first"
        )
    place, element = (None, None) if focus is None else _focus(sheet, focus)
    rows = rows_of(sheet, sample or 0)
    if element is not None and place in rows:
        sample = element // (sheet.recorded.entries[place].size // rows[place])
        rows = rows_of(sheet, sample)
    count = max(rows.values(), default=0)
    if sample and not 0 <= sample < count:
        told = f"the data have {count} rows" if count else "no data have a row for each sample"
        raise GraphError(f"graph: sample={sample} is out of range; {told}")
    drawing = _Drawing(sheet, rows, sample)
    if level == "tensor" and element is None and place is not None:
        return drawing.around(place)
    view = drawing.whole()
    if place is None:
        return view
    chosen = [node for (at, k), node in drawing.at.items()
              if at == place and element in (None, k)]  # fmt: skip
    return _cone(view, chosen)


def _focus(sheet: Sheet, focus: str) -> tuple[int, int | None]:
    """Return the place of an entry, and of its element if ``[i,j]`` follows."""
    if focus in sheet.names:  # a name may look like an element of another
        return entry_at(sheet, focus), None
    match = re.fullmatch(r"(.*)\[([\d,\s]*)\]", focus, re.DOTALL)
    if match is None:
        return entry_at(sheet, focus), None
    place = entry_at(sheet, match[1])
    shape = sheet.recorded.entries[place].shape
    index = tuple(int(part) for part in match[2].split(",") if part.strip())
    if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
        raise GraphError(f"graph: focus={focus!r:.60}: {match[1]!r:.40} has the shape {shape}")
    return place, int(np.ravel_multi_index(index, shape)) if shape else 0


class _Drawing:
    """The nodes and edges of a scalar picture while it is made."""

    def __init__(self, sheet: Sheet, rows: dict[int, int], sample: int | None) -> None:
        self.sheet, self.rows, self.sample = sheet, rows, sample
        self.entries = sheet.recorded.entries
        self.nodes: list[NodeView] = []
        self.edges: list[EdgeView] = []
        self.at: dict[Element, int] = {}
        self._counts = over_samples(sheet, rows if sample is not None else {})
        self._made: dict[Element, Made] = {}
        self._links: dict[int, Links] = {}
        self._views: dict[int, NodeView] = {}

    def whole(self) -> Picture:
        """Draw every element that the results depend on."""
        needed = self._needed(None)
        if any(count > 1 for count, _ in self._counts):
            needed = self._needed(self._of_sample(needed))
        for place, elements in enumerate(needed):
            for element in sorted(elements):
                self._draw(place, element)
        return self._view("scalar")

    def _needed(self, chosen: set[Element] | None) -> list[set[int]]:
        """Return which elements are drawn of each entry: what the results are computed from.

        Of those that were computed from all samples only what is `chosen`, if that is given.
        """
        needed: list[set[int]] = [set() for _ in self.entries]
        for root in self.sheet.recorded.roots:
            place = self.sheet.recorded.places[root]
            needed[place] |= self._drawn(place, range(self.entries[place].size))
        for place in range(len(self.entries) - 1, -1, -1):
            for element in needed[place]:
                for link in self._terms(place, element):
                    argument = self._argument(place, link)
                    is_own = self._counts[argument][0] == 1
                    if chosen is None or is_own or (argument, link.element) in chosen:
                        needed[argument] |= self._drawn(argument, [link.element])
            if sum(map(len, needed)) > MOST:
                raise GraphTooLargeError(
                    f"graph: the scalar level has more than {MOST} nodes; look at one element with"
                    " focus='name[0,0]', or at fewer layers"
                )
        return needed

    def _of_sample(self, needed: Sequence[set[int]]) -> set[Element]:
        """Return the elements that depend on the sample."""
        found: set[Element] = set()
        for place, elements in enumerate(needed):
            for element in elements:
                links = ((self._argument(place, k), k.element) for k in self._terms(place, element))
                if place in self.rows or not found.isdisjoint(links):
                    found.add((place, element))
        return found

    def around(self, place: int) -> Picture:
        """Draw one entry by its elements, and the others whole."""
        ids: dict[int, int] = {}
        for other, entry in enumerate(self.entries):
            if other == place:
                size = range(self.entries[place].size)
                for element in sorted(self._drawn(place, size)):
                    self._draw(place, element, whole=ids)
                continue
            ids[other] = len(self.nodes)
            self.nodes.append(self._over(other, node_view(self.sheet, other), id=ids[other]))
            for position, argument in enumerate(entry.arguments):
                if argument == place:
                    for (_, element), node in list(self.at.items()):
                        name = _index(self.entries[place].shape, element) or None
                        self.edges.append(EdgeView(node, ids[other], position, name))
                else:
                    name = argument_names(entry.node.rule)[position] if entry.node else None
                    self.edges.append(EdgeView(ids[argument], ids[other], position, name))
        scope = "/".join(self.sheet.scopes[place])  # what is looked at is not folded away
        return replace(self._view("tensor"), unfold=(scope,) if scope else ())

    def _view(self, level: str) -> Picture:
        notes = list(self.sheet.recorded.notes)
        if self.sample is not None and self.rows:
            count = max(self.rows.values())
            notes.append(
                f"sample {self.sample} of {count} is drawn; a number that is taken over all of them"
                " says so"
            )
        return Picture(tuple(self.nodes), tuple(self.edges), level, tuple(notes))

    def _drawn(self, place: int, elements: Any) -> set[int]:
        """Return those elements that belong to the sample, all if there is none."""
        if self.sample is None or place not in self.rows:
            return set(elements)
        width = self.entries[place].size // self.rows[place]
        return {k for k in elements if k // width == self.sample}

    def _argument(self, place: int, link: Link) -> int:
        return self.entries[place].arguments[link.position]

    def _terms(self, place: int, element: int) -> list[Link]:
        made = self._making(place, element)
        return [*made.terms, *(link for pair in made.pairs for link in pair)]

    def _making(self, place: int, element: int) -> Made:
        entry = self.entries[place]
        if entry.node is None or isinstance(entry.node, Leaf):
            return Made(())
        found = self._made.get((place, element))
        if found is None:
            if place not in self._links:
                self._links[place] = Links(self.sheet.recorded, entry)
            found = self._made[place, element] = self._links[place].of(element)
        return found

    def _draw(self, place: int, element: int, whole: dict[int, int] | None = None) -> None:
        """Add the node of an element, after those of its products; an alias adds none.

        `whole` gives the nodes of the other entries where these are drawn whole.
        """
        made = self._making(place, element)
        if made.is_alias and whole is None and self._is_drawn(place, made.terms[0]):
            (link,) = made.terms
            self.at[place, element] = self.at[self._argument(place, link), link.element]
            return
        own = self._element_node(place, element)
        ct = own.cotangent[0] if own.cotangent else None
        sources: list[tuple[int, Any, str | None]] = []
        slopes: list[Any] = []
        for pair in made.pairs:
            if whole is None and not all(self._is_drawn(place, link) for link in pair):
                continue
            factors = [self._source(place, link, whole) for link in pair]
            if len(made.pairs) == 1 and not made.terms:  # no sum: the element is the product
                sources = [
                    (source, self._part(ct, link), name)
                    for (source, name), link in zip(factors, pair, strict=True)
                ]
                break
            product = len(self.nodes)
            self.nodes.append(_product(own, product, pair))
            for position, ((source, name), link) in enumerate(zip(factors, pair, strict=True)):
                part = self._part(ct, link)
                self.edges.append(EdgeView(source, product, position, name, part))
            sources.append((product, None, None))
            slopes.append(1.0)
        for link in made.terms:
            if whole is None and not self._is_drawn(place, link):
                continue
            source, name = self._source(place, link, whole)
            sources.append((source, self._part(ct, link), name))
            slopes.append(link.slope)
        self.at[place, element] = len(self.nodes)
        own = explained(own, made, slopes) if whole is None else renamed(own, made)
        self.nodes.append(replace(own, id=len(self.nodes)))
        for position, (source, part, name) in enumerate(sources):
            self.edges.append(EdgeView(source, self.at[place, element], position, name, part))

    def _source(
        self, place: int, link: Link, whole: dict[int, int] | None
    ) -> tuple[int, str | None]:
        argument = self._argument(place, link)
        if whole is None:
            return self.at[argument, link.element], None
        return whole[argument], _index(self.entries[argument].shape, link.element) or None

    def _is_drawn(self, place: int, link: Link) -> bool:
        """Return whether what a link leads to belongs to the sample."""
        return (self._argument(place, link), link.element) in self.at

    @staticmethod
    def _part(ct: Any, link: Link) -> Any:
        return None if ct is None or link.slope is None else numbers(ct * link.slope)

    def _over(self, place: int, node: NodeView, **fields: Any) -> NodeView:
        """Return a node that says over how many samples its numbers are taken."""
        value, cotangent = self._counts[place]
        return replace(node, value_of=value, cotangent_of=cotangent, **fields)

    def _view_of(self, place: int) -> NodeView:
        """Return an entry as its elements show it: their formulas are about numbers."""
        found = self._views.get(place)
        if found is None:
            found = node_view(self.sheet, place)
            node, recorded = self.entries[place].node, self.sheet.recorded
            pulls: tuple[str, ...] = ()
            if node is not None and node in recorded.cotangents and node in recorded.values:
                ct, out = recorded.cotangents[node], recorded.values[node]
                pulls = tuple(
                    whole and element_template(node, i, ct, out)  # "" of what tracks nothing
                    for i, whole in enumerate(found.pulls)
                )
                pulls = pulls if [*map(bool, pulls)] == [*map(bool, found.pulls)] else ()
            found = self._views[place] = replace(found, pulls=pulls)
        return found

    def _element_node(self, place: int, element: int) -> NodeView:
        view = self._view_of(place)
        index = _index(view.shape, element)
        recorded = self.sheet.recorded
        node = self.entries[place].node
        value = recorded.value(place)
        ct = None if node is None else recorded.cotangents.get(node)
        return self._over(
            place,
            view,
            name=f"{view.name}{index}" if view.name else None,
            shape=(),
            value=None if value is None else numbers(np.ravel(value)[element]),
            cotangent=None if ct is None else numbers(np.ravel(ct)[element]),
            statistics=None,
            detail="" if view.name or KINDS[view.kind].is_its_value else index,
            tex="",
        )


def _product(own: NodeView, place: int, pair: tuple[Link, Link]) -> NodeView:
    """Return the node of one product in a sum: its cotangent is the sum's."""
    left, right = pair
    node = NodeView(
        place, "multiply", None, (), own.dtype, "op", own.scope,
        value=numbers(left.slope * right.slope),  # each one's slope is the other's value
        cotangent=own.cotangent, cotangent_of=own.cotangent_of,
    )  # fmt: skip
    return explained(node, Made((), (pair,)), ())


def _index(shape: tuple[int, ...], element: int) -> str:
    if not shape:
        return ""
    return f"[{','.join(str(int(i)) for i in np.unravel_index(element, shape))}]"


def _cone(view: Picture, chosen: list[int]) -> Picture:
    """Return what the chosen nodes depend on and what depends on them."""
    if not chosen:
        raise GraphError("graph: the result does not depend on what focus names")
    above, below = set(chosen), set(chosen)
    for edge in view.edges:  # by target, so in topological order
        if edge.source in below:
            below.add(edge.target)
    for edge in reversed(view.edges):
        if edge.target in above:
            above.add(edge.source)
    # what is multiplied with the chosen is shown too; of a long sum only the terms that matter
    few: dict[int, list[int]] = {}
    for edge in view.edges:
        few.setdefault(edge.target, []).append(edge.source)
    beside = {k for node in below for k in few.get(node, []) if len(few[node]) <= 2}
    return part_of(view, above | below | beside)
