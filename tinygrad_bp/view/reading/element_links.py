"""Which elements of its arguments an element of a result is made of, for any rule.

An elementwise rule says so by broadcasting.  Any other is asked through its own pull: from a
cotangent that is 1 at one element and 0 elsewhere it makes the partial derivatives of that element.
Of a product, the derivative by an element of the first argument is the element of the second that
it is multiplied with.  To learn which that is, the pull is given 1, 2, 3, ... in place of the
second argument: the derivative then is the number of the element.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_bp.engine.broadcasting import unbroadcast
from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.programs.calling import quiet
from tinygrad_bp.view.picture.labels import number_text
from tinygrad_bp.view.picture.plain_arrays import NUMERIC, numbers
from tinygrad_bp.view.picture.records import NodeView
from tinygrad_bp.view.reading.recorded import UNKNOWN, Entry, Recorded, parameters_of
from tinygrad_bp.view.reading.words import adds_of


@dataclass(frozen=True)
class Link:
    """One element of an argument, and the partial derivative of the result's element by it."""

    position: int
    element: int
    slope: Any  # None where the rule does not tell


@dataclass(frozen=True)
class Made:
    """How an element is made: of products of two, and of further terms.

    `pairs` is empty where the rule's own function is applied to the terms.
    """

    terms: tuple[Link, ...]
    pairs: tuple[tuple[Link, Link], ...] = ()
    is_alias: bool = False
    is_sum: bool = False  # of its products, and of its terms times their slopes

    @property
    def is_product(self) -> bool:
        """Whether it is one product, and no sum."""
        return len(self.pairs) == 1 and not self.terms


def traced(own: NodeView, recorded: Recorded) -> NodeView:
    """Return the node of a whole array with its links: how every element is made."""
    entry = recorded.entries[own.id]
    if entry.node is None or not entry.arguments or not entry.node.saved:
        return own
    links = Links(recorded, entry)
    found = []
    whole = [links.of(element) for element in range(entry.node.size)]
    for made in whole:
        products = tuple((left.element, right.element) for left, right in made.pairs)
        terms = tuple((link.position, link.element, _number(link.slope)) for link in made.terms)
        found.append((products, terms))
    return replace(own, links=tuple(found), is_sum=own.is_sum and all(m.is_sum for m in whole))


def renamed(own: NodeView, made: Made) -> NodeView:
    """Return the node of one element, called a sum or a product where it is one."""
    if not made.pairs:
        return replace(own, pulls=())
    op = "multiply" if made.is_product else "add"
    words = own.words if own.op == op else ""
    return replace(own, pulls=(), op=op, words=words, commutes=True)


def explained(own: NodeView, made: Made, slopes: Sequence[Any]) -> NodeView:
    """Return the node of one element with its links, where its arguments are numbers too.

    Parameters
    ----------
    own : NodeView
        With the formulas of the whole array's rule.
    made : Made
    slopes : sequence of number
        Of those arguments that are drawn, where they are added up or go into a function.
    """
    node = renamed(own, made)
    if made.is_product:
        links = ((((0, 0),), ()),)
        pulls = ("{ct} · {1}", "{ct} · {0}")
        return replace(node, links=links, is_sum=True, formula="{0} · {1}", pulls=pulls)
    terms = tuple((position, 0, _number(slope)) for position, slope in enumerate(slopes))
    node = replace(node, links=(((), terms),), is_sum=made.is_sum)
    if made.pairs:
        formula = " + ".join(f"{{{position}}}" for position in range(len(slopes)))
        return replace(node, is_sum=True, formula=formula, pulls=("{ct}",) * len(slopes))
    if len(slopes) < len(made.terms):  # of a sum over samples one is drawn
        inside = "".join(f"{{{position}}}, " for position in range(len(slopes)))
        return replace(node, formula=f"{own.op}({inside}…)", pulls=())
    if len(slopes) == len(own.pulls):
        return replace(node, pulls=own.pulls)
    return replace(node, pulls=_scaled([slope for _, _, slope in terms]))


def _scaled(slopes: Sequence[Any]) -> tuple[str, ...]:
    """Return what each term sends back, where the rule has no formula for single elements."""
    if not all(isinstance(slope, float) for slope in slopes):
        return ()
    told = (number_text(slope).replace("-", "−") for slope in slopes)
    return tuple(
        "{ct}" if one == "1" else f"{{ct}} · {f'({one})' if one[0] == '−' else one}" for one in told
    )


def _number(slope: Any) -> Any:
    found = None if slope is None else numbers(slope)
    return None if found is None else found[0]


