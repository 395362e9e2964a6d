"""Runs every code block of a Markdown page, and every example of a module's docstrings.

The rules of a page
- Its ``python`` blocks run from top to bottom in one namespace, in a folder of their own.
- A block that begins with ``>>>`` shows its own output and is checked as a doctest, with ELLIPSIS.
- A ``text`` block that follows a ``python`` or ``sh`` block with nothing between is its output.
- ``<!-- warns: RuntimeWarning -->`` on the line before a block says which warnings it gives.
- ``<!-- needs: scipy -->`` there says which module a block needs; it is left out without that.
- ``sh`` blocks run, except those that make virtual environments, which the gate runs.
- ``text``, ``json`` and ``csv`` blocks are shown only; any other language is an error.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import json
import os
import re
import shlex
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from extras import NEWEST, there

SHOWN = {"text", "json", "csv"}
SETS_UP = re.compile(r"\b(?:venv|pip)\b")
OPENING = re.compile(r"(?P<indent> *)(?P<fence>`{3,}|~{3,})\s*(?P<language>[^\s`]*)")
WARNS = re.compile(r"\s*<!-- warns: (?P<names>\w+(?:, \w+)*) -->\s*")
NEEDS = re.compile(r"\s*<!-- needs: (?P<module>\w+) -->\s*")
SH_SECONDS = 600
# Told by libraries of each other too: faults with the newest versions alone, as in all tests.
DEPRECATIONS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


class PageError(AssertionError):
    """A block that does not do what its page says; names the file and the line."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")


@dataclass(frozen=True)
class Block:
    """A fenced block: `line` is the number of its first line of code, `after` of its last fence."""

    language: str
    code: str
    line: int
    after: int
    warns: tuple[str, ...]
    needs: str | None = None

    @property
    def runs(self) -> bool:
        return self.needs is None or there(self.needs)


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a page; one that is not closed or not fenced is an error."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    number = 0
    while number < len(lines):
        opening = OPENING.match(lines[number])
        if not opening:
            before = lines[number - 1] if number else ""
            if re.match(r" {4}|\t", lines[number]) and not before.strip():
                raise PageError(path, number + 1, "an indented code block; put it between fences")
            says = WARNS.fullmatch(lines[number]) or NEEDS.fullmatch(lines[number])
            if says and not OPENING.match("".join(lines[number + 1 :][:1])):
                raise PageError(path, number + 1, "no block follows on the next line")
            number += 1
            continue
        fence = re.compile(rf" *{opening['fence'][0]}{{{len(opening['fence'])},}}\s*")
        end = next((k for k in range(number + 1, len(lines)) if fence.fullmatch(lines[k])), None)
        if end is None:
            raise PageError(path, number + 1, "the block is not closed")
        indent = len(opening["indent"])
        code = "".join(f"{line[indent:]}\n" for line in lines[number + 1 : end])
        warns = WARNS.fullmatch(lines[number - 1]) if number else None
        names = tuple(warns["names"].split(", ")) if warns else ()
        needs = NEEDS.fullmatch(lines[number - 1]) if number else None
        module = needs["module"] if needs else None
        found.append(Block(opening["language"], code, number + 2, end + 1, names, module))
        number = end + 1
    return found


