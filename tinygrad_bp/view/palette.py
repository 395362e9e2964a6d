"""How each kind of node looks: an outline and a colour of its own, in light and in dark.

The borders are of Okabe & Ito (2008), "Color Universal Design", told apart with any colour vision.
Fills are tints of them: light enough for black text, or dark enough for white.  Each kind has its
own outline too, for print in grey.
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """Colours of one kind of node, its outline in DOT and in Mermaid, and its word in a legend."""

    border: str
    fill: str
    dark_border: str
    dark_fill: str
    outline: str
    word: str


LOOKS: dict[str, Look] = {
    "leaf": Look("#0072B2", "#D6E9F5", "#56B4E9", "#0B2E45", "note", "leaf"),
    "parameter": Look("#009E73", "#D4EFE6", "#2CC79B", "#073629", "box", "parameter"),
    "data": Look("#B07A00", "#FBEBC8", "#E69F00", "#3F2D04", "cylinder", "data"),
    "constant": Look("#7A7A7A", "#F0F0F0", "#9A9A9A", "#262626", "plain", "constant"),
    "op": Look("#595959", "#FFFFFF", "#B0B0B0", "#1B1F24", "ellipse", "operation"),
    "output": Look("#D55E00", "#FCE3D2", "#FF8A3D", "#47210A", "doubleoctagon", "result"),
    "cotangent": Look("#A3527F", "#F6E1EC", "#E29ABF", "#43192F", "hexagon", "cotangent"),
    "failed": Look("#000000", "#F0E442", "#F0E442", "#4A4500", "octagon", "failed"),
    "scope": Look("#3F5B73", "#E4EAF0", "#9DB7CE", "#202D38", "folder", "folded part"),
}
EDGE, DARK_EDGE = "#595959", "#A8B0B8"
TEXT, DARK_TEXT = "#111111", "#F2F2F2"
PAPER, DARK_PAPER = "#FFFFFF", "#14181D"
FONT = "Helvetica,Arial,sans-serif"


def svg_style(shape: str = "> path, > polygon, > ellipse, > polyline") -> str:
    """Return the CSS that turns a drawing dark where the reader's screen is dark."""
    shapes = [part.strip() for part in shape.split(",")]
    rules = [f"text{{fill:{DARK_TEXT}}}", f".edge path{{stroke:{DARK_EDGE}}}"]
    rules.append(f".edge polygon{{stroke:{DARK_EDGE};fill:{DARK_EDGE}}}")
    around = f"stroke:{DARK_PAPER};stroke-width:3px;paint-order:stroke"  # behind, not over
    rules.append(f".edge text{{fill:{DARK_EDGE};{around}}}.cluster text{{fill:{DARK_EDGE}}}")
    rules.append(f".paper,.graph > polygon{{fill:{DARK_PAPER};stroke:none}}")
    rules.append(f".cluster polygon,.cluster path{{fill:none;stroke:{DARK_EDGE}}}")
    for kind, look in LOOKS.items():
        where = ",".join(f".{kind} {part}" for part in shapes)
        rules.append(f"{where}{{stroke:{look.dark_border};fill:{look.dark_fill}}}")
    # Graphviz draws the second ring of a result, and a cylinder's lid, without a fill
    rules.append(
        "".join(f'g {part.lstrip("> ")}[fill="none"]{{fill:none!important}}' for part in shapes)
    )
    return f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}"
