"""The reference has every public name, and the menu of the site has every page."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.attached import Attached
from tinygrad_bp.optim import schedules

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted((DOCS / "reference").glob("*.rst"))
MODULES = [
    "data",
    "doctor",
    "files",
    "nn",
    "optim",
    "parallel",
    "testing",
    "testing.strategies",
    "training",
    "view",
]
DIRECTIVE = re.compile(r"^\.\. (?P<kind>[\w:]+):: (?P<name>\S+)$", re.MULTILINE)
OPENING = {"currentmodule", "automodule"}
DESCRIBING = {"autofunction", "autoclass", "autoexception", "py:data"}


def described() -> list[tuple[str, str]]:
    """Return (module, name) of everything that a page of the reference describes."""
    found = []
    for page in PAGES:
        module = ""
        for directive in DIRECTIVE.finditer(page.read_text(encoding="utf-8")):
            if directive["kind"] in OPENING:
                module = directive["name"]
            elif directive["kind"] in DESCRIBING:
                found.append((module, directive["name"]))
    return found


def value(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


OBJECTS = [value(*one) for one in described()]


def public(module: ModuleType) -> list[Any]:
    names = [getattr(module, name) for name in module.__all__]
    return [one for one in names if not isinstance(one, ModuleType)]


@pytest.mark.parametrize(
    "module", [tg, *(importlib.import_module(f"tinygrad_bp.{name}") for name in MODULES)]
)
def test_every_public_name_has_its_entry(module: ModuleType) -> None:
    assert [one for one in public(module) if not any(one is found for found in OBJECTS)] == []


def test_the_first_page_lists_every_name_that_is_in_no_module() -> None:
    page = (DOCS / "reference" / "index.rst").read_text(encoding="utf-8")
    listed = {value("tinygrad_bp", name) for name in re.findall(r"^   (\w+)$", page, re.MULTILINE)}
    rooms = [importlib.import_module(f"tinygrad_bp.{name}") for name in MODULES]
    elsewhere = {id(tg.TinygradError)}.union(*(map(id, public(room)) for room in rooms))
    assert listed == {one for one in public(tg) if id(one) not in elsewhere}


def test_every_schedule_has_its_entry() -> None:
    own = [one for name, one in vars(schedules).items() if not name.startswith("_")]
    made_here = [one for one in own if getattr(one, "__module__", "") == schedules.__name__]
    assert made_here
    assert [one for one in made_here if not any(one is found for found in OBJECTS)] == []


def test_nothing_has_two_entries() -> None:
    assert len({id(one) for one in OBJECTS}) == len(OBJECTS)


def test_the_page_of_tensors_has_every_attribute_and_method() -> None:
    page = (DOCS / "reference" / "tensor.rst").read_text(encoding="utf-8")
    shown = {*re.findall(r"Tensor\.(\w+)$", page, re.MULTILINE), *re.findall(r"``(\w+)``", page)}
    own = {name for name in (*dir(tg.tensor(1.0)), *vars(Attached)) if not name.startswith("_")}
    assert own - shown == set()
    assert {name for name in shown if not hasattr(tg.Tensor, name)} == set()


def test_every_page_is_in_the_menu() -> None:
    tree = ast.parse((DOCS / "conf.py").read_text(encoding="utf-8"))
    menu = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CONTENTS"
    )
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    pages |= {f"reference/{path.stem}" for path in PAGES}
    assert sorted(page for part in menu.values() for page in part) == sorted(pages - {"index"})
