"""``tinygrad-bp explain``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tinygrad_bp.cli import main

MODULE = """\
import numpy as np
import tinygrad_bp as tg

scale = tg.tensor([2.0, 3.0], requires_grad=True)

def loss():
    def inner():
        x = "not this one"
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    inner()
    y = np.tanh(x) * scale
    total = np.sum(y * y)
    return total

def number():
    return 3.0

def fails():
    raise KeyError("no such thing")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> Any:
    (tmp_path / "explained_model.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    sys.modules.pop("explained_model", None)


def test_the_names_are_those_of_the_functions_variables(folder: Path, capsys: Any) -> None:
    assert main(["explain", "explained_model:loss"]) == 0
    told = capsys.readouterr().out
    for line in ("  y = v1 ⊙ scale", "  v1 = tanh(x)", "  total = sum(", "    dscale = dy ⊙ v1"):
        assert line in told
    assert sys.getprofile() is None


def test_one_gradient_and_one_element(folder: Path, capsys: Any) -> None:
    asked = ["explain", "explained_model:loss", "--wrt", "scale", "--element", "scale[1]"]
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert "One element: dscale[1] = " in told
    assert "dscale = " in told
    assert "dx = " not in told


FORMS = {
    ".html": "<math", ".md": "$$", ".tex": r"\begin{align*}", ".txt": "dtotal = 1",
    ".py": "def total_and_gradients(",
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "holds"), FORMS.items())
def test_the_suffix_says_the_form(suffix: str, holds: str, folder: Path, capsys: Any) -> None:
    assert main(["explain", "explained_model:loss", "-o", f"x{suffix}"]) == 0
    assert holds in (folder / f"x{suffix}").read_text(encoding="utf-8")
    assert f"written to x{suffix}" in capsys.readouterr().out


FAULTS = {
    "-o x.doc": "ends in one of .html",
    "-o explained_model.py": "the file exists",
    "--element x[7]": "x has the shape (2,)",
    "--wrt q": "there is no 'q'",
}


@pytest.mark.parametrize(("options", "told"), FAULTS.items())
def test_what_cannot_be_done_is_said(options: str, told: str, folder: Path, capsys: Any) -> None:
    assert main(["explain", "explained_model:loss", *options.split()]) == 2
    assert told.replace("x has", "'x' has") in capsys.readouterr().err
    assert (folder / "explained_model.py").read_text(encoding="utf-8") == MODULE


def test_a_function_that_fails_or_gives_no_tensor_is_said(folder: Path, capsys: Any) -> None:
    assert main(["explain", "explained_model:fails"]) == 2
    assert "raised KeyError: 'no such thing'" in capsys.readouterr().err
    assert main(["explain", "explained_model:number"]) == 2
    assert "expected a Tensor with a graph, got float" in capsys.readouterr().err
    assert main(["explain", "explained_model:nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
