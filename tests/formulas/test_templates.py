"""The formulas that pictures show of pulls, computed by a reader of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import scipy.special as special
from formula_reader import computed
from sampling import CASES, Case, each, like, tracked

from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.formulas.templates import LINE, LINES
from tinygrad_bp.view.reading.building import node_view
from tinygrad_bp.view.reading.sheet import sheet_of

GENERIC = re.compile(r"pull of .*, applied to \{ct\}|\{ct\} ⊙ ∂.*/∂\{\d+\}|.*ᵀ\(\{ct\}\)")
SPECIAL = {*dir(special)} - {*dir(np)} - TABLE.keys()
NUMBERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def read(template: str, values: dict[str, np.ndarray]) -> np.ndarray:
    told = re.sub(r"\{(\w+)\}", lambda found: f"v{found[1]}", template)
    for name in {*re.findall(r"\b(\w+)\(", told)} & {*SPECIAL}:
        told = re.sub(rf"\b{name}\(", f"scipy.special.{name}(", told)
    told, *parts = told.translate(NUMBERED).split("; ")
    for one in parts:  # each of those before it
        name, _, formula = one.partition(" = ")
        values = {**values, name: computed(formula, values)}
    return computed(told, values)


def summed(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return what broadcasting adds up."""
    part = part.sum(axis=tuple(range(part.ndim - len(shape))))
    axes = tuple(k for k, n in enumerate(shape) if n == 1 != part.shape[k])
    return part.sum(axis=axes, keepdims=True)


def shown(one: Case) -> Iterator[str]:
    """Compute the formulas of a call, compare them with the rule's own pulls, and yield them."""
    leaves = tracked(one.arrays)
    out = one(*leaves)
    node = getattr(out, "node", None)
    if node is None or node.rule.name != one.rule.name:
        return  # a composition of others
    ct = like(out._value)
    sheet = sheet_of(out, {}, {}, cotangent=ct)
    place = sheet.recorded.places[node]
    arguments = sheet.recorded.arguments(sheet.recorded.entries[place])
    values = {"vct": ct, "vout": out._value} | {f"v{i}": x for i, x in enumerate(arguments)}
    pulls = node_view(sheet, place).pulls
    for i, (template, parent) in enumerate(zip(pulls, node.parents, strict=True)):
        if parent is None or node.rule.pulls[i] is None:
            continue
        if GENERIC.fullmatch(template):  # which no elementwise rule is content with
            assert one.rule.kind != "elementwise" or not ct.size, template
            continue
        wanted = np.asarray(node.rule.pulls[i](ct, *node.saved))
        wanted = summed(wanted, parent.shape) if node.rule.broadcasts else wanted
        found = np.broadcast_to(read(template, values), wanted.shape)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=template)
        yield template


@each([one for one in CASES if all(x.dtype.kind == "f" for x in one.arrays)], few=1)
def test_what_a_picture_says_of_a_pull_is_what_the_rule_does(one: Case) -> None:
    for template in shown(one):
        assert len(template) <= (LINES * LINE if "; " in template else LINE)
        assert set(re.findall(r"\{(\w*)\}", template)) <= {"ct", "out", *map(str, range(9))}


def test_every_elementwise_rule_is_among_those_whose_formulas_are_asked_for() -> None:
    rows = {name for name, rule in TABLE.items() if rule.kind == "elementwise" and any(rule.pulls)}
    assert len(rows) > 100
    assert rows <= {one.rule.name for one in CASES if all(x.dtype.kind == "f" for x in one.arrays)}
