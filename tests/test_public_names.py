"""The face of the package: what `import tinygrad_bp as tg` gives."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from together import together

import tinygrad_bp as tg
from tinygrad_bp import elsewhere

LAZY = {"SigmoidClassifier", "Explanation", "GraphView", "Tensor", "TinygradError"}
MODULES = ["data", "doctor", "nn", "onnx", "optim", "testing", "training", "files", "view"]
MODULES += ["parallel"]
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


def test_a_module_is_imported_when_asked_for() -> None:
    """Each in a child of a process that has imported the package alone."""
    code = f"""
import os, sys, tinygrad_bp as tg
for name in {MODULES}:
    if os.fork() == 0:
        assert "tinygrad_bp." + name not in sys.modules, name
        assert getattr(tg, name).__name__ == "tinygrad_bp." + name
        os._exit(0)
    assert os.wait()[1] == 0, name
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_said() -> None:
    with pytest.raises(AttributeError, match="no attribute 'gradd'"):
        _ = tg.gradd


def test_the_names_of_every_room_are_known_at_the_top() -> None:
    top = {name for name in tg.__all__ if name not in {*MODULES, *LAZY, "hook"}}
    assert {*elsewhere.FUNCTIONS.split()} == top
    for room, names in elsewhere.ROOMS.items():
        assert {*names.split()} == {*getattr(tg, room).__all__}, room


OBJECTS = [
    (tg.tensor([1.0]), elsewhere.OF_TENSOR),
    (tg.nn.Linear(1, 1), elsewhere.OF_MODULE),
    (tg.optim.SGD([tg.tensor(1.0, requires_grad=True)], 0.1), elsewhere.OF_OPTIMIZER),
]


@pytest.mark.parametrize(("thing", "places"), OBJECTS, ids=["tensor", "module", "optimizer"])
def test_an_attribute_known_from_elsewhere_is_answered(thing: Any, places: dict[str, str]) -> None:
    for name, place in places.items():
        kind = re.escape(f"{type(thing).__name__!r} object has no attribute {name!r}: {place}")
        with pytest.raises(AttributeError, match=kind):
            getattr(thing, name)
        assert name not in dir(thing)
        for own in re.findall(r"write \.(\w+)", place):
            assert hasattr(thing, own)


X = tg.tensor(np.ones((2, 3)), requires_grad=True)
CALLED: list[tuple[Any, dict[str, Any], str]] = [
    *[
        (getattr(X, name), {"dim": 0}, "axis=")
        for name in ["sum", "mean", "max", "std", "cumsum", "squeeze"]
    ],
    *[(f, {"dim": 0}, "axis=") for f in (X.argmax, X.prod, X.var, X.repeat)],
    *[(lambda f=f, **k: f(X, **k), {"dim": 0}, "axis=") for f in (tg.softmax, tg.logsumexp)],
    (lambda **k: tg.log_softmax(X, **k), {"dim": 0}, "axis="),
    (X.min, {"axis": 0, "keepdim": True}, "keepdims="),
    (X.std, {"unbiased": False}, "ddof="),
    (X.transpose, {"dim0": 0, "dim1": 1}, "np.swapaxes"),
    (X.flatten, {"start_dim": 1}, "reshape"),
    (X.backward, {"gradient": X}, "cotangent="),
    (lambda **k: tg.tensor([1.0], **k), {"device": "cpu"}, "no device"),
    (lambda **k: tg.grad(np.sin, **k), {"argnum": 0}, "argnums="),
    (lambda **k: tg.vmap(np.sin, **k), {"in_dims": 0}, "in_axes="),
    (lambda **k: tg.compile(np.sin, **k), {"static_argnums": 0}, "static="),
    (lambda **k: tg.optim.Adam([X], **k), {"learning_rate": 0.1}, "lr="),
    (tg.nn.Linear, {"in_features": 2, "out_features": 3}, "n_in="),
    (lambda **k: tg.nn.Linear(2, 3, **k), {"activation": "relu"}, "is the next layer"),
    (lambda **k: tg.nn.LSTM(2, 3, **k), {"batch_first": True}, "samples come first"),
    (lambda **k: tg.optim.Adam([X], **k), {"beta_1": 0.9}, "betas="),
    (lambda **k: tg.data.split(X, **k), {"test_size": 0.2}, "fraction="),
    (lambda **k: tg.training.EarlyStopping(3, **k), {"monitor": "loss"}, "metric="),
    *[
        (partial(tg.training.fit, None, None, None, None, epochs=1), {word: 1}, remedy)
        for word, remedy in {
            "verbose": "progress=",
            "validation_data": "validation=",
            "validation_split": "validation=",
            "shuffle": "rng=",
        }.items()
    ],
]


@pytest.mark.parametrize(("call", "keywords", "remedy"), CALLED)
def test_a_keyword_known_from_elsewhere_is_answered(
    call: Any, keywords: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument .*{re.escape(remedy)}"):
        call(**keywords)


def test_an_error_of_another_kind_is_left_alone() -> None:
    for call in (lambda: X.sum(axes=0), lambda: tg.grad(lambda x, y: x * y)(1.0, dim=2)):
        with pytest.raises(TypeError) as caught:
            call()
        assert not any(remedy in str(caught.value) for remedy in elsewhere.KEYWORDS.values())


def test_a_module_may_have_an_attribute_that_others_know_as_a_method() -> None:
    class Net(tg.nn.Module):
        def train(self) -> int:
            return self.to

    net = Net()
    net.to = 3
    assert net.train() == 3


@together
@pytest.mark.parametrize(
    "module", [tg, tg.nn, tg.optim, tg.data, tg.training], ids=lambda module: module.__name__
)
@pytest.mark.parametrize("name", sorted({*elsewhere.KNOWN, "zeros", "einsum"}))
def test_a_name_known_from_elsewhere_is_answered_with_what_is_here(
    module: ModuleType, name: str
) -> None:
    if hasattr(module, name):
        return
    start = re.escape(f"module '{module.__name__}' has no attribute '{name}': ")
    with pytest.raises(AttributeError, match=start) as caught:
        getattr(module, name)
    for path in re.findall(r"\b(?:tg|np)(?:\.\w+)+", str(caught.value)):
        found: Any = {"tg": tg, "np": np}[path.split(".")[0]]
        for part in path.split(".")[1:]:
            found = getattr(found, part)  # what is named exists


@pytest.mark.parametrize(
    ("module", "name", "answer"),
    [
        (tg, "fit", "it is tg.training.fit"),
        (tg, "mse", "it is tg.nn.mse"),
        (tg, "exp", "call np.exp"),
        (tg, "Dropout", "it is tg.nn.Dropout"),
        (tg.nn, "GroupNorm", "write a tg.nn.Module"),
        (tg.optim, "Adadelta", "Adam, AdamW and Lion"),
    ],
)
def test_answers(module: ModuleType, name: str, answer: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(answer)):
        getattr(module, name)


def test_names_that_programs_probe_for_are_plainly_missing() -> None:
    for name in ("__wrapped__", "__path_hooks__", "_private", "pytest_plugins"):
        with pytest.raises(AttributeError, match=rf"has no attribute '{name}'$"):
            getattr(tg, name)
