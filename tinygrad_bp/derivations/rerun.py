"""The recorded computation run again: on arrays without values, which writes it down as a program.

The rules' own functions and pulls run there, so that nothing of a derivative is written twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from tinygrad_bp.derivations.handout import handed_out
from tinygrad_bp.derivations.joint import called_again, is_joint
from tinygrad_bp.derivations.symbols import is_number, same_data
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.nodes import Leaf, Node
from tinygrad_bp.engine.recording import binary, nary, unary
from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.errors import GraphError, TraceError
from tinygrad_bp.formulas.rules import kept_of
from tinygrad_bp.formulas.textbook import textbook
from tinygrad_bp.programs.from_function import program
from tinygrad_bp.programs.naming import identifier, unique
from tinygrad_bp.programs.program import Program
from tinygrad_bp.transforms.reverse import gradients
from tinygrad_bp.view.recorded import Recorded, parameters_of
from tinygrad_bp.view.sheet import Sheet

START = "start"  # stands for the gradient that the walk begins with, among the arrays


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
    firsts = same_data(sheet)
    given = [p for p, entry in enumerate(recorded.entries) if not entry.arguments]
    given = [p for p in given if not is_number(sheet, p) and p not in firsts]
    given.sort(key=lambda p: recorded.entries[p].node is not None)  # data first, as one writes it
    for place in given:
        if recorded.value(place) is None:
            raise GraphError(
                f"explain: the value of {symbols[place] or place} is not known: the graph keeps"
                " what its derivatives read; hold it in a variable, or in a Tensor that requires"
                " gradients"
            )
    settings = _settings(sheet)
    try:
        return _written(sheet, symbols, wanted, start, given, settings)
    except TraceError:
        if not settings:
            raise
        return _written(sheet, symbols, wanted, start, given, [])  # it looks at them


def _written(
    sheet: Sheet, symbols: Sequence[str], wanted: Sequence[int], start: Any, given: Sequence[int],
    settings: Sequence[tuple[str, Any]],
) -> Rerun:  # fmt: skip
    """Write a graph down as a function of the arrays at these places, and of named settings."""
    recorded = sheet.recorded
    (root,) = recorded.roots
    end = recorded.places[root]
    first = f"d_{identifier(symbols[end])}"
    arrays: dict[Any, tuple[str, Any]] = {}
    arrays |= {p: (symbols[p], recorded.value(p)) for p in given if not recorded.entries[p].node}
    arrays |= {name: (name, one) for name, one in settings}
    arrays |= {p: (symbols[p], recorded.value(p)) for p in given if recorded.entries[p].node}
    arrays[START] = first, start
    named = unique([(str(key), identifier(name)) for key, (name, _) in arrays.items()], ())
    names = [named[str(key)] for key in arrays]
    arguments = [np.asarray(one) for _, one in arrays.values()]
    parameters = {id(one): name for name, one in settings}

    def again(*values: Any) -> Any:
        own = dict(zip(arrays, values, strict=True))
        tensors = _computed(sheet, symbols, own, parameters)
        result: Any = tensors[end]
        return (result, *gradients(result, [tensors[p] for p in wanted], own[START]))

    again.__name__ = f"{identifier(symbols[end])}_and_gradients"
    of_rules = not any(map(is_joint, recorded.nodes))  # what a user's own code guards stays
    own, guarded = textbook(
        program(_named(again, names), *arguments), dict(zip(names, arguments, strict=True)),
        guards=of_rules,
    )  # fmt: skip
    labels = [symbols[end], *(f"d{symbols[p]}" for p in wanted)]
    source, own = handed_out(own, labels, start, guarded=guarded)
    results = [recorded.value(end), *(_gradient(recorded, p) for p in wanted)]
    return Rerun(names[:-1], arguments[:-1], results, labels, own, source)


def _settings(sheet: Sheet) -> list[tuple[str, Any]]:
    """Return the arrays with a name that rules were set with, such as the labels of classes."""
    found: dict[int, tuple[str, Any]] = {}
    for node in sheet.recorded.nodes:
        for one in flatten(parameters_of(node))[0]:
            if isinstance(one, np.ndarray) and one.ndim and one.dtype.kind in "iu":
                name, _ = sheet.given.array(one) or ("", "")
                if name:
                    found[id(one)] = name, one
    return [*found.values()]


def _gradient(recorded: Recorded, place: int) -> Any:
    node: Any = recorded.entries[place].node
    found = recorded.cotangents.get(node)
    return np.zeros(node.shape, node.dtype) if found is None else found


def _computed(
    sheet: Sheet, symbols: Sequence[str], given: dict[Any, Any], settings: dict[int, str]
) -> dict[int, Any]:
    """Return all entries as Tensors, computed from those that are given."""
    firsts = same_data(sheet)
    values: dict[int, Any] = {}
    for place, entry in enumerate(sheet.recorded.entries):
        node = entry.node
        if node is None:
            values[place] = given.get(firsts.get(place, place), entry.value)
        elif isinstance(node, Leaf):
            values[place] = tensor(given[place], requires_grad=True, name=symbols[place] or None)
        else:
            flat, build = flatten(parameters_of(node))
            parameters = build([given[settings[id(x)]] if id(x) in settings else x for x in flat])
            values[place] = _applied(node, [values[a] for a in entry.arguments], parameters)
            if isinstance(values[place], Tensor) and symbols[place]:
                values[place].name = symbols[place]
    return values


def _applied(node: Node, arguments: list[Any], parameters: tuple[Any, ...]) -> Any:
    """Apply the rule of a node again; what its derivative reads is kept again."""
    if is_joint(node):
        return called_again(node, arguments)
    rule: Any = node.rule
    count = len(rule.pulls)
    if count > 2:
        result = nary(rule, arguments, parameters)
    else:
        result = (unary, binary)[count - 1](rule)(*arguments, *parameters)
    if rule.spares is not None and isinstance(result, Tensor) and node.saved is not None:
        # which values a sigmoid can do without was decided by numbers, which are not here now
        values = [one._value if isinstance(one, Tensor) else one for one in arguments]
        kept = (kept_of(node) or node.saved)[1 : 1 + count]
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
