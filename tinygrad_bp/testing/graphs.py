"""Random well-formed programs, drawn from the rule table and written as Python source.

They need Hypothesis.

A program is a function of arrays that gives a number.  Each line calls one row of the table on
what the lines above gave: whatever shapes they have, they are reshaped, broadcast or gathered to
those that the row takes, and moved into its domain.  The source runs on raw arrays, on complex
ones, and on Tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinygrad_bp.engine.dispatch import FUNCTIONS, UFUNCS
from tinygrad_bp.engine.rule import REAL, TABLE, Rule, Sample
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.rules import COMMON, class_losses, losses
from tinygrad_bp.testing.samples import Form, default_samples, is_numpys, plain

SHAPES = ((), (3,), (2, 3), (1,), (3, 1), (2, 1, 3), (2, 2), (0,), (0, 3))
LARGEST = 8.0  # what is larger is scaled down, so that derivatives stay where differences see them
NEAREST = 0.02  # a kink may be no nearer to a value than this
CHOICES = 60  # numbers that a line chooses by: a multiple of most counts of options
GRID = 64  # inputs are multiples of 1/GRID: short to print, and the same numbers in float32
OPERATORS = {
    "__add__": "({} + {})",
    "__sub__": "({} - {})",
    "__mul__": "({} * {})",
    "__truediv__": "({} / {})",
    "__pow__": "({} ** {})",
    "__matmul__": "({} @ {})",
    "__mod__": "({} % {})",
    "__neg__": "(-{})",
    "__abs__": "abs({})",
    "__getitem__": "{}[{}]",
}
# The weights make the cotangents of all elements differ.
HEADER = """\
import numpy as np
from tinygrad_bp.rules import TABLE

"""
WEIGH = """\
def weigh(v):
    weights = np.cos(np.arange(1.0, np.size(v) + 1))
    return np.sum(v * weights.reshape(np.shape(v)))