class Links:
    """The links of one entry.

    Parameters
    ----------
    recorded : Recorded
    entry : Entry
        Of a node.
    """

    def __init__(self, recorded: Recorded, entry: Entry) -> None:
        node: Any = entry.node
        self.rule, self.shape, self.dtype = node.rule, tuple(node.shape), node.dtype
        self.adds = adds_of(node.rule)
        self.out = recorded.values.get(node)
        # where a value is unknown, what the graph kept of it is enough for the pulls, as in a walk
        kept = node.saved[1:] if node.saved else (None,) * len(entry.arguments)
        self.arguments = [
            kept[i] if value is None else value for i, value in enumerate(recorded.arguments(entry))
        ]
        self.shapes = [
            None if recorded.entries[place].value is UNKNOWN else recorded.entries[place].shape
            for place in entry.arguments
        ]
        arguments = [recorded.entries[place] for place in entry.arguments]
        self.dtypes = [
            np.asarray(one.value).dtype if one.node is None else one.node.dtype for one in arguments
        ]
        self.parameters = parameters_of(node)
        self._whole: dict[int, Any] = {}

    def of(self, element: int) -> Made:
        """Return how the element at a place of the flat result is made."""
        rule = self.rule
        if rule.kind == "elementwise":
            terms = self._elementwise(element)
            if self.adds == "products" and len(terms) == 2:
                return Made((), ((terms[0], terms[1]),), is_sum=True)
            return Made(terms, is_sum=self.adds == "terms")
        if self.adds == "products":
            made = self._products(element)
            if made is not None:
                return made
        terms = tuple(
            Link(position, k, slope)
            for position in range(len(rule.pulls))
            for k, slope in self._slopes(position, element)
        )
        alias = rule.kind == "linear" and len(terms) == 1 and terms[0].slope == 1
        # of a complex number the real part has that slope too, and of a wide one the narrow
        alias = alias and self.dtypes[terms[0].position] == self.dtype
        return Made(terms, is_alias=alias, is_sum=self.adds == "terms")

    def _elementwise(self, element: int) -> tuple[Link, ...]:
        found = []
        for position, shape in enumerate(self.shapes):
            if shape is None:
                continue
            places = np.arange(math.prod(shape)).reshape(shape)
            place = int(np.broadcast_to(places, self.shape).flat[element])
            found.append(Link(position, place, self._slope_everywhere(position).flat[element]))
        return tuple(found)

    def _slope_everywhere(self, position: int) -> Any:
        if position not in self._whole:
            ones = np.ones(self.shape, self.dtype)[()]
            part = self.pulled(position, ones, self.arguments, whole=True)
            part = np.nan if part is None else part
            self._whole[position] = np.broadcast_to(np.asarray(part), self.shape)
        return self._whole[position]

    def _slopes(self, position: int, element: int, arguments: Any = None) -> list[tuple[int, Any]]:
        """Return the elements of one argument with a derivative that is not 0, and these."""
        shape = self.shapes[position]
        if shape is None:
            return []
        part = self.pulled(position, self._one_at(element), arguments or self.arguments)
        if part is None:  # it may be made of any, as of a function of a user's own
            alone = self.rule.pulls[position] is None
            return [] if alone else [(k, None) for k in range(math.prod(shape))]
        flat = np.ravel(part)
        return [(int(k), flat[k]) for k in np.flatnonzero(flat)]

    def _one_at(self, element: int) -> Any:
        ct = np.zeros(self.shape, self.dtype)
        ct.flat[element] = 1
        return ct[()]

    def pulled(self, position: int, ct: Any, arguments: Any, *, whole: bool = False) -> Any:
        """Pull `ct` back; in the argument's shape, or as the pull gives it if `whole`."""
        pull = self.rule.pulls[position]
        if pull is None:
            return None
        shape: Any = self.shapes[position]
        try:
            with quiet():
                arrays = [
                    a if a is None or isinstance(a, Node) else np.asarray(a)[()] for a in arguments
                ]
                part = pull(ct, self.out, *arrays, *self.parameters)
                if np.asarray(part).dtype.kind not in NUMERIC:
                    return None
                alike = whole or np.shape(part) == shape
                return part if alike else unbroadcast(np.asarray(part)[()], shape)
        except Exception:  # noqa: BLE001  # a rule may need what nobody kept
            return None

    def _products(self, element: int) -> Made | None:
        """Return the pairs whose products add up to an element; None if they cannot be told."""
        left, right = self.arguments[:2]
        if any(one is None or isinstance(one, Node) for one in (left, right)):
            return None
        left, right = np.asarray(left), np.asarray(right)
        places = np.arange(1, right.size + 1, dtype=float).reshape(right.shape)
        rest = list(self.arguments[2:])
        which = self._slopes(0, element, [left, places, *rest])
        squares = self._slopes(0, element, [left, places**2, *rest])
        if [
            (k, p * p) for k, p in which
        ] != squares:  # p is no place: several, added up, or one times a factor
            return None
        pairs = tuple(
            (Link(0, k, right.flat[i]), Link(1, i, left.flat[k]))
            for k, i in ((k, int(p.real) - 1) for k, p in which)
        )
        others = tuple(
            Link(position, k, slope)
            for position in range(2, len(self.rule.pulls))
            for k, slope in self._slopes(position, element)
        )
        return Made(others, pairs, is_sum=True)
