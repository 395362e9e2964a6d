"""What the page can unfold in place: a folded picture, and it again with one part of it open."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tinygrad_bp.view.picture.folding import (
    CALL,
    UNFOLD,
    blocks_of,
    comfortable,
    foldable,
    noted,
    opened,
)
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.records import NodeView, Picture, part_of
from tinygrad_bp.view.picture.repeats import block_of

DRAWN = 200  # nodes of a drawing; stepping through more is no way to understand them
PICTURES = 24  # that a page holds
NODES = 1200  # in all of them: about a megabyte
CLICK = "a click opens {1}"


@dataclass
class Unfolded:
    """A picture of the page.

    Attributes
    ----------
    picture : Picture
    opened : tuple of str
        What is open in it and folded in the first: a part, and what is inside of it.
    blocks : dict of str to int
        What can be opened here, and the number of the picture in which it is.
    at : int
        The node at which to go on after opening.
    """

    picture: Picture
    opened: tuple[str, ...] = ()
    blocks: dict[str, int] = field(default_factory=dict)
    at: int = 0


def unfoldings(view: Picture) -> list[Unfolded]:
    """Return the pictures of a page: of a large graph the folded one, then those with a part open.

    One part is open at a time, with what is open inside of it; those that come first, until there
    are 24 pictures, or 1200 nodes in them.
    """
    fits = DRAWN if view.is_folded else comfortable(view)
    if len(view.nodes) <= fits:
        return [Unfolded(view)]
    small, fold = foldable(view)
    small, always = opened(view, small, fold, view.unfold)
    if len(small.nodes) > DRAWN:
        return [Unfolded(_last(view, small))]
    found, count = [Unfolded(small)], len(small.nodes)
    for one in found:  # which grows
        for key in blocks_of(one.picture):
            if key in found[0].blocks and one.opened:
                one.blocks[key] = found[0].blocks[key]
                continue
            if len(found) == PICTURES:
                continue
            own = (*one.opened, key)
            picture = fold(always | {*own})
            size = len(picture.nodes)
            if size <= DRAWN and count + size <= NODES:
                one.blocks[key], count = len(found), count + size
                place = _begin(one.picture, picture, key)
                found.append(Unfolded(picture, own, {}, place))
    found[0].picture = noted(view, small, f"{CLICK}, as does {CALL}" if found[0].blocks else UNFOLD)
    for one in found[1:]:
        one.picture = noted(view, one.picture, CLICK)
    return found


def key_of(node: NodeView) -> str:
    """Return the key of the block that a node belongs to or stands for; "" if it is in none."""
    title = block_of(node)
    if title is not None:
        return title
    return "/".join((*node.scope, node.name or "")) if KINDS[node.kind].holds else ""


def _begin(before: Picture, after: Picture, key: str) -> int:
    """Return the first operation of a block that has been opened."""
    first = next(i for i, node in enumerate(before.nodes) if key_of(node) == key)
    ahead = sum(not KINDS[node.kind].is_source for node in before.nodes[:first])
    operations = [node.id for node in after.nodes if not KINDS[node.kind].is_source]
    return operations[min(ahead, len(operations) - 1)]


def _last(view: Picture, small: Picture) -> Picture:
    """Return the last nodes of a graph that cannot be folded, with a note."""
    count, why = len(view.nodes), ", and there are no scopes to fold"
    if view.unfold:
        count, why = len(small.nodes), ""
    told = f"{count} nodes are too many to step through{why}; the last {DRAWN} are shown"
    last = part_of(small, range(len(small.nodes) - DRAWN, len(small.nodes)))
    return replace(last, notes=(*view.notes, told))
