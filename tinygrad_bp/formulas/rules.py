"""The formulas of one node: its rule's own code, run on values that only have a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_bp.engine.broadcasting import unbroadcast
from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.engine.recording import PLAIN
from tinygrad_bp.engine.rule import Rule
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.formulas.expressions import Expression, expression, names_in, parts_of
from tinygrad_bp.programs import passes
from tinygrad_bp.programs.calling import quiet, run
from tinygrad_bp.programs.from_function import traced
from tinygrad_bp.programs.program import Program

CT, OUT = "ct", "out"
KEPT = 1024  # programs that are kept
SAME = 2e-14  # of the largest slope: what one that is told from the result may be off by
# What two calls share belongs to neither of them: it is looked for when both have their names.
UNSHARED = tuple([one for one in passes.PASSES if one is not passes.share])
_programs: dict[Any, Program | None] = {}


@dataclass(frozen=True)
class Formula:
    """What the code of a rule computes.

    Attributes
    ----------
    expression : Expression
    guarded : bool
        Whether parts were left out that ask for ties or for values that are not finite, of which
        there are none here.
    """

    expression: Expression
    guarded: bool

    @cached_property
    def names(self) -> set[str]:
        """The keys of the values that it reads."""
        return names_in(self.expression)


def pull_formula(
    node: Node, position: int, ct: Any, out: Any, shape: Shape, *, textbook: bool = False
) -> Formula | None:
    """Return what one argument's part of the cotangent is; None if there is no formula.

    There is none where the derivative looks at values, or where there are no single arrays.

    Parameters
    ----------
    node : Node
    position : int
        Of the argument.
    ct, out : array
        The cotangent and the value of the node: arrays of their shapes and dtypes.
    shape : tuple of int
        Of the argument.
    textbook : bool, default False
        Whether what a textbook has is asked for, and not what the code does; see `Drawing`.
    """
    saved, rule = kept_of(node), node.rule
    pulls: Any = rule.drawing.textbook if textbook else rule.pulls
    if saved is None or not pulls:
        return None
    pull = pulls[position]
    count = len(rule.pulls)
    given = {CT: ct}
    if saved[0] is not None:
        given[OUT] = out
    for i, value in enumerate(saved[1 : 1 + count]):
        if is_named(value, node.parents[i]):
            given[str(i)] = value

    def part(known: Mapping[str, Any]) -> Any:
        arguments = [known.get(str(i), value) for i, value in enumerate(saved[1 : 1 + count])]
        found = pull(known[CT], known.get(OUT), *arguments, *saved[1 + count :])
        return unbroadcast(found, shape) if rule.broadcasts else found

    return _formula(part, given, (pull, shape, saved[1 : 1 + count], saved[1 + count :]))


def kept_of(node: Node) -> tuple[Any, ...] | None:
    """Return what a node keeps, as far as its derivative is to be told from it.

    Near saturation the engine takes the slope of a sigmoid from its argument, for the last digits.
    Where nobody sees the difference it is told from the result, as in a textbook.
    """
    saved, rule = node.saved, node.rule
    if saved is None or rule.sparing is None or saved[0] is None:
        return saved
    if saved[1] is None or isinstance(saved[1], Node):
        return saved
    out, pull = saved[0], rule.pulls[0]
    spared = (out, None, *saved[2:])
    ones = np.ones(np.shape(out), np.result_type(out))[()]
    with quiet():
        exact, found = pull(ones, *saved), pull(ones, *spared)  # type: ignore[misc]  # a tracked argument has one
        apart, largest = np.max(np.abs(found - exact), initial=0.0), np.max(exact, initial=0.0)
    return spared if apart <= SAME * largest else saved


def is_named(value: Any, parent: Node | None) -> bool:
    """Whether formulas have a name for an argument: a number that tracks nothing is written out."""
    if value is None or isinstance(value, Node):
        return False
    return parent is not None or np.ndim(value) > 0


def forward_formula(
    node: Node, arguments: list[Any], parameters: tuple[Any, ...]
) -> Formula | None:
    """Return what a node computes; None if it has no formula shorter than its name.

    Parameters
    ----------
    node : Node
    arguments : list
        Arrays of their shapes and dtypes; numbers where these are written out.
    parameters : tuple
        The settings of the rule.
    """
    given = {str(i): value for i, value in enumerate(arguments) if is_named(value, node.parents[i])}

    def of(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda known: function(
            *[known.get(str(i), value) for i, value in enumerate(arguments)], *parameters
        )

    rule: Rule = node.rule
    found = _formula(of(rule.forward), given, (rule.forward, (), arguments, parameters))
    composition = rule.trial.composition
    if composition is not None and (found is None or _is_long(found)):
        found = _formula(of(composition), given, (composition, (), arguments, parameters)) or found
    return found


def is_several(value: Any) -> bool:
    """Whether a value is several arrays, as a function of a user's own may take and give."""
    dtype = getattr(value, "dtype", None)
    return dtype is not None and dtype.kind == "O"


def _is_long(found: Formula) -> bool:
    return any(True for part in parts_of(found.expression) for _ in parts_of(part))


def _formula(function: Callable[..., Any], given: dict[str, Any], what: Any) -> Formula | None:
    """Return the formula of a function of the values in `given`; `what` tells it from others."""
    if any(is_several(one) for one in given.values()):
        return None
    program = _program(function, given, what)
    if program is None:
        return None
    values: dict[str, Any] = {one.name: given[one.path[-1]] for one in program.inputs}
    with quiet():
        for one in program.instructions:
            values[one.name] = run(one, values)
    return Formula(*expression(program, values))


def formula_of(function: Callable[..., Any], given: dict[str, Any]) -> Formula | None:
    """Return the formula of any function of the values in `given`."""
    return _formula(function, given, (function, (), (), ()))


def _program(function: Callable[..., Any], given: dict[str, Any], what: Any) -> Program | None:
    """Return the program of a function; the same for layers that differ in numbers alone."""
    code, shape, arguments, parameters = what
    types = [(key, np.shape(one), np.result_type(one).char) for key, one in given.items()]
    settings = [np.ndarray if _is_array(one) else _setting(one) for one in arguments]
    settings += [_setting(one) for one in parameters]
    key = (code, shape, *types, *settings)
    if None in settings:
        return _traced(function, given)
    if key not in _programs:
        if len(_programs) >= KEPT:
            _programs.clear()
        _programs[key] = _traced(function, given)
    return _programs[key]


def _traced(function: Callable[..., Any], given: dict[str, Any]) -> Program | None:
    try:
        with quiet():
            program = traced(function, given, named=False)
            for one in UNSHARED:
                program = one(program)
            return program
    except Exception:  # noqa: BLE001  # a rule that looks at values, or a user's own: it has no formula
        return None


def _setting(one: Any) -> Any:
    """Return what tells a setting of a rule from others; None where nothing short does."""
    if isinstance(one, Node):
        return Node, one.shape, one.dtype.char
    if type(one) in PLAIN or type(one) is slice or isinstance(one, np.generic):
        return type(one), repr(one)
    if type(one) is tuple:
        parts = tuple(map(_setting, one))
        return None if None in parts else (tuple, parts)
    return None


def _is_array(one: Any) -> bool:
    """Whether an argument is among the values that are given, where its shape and dtype are."""
    return isinstance(one, np.ndarray) and one.ndim > 0
