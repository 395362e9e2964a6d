"""An iteration that ends in an error, explained by shapes and by types."""

from __future__ import annotations

import re

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding, Severity
from tinygrad_bp.doctor.learning.judgement import Verdict, source_line
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.running import Ran, line_of


def crash(replay: Replay, roles: Roles, error: BaseException, verdict: Verdict) -> None:
    """Explain an iteration that ends in an error, by shapes and by types."""
    line, text = line_of(error, replay.script.path), said(error)
    where = f"{replay.script.at(line)} ({source_line(replay, line or 0).strip()}) ends in {text}"
    name = kind_of(error)
    for one in verdict.findings:
        if one.patch:
            one.evidence = f"{where}; {one.evidence}"
            one.line = one.line or line
    patch = next((one.patch for one in verdict.findings if one.patch), None)
    if not roles.base.recording.by_tuple:  # which is a finding of its own
        verdict.findings.append(
            Finding(name, FAULT, where, line, patch=patch if name == "gradient-shape" else None)
        )


def crashed_later(script: Script, ran: Ran, found: list[Finding]) -> None:
    """Add that a whole run ended in an error, if it did."""
    if not isinstance(ran.error, Exception):
        return
    text = f"{script.at(ran.line)} ends in {said(ran.error)}"
    severity: Severity = NOTE if any(one.severity == FAULT for one in found) else FAULT
    found.append(Finding("crashed", severity, text, ran.line))


def kind_of(error: BaseException) -> str:
    """Return the name of the finding that an error is."""
    text = str(error)
    if "Casting" in type(error).__name__:
        return "integer-array"
    if "'tuple'" in text and isinstance(error, TypeError):
        return "m-is-shape"
    if isinstance(error, ValueError) and re.search(r"(targets|labels) run from", text):
        return "labels-not-01"
    if isinstance(error, ValueError) and re.search(r"broadcast|aligned|mismatch|shape", text):
        return "gradient-shape"
    return "crashed"


def said(error: BaseException) -> str:
    """Return an error as Python's last line says it."""
    return f"{type(error).__name__}: {error}".strip()
