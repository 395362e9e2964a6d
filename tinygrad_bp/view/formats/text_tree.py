"""A `Picture` as a tree of text for terminals: the result on top, what it came from below."""

from __future__ import annotations

from tinygrad_bp.formulas.printing import printable
from tinygrad_bp.view.picture.labels import lines, repetition_text
from tinygrad_bp.view.picture.records import EdgeView, Picture


def source(view: Picture) -> str:
    """Return `view` as a text, one node a line.

    A node that is used more than once is written out where it is met first; elsewhere its number
    stands for it.
    """
    arguments: dict[int, list[EdgeView]] = {}
    used: dict[int, int] = {}
    for edge in view.edges:
        arguments.setdefault(edge.target, []).append(edge)
        used[edge.source] = used.get(edge.source, 0) + 1
    looped = {edge.source for edge in view.edges if edge.loop}
    nodes = {node.id: node for node in view.nodes}
    told: set[int] = set()
    labels = [printable("  ".join(lines(node, view.level))) for node in view.nodes]
    text = []
    ends = {edge.source for edge in view.edges if edge.source != edge.target}
    for root in reversed([node.id for node in view.nodes if node.id not in ends]):
        rest = [(root, "", "")]  # a stack: node, what leads to it, what stands under it
        while rest:
            place, lead, under = rest.pop()
            if place in told and place in arguments:  # met before, or in a loop
                text.append(f"{lead}{labels[place]}  (see #{place} above)")
                continue
            again = used.get(place, 0) > 1 or place in looped
            mark = f"  #{place}" if again and place in arguments else ""
            text.append(f"{lead}{labels[place]}{mark}")
            told.add(place)
            inner = arguments.get(place, [])
            for position in range(len(inner) - 1, -1, -1):
                last = position == len(inner) - 1
                branch, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
                edge = inner[position]
                which = repetition_text(edge, nodes)
                lead = f"{under}{branch}{which}: " if which else under + branch
                rest.append((edge.source, lead, under + below))
    text += [f"note: {printable(note)}" for note in view.notes]
    return "\n".join(text) + "\n"
