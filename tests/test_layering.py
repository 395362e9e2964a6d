"""Imports point strictly down, and nowhere in a circle.

An import counts wherever it stands: at the top, in a function, under TYPE_CHECKING, and as the name
of a module in a string, which is how imports hide.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from together import together

import tinygrad_bp

ROOT = Path(tinygrad_bp.__file__).parent
FACE = "tinygrad_bp"
LAYERS = [
    {"errors", "version"},
    {"elsewhere"},
    {"deferred"},
    {"engine"},
    {"rules"},
    {"functional", "transforms", "files"},
    {"programs"},
    {"formulas", "native"},
    {"view"},
    {"derivations"},
    {"nn", "data", "parallel"},
    {"optim"},
    {"compiling"},
    {"testing", "doctor", "onnx"},
    {"training"},
    {"classifier"},
    {"sklearn", "cli"},
    {"__init__", "__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FILES = sorted(ROOT.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def imported(module: str) -> Iterator[str]:
    """Yield every module of the package that `module` names."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and node.value in MODULES and node.value != FACE:
            yield node.value


EDGES = {
    module: {name for name in imported(module) if name in MODULES and name != module}
    for module in MODULES
}


def level(module: str) -> int:
    room = module.split(".")[1] if "." in module else "__init__"
    assert room in LEVEL, f"{room} has no place in the layers"
    return LEVEL[room]


@together
@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    own = module.split(".")[1:2]
    for name in EDGES[module]:
        assert name.split(".")[1:2] == own or level(name) < level(module), (
            f"{module} imports {name}, which is not below it"
        )


def test_no_imports_in_a_circle() -> None:
    try:
        TopologicalSorter(EDGES).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " <- ".join(error.args[1]))


@pytest.mark.parametrize("room", ["doctor", "native", "view"])
def test_folders_of_a_room_import_in_one_direction(room: str) -> None:
    """Unlike families of rules, which stand side by side, each of them leans on those below it."""
    room = f"{FACE}.{room}"
    folders: dict[str, set[str]] = {}
    for module, names in EDGES.items():
        if module.startswith(f"{room}.") and MODULES[module].parent.parent != ROOT:
            own = ".".join(module.split(".")[:3])
            of = {".".join(name.split(".")[:3]) for name in names if name.startswith(f"{room}.")}
            folders.setdefault(own, set()).update(of - {own})
            assert room not in names, f"{module} imports from the face of its room"
    assert len(folders) > 4
    assert set().union(*folders.values()) <= {*folders}, (
        "a folder imports from the room's own files"
    )
    TopologicalSorter(folders).prepare()


def test_every_import_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the top, in a function, under TYPE_CHECKING, in a string, and of a package itself."""
    path = tmp_path / "module.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "from tinygrad_bp import nn\n"
        "if TYPE_CHECKING:\n    from tinygrad_bp.engine.tensor import Tensor\n"
        "def f():\n    import tinygrad_bp.view\n    return import_module('tinygrad_bp.optim')\n"
    )
    monkeypatch.setitem(MODULES, "tinygrad_bp.module", path)
    assert set(imported("tinygrad_bp.module")) & set(MODULES) == {
        f"tinygrad_bp.{name}" for name in ("nn", "engine.tensor", "view", "optim")
    }


def test_no_module_has_the_name_of_a_public_function() -> None:
    functions = {name for name in tinygrad_bp.__all__ if callable(getattr(tinygrad_bp, name))}
    taken = {path.stem for path in ROOT.iterdir()} & functions
    assert not taken


def test_the_package_does_without_what_a_wheel_moves_out_of_it() -> None:
    """A wheel has these files beside the package, and no longer inside it."""
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    moved = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    modules = {source.removesuffix(".py").replace("/", ".") for source in moved}
    assert modules
    assert not [m for m in MODULES if modules & EDGES[m]]
