"""The recorded computation run again: on arrays without values, which writes it down as a program.

The rules' own functions and pulls run there, so that nothing of a derivative is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from tinygrad_bp.view.reading.recorded import Recorded, parameters_of
from tinygrad_bp.view.reading.sheet import Sheet

NOISE = 1e3  # epsilons of the largest gradient, below which another one is rounding alone
EQUAL = 2 / 3  # power of the dtype's epsilon: what summing in another order may change
NEAR = 450  # epsilons (1e-13 in float64): the most that a slope told from the result may cost
Kept = Callable[[Node], tuple[Any, ...] | None]
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

    def found(kept: Kept) -> Rerun:
        try:
            return _written(sheet, symbols, wanted, start, given, settings, kept)
        except TraceError:
            if not settings:
                raise
            return _written(sheet, symbols, wanted, start, given, [], kept)  # it looks at them

    own = found(kept_of)
    if all(isinstance(node, Leaf) or kept_of(node) is node.saved for node in recorded.nodes):
        return own
    differences, _ = compared(own)
    near = max(differences.values()) <= NEAR * _coarse(own)
    return own if near else found(lambda node: node.saved)


def compared(own: Rerun) -> tuple[dict[str, float], float]:
    """Run a source, and return how far each result is off, and how far it may be by rounding.

    Differences are in units of the largest element; of a gradient that is rounding alone, of the
    largest of all gradients.
    """
    scope: dict[str, Any] = {}
    exec(compile(own.source, "<explain>", "exec"), scope)  # noqa: S102  # what we wrote
    with np.errstate(all="ignore"):
        found = scope[own.program.name](*own.arguments)
    coarse = _coarse(own)
    scales = [float(np.max(np.abs(one), initial=0.0)) for one in own.results]
    largest = max(scales[1:], default=0.0)
    differences: dict[str, float] = {}
    for label, got, wanted, own_scale in zip(own.labels, found, own.results, scales, strict=True):
        with np.errstate(all="ignore"):
            apart = np.abs(np.asarray(got) - np.asarray(wanted))
        same = np.isclose(got, wanted, rtol=0.0, atol=0.0, equal_nan=True)
        apart = np.where(same, 0.0, apart)
        # the terms of a gradient that is 0 but for rounding are as large as other gradients
        scale = own_scale if own_scale > NOISE * coarse * largest else largest
        differences[label] = float(np.max(apart, initial=0.0)) / (scale or 1.0)
    return differences, coarse**EQUAL


def _coarse(own: Rerun) -> float:
    dtypes = [np.result_type(one) for one in (*own.arguments, *own.results)]
    return max([float(np.finfo(one).eps) for one in dtypes if one.kind in "fc"])


def _written(
    sheet: Sheet, symbols: Sequence[str], wanted: Sequence[int], start: Any, given: Sequence[int],
    settings: Sequence[tuple[str, Any]], kept: Kept,
) -> Rerun:  # fmt: skip
    """Write a graph down as a function of the arrays at these places, and of named settings.

    `kept` says what a node has kept for its derivative.
    """
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
        tensors = _computed(sheet, symbols, own, parameters, kept)
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
    sheet: Sheet,
    symbols: Sequence[str],
    given: dict[Any, Any],
    settings: dict[int, str],
    kept: Kept,
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
            values[place] = _applied(
                node, [values[a] for a in entry.arguments], parameters, kept(node)
            )
            if isinstance(values[place], Tensor) and symbols[place]:
                values[place].name = symbols[place]
    return values


def _applied(
    node: Node, arguments: list[Any], parameters: tuple[Any, ...], saved: tuple[Any, ...] | None
) -> Any:
    """Apply the rule of a node again; what its derivative reads is kept again."""
    if is_joint(node):
        return called_again(node, arguments)
    rule: Any = node.rule
    count = len(rule.pulls)
    if count > 2:
        result = nary(rule, arguments, parameters)
    else:
        result = (unary, binary)[count - 1](rule)(*arguments, *parameters)
    if rule.sparing is not None and isinstance(result, Tensor) and saved is not None:
        # which values a sigmoid can do without was decided by numbers, which are not here now
        values = [one._value if isinstance(one, Tensor) else one for one in arguments]
        kept = saved[1 : 1 + count]
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
