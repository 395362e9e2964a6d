"""The diagnosis as one page: no script, no network, light and dark, down to 320 px."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator
from importlib.resources import files

from tinygrad_bp.doctor.findings.diagnosis import Diagnosis, Finding, Trial
from tinygrad_bp.view.formats.svg import as_text

VERDICTS = {
    "faulty": "Something is wrong",
    "healthy": "Nothing is wrong with it",
    "undecided": "It could not be judged",
}


def page(found: Diagnosis, name: str) -> str:
    """Return a diagnosis as an HTML document that asks no network for anything.

    Its content-security policy allows its own style, by its hash, and nothing else: what a script
    contains is shown as text.

    Parameters
    ----------
    found : Diagnosis
    name : str
        Of the script.
    """
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = as_text(f"{name}: {found.verdict}")
    return "".join([
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f"<title>{title}</title><style>{style}</style></head><body>\n",
        *_head(found, name),
        "<main>\n",
        *(part for i, one in enumerate(found.findings, 1) for part in _finding(i, one)),
        *_trials(found.trials),
        *_undecided(found),
        "</main></body></html>\n",
    ])  # fmt: skip


def _head(found: Diagnosis, name: str) -> Iterator[str]:
    yield f'<header><p class="name">{as_text(name)}</p>'
    yield f'<h1 class="{found.verdict}">{VERDICTS[found.verdict]}</h1>'
    count = len(found.findings)
    what = "1 finding" if count == 1 else f"{count} findings"
    watched = f"; {as_text(found.watched)}" if found.watched else ""
    yield f"<p>{what}, in {found.seconds:.1f} s{watched}.</p>"
    if count > 1:
        yield "<ol>"
        for i, one in enumerate(found.findings, 1):
            yield f'<li><a href="#finding-{i}">{as_text(one.title)}</a> ({one.severity})</li>'
        yield "</ol>"
    yield "</header>\n"


def _finding(number: int, one: Finding) -> Iterator[str]:
    yield f'<section id="finding-{number}" class="{one.severity}">'
    yield f"<h2>{number}. {as_text(one.title[0].upper() + one.title[1:])}</h2>"
    about = [one.severity, one.name]
    about += [one.where] if one.where else []
    about += [one.parameter] if one.parameter else []
    yield f'<p class="about">{" · ".join(map(as_text, about))}</p>'
    yield f"<p>{as_text(one.evidence)}</p>"
    yield f'<p class="why">{as_text(one.why)}</p>'
    if one.effect:
        yield f"<p><strong>Measured:</strong> {as_text(one.effect)}</p>"
    if one.patch:
        rows = "\n".join(map(_row, one.patch.splitlines()))
        yield f'<pre tabindex="0" aria-label="patch">{rows}</pre>'
    else:
        yield f"<p><strong>Remedy:</strong> {as_text(one.remedy)}</p>"
    yield "</section>\n"


def _row(line: str) -> str:
    kind = {"+": "ins", "-": "del"}.get(line[:1])
    text = as_text(line)
    return f"<{kind}>{text}</{kind}>" if kind and line[:3] not in {"+++", "---"} else text


def _trials(trials: list[Trial]) -> Iterator[str]:
    if not trials:
        return
    yield '<section><h2>Measured effects</h2><div class="scroll" tabindex="0"><table>'
    yield "<caption>The script run again, with what is named mended</caption><thead><tr>"
    yield '<th scope="col">mended</th><th scope="col">solved</th>'
    yield '<th scope="col">at the end, seed by seed</th></tr></thead><tbody>'
    for one in trials:
        ends = "<br>".join(map(as_text, one.outcomes))
        yield f'<tr><th scope="row">{as_text(one.mended)}</th>'
        yield f"<td>{one.solved} of {len(one.outcomes)}</td><td>{ends}</td></tr>"
    yield "</tbody></table></div></section>\n"


def _undecided(found: Diagnosis) -> Iterator[str]:
    if not found.undecided:
        return
    yield "<section><h2>Not judged</h2><dl>"
    for one in found.undecided:
        yield f"<dt>{as_text(one.about)}</dt><dd>{as_text(one.reason)}</dd>"
    yield "</dl></section>\n"
