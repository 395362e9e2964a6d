"""Which edits are tried: what a backward pass does inside its calls, too."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tinygrad_bp.doctor.slips.edits import Edits
from tinygrad_bp.doctor.slips.slopes import slope_of
from tinygrad_bp.doctor.watched.rewriting import parsed
from tinygrad_bp.doctor.watched.substitution import substituted

SHAPES = {"W": (3, 3), "x": (5, 3), "delta": (5, 3), "z": (5, 3)}
LOOP = "for k in range(2):\n    "
TURNS = f"{LOOP}for j in range(2):\n        "
CASES = {
    "turned round": (f"{LOOP}g = delta * x[::-1]", "g = delta * x"),
    "flipped": (f"{LOOP}g = np.dot(delta, np.flip(x))", "g = np.dot(delta, x)"),
    "not turned": (f"{LOOP}g = np.convolve(x, W, 'full')", "np.convolve(x, W[::-1], 'full')"),
    "appended": (f"{LOOP}grads.append(x @ delta)", "grads.append(x.T @ delta)"),
    "inserted": (f"{LOOP}grads.insert(0, x @ delta)", "grads.insert(0, x.T @ delta)"),
    "nested": (f"{LOOP}grads.append((x.T @ delta, x + z))", "grads.append((x.T @ delta, x - z))"),
    "einsum": (f"{LOOP}g = np.einsum('ni,jn->ij', x, d)", "'ni,nj->ij'"),
    "field": (
        f"{LOOP}unit['delta'] = delta @ W.T\n    unit['a'] = 1",
        "unit['delta'] = delta @ W.T * (unit['a'] * (1 - unit['a']))",
    ),
    "neighbour": (
        f"{TURNS}d = (delta @ W.T) * 1\n        e = acts[j]",
        "acts[j + 1] * (1 - acts[j + 1])",
    ),
    "where": (
        "def f(z):\n    return np.where(z > 0, 0.1, 1.0)",
        "return np.where(z > 0, 1.0, 0.1)",
    ),
    "layer below": (f"{TURNS}g = delta.T @ acts[j]", "g = delta.T @ acts[j - 1]"),
    "unused": (
        "def f(x, delta):\n    low = delta @ W.T\n    g = x.T @ delta\n    return g",
        "g = x.T @ low",
    ),
    "unused and wrong": (
        "def f(x, delta):\n    low = z @ W\n    g = x.T @ z\n    return g",
        "low = z @ W.T\n    g = x.T @ low",
    ),
    "slope of an error in two lines": (
        f"{LOOP}g = x.T @ (z - t)\n    h = (z - t) @ W.T",
        "((z - t) * (z > 0))\n    h = (z - t) * (z > 0) @ W.T",
    ),
    "slope written out at the result": (
        f"{LOOP}g = delta * squash(z) * (1 - squash(z))",
        "g = z * (1 - z) * delta",
    ),
    "one of two": ("def f(z):\n    return 0.1 if z > 0 else 1.0", "return 1.0 if z > 0 else 0.1"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_edit_undoes_the_slip(name: str) -> None:
    text, mended = CASES[name]
    script = parsed(text, "script.py")
    edits = Edits(script.tree, script.tree.body, SHAPES, set(), {})
    tried = [ast.unparse(substituted(one.unit, one.replaced)) for one in edits]
    assert any(mended in one for one in tried)


SLOPES = {
    "def dsig(v):\n    return v * (1 - v)": ("sigmoid", "result"),
    "def dsig(v):\n    s = 1 / (1 + np.exp(-v))\n    return s * (1 - s)": ("sigmoid", "input"),
    "def dsig(v):\n    return np.exp(-v) / (1 + np.exp(-v)) ** 2": ("sigmoid", "input"),
    "def dtanh(v):\n    return 1 - np.tanh(v) ** 2": ("tanh", "input"),
    "def dtanh(v):\n    return 1 - v * v": ("tanh", "result"),
    "def drelu(v):\n    return v > 0": ("relu", "either"),
    "def dsig(v):\n    return 1 * (1 - v)": ("", ""),
    "def dsig(v):\n    return v * (1 - v) / rate": None,
}


@pytest.mark.parametrize("text", SLOPES)
def test_a_helper_is_the_slope_that_it_computes(text: str) -> None:
    tree = ast.parse(text)
    function: Any = tree.body[0]
    assert slope_of(tree, function, function.body[-1].value) == SLOPES[text]


def test_a_parameter_is_multiplied_by_no_slope() -> None:
    script = parsed(f"{LOOP}W = W + z * 0.1", "script.py")
    edits = Edits(script.tree, script.tree.body, {**SHAPES, "z": (3, 3)}, set(), {})
    assert not [one for one in edits if one.name == "missing-derivative"]


def test_a_sign_that_counts_places_is_none_of_a_gradient() -> None:
    script = parsed(f"{LOOP}g = delta * x[::-1]", "script.py")
    edits = Edits(script.tree, script.tree.body, SHAPES, set(), {})
    assert not [one for one in edits if one.name == "wrong-sign"]
