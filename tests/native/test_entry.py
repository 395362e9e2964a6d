"""Entries: what they run, what sends them the slow way, and that nothing is ever overwritten."""

from __future__ import annotations

import ctypes
import gc
import random
import subprocess
import sys
import weakref
from contextvars import ContextVar
from types import CellType, SimpleNamespace

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp.native.calls import entry as entries
from tinygrad_bp.native.calls import guards, objects
from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.llvm.ir import Block, Module, Value

extra("llvmlite")
if objects.unsupported():
    pytest.skip(objects.unsupported(), allow_module_level=True)

N = 6
MODE: ContextVar[object] = ContextVar("mode", default=None)


def kernel():
    """p' = p - rate x; the loss is the sum of p', in a table of p, x, rate, p', loss."""
    module = Module("double", 1)
    block = Block(module)
    table, rows, steps = Value("%table", "ptr"), Value("%n", "i64"), Value("%steps", "i64")
    p, x, rate, new, loss = (block.load(block.at(table, k, "ptr"), "ptr") for k in range(5))
    block.store(block.constant(0.0), loss)
    with block.loop(rows) as i:
        step = block.mul(block.load(rate), block.load(block.at(x, i)))
        value = block.sub(block.load(block.at(p, i)), step)
        block.store(value, block.at(new, i))
        block.store(block.add(block.load(loss), value), loss)
    module.define("kernel", [table, rows, steps], block)
    code = machine.Code(machine.compile_object(module.text()), ["kernel"])
    return code.function("kernel", None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


KERNEL = kernel()


class Step:
    """A step of one parameter, its rate in a dict, and what is expected of both ways."""

    def __init__(self, *more, like=None):
        self.param = tg.tensor(np.arange(float(N)), requires_grad=True)
        self.settings = {"lr": 0.5, "other": "kept"}
        self.slow_calls = []
        rate, loss = np.zeros(1), np.zeros(())
        first, second = self.param._value, np.empty(N)
        tables = [
            self.table(first, rate, second, loss),
            self.table(second, rate, first, loss),
        ]
        self.call = entries.entry(
            KERNEL,
            N,
            tables,
            1,
            [
                guards.array(0, np.empty(N) if like is None else like, 1),
                guards.number(self.settings, "lr", rate),
                *more,
            ],
            [entries.State(self.param, "_value", first, second)],
            self.slow,
            finish=lambda: loss[()],
            keep=[loss],
        )

    @staticmethod
    def table(p, rate, new, loss):
        addresses = [objects.data_of(p), 0, *map(objects.data_of, (rate, new, loss))]
        return (ctypes.c_void_p * 5)(*addresses)

    def slow(self, *args):
        self.slow_calls.append(args)
        return "slow"

    def runs(self, x, *rest):
        """Call, and say whether it went the fast way, which must have been right."""
        before = self.param.numpy().copy()
        result = self.call(x, *rest)
        raw = x._value if isinstance(x, tg.Tensor) else x
        if result == "slow":
            assert (self.param.numpy() == before).all()
            return False
        wanted = before - self.settings["lr"] * raw
        assert (self.param.numpy() == wanted).all()
        assert result == np.cumsum(wanted)[-1]  # in order; Python's sum is a better one
        return True


def x(seed=0):
    return np.random.default_rng(seed).standard_normal(N)


def test_fresh_arrays_go_the_fast_way():
    step = Step()
    assert all(step.runs(x(k)) for k in range(5))
    assert not step.runs(tg.tensor(x()))
    step.settings["lr"] = 0.25
    assert step.runs(x())
    assert entries.calls_of(step.call) == 6


def test_fresh_tensors_go_the_fast_way():
    step = Step(like=tg.tensor(x()))
    assert all(step.runs(tg.tensor(x(k))) for k in range(5))
    assert not step.runs(x())
    assert step.call(tg.tensor(x(), requires_grad=True)) == "slow"
    assert step.call(tg.tensor(1.0)) == "slow"
    assert step.call(tg.tensor(x().astype(np.float32))) == "slow"
    assert step.runs(tg.tensor(x()))


class OfNumber:
    """p' = p - rate of a rate that is the argument: one number, wherever it lies."""

    def __init__(self, like):
        first, second, loss, ones = np.arange(float(N)), np.empty(N), np.zeros(()), np.ones(N)
        self.param = tg.tensor(first, requires_grad=True)
        self.param._value = first
        tables = [Step.table(a, ones, b, loss) for a, b in ((first, second), (second, first))]
        for table in tables:
            table[1], table[2] = ones.ctypes.data, None
        self.call = entries.entry(
            KERNEL,
            N,
            tables,
            1,
            [guards.array(0, like, 2)],
            [entries.State(self.param, "_value", first, second)],
            lambda _: "slow",
            finish=lambda: float(loss),
            keep=[loss, ones],
        )

    def takes(self, value):
        """Say whether the fast way was gone, which must have been right."""
        before = self.param._value.copy()
        result = self.call(value)
        rate = 0.0 if result == "slow" else float(getattr(value, "_value", value))
        assert (self.param._value == before - rate).all()
        return result != "slow"


NUMBERS = {
    "a number": np.float64(0.5),
    "an array": np.array(0.5),
    "a Tensor of a number": tg.tensor(0.5),
    "a number of float32": np.float32(0.5),
    "an array of float32": np.array(0.5, np.float32),
    "a Tensor of float32": tg.tensor(np.float32(0.5)),
    "an integer": np.int64(1),
    "an array of integers": np.array(1),
    "Python's own": 0.5,
    "a truth": np.True_,
    "an axis": np.array([0.5]),
    "a Tensor of an axis": tg.tensor([0.5]),
    "a tracked Tensor": tg.tensor(0.5, requires_grad=True),
    "the other byte order": np.array(0.5, ">f8"),
    "a subclass": np.array(0.5).view(type("Own", (np.ndarray,), {})),
    "a string": "0.5",
    "a type": np.float64,
    "a dtype": np.dtype(float),
    "None": None,
}


@pytest.mark.parametrize("name", ["a number", "an array", "a Tensor of a number"])
def test_single_numbers_go_the_fast_way_if_they_are_like_the_first(name):
    step = OfNumber(NUMBERS[name])
    for other, value in NUMBERS.items():
        assert step.takes(value) == (other == name), other
    make = {"a number": np.float64, "an array": np.array, "a Tensor of a number": tg.tensor}[name]
    assert all(step.takes(make(x)) for x in (0.25, -1.5))


BAD = {
    "another shape": lambda: np.zeros(N + 1),
    "another number of axes": lambda: np.zeros((N, 1)),
    "another dtype": lambda: np.zeros(N, np.float32),
    "integers of the size": lambda: np.zeros(N, np.int64),
    "the other byte order": lambda: np.zeros(N, ">f8"),
    "not contiguous": lambda: np.zeros(2 * N)[::2],
    "not aligned": lambda: np.frombuffer(bytes(8 * N + 1), np.uint8)[1:].view(float),
    "a subclass": lambda: np.zeros(N).view(type("Own", (np.ndarray,), {})),
    "a list": lambda: [0.0] * N,
    "a number": lambda: 1.0,
    "None": lambda: None,
    "a type": lambda: np.ndarray,
}


@pytest.mark.parametrize("name", BAD)
def test_other_arguments_go_the_slow_way(name):
    step = Step()
    given = BAD[name]()
    assert step.call(given) == "slow"
    assert step.slow_calls[0][0] is given
    assert step.runs(x())


def test_as_many_arguments_as_there_are():
    step = Step()
    assert step.call() == "slow"
    assert step.call(x(), 1) == "slow"
    with pytest.raises(TypeError):
        step.call(x=x())


def test_a_state_that_somebody_has_replaced():
    step = Step()
    assert step.runs(x())
    with tg.no_grad():
        step.param -= 1.0
    assert not step.runs(x())


@pytest.mark.parametrize("calls", range(4))
def test_what_somebody_holds_is_not_overwritten(calls):
    """Neither an array of the state nor a view of it; the fast way is open again afterwards."""
    for view in (lambda a: a, lambda a: a[1:], memoryview):
        step = Step()
        for k in range(calls):
            assert step.runs(x(k))
        held = view(step.param._value)
        content = np.array(held)
        assert step.runs(x(7))  # the other one is written
        for k in range(3):
            assert not step.runs(x(k))
            assert (np.array(held) == content).all()
        del held
        gc.collect()
        assert step.runs(x(8))


def test_the_rate_must_be_a_float():
    step = Step()
    for rate in (1, True, np.float64(0.5), "0.5", None, 0.0, -0.0):
        step.settings["lr"] = rate
        assert step.call(x()) == "slow"
    del step.settings["lr"]
    assert step.call(x()) == "slow"
    step.settings["lr"] = 0.125
    assert step.runs(x())


def test_each_guard_closes_and_opens_the_fast_way():
    value, other = SimpleNamespace(), SimpleNamespace()
    scope, variable, holder = {"name": value}, CellType(value), tg.tensor(1.0)
    node, listed = holder._node, [value, value]
    step = Step(
        *guards.items(listed),
        guards.item(scope, "name", value),
        guards.size(scope),
        guards.cell(variable, value),
        guards.context(MODE, None),
        guards.slot(holder, "_node", node),
    )
    assert step.runs(x())

    def closed():
        return not step.runs(x())

    scope["name"] = other
    assert closed()
    scope["name"] = value
    scope["more"] = value
    assert closed()
    del scope["more"], scope["name"]
    assert closed()
    scope["name"] = value
    assert step.runs(x())
    variable.cell_contents = other
    assert closed()
    del variable.cell_contents
    assert closed()
    variable.cell_contents = value
    token = MODE.set(value)
    assert closed()
    MODE.reset(token)
    holder._node = other
    assert closed()
    holder._node = node
    assert step.runs(x())
    listed[1] = other
    assert closed()
    listed[:] = [value, value, value]
    assert closed()
    listed[:] = [value] * 99
    del listed[2:]
    listed[:] = [value, other]
    assert closed()


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 64, 67])
def test_probabilities_wherever_they_stand(count, dtype):
    array = np.linspace(0, 1, count).astype(dtype)
    memory = np.zeros(1)
    table = (ctypes.c_void_p * 5)(*[memory.ctypes.data] * 5)
    asked = [guards.array(0, array, 1), guards.probabilities(array, 1)]

    def slow(*_args):
        return "slow"

    call = entries.entry(
        KERNEL, 0, [table, table], 1, asked, [], slow, finish=lambda: "fast", keep=[memory]
    )
    assert call(array) == "fast"
    for place in range(count):
        for bad in (-1e-30, 1.0000002, np.nan, np.inf, -np.inf):
            given = array.copy()
            given[place] = bad
            assert call(given) == "slow"