def run_page(path: Path, folder: Path) -> int:
    """Run the page's blocks in `folder` and return how many ran.

    Raises
    ------
    PageError
        If a block raises, warns, prints or exits otherwise than the page says, or cannot be run.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    namespace: dict[str, Any] = {"__name__": path.stem}
    ran, output, before = 0, "", None
    for block in blocks(path):
        follows = before and not "".join(lines[before.after : block.line - 2]).strip()
        if not block.runs:
            before = None  # nor is there output to compare
            continue
        if block.language == "text" and follows and before.language in {"python", "sh"}:
            _compare(path, block, output)
        elif block.language == "json":
            _read_json(path, block)
        elif block.language == "python":
            output = _run_python(path, block, namespace, folder)
            ran += 1
        elif block.language == "sh" and not SETS_UP.search(block.code):
            output = _run_sh(path, block, folder)
            ran += 1
        elif block.language not in {*SHOWN, "sh"}:
            raise PageError(path, block.line - 1, f"no way to run a block of {block.language!r}")
        before = block
    return ran


def _compare(path: Path, block: Block, output: str) -> None:
    if block.code != output:
        shown = f"--- the page says\n{block.code}--- the block before printed\n{output}"
        raise PageError(path, block.line, f"another output than the page shows\n{shown}")


def _read_json(path: Path, block: Block) -> None:
    try:
        json.loads(block.code)
    except ValueError as error:
        raise PageError(path, block.line, f"not JSON: {error}") from error


def _run_python(path: Path, block: Block, namespace: dict[str, Any], folder: Path) -> str:
    interactive = block.code.lstrip().startswith(">>>")
    if not interactive and re.search(r"^\s*>>>", block.code, flags=re.MULTILINE):
        raise PageError(path, block.line, "a block with >>> has to begin with it")
    printed = io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        if interactive:
            _run_doctest(path, block, namespace)
        else:
            _execute(path, block, namespace)
    told = [one for one in caught if NEWEST or not issubclass(one.category, DEPRECATIONS)]
    given = {one.category.__name__: str(one.message) for one in told}
    if given.keys() != set(block.warns):
        raise PageError(path, block.line, f"warnings {given}; declared are {list(block.warns)}")
    return printed.getvalue()


def _execute(path: Path, block: Block, namespace: dict[str, Any]) -> None:
    padded = "\n" * (block.line - 1) + block.code  # so that tracebacks show the page's own lines
    try:
        exec(compile(padded, str(path), "exec"), namespace)  # noqa: S102  # the page's own code
    except Exception as error:
        if isinstance(error, SyntaxError):
            line = error.lineno
        else:
            frames = traceback.extract_tb(error.__traceback__)
            line = [one.lineno for one in frames if one.filename == str(path)][-1]
        message = f"the block raised {type(error).__name__}: {error}"
        raise PageError(path, line or block.line, message) from error


def _run_doctest(path: Path, block: Block, namespace: dict[str, Any]) -> None:
    pieces = doctest.DocTestParser().parse(block.code, str(path))
    ignored = "".join(piece for piece in pieces if isinstance(piece, str)).strip()
    if ignored:
        raise PageError(path, block.line, f"a doctest would not run this: {ignored!r:.200}")
    examples = [piece for piece in pieces if isinstance(piece, doctest.Example)]
    namespace.update(run_examples(examples, namespace, path, block.line, path.name))


def run_examples(
    examples: list[doctest.Example], namespace: dict[str, Any], path: Path, line: int, name: str
) -> dict[str, Any]:
    """Run doctest examples whose text begins at `line` of `path`; return the namespace after."""
    test = doctest.DocTest(examples, namespace, name, str(path), line - 1, None)
    report: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(
        test, out=report.append, clear_globs=False
    )
    if report:
        text = "".join(report)
        place = re.search(r"line (\d+), in", text)
        raise PageError(path, int(place[1]) if place else line, f"an example fails\n{text}")
    return test.globs


def _run_sh(path: Path, block: Block, folder: Path) -> str:
    commands = folder / ".commands"
    commands.mkdir(exist_ok=True)
    for name, module in (("tinygrad-bp", " -m tinygrad_bp"), ("python", "")):
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{module} "$@"\n')
        command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-eu", "-c", block.code],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SH_SECONDS,
        check=False,
    )
    if done.returncode:
        message = f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        raise PageError(path, block.line, message)
    return done.stdout


def docstrings(source: str) -> Iterator[tuple[str, str, int]]:
    """Yield (name, docstring, line) of a module's docstrings that hold examples.

    They are read from the source: the rule table's functions are objects, in which
    `doctest.DocTestFinder` does not look.
    """
    if ">>>" not in source:  # most modules: no need to take them apart
        return
    rest: list[tuple[str, ast.AST]] = [("", ast.parse(source))]
    for name, node in rest:
        for child in ast.iter_child_nodes(node):
            prefix = f"{name}." if name else ""
            rest.append((f"{prefix}{getattr(child, 'name', '')}".rstrip("."), child))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text and ">>>" in text:
                yield name or "module", text, node.body[0].lineno


def run_docstrings(module: ModuleType, path: Path) -> int:
    """Run the examples of all docstrings of a module and return how many docstrings had some."""
    count = 0
    for name, text, line in docstrings(path.read_text(encoding="utf-8")):
        examples = doctest.DocTestParser().get_examples(text, name)
        run_examples(examples, dict(vars(module)), path, line, name)
        count += 1
    return count
