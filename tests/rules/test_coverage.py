"""Every function that NumPy lets others override is in one class, and behaves as its class says."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import sys
import warnings
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import NEWEST, extra
from sampling import CASES
from test_composed import flat_calls, flat_functions, flat_list
from test_compositions import CALLS

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import FLAT
from tinygrad_bp.errors import UnsupportedFunctionError

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

spec = importlib.util.spec_from_file_location("coverage_page", EXAMPLES / "coverage.py")
assert spec is not None
assert spec.loader is not None
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script
spec.loader.exec_module(script)

FUNCTIONS = sorted(script.overridable(), key=script.place)


def version_of_page() -> str:
    """Return the version of NumPy of which coverage.md tells."""
    (version,) = re.findall(
        r"^NumPy (\S+) lets", script.PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return version


def of_class(kind: str) -> list[Any]:
    return [f for f in FUNCTIONS if kind in dict(script.classes(f))]


def by_name(functions: list[Any]) -> Any:
    return pytest.mark.parametrize(
        "function", functions, ids=[".".join(script.place(f)) for f in functions]
    )


# The classes


def told(unknown: Collection[str], page: str = script.version(), newest: bool = NEWEST) -> bool:
    """Say which functions of a NumPy newer than the page's none of the tables has, if any."""
    is_newer = tuple(map(int, script.version().split("."))) > tuple(map(int, page.split(".")))
    if not unknown or newest or not is_newer:
        return False
    names = ", ".join(sorted(unknown))
    warnings.warn(
        f"NumPy {script.version()} has functions that this tinygrad_bp does not know, and refuses"
        f" when a Tensor meets them: {names}",
        stacklevel=1,
    )
    return True


@pytest.mark.filterwarnings("default:NumPy .* has functions:UserWarning")
def test_every_function_is_in_one_class() -> None:
    found = {".".join(script.place(f)): script.classes(f) for f in FUNCTIONS}
    unknown = [name for name, kinds in found.items() if not kinds]
    assert told(unknown, version_of_page()) or unknown == []
    assert {name: kinds for name, kinds in found.items() if len(kinds) > 1} == {}


def test_unknown_functions_of_a_newer_numpy_are_told_and_no_failure_but_in_the_gate() -> None:
    with pytest.warns(UserWarning, match=r"refuses when a Tensor meets them: numpy\.f, numpy\.g$"):
        assert told(["numpy.g", "numpy.f"], page="1.26", newest=False)
    assert not told(["numpy.f"], page="1.26", newest=True)
    assert not told(["numpy.f"], page=script.version(), newest=False)
    assert not told([], page="1.26", newest=False)


def test_every_differentiable_function_has_a_call_whose_gradient_is_tested() -> None:
    called = {id(one.rule.function) for one in CASES} | {id(one.function) for one in CALLS}
    assert [script.place(f) for f in of_class("differentiable") if id(f) not in called] == []


def dispatched(function: Any, argument: tg.Tensor) -> Any:
    """Call `function` as NumPy does when it meets a Tensor."""
    if isinstance(function, np.ufunc):
        return argument.__array_ufunc__(function, "__call__", argument)
    return argument.__array_function__(function, (tg.Tensor,), (argument,), {})


@by_name(of_class("refused"))
def test_what_is_refused_raises_and_says_what_to_do(function: Any) -> None:
    t = tg.tensor([1.0, 2.0], requires_grad=True)
    for one in (t, t.detach()):
        with pytest.raises(UnsupportedFunctionError) as caught:
            dispatched(function, one)
        ((_, remedy),) = script.classes(function)
        assert function.__name__ in str(caught.value)
        assert str(caught.value).endswith(remedy)


def test_a_function_that_is_in_no_table_is_refused_by_name() -> None:
    def invented(x: Any) -> Any:
        return x

    invented.__module__ = "numpy.newer"
    for function, name in (
        (invented, "numpy.newer.invented"),
        (np.frompyfunc(math.sqrt, 1, 1), "sqrt"),
    ):
        with pytest.raises(UnsupportedFunctionError, match=f"^{name}.* has no derivative rule"):
            dispatched(function, tg.tensor(1.0))


