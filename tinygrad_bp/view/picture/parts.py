"""The scopes of a picture as nested parts, for renderers that draw boxes around them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.records import NUMBERED, Picture


@dataclass
class Part:
    """A box: what is directly in it, and the boxes inside."""

    title: str
    nodes: list[int] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


def parts(view: Picture) -> Part:
    """Return the scopes of the nodes of a picture as a tree; the root has no title.

    A scope that holds nothing but one scope is joined with it, and so is its title.  A layer that
    is used at several places is a part at each.  One that holds a single operation needs no box:
    the names of its parameters say as much.
    """
    root = Part("")
    found: dict[tuple[str, ...], Part] = {(): root}
    for node in view.nodes:
        for depth in range(1, len(node.scope) + 1):
            path = node.scope[:depth]
            if path not in found:
                found[path] = Part(path[-1])
                found[path[:-1]].parts.append(found[path])
        found[node.scope].nodes.append(node.id)
    for path in sorted(found, key=len, reverse=True):
        part = found[path]
        while path and not part.nodes and len(part.parts) == 1:
            (inner,) = part.parts
            part.title = f"{part.title} / {inner.title}"
            part.nodes, part.parts = inner.nodes, inner.parts
        for inner in [one for one in part.parts if not one.parts]:
            _split(view, part, inner)
        lone = [
            inner
            for inner in part.parts
            if not inner.parts
            and sum(not KINDS[view.nodes[place].kind].is_source for place in inner.nodes) < 2
        ]
        part.nodes += [place for inner in lone for place in inner.nodes]
        part.parts = [inner for inner in part.parts if inner not in lone]
    return root


def _split(view: Picture, around: Part, part: Part) -> None:
    """Split a layer into the pieces that no value joins; what several of them read stays around."""
    title = NUMBERED.sub("", part.title)
    piece = {i: i for i in part.nodes if not KINDS[view.nodes[i].kind].is_source}

    def first(i: int) -> int:
        while piece[i] != i:
            piece[i] = i = piece[piece[i]]
        return i

    own = {*part.nodes}
    inside = [edge for edge in view.edges if edge.target in piece and edge.source in own]
    for edge in inside:
        if edge.source in piece:
            piece[first(edge.target)] = first(edge.source)
    piece = {i: first(i) for i in piece}
    pieces = {one: Part(part.title) for one in piece.values()}
    if len(pieces) < 2:
        return
    reads: dict[int, set[int]] = {}
    for edge in inside:
        if edge.source not in piece:
            reads.setdefault(edge.source, set()).add(piece[edge.target])
    named = [i for i in reads if (view.nodes[i].name or "").rpartition(".")[0] == title]
    if {one for i in named for one in reads[i]} != {*pieces}:
        return  # a scope of the user's, not a layer that its parameters tell
    for i in part.nodes:
        of = {piece[i]} if i in piece else reads.get(i, set())
        (pieces[of.pop()] if len(of) == 1 else around).nodes.append(i)
    place = around.parts.index(part)
    around.parts[place : place + 1] = pieces.values()
