"""A script and the files beside it that it imports, read as one text.

The lines of each file are counted on from those of the file before it, so that a line names one
place of them all, and one tree holds everything that an edit may touch.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

MAIN = "__main__"
MADE = "_made_"  # by a comprehension, so far
MOST_LINES = 20_000  # of all files: what is larger is a library, and is imported as it is


@dataclass(frozen=True)
class File:
    """One file: the name it is imported by, its text, and the number of lines before its own."""

    module: str
    path: Path
    text: str
    before: int
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether the module is a folder's."""
        return self.path.name == "__init__.py"


class Whole(ast.Module):
    """The tree of a script, with those of the other files in ``imported``."""

    _fields = ("body", "type_ignores", "imported")


def parsed(text: str, path: str) -> ast.Module:
    """Return the tree of a text, in which no two places share a node, and loops are loops.

    Python's parser has one node for all ``+``, and an edit of one of them is not one of the others.
    """
    tree: ast.Module = _Loops(ast.parse(text, path)).made()
    for one in ast.walk(tree):
        if isinstance(one, ast.BinOp | ast.AugAssign):
            one.op = type(one.op)()
    return tree


class _Loops(ast.NodeTransformer):
    """Writes ``losses = [step() for _ in range(n)]`` as a loop that appends, for own functions."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.own = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
        self.names = Counter(one.id for one in ast.walk(tree) if isinstance(one, ast.Name))

    def made(self) -> Any:
        """Return the tree, rewritten."""
        return ast.fix_missing_locations(self.visit(self.tree))

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Yield the list's making before it is stored."""
        value = node.value
        if not isinstance(value, ast.ListComp) or not self._repeats(value):
            return node
        over = value.generators[0]
        items = ast.copy_location(ast.Name(MADE, ast.Load()), value)
        begun = ast.Assign([ast.Name(MADE, ast.Store())], ast.List([], ast.Load()))
        append = ast.Call(ast.Attribute(items, "append", ast.Load()), [value.elt], [])
        body: list[ast.stmt] = [ast.copy_location(ast.Expr(append), value.elt)]
        loop = ast.For(over.target, over.iter, body, [])
        node.value = items
        return [ast.copy_location(begun, node), ast.copy_location(loop, value), node]

    def _repeats(self, value: ast.ListComp) -> bool:
        over = value.generators[0]
        named = [one.id for one in ast.walk(value) if isinstance(one, ast.Name)]
        target = getattr(over.target, "id", "")
        alone = target == "_" or named.count(target) == self.names[target]  # it outlives the loop
        ranges = isinstance(over.iter, ast.Call) and ast.unparse(over.iter.func) == "range"
        plain = len(value.generators) == 1 and not over.ifs and alone and ranges
        calls = (one.func for one in ast.walk(value.elt) if isinstance(one, ast.Call))
        return plain and any(getattr(f, "attr", getattr(f, "id", "")) in self.own for f in calls)


def read(text: str, path: str) -> list[File]:
    """Return a script's file and, behind it, those beside it that it imports.

    Raises SyntaxError for the script, as Python would; another file with an error in it is left to
    Python, and so is what this process has imported already.
    """
    folder, place = Path(path).parent, Path(path)
    found = [File(MAIN, place, text, 0, parsed(text, path))]
    known = {MAIN, *sys.modules}
    lines = len(text.splitlines())
    for file in found:  # which grows meanwhile
        for name in _imports(file):
            if name in known or lines > MOST_LINES:
                continue
            known.add(name)
            new = _found(folder, name, lines)
            if new is not None:
                found.append(new)
                lines += len(new.text.splitlines())
    return found


def _imports(file: File) -> Iterator[str]:
    """Yield the modules that a file may import, those that hold others first."""
    for one in ast.walk(file.tree):
        if isinstance(one, ast.Import):
            for alias in one.names:
                yield from _with_parents(alias.name)
        elif isinstance(one, ast.ImportFrom):
            base = _absolute(file, one)
            yield from _with_parents(base)
            for alias in one.names:
                yield f"{base}.{alias.name}" if base else alias.name


def _absolute(file: File, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = file.module.split(".") if file.module != MAIN else [""]
    kept = parts[: len(parts) - node.level + file.is_package]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[: k + 1]) for k in range(len(parts)))


def _found(folder: Path, name: str, before: int) -> File | None:
    """Return the file of a module, if it stands below the folder and is Python."""
    stem = folder.joinpath(*name.split("."))
    for path in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")):
        try:
            with tokenize.open(path) as opened:
                text = opened.read()
            return File(name, path, text, before, parsed("\n" * before + text, str(path)))
        except (OSError, SyntaxError, ValueError):
            continue
    return None


class _Importer:
    """Imports the other files as they are rewritten, and leaves all else to Python."""

    def __init__(self, files: list[File], run: Callable[[int, dict[str, Any]], None]) -> None:
        self.files = {one.module: (k, one) for k, one in enumerate(files)}
        self.run = run

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        """Answer for these files alone."""
        if name not in self.files:
            return None
        file = self.files[name][1]
        inside = [str(file.path.parent)] if file.is_package else None
        loader: Any = self
        return spec_from_file_location(
            name, file.path, loader=loader, submodule_search_locations=inside
        )

    def create_module(self, _spec: Any) -> ModuleType | None:
        """Let Python make the module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the file."""
        self.run(self.files[module.__name__][0], vars(module))


@contextmanager
def importing(
    files: list[File], code: Callable[[int], CodeType], names: dict[str, Any]
) -> Iterator[None]:
    """Import these files through the block, each anew.

    Parameters
    ----------
    files : list of File
    code : callable
        Gives the code of one of them, by its number.
    names : dict
        What is put into the modules before they run.
    """

    def run(number: int, space: dict[str, Any]) -> None:
        space.update(names)
        exec(code(number), space)  # noqa: S102  # the user's own file, which their script imports

    importer: Any = _Importer(files, run)
    sys.meta_path.insert(0, importer)
    try:
        yield
    finally:
        sys.meta_path.remove(importer)
        for one in files:
            sys.modules.pop(one.module, None)
