"""The pytest plugin, as pytest loads it: from the entry points that pyproject.toml declares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from extras import extra

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TESTS = """
import numpy as np
import pytest
import tinygrad_bp as tg
from tinygrad_bp.testing import gradients_hold

wrong = tg.differentiable(np.sin, vjp=lambda ct, out, x: ct * np.sin(x))

def test_right(check_grads):
    check_grads(np.tanh, np.ones(3))

def test_kinked(check_grads):
    check_grads(np.abs, np.zeros(2))

def test_wrong(check_grads):
    check_grads(lambda x: wrong(x), np.ones(3))

@gradients_hold(("m",))
def test_layer(x):
    return np.exp(x)

def test_other():
    pass

@pytest.mark.gradients
def test_marked():
    pass
"""


DEEP = """
import numpy as np

def test_deep(check_grads):
    assert check_grads(np.sum, np.ones(600)).directions == 64
"""
# Several runs of pytest in one process: it imports for a second, and runs for a tenth of one.
RUNS = """
import contextlib, io, json, sys, pytest

for arguments in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["-p", "no:cacheprovider", *arguments])
    print(json.dumps([int(code), said.getvalue()]))
"""
CALLS = {
    "other": ["-q", "-k", "test_other", "test_user.py"],  # first: a process adds up what it checks
    "quiet": ["-q", "test_user.py"],
    "selected": ["-q", "--strict-markers", "--collect-only", "-m", "gradients", "test_user.py"],
    "markers": ["--markers"],
    "deep": ["-q", "--grad-deep", "test_deep.py"],
}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sys.path with what an installed wheel has beside the package."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    folder.mkdir()
    forced = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source, target in forced.items():
        (folder / target).write_text((ROOT / source).read_text(encoding="utf-8"), encoding="utf-8")
    record = folder / "tinygrad_bp-0.1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: tinygrad-bp\nVersion: 0.1.0\n")
    lines = []
    for group, entries in PROJECT["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (record / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def run(installed: Path) -> Callable[..., Any]:
    """Run pytest in a project of its own, where the plugin is installed."""
    project = installed.parent / "project"
    project.mkdir()
    (project / "test_user.py").write_text(TESTS, encoding="utf-8")
    (project / "test_deep.py").write_text(DEEP, encoding="utf-8")

    def call(*arguments: str, code: str | None = None) -> Any:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])}
        environment.pop("PYTEST_ADDOPTS", None)
        command = ["-m", "pytest", "-p", "no:cacheprovider"] if code is None else ["-c", code]
        return subprocess.run(
            [sys.executable, *command, *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def said(run: Callable[..., Any]) -> dict[str, tuple[int, str]]:
    """The exit code and the output of each of the calls, one after the other."""
    done = run(json.dumps([*CALLS.values()]), code=RUNS)
    assert done.returncode == 0, done.stderr
    return dict(zip(CALLS, map(json.loads, done.stdout.splitlines()), strict=True))


def test_the_fixture_the_report_and_the_last_lines(said: dict[str, tuple[int, str]]) -> None:
    code, text = said["quiet"]
    assert code == 1
    assert "5 passed" in text
    assert "1 failed" in text
    assert "GradientMismatch: <lambda>: the gradient is wrong in argument 0 'x'" in text
    assert "check_grads(f, np.array([1.0, 1.0, 1.0], 'float64'))" in text
    assert "- gradients -" in text
    last = next(line for line in text.splitlines() if " functions checked" in line)
    assert last.startswith("4 functions checked, at arguments from -")
    assert "difference that passed is" in last
    assert last.endswith(" of a slope, kinks met: 2")


def test_the_marker_selects(said: dict[str, tuple[int, str]]) -> None:
    _, text = said["selected"]
    for name in ("test_right", "test_kinked", "test_wrong", "test_layer", "test_marked"):
        assert f"::{name}" in text
    assert "::test_other" not in text
    assert "gradients: checks gradients" in said["markers"][1]


def test_the_deep_option(said: dict[str, tuple[int, str]]) -> None:
    code, text = said["deep"]
    assert code == 0, text  # without, there are 8 directions


def test_nothing_is_said_where_nothing_was_checked(said: dict[str, tuple[int, str]]) -> None:
    code, text = said["other"]
    assert code == 0
    assert "gradients" not in text


def test_workers_send_what_they_counted(run: Callable[..., Any]) -> None:
    extra("xdist")
    done = run("-q", "-n", "2", "test_user.py")
    assert "4 functions checked, at arguments from " in done.stdout
    assert "kinks met: 2" in done.stdout


@pytest.mark.parametrize("entry", ["pytest11", "hypothesis"])
def test_nothing_heavy_is_imported_for_other_projects(run: Callable[..., Any], entry: str) -> None:
    load = "entry.load()" if entry == "pytest11" else "entry.load()()"
    code = f"""
import sys, importlib.metadata
import {"pytest" if entry == "pytest11" else "json"}
before = set(sys.modules)
(entry,) = [one for one in importlib.metadata.entry_points(group={entry!r})
            if one.name == "tinygrad_bp"]
{load}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(sorted(new & {{"numpy", "hypothesis", "tinygrad_bp"}}), entry.module in sys.modules)
"""
    done = run(code=code)
    assert done.stdout == "[] True\n", done.stderr


def test_hypothesis_knows_the_type(run: Callable[..., Any]) -> None:
    code = """
import tinygrad_bp, hypothesis
from hypothesis import strategies as st

@hypothesis.settings(max_examples=2, deadline=None, database=None)
@hypothesis.given(st.from_type(tinygrad_bp.Tensor))
def draw(x):
    assert type(x) is tinygrad_bp.Tensor

draw()
"""
    done = run(code=code)
    assert done.returncode == 0, done.stderr
