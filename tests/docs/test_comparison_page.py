"""The comparison with other engines: its tables are the answers, and the answers still hold."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "examples" / "comparison"
KEPT = json.loads((SCRIPT / "answers.json").read_text(encoding="utf-8"))
SPEC = importlib.util.spec_from_file_location("comparison_engines", SCRIPT / "engines.py")
assert SPEC is not None
assert SPEC.loader is not None
ENGINES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ENGINES)
OTHERS = [name for name in ENGINES.LIBRARIES if name != "tinygrad_bp"]
QUESTIONS = ("third", "overwritten", "labels", "deep", "nan", "drawn", "written")


def run(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/comparison.md"])
def test_the_table_of_a_page_is_made_of_the_answers(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    made = run(*(["--short"] if page == "README.md" else []))
    assert made.strip() in text


def test_ours_are_the_answers_that_are_kept() -> None:
    got = json.loads(run("--answer", "tinygrad_bp", *QUESTIONS).splitlines()[-1])
    assert got == {key: KEPT["tinygrad_bp"][key] for key in QUESTIONS}


@pytest.mark.deep
def test_every_function_of_numpy_is_asked() -> None:
    got = json.loads(run("--answer", "tinygrad_bp", "functions").splitlines()[-1])["functions"]
    right, total = map(int, got.split(" of "))
    assert right == total
    assert total >= int(KEPT["tinygrad_bp"]["functions"].split(" of ")[1]) - 5  # an older NumPy


@pytest.mark.oracle
@pytest.mark.parametrize("name", OTHERS)
def test_so_are_those_of_the_other_engines(name: str) -> None:
    try:
        there = version(ENGINES.LIBRARIES[name].distribution)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    if there != KEPT[name]["version"]:
        pytest.skip(f"{name} {there} is not the version that was asked")
    keys = [key for key in QUESTIONS if "no answer" not in KEPT[name][key]]
    got = json.loads(run("--answer", name, *keys).splitlines()[-1])
    assert got == {key: KEPT[name][key] for key in keys}
