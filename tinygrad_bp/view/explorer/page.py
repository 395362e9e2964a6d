"""The page: template, style, script and data in one file that asks no network for anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tinygrad_bp.errors import GraphError
from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.view.explorer.content import content, cotangent_symbol, legend, symbol
from tinygrad_bp.view.explorer.training_frames import TrainingFrames
from tinygrad_bp.view.explorer.unfolding import Unfolded, unfoldings
from tinygrad_bp.view.formats import svg
from tinygrad_bp.view.formats.pages import as_json, asset, colours, filled, script_of
from tinygrad_bp.view.formats.svg import as_text
from tinygrad_bp.view.layout.drawing import fitted, framed
from tinygrad_bp.view.picture.kinds import KINDS, MARK
from tinygrad_bp.view.picture.labels import number_text, samples_text, shape_text
from tinygrad_bp.view.picture.records import NodeView, Numbers, Picture, Section

SHARED = ("elements.js", "field.js")  # with other pages
SCRIPTS = (
    "steps.js", "matrices.js", "show.js", "frame.js", "places.js", "unfold.js", "training.js",
    "keys.js",
)  # fmt: skip
ELEMENT = re.compile(r"(.*?)((?:\[[\d,]*\])?)", re.DOTALL)
LISTED = 12  # names in an error
NAMED = 3  # results that the heading names
TABLED = 400  # rows of the table that stands for the page without JavaScript
PANEL = (590.0, 610.0)  # pixels of the graph, which stands beside the step on a screen of 1280×900
PHONE = 350  # and across on a phone
PLAIN_ELEMENTS = 30  # numbers of one value in that table


def page(
    view: Picture,
    frames: TrainingFrames | None = None,
    focus: str | None = None,
    section: Section | None = None,
) -> str:
    """Return the explorer of a picture as one HTML document.

    Its content-security policy allows its own script and style, by their hash, and nothing else; it
    asks no network for anything.  It opens at what is called `focus`, in the first picture with it.
    """
    pictures = unfoldings(view)
    shown = pictures[0].picture
    found = content(pictures, frames) | {"focus": focus and _focused(pictures, focus)}
    style = _colours() + asset("page.css") + asset("page.css", __package__)
    style += section.style if section else ""
    drawings = [_drawings(one.picture) for one in pictures]
    for one, of in zip((found, *found["unfolded"]), drawings, strict=True):
        if any(svg.MARKED in text for text in of.values()):
            one["legend"] += legend({MARK})
    others = [
        f'<template data-{kind}="{number}">{text}</template>'
        for number, of in enumerate(drawings)
        for kind, text in of.items()
    ]
    heading = _heading(shown)
    parts = {
        "TITLE": as_text(heading),
        "NOTES": "".join(f"<li>{as_text(note)}</li>" for note in shown.notes),
        "TABLE": "\n".join(_table(view, frames)),
        "SECTION": _section(section),
        "DRAWINGS": "\n".join(others),
        "DATA": as_json(found),
    }
    return filled(asset("page.html", __package__), style, _script(), parts)


def _focused(pictures: Sequence[Unfolded], focus: str) -> str:
    """Return `focus` as the page has it: names there may be cut.

    Raises
    ------
    GraphError
        If nothing is called like that; names some of what there is.
    """
    nodes = [node for one in pictures for node in one.picture.nodes]
    known = dict.fromkeys(text for node in nodes for text in (symbol(node), cotangent_symbol(node)))
    name, element = ELEMENT.fullmatch(focus).groups()  # type: ignore[union-attr]  # any text fits
    for told in (focus, shortened(name) + element, shortened(focus)):
        if told in known or told.removesuffix(element) in known:
            return told
    listed = ", ".join([*known][:LISTED])
    raise GraphError(
        f"to_html: focus={focus!r:.60} is no value and no gradient here; there are: {listed}"
    )


def _drawings(view: Picture) -> dict[str, str]:
    """Return a picture as SVG for the frame beside the step, and for a phone."""
    found = {"wide": framed(view, *PANEL), "narrow": fitted(view, PHONE)[0]}
    return {kind: svg.in_page(drawn) for kind, drawn in found.items()}


def _script() -> str:
    """Return the script: what goes from picture to picture, around what shows one of them."""
    own = (asset(name, __package__) for name in SCRIPTS)
    run = ["function run(data, signal) {\n", *own, "}\nshow(askedFor());\n"]
    return script_of([*map(asset, SHARED), asset("pictures.js", __package__), *run])


def _section(section: Section | None) -> str:
    """Return the section that is closed at first: whoever wants it opens it."""
    if section is None:
        return ""
    title = as_text(section.title)
    return f'<details id="section"><summary>{title}</summary>\n{section.markup}\n</details>'


def _heading(view: Picture) -> str:
    results = [symbol(node) for node in view.nodes if KINDS[node.kind].is_end][-NAMED:]
    if view.nodes[-1].kind == "failed":
        return f"What {results[0]} was given when it failed"
    if len(results) > 1:
        return f"How {', '.join(results[:-1])} and {results[-1]} were computed"
    return f"How {results[0] if results else 'it'} was computed"


def _colours() -> str:
    """Return the palette as CSS variables, and the look of each kind of node."""
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    for kind, look in KINDS.items():
        light |= {f"{kind}-line": look.border, f"{kind}-fill": look.fill}
        dark |= {f"{kind}-line": look.dark_border, f"{kind}-fill": look.dark_fill}
    rules = [
        f".{kind}>path{{fill:var(--{kind}-fill);stroke:var(--{kind}-line);stroke-width:1.2px}}"
        for kind in KINDS
    ]
    rules += [
        f".{kind}>path{{stroke-dasharray:4 3}}" for kind, look in KINDS.items() if look.dashed
    ]
    rules += [f".{kind}>path{{stroke-width:3px}}" for kind, look in KINDS.items() if look.thick]
    return f"{colours(light, dark)}{''.join(rules)}\n"


# Without JavaScript


def _table(view: Picture, frames: TrainingFrames | None) -> Iterator[str]:
    """Yield the same numbers as plain tables."""
    checks = {check.node: check.error for check in view.checks}
    yield "<table><caption>Every node of the computation, in the order in which it ran</caption>"
    heads = ("node", "operation", "shape", "value", "gradient of the result by it", "check")
    columns = "".join(f"<th scope=col>{head}</th>" for head in heads)
    yield f"<thead><tr>{columns}</tr></thead><tbody>"
    for node in view.nodes[:TABLED]:
        error = checks.get(node.id)
        check = "" if error is None else f"finite differences agree to {number_text(error)}"
        cells = (
            _first_cell(node), as_text(node.op), shape_text(node.shape),
            _plain(node.value, samples_text(node.value_of)) or as_text(node.note),
            _plain(node.cotangent, samples_text(node.cotangent_of, "sum over ")), check,
        )  # fmt: skip
        yield f"<tr>{cells[0]}{''.join(f'<td>{cell}</td>' for cell in cells[1:])}</tr>"
    yield "</tbody></table>"
    if len(view.nodes) > TABLED:
        yield f"<p>{len(view.nodes) - TABLED} more nodes are not listed.</p>"
    if frames is not None:
        yield "<table><caption>Training</caption><thead><tr><th scope=col>epoch</th>"
        yield "<th scope=col>loss (nats)</th></tr></thead><tbody>"
        for frame in frames.frames:
            yield f"<tr><td>{frame.epoch}</td><td>{number_text(frame.loss)}</td></tr>"
        yield "</tbody></table>"


def _first_cell(node: NodeView) -> str:
    return f"<th scope=row>{as_text(symbol(node))}</th>"


def _plain(values: Numbers | None, over: str) -> str:
    if values is None:
        return ""
    text = " ".join(number_text(value) for value in values[:PLAIN_ELEMENTS])
    return (f"{text} …" if len(values) > PLAIN_ELEMENTS else text) + over
