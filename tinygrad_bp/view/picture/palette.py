"""Colours of what is no node, and how a drawing turns dark with the reader's screen."""

from __future__ import annotations

from tinygrad_bp.view.picture.kinds import KINDS

EDGE, DARK_EDGE = "#595959", "#A8B0B8"
LOOP, DARK_LOOP = "#B34700", "#FF8A3D"  # from one repetition of a block to the next
TEXT, DARK_TEXT = "#111111", "#F2F2F2"
PAPER, DARK_PAPER = "#FFFFFF", "#14181D"
FONT = "Helvetica,Arial,sans-serif"


def svg_style(shape: str = "> path, > polygon, > ellipse, > polyline") -> str:
    """Return the CSS that turns a drawing dark where the reader's screen is dark."""
    shapes = [part.strip() for part in shape.split(",")]
    rules = [f"text{{fill:{DARK_TEXT}}}", f".edge path{{stroke:{DARK_EDGE}}}"]
    rules.append(f".edge polygon{{stroke:{DARK_EDGE};fill:{DARK_EDGE}}}")
    around = f"stroke:{DARK_PAPER};stroke-width:3px;paint-order:stroke"  # behind, not over
    rules.append(f".loop path,.loop polygon{{stroke:{DARK_LOOP}}}")
    rules.append(f".note,.graph > text{{fill:{DARK_EDGE}}}")
    rules.append(f".edge text,.cluster text{{fill:{DARK_EDGE};{around}}}")
    rules.append(f".loop polygon,.loop text{{fill:{DARK_LOOP}}}")
    rules.append(f".paper,.graph > polygon{{fill:{DARK_PAPER};stroke:none}}")
    rules.append(f".cluster polygon,.cluster path{{fill:none;stroke:{DARK_EDGE}}}")
    for kind, look in KINDS.items():
        where = ",".join(f".{kind} {part}" for part in shapes)
        rules.append(f"{where}{{stroke:{look.dark_border};fill:{look.dark_fill}}}")
    # Graphviz draws the second ring of a result, and a cylinder's lid, without a fill
    rules.append(
        "".join(f'g {part.lstrip("> ")}[fill="none"]{{fill:none!important}}' for part in shapes)
    )
    return f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}"
