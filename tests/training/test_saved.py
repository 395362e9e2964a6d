"""Weights and buffers in files: all of them, or an error that names what cannot be held."""

from __future__ import annotations

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.files import write_model


class Everything(nn.Module):
    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.layers = [nn.Linear(2, 3, rng=rng, dtype=np.float32), nn.BatchNorm(3)]
        self.mask = rng.random(4) > 0.5
        self.counts = rng.integers(0, 9, 3)
        self.bound = np.array([-np.inf, rng.random()])
        self.half = tg.tensor(rng.random(2).astype(np.float16), requires_grad=True)
        self.table = {"a": {"b": rng.random((1, 0))}}
        self.step = np.int64(rng.integers(100))


def bits(model):
    return {n: (a.dtype, a.shape, a.tobytes()) for n, a in model.state().items()}


def test_every_array_of_a_module_comes_back(tmp_path):
    first, second = Everything(0), Everything(1)
    tg.save(first, tmp_path / "m")
    assert bits(first) != bits(second)
    assert tg.load(tmp_path / "m", second) is second
    assert bits(first) == bits(second)
    assert len(bits(first)) == 12


@pytest.mark.parametrize(
    "array", [np.array([1j]), np.array(["a"]), np.array([None]), np.zeros(1, np.longdouble)]
)
def test_what_a_file_cannot_hold_is_named(tmp_path, array):
    model = nn.Linear(1, 1)
    model.odd = array
    with pytest.raises(ModelFileError, match="'odd'"):
        tg.save(model, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_names_that_a_file_cannot_hold_are_named(tmp_path):
    model = nn.Linear(1, 1)
    model.table = {"a b": np.zeros(1)}
    with pytest.raises(ModelFileError, match="table"):
        tg.save(model, tmp_path / "m")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"W": np.zeros((2, 1))}, "missing 'b'"),
        ({"W": np.zeros((2, 1)), "b": np.zeros(1), "c": np.zeros(1)}, "unexpected 'c'"),
        ({"W": np.zeros((2, 2)), "b": np.zeros(1)}, "shape"),
        ({"W": np.zeros((2, 1), np.float32), "b": np.zeros(1)}, "dtype"),
    ],
)
def test_another_module_is_refused_and_nothing_changed(tmp_path, arrays, words):
    write_model(tmp_path / "m", arrays, {})
    model = nn.Linear(2, 1, rng=0)
    before = bits(model)
    with pytest.raises(ModelFileError, match=words):
        tg.load(tmp_path / "m", model)
    assert bits(model) == before


def test_the_order_of_the_arguments_is_said(tmp_path):
    with pytest.raises(TypeError, match=r"save\(model, path\)"):
        tg.save(tmp_path, nn.Linear(1, 1))


def test_the_safetensors_package_reads_what_is_saved_and_writes_what_is_loaded(tmp_path):
    theirs = extra("safetensors.numpy")
    first, second = Everything(0), Everything(1)
    tg.save(first, tmp_path / "m")
    arrays = theirs.load_file(tmp_path / "m")
    for name, array in first.state().items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)
    theirs.save_file(arrays, tmp_path / "n")
    tg.load(tmp_path / "n", second)
    assert bits(first) == bits(second)
