"""Programs as machine code: the training step, bits, repetition, and what NumPy does in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from lowered import LOOPS, compare, interpreted, program_of

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.native import Native, build
from tinygrad_bp.native.calls.code import Code
from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.lowering import lowering
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.from_function import traced

A, B = 97, 101
EXACT = {"float64": 2e-13, "float32": 2e-5}


def parameters(sizes: Sequence[int], dtype: str) -> list[Any]:
    rng = np.random.default_rng(3)
    made = []
    for i, o in pairwise(sizes):
        made += [rng.normal(size=(i, o)).astype(dtype), 0.1 * rng.normal(size=o).astype(dtype)]
    return [x.astype(dtype) for x in made]


class Net(nn.Module):
    """Layers of sigmoid units, and a linear one."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.p = [tg.tensor(x, requires_grad=True, name=f"p{k}") for k, x in enumerate(values)]

    def forward(self, x: Any) -> Any:
        for W, b in zip(self.p[:-2:2], self.p[1:-2:2], strict=True):
            x = tg.sigmoid(tg.affine(x, W, b))
        return tg.affine(x, *self.p[-2:])


class Step:
    """A training step as programs, and what to call them with."""

    def __init__(self, sizes: Sequence[int], dtype: str = "float64", make: Any = None) -> None:
        self.sizes, self.dtype = sizes, dtype
        self.make = make or (lambda p: optim.SGD(p, lr=0.1))
        self.family = Family.of_two(self.trace(A), self.trace(B), (A, B))

    def data(self, n: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(n)
        x = rng.uniform(-1, 1, (n, self.sizes[0])).astype(self.dtype)
        return x, (x[:, :1] * x[:, 1:2] > 0).astype(self.dtype)

    def trace(self, n: int) -> Any:
        net = Net(parameters(self.sizes, self.dtype))
        optimizer = self.make(net.parameters())

        def step(net: Any, x: Any, y: Any) -> Any:
            loss = nn.bce_with_logits(net(x), y)
            loss.backward()
            optimizer.step()
            return loss, *net.p

        return traced(step, net, *self.data(n))

    def at(self, n: int) -> tuple[Any, list[Any]]:
        """Return the program of a length and its inputs."""
        program, numbers = self.family.at(self.trace(n))
        x, y = self.data(n)
        weights = parameters(self.sizes, self.dtype)
        given = {"x": x, "y": y} | numbers | {f"p{k}": w for k, w in enumerate(weights)}
        return program, [np.asarray(given[one.name], one.type.dtype) for one in program.inputs]

    @property
    def carry(self) -> list[tuple[int, int]]:
        names = [one.name for one in self.family.program.inputs]
        return [(k + 1, names.index(f"p{k}")) for k in range(2 * len(self.sizes) - 2)]


SMALL = (2, 5, 5, 1)


@pytest.fixture(scope="module")
def step() -> Step:
    return Step(SMALL)


@pytest.fixture(scope="module")
def native(step: Step) -> Native:
    return build(step.family, step.carry)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 64, 100, 131])
def test_a_training_step(step: Step, native: Native, n: int) -> None:
    program, inputs = step.at(n)
    bound = native.at(program, n)
    assert bound.whole is not None
    compare(bound(inputs), interpreted(program, inputs), EXACT["float64"])


def test_a_training_step_of_single_precision() -> None:
    step = Step(SMALL, "float32")
    native = build(step.family, step.carry)
    for n in (1, 15, 16, 17, 150):
        program, inputs = step.at(n)
        bound = native.at(program, n)
        assert bound.whole is not None
        compare(bound(inputs), interpreted(program, inputs), EXACT["float32"])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_training_step_with_loops_over_columns(dtype: str) -> None:
    """Widths that blocks of columns do not divide."""
    step = Step((3, 13, 14, 1), dtype)
    native = build(step.family, step.carry)
    assert [one.lane for one in native.segments] == [np.dtype(dtype).char]
    for n in (1, 8, 63, 64, 65, 150):
        program, inputs = step.at(n)
        compare(native.at(program, n)(inputs), interpreted(program, inputs), EXACT[dtype])


