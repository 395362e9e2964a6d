"""What the page on the architecture names is where it says, and its layers are the tested ones."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from test_layering import LAYERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TEXT = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
FILES = re.findall(r"`([\w./]+/)?([\w]+\.py)(?:::(\w+))?`", TEXT)
PLACES = sorted({(f"{folder}{file}", name) for folder, file, name in FILES})


def found(file: str) -> Path:
    return ROOT / file if file.startswith("tests/") else ROOT / "tinygrad_bp" / file


def defined(path: Path) -> set[str]:
    """Return the names of functions, classes and values at the top of a module."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {getattr(one, "id", "") for one in targets}
        names.add(getattr(node, "name", ""))
    return names


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_a_place_that_is_named_is_there(file: str, name: str) -> None:
    assert found(file).is_file()
    assert not name or name in defined(found(file))


def test_folders_that_are_named_are_there() -> None:
    folders = re.findall(r"`([\w/]+)/`", TEXT)
    assert folders
    assert [one for one in folders if not ((ROOT / one).is_dir() or found(one).is_dir())] == []


def test_the_layers_are_those_that_are_tested() -> None:
    section = TEXT.partition("## The layers\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    shown = [set(re.findall(r"`(\w+)`", row)) for row in rows]
    *layers, face = LAYERS
    assert shown == layers
    assert face == {"__init__", "__main__"}


def test_the_line_of_the_sine_is_the_one_in_the_table() -> None:
    (line,) = re.findall(r"^elementwise\(np\.sin.*$", PAGE, re.MULTILINE)
    family = found("rules/elementwise/elementary.py").read_text(encoding="utf-8")
    assert line in family.splitlines()
