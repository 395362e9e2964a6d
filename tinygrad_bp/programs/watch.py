"""What a trace learns of the graph: whose cotangent a value is, and the line that it comes from.

It stands where `tg.debug` stands: the recorders and the walks tell it what they do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from tinygrad_bp.engine.failures import noted
from tinygrad_bp.engine.modes import Block, hold, is_recording
from tinygrad_bp.engine.nodes import Account, Leaf, Node, Variable, ancestors, tick
from tinygrad_bp.engine.rule import JointPulls
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.engine.walk import pull_back
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.instructions import Instruction, Ref, Type
from tinygrad_bp.programs.symbol import Symbol
from tinygrad_bp.programs.trace import Trace
from tinygrad_bp.programs.wholes import Pulled, Whole


class Watch:
    """Watches the graph that a traced function records, and the walks through it.

    Attributes
    ----------
    values : dict of Node to str
        The value that stands at a node.
    moves : dict of str to list of (str, Node)
        Of a cotangent or a tangent, or a part of one: "d" or "t", and whose it is.
    remedy : str
        What to do about a gradient that goes where it may not.
    fused : set of str
        Names of fused rules of which it is asked where their compositions stand.
    wholes : dict of Node to Whole
        Where those are.
    """

    remedy = "pass it as one; or use tg.grad, or tg.gradients(loss, [tensor])"

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        trace.watch = self
        self.values: dict[Node, str] = {}
        self.moves: dict[str, list[tuple[str, Node]]] = {}
        self._lines: dict[Node, str] = {}
        self.fused: frozenset[str] = frozenset()
        self.wholes: dict[Node, Whole] = {}
        self._grads: dict[Account, Any] = {}  # of leaves around the function, as they were
        self.differentiated = False  # whether it reads what a transform around differentiates by
        self._pulling = False
        self._begin = tick()  # what is older is not the function's own

    # What the engine calls

    def recorded(self, node: Node, out: Any, operands: Sequence[Any]) -> None:
        """Note what stands at a node and at its parents."""
        if node.rule.name in self.fused:
            self._note_whole(node, out, operands)
        if not self.trace.bare:
            self._lines[node] = self.trace.line or self.trace.line_of_user()
            self._place(node, out)
        for parent, operand in zip(node.parents, operands, strict=False):
            if parent is not None and parent not in self.values:
                if not self.trace.bare:
                    self._place(parent, operand)
                account = parent.account() if type(parent) is Leaf else None
                if parent.index >= self._begin:
                    continue
                if account is not None:
                    self._grads.setdefault(account, account.grad)
                elif any(type(one) is Variable and one.open for one in ancestors(parent)):
                    self.differentiated = True

    def walk(self) -> Watch:
        """Return what watches one walk."""
        return self

    def pulls(self, node: Node) -> Sequence[Callable[..., Any]]:
        """Return the pulls of a node, each of which tells whose cotangents it takes and gives."""
        found: Any = node.rule.pulls
        if self.trace.bare:
            return found  # type: ignore[no-any-return]  # of the rule
        if type(found) is JointPulls:
            return found.through(partial(self._together, node))
        return [partial(self._pull, node, i, pull) for i, pull in enumerate(found)]

    def _pull(self, node: Node, i: int, pull: Any, ct: Any, *saved: Any) -> Any:
        return self._together(node, lambda _, *given: [pull(*given)], (i,), ct, *saved)[0]

    def _together(
        self, node: Node, pull: Any, wanted: Sequence[int], ct: Any, *saved: Any
    ) -> Sequence[Any]:
        self._move("d", ct, node)
        before, self._pulling = self._pulling, True
        try:
            with self.trace.at(self._lines.get(node, "")):
                parts: Sequence[Any] = pull(wanted, ct, *saved)
        except TraceError as error:
            noted(error, node.rule.name, ())
            raise
        finally:
            self._pulling = before
        if node in self.wholes:
            refs = [self._ref(one) for one in (ct, *parts)]
            if all(refs):
                self.wholes[node].pulls.append(Pulled(refs[0], tuple(wanted), tuple(refs[1:])))
        for i, part in zip(wanted, parts, strict=True):
            parent = node.parents[i]
            if parent is not None:
                self._move("d", part, parent)
        return parts

    def pushed(self, node: Node, part: Any, _tangents: Sequence[Any], _saved: Any) -> None:
        """Note whose tangent a value is."""
        self._move("t", part, node)

    # What it makes of it

    def _note_whole(self, node: Node, out: Any, operands: Sequence[Any]) -> None:
        """Note where the composition of a fused rule stands, if all of it is of this program."""
        saved: Any = node.saved
        given = (unwrap(out), *map(unwrap, operands))
        out, *arguments = [self.trace.operand(one) for one in given]  # also where nobody names them
        more = [
            self.trace.operand(one) if isinstance(one, (Symbol, np.ndarray)) else one
            for one in saved[1 + len(operands) :]
        ]
        if type(out) is Ref and all(type(one) is Ref for one in arguments):
            constants = self.trace.constants_in([*arguments, *more])
            self.wholes[node] = Whole(node.rule.name, out, tuple(arguments), tuple(more), constants)

    def _ref(self, value: Any) -> Any:
        """Return a value of this program; None if it is none."""
        name = self.trace.name_of(unwrap(value))
        return None if name is None else Ref(name)

    def _place(self, node: Node, value: Any) -> None:
        operand = self.trace.name_of(value)
        if operand is not None:
            self.values[node] = operand

    def _move(self, kind: str, value: Any, node: Node) -> None:
        raw = unwrap(value)
        if type(raw) is Symbol and raw._trace is self.trace:
            known = self.moves.setdefault(raw.name, [])
            if (kind, node) not in known:
                known.append((kind, node))

    def written(self, one: Instruction) -> None:
        """Take what a walk makes of parts of one cotangent, outside of any pull, for another."""
        if self._pulling or not one.refs or not isinstance(one.type, Type):
            return
        first, *others = (self.moves.get(name, []) for name in one.refs)
        whose = [
            (kind, node)
            for kind, node in first
            if node.shape == one.shape and all((kind, node) in other for other in others)
        ]
        if whose and _in_walk():
            self.moves[one.name] = whose[:1]

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within it, the graph is watched; after it, no leaf around has a Symbol in its gradient.

        Raises
        ------
        TraceError
            If one got it.
        """
        held = hold(Block(self if is_recording() else False, self))
        try:
            next(held)
            yield
        finally:
            held.close()
            guilty = [
                a for a, g in self._grads.items() if a.grad is not g and not self.trace.lends(a)
            ]
            for account in guilty:
                account.grad = self._grads[account]
        for account in guilty:
            leaf = account.holder()
            raise TraceError(
                f"backward() added a gradient into {_called(leaf)}, which is not an argument of"
                f" the function: {self.remedy}"
            )

    def strangers(self) -> Iterator[str]:
        """Yield what to call each leaf around the function that it has read, and was not lent."""
        for account in self._grads:
            if not self.trace.lends(account):
                yield _called(account.holder())

    def forget(self) -> None:
        """Let go of the graph."""
        self.values.clear()
        self.wholes.clear()
        self.moves.clear()
        self._lines.clear()
        self._grads.clear()


def _in_walk() -> bool:
    frame: Any = sys._getframe(1)  # the standard library's own way to the caller
    while frame is not None and frame.f_code is not pull_back.__code__:
        frame = frame.f_back
    return frame is not None


def _called(leaf: Tensor | None) -> str:
    return f"the Tensor {leaf.name!r}" if leaf is not None and leaf.name else "a Tensor"
