"""Edits of a script that are each the undoing of one common slip in a backward pass.

An edit is data: nodes of the script's tree and what stands in their place.  Whether it mends
anything is for a run of the loop to say, never for how the line looks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_bp.doctor.slips.blocks import blocks, statements, stem
from tinygrad_bp.doctor.slips.elements import indexed, inside_indices, names_of_fields
from tinygrad_bp.doctor.slips.operands import errors, in_its_place, neighbours, unused
from tinygrad_bp.doctor.slips.ordering import added_up, handed_on_last, is_update
from tinygrad_bp.doctor.slips.products import factors, is_matrix_product, joined, products
from tinygrad_bp.doctor.slips.reversals import reversals_in, turned_round
from tinygrad_bp.doctor.slips.slopes import (
    answers,
    helpers_of,
    is_derivative,
    is_derivative_call,
    is_mask,
    no_slopes,
    of_others,
    same_unit,
    slopes,
)
from tinygrad_bp.doctor.watched.rewriting import Place
from tinygrad_bp.doctor.watched.substitution import copied, expression, product

Shapes = dict[str, tuple[int, ...]]
ORDER = (
    "wrong-sign", "bias-axis", "derivative-twice", "derivative-on-z", "missing-derivative",
    "elementwise-for-matmul", "wrong-operand", "updated-too-early", "aliased-buffer",
    "wrong-gradient",
)  # fmt: skip  # of two edits that mend the same, the plainer one is named


@dataclass
class Edit:
    """What stands in the place of which nodes (or statements' lists), and the slip it undoes."""

    name: str
    unit: Any
    line: int
    replaced: dict[int, Any]

    @property
    def order(self) -> int:
        """Where the slip stands among the others."""
        return ORDER.index(self.name) if self.name in ORDER else len(ORDER)

    @property
    def is_operator(self) -> bool:
        """Whether one operator is another, and nothing else is changed."""
        return all(isinstance(one, ast.operator) for one in self.replaced.values())


class Edits:
    """All edits of the functions and of the loop body that make up one iteration.

    Parameters
    ----------
    units : list of nodes
        The loop, and the functions that its body calls after the output is there.
    shapes : dict
        Of the values seen under each text.
    early : set of int
        Lines of the forward pass, which no edit may touch.
    values : dict
        The last value seen under each text.
    given : set of str
        Names of arrays that are there before an iteration and that none changes.
    seen : sequence
        (text, value, place) of everything seen: a function has names of its own.
    """

    def __init__(
        self,
        tree: ast.Module,
        units: list[Any],
        shapes: Shapes,
        early: set[int],
        values: dict[str, Any],
        given: frozenset[str] = frozenset(),
        seen: Sequence[tuple[str, Any, Place]] = (),
    ) -> None:
        self.units, self.shapes, self.early = units, shapes, early
        self.values, self.given = values, given
        self.seen, self.everywhere = seen, (shapes, values)
        self.tree, self.helpers, self.none = tree, helpers_of(tree), no_slopes(tree)
        self.targets = {id(one.value): one.targets[0] for one in ast.walk(tree)
                        if isinstance(one, ast.Assign) and len(one.targets) == 1}  # fmt: skip
        self.sources = {ast.unparse(self.targets[id(one)]): one for one in ast.walk(tree)
                        if id(one) in self.targets}  # fmt: skip
        self.updates = {id(one.value) for one in ast.walk(tree)
                        if isinstance(one, ast.Assign) and is_update(one)}  # fmt: skip
        self.keys, self.attributes = names_of_fields(tree)
        self.reverses = reversals_in(tree)

    def __iter__(self) -> Iterator[Edit]:
        found = [edit for unit in self.units for edit in self._of_unit(unit)]
        seen = set()
        for edit in sorted(found, key=lambda edit: (edit.order, not edit.is_operator)):
            key = tuple(
                (place, ast.unparse(new) if isinstance(new, ast.AST) else id(new))
                for place, new in edit.replaced.items()
            )
            if key not in seen:
                seen.add(key)
                yield edit

    def _know(self, unit: Any) -> None:
        """Take the values that a name has in a function for those that it has elsewhere."""
        is_function = isinstance(unit, ast.FunctionDef)
        lines = range(unit.lineno, (unit.end_lineno or 0) + 1) if is_function else ()
        own = {text: value for text, value, place in self.seen if place[0] in lines}
        shapes, values = self.everywhere
        self.shapes = {**shapes, **{text: np.shape(one) for text, one in own.items()}}
        self.values = {**values, **own}

    def _of_unit(self, unit: Any) -> Iterator[Edit]:
        self._know(unit)
        atoms = self._atoms(unit)
        for block in blocks(unit):
            yield from self._reordered(unit, block)
            for line, edit in added_up(block):
                yield Edit("wrong-gradient", unit, line, edit)
        if isinstance(unit, ast.Lambda | ast.FunctionDef):
            for old, text, name in answers(self.tree, unit):
                yield Edit(name, unit, old.lineno, {id(old): expression(text)})
        if isinstance(unit, ast.Lambda):
            yield from self._of_expression(unit, unit.body, unit.body, None, atoms)
            return
        for statement in statements(unit):
            if statement.lineno in self.early:
                continue
            yield from self._of_statement(unit, statement, atoms)
        yield from self._elsewhere(unit, atoms)

    def _elsewhere(self, unit: Any, atoms: Shapes) -> Iterator[Edit]:
        """Yield edits of several lines: what is computed and not used, and slopes of an error."""
        for made, name in unused(unit):
            own = [] if made.lineno in self.early else [*self._of_statement(unit, made, atoms)]
            for line, node, new in in_its_place(unit, made, name):
                yield Edit("wrong-operand", unit, line, {node: new})
                for edit in own:
                    yield Edit("wrong-operand", unit, line, {node: new, **edit.replaced})
        for answer, places in errors(unit, self.early, atoms):
            for slope in slopes(answer, self.helpers):
                replaced = {id(one): product(one, expression(slope)) for one in places}
                yield Edit("missing-derivative", unit, places[0].lineno, replaced)

    def _atoms(self, unit: Any) -> Shapes:
        """Return the values that a line of the unit could name, with their shapes."""
        names = {one.id for one in ast.walk(unit) if isinstance(one, ast.Name)}
        if isinstance(unit, ast.FunctionDef):
            names |= {one.arg for one in unit.args.args}
        return {
            text: shape
            for text, shape in self.shapes.items()
            if text.split(".")[0].split("[")[0] in names and shape
        }

    def _of_statement(self, unit: Any, statement: Any, atoms: Shapes) -> Iterator[Edit]:
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
            op = ast.Sub() if isinstance(statement.op, ast.Add) else ast.Add()
            yield Edit("wrong-sign", unit, statement.lineno, {id(statement.op): op})
        value = getattr(statement, "value", None)
        if not isinstance(value, ast.expr) or isinstance(statement, ast.AnnAssign):
            return
        if isinstance(statement, ast.Expr):
            kept: Any = value  # a list of gradients grows by what is appended
            if getattr(getattr(kept, "func", None), "attr", "") not in {
                "append",
                "insert",
                "extend",
            }:
                return
        shape = None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            shape = self.shapes.get(ast.unparse(statement.targets[0]))
        yield from self._of_expression(unit, value, value, shape, atoms)
        yield from self._throughout(unit, value, atoms, shape)

    def _throughout(self, unit: Any, value: ast.expr, atoms: Shapes, shape: Any) -> Iterator[Edit]:
        """Yield the replacing of one value by another wherever it stands in a line."""
        places: dict[str, list[ast.AST]] = {}
        for one in ast.walk(value):
            if isinstance(one, ast.Name | ast.Attribute | ast.Subscript):
                places.setdefault(ast.unparse(one), []).append(one)
        for text, nodes in places.items():
            if len(nodes) < 2 or text not in self.shapes:
                continue
            fitting = [one for one in atoms if shape and atoms[one] == shape and one != text]
            others = self._like(text, atoms) if text in atoms else []
            for other in dict.fromkeys([*others, *fitting]):
                new = {id(one): expression(other) for one in nodes}
                yield Edit(self._kind(text, other), unit, value.lineno, new)

    def _kind(self, text: str, other: str) -> str:
        """Name a derivative's value that is to be another: of the same unit, or of another."""
        same = same_unit(self.values.get(text), self.values.get(other))
        return "derivative-on-z" if same else "wrong-operand"

    def _like(self, text: str, atoms: Shapes) -> list[str]:
        shape = atoms[text]
        same = [other for other, one in atoms.items() if one == shape and other != text]
        return sorted(same, key=lambda other: (stem(other) != stem(text), other))

    def _of_expression(
        self, unit: Any, root: ast.expr, value: ast.expr, shape: Any, atoms: Shapes
    ) -> Iterator[Edit]:
        line = root.lineno
        yield from self._derived(unit, root, shape, atoms)
        steep = {id(part) for one in ast.walk(value) if is_derivative(one, self.helpers)
                 for part in ast.walk(one)}  # fmt: skip
        counted = inside_indices(value)
        for old, new, kind in turned_round(value) if self.reverses else ():
            yield Edit(kind, unit, line, {id(old): new})
        for node in (one for one in ast.walk(value) if id(one) not in counted):
            if isinstance(node, ast.BinOp):
                yield from self._of_operation(unit, node)
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                yield Edit("wrong-sign", unit, line, {id(node): node.operand})
            elif isinstance(node, ast.Call):
                yield from self._of_call(unit, node, atoms)
            if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
                text = ast.unparse(node)
                if text in atoms:
                    for other in self._like(text, atoms):
                        kind = self._kind(text, other) if id(node) in steep else "wrong-operand"
                        yield Edit(kind, unit, line, {id(node): expression(other)})
                if text in atoms and len(set(atoms[text])) == 1 and len(atoms[text]) == 2:
                    turned = ast.Attribute(node, "T", ast.Load())
                    yield Edit("wrong-operand", unit, line, {id(node): turned})
            if isinstance(node, ast.Attribute) and node.attr == "T":
                yield Edit("wrong-operand", unit, line, {id(node): node.value})
            for near in neighbours(node):
                yield Edit("wrong-operand", unit, line, {id(node): near})

    def _derived(self, unit: Any, root: ast.expr, shape: Any, atoms: Shapes) -> Iterator[Edit]:
        """Yield the factors that a line, or a product in it, may lack: an activation's slope."""
        inner: list[Any] = [
            one for one in ast.walk(root) if one is not root and is_matrix_product(one)
        ]
        is_own = id(root) in self.updates  # a parameter is no product of a slope
        parts = [(text, [*([root] if shape and one == shape and not is_own else []), *inner])
                 for text, one in atoms.items()]  # fmt: skip
        is_plain = isinstance(root, ast.Name | ast.Subscript)
        whole = [root] if is_plain or is_matrix_product(root) else []
        listed = dict.fromkeys([*self._fields(root), *indexed(unit)])
        parts += [(text, [*whole, *inner]) for text in listed]
        for text, some in parts:
            mask = [text] if is_mask(self.values.get(text)) else []
            for part in some:
                for slope in mask or slopes(text, self.helpers):
                    new = product(part, expression(slope))
                    yield Edit("missing-derivative", unit, root.lineno, {id(part): new})

    def _fields(self, root: ast.expr) -> list[str]:
        """Return the other fields of the record that a line stores into: a neuron's output."""
        target = self.targets.get(id(root))
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            base = ast.unparse(target.value)
            return [f"{base}[{key!r}]" for key in self.keys if key != target.slice.value]
        if isinstance(target, ast.Attribute):
            base = ast.unparse(target.value)
            return [f"{base}.{name}" for name in self.attributes if name != target.attr]
        return []

    def _of_operation(self, unit: Any, node: ast.BinOp) -> Iterator[Edit]:
        line = node.lineno
        left, right = node.left, node.right
        if isinstance(node.op, ast.Mult):
            yield from self._fewer(unit, node)
            for new in of_others(self.tree, node):
                yield Edit("derivative-on-z", unit, line, {id(node): new})
            for pair in products(left, right, self.shapes):
                yield Edit("elementwise-for-matmul", unit, line, {id(node): pair})
        elif isinstance(node.op, ast.MatMult):
            for pair in [*products(left, right, self.shapes), product(left, right)]:
                yield Edit("wrong-operand", unit, line, {id(node): pair})
        elif isinstance(node.op, ast.Sub):
            swapped = ast.BinOp(right, ast.Sub(), ast.copy_location(copied(left), right))
            yield Edit("wrong-sign", unit, line, {id(node): swapped})
            if not is_derivative(node):
                yield Edit("wrong-sign", unit, line, {id(node.op): ast.Add()})
            elif isinstance(right, ast.BinOp) and isinstance(right.op, ast.Pow):
                of_input = expression(f"np.tanh({ast.unparse(right.left)})")
                yield Edit("derivative-on-z", unit, line, {id(right.left): of_input})
        elif isinstance(node.op, ast.Add):
            yield Edit("wrong-sign", unit, line, {id(node.op): ast.Sub()})
        elif isinstance(node.op, ast.Pow) and is_derivative(left):
            yield Edit("derivative-twice", unit, line, {id(node): left})

    def _fewer(self, unit: Any, node: ast.BinOp) -> Iterator[Edit]:
        """Yield a product without one of its factors, and without two: `a * (1 - a)` is two."""
        parts = factors(node)
        for many in (1, 2):
            if len(parts) <= many:
                return
            for dropped in combinations(range(len(parts)), many):
                kept = [one for k, one in enumerate(parts) if k not in dropped]
                gone = [part for k in dropped for part in self._computed(parts[k])]
                like = any(is_derivative(one, self.helpers) for one in gone)
                if not like and (many == 2 or any(self._is_given(parts[k]) for k in dropped)):
                    continue
                name = "derivative-twice" if like else "wrong-gradient"
                yield Edit(name, unit, node.lineno, {id(node): joined(kept)})

    def _computed(self, factor: ast.expr) -> Iterator[ast.AST]:
        """Yield the parts of a factor, and of what its name is given right before."""
        yield from ast.walk(factor)
        yield from ast.walk(self.sources.get(ast.unparse(factor), factor))

    def _is_given(self, factor: ast.expr) -> bool:
        """Tell whether a factor is an array that no iteration computes: weights of the samples."""
        names = [one for one in ast.walk(factor) if isinstance(one, ast.Name)]
        return bool(self.given) and any(one.id in self.given for one in names)

    def _of_call(self, unit: Any, node: ast.Call, atoms: Shapes) -> Iterator[Edit]:
        line, text = node.lineno, ast.unparse(node.func)
        name = text.split(".")[-1]
        if name in {"dot", "matmul"} and text != name:
            of: Any = node.func
            operands = node.args if len(node.args) == 2 else [of.value, *node.args]
            for pair in products(operands[0], operands[1], self.shapes):
                yield Edit("wrong-operand", unit, line, {id(node): pair})
        if name == "multiply" and len(node.args) == 2:
            for pair in products(node.args[0], node.args[1], self.shapes):
                yield Edit("elementwise-for-matmul", unit, line, {id(node): pair})
            for kept in node.args:
                yield Edit("derivative-twice", unit, line, {id(node): kept})
        if name in {"sum", "mean"}:
            yield from _axes(unit, node)
        if name == "einsum":
            yield from _subscripts(unit, node)
        if node.args and is_derivative_call(node):
            for one in [one for one in atoms if atoms[one] == atoms.get(ast.unparse(node.args[0]))]:
                for slope in slopes(one, self.helpers):
                    new = expression(slope)  # a mask is the same of input and result
                    is_other = isinstance(new, ast.Compare) or name in self.none
                    kind = "wrong-gradient" if is_other else "derivative-on-z"
                    yield Edit(kind, unit, line, {id(node): new})

    def _reordered(self, unit: Any, block: list[Any]) -> Iterator[Edit]:
        """Yield the moving of every update behind the last line that computes something else."""
        updates = [one for one in block if is_update(one)]
        others = [one for one in block if not is_update(one)]
        if not updates or not others or block == [*others, *updates]:
            return
        others, updates = handed_on_last(block, others, updates)
        yield Edit("updated-too-early", unit, updates[0].lineno, {id(block): [*others, *updates]})


def _axes(unit: Any, node: ast.Call) -> Iterator[Edit]:
    """Yield the other axes of a sum, with and without the axis kept."""
    of: Any = node.func
    is_function = ast.unparse(getattr(of, "value", of)) in {"np", "numpy"}
    operand = node.args[:1] if is_function else []  # else the method's only argument is the axis
    inner = operand[0] if operand else getattr(of, "value", None)
    if isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith(("sum", "mean")):
        for one in _axes(unit, inner):  # of two reductions one is enough
            yield Edit(one.name, unit, node.lineno, {id(node): one.replaced[id(inner)]})
    for axis in (0, 1):
        for keep in (True, False):
            keys = [ast.keyword("axis", ast.Constant(axis))]
            keys += [ast.keyword("keepdims", ast.Constant(value=True))] if keep else []
            new = ast.Call(node.func, operand, keys)
            yield Edit("bias-axis", unit, node.lineno, {id(node): new})


def _subscripts(unit: Any, node: ast.Call) -> Iterator[Edit]:
    """Yield an einsum with one of its matrices transposed."""
    text = getattr(node.args[0], "value", None) if node.args else None
    if not isinstance(text, str) or "->" not in text:
        return
    terms, _, result = text.replace(" ", "").partition("->")
    parts = terms.split(",")
    for k, part in enumerate(parts):
        if len(part) == 2 and part.isalpha():
            turned = ",".join([*parts[:k], part[::-1], *parts[k + 1 :]])
            first = ast.copy_location(ast.Constant(f"{turned}->{result}"), node.args[0])
            new = ast.Call(node.func, [first, *node.args[1:]], node.keywords)
            yield Edit("wrong-operand", unit, node.lineno, {id(node): new})