def test_loops_over_columns_sum_in_the_same_order_in_any_tile() -> None:
    step = Step((2, 14, 14, 1))
    program, inputs = step.at(131)
    wanted, found = (Native(step.family, tile=tile).at(program, 131)(inputs) for tile in (8, 2))
    for got, value in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(got, value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of the mean of nothing
def test_a_batch_without_rows_is_numpys(step: Step, native: Native) -> None:
    program, inputs = step.at(0)
    found = native.at(program, 0)(inputs)
    for got, wanted in zip(found, interpreted(program, inputs), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("loops", LOOPS, ids=["lines", "columns", "rows"])
def test_the_bits_depend_on_no_tile_and_no_processor(step: Step, loops: dict[str, Any]) -> None:
    program, inputs = step.at(131)
    wanted = Native(step.family, **loops).at(program, 131)(inputs)
    host = machine.host()
    plain = machine.Target(host.triple, "haswell", "", frozenset())
    options: list[dict[str, Any]] = [{"tile": 1}, {"tile": 3}]
    if "avx2" in host.instructions:
        options.append({"target": plain})
    for one in options:
        found = Native(step.family, **loops, **one).at(program, 131)(inputs)
        for got, value in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(got, value)


def test_results_go_where_they_are_asked_to(step: Step, native: Native) -> None:
    program, inputs = step.at(20)
    bound = native.at(program, 20)
    wanted = bound(inputs)
    out = [np.full_like(x, np.nan) for x in wanted]
    assert all(a is b for a, b in zip(bound(inputs, out), out, strict=True))
    for got, value in zip(out, wanted, strict=True):
        np.testing.assert_array_equal(got, value)
    strided = [np.full((*x.shape, 2), np.nan)[..., 0] for x in wanted]
    for got, value in zip(bound(inputs, strided), wanted, strict=True):
        np.testing.assert_array_equal(got, value)


def test_inputs_may_lie_in_memory_as_they_like(step: Step, native: Native) -> None:
    program, inputs = step.at(20)
    bound = native.at(program, 20)
    turned = [np.asfortranarray(x) for x in inputs]
    for got, value in zip(bound(turned), bound(inputs), strict=True):
        np.testing.assert_array_equal(got, value)


def test_a_call_with_fixed_arrays(step: Step, native: Native) -> None:
    program, inputs = step.at(20)
    bound = native.at(program, 20)
    wanted = bound(inputs)
    out = [np.empty_like(x) for x in wanted]
    call = bound.fixed(inputs, out)
    assert call is not None
    call()
    inputs[0][...] *= 2  # the arrays are read anew
    twice = bound(inputs)
    call()
    for got, value in zip(out, twice, strict=True):
        np.testing.assert_array_equal(got, value)
    with pytest.raises(ValueError, match="contiguous"):
        bound.fixed([np.asfortranarray(x) for x in inputs], out)


def stepwise(bound: Any, inputs: list[Any], n: int) -> list[Any]:
    inputs = list(inputs)
    results = []
    for _ in range(n):
        results = bound(inputs)
        for given, taken in bound.carry:
            inputs[taken] = results[given]
    return results


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_steps_in_machine_code_are_steps_one_by_one(step: Step, native: Native, n: int) -> None:
    program, inputs = step.at(20)
    bound = native.at(program, 20)
    kept = [x.copy() for x in inputs]
    for got, value in zip(bound.repeat(n, inputs), stepwise(bound, inputs, n), strict=True):
        np.testing.assert_array_equal(got, value)
    for now, before in zip(inputs, kept, strict=True):
        np.testing.assert_array_equal(now, before)


def test_an_interrupt_comes_between_steps(
    step: Step, native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, inputs = step.at(20)
    bound = native.at(program, 20)
    kept = [x.copy() for x in inputs]
    run: Callable[..., None] = Code.run
    seen = []

    def interrupted(code: Any, rows: int, arrays: Any, steps: int = 1, memory: Any = None) -> None:
        run(code, rows, arrays, steps, memory)
        seen.append(steps)
        if len(seen) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Code, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bound.repeat(1000, inputs)
    assert sum(seen) < 1000
    for now, before in zip(inputs, kept, strict=True):
        np.testing.assert_array_equal(now, before)


def mixed(x: Any, w: Any) -> Any:
    """Native, then NumPy's, then native again."""
    y = np.exp(-x) * w + 1.0
    z = np.sort(np.tanh(y) @ np.ones((3, 3)), axis=0)
    return np.sum(z * z - y, axis=0) * 2.0 + w


def test_numpy_does_what_has_no_code() -> None:
    x, w = np.random.default_rng(0).normal(size=(20, 3)), np.array([1.0, 2.0, 3.0])
    program, inputs = program_of(mixed, [x, w])
    native = build(Family(program, 20))
    assert [one.lane for one in native.segments] == ["d", "numpy", "d"]
    assert "sort" in native.stages
    assert "called whole" in native.stages
    compare(native.at(program, 20)(inputs), interpreted(program, inputs), EXACT["float64"])


def test_a_value_that_several_loops_need_is_kept() -> None:
    def standardised(x: Any, w: Any) -> Any:
        centred = np.exp(x) - np.mean(np.exp(x), axis=0)
        scaled = centred / np.sqrt(np.mean(centred**2, axis=0) + 1e-5)
        return scaled * w, np.max(scaled, axis=0), np.prod(1.0 + 1e-3 * scaled, axis=0)

    x, w = np.random.default_rng(0).normal(size=(100, 3)), np.array([1.0, 2.0, 3.0])
    program, inputs = program_of(standardised, [x, w])
    native = build(Family(program, 100))
    assert [one.lane for one in native.segments] == ["d"]
    compare(native.at(program, 100)(inputs), interpreted(program, inputs), EXACT["float64"])


def test_another_length_may_decide_more() -> None:
    """What has code at one length, and another call at another, is left to NumPy there."""

    def at(n: int) -> Any:
        def f(x: Any) -> Any:
            return np.exp(x[:, : 2 if n == A else 3] * 2.0).sum(axis=1) + 1.0

        return program_of(f, [np.ones((n, 3))])[0]

    first, other = at(A), at(5)
    names = dict(zip([x.name for x in other.instructions], first.instructions, strict=True))
    assert [x.op for x in first.instructions] == [x.op for x in other.instructions]
    assert {*names} == {x.name for x in first.instructions}
    x = np.arange(15.0).reshape(5, 3)
    found = build(Family(first, A)).at(other, 5)([x])
    compare(found, interpreted(other, [x]), EXACT["float64"])


def test_pythons_numbers_are_doubles_among_floats() -> None:
    def f(x: Any, rate: Any) -> Any:
        return x * (rate * 3.0 - 1.0), x - rate

    x = np.linspace(0, 1, 40, dtype="float32").reshape(20, 2)
    program, inputs = program_of(f, [x, 0.1])
    native = build(Family(program, 20))
    assert [one.lane for one in native.segments] == ["f"]
    found = native.at(program, 20)(inputs)
    for got, value in zip(found, interpreted(program, inputs), strict=True):
        np.testing.assert_array_equal(got, value, strict=True)


def test_a_very_long_program_is_numpys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowering, "MOST", 3)
    program, inputs = program_of(lambda x: np.tanh(np.exp(np.tanh(np.sin(x)))), [np.ones(3)])
    native = build(Family(program))
    assert [one.lane for one in native.segments] == ["numpy"]
    assert "very long" in native.stages
    compare(native.at(program)(inputs), interpreted(program, inputs), 0.0)


def test_an_interpreter_whose_arrays_have_another_head(
    step: Step, native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, inputs = step.at(20)
    bound = native.at(program, 20)
    wanted = bound(inputs)
    monkeypatch.setattr("tinygrad_bp.native.calls.code.HEADS_ARE_KNOWN", False)
    for got, value in zip(bound(inputs), wanted, strict=True):
        np.testing.assert_array_equal(got, value)
