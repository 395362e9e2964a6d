"""The kinds of nodes: a row says all that the drawings know of one.

Each kind has an outline and a colour of its own, in light and in dark.  The borders are of Okabe &
Ito (2008), "Color Universal Design", told apart with any colour vision.  Fills are tints of them:
light enough for black text, or dark enough for white.  The outlines are for print in grey.
"""

from __future__ import annotations

from typing import NamedTuple

MARK = "connector"  # where an arrow leaves its row of a drawing, or goes on


class Kind(NamedTuple):
    """How nodes of one kind look, in every form."""

    word: str  # in a legend
    border: str
    fill: str
    dark_border: str
    dark_fill: str
    shape: str  # as DOT calls it
    brackets: tuple[str, str]  # the outline in Mermaid
    is_source: bool = False  # there before the computation: goes by its name, and where its user is
    is_end: bool = False  # what the computation came to: in no folded part
    is_its_value: bool = False  # goes by its value where it has no name
    dashed: bool = False
    thick: bool = False
    holds: str = ""  # what it holds several of


KINDS: dict[str, Kind] = {
    "leaf": Kind(
        "leaf", "#0072B2", "#D6E9F5", "#56B4E9", "#0B2E45", "note", (">", "]"), is_source=True
    ),
    "parameter": Kind(
        "parameter", "#009E73", "#D4EFE6", "#2CC79B", "#073629", "box", ("[", "]"), is_source=True
    ),
    "data": Kind(
        "data", "#B07A00", "#FBEBC8", "#E69F00", "#3F2D04", "cylinder", ("[(", ")]"), is_source=True
    ),
    "constant": Kind(
        "constant", "#7A7A7A", "#F0F0F0", "#9A9A9A", "#262626", "box", ("(", ")"),
        is_source=True, is_its_value=True, dashed=True,
    ),
    "op": Kind("operation", "#595959", "#FFFFFF", "#B0B0B0", "#1B1F24", "ellipse", ("([", "])")),
    "output": Kind(
        "result", "#D55E00", "#FCE3D2", "#FF8A3D", "#47210A", "doubleoctagon", ("((", "))"),
        is_end=True,
    ),
    "cotangent": Kind(
        "gradient", "#A3527F", "#F6E1EC", "#E29ABF", "#43192F", "hexagon", ("{{", "}}")
    ),
    "failed": Kind(
        "failed", "#000000", "#F0E442", "#F0E442", "#4A4500", "octagon", ("[/", "\\]"),
        is_end=True, thick=True,
    ),
    "scope": Kind(
        "folded part", "#3F5B73", "#E4EAF0", "#9DB7CE", "#202D38", "folder", ("[[", "]]"),
        holds="operation",
    ),
    MARK: Kind(
        "an arrow goes on at its number", "#4D4D4D", "#FDFDF6", "#C4C4C4", "#101010", "circle",
        ("(((", ")))"), is_source=True,
    ),
}  # fmt: skip
