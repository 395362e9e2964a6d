"""What a diagnosis is: findings in order, and what could not be judged."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any, Literal

from tinygrad_bp.doctor.findings.vocabulary import TABLE

FAULT: Literal["fault"] = "fault"
NOTE: Literal["note"] = "note"
Severity = Literal["fault", "note"]
OPEN = {"script", "loop", "gradient", "scale and start"}  # what "healthy" has to know


@dataclass
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes
    ----------
    name : str
        Of the vocabulary in the documentation.
    severity : "fault" or "note"
    evidence : str
        What was measured in this very run.
    line : int or None
        Of the script, or of `file`.
    parameter : str or None
        As the script writes it; several are separated by commas.
    why : str
        Why it matters.
    patch : str or None
        A difference of the script that mends it.
    effect : str or None
        What mending it did, where that was measured.
    file : str or None
        The file that it is in, where that is one that the script imports.
    """

    name: str
    severity: Severity
    evidence: str
    line: int | None = None
    parameter: str | None = None
    patch: str | None = None
    effect: str | None = None
    gain: float = 0.0
    file: str | None = None
    brings: str | None = None  # another finding: this one is its cause, or decides without it

    @property
    def rank(self) -> tuple[int, bool]:
        """Where it stands among others of its severity: before what it brings about."""
        return min(
            TABLE[one].rank for one in (self.name, self.brings or self.name)
        ), not self.brings

    @property
    def where(self) -> str:
        """The line, and the file if it is not the script's own; empty where neither is known."""
        line = f"line {self.line}" if self.line else ""
        return f"{line} of {self.file}" if line and self.file else line

    @property
    def why(self) -> str:
        """Why it matters."""
        return TABLE[self.name].why

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return TABLE[self.name].title

    @property
    def remedy(self) -> str:
        """What to do about it, in a few words."""
        return TABLE[self.name].remedy

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        names = ("name", "severity", "line", "parameter", "evidence", "why", "patch", "effect")
        found = {name: getattr(self, name) for name in names}
        return {**found, "file": self.file} if self.file else found

    def __str__(self) -> str:
        about = ", ".join(one for one in (self.where, self.parameter) if one)
        head = f"{self.severity}: {self.title} [{self.name}]" + (f" ({about})" if about else "")
        parts = [head, _indented(self.evidence), _indented(f"Why: {self.why}")]
        if self.effect:
            parts.append(_indented(f"Measured: {self.effect}"))
        if self.patch:
            parts.append(textwrap.indent(self.patch, "    "))
        else:
            parts.append(_indented(f"Remedy: {self.remedy}"))
        return "\n".join(parts)


@dataclass
class Undecided:
    """What could not be judged, and why."""

    about: str
    reason: str


@dataclass
class Trial:
    """One row of the table of measured effects: what is mended, and how it ended, by seed."""

    mended: str
    outcomes: list[str]
    solved: int

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return {"mended": self.mended, "outcomes": self.outcomes, "solved": self.solved}


@dataclass
class Diagnosis:
    """The answer: findings in order of rank, and what was left open.

    Prints as a report; `to_dict` is what ``--json`` writes.

    Attributes
    ----------
    findings : list of Finding
    undecided : list of Undecided
        What could not be judged, and why.
    seconds : float
        That the examination took.
    watched : str
        The loop, its length, and what it came to.
    trials : list of Trial
        What the script did with each fault mended, where that was asked for.
    broken : bool
        Whether the script could not be run to anything that can be judged.
    """

    findings: list[Finding] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    seconds: float = 0.0
    watched: str = ""
    trials: list[Trial] = field(default_factory=list)
    broken: bool = False

    @property
    def verdict(self) -> str:
        """``"faulty"``, ``"healthy"`` or ``"undecided"``."""
        if any(one.severity == FAULT for one in self.findings):
            return "faulty"
        open_questions = any(one.about in OPEN for one in self.undecided)
        return "undecided" if open_questions else "healthy"

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as plain data."""
        found: dict[str, Any] = {
            "verdict": self.verdict,
            "findings": [one.to_dict() for one in self.findings],
            "undecided": [{"about": one.about, "reason": one.reason} for one in self.undecided],
            "seconds": round(self.seconds, 2),
        }
        if self.trials:
            found["trials"] = [one.to_dict() for one in self.trials]
        return found

    def __str__(self) -> str:
        parts = [f"verdict: {self.verdict}" + (f"; {self.watched}" if self.watched else "")]
        parts += [f"{i}. {one}" for i, one in enumerate(self.findings, 1)]
        parts += [f"not judged: {one.about}: {one.reason}" for one in self.undecided]
        if self.trials:
            parts.append(trials_text(self.trials))
        return "\n\n".join(parts)

    __repr__ = __str__

    def sort(self) -> None:
        """Order by severity, rank and measured effect."""
        self.findings.sort(key=lambda one: (one.severity != FAULT, *one.rank, -round(one.gain, 1)))


def trials_text(trials: list[Trial]) -> str:
    """Return the table of measured effects."""
    width = max(len(one.mended) for one in trials)
    rows = ["measured effects (solved: seeds of those tried)"]
    for one in trials:
        solved = f"{one.solved} of {len(one.outcomes)}"
        rows.append(f"  {one.mended:{width}}  solved {solved}   {', '.join(one.outcomes)}")
    return "\n".join(rows)


def from_dict(data: dict[str, Any]) -> Diagnosis:
    """Return the diagnosis that `to_dict` made data of."""
    findings = []
    for one in data["findings"]:
        kept = {key: value for key, value in one.items() if key != "why"}
        findings.append(Finding(**kept))
    undecided = [Undecided(**one) for one in data["undecided"]]
    trials = [Trial(**one) for one in data.get("trials", [])]
    return Diagnosis(findings, undecided, data["seconds"], data.get("watched", ""), trials)


def _indented(text: str) -> str:
    return textwrap.fill(text, 96, initial_indent="   ", subsequent_indent="   ")
