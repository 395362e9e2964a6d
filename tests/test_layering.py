"""Imports point strictly down."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

import tinygrad_bp

ROOT = Path(tinygrad_bp.__file__).parent
LAYERS = [
    {"errors", "shapes"},
    {
        "attached",
        "broadcasting",
        "debugging",
        "dispatch",
        "graph",
        "memory",
        "pickling",
        "recording",
        "scopes",
        "tensor",
    },
    {"rules"},
    {"walk", "push"},
    {"containers", "transforms", "functional"},
    {"view"},
    {"nn", "optim", "data", "training"},
    {"testing"},
    {"classifier", "sklearn", "cli", "__init__", "__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FILES = sorted(ROOT.rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "tinygrad_bp":
                names |= {f"tinygrad_bp.{alias.name}" for alias in node.names}
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def without_type_checking(tree: ast.Module) -> ast.Module:
    tree.body = [
        n for n in tree.body if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test))
    ]
    return tree


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert own in LEVEL, f"{own} has no place in the layers"
    tree = without_type_checking(ast.parse(path.read_text(encoding="utf-8")))
    for name in imported(tree):
        parts = name.split(".")
        if parts[0] == "tinygrad_bp" and len(parts) > 1 and parts[1] != own:
            assert LEVEL.get(parts[1], 0) <= LEVEL[own], (
                f"{path.name} imports {name}, a layer above"
            )


def test_the_package_does_without_what_a_wheel_moves_out_of_it() -> None:
    """A wheel has these files beside the package, and no longer inside it."""
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    moved = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    modules = {source.removesuffix(".py").replace("/", ".") for source in moved}
    assert modules
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert not [one for one in modules if one in text], path
