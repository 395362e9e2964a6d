"""`tg.debug`: the first operation that makes NaN or infinity is named, with its line."""

from __future__ import annotations

import asyncio
import re
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.errors import NonFiniteError

HERE = Path(__file__)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of the same places


def named(*values: float, name: str = "x") -> tg.Tensor:
    return tg.tensor(values, requires_grad=True, name=name)


class Fault(NamedTuple):
    """A program, the operation that it fails in, and what the message says."""

    run: Callable[[], Any]
    says: tuple[str, ...]
    at: str  # part of the source line named; marked with a comment below


def _log_of_zero() -> Any:
    x = named(0.0, 4.0)
    h = np.log(x)  # MARK log
    return np.sum(h)


def _passed_on() -> Any:
    w, x = named(np.nan, 1.0, name="w"), named(1.0, 2.0)
    return np.exp(w * x)  # MARK multiply


def _overflow() -> Any:
    x = named(1.0, 800.0)
    return np.exp(x)  # MARK exp


def _subtract_infinities() -> Any:
    x = tg.tensor([np.inf, 1.0], requires_grad=True, name="x")
    return x - x  # MARK subtract


def _slope_of_root() -> Any:
    x = named(0.0, 4.0)
    y = np.sqrt(x)  # MARK sqrt
    return np.sum(y).backward()


def _untaken() -> Any:
    x = named(0.0, 4.0)
    root = np.sqrt(x)  # MARK root
    y = np.where(x.numpy() > 0, root, 0.0)  # where it was not taken
    return tg.gradients(np.sum(y), x)


def _second_order() -> Any:
    x = named(0.0, 4.0)
    y = x**1.5  # MARK power
    (slope,) = tg.gradients(np.sum(y), [x], create_graph=True)
    return tg.gradients(np.sum(slope), x)


def _through_grad() -> Any:
    def loss(x: Any) -> Any:
        return np.sum(np.cbrt(x))  # MARK cbrt

    return tg.grad(loss)(np.array([0.0, 1.0]))


def _pushed() -> Any:
    def loss(x: Any) -> Any:
        return np.sqrt(x)  # MARK pushed

    return tg.jvp(loss, (np.array([0.0, 1.0]),), (np.ones(2),))


def _bad_tangent() -> Any:
    def loss(x: Any, y: Any) -> Any:
        return x * y  # MARK second

    x = np.array([1.0, 2.0])
    return tg.jvp(loss, (x, x), (np.ones(2), np.array([np.inf, 1.0])))


def _bad_cotangent() -> Any:
    x = named(1.0, 2.0)
    y = np.sin(x)  # MARK sin
    return y.backward(np.array([np.nan, 1.0]))


def _complex() -> Any:
    z = tg.tensor([0j, 1.0], requires_grad=True)
    return 1 / z  # MARK divide


FAULTS = {
    "log of 0": Fault(
        _log_of_zero,
        ("debug: log made -inf out of finite numbers", "1 of 2", "index (0,)", "x: float64 (2,)"),
        "log",
    ),
    "NaN that came in": Fault(
        _passed_on,
        ("multiply passes on NaN", "w: float64 (2,) 1, 1 NaN", "from 1 to 2"),
        "multiply",
    ),
    "overflow": Fault(_overflow, ("exp made inf", "from 1 to 800"), "exp"),
    "inf - inf": Fault(_subtract_infinities, ("subtract passes on NaN", "1 infinite"), "subtract"),
    "slope of sqrt": Fault(
        _slope_of_root,
        ("backward: sqrt made inf out of finite", "cotangent: float64 (2,) 1", "from 0 to 2"),
        "sqrt",
    ),
    "branch not taken": Fault(
        _untaken,
        ("backward: sqrt made NaN", "0 times infinity", "where did not take", "np.where(ok"),
        "root",
    ),
    "second order": Fault(_second_order, ("backward: power made inf", "pulled back"), "power"),
    "in tg.grad": Fault(_through_grad, ("backward: cbrt made inf",), "cbrt"),
    "tangent": Fault(_pushed, ("forward mode: sqrt made inf", "the tangent: float64"), "pushed"),
    "tangent from outside": Fault(
        _bad_tangent, ("forward mode: multiply passes on inf",), "second"
    ),
    "cotangent from outside": Fault(_bad_cotangent, ("backward: sin passes on NaN",), "sin"),
    "complex": Fault(_complex, ("divide made",), "divide"),
}


def line_of(mark: str) -> int:
    lines = HERE.read_text(encoding="utf-8").splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.endswith(f"# MARK {mark}"))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_first_operation_is_named_with_its_line(fault: Fault) -> None:
    with pytest.raises(NonFiniteError) as caught, tg.debug():
        fault.run()
    message = str(caught.value)
    for words in fault.says:
        assert words in message
    assert f"{HERE}:{line_of(fault.at)}: " in message


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_off_it_lets_everything_pass(fault: Fault) -> None:
    with tg.debug():
        pass
    fault.run()


def test_inf_alone_or_nan_alone() -> None:
    with tg.debug(inf=False):
        _log_of_zero()
        with pytest.raises(NonFiniteError, match="passes on NaN"):
            _passed_on()
    with tg.debug(nan=False):
        _passed_on()
        with pytest.raises(NonFiniteError, match="made -inf"):
            _log_of_zero()


