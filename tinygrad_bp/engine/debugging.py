"""`tg.debug`: name the line of the first operation that makes NaN or infinity, either way through.

The recorders and the walk ask whether a `Watch` is set; without one this module is not imported.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.failures import noted
from tinygrad_bp.engine.modes import Block, Mode, is_recording
from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.engine.rule import JointPulls
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import unwrap, wrap
from tinygrad_bp.errors import NonFiniteError, users_frame, warn_user

ENGINE = f"{__name__.rpartition('.')[0]}."
_lines: WeakKeyDictionary[Node, str] = WeakKeyDictionary()  # where each node was recorded
_pulling: ContextVar[Node | None] = ContextVar("_pulling", default=None)


class debug(Mode):  # noqa: N801  # reads as a verb: with tg.debug():
    """Within it, the first operation that makes NaN or infinity raises, and says where it stands.

    Context manager and decorator, per thread and asyncio task.  It watches what is recorded, the
    backward pass of such a graph, and tangents pushed through it.  Everything runs several times
    slower; outside of it a recorded operation pays one comparison.

    Parameters
    ----------
    nan, inf : bool, default True
        What to look for.  ``inf=False`` suits programs that mask with ``-inf`` on purpose.

    Raises
    ------
    NonFiniteError
        By the operation: its name and source line, the ranges of its inputs, and whether it made
        the value or passes on what came in.  In a backward pass the line is the one where the
        operation was recorded.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> x = tg.tensor([0.0, 4.0], requires_grad=True, name="x")
    >>> with tg.debug():
    ...     np.sum(np.sqrt(x)).backward()
    Traceback (most recent call last):
    ...
    tinygrad_bp.errors.NonFiniteError: debug: backward: sqrt made inf ...
    """

    @answers
    def __init__(self, *, nan: bool = True, inf: bool = True) -> None:
        super().__init__()
        self._watch = Watch(nan, inf)

    def block(self) -> Block:
        """Return a new block, in which what is recorded is watched."""
        return Block(self._watch if is_recording() else False, self._watch)


class Watch:
    """Looks at every value that is recorded while it is set."""

    def __init__(self, nan: bool, inf: bool) -> None:
        self.nan = nan
        self.inf = inf
        # what NumPy would warn of and the error says better
        kinds = (["invalid"] if nan else []) + (["divide", "over"] if inf else [])
        self.quiet: Any = dict.fromkeys(kinds, "ignore")

    def bad(self, value: Any) -> Any:
        """Return where `value` is not finite, or None."""
        if getattr(value, "dtype", None) is None or value.dtype.kind not in "fc":
            return None
        mask = np.zeros(value.shape, bool)
        if self.nan:
            mask = mask | np.isnan(value)
        if self.inf:
            mask = mask | np.isinf(value)
        return mask if np.any(mask) else None

    def recorded(self, node: Node, out: Any, operands: Sequence[Any]) -> None:
        """Note the line of a new node and look at its value.

        Raises
        ------
        NonFiniteError
            If the value is not finite.
        """
        inside = _pulling.get()
        _lines[node] = _users_line() if inside is None else f"{line_of(inside)}, pulled back"
        mask = self.bad(out) if inside is None else None
        if mask is not None:
            guilty = [i for i, one in enumerate(operands) if self.bad(one) is not None]
            error = NonFiniteError(
                f"debug: {node.rule.name} {_verdict(out, mask, made=not guilty)}\n"
                f"  at {line_of(node)}\n{_ranges(node, operands)}"
            )
            raise noted(error, node.rule.name, map(wrap, operands, node.parents))
        if inside is None and node.rule.kind == "elementwise" and len(operands) == 2:
            _warn_of_column_against_row(node, [np.shape(one) for one in operands])

    def walk(self) -> WalkWatch:
        """Return what watches one walk."""
        return WalkWatch(self)


class WalkWatch:
    """Looks at every cotangent, or tangent, of one walk."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._masks: list[Node] = []  # visited nodes that give some of their arguments zeros

    def pulls(self, node: Node) -> Sequence[Callable[..., Any]]:
        """Return the pulls of a node, each of which looks at what it returns."""
        if node.rule.masks:
            self._masks.append(node)
        found = node.rule.pulls
        if type(found) is JointPulls:
            return found.through(partial(self._together, node))
        return [partial(self._pull, node, pull) for pull in found]

    def _pull(self, node: Node, pull: Any, ct: Any, *saved: Any) -> Any:
        return self._together(node, lambda _, *given: [pull(*given)], (), ct, *saved)[0]

    def _together(
        self, node: Node, pull: Any, wanted: Sequence[int], ct: Any, *saved: Any
    ) -> Sequence[Any]:
        before = _pulling.get()
        try:
            _pulling.set(node)
            with np.errstate(**self._watch.quiet):
                parts: Sequence[Any] = pull(wanted, ct, *saved)
        finally:
            _pulling.set(before)
        for part in parts:
            self._look("backward", node, unwrap(part), (unwrap(ct), *map(unwrap, saved)))
        return parts

    def pushed(self, node: Node, part: Any, tangents: Sequence[Any], saved: Sequence[Any]) -> None:
        """Look at a tangent.

        Raises
        ------
        NonFiniteError
            If it is not finite.
        """
        moving = [unwrap(t) for t in tangents if t is not None]
        moved = next((t for t in moving if self._watch.bad(t) is not None), moving[0])
        self._look("forward mode", node, unwrap(part), (moved, *map(unwrap, saved)))

    def _look(self, way: str, node: Node, part: Any, given: tuple[Any, ...]) -> None:
        mask = self._watch.bad(part)
        if mask is None:
            return
        ct, out, *operands = given
        made = self._watch.bad(ct) is None
        kind = "the cotangent" if way == "backward" else "the tangent"
        raise NonFiniteError(
            f"debug: {way}: {node.rule.name} {_verdict(part, mask, made=made)}\n"
            f"  recorded at {line_of(node)}\n"
            f"  {kind}: {_range(ct)}\n  its result: {_range(out)}\n"
            f"{_ranges(node, operands)}{self._untaken(ct, mask)}"
        )

    def _untaken(self, ct: Any, mask: Any) -> str:
        """Return a remark about 0 times infinity in a branch that was not taken."""
        if not self._masks or np.shape(ct) != np.shape(mask) or np.any(ct[mask] != 0):
            return ""
        where = self._masks[-1]
        return (
            f"\n  the cotangent is 0 there: 0 times infinity, in a branch that {where.rule.name}"
            f" did not take ({line_of(where)});\n"
            "  give the function a safe argument where it is not wanted:"
            " np.where(ok, np.log(np.where(ok, x, 1)), 0)"
        )


