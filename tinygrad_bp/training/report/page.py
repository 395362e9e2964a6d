"""The page of the report: template, style, script and data in one file that asks no network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from tinygrad_bp.errors import DataError
from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.training.observed import Observed
from tinygrad_bp.training.report.content import COLUMNS, LAYERS, content
from tinygrad_bp.training.report.findings import Pinned, findings
from tinygrad_bp.view.formats.pages import as_json, asset, colours, filled, script_of
from tinygrad_bp.view.formats.svg import as_text
from tinygrad_bp.view.picture.labels import number_text

SHARED = ("elements.js", "field.js")  # with other pages
SCRIPTS = ("scales.js", "timeline.js", "moment.js", "frames.js")
LISTED = 20  # findings
ROWS = 60  # of the table that stands for the page without JavaScript
HOW = "fit(..., callbacks=[tg.training.Observe()])"
LIGHT = {"third": "#007A58", "faint": "#595F66", "fault": "#A8330F", "fine": "#1A6B3C"}
DARK = {"third": "#00A87A", "faint": "#A3ADB7", "fault": "#FF9D7A", "fine": "#7FD6A0"}

Columns = Mapping[str, Sequence[float]]


def page(
    columns: Columns,
    observed: Observed | None,
    *,
    kept: int | None,
    stopped: str | None,
    title: str,
    features: Sequence[str] = (),
    classes: Sequence[str] = (),
    running: str = "",
    again: int = 0,
) -> str:
    """Return the report of a training as one HTML document.

    Its content-security policy allows its own script and style, by their hash, and nothing else; it
    asks no network for anything.

    Parameters
    ----------
    columns : mapping of str to sequence of float
        The numbers of each epoch.
    observed : Observed or None
        What was seen of it.
    kept : int or None
        The epoch of the weights that were kept, if not the last.
    stopped : str or None
        Why it ended before its last epoch.
    title : str
    features, classes : sequence of str
        Names for the axes and the samples of the plane.
    running : str
        How far a training is that has not ended.
    again : int
        Seconds after which the page loads itself anew; 0 if it stays.

    Raises
    ------
    DataError
        If there has been no epoch.
    """
    if not any(map(len, columns.values())):
        raise DataError("report: there has been no epoch; nothing is to be shown")
    found = findings(columns, observed)
    pinned = found[:LISTED]
    seen = observed is not None and bool(observed.frames)
    style = colours(LIGHT, DARK) + asset("page.css") + asset("page.css", __package__)
    own = (asset(name, __package__) for name in SCRIPTS)
    parts = {
        "TITLE": as_text(shortened(title, 80)),
        "AGAIN": f'<meta http-equiv="refresh" content="{again}">' if again else "",
        "LEAD": as_text(running or _lead(columns, observed, kept)),
        "NOTES": "".join(f"<li>{as_text(one)}</li>" for one in _notes(columns, observed, stopped)),
        "FINDINGS": "".join(_findings(pinned, len(found), seen=seen)),
        "TABLE": "".join(_table(columns)),
        "DATA": as_json(content(columns, kept, observed, pinned, (features, classes))),
    }
    script = script_of([*map(asset, SHARED), *own])
    return filled(asset("page.html", __package__), style, script, parts)


def _lead(columns: Columns, observed: Observed | None, kept: int | None) -> str:
    count = len(next(iter(columns.values())))
    epochs = "1 epoch" if count == 1 else f"{count:,} epochs"
    told = "the last weights were kept"
    if kept is not None:
        told = f"the weights of {f'epoch {kept}' if kept else 'the start'} were kept"
    frames = len(observed.frames) if observed is not None else 0
    steps = f"; {frames} frames, to step through with the arrow keys" if frames else ""
    return f"{epochs}; {told}{steps}."


def _notes(columns: Columns, observed: Observed | None, stopped: str | None) -> Iterator[str]:
    if stopped:
        yield f"Stopped early: {stopped}."
    if len(columns) > COLUMNS:
        yield f"Of {len(columns)} numbers of each epoch the first {COLUMNS} are shown."
    if observed is None or not observed.frames:
        yield (
            "This training was not observed: gradients, steps, activations, weights, and what may"
            f" be wrong with them, are missing here. To have them: {HOW}"
        )
        return
    if observed.begun:
        yield f"Epochs 1 to {observed.begun} were not observed; the curves have them, the maps not."
    layers = len(observed.layers)
    if layers > LAYERS:
        yield f"Of {layers} layers the first and the last {LAYERS // 2} are shown."


def _findings(pinned: Sequence[Pinned], count: int, *, seen: bool) -> Iterator[str]:
    if not pinned:
        told = "Nothing was found to be wrong with this training."
        yield f'<p class="fine">{told if seen else "The losses are finite and do not grow."}</p>'
        return
    yield "<ol>"
    for one in pinned:
        finding = one.finding
        first = f"epoch {one.first}" if one.first else "the start"
        span = first if one.first == one.last else f"{first} to epoch {one.last}"
        head = finding.title[0].upper() + finding.title[1:]
        yield f'<li class="{finding.severity}"><h3>{as_text(head)}</h3>'
        yield f'<p class="about">{finding.severity} · {finding.name} · {span} '
        yield f'<button type="button" data-epoch="{one.first}" hidden>show {first}</button></p>'
        evidence = finding.evidence[0].upper() + finding.evidence[1:]
        yield f"<p>{as_text(evidence)}.</p>"
        yield f'<p class="why">{as_text(finding.why)} <strong>Remedy:</strong> '
        yield f"{as_text(finding.remedy)}</p></li>"
    yield "</ol>"
    if count > len(pinned):
        yield f"<p>{count - len(pinned)} more findings are not listed.</p>"


def _table(columns: Columns) -> Iterator[str]:
    """Yield the numbers of some epochs as a plain table."""
    count = len(next(iter(columns.values())))
    columns = dict(islice(columns.items(), COLUMNS))
    step = max(1, math.ceil(count / ROWS))
    yield "<table><caption>Numbers of the epochs</caption><thead><tr><th scope=col>epoch</th>"
    yield "".join(f"<th scope=col>{as_text(shortened(name))}</th>" for name in columns)
    yield "</tr></thead><tbody>"
    for i in dict.fromkeys([*range(0, count, step), count - 1]):
        yield f"<tr><th scope=row>{i + 1}</th>"
        yield "".join(f"<td>{number_text(float(values[i]))}</td>" for values in columns.values())
        yield "</tr>"
    yield "</tbody></table>"