def test_objects_and_floats_as_arguments():
    one, goal, calls, memory = object(), np.zeros(1, np.float32), [], np.zeros(1)
    tables = [(ctypes.c_void_p * 5)(*[memory.ctypes.data] * 5)] * 2
    call = entries.entry(
        KERNEL,
        0,
        tables,
        2,
        [guards.same(0, one), guards.real(1, goal)],
        [],
        lambda *args: "slow",
        finish=lambda: calls.append(1),
    )
    assert call(one, 0.1) is None
    assert goal[0] == np.float32(0.1)
    assert call(object(), 0.1) == call(one, 1) == call(one, np.float64(1)) == "slow"
    assert calls == [1]


def test_what_is_raised_comes_through():
    def raises(*args):
        raise KeyError("mine")

    step = Step()
    step.call = entries.entry(KERNEL, 0, [(ctypes.c_void_p * 5)()] * 2, 1, [], [], raises)
    with pytest.raises(KeyError, match="mine"):
        step.call()


def test_random_programs_of_use():
    """Holding, replacing, calling, collecting, in any order: as the step in Python does."""
    generator = random.Random(5)
    for _ in range(40):
        step, held = Step(), []
        for _ in range(60):
            what = generator.randrange(6)
            if what == 0:
                value = step.param.numpy() if generator.random() < 0.5 else step.param._value
                held.append((value, value.copy()))
            elif what == 1 and held:
                held.pop(generator.randrange(len(held)))
            elif what == 2 and generator.random() < 0.2:
                step.param._value = np.ones(N)
            elif what == 3:
                step.settings["lr"] = generator.choice([0.5, 0.25, 1])
            else:
                step.runs(x(generator.randrange(9)))
            assert all((value == copy).all() for value, copy in held)


