"""The face of the package: what `import tinygrad_bp as tg` gives."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest
from together import together

import tinygrad_bp as tg
from tinygrad_bp.elsewhere import attributes, calls, names

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
    assert {*names.FUNCTIONS.split()} == top
    for room, listed in names.ROOMS.items():
        assert {*listed.split()} == {*getattr(tg, room).__all__}, room


OBJECTS = [
    (tg.tensor([1.0]), attributes.OF_TENSOR),
    (tg.nn.Linear(1, 1), attributes.OF_MODULE),
    (tg.optim.SGD([tg.tensor(1.0, requires_grad=True)], 0.1), attributes.OF_OPTIMIZER),
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


@pytest.mark.parametrize("setting", [*attributes.OF_OPTIMIZER])
def test_what_an_optimizer_would_not_read_is_not_set(setting: str) -> None:
    optimizer = tg.optim.SGD([tg.tensor(1.0, requires_grad=True)], 0.1)
    with pytest.raises(AttributeError, match=re.escape(attributes.OF_OPTIMIZER[setting])):
        setattr(optimizer, setting, 0.5)


@pytest.mark.parametrize("setting", [*attributes.UNREAD])
def test_what_a_module_does_not_read_is_said_and_kept(setting: str) -> None:
    layer = tg.nn.Linear(1, 1)
    with pytest.raises(AttributeError, match="freeze"):
        getattr(layer, setting)
    with pytest.warns(UserWarning, match="freeze") as caught:
        setattr(layer, setting, False)
    assert caught[0].filename == __file__
    assert getattr(layer, setting) is False


def test_a_size_is_a_number_that_says_how_to_ask_for_a_shape() -> None:
    size = tg.tensor(np.ones((2, 3))).size
    for axis in ((), (0,)):
        with pytest.raises(TypeError, match=re.escape("write .shape")):
            size(*axis)  # type: ignore[operator]
    assert size == 6
    assert type(pickle.loads(pickle.dumps(size))) is type(copy.copy(size)) is int
    assert tg.tensor(np.ones((2, 3))).reshape(size).shape == (6,)


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


def called_by_people() -> Iterator[tuple[str, Any]]:
    """Yield every function and constructor of the public rooms that is written in Python."""
    extras = ["onnx"] if find_spec("onnx") else []
    rooms = {"tg": tg, **{x: getattr(tg, x) for x in [*names.ROOMS, "doctor", *extras]}}
    for room, module in rooms.items():
        for name in module.__all__:
            one = getattr(module, name)
            kind = one if isinstance(one, type) else type(one)
            plain = isinstance(one, type) and type(one.__init__) is not FunctionType
            if not (plain or issubclass(kind, BaseException | tuple | ModuleType | Mapping)):
                yield f"{room}.{name}", one
    yield from (
        (f"schedules.{name}", one)
        for name, one in vars(tg.optim.schedules).items()
        if getattr(one, "__module__", "") == tg.optim.schedules.__name__
        and type(one) is FunctionType
        and not name.startswith("_")
    )


# Records that the package makes, and what is a context manager's own.
MADE = (
    "Explanation GraphView Table Dropped Report Minimum Loop Probe Diagnosis Finding Memory watch"
)


@pytest.mark.parametrize(
    ("name", "function"),
    [(n, f) for n, f in called_by_people() if n.split(".")[1] not in MADE.split()],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_every_call_that_does_not_fit_says_how_it_is_called(name: str, function: Any) -> None:
    with pytest.raises(TypeError) as caught:
        function(never_heard_of=1)
    said = str(caught.value)
    if "not supported on Tensors" not in said:
        assert said.partition("(")[0] == name.split(".")[1]
        assert f"the call is {name.split('.')[1]}(" in said or len(said) > calls.LONGEST


ODD: list[tuple[Any, dict[str, Any], str]] = [
    (tg.training.EarlyStopping, {"patience": "3"}, "EarlyStopping: patience='3'; expected an int"),
    (partial(tg.optim.EMA, [X]), {"decay": "a"}, "EMA: decay='a'; expected a number"),
    (partial(tg.softmax, X), {"axis": 1.5}, "softmax: axis=1.5; expected an integer"),
    (partial(tg.testing.check_grads, np.sin, 1.0), {"order": "2"}, "order='2'; expected an int"),
    (partial(tg.graph, np.sum(X * X)), {"parameters": [X]}, "expected a dict or None"),
    (tg.nn.Dropout, {"rng": "seed"}, "Dropout: rng='seed'; expected"),
    (
        partial(tg.nn.Linear, 2, 3),
        {"bias": "False"},
        "Linear: bias='False'; expected True or False",
    ),
    (partial(tg.tensor, 1.0), {"requires_grad": "no"}, "tensor: requires_grad='no'; expected True"),
    (partial(tg.save, tg.nn.Linear(1, 1)), {"path": 3}, "save: path=3; expected a string"),
    (partial(tg.load, 3), {"model": tg.nn.Linear(1, 1)}, "load: path=3; expected a string"),
    (partial(tg.hook, X), {"f": 3}, "hook: f=3; expected a function"),
    (tg.vmap, {"f": 3}, "vmap: expected a function, got int"),
    (tg.checkpoint, {"f": 3}, "checkpoint: expected a function, got int"),
    (tg.optim.schedules.warmup, {"schedule": 0.1, "epochs": 3}, "expected a function"),
]


@pytest.mark.parametrize(("call", "keywords", "said"), ODD)
def test_an_argument_of_another_type_is_named(
    call: Any, keywords: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(said)):
        call(**keywords)


ALONE = [tg.sigmoid, tg.relu, tg.gelu, tg.softplus, tg.silu]
ALONE += [getattr(tg.Tensor, name) for name in ("tanh", "sigmoid", "relu", "conj", "conjugate")]


@pytest.mark.parametrize("function", ALONE, ids=lambda one: one.__qualname__)
@pytest.mark.parametrize("x", [X, X.detach()], ids=["tracked", "untracked"])
def test_a_second_argument_is_refused_and_not_written_into(function: Any, x: Any) -> None:
    second = np.zeros((2, 3))
    with pytest.raises(TypeError, match="argument"):
        function(x, second)
    assert not second.any()


def test_an_error_of_the_users_function_is_not_put_on_an_argument() -> None:
    def loss(_prediction: Any, _y: Any) -> Any:
        raise ValueError("mine")

    model = tg.nn.Linear(1, 1)
    with pytest.raises(ValueError, match=r"^mine$"):
        tg.training.fit(
            model,
            loss,
            (np.ones((4, 1)), np.ones(4)),
            tg.optim.SGD(model.parameters(), 0.1),
            epochs=1,
            accumulate=True,
        )


def test_a_module_of_ones_own_may_take_what_it_wants() -> None:
    class Net(tg.nn.Module):
        def __init__(self, bias: bool = True) -> None:
            self.bias = bias

    assert Net(bias="auto").bias == "auto"  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=re.escape("did you mean bias=?; the call is Net(bias=True)")
    ):
        Net(bais=False)  # type: ignore[call-arg]


def test_an_error_of_another_kind_is_left_alone() -> None:
    with pytest.raises(TypeError) as caught:
        tg.grad(lambda x, y: x * y)(1.0, dim=2)
    assert "the call is" not in str(caught.value)


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
@pytest.mark.parametrize("name", sorted({*names.KNOWN, "zeros", "einsum"}))
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
