"""Looks at LaTeX for what a compiler stops at, without one; and compiles it, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tinygrad_bp.derivations.latex import HEAD
from tinygrad_bp.formulas.boxes import DRAWN, GREEK

# What the packages of the head define of what we write.
KNOWN = {
    "begin", "end", "title", "date", "maketitle", "section", "subsection", "emph", "text", "texttt",
    "textwidth", "hline", "mathrm", "mathsf", "operatorname", "frac", "left", "right", "cdot",
    "odot", "times", "sigma", "qquad", "cdots", "ldots", "footnotesize", "leq", "geq", "neq", "neg",
    "wedge", "vee", "bmod", "div", "pm", "partial", "to", "textbackslash", "textasciicircum",
    "textasciitilde", "textless", "textgreater", "char96", "Sigma",
    *GREEK.values(),
}  # fmt: skip
PAIRS = {"}": "{", r"\right": r"\left"}


def require_sound(document: str) -> None:
    """Raise for what LaTeX stops at."""
    body = document.removeprefix(HEAD)
    assert all(one in DRAWN for one in body), {one for one in body if one not in DRAWN}
    body = re.sub(r"\\\\|\\[{}$&#%_]", " ", body)
    unknown = set(re.findall(r"\\([A-Za-z]+\d*|.)", body)) - KNOWN - {"[", "]"}
    assert not unknown
    opened: list[str] = []
    for mark in re.findall(r"[{}]|\\left\b|\\right\b|\\(?:begin|end)\{\w+\*?\}", body):
        if mark in ("{", r"\left") or mark.startswith(r"\begin"):
            opened.append(mark)
            continue
        last = PAIRS.get(mark, mark.replace("end", "begin"))
        assert opened.pop() == last, mark
    assert not opened
    for matrix in re.findall(r"\\begin\{bmatrix\}(.*?)\\end", body, re.DOTALL):
        assert max(row.count("&") for row in matrix.split("\n")) < 20
    for columns, last, told in re.findall(
        r"\\begin\{longtable\}\{(l*)(p\{.*?\})?\}\n(.*?)\\end", body, re.DOTALL
    ):
        rows = [row for row in told.split("\n") if row.strip()]
        assert {row.count("&") for row in rows} == {len(columns) - (not last)}


TEX = shutil.which("pdflatex")


def require_compiled(document: str, folder: Path) -> None:
    """Compile a document."""
    source = folder / "x.tex"
    source.write_text(document, encoding="utf-8")
    command: list[Any] = [TEX, "-interaction=nonstopmode", "-halt-on-error", source.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    told = done.stdout.decode(errors="replace")
    assert done.returncode == 0, re.findall(r"^!.*|^l\.\d.*", told, re.MULTILINE)
