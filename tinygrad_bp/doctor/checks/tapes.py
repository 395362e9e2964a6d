"""A script's own numbers that derive themselves: their rules against differences of their values.

A class is such a number if it can be made of a float, keeps it, and has a method after which the
factors of a product each hold the other's value.  Which names it uses for that does not matter.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.recorder import Recorder, Stop
from tinygrad_bp.doctor.watched.rewriting import Place, Script
from tinygrad_bp.doctor.watched.running import run
from tinygrad_bp.doctor.watched.substitution import substituted

LEFT, RIGHT = 0.7, 1.3  # where the rules are tried: no kink is there
STEP, CLOSE = 1e-5, 1e-3  # of a difference, and how far from it a derivative may be
OPERATORS = {
    "+": (operator.add, ast.Add), "-": (operator.sub, ast.Sub), "*": (operator.mul, ast.Mult),
    "/": (operator.truediv, ast.Div),
}  # fmt: skip
REUSED: dict[str, Callable[[Any, Any], Any]] = {
    "a + a": lambda a, _: a + a,
    "a * b + a": lambda a, b: a * b + a,
    "(a + b) * (a * b)": lambda a, b: (a + b) * (a * b),
}
Rule = tuple[str, Callable[[Any, Any], Any]]


@dataclass
class Number:
    """A class of numbers that derive themselves, and the names that it has for what it keeps."""

    made: Callable[[float], Any]
    value: str
    slope: str
    backward: str

    def derived(self, rule: Callable[[Any, Any], Any]) -> tuple[float, float] | None:
        """Return the derivative by `a` that the class finds, and that of its own values."""
        try:
            a = self.made(LEFT)
            out = rule(a, self.made(RIGHT))
            getattr(out, self.backward)()
            ends = [self._at(rule, LEFT + side * STEP) for side in (1, -1)]
            return _number(getattr(a, self.slope)), (ends[0] - ends[1]) / (2 * STEP)
        except Exception:  # noqa: BLE001  # what the script's own class may raise: no such rule
            return None

    def _at(self, rule: Callable[[Any, Any], Any], where: float) -> float:
        return _number(getattr(rule(self.made(where), self.made(RIGHT)), self.value))

    def is_right(self, rule: Callable[[Any, Any], Any]) -> bool:
        """Tell whether both agree, or one of them cannot be had."""
        both = self.derived(rule)
        return both is None or abs(both[0] - both[1]) <= CLOSE * max(1.0, abs(both[1]))


def findings(script: Script, recorder: Recorder, seconds: float) -> list[Finding]:
    """Return the rules that are wrong of the numbers that a script defines for itself."""
    found: list[Finding] = []
    for node in [one for one in ast.walk(script.tree) if isinstance(one, ast.ClassDef)]:
        if not any(isinstance(one, ast.FunctionDef) and one.name == "__mul__" for one in node.body):
            continue
        number = _number_of(script, recorder, node.name, seconds)
        found += _wrong(script, recorder, node, number, seconds) if number is not None else []
    return found


def _wrong(
    script: Script, recorder: Recorder, node: ast.ClassDef, number: Number, seconds: float
) -> Iterator[Finding]:
    single = dict(_rules(script, node, number))
    for text, rule in single.items():
        if not number.is_right(rule):
            told = f"{node.name}: {_told(text, number.derived(rule))}"
            yield Finding("wrong-gradient", FAULT, told, node.lineno, node.name)
            return
    for text, rule in REUSED.items():
        if number.is_right(rule):
            continue
        told = f"{node.name}: {_told(text, number.derived(rule))}"
        told += "; where a number is used once it is right"
        found = Finding("wrong-gradient", FAULT, told, node.lineno, node.name)
        edits: dict[int, Any] = {
            id(one): ast.AugAssign(target, ast.Add(), one.value)
            for one in ast.walk(node) if isinstance(one, ast.Assign)
            for target in one.targets if isinstance(target, ast.Attribute)
            and target.attr == number.slope and not isinstance(one.value, ast.Constant)
        }  # fmt: skip
        mended = _number_of(script, recorder, node.name, seconds, edits) if edits else None
        if mended is not None and all(map(mended.is_right, [*REUSED.values(), *single.values()])):
            found.patch = patches.patch_of(script, edits)
            found.line = patches.first_line(found.patch)
        yield found
        return


def _told(text: str, both: tuple[float, float] | None) -> str:
    assert both is not None  # noqa: S101  # a rule that cannot be had is not wrong
    return (
        f"the derivative of {text} by a, at a = {LEFT} and b = {RIGHT}, is {both[1]:.4g} by"
        f" differences of its values, and {both[0]:.4g} by its backward pass"
    )


def _rules(script: Script, node: ast.ClassDef, number: Number) -> Iterator[Rule]:
    """Yield what a script does with its numbers, each number used once."""
    inside = {id(one) for one in ast.walk(node)}
    outside = [one for one in ast.walk(script.tree) if id(one) not in inside]
    for text, (operation, kind) in OPERATORS.items():
        if any(isinstance(one, ast.BinOp) and isinstance(one.op, kind) for one in outside):
            yield f"a {text} b", operation
            yield f"b {text} a", partial(_exchanged, operation)
    powers = [one.right for one in outside if isinstance(one, ast.BinOp)
              and isinstance(one.op, ast.Pow) and isinstance(one.right, ast.Constant)]  # fmt: skip
    for power in powers:
        yield f"a ** {ast.unparse(power)}", partial(_power, power.value)
    called = {one.func.attr for one in outside
              if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)}  # fmt: skip
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name in called and one.name != number.backward:
            yield f"a.{one.name}()", partial(_method, one.name)


def _exchanged(operation: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    return operation(b, a)


def _power(power: Any, a: Any, _: Any) -> Any:
    return a**power


def _method(name: str, a: Any, _: Any) -> Any:
    return getattr(a, name)()


def _number(value: Any) -> float:
    array = np.asarray(value, float)
    if array.size != 1:
        raise TypeError("it holds no single number")
    return float(array.ravel()[0])


def _held(one: Any) -> dict[str, float]:
    """Return the numbers that an object keeps."""
    found = {}
    names = [*getattr(one, "__dict__", {}), *getattr(type(one), "__slots__", ())]
    for name in names:
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            found[name] = _number(getattr(one, name))
    return found


def _number_of(
    script: Script,
    recorder: Recorder,
    name: str,
    seconds: float,
    edits: dict[int, Any] | None = None,
) -> Number | None:
    """Return a class of a script, or of an edited one, if it is of such numbers."""

    def at_head(_: Place, frame: FrameType) -> None:
        if name in frame.f_globals:
            raise Stop

    def prepare(recorder: Recorder) -> None:
        recorder.at_head = at_head

    tree = substituted(script.tree, edits) if edits else None
    kind = run(script, recorder, seconds=seconds, prepare=prepare, tree=tree).module.get(name)
    recorder.reset()
    if not inspect.isclass(kind):
        return None
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return _recognised(kind)
        except Exception:  # noqa: BLE001  # what the script's own class may raise: it is none
            return None


def _recognised(kind: Any) -> Number | None:
    value = next((key for key, one in _held(kind(LEFT)).items() if one == LEFT), "")
    every = [key for key, one in vars(kind).items() if inspect.isfunction(one)]
    for method in every if value else ():
        if method.startswith("__") or not _is_called_alone(vars(kind)[method]):
            continue
        a, b = kind(LEFT), kind(RIGHT)
        out = a * b
        if not isinstance(out, kind):
            return None
        before = set(_held(a).items())
        with contextlib.suppress(Exception):
            getattr(out, method)()
            changed = {key for key, _ in set(_held(a).items()) - before}
            ends = _held(a), _held(b)
            slope = next((key for key in changed if _is_product(ends, key)), None)
            if slope is not None:
                return Number(kind, value, slope, method)
    return None


def _is_product(ends: tuple[dict[str, float], dict[str, float]], key: str) -> bool:
    return np.allclose([ends[0][key], ends[1].get(key, np.nan)], [RIGHT, LEFT])


def _is_called_alone(function: Any) -> bool:
    given = list(inspect.signature(function).parameters.values())[1:]
    return all(one.default is not one.empty or one.kind in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
               for one in given)  # fmt: skip
