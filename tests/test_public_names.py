"""The face of the package: what `import tinygrad_bp as tg` gives."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tinygrad_bp as tg

LAZY = {"SigmoidClassifier", "GraphView", "Tensor", "TinygradError"}
MODULES = ["data", "nn", "optim", "testing", "files", "view"]
FUNCTIONS = sorted({*tg.__all__} - {*MODULES} - LAZY)


@pytest.mark.parametrize("name", tg.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(tg, name) is not None
    assert name in dir(tg)


def test_a_module_of_the_same_name_does_not_hide_a_function() -> None:
    code = f"""
import tinygrad_bp.engine.nodes, tinygrad_bp as tg
for name in {FUNCTIONS}:
    assert callable(getattr(tg, name)), name
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_imported_when_asked_for(name: str) -> None:
    code = f"""
import sys, tinygrad_bp as tg
assert "tinygrad_bp.{name}" not in sys.modules
assert tg.{name}.__name__ == "tinygrad_bp.{name}"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_said() -> None:
    with pytest.raises(AttributeError, match="no attribute 'gradd'"):
        _ = tg.gradd
