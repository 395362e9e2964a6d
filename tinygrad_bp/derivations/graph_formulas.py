"""The formulas of a whole graph: of each node, of each argument's part of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_bp.derivations.joint import joint_calls, joint_formula
from tinygrad_bp.derivations.repeated import repeated
from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.engine.tensor import is_foreign
from tinygrad_bp.formulas.expressions import Name, names_in
from tinygrad_bp.formulas.rules import CT, Formula, forward_formula, pull_formula
from tinygrad_bp.view.reading.recorded import Recorded, parameters_of
from tinygrad_bp.view.reading.sheet import Sheet

FOLDED = 6  # operations that one line of the forward pass may hold

Use = tuple[int, int]  # the place of a node, and which of its arguments


class GraphFormulas:
    """What each node computes and sends back, as far as it leads to what is asked for.

    Attributes
    ----------
    relevant : set of int
        Places that depend on what is asked for.
    uses : dict of int to list of (int, int)
        Where the value at a place is used and gets a part of its gradient, in the walk's order.
    forward : dict of int to Formula or None
    pulls : dict of (int, int) to Formula or None
    joint, taken : dict of int to JointCall
        Calls of functions with a user's own derivative, by the place of their node, and of what
        takes their arguments.
    repeated : Repeated
        What is not shown, because it is like what is.
    hidden : set of int
        Places that pack or pick the arguments and results of these.
    folded : dict of int to int
        Nodes without a name that are written out in the one line that uses them, and gets the very
        same gradient.
    """

    def __init__(self, sheet: Sheet, wanted: Iterable[int]) -> None:
        self.sheet = sheet
        self.recorded: Recorded = sheet.recorded
        self.relevant = self._relevant(set(wanted))
        self.uses: dict[int, list[Use]] = {}
        self.pulls: dict[Use, Formula | None] = {}
        self.forward: dict[int, Formula | None] = {}
        self.joint = {call.place: call for call in joint_calls(self.recorded)}
        self.taken = {call.taken: call for call in self.joint.values()}
        self.hidden = {place for call in self.joint.values() for place in call.hidden}
        operations = [
            place
            for place, entry in enumerate(self.recorded.entries)
            if entry.node is not None and not isinstance(entry.node, Leaf)
        ]
        self.repeated = repeated(sheet, operations)
        for place in reversed(operations):
            entry = self.recorded.entries[place]
            shown = place not in self.repeated.hidden
            if place not in self.hidden and shown:
                self.forward[place] = None if place in self.joint else self._forward(place)
            if place not in self.relevant or (place in self.hidden and place not in self.taken):
                continue
            for position, argument in enumerate(entry.arguments):
                if argument in self.hidden and place in self.joint:
                    continue  # what packs the arguments takes them
                rule = entry.node.rule  # type: ignore[union-attr]  # of an operation
                if argument in self.relevant and rule.pulls[position] is not None:
                    self.uses.setdefault(argument, []).append((place, position))
                    if not shown:
                        continue
                    self.pulls[place, position] = self._pull(place, position, argument)
        self.folded: dict[int, int] = {}
        self._weights: dict[int, int] = {}
        self.readers = self._readers()
        for place in self.forward:
            self._fold(place)

    def _relevant(self, wanted: set[int]) -> set[int]:
        found = set(wanted)
        for place, entry in enumerate(self.recorded.entries):
            if not found.isdisjoint(entry.arguments):
                found.add(place)
        return found

    def _array(self, place: int) -> Any:
        """Return the value at a place, or something of its shape and dtype."""
        value = self.recorded.value(place)
        node = self.recorded.entries[place].node
        if value is None and node is not None and node.dtype.kind in "biufc":
            return np.broadcast_to(np.zeros((), node.dtype), node.shape)
        return None if is_foreign(value) else value

    def _pull(self, place: int, position: int, argument: int) -> Formula | None:
        if place in self.taken:
            call = self.taken[place]
            cts = {one: self._cotangent(one) for one in call.results}
            return joint_formula(self.recorded, call, position, cts)
        node: Any = self.recorded.entries[place].node
        ct, out = self._cotangent(place), self._array(place)
        shape = self.recorded.entries[argument].shape
        return None if ct is None else pull_formula(node, position, ct, out, shape)

    def _cotangent(self, place: int) -> Any:
        """Return the cotangent at a place, or something of its shape and dtype."""
        node: Any = self.recorded.entries[place].node
        found = self.recorded.cotangents.get(node)
        return self._array(place) if found is None else found

    def _forward(self, place: int) -> Formula | None:
        entry = self.recorded.entries[place]
        if entry.node is None or entry.node.saved is None:
            return None
        arguments = [self._array(one) for one in entry.arguments]
        if any(one is None for one in arguments):
            return None
        return forward_formula(entry.node, arguments, parameters_of(entry.node))

    def _fold(self, place: int) -> None:
        """Fold a node into its only user; places come newest first, so that is known already."""
        users = self.readers.get(place, [])
        if self.sheet.names[place] or len(users) != 1 or place in self._roots():
            return
        ((user, position),) = users
        formula = self.pulls.get((user, position))
        whole = self.recorded.entries[place].shape == self.recorded.entries[user].shape
        if formula is None or self.forward[place] is None or self.forward.get(user) is None:
            return
        if not whole or not (type(formula.expression) is Name and formula.expression.key == CT):
            return
        if not self._reads_by_name(user, position):
            return
        top = user
        while top in self.folded:
            top = self.folded[top]
        if self._weights.get(top, 1) < FOLDED:
            self._weights[top] = self._weights.get(top, 1) + 1
            self.folded[place] = user

    def _reads_by_name(self, user: int, position: int) -> bool:
        """Whether the line of the user has the argument in it, where it can be written out."""
        formula = self.forward[user]
        return formula is not None and str(position) in names_in(formula.expression)

    def _roots(self) -> set[int]:
        return {self.recorded.places[root] for root in self.recorded.roots}

    def _readers(self) -> dict[int, list[Use]]:
        """Return where each value is read, with a gradient for it or without."""
        found: dict[int, list[Use]] = {}
        for user, entry in enumerate(self.recorded.entries):
            for position, argument in enumerate(entry.arguments):
                found.setdefault(argument, []).append((user, position))
        return found

    def gradient_of(self, place: int) -> int:
        """Return the place whose gradient is the same, and has the name."""
        while place in self.folded:
            place = self.folded[place]
        return place
