"""A `Picture` as a Mermaid flowchart: text that Markdown hosts draw."""

from __future__ import annotations

from collections.abc import Iterator

from tinygrad_bp.formulas.printing import printable, shortened
from tinygrad_bp.view.layout.layering import direction
from tinygrad_bp.view.picture import palette
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.labels import edge_labels
from tinygrad_bp.view.picture.parts import Part, parts
from tinygrad_bp.view.picture.records import Picture
from tinygrad_bp.view.picture.tags import Tagged, tagged

PLAIN = frozenset(" .,_=+·×…")  # besides letters and digits; all else is written as its number


def source(view: Picture) -> str:
    """Return `view` as a Mermaid flowchart."""
    drawn = tagged(view)
    view = drawn.view
    text = [f"flowchart {direction(view)}", *_part_lines(drawn, parts(view), [0], "  ")]
    for edge, label in zip(view.edges, edge_labels(view), strict=True):
        dashed = view.nodes[edge.source].phase != view.nodes[edge.target].phase
        arrow = "-.->" if dashed else "==>" if edge.loop else "-->"
        said = f'|"{as_text(label)}"|' if label and not dashed else ""
        text.append(f"  n{edge.source} {arrow}{said} n{edge.target}")
    for kind in sorted({node.kind for node in view.nodes}):
        look = KINDS[kind]
        dash = ",stroke-dasharray:4 3" if look.dashed else ""
        text.append(
            f"  classDef {kind} fill:{look.fill},stroke:{look.border},color:{palette.TEXT}{dash}"
        )
    return "\n".join(text) + "\n"


def _part_lines(drawn: Tagged, part: Part, count: list[int], indent: str) -> Iterator[str]:
    for place in part.nodes:
        node = drawn.view.nodes[place]
        opening, closing = KINDS[node.kind].brackets
        label = "<br/>".join(as_text(line) for line in drawn.lines(node))
        yield f'{indent}n{node.id}{opening}"{label}"{closing}:::{node.kind}'
    for inner in part.parts:
        count[0] += 1
        yield f'{indent}subgraph s{count[0]}["{as_text(shortened(inner.title))}"]'
        yield from _part_lines(drawn, inner, count, f"{indent}  ")
        yield f"{indent}end"


def as_text(line: str) -> str:
    """Return a text as Mermaid shows it: what could be syntax, markup or Markdown by its number."""
    return "".join(c if c.isalnum() or c in PLAIN else f"#{ord(c)};" for c in printable(line))