# What is flat does not move when its arguments move by little.  Numbers apart from jumps.
GENERIC = np.array([[1.3, -2.4, 0.7], [3.1, 0.6, -1.2]])
STEP = 1e-7 * np.array([[1.0, -2.0, 3.0], [-1.5, 0.7, 2.2]])


def arguments_for(function: Any) -> list[tuple[Any, ...]]:
    """Return the calls of the flat tests with generic numbers, also complex, in their places."""
    calls = []
    for args in flat_calls(function):
        for numbers in (GENERIC, GENERIC + 1j * GENERIC[::-1]):
            given = [
                numbers[: len(x), : x.shape[1]] * (1 + 0.37 * i)
                if isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.kind == "f"
                else x
                for i, x in enumerate(args)
            ]
            calls.append(tuple(given))
    return calls


@pytest.mark.parametrize(
    "function", flat_functions(of_class("flat")), ids=lambda f: ".".join(script.place(f))
)
def test_what_is_flat_is_constant_nearby(function: Any) -> None:
    for args in arguments_for(function):
        try:
            here = flat_list(function(*args))
        except TypeError:
            assert any(np.iscomplexobj(x) for x in args)  # ordered numbers only
            continue
        for i, x in enumerate(args):
            if not (isinstance(x, np.ndarray) and x.dtype.kind in "fc" and x.ndim == 2):
                continue
            step = STEP[: len(x), : x.shape[1]]
            moved = [
                *args[:i],
                x + (1j * step[::-1] + step if np.iscomplexobj(x) else step),
                *args[i + 1 :],
            ]
            for part, other in zip(here, flat_list(function(*moved)), strict=True):
                if not isinstance(part, str) and function is not np.empty_like:
                    np.testing.assert_array_equal(part, other)


def test_the_test_of_flatness_finds_what_moves() -> None:
    assert np.sign(1 + 1j) != np.sign(1 + 1j + 1e-7j)
    for function, args in ((np.sqrt, (GENERIC + 3,)), (np.nextafter, (GENERIC, GENERIC))):
        assert np.any(function(*args) != function(args[0] + STEP, *args[1:]))


def test_flat_functions_have_numpys_arguments() -> None:
    assert set(of_class("flat")) <= set(FLAT)


# The page


def rows_of(page: str) -> dict[str, str]:
    """Return the class of every function that a page names, by its full name."""
    found = {}
    for section in page.split("\n## ")[1:]:
        namespace = section.split("\n", 1)[0]
        for name, kind in re.findall(r"^\| `(\w+)` \| (\w+) \|", section, flags=re.MULTILINE):
            found[f"{namespace}.{name}"] = kind
    return found


def test_the_page_is_what_its_script_writes() -> None:
    """With another NumPy than the page's: what both name is in the same class."""
    written = script.PAGE.read_text(encoding="utf-8")
    if version_of_page() == script.version():
        assert written == script.page()
    else:
        kinds = {one.full: one.kind for one in script.entries()}
        shown = rows_of(written)
        assert {k: v for k, v in shown.items() if kinds.get(k, v) != v} == {}
    assert rows_of(written)


def test_the_counts_of_the_page() -> None:
    found = Counter(rows_of(script.page()).values())
    assert sum(found.values()) == len(FUNCTIONS)
    for kind in script.CLASSES:
        assert f"| {kind} | {found[kind]} |" in script.page()


def test_nearly_all_that_others_differentiate_is_covered() -> None:
    others = json.loads(script.ELSEWHERE.read_text(encoding="utf-8"))
    for library in ("jax", "autograd"):
        have, done, _ = script.compared(others[library]["names"])
        assert have > 100
        assert done / have >= 0.95


@pytest.mark.oracle
def test_the_lists_of_other_libraries_are_theirs() -> None:
    extra("jax")
    extra("autograd")
    others = json.loads(script.ELSEWHERE.read_text(encoding="utf-8"))
    for library, found in script.elsewhere().items():
        if found["version"] == others[library]["version"]:
            assert found["names"] == others[library]["names"]
