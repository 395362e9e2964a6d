"""Signatures tell the truth: `help`, editors and type checkers show how a function is called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import extra
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.attached import Attached

ROOMS = ("", ".data", ".files", ".nn", ".optim", ".testing", ".training", ".view")
Parameter = inspect.Parameter


def public() -> Iterator[tuple[str, Any]]:
    for room in ROOMS:
        module = import_module(f"tinygrad_bp{room}")
        for name in module.__all__:
            found = getattr(module, name)
            if callable(found) and not (isinstance(found, type) and issubclass(found, Exception)):
                yield f"{module.__name__}.{name}", found


PUBLIC = dict(public())


def documented(function: Any) -> list[str]:
    """Return the names in the section Parameters of a docstring; a record has Attributes."""
    doc = inspect.getdoc(function) or ""
    title = "Parameters" if "Parameters\n---" in doc else "Attributes"
    body = rf"^{title}\n-+\n(.*?)(?:^\w[\w ]*\n-+$|\Z)"
    section = re.search(body, doc, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^([*\w][^:\n]*?)(?: :.*)?$", section[1], re.MULTILINE) if section else []
    return [name.strip().lstrip("*") for line in lines for name in line.split(",")]


def taken(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


@together
@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstring_has_the_parameters_of_the_signature(name: str) -> None:
    function = PUBLIC[name]
    assert documented(function) == taken(function)


@together
@pytest.mark.parametrize("name", PUBLIC)
def test_no_public_function_takes_anything_at_all(name: str) -> None:
    kinds = [one.kind for one in inspect.signature(PUBLIC[name]).parameters.values()]
    assert not {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD} <= set(kinds)


# What says how memory lies or where a result goes: no Tensor has a choice there.
LEFT_OUT = {
    "astype": {"order", "casting", "subok"},
    "compress": {"out"},
    "copy": {"order"},
    "dot": {"out"},
    "trace": {"dtype", "out"},
}
METHODS = {
    name: method
    for name, method in vars(Attached).items()
    if inspect.isfunction(method) and not name.startswith("_") and hasattr(np.ndarray, name)
}


def test_the_methods_are_found() -> None:
    assert len(METHODS) > 30


@pytest.mark.parametrize("name", METHODS)
def test_a_method_shows_what_is_declared(name: str) -> None:
    assert inspect.signature(getattr(tg.Tensor, name)) == inspect.signature(METHODS[name])


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_what_numpys_takes(name: str) -> None:
    try:
        theirs = inspect.signature(getattr(np.ndarray, name)).parameters
    except ValueError:
        pytest.skip("this NumPy does not say how its methods are called")
    ours = inspect.signature(METHODS[name]).parameters
    more = any(one.kind is Parameter.VAR_KEYWORD for one in theirs.values())
    expected = [
        one
        for one in theirs.values()
        if one.kind is not Parameter.VAR_KEYWORD
        and one.name not in LEFT_OUT.get(name, ())
        and one.name != "descending"  # of sort and argsort since NumPy 2.5
    ]
    found = list(ours.values())
    for mine, other in zip(found, expected, strict=False):
        assert mine.name == other.name
        assert mine.default == other.default
        assert (mine.kind is Parameter.KEYWORD_ONLY) == (other.kind is Parameter.KEYWORD_ONLY)
    assert len(found) == len(expected) or (more and len(found) > len(expected))


CALLS: dict[str, tuple[Any, ...]] = {
    "argpartition": (1,),
    "astype": (float,),
    "choose": ([[1.0, 2.0], [3.0, 4.0]],),
    "compress": ([True, False],),
    "dot": (np.eye(2),),
    "partition": (1,),
    "put": ([0], [1]),
    "repeat": (2,),
    "reshape": (4,),
    "searchsorted": (1.0,),
    "swapaxes": (0, 1),
    "take": ([0],),
}


def subject(name: str) -> Any:
    if name == "searchsorted":
        return tg.tensor([1.0, 2.0])
    return tg.tensor([[0, 1], [1, 0]] if name == "choose" else [[3.0, 1.0], [2.0, 5.0]])


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_what_it_declares(name: str) -> None:
    given = CALLS.get(name, ())
    for parameter in inspect.signature(METHODS[name]).parameters.values():
        if parameter.default is not Parameter.empty and (name, parameter.name) != (
            "max",
            "initial",
        ):
            getattr(subject(name), name)(*given, **{parameter.name: parameter.default})


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_refused_by_name(name: str) -> None:
    for parameter in LEFT_OUT[name]:
        with pytest.raises(TypeError, match=parameter):
            getattr(subject(name), name)(*CALLS.get(name, ()), **{parameter: None})


def test_the_methods_are_no_slower_to_call() -> None:
    """One function, not one in another: what a Tensor's method runs is the recorder's own code."""
    recorder: Callable[..., Any] = tg.relu
    method = tg.Tensor.relu
    assert method.__code__ is recorder.__code__
    assert method.__closure__ == recorder.__closure__


@pytest.mark.deep  # half a minute, and it needs mypy
def test_type_checkers_see_the_signature(tmp_path: Path) -> None:
    api = extra("mypy.api")
    path = tmp_path / "user.py"
    path.write_text("import tinygrad_bp as tg\nreveal_type(tg.relu)\nreveal_type(tg.affine)\n")
    out, _, _ = api.run(["--cache-dir", str(tmp_path / "cache"), str(path)])
    assert "def (x: Any) -> Any" in out
    assert "def (x: Any, W: Any, b: Any) -> Any" in out