def test_no_reference_is_lost_or_left():
    mode = object()
    token = MODE.set(mode)
    step = Step(guards.context(MODE, mode))
    for k in range(20):
        step.runs(x(k))
    state = [step.param._value, *gc.get_referents(step.call)]
    before = [sys.getrefcount(one) for one in state]
    given = x()
    counted = sys.getrefcount(given), sys.getrefcount(mode)
    held = state.pop(0)
    del state[:], held
    for _ in range(100):
        assert step.runs(given)
    assert (sys.getrefcount(given), sys.getrefcount(mode)) == counted
    state = [step.param._value, *gc.get_referents(step.call)]
    assert [sys.getrefcount(one) for one in state] == before
    MODE.reset(token)


DROPS = """
import gc, itertools, sys
sys.path[:0] = {path!r}
import test_entry
for order in itertools.permutations(range(4)):
    step = test_entry.Step()
    x = test_entry.x()
    assert step.runs(x)
    held = dict(enumerate((step.param, step.call, step, x)))
    call = step.call
    del step, x
    for k in order:
        del held[k]
        call(test_entry.x())
    del call
    gc.collect()
cycle = test_entry.Step()
cycle.settings["self"] = cycle
del cycle
gc.collect()
left = test_entry.Step()
left.runs(test_entry.x())
print("all orders")
"""


def test_references_go_in_every_order():
    run = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", DROPS.format(path=sys.path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "all orders\n"), run.stderr


def test_an_entry_that_nobody_holds_is_collected():
    step = Step()
    marker = weakref.ref(step.param)
    step.settings["self"] = step
    del step
    gc.collect()
    assert marker() is None


def test_elsewhere_it_says_why(monkeypatch):
    objects.unsupported.cache_clear()
    monkeypatch.setattr(objects, "VERSIONS", ((3, 4),))
    assert "not tested" in objects.unsupported()
    with pytest.raises(RuntimeError, match="not tested"):
        Step()
    monkeypatch.undo()
    objects.unsupported.cache_clear()
    assert objects.unsupported() is None
