"""A program of a call, and all that it has to hold: text, invariants, passes, source, values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from oracles import EXACT
from sampling import Case, directions, like

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.programs import Program
from tinygrad_bp.programs.from_function import traced
from tinygrad_bp.programs.passes import PASSES

ROUNDING = 10.0  # times what one rule may lose: second derivatives add up many of them


def executed(source: str, name: str) -> Callable[..., Any]:
    """Return the function of a generated module."""
    scope: dict[str, Any] = {}
    exec(compile(source, "<generated>", "exec"), scope)  # noqa: S102  # the text under test
    function: Callable[..., Any] = scope[name]
    return function


def values(result: Any) -> list[Any]:
    """Return the arrays in what a function returned."""
    return [np.asarray(getattr(one, "_value", one)) for one in flatten(result)[0]]


def compare(found: Any, wanted: Any, inputs: Any = ()) -> None:
    """Compare what two calls gave, to the precision of the least precise of their inputs."""
    found, wanted = values(found), values(wanted)
    coarse = max([EXACT.get(x.dtype.char.lower(), 0.0) for x in values(list(inputs))], default=0.0)
    assert len(found) == len(wanted)
    for got, value in zip(found, wanted, strict=True):
        assert (got.shape, got.dtype) == (value.shape, value.dtype)
        exact = EXACT.get(value.dtype.char.lower(), 0.0)
        tolerance = ROUNDING * (max(exact, coarse) if exact else 0.0)
        np.testing.assert_allclose(got, value, rtol=tolerance, atol=tolerance)


def hold(f: Callable[..., Any], args: Sequence[Any]) -> Program:
    """Check all that the program of a call promises, and return it, simplified."""
    wanted = f(*args)
    program = traced(f, *args)
    raw = [getattr(one, "_value", one) for one in args]
    compare(program(*raw), wanted, raw)
    assert Program.parse(str(program.check())) == program
    before = values(program(*raw))
    for one in PASSES:
        program = one(program).check()
    for got, value in zip(values(program(*raw)), before, strict=True):
        np.testing.assert_array_equal(got, value, strict=True)
    assert Program.parse(str(program)) == program
    compare(executed(program.numpy(), program.name)(*raw), wanted, raw)
    return program


def derivatives(one: Case, *, order: int = 2) -> tuple[Callable[..., Any], list[Any]]:
    """Return value, gradient, and gradient of ``<gradient, direction>`` as a function, and where.

    What begins the walk is an argument as well.
    """
    arrays = one.arrays
    inputs = [like(one(*arrays)), *directions(arrays, 5), *arrays]

    def both(weight: Any, *rest: Any) -> Any:
        moves, xs = rest[: len(arrays)], rest[len(arrays) :]
        leaves = [tg.tensor(x, requires_grad=True) for x in xs]
        value = one(*leaves)
        first = tg.gradients(value, leaves, weight, create_graph=True)
        slope = np.float64(0.0)
        for gradient, move in zip(first, moves, strict=True):
            slope = slope + np.sum(gradient * move)
        twice = order > 1 and slope.requires_grad
        second = tg.gradients(np.real(slope), leaves) if twice else []
        return [value, *first, *second]

    return both, inputs


def pulled(one: Case) -> tuple[Callable[..., Any], list[Any]]:
    """Return what a composition gives, and its gradients, as a function, and where."""

    def both(*arrays: Any) -> Any:
        leaves = [tg.tensor(x, requires_grad=True) for x in arrays]
        result = one(*leaves)
        outputs, _ = flatten(list(result) if isinstance(result, tuple) else result)
        tracked = [out for out in outputs if isinstance(out, tg.Tensor) and out.requires_grad]
        for out in tracked:
            out.backward(np.ones_like(out._value) * 0.5)
        return [*tracked, *(x.grad for x in leaves if x.grad is not None)]

    return both, one.arrays
