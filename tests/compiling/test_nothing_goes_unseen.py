"""Whatever a function reads and nobody has named: changes are seen, or the call is refused."""

from __future__ import annotations

import copy
import functools
import pickle
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.engine.memory import REUSED
from tinygrad_bp.errors import TraceError

X = np.random.default_rng(0).normal(size=(8, 2))
SCALE: Any = 1.0
Case = tuple[Callable[[Any], Any], Any, Callable[[float], Any]]  # a function, state, a change


class Scaled(nn.Module):
    """Reads a global variable, and an attribute of its class."""

    factor = 1.0

    def __init__(self) -> None:
        self.layer = nn.Linear(2, 1, rng=0)

    def forward(self, x: Any) -> Any:
        return self.layer(x) * SCALE * self.times()

    def times(self) -> Any:
        return self.factor


class Trainer:
    """Holds settings, some in a slot of a helper."""

    def __init__(self) -> None:
        self.rate, self.helper = 1.0, Slotted()

    def step(self, x: Any) -> Any:
        return np.tanh(x) * self.rate * self.doubled

    @property
    def doubled(self) -> Any:
        return 2.0 * self.helper.value


class Slotted:
    """Has no dict."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 1.0


def of_a_module() -> Case:
    net = Scaled()
    return lambda x: net(x), net, lambda value: globals().update(SCALE=value)


def of_a_class() -> Case:
    net = Scaled()
    return lambda x: net(x), net, lambda value: setattr(Scaled, "factor", value)


def of_an_object() -> Case:
    trainer = Trainer()
    return trainer.step, (), lambda value: setattr(trainer, "rate", value)


def of_a_slot() -> Case:
    trainer = Trainer()
    return trainer.step, (), lambda value: setattr(trainer.helper, "value", value)


def of_a_namespace() -> Case:
    settings = SimpleNamespace(inner=SimpleNamespace(rate=1.0))
    return (
        lambda x: np.tanh(x) * settings.inner.rate,
        (),
        lambda value: setattr(settings.inner, "rate", value),
    )


def of_a_name_that_is_computed() -> Case:
    settings = SimpleNamespace(rate=1.0)
    return (
        lambda x: np.tanh(x) * getattr(settings, "ra" + "te"),
        (),
        lambda value: setattr(settings, "rate", value),
    )


def of_nested_dicts() -> Case:
    settings = {"a": {"b": [1.0]}}
    return (
        lambda x: np.tanh(x) * settings["a"]["b"][0],
        (),
        lambda value: settings["a"]["b"].__setitem__(0, value),
    )


def of_a_long_list() -> Case:
    rates = [1.0] * 1000
    return lambda x: np.tanh(x) * rates[500], (), lambda value: rates.__setitem__(500, value)


def of_data() -> Case:
    """An array with the rows of a batch, which is an input of the code."""
    data = np.ones((40, 2))
    return lambda x: np.tanh(data @ x.T), (), lambda value: data.__setitem__(slice(7), value)


def of_a_set() -> Case:
    chosen: set[str] = set()

    def change(value: float) -> None:
        chosen.clear()
        chosen.update({"double"} if value > 1.5 else {"single"})

    return lambda x: np.tanh(x) * (2.0 if "double" in chosen else 1.0), (), change


def of_keys() -> Case:
    """The values stay, and stand under other keys."""
    rates = {"a": 1.0, "b": 3.0}

    def exchange(value: float) -> None:
        items = {"b": 1.0, "a": 3.0} if value > 1.5 else {"a": 1.0, "b": 3.0}
        rates.clear()
        rates.update(items)

    return lambda x: np.tanh(x) * rates["a"], (), exchange


def of_a_default() -> Case:
    def f(x: Any, rates: Any = [1.0]) -> Any:  # noqa: B006
        return np.tanh(x) * rates[0]

    return f, (), lambda value: f.__defaults__[0].__setitem__(0, value)  # type: ignore[index]


def of_an_element() -> Case:
    """A number out of an array is no array in the program."""
    rates = np.ones(3)
    return (
        lambda x: np.tanh(x) * float(rates[1]),
        (),
        lambda value: rates.__setitem__(1, value),
    )


def of_an_imported_module() -> Case:
    module: Any = ModuleType("settings_of_a_user")
    module.rate = 1.0
    return lambda x: np.tanh(x) * module.rate, (), lambda value: setattr(module, "rate", value)


def of_a_sign() -> Case:
    rates = [0.0]
    return (
        lambda x: np.arctan2(x * rates[0], -1.0),
        (),
        lambda value: rates.__setitem__(0, -0.0 if value > 1.5 else 0.0),
    )


def of_a_method() -> Case:
    class Own:
        def times(self) -> float:
            return 1.0

    own = Own()
    return (
        lambda x: np.tanh(x) * own.times(),
        (),
        lambda value: setattr(Own, "times", lambda _self: value),
    )


def scaled(x: Any, rate: float = 1.0, *, other: float = 1.0) -> Any:
    return np.tanh(x) * rate * other


def of_the_code_of_a_function() -> Case:
    """As tools do that load a module anew while it is used."""

    def f(x: Any) -> Any:
        return scaled(x) * times()

    def times() -> float:
        return 1.0

    codes = [eval(f"lambda: {value}").__code__ for value in (1.0, 2.0, 3.0)]  # noqa: S307
    return f, (), lambda value: setattr(times, "__code__", codes[int(value) - 1])


def of_its_own_code() -> Case:
    def f(x: Any) -> Any:
        return x

    codes = [eval(f"lambda x: x * {value}").__code__ for value in (1.0, 2.0, 3.0)]  # noqa: S307
    return f, (), lambda value: setattr(f, "__code__", codes[int(value) - 1])


def of_defaults() -> Case:
    def f(x: Any, rate: float = 1.0) -> Any:
        return np.tanh(x) * rate

    return lambda x: f(x), (), lambda value: setattr(f, "__defaults__", (value,))


def of_defaults_by_name() -> Case:
    def f(x: Any, *, rate: float = 1.0) -> Any:
        return np.tanh(x) * rate

    return f, (), lambda value: f.__kwdefaults__.update(rate=value)


def of_other_defaults_by_name() -> Case:
    def f(x: Any, *, rate: float = 1.0) -> Any:
        return np.tanh(x) * rate

    return f, (), lambda value: setattr(f, "__kwdefaults__", {"rate": value})


def of_a_partial_function() -> Case:
    f = functools.partial(scaled, rate=1.0)
    return f, (), lambda value: f.keywords.update(rate=value)


def of_the_class_of_an_object() -> Case:
    classes = [type("Own", (), {"rate": value}) for value in (1.0, 2.0, 3.0)]
    own: Any = classes[0]()
    return (
        lambda x: np.tanh(x) * own.rate,
        (),
        lambda value: setattr(own, "__class__", classes[int(value) - 1]),
    )


def of_what_hides_an_attribute() -> Case:
    """An object gets an attribute that its class had, a class one that its base had."""
    base: Any = type("Base", (), {"rate": 1.0})
    derived: Any = type("Derived", (base,), {})
    own = derived()

    def change(value: float) -> None:
        if value > 1.5:
            (derived if value > 2.5 else own).rate = value
        if value > 2.5 and "rate" in vars(own):
            del own.rate

    return lambda x: np.tanh(x) * own.rate, (), change


def of_a_callable_object() -> Case:
    class Own:
        rate = 1.0

        def __call__(self, x: Any) -> Any:
            return np.tanh(x) * self.rate

    own = Own()
    return own, (), lambda value: setattr(own, "rate", value)


CASES = {name: case for name, case in globals().items() if name.startswith("of_")}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    globals().update(SCALE=1.0)
    Scaled.factor = 1.0


def follows(name: str, backend: str) -> None:
    f, state, change = CASES[name]()
    fast = tg.compile(f, state=state, backend=backend)
    for value in (1.0, 2.0, 3.0, 3.0):
        change(value)
        for _ in range(4):
            got, wanted = (np.asarray(getattr(g(X), "_value", g(X))) for g in (fast, f))
            np.testing.assert_allclose(got, wanted, rtol=1e-12)
    assert not REUSED or fast._short.entry is not None or fast._short.steady is not None


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_seen(name: str) -> None:
    follows(name, "numpy")


@pytest.mark.parametrize(
    "name",
    [
        *("of_a_module", "of_a_slot", "of_data", "of_nested_dicts", "of_an_element"),
        "of_its_own_code",
        *("of_defaults", "of_the_class_of_an_object", "of_what_hides_an_attribute"),
    ],
)
def test_machine_code_sees_it_too(name: str) -> None:
    extra("llvmlite")
    follows(name, "native")


@pytest.mark.deep
@pytest.mark.parametrize("name", CASES)
def test_machine_code_sees_all_of_it(name: str) -> None:
    extra("llvmlite")
    follows(name, "native")


def test_what_a_step_changes_around_itself_is_refused() -> None:
    count, listed, own = 0, [0], SimpleNamespace(count=0)

    def of_a_cell(x: Any) -> Any:
        nonlocal count
        count += 1
        return x * 2.0

    def of_a_list(x: Any) -> Any:
        listed[0] += 1
        return x * 2.0

    def of_an_object(x: Any) -> Any:
        own.count += 1
        return x * 2.0

    for f in (of_a_cell, of_a_list, of_an_object):
        with pytest.raises(TraceError, match="the step changes"):
            tg.compile(f, backend="numpy")(X)


def times(x: Any) -> Any:
    return x * SCALE


def test_an_attribute_is_no_variable_of_its_name() -> None:
    """A method is called like a global function, which reads what is of no matter here."""
    own = SimpleNamespace(times=lambda x: x * 2.0)
    fast = tg.compile(lambda x: own.times(x), backend="numpy")
    for value in (1.0, 2.0, 3.0):
        globals().update(SCALE=value)
        fast(X)
    assert fast.explain_retrace() == "1. the first call: traced"
    np.testing.assert_array_equal(times(X), X * 3.0)


@pytest.mark.parametrize("value", [iter([X]), SimpleNamespace(a=1.0), {1, 2}, object()])
def test_an_argument_that_may_change_is_refused(value: Any) -> None:
    fast = tg.compile(lambda x, more: x * 2.0, backend="numpy")
    with pytest.raises(TraceError, match="the argument more is a"):
        fast(X, value)
    fixed = tg.compile(lambda x, more: x * 2.0, backend="numpy", static="more")
    np.testing.assert_array_equal(fixed(X, value), 2.0 * X)


def test_what_is_around_a_function_that_is_an_argument_is_seen() -> None:
    rate = 1.0

    def scaled(x: Any) -> Any:
        return x * rate

    fast = tg.compile(lambda x, g: g(x), backend="numpy")
    for rate in (1.0, 2.0, 3.0):
        for _ in range(3):
            np.testing.assert_array_equal(fast(X, scaled), X * rate)
    np.testing.assert_array_equal(fast(X, np.negative), -X)


def test_too_much_to_be_looked_at_is_refused() -> None:
    many = {k: float(k) for k in range(10_000)}
    with pytest.raises(TraceError, match="a dict with more than"):
        tg.compile(lambda x: x * many[3], backend="numpy")(X)
    np.testing.assert_array_equal(tg.compile(lambda x: x * many[3], backend="eager")(X), 3.0 * X)
    nested = [[SimpleNamespace() for _ in range(1000)] for _ in range(10)]
    with pytest.raises(TraceError, match="are more than 8192 objects"):
        tg.compile(lambda x: x * len(nested), backend="numpy")(X)


@pytest.mark.parametrize("do", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_is_neither_copied_nor_pickled(do: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="compile a copy of the function"):
        do(tg.compile(np.tanh, backend="numpy"))


def test_an_array_of_the_other_byte_order() -> None:
    extra("llvmlite")
    other = X.astype(X.dtype.newbyteorder(">" if sys.byteorder == "little" else "<"))
    fast = tg.compile(lambda x: x * 2.0, backend="native")
    for given in (X, X, X, other, other, other, X):
        np.testing.assert_array_equal(fast(given), 2.0 * X)
