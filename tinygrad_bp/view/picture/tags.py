"""What is used again and again, such as shared weights: one node, and a small tag at other uses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.labels import lines
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Picture, renumbered

AGAIN = 4  # users from which on lines to all of them are harder to follow than a name


@dataclass(frozen=True)
class Tagged:
    """A picture as it is drawn: some of its leaves several times.

    Attributes
    ----------
    view : Picture
        With the tags among the nodes.
    ids : tuple of int
        For each node its id in the picture before; of a tag that of its leaf.
    tags : frozenset of int
        Ids of the tags.
    """

    view: Picture
    ids: tuple[int, ...]
    tags: frozenset[int]

    def lines(self, node: NodeView) -> list[str]:
        """Return the lines of a node's label; a tag has its name alone."""
        found = lines(node, self.view.level)
        return found[:1] if node.id in self.tags else found


def tagged(view: Picture) -> Tagged:
    """Return what to draw: leaves with four users or more at the first, and a tag at each other."""
    users: dict[int, list[int]] = {}
    for edge in view.edges:
        if KINDS[view.nodes[edge.source].kind].is_source:
            users.setdefault(edge.source, []).append(edge.target)
    often = {leaf for leaf, of in users.items() if len(set(of)) >= AGAIN}
    if not often:
        return Tagged(view, tuple(range(len(view.nodes))), frozenset())
    beside: dict[int, dict[int, NodeView]] = {}  # the tags at each user, by leaf
    edges: list[EdgeView] = []
    count = len(view.nodes)
    for edge in view.edges:
        leaf = edge.source
        if leaf in often and edge.target != min(users[leaf]):
            tags = beside.setdefault(edge.target, {})
            if leaf not in tags:
                tags[leaf] = replace(with_name(view.nodes[leaf]), id=count)
                count += 1
            edges.append(replace(edge, source=tags[leaf].id))
        else:
            edges.append(edge)
    nodes: list[NodeView] = []
    ids: list[int] = []
    tag_ids = set()
    for node in view.nodes:
        for leaf, tag in beside.get(node.id, {}).items():
            tag_ids.add(len(nodes))
            nodes.append(tag)
            ids.append(leaf)
        nodes.append(with_name(node) if node.id in often else node)
        ids.append(node.id)
    return Tagged(renumbered(view, nodes, edges), tuple(ids), frozenset(tag_ids))


def with_name(leaf: NodeView) -> NodeView:
    """Return a leaf with a name by which its tags can be told from others': a number is one."""
    if leaf.name or (KINDS[leaf.kind].is_its_value and leaf.value and not leaf.shape):
        return leaf
    return replace(leaf, name=f"{leaf.op}#{leaf.id}")
