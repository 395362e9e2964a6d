"""The derivation of a graph: its lines forward, and its steps back, set with the user's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.derivations.arrays import is_array
from tinygrad_bp.derivations.cancelling import cancelled
from tinygrad_bp.derivations.graph_formulas import GraphFormulas
from tinygrad_bp.derivations.joint import JointCall, names_of
from tinygrad_bp.derivations.reasons import Setting, reasons
from tinygrad_bp.derivations.records import Derivation, Equation, Reason, Shown, Step
from tinygrad_bp.derivations.symbols import is_number, symbols
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.formulas.boxes import Applied, Code, Digits, Line, Row, Sign, Symbol, text
from tinygrad_bp.formulas.expressions import Call, Name
from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.formulas.rules import CT, OUT, Formula
from tinygrad_bp.formulas.typesetting import ATOM, SIGN, Placed, Typesetter, number
from tinygrad_bp.view.picture.labels import shape_text
from tinygrad_bp.view.picture.plain_arrays import numbers, statistics
from tinygrad_bp.view.reading.recorded import contribution
from tinygrad_bp.view.reading.samples import rows_of
from tinygrad_bp.view.reading.sheet import Sheet
from tinygrad_bp.view.reading.words import words_of

MANY = 6  # parts of a sum up to which all are written
SHOWN = 30  # elements of a value up to which all are shown


class Deriving:
    """A derivation in the making.

    Attributes
    ----------
    symbols : list of str
        What each entry is called; empty of those that are written out where they are used.
    rows : dict of int to int
        The places that have a row for each sample, and how many.
    """

    def __init__(self, sheet: Sheet, wanted: Iterable[int]) -> None:
        self.sheet, self.recorded = sheet, sheet.recorded
        self.formulas = GraphFormulas(sheet, wanted)
        self.rows = rows_of(sheet)
        numbered = [p for p in range(len(sheet.names)) if is_number(sheet, p)]
        self.symbols = symbols(sheet, self._silent(numbered))
        self._taken = set(self.symbols)
        self._numbers: Counter[str] = Counter()
        self._placed: dict[int, Placed] = {}
        self._inner: dict[int, tuple[Line, ...]] = {}  # of what is written out in other lines
        self._lines: dict[int, Equation] = {}

    def _silent(self, numbered: Iterable[int]) -> set[int]:
        """Return the entries that need no name of their own."""
        joint = self.formulas.joint.values()
        shown = {place for call in joint for place in call.results}
        inner = {place for call in joint for place in (call.place, *call.hidden)}
        return {*self.formulas.folded, *numbered, *(inner - shown)}

    # Names

    def free(self, first: str) -> str:
        """Return a name that begins with this and that nothing else has."""
        while True:
            self._numbers[first] += 1
            new = f"{first}{self._numbers[first]}"
            if new not in self._taken:
                self._taken.add(new)
                return new

    def placed(self, place: int) -> Placed:
        """Return what formulas write for the value at a place."""
        if place not in self._placed:
            self._placed[place] = self._written(place)
        return self._placed[place]

    def _written(self, place: int) -> Placed:
        if place in self.formulas.folded:
            formula: Any = self.formulas.forward[place]
            found, self._inner[place] = self._set(place, formula)
            return found
        if not self.symbols[place]:
            told = number(self.recorded.value(place))
            return Digits(told), SIGN if told.startswith("−") else ATOM
        return Symbol(self.symbols[place]), ATOM

    def gradient(self, place: int, part: int = 0) -> Symbol:
        """Return the name of the gradient by the value at a place."""
        return Symbol(self.symbols[self.formulas.gradient_of(place)], gradient=True, part=part)

    def dims(self, place: int) -> list[str]:
        """Return the lengths of the axes of a value; ``m`` of the samples."""
        found = [str(n) for n in self.recorded.entries[place].shape]
        if place in self.rows:
            found[0] = "m"
        return found

    def _set(self, place: int, formula: Formula) -> tuple[Placed, Any]:
        names: dict[str, Placed] = {
            str(i): self.placed(one) if self._needs(formula, i) else (Digits("?"), ATOM)
            for i, one in enumerate(self.recorded.entries[place].arguments)
        }
        names[CT] = self.gradient(place), ATOM
        call = self.formulas.taken.get(place)
        if call is not None:
            for one, k in names_of(self.recorded, call):
                names[f"{CT}{k}"] = self.gradient(one), ATOM
                names[f"{OUT}{k}"] = self.placed(one)
        elif formula is not self.formulas.forward.get(place):
            names[OUT] = self.placed(place)
        placed, parts = Typesetter(names, self.free).formula(formula.expression)
        return placed, (*self._parts_inside(place, formula), *parts)

    def _parts_inside(self, place: int, formula: Formula) -> Iterator[Line]:
        """Yield the parts with names of their own of what is written out in the line of a node."""
        entry = self.recorded.entries[place]
        read = [one for i, one in enumerate(entry.arguments) if self._needs(formula, i)]
        if OUT in formula.names:
            read.append(place)
        for one in dict.fromkeys(read):
            yield from self._inner.get(one, ())

    @staticmethod
    def _needs(formula: Formula, position: int) -> bool:
        return str(position) in formula.names

    # Equations

    def forward(self, place: int) -> Equation:
        """Return the equation of what a node computes."""
        if place not in self._lines:
            self._lines[place] = self._forward(place)
        return self._lines[place]

    def _forward(self, place: int) -> Equation:
        if place in self.formulas.joint:
            return self._joint(self.formulas.joint[place])
        formula = self.formulas.forward[place]
        value = self.recorded.value(place)
        left = self.placed(place)[0]
        shapes = shape_text_of(self.dims(place))
        seen = self.shown(value)
        if formula is None:
            node: Any = self.recorded.entries[place].node
            given = self.recorded.entries[place].arguments
            told = ", ".join(text(self.placed(one)[0]) for one in given)
            words = f"{shortened(node.rule.name)}({told})"
            return Equation(left, None, shapes=shapes, shown=seen, words=words)
        (box, _), parts = self._set(place, formula)
        shapes = self._shapes(place, formula.expression, place) or shapes
        return Equation(left, box, parts, shapes, seen)

    def _joint(self, call: JointCall) -> Equation:
        """Return the line of a function with a user's own derivative."""
        node: Any = self.recorded.entries[call.place].node
        given = self.recorded.entries[call.taken].arguments
        told = ", ".join(text(self.placed(place)[0]) for place in given)
        results = [self.placed(place)[0] for place in call.results]
        left = Row(tuple(box for one in results for box in (Code(", "), one))[1:])
        shapes = ", ".join(shape_text_of(self.dims(place)) for place in call.results)
        return Equation(left, None, shapes=shapes, words=f"{shortened(node.rule.name)}({told})")

    def back(self, place: int, position: int, part: int) -> Reason:
        """Return the equation of what one argument of a node gets back, and why."""
        entry = self.recorded.entries[place]
        argument = entry.arguments[position]
        formula = self.formulas.pulls[place, position]
        node: Any = entry.node
        left = self.gradient(argument, part)
        shapes = shape_text_of(self.dims(argument))
        seen = self.shown(contribution(self.recorded, node, position))
        if formula is None:
            words = f"as the rule of {shortened(node.rule.name)} has it, which has no formula"
            return Reason(Equation(left, None, shapes=shapes, shown=seen, words=words))
        (box, _), parts = self._set(place, formula)
        shapes = self._shapes(place, formula.expression, argument) or shapes
        why = reasons(formula.expression, self._setting(place, argument, formula))
        return Reason(Equation(left, box, parts, shapes, seen), why)

    def _setting(self, place: int, argument: int, formula: Formula) -> Setting:
        entry = self.recorded.entries[place]
        node: Any = entry.node
        call = self.formulas.taken.get(place)
        place = place if call is None else call.results[0]
        out = self.symbols[self.formulas.gradient_of(place)]
        names = {
            str(i): text(self.placed(one)[0])
            for i, one in enumerate(entry.arguments)
            if self._needs(formula, i)
        }
        names[OUT] = out
        samples = "m samples" if place in self.rows else ""
        return Setting(
            node.rule.kind, names, text(self.placed(argument)[0]), out,
            text(self.gradient(place)), self.recorded.entries[argument].shape, entry.shape,
            samples, formula.guarded,
        )  # fmt: skip

    def shown(self, value: Any) -> Shown | None:
        """Return the numbers of a value, as far as they are shown."""
        if not is_array(value):
            return None
        found = numbers(value) if np.size(value) <= SHOWN else None
        return Shown(found, tuple(np.shape(value)), None if found else statistics(value))

    def _shapes(self, place: int, one: Any, target: int) -> str:
        """Return the shapes of a product of matrices, and of what it gives."""
        bias = ""
        if type(one) is Call and one.op == "add" and type(one.operands[1]) is Name:
            one, added = one.operands
            bias = f" + {self._product(place, added) or self._factor(place, added)}"
        told = self._product(place, one)
        return f"{told}{bias} = {shape_text_of(self.dims(target))}" if told else ""

    def _product(self, place: int, one: Any) -> str:
        """Return the shapes of the two matrices of a product, empty of anything else."""
        if type(one) is Name and one.key.isdigit():  # perhaps written out in this line
            inner = self.recorded.entries[place].arguments[int(one.key)]
            formula = self.formulas.forward.get(inner)
            if inner in self.formulas.folded and formula is not None:
                place, one = inner, formula.expression
        if type(one) is not Call or one.op != "matmul":
            return ""
        return "".join(f"({self._factor(place, x)})" for x in one.operands)

    def _factor(self, place: int, one: Any) -> str:
        turned = type(one) is Call and one.op in ("transpose", "swapaxes")
        inner = one.operands[0] if turned else one
        if type(inner) is not Name:
            return shape_text(one.shape)
        dims = [str(n) for n in inner.shape]
        if inner.key.isdigit():
            dims = self.dims(self.recorded.entries[place].arguments[int(inner.key)])
        elif inner.key in (CT, OUT):
            dims = self.dims(place)
        if turned:
            dims = [*dims[:-2], *dims[:-3:-1]]
        return shape_text_of(dims)

    # The whole

    def derivation(self, start: Any) -> Derivation:
        """Return the whole derivation; `start` is the gradient that the walk begins with."""
        (root,) = self.recorded.roots
        end = self.recorded.places[root]
        places = [p for p in self.formulas.forward if p not in self.formulas.folded]
        forward = tuple(self._noted(place) for place in reversed(places))
        begins = _of_ones(root.shape)
        begin = Equation(
            self.gradient(end), begins, shapes=shape_text_of(self.dims(end)),
            shown=self.shown(start),
        )  # fmt: skip
        name = shortened(self.symbols[end])
        whole = name if not root.shape else f"the sum of {name}"
        steps = [self.step(p) for p in places if p in self.formulas.relevant]
        return Derivation(
            f"How {name} was computed, and where its gradients come from",
            f"dx stands for the gradient of {whole} by x, and has the shape of x. The walk goes"
            f" from the result back to what was given; it begins with d{name}, the gradient of"
            f" {whole} by itself.",
            forward,
            begin,
            tuple(one for one in steps if one.reasons),
            notes=tuple(self.notes()),
        )

    def notes(self) -> Iterator[str]:
        """Yield what is to be said of the whole."""
        if self.rows:
            yield f"m = {max(self.rows.values())} is the number of samples, one a row."
        yield from self.recorded.notes

    def step(self, place: int) -> Step:
        """Return what the walk does at a node, and at those that are written out in its line."""
        group = [place, *self._folded_into(place)]
        call = self.formulas.joint.get(place)
        if call is not None and call.taken != place:
            group.append(call.taken)
        rules: dict[str, None] = {}
        found: list[Reason] = []
        for own in group:
            node: Any = self.recorded.entries[own].node
            if own not in self.formulas.hidden:
                rules[words_of(node.rule)] = None
            for position, argument in enumerate(self.recorded.entries[own].arguments):
                if (own, position) in self.formulas.pulls and argument not in self.formulas.folded:
                    found += self._parts(own, position, argument)
        remarks = tuple(cancelled(self, place))
        shown = [place] if call is None else call.results
        of = shortened(", ".join(self.symbols[one] for one in shown))
        block, times = self._block(place)
        note = _told_of_steps(len(block), times) if place == max(block) and times > 1 else ""
        if place == min(block):
            found += self._hidden_totals(place)
        title = replace(self.forward(place), shown=None)
        return Step(of, title, tuple(rules), tuple(found), remarks, times, note)

    def _noted(self, place: int) -> Equation:
        """Return the line of a node; the first of a block that repeats says so."""
        equation = self.forward(place)
        block, times = self._block(place)
        if times == 1 or place != min(block):
            return equation
        which = "This line repeats" if len(block) == 1 else f"The next {len(block)} lines repeat"
        return replace(equation, note=f"{which} {times} times; shown is the last time.")

    def _block(self, place: int) -> tuple[list[int], int]:
        """Return the lines of the repeating block that a place is in, and how often it repeats."""
        for block, times in self.formulas.repeated.blocks:
            if place in block:
                lines = [p for p in block if p in self.formulas.forward]
                return [p for p in lines if p not in self.formulas.folded], times
        return [place], 1

    def _hidden_totals(self, place: int) -> list[Reason]:
        """Return the sums over parts of which the last to come is not shown."""
        repeats = self.formulas.repeated
        found: list[Reason] = []
        if place not in repeats.times:
            return found
        block = next(block for block, _ in repeats.blocks if place in block)
        for argument, uses in self.formulas.uses.items():
            user = uses[-1][0]
            if len(uses) > 1 and user in repeats.hidden and repeats.stands[user] in block:
                found.append(self._total(argument, len(uses)))
        return found

    def _folded_into(self, place: int) -> list[int]:
        inner = [p for p, user in self.formulas.folded.items() if user == place]
        return [one for p in inner for one in (p, *self._folded_into(p))]

    def _parts(self, place: int, position: int, argument: int) -> list[Reason]:
        """Return the equation of one use of a value, and after the last the sum of all."""
        uses = self.formulas.uses[argument]
        if len(uses) == 1:
            return [self.back(place, position, 0)]
        number_of = 1 + uses.index((place, position))
        found = [self.back(place, position, number_of)]
        if number_of == len(uses):
            found.append(self._total(argument, len(uses)))
        return found

    def _total(self, argument: int, count_of: int) -> Reason:
        parts: list[Any] = [self.gradient(argument, part) for part in range(1, count_of + 1)]
        if count_of > MANY:
            parts = [*parts[:2], Code("…"), parts[-1]]
        row = [box for part in parts for box in (Sign("+"), part)][1:]
        node: Any = self.recorded.entries[argument].node
        ct = self.recorded.cotangents.get(node)
        shapes = shape_text_of(self.dims(argument))
        equation = Equation(self.gradient(argument), Row(tuple(row)), (), shapes, self.shown(ct))
        times = "twice" if count_of == 2 else f"{count_of} times"
        name = text(self.placed(argument)[0])
        why = f"{name} was used {times}: what comes back from each use is added up."
        return Reason(equation, (why,))


def _told_of_steps(count_of: int, times: int) -> str:
    which = "This step comes" if count_of == 1 else f"This and the next {count_of - 1} steps come"
    if count_of == 2:
        which = "This and the next step come"
    return f"{which} {times} times, from the last repetition to the first; shown is the last."


def shape_text_of(dims: list[str]) -> str:
    """Return the lengths of axes as one reads them: ``m×5``."""
    return "×".join(dims) or "scalar"


def _of_ones(shape: Shape) -> Any:
    return Applied("ones", (Code(str(shape)),)) if shape else Digits("1")
