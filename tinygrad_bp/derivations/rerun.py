"""The recorded computation run again: on arrays without values, which writes it down as a program.

The rules' own functions and pulls run there, so that nothing of a derivative is written twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from tinygrad_bp.derivations.joint import called_again, is_joint
from tinygrad_bp.derivations.symbols import is_number
from tinygrad_bp.engine.nodes import Leaf, Node
from tinygrad_bp.engine.recording import binary, nary, unary
from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.errors import GraphError
from tinygrad_bp.programs.from_function import program
from tinygrad_bp.programs.instructions import Ref, renewed, replaced
from tinygrad_bp.programs.naming import identifier, unique
from tinygrad_bp.programs.program import Program
from tinygrad_bp.transforms.reverse import gradients
from tinygrad_bp.view.recorded import Recorded, parameters_of
from tinygrad_bp.view.sheet import Sheet

LONGEST = 96  # characters of a line


@dataclass(frozen=True)
class Rerun:
    """The recorded computation as a function of its leaves and its arrays.

    Attributes
    ----------
    names : list of str
        Of the arguments.
    arguments : list of array
    results : list of array
        What the engine found: the value, then the gradients.
    labels : list of str
        Of the results.
    program : Program
    source : str
        The program as a Python module.
    """

    names: list[str]
    arguments: list[Any]
    results: list[Any]
    labels: list[str]
    program: Program
    source: str


def rerun(sheet: Sheet, symbols: Sequence[str], wanted: Sequence[int], start: Any) -> Rerun:
    """Write down the forward and the backward pass of a graph.

    Parameters
    ----------
    sheet : Sheet
    symbols : sequence of str
        What to call the entries; empty for none.
    wanted : sequence of int
        The places whose gradients are returned.
    start : array
        The gradient that the walk begins with.

    Raises
    ------
    GraphError
        If an array that was given is not known any more.
    TraceError
        If the computation looks at values.
    """
    recorded = sheet.recorded
    given = [p for p, entry in enumerate(recorded.entries) if not entry.arguments]
    given = [p for p in given if not is_number(sheet, p)]
    given.sort(key=lambda p: recorded.entries[p].node is not None)  # data first, as one writes it
    names = dict(unique([(str(p), identifier(symbols[p])) for p in given], ()))
    for place in given:
        if recorded.value(place) is None:
            raise GraphError(
                f"explain: the value of {symbols[place] or place} is not known: the graph keeps"
                " what its derivatives read; hold it in a variable, or in a Tensor that requires"
                " gradients"
            )
    (root,) = recorded.roots
    end = recorded.places[root]

    def again(*arrays: Any) -> Any:
        values = dict(zip(given, arrays, strict=True))
        tensors = _computed(sheet, symbols, values)
        result: Any = tensors[end]
        found = gradients(result, [tensors[p] for p in wanted], start)
        return (result, *found)

    arguments = [np.asarray(recorded.value(p)) for p in given]
    again.__name__ = f"{identifier(symbols[end])}_and_gradients"
    own = _told(program(_named(again, list(names.values())), *arguments))
    results = [recorded.value(end)]
    results += [_gradient(recorded, p) for p in wanted]
    labels = [symbols[end], *(f"d{symbols[p]}" for p in wanted)]
    return Rerun(list(names.values()), arguments, results, labels, own, _annotated(own, labels))


def _gradient(recorded: Recorded, place: int) -> Any:
    node: Any = recorded.entries[place].node
    found = recorded.cotangents.get(node)
    return np.zeros(node.shape, node.dtype) if found is None else found


def _computed(sheet: Sheet, symbols: Sequence[str], given: dict[int, Any]) -> dict[int, Any]:
    """Return all entries as Tensors, computed from those that are given."""
    values: dict[int, Any] = {}
    for place, entry in enumerate(sheet.recorded.entries):
        node = entry.node
        if node is None:
            values[place] = given.get(place, entry.value)
        elif isinstance(node, Leaf):
            values[place] = tensor(given[place], requires_grad=True, name=symbols[place] or None)
        else:
            values[place] = _applied(node, [values[a] for a in entry.arguments])
            if isinstance(values[place], Tensor) and symbols[place]:
                values[place].name = symbols[place]
    return values


def _applied(node: Node, arguments: list[Any]) -> Any:
    """Apply the rule of a node again; what its derivative reads is kept again."""
    if is_joint(node):
        return called_again(node, arguments)
    rule: Any = node.rule
    parameters = parameters_of(node)
    count = len(rule.pulls)
    if count > 2:
        result = nary(rule, arguments, parameters)
    else:
        result = (unary, binary)[count - 1](rule)(*arguments, *parameters)
    if rule.spares is not None and isinstance(result, Tensor) and node.saved is not None:
        # which values a sigmoid can do without was decided by numbers, which are not here now
        values = [one._value if isinstance(one, Tensor) else one for one in arguments]
        kept = node.saved[1 : 1 + count]
        new: Any = result._node
        again = [
            now if before is None or isinstance(before, Node) else value
            for before, now, value in zip(kept, new.saved[1:], values, strict=False)
        ]
        new.saved = (new.saved[0], *again, *parameters)
    return result


def _named(function: Any, names: Sequence[str]) -> Any:
    """Give a function parameters of these names."""
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    function.__signature__ = Signature(parameters)
    return function


def _told(own: Program) -> Program:
    """Return a program in which the terms of a sum or mean with a name are called so."""
    makers = {one.name: one for one in own.instructions}
    new: dict[str, str] = {}
    for one in own.instructions:
        first = one.refs[0] if one.op in ("sum", "mean") and one.refs else ""
        if first.startswith("_") and first in makers and not one.name.startswith("_"):
            new.setdefault(first, f"_{one.name}_terms")

    def renamed(ref: Ref) -> Ref:
        return Ref(new.get(ref.name, ref.name))

    instructions = [
        replace(renewed(one, renamed), name=new.get(one.name, one.name)) for one in own.instructions
    ]
    return replace(own, instructions=tuple(instructions), outputs=replaced(own.outputs, renamed))


def _annotated(own: Program, labels: Sequence[str]) -> str:
    """Return the source of a program, saying what it is and where the backward pass begins."""
    end, *found = labels
    told = ", ".join(f"d_{identifier(one[1:])}" for one in found)
    head = f'    """Return {identifier(end)}, and its gradients {told}."""'
    if len(head) > LONGEST:
        head = f'    """Return {identifier(end)}, and its gradients by the arguments."""'
    lines = own.numpy().split("\n")
    begin = next(k for k, line in enumerate(lines) if line.startswith(f"def {own.name}("))
    body = lines.index("):", begin) + 1
    forward = f"    {identifier(end)} = "
    last = next((k for k in range(body, len(lines)) if lines[k].startswith(forward)), None)
    if last is not None and not lines[last + 1].startswith("    return"):
        lines.insert(last + 1, "    # backward: d_x has the shape of x")
        lines.insert(body, "    # forward")
    lines.insert(body, head)
    return "\n".join(lines)
