"""What a rule does, in words and formulas: from its row, or derived from its name and kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.engine.rule import Rule
from tinygrad_bp.formulas.templates import pull_template
from tinygrad_bp.transforms.applied import Applied
from tinygrad_bp.view.reading.recorded import Entry

Called = Callable[[Any], str]  # gives the name of an array, "" where none is known
LISTED = 6  # elements of an index that are written out
FORMULAS = {"elementwise": "{ct} ⊙ ∂{name}/∂{i}", "linear": "{name}ᵀ({ct})"}


def explanation(rule: Rule) -> dict[str, Any]:
    """Return what a rule says of every node that it was applied at: fields of a `NodeView`."""
    return {
        "words": words_of(rule),
        "formula": formula_of(rule),
        "tex": tex_of(rule),
        "is_sum": bool(adds_of(rule)),
        "commutes": rule.drawing.commutes,
    }


def adds_of(rule: Rule) -> str:
    """Return what an element of the result is the sum of, as `Drawing.adds` has it."""
    if rule.drawing.adds or rule.kind not in ("linear", "bilinear"):
        return rule.drawing.adds
    factors = 1 if rule.kind == "linear" else len(rule.pulls)
    return ("", "terms", "products")[factors] if factors < 3 else ""


def words_of(rule: Rule) -> str:
    """Return what a rule does: ``"sin of each element"``."""
    if rule.drawing.words:
        return rule.drawing.words
    if rule.kind == "elementwise":
        each = "of each element" if len(rule.pulls) == 1 else "element by element"
        return f"{rule.name} {each}"
    if rule.kind == "linear":
        return f"{rule.name}: moves or adds up elements"
    return rule.name.replace("_", " ")


def formula_of(rule: Rule) -> str:
    """Return the formula of a rule in plain text, with ``{0}``, ``{1}`` for its arguments."""
    if rule.drawing.formula:
        return rule.drawing.formula
    arguments = ", ".join(f"{{{i}}}" for i in range(len(rule.pulls)))
    return f"{rule.name}({arguments})"


def tex_of(rule: Rule) -> str:
    """Return the formula of a rule in TeX: from its row, or its name applied to its arguments."""
    if rule.drawing.tex:
        return rule.drawing.tex
    name = rule.name.replace("_", r"\_")
    arguments = ", ".join(text or f"x_{{{i}}}" for i, text in enumerate(argument_names(rule)))
    return rf"\operatorname{{{name}}}({arguments})"


def pulls_of(node: Node, ct: Any, out: Any, arguments: Sequence[Entry]) -> tuple[str, ...]:
    """Return a formula for each argument's part of the cotangent, from the rule's own code.

    ``{0}``, ``{1}`` stand for the arguments, ``{out}`` and ``{ct}`` for the result and its
    cotangent, which are arrays, or None where they are unknown.  It is empty for an argument that
    tracks nothing.
    """
    rule, found = node.rule, []
    # of the same shape and dtype, which is all that is asked of them
    ct, out = out if ct is None else ct, ct if out is None else out
    for i, argument in enumerate(arguments):
        if node.parents[i] is None or rule.pulls[i] is None:
            found.append("")
            continue
        told = "" if out is None else pull_template(node, i, ct, out, argument.shape)
        words = FORMULAS.get(rule.kind, "pull of {name} by {i}, applied to {ct}")
        found.append(told or words.replace("{name}", rule.name).replace("{i}", f"{{{i}}}"))
    return tuple(found)


def argument_names(rule: Rule) -> Sequence[str | None]:
    """Return what the pulls of a rule call its arguments: they take ``ct, out, *arguments``."""
    count = len(rule.pulls)
    for pull in rule.pulls:
        code: Any = getattr(pull, "__code__", None)
        if code is not None and code.co_argcount >= 2 + count:
            return [name.lstrip("_") for name in code.co_varnames[2 : 2 + count]]
    return [None] * count


def detail_of(rule: Rule, parameters: Sequence[Any], called: Called) -> str:
    """Return the settings that a rule was applied with: ``axis=0``; nothing where they say nothing.

    Arrays among them go by what they are `called`, or else are left to their shape.
    """
    if not parameters:
        return ""
    code = getattr(rule.forward, "__code__", None)
    count = len(rule.pulls)
    names = code.co_varnames[count : code.co_argcount] if code is not None else ()
    found: list[str] = []
    settings: list[tuple[str, Any]] = []
    for place, value in enumerate(parameters):
        if isinstance(value, Applied):  # a function of the user's own
            settings += value.settings().items()
        else:
            settings.append((names[place] if place < len(names) else "", value))
    for name, value in settings:
        if value is None or value is False or len(found) == 3:
            continue
        if isinstance(value, str):  # "mean" says itself what it is
            found.append(value)
        elif name == "index":
            found.append(index_text(value, called))
        elif name and getattr(value, "shape", None):
            told = called(value)
            found.append(told if told == name else f"{name}={told or f'array of {value.shape}'}")
        elif name and _is_plain(value):
            found.append(f"{name}={value!r}")
    return ", ".join(found)[:80]


def _is_plain(value: Any) -> bool:
    """Return whether a setting reads as it was written; what a rule keeps for itself does not."""
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return value is None or isinstance(
        value, (bool, int, float, complex, str, np.generic, np.dtype)
    )


def index_text(index: Any, called: Called) -> str:
    """Return an index as it is written: ``[1:, ::2]``; arrays go by what they are `called`."""
    parts = index if isinstance(index, tuple) else (index,)
    return f"[{', '.join(_part_text(part, called) for part in parts)}]"


def _part_text(part: Any, called: Called) -> str:
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])
    if part is None or part is Ellipsis:
        return "newaxis" if part is None else "..."
    shape = getattr(part, "shape", ())
    if not shape:
        return str(part)
    listed = str(part.tolist()) if part.size <= LISTED else f"array of {shape}"
    return called(part) or listed