def test_finite_programs_give_the_same_bits() -> None:
    def program(x: Any) -> Any:
        return np.sum(np.tanh(x @ x.T) * np.where(x[:1] > 0, x[:1], 0.5 * x[:1]).sum())

    x = np.linspace(-1.0, 1.0, 9).reshape(3, 3)
    plain = tg.grad(program)(x)
    with tg.debug():
        watched = tg.grad(program)(x)
        assert np.array_equal(tg.hessian(program)(x), tg.hessian(program)(x))
    assert np.array_equal(plain, watched)


def test_decorator_makes_every_call_a_debug() -> None:
    @tg.debug(inf=False)
    def run() -> Any:
        return _passed_on()

    for _ in range(2):
        with pytest.raises(NonFiniteError):
            run()
    _passed_on()
    with pytest.raises(TypeError, match=r"debug: .* generator"):
        tg.debug()(lambda: (yield))


def test_modes_nest() -> None:
    x = named(0.0)
    with tg.debug():
        with tg.no_grad():
            assert not np.log(x).requires_grad  # not recorded: not watched
            with tg.enable_grad(), pytest.raises(NonFiniteError):
                np.log(x)
        with pytest.raises(NonFiniteError):
            np.log(x)
    with tg.no_grad():
        with tg.debug():
            assert not np.log(x).requires_grad
        assert not np.log(x).requires_grad
    assert np.log(x).requires_grad


def test_other_threads_and_tasks_are_left_alone() -> None:
    errors = []

    def run() -> None:
        try:
            _log_of_zero()
        except NonFiniteError as error:
            errors.append(error)

    with tg.debug():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert not errors

    async def watched() -> None:
        with tg.debug():
            await asyncio.sleep(0)
            with pytest.raises(NonFiniteError):
                _log_of_zero()

    async def unwatched() -> None:
        _log_of_zero()
        await asyncio.sleep(0)
        _log_of_zero()

    async def both() -> None:
        await asyncio.gather(watched(), unwatched())

    asyncio.run(both())


def test_a_graph_from_before_is_watched_without_its_lines() -> None:
    y = np.sum(np.sqrt(named(0.0, 1.0)))
    with pytest.raises(NonFiniteError, match=re.escape("a line outside of tg.debug()")), tg.debug():
        y.backward()


def test_a_failed_operation_leaves_no_trace() -> None:
    x = named(0.0, 4.0)
    with pytest.raises(NonFiniteError), tg.debug():
        np.sum(np.sqrt(x)).backward()
    assert x.grad is None
    np.sum(x * x).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 8.0]


# Outside of debug: the warning where a branch was not taken


@pytest.mark.filterwarnings("default::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "function"), [("sqrt", np.sqrt), ("log", np.log), ("reciprocal", np.reciprocal)]
)
def test_an_untaken_branch_warns_and_names_the_operation(name: str, function: Any) -> None:
    x = named(0.0, 4.0)
    with np.errstate(divide="ignore"):
        y = np.sum(np.where(x.numpy() > 0, function(x), 0.0))
        with pytest.warns(
            RuntimeWarning, match=rf"invalid value \(NaN\) in the derivative of {name}:"
        ) as seen:
            y.backward()
    assert [Path(one.filename) for one in seen] == [HERE]
    assert np.isnan(x.grad.numpy()[0])
    assert np.isfinite(x.grad.numpy()[1])


@pytest.mark.parametrize("setting", ["ignore", "raise"])
def test_the_users_error_state_is_kept(setting: Any) -> None:
    x = named(0.0, 4.0)
    with np.errstate(divide="ignore", invalid=setting):
        before = np.geterr()
        y = np.sum(np.where(x.numpy() > 0, np.sqrt(x), 0.0))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if setting == "raise":
                with pytest.raises(FloatingPointError):
                    y.backward()
            else:
                y.backward()
        assert np.geterr() == before


def test_the_error_state_is_restored() -> None:
    x = named(1.0, 4.0)
    before = np.geterr(), np.geterrcall()
    np.sum(np.where([True, False], np.sqrt(x), x)).backward()
    assert (np.geterr(), np.geterrcall()) == before


def test_rules_that_mask_are_known() -> None:
    assert {name for name, rule in TABLE.items() if rule.masks} >= {"where"}


LABELS = np.arange(5.0)


@pytest.mark.parametrize("f", [np.subtract, np.multiply, np.minimum, lambda a, b: np.hypot(b, a)])
def test_a_column_against_a_row_of_labels_is_warned_of(f):
    column = tg.tensor(np.ones((5, 1)), requires_grad=True)
    with tg.debug(), pytest.warns(UserWarning, match="gives every pair") as caught:
        f(column, LABELS)
    assert [one.filename for one in caught] == [__file__]
    with tg.debug(), pytest.warns(UserWarning, match="gives every pair"):
        f(column[:, 0], LABELS[:, None])


def test_what_is_meant_to_make_a_table_is_not_warned_of():
    x = tg.tensor(np.ones(5), requires_grad=True)
    with tg.debug():
        x[:, None] - x  # all pairs of one thing
        x[:, None] - LABELS[:, None]
        x[:1, None] - LABELS
        x[:, None] * np.ones(3)
        np.outer(x, LABELS)