"""


def _has_functions(sample: Sample) -> bool:
    given = [*sample.args, *sample.kwargs.values()]
    return any(callable(one) and not isinstance(one, type) for one in given)


# The rarer families stay out: they give complex numbers, a matrix that happens to be nearly
# singular has derivatives without bound, and SciPy's functions grow like factorials.
FAMILIES = {family.__name__ for family in (*COMMON, class_losses, losses)}
IN_PROGRAMS = tuple(
    name
    for name, rule in TABLE.items()
    if rule.trial.in_programs
    and rule.family in FAMILIES
    and not any(_has_functions(sample) for sample in rule.trial.samples)  # no source to print
)

# The same names, computed without the engine.
PLAIN = {name: SimpleNamespace(function=plain(TABLE[name])) for name in IN_PROGRAMS}


@dataclass(frozen=True)
class Program:
    """A function in Python, and where to call it.

    Attributes
    ----------
    source : str
        Text of a function `program`, which returns a number.
    inputs : tuple of array
        Its arguments.
    analytic : bool
        Whether a complex step applies to all rows that it calls.
    rows : frozenset of str
        Names of these rows of the rule table.
    """

    source: str
    inputs: tuple[Any, ...]
    analytic: bool
    rows: frozenset[str]

    def function(self, table: Any = TABLE) -> Any:
        """Return the function.

        Parameters
        ----------
        table : mapping of str to Rule
            What it looks functions up in that NumPy lacks.

        Returns
        -------
        callable
        """
        scope: dict[str, Any] = {"np": np, "TABLE": table}
        exec(WEIGH + self.source, scope)  # noqa: S102  # a program is text, to be read when it fails
        program = scope["program"]
        program.source = HEADER + WEIGH + self.source  # for the script of a report
        return program

    @property
    def plain(self) -> Any:
        """The function of raw arrays, which asks nothing of the engine."""
        return self.function(PLAIN)

    def __repr__(self) -> str:
        arguments = ", ".join(
            f"np.array({x.tolist()}, {x.dtype.name!r}).reshape({x.shape})" for x in self.inputs
        )
        return f"\n\n{WEIGH}\n{self.source}\nprogram({arguments})\n"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # what Hypothesis prints by
        printer.text(repr(self))


class Text(str):
    """Source, which is its own representation inside lists of arguments."""

    __slots__ = ()
    __repr__ = str.__str__


@dataclass
class Builder:
    """A program in the making: its lines and the value of each name."""

    rng: np.random.Generator  # of the inputs
    choices: list[int] = field(default_factory=list)  # what the next line is made by
    lines: list[str] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)

    def input(self, shape: tuple[int, ...]) -> str:
        """Add an argument to the program; no two elements of all inputs are equal."""
        size = int(np.prod(shape, dtype=int))
        name = f"x{len(self.inputs)}"
        count = max(
            4 * GRID, size + size % 2
        )  # a large array has a finer grid, on the same interval
        steps = self.rng.permutation(np.arange(-count // 2, count // 2))[:size]
        # each input has its own residue, so that no element of another equals it
        value = ((16 * steps + len(self.inputs) + 1) / (4 * count)).reshape(shape)
        self.inputs[name] = self.values[name] = value
        return name

    def choose(self, options: Sequence[Any]) -> Any:
        """Return one of the options, by the next choice of the line; the first without any."""
        number = self.choices.pop(0) if self.choices else 0
        return options[number % len(options)]

    def argument(self, shape: tuple[int, ...] | None) -> str:
        """Return an expression of the given shape, or of any."""
        names = [name for name, value in self.values.items() if np.shape(value) == shape]
        if shape is None or (names and self.choose((True, False))):
            return str(self.choose(names or list(self.values)))
        name = self.choose(list(self.values))
        return self.fitted(name, np.shape(self.values[name]), shape)

    def fitted(self, name: str, have: tuple[int, ...], want: tuple[int, ...]) -> str:
        """Return an expression that makes a value of shape `have` one of shape `want`."""
        size, wanted = (int(np.prod(shape, dtype=int)) for shape in (have, want))
        if have == want:
            return name
        if size == wanted:
            return f"np.reshape({name}, {want})"
        if not wanted:
            return f"np.reshape(np.ravel({name})[:0], {want})"
        if not size:
            return self.input(want)
        if len(have) <= len(want) and all(
            n in (1, m) for n, m in zip(have[::-1], want[::-1], strict=False)
        ):
            return f"np.broadcast_to({name}, {want})"
        rng = np.random.default_rng(self.choose(range(CHOICES)))
        index = rng.integers(0, size, wanted).tolist()
        return f"np.reshape(np.ravel({name})[{index}], {want})"

    def value(self, expression: str) -> Any:
        """Return what an expression is, without the engine."""
        return eval(expression, {"np": np, "TABLE": PLAIN}, self.values)  # noqa: S307  # as above

    def inside(self, expression: str, rule: Rule, i: int) -> str:
        """Return the expression moved into the domain of argument `i`, smoothly."""
        low, high = rule.trial.interval(i)
        value = self.value(expression)
        # out of a small domain the value might step while a difference is taken
        if (low, high) == REAL and np.all((low <= value) & (value <= high)):
            return expression
        return f"({(low + high) / 2} + {(high - low) / 2} * np.sin({expression}))"

    def partner(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a value that broadcasts against `shape`; `shape` if there is none."""
        fitting = []
        for value in self.values.values():
            try:
                np.broadcast_shapes(shape, np.shape(value))
            except ValueError:
                continue
            fitting.append(np.shape(value))
        return self.choose(fitting) if fitting else shape

    def step(self, row: str, choices: Sequence[int]) -> None:
        """Add one line that calls a row of the table, unless it would be no good there."""
        rule = TABLE[row]
        self.choices = list(choices)
        before = dict(self.inputs), dict(self.values)
        try:
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                expression = self.call(rule) or "np.nan"
                value = self.value(expression)
        except FloatingPointError:
            value = np.nan
        if not np.all(np.isfinite(value)):
            self.inputs, self.values = before
            return
        size = float(np.max(np.abs(value), initial=0.0))
        if size > LARGEST:
            expression = f"{2.0 ** -np.ceil(np.log2(size / LARGEST))} * ({expression})"
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        self.values[name] = self.value(expression)
        self.used |= {one for one in self.values if one in _names(expression)}
        self.rows.add(rule.name)

    def call(self, rule: Rule) -> str | None:
        """Return the source of a call of `rule`; None where a kink is too near."""
        if rule.trial.samples:
            one = Form(rule, self.choose(rule.trial.samples))
            shapes: list[Any] = list(one.shapes)
        else:
            one = Form(rule, default_samples(rule)[0])
            first = self.argument(None)
            shapes = [np.shape(self.values[first])]
            while len(shapes) < len(one.places):
                shapes.append(self.partner(np.broadcast_shapes(*shapes)))
        expressions = [Text(self.inside(self.argument(s), rule, i)) for i, s in enumerate(shapes)]
        for kink in (*rule.trial.kinks, *one.constants):
            if any(np.any(np.abs(self.value(e) - kink) < NEAREST) for e in expressions):
                return None
        return _written(rule, one.sample, one.arguments(expressions))

    def finished(self, narrow: Sequence[bool]) -> Program:
        """Return the program: the weighted sum of all that no other line reads.

        `narrow` says which inputs are float32.
        """
        ends = [name for name in self.values if name not in self.used]
        lines = [*self.lines, f"return {' + '.join(f'weigh({name})' for name in ends)}"]
        source = f"def program({', '.join(self.inputs)}):\n" + "".join(
            f"    {line}\n" for line in lines
        )
        inputs = tuple(
            x.astype(np.float32) if k < len(narrow) and narrow[k] else x
            for k, x in enumerate(self.inputs.values())
        )
        analytic = all(TABLE[row].trial.analytic for row in self.rows)
        return Program(source, inputs, analytic, frozenset(self.rows))


