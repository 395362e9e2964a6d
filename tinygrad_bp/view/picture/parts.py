"""The scopes of a picture as nested parts, for renderers that draw boxes around them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.records import Picture


@dataclass
class Part:
    """A box: what is directly in it, and the boxes inside."""

    title: str
    nodes: list[int] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


def parts(view: Picture) -> Part:
    """Return the scopes of the nodes of a picture as a tree; the root has no title.

    A scope that holds nothing but one scope is joined with it, and so is its title.  One that holds
    a single operation needs no box: the names of its parameters say as much.
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
        lone = [
            inner
            for inner in part.parts
            if not inner.parts
            and sum(not KINDS[view.nodes[place].kind].is_source for place in inner.nodes) < 2
        ]
        part.nodes += [place for inner in lone for place in inner.nodes]
        part.parts = [inner for inner in part.parts if inner not in lone]
    return root
