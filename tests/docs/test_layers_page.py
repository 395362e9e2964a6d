"""The tables of the page on layers: every row is built and called, and nothing is left out."""

from __future__ import annotations

import re
from ast import literal_eval
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import extra

from tinygrad_bp import nn

PAGE = (Path(__file__).parents[2] / "docs" / "layers.md").read_text(encoding="utf-8")
ROWS = [re.split(r"(?<!\\)\|", line)[1:-1] for line in PAGE.splitlines() if line.startswith("| `")]
LAYERS = [row for row in ROWS if len(row) == 5]
LOSSES = [row for row in ROWS if len(row) == 3]


def code(cell: str) -> str:
    return cell.strip().strip("`")


def built(row: list[str]) -> nn.Module:
    layer: nn.Module = eval(f"nn.{code(row[0])}", {"nn": nn})  # noqa: S307  # the page is ours
    return layer


@pytest.mark.parametrize("row", LAYERS, ids=lambda row: code(row[0]))
def test_a_layer_makes_of_one_shape_the_other(row: list[str]) -> None:
    symbols = row[2].strip().startswith("symbols")
    shape = literal_eval(row[2].replace("symbols", "").strip())
    out: Any = built(row)(np.ones(shape, int if symbols else float))
    out = out[0] if isinstance(out, tuple) else out
    assert out.shape == literal_eval(row[3].strip())


def test_every_layer_and_loss_has_its_row() -> None:
    layers = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    described = {type(built(row)).__name__ for row in LAYERS}
    assert layers - described == {"Module", "Sequential", "RNNCell", "GRUCell", "LSTMCell"}
    functions = {name for name in nn.__all__ if callable(getattr(nn, name))} - layers
    losses = functions - {"load_torch"}
    assert losses == {code(row[0]) for row in LOSSES}


@pytest.mark.oracle
def test_pytorchs_names_are_its_own() -> None:
    torch = extra("torch")
    for row in LAYERS:
        assert all(hasattr(torch.nn, name) for name in re.findall(r"`(\w+)`", row[4]))
    for row in LOSSES:
        assert all(hasattr(torch.nn.functional, name) for name in re.findall(r"`(\w+)`", row[2]))
