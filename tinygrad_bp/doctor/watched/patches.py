"""An edit of the tree as an edit of the text: the learner's own lines, changed where needed."""

from __future__ import annotations

import ast
import difflib
from typing import Any

from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.sources import parsed
from tinygrad_bp.doctor.watched.substitution import substituted


def patched(text: str, tree: ast.Module, replaced: dict[int, Any]) -> str:
    """Return a script's text with nodes of its tree, or lists of statements, replaced.

    Only the nodes' own characters change, if that reads back as what is meant; otherwise the whole
    statement is written anew.
    """
    wanted = ast.dump(substituted(tree, replaced))
    for whole in (False, True):
        lines = text.splitlines(keepends=True)
        for start, end, new in sorted(_splices(tree, replaced, text, whole), reverse=True):
            _splice(lines, start, end, new)
        made = "".join(lines)
        try:
            if ast.dump(parsed(made, "")) == wanted:
                return made
        except SyntaxError:
            continue
    return made


def difference(old: str, new: str, name: str) -> str:
    """Return two texts' difference as a patch."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm="", n=1
    )
    return "\n".join(lines)


def patch_of(script: Script, replaced: dict[int, Any]) -> str:
    """Return the patch that replaces nodes of a script's tree, or lists of statements."""
    found = []
    for file in script.files:
        tree = ast.Module(file.tree.body, [])
        text = "\n" * file.before + file.text
        new = patched(text, tree, replaced)
        if new != text:
            found.append(difference(file.text, new[file.before :], script.name_of(file)))
    return "\n".join(found)


Splice = tuple[tuple[int, int], tuple[int, int], str]


def _splices(tree: ast.Module, replaced: dict[int, Any], text: str, whole: bool) -> list[Splice]:
    found: list[Splice] = []
    lines = text.splitlines(keepends=True)

    def visit(node: Any, statement: Any) -> None:
        if isinstance(node, ast.stmt):
            statement = node
        if isinstance(node, list):
            if id(node) in replaced:
                found.append(_rearranged(node, replaced, lines))
                return
            for one in node:
                visit(one, statement)
        elif isinstance(node, ast.AST):
            simple = not isinstance(node, ast.stmt) or not hasattr(node, "body")
            if id(node) in replaced or (whole and node is statement and simple and _within(node)):
                found.append(_rewritten(node, statement, replaced, whole))
                return
            for name in node._fields:
                visit(getattr(node, name, None), statement)

    def _within(node: ast.AST) -> bool:
        return any(id(one) in replaced for one in ast.walk(node))

    visit(tree, None)
    return found


def _rewritten(node: Any, statement: Any, replaced: dict[int, Any], whole: bool) -> Splice:
    if isinstance(node, ast.operator) or whole:
        node = statement
    new = ast.unparse(substituted(node, replaced))
    plain = (ast.Name, ast.Call, ast.Constant, ast.Attribute, ast.Subscript)
    if isinstance(node, ast.expr) and not isinstance(replaced.get(id(node)), plain):
        alone = any(getattr(statement, name, None) is node for name in ("value", "test"))
        new = new if alone else f"({new})"
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset), new


def _rearranged(block: list[Any], replaced: dict[int, Any], lines: list[str]) -> Splice:
    """Return a block's statements in their new order, each in its own words."""
    first, last = block[0], block[-1]
    indent = lines[first.lineno - 1][: first.col_offset]
    starts = [first.lineno - 1, *(one.end_lineno for one in block[:-1])]  # with what stands between
    own = {id(one): start for one, start in zip(block, starts, strict=True)}
    parts = []
    for one in replaced[id(block)]:
        if id(one) in own and not any(id(part) in replaced for part in ast.walk(one)):
            source = lines[own[id(one)] : one.end_lineno]
            parts.append("".join(source).rstrip("\n"))
        else:
            made = ast.unparse(substituted(one, replaced))
            parts.append("\n".join(indent + line for line in made.splitlines()))
    text = "\n".join(parts)
    return (first.lineno, 0), (last.end_lineno, 10**6), text


def _splice(lines: list[str], start: tuple[int, int], end: tuple[int, int], new: str) -> None:
    first, last = lines[start[0] - 1], lines[end[0] - 1]
    head = first.encode()[: start[1]].decode()  # columns count bytes
    tail = last.encode()[end[1] :].decode() if end[1] < 10**6 else "\n"
    lines[start[0] - 1 : end[0]] = [head + new + tail]


def first_line(patch: str) -> int | None:
    """Return the first line that a patch takes out."""
    line = 0
    for one in patch.splitlines():
        if one.startswith("@@"):
            line = int(one.split()[1].lstrip("-").split(",")[0]) - 1
        elif not one.startswith(("+", "---")):
            line += 1
            if one.startswith("-"):
                return line
    return None
