"""Calls of the command for tests: inside this process, or as one of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinygrad_bp.cli import main
from tinygrad_bp.cli.console import Console
from tinygrad_bp.view.formats import pictures


class Result(NamedTuple):
    """What a call gave."""

    code: int
    out: str
    err: str


def quiet() -> Console:
    """A console that says nothing but errors."""
    console = Console()
    console.quiet = True
    return console


class Command:
    """Calls the command in this process: as fast as its work, and with its parts replaceable."""

    def __init__(self, capsys) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Result:
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)


def without_dot(monkeypatch) -> None:
    """Let the program 'dot' be absent, and what stands in for it."""
    monkeypatch.setattr(pictures, "has_dot", lambda: False)


def without_plots(monkeypatch) -> None:
    """Let Matplotlib be absent: most tests ask for other things, and drawing takes longest."""
    monkeypatch.setitem(sys.modules, "tinygrad_bp.cli.plots", None)


def run_process(arguments: Sequence[object], script: str | None = None, **options) -> Result:
    """Run the command, or a script that calls it, in a process of its own."""
    start = ["-m", "tinygrad_bp"] if script is None else ["-c", script]
    finished = subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        **options,
    )
    return Result(finished.returncode, finished.stdout, finished.stderr)


def write_table(path: Path, header: Sequence[str], rows: int = 40, seed: int = 0) -> Path:
    """Write a table of two classes, 'a' and 'b', that a line tells apart."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    X = generator.normal(size=(rows, len(header) - 1)) + 2.0 * labels[:, np.newaxis]
    lines = [",".join(header)]
    lines += [",".join([*map(repr, x), "ab"[c]]) for x, c in zip(X.tolist(), labels, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its name, with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