def _warn_of_column_against_row(node: Node, shapes: list[Shape]) -> None:
    """Warn where a prediction and a label, (m, 1) and (m,), make a table of m times m."""
    row, column = sorted(shapes, key=len)
    found = len(row) == 1 and row[0] > 1 and column == (*row, 1) and None in node.parents
    if found and _written_by_the_user():
        warn_user(
            f"debug: {node.rule.name}: {shapes[0]} with {shapes[1]} gives every pair, {node.shape};"
            f" for element by element write y.reshape({column}), or .reshape({row})"
        )


def _written_by_the_user() -> bool:
    """Whether the user's line asks for this operation, not a function that is composed of it."""
    frame, user = sys._getframe(1), users_frame()  # the standard library's own way to the caller
    while frame is not user and frame.f_back is not None:
        if not frame.f_globals.get("__name__", "").startswith(ENGINE):
            return False
        frame = frame.f_back
    return True


def line_of(node: Node) -> str:
    """Return where `node` was recorded under `debug`, as ``file:line: source``."""
    return _lines.get(node, "a line outside of tg.debug()")


def _users_line() -> str:
    """Return the innermost line that is neither ours nor NumPy's."""
    frame = users_frame()
    name, number = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(name, number).strip()
    return f"{name}:{number}: {source}" if source else f"{name}:{number}"


def _verdict(value: Any, mask: Any, *, made: bool) -> str:
    first = np.argwhere(mask)[0].tolist()
    found = np.asarray(value)[tuple(first)]
    what = "NaN" if np.isnan(found) else "inf" if np.real(found) > 0 else "-inf"
    count = int(np.count_nonzero(mask))
    where = f"{count} of {mask.size} elements, the first at index {tuple(first)}"
    place = where if np.shape(value) else "a scalar"
    if made:
        return f"made {what} out of finite numbers ({place})"
    return f"passes on {what} that came in ({place})"


def _ranges(node: Node, operands: Sequence[Any]) -> str:
    names = [None if parent is None else parent.name for parent in node.parents]
    return "\n".join(
        f"  {name or f'argument {i}'}: {_range(one)}"
        for i, (name, one) in enumerate(zip(names, operands, strict=False))
    )


def _range(value: Any) -> str:
    """Return shape, dtype and range of a value in a few words."""
    if value is None or isinstance(value, Node):
        return "not kept"
    array = np.asarray(value)
    text = f"{array.dtype} {array.shape}" if array.shape else f"{array.dtype}"
    if array.dtype.kind == "c":
        array = np.absolute(array)
        text += ", size"
    finite = array[np.isfinite(array)] if array.dtype.kind in "fiu" else array
    if finite.size:
        low, high = np.min(finite), np.max(finite)
        text += f" {low:.6g}" if low == high else f" from {low:.6g} to {high:.6g}"
    notes = (("NaN", np.isnan), ("infinite", np.isinf)) if array.dtype.kind == "f" else ()
    counts = [(name, int(np.count_nonzero(test(array)))) for name, test in notes]
    return text + "".join(f", {count} {name}" for name, count in counts if count)