def _names(expression: str) -> set[str]:
    return set("".join(c if c.isalnum() else " " for c in expression).split())


def _written(rule: Rule, sample: Sample, args: tuple[Any, ...]) -> str:
    given = [_literal(one) for one in args]
    recorder = UFUNCS.get(rule.function) or FUNCTIONS.get(rule.function) or rule.function
    for operator, form in OPERATORS.items():
        if getattr(Tensor, operator) is recorder:
            return form.format(*given, *map(_literal, sample.kwargs.values()))
    given += [f"{key}={_literal(one)}" for key, one in sample.kwargs.items()]
    if is_numpys(rule.function):
        return f"np.{rule.function.__name__}({', '.join(given)})"
    return f"TABLE[{rule.name!r}].function({', '.join(given)})"


def _literal(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()}, {value.dtype.name!r})"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, tuple):
        return f"({''.join(_literal(one) + ', ' for one in value)})"
    return f"np.{value.__name__}" if isinstance(value, type) else repr(value)


@st.composite
def graphs(
    draw: Any,
    max_ops: int = 8,
    *,
    min_ops: int = 0,
    rows: Sequence[str] = IN_PROGRAMS,
    narrow: bool = False,
) -> Program:
    """Draw a random program over the rule table.

    Parameters
    ----------
    max_ops : int, default 8
        How many lines it has at most; each calls one row.
    min_ops : int, default 0
        How many lines are drawn at least; a line that comes too near a kink is left out.
    rows : sequence of str, optional
        The rows it may call; by default all but those of linear algebra and of complex results.
    narrow : bool, default False
        Whether some inputs are float32.

    Returns
    -------
    Program
        ``program.function()(*program.inputs)`` runs it; `program.plain` asks nothing of the engine.
        It shrinks line by line, and its `repr` can be pasted into a file.
    """
    builder = Builder(np.random.default_rng(draw(st.integers(0, 2**16))))
    for shape in draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3)):
        builder.input(shape)
    # a list of lines, each drawn without regard to the others, shrinks by leaving lines out
    numbers = st.lists(st.integers(0, CHOICES - 1), min_size=0, max_size=8)
    line = st.tuples(st.sampled_from(rows), numbers)
    lines = st.lists(line, min_size=min_ops, max_size=max_ops)
    for row, choices in draw(lines):
        builder.step(row, choices)
    return builder.finished(draw(st.lists(st.booleans(), max_size=3)) if narrow else ())
