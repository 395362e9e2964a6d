"""What lies above a first derivative that is 0 by convention.

A norm N has no derivative at 0; its rule says 0.  A function of it may be smooth there all the
same: of ``N**2`` the second derivative is 2.  A row with such a convention names it::

    hypot:  convention=Convention(lambda out, x, y: out == 0, squared=(..., ...))

and a walk that is recorded then asks for more than the pull.  On raw arrays nothing is computed.

The pull of N is ``ct/N`` times the derivative of ``N**2/2``, which is smooth.  If ct vanishes with
N and for no other reason, the quotient has the limit dct/dN: the derivative of one node of the
recorded walk by another, which a push finds (L'Hôpital's rule).  Where there is no such limit, the
derivatives above the first are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import general
from tinygrad_bp.engine.modes import Block, within
from tinygrad_bp.engine.nodes import LEAF, Node, ancestors
from tinygrad_bp.engine.push import push_forward
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import Tensor, unwrap, wrap
from tinygrad_bp.engine.walk import retracked
from tinygrad_bp.errors import TinygradError
from tinygrad_bp.rules.unread import must_hold


class Convention(NamedTuple):
    """Where a derivative is what it is by convention only.

    Attributes
    ----------
    where : callable
        ``where(out, *arguments, *parameters)``: a mask of the result's shape, or with its reduced
        axes kept; what is tracked comes as a Tensor.
    squared : sequence of callable, optional
        ``squared[i](q, out, *arguments, *parameters)`` is the pull of half the square, ``q`` times
        its derivative by argument `i`, if that is smooth.  None given: nothing above the
        first derivative is known.
    kink : bool
        Whether the derivatives on either side differ in sign alone, as those of the absolute value.
        Where ct is not 0, what lies above is then the mean of both sides, and not NaN; if one kink
        moves the ct of another it is not, since both change sides together or apart.

    Notes
    -----
    An argument that stands still to first order but not to second, as ``x*x`` at 0, stays on one
    side of a kink.  Its curvature times the convention's 0 would be a wrong 0: it is NaN.
    """

    where: Callable[..., Any]
    squared: Sequence[Callable[..., Any]] = ()
    kink: bool = False

    def pulls(self, pulls: Sequence[Any], node: Node) -> Sequence[Any]:
        """Return what stands in for the `pulls` of `node` in a recorded walk."""
        limit: list[Any] = []  # the same for all of them
        return [pull and partial(self._pull, node, limit, i, pull) for i, pull in enumerate(pulls)]

    def pushed(self, part: Array, saved: tuple[Any, ...]) -> Array:
        """Return what a recorded push gave, nothing known above it where there is the convention.

        The push does not know what becomes of it: even 0 times its derivative is not known.
        """
        where = self.where(*saved)
        if must_hold(where):
            for one in saved[1:]:
                if isinstance(one, Tensor):
                    wide = np.broadcast_to(one, np.broadcast_shapes(one.shape, where.shape))
                    mark = undefined(wide, where, 0)
                    if wide.shape != where.shape:  # a reduction
                        mark = np.sum(mark, axis=_shared(where.shape), keepdims=True)
                    mark = np.reshape(mark, part.shape)
                    part = part + (mark if part.dtype.kind == "c" else np.real(mark))
        return part

    def _pull(
        self,
        node: Node,
        limit: list[Any],
        i: int,
        pull: Any,
        ct: Cotangent,
        *saved: Any,
    ) -> Array:
        part = pull(ct, *saved)
        where = self.where(*saved)
        # of another library's arrays nobody knows: the convention alone answers
        if not isinstance(ct, Tensor) or not must_hold(where):
            return part
        value = np.reshape(unwrap(ct), where.shape)
        kink = self.kink and part.dtype.kind != "c"
        if not limit:
            limit.append(where & self._bent(node, saved, where.shape, still=kink))
        bent = limit[0]
        known = np.zeros_like(bent)
        unknown = where & (value == 0 if kink else True)
        if ct.node is None:  # constant; if it is 0, so is all above
            unknown, bent = unknown & (value != 0), bent & (value != 0)
        elif self.squared:
            if len(limit) == 1:
                zero = np.reshape(where, ct.shape)
                limit.append(_limit(ct, node, saved[0], zero, kink=kink))
            share, known, crossed = (np.reshape(one, ct.shape) for one in limit[1])
            known, crossed = np.reshape(known, where.shape), np.reshape(crossed, where.shape)
            unknown = (unknown & ~known) | crossed
            if not kink:
                part = part * np.logical_not(where)
            # elsewhere they may be infinite, and 0 times that is NaN
            safe = [_only(where, one) if isinstance(one, Tensor) else one for one in saved]
            part = part + self.squared[i](share, *safe)
            # of the quotient the next derivative is half that of dct/dN: 0, or there is none
            part = _marked(part, known, saved, 3)
        bent = bent & ((value != 0) | ~known) if kink else bent & unknown
        return _marked(_marked(part, unknown, saved, 1), bent, saved, -1)

    def _bent(self, node: Node, saved: tuple[Any, ...], shape: Any, *, still: bool) -> Any:
        """Return where an argument moves to second order; if `still`, and not to first order."""
        if all(parent is None or parent.rule is LEAF for parent in node.parents):
            return False
        rng = np.random.default_rng(2)
        moves = [
            {leaf: one.astype(leaf.dtype)[()] for leaf, one in normals(node, rng).items()}
            for _ in range(2)
        ]
        parents = [parent for parent in node.parents if parent is not None]
        try:
            ts = _pushed(parents, {leaf: wrap(t) for leaf, t in moves[0].items()}, record=True)
            roots = {parent: t.node for parent, t in ts.items() if getattr(t, "node", None)}
            found = _pushed(list(roots.values()), moves[1]) if roots else {}
        except TinygradError:  # residuals are freed, or a user's function has no derivative
            return False
        further = {parent: found[root] for parent, root in roots.items() if root in found}
        bent = self._apart(node, further, saved, shape)
        if not still:
            return bent
        return bent & ~self._apart(node, {p: unwrap(t) for p, t in ts.items()}, saved, shape)

    def _apart(self, node: Node, ts: Any, saved: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
        """Return where these tangents of the arguments move what is 0 there."""
        count = len(node.parents)
        given = [
            ts.get(parent, np.zeros_like(unwrap(x)))
            for parent, x in zip(node.parents, saved[1 : 1 + count], strict=True)
        ]
        one = np.ones(node.shape, node.dtype)[()]
        parts = [s(one, None, *given, *saved[1 + count :]) for s in self.squared] or given
        wide = [np.broadcast_to(part, np.broadcast_shapes(part.shape, shape)) for part in parts]
        return sum(_any(part != 0, shape) for part in wide) > 0


def _only(where: Any, one: Tensor) -> Any:
    """Return `one` at these places and 0 elsewhere."""
    return np.where(where if one.ndim == where.ndim else np.reshape(where, one.shape), one, 0)


def _marked(part: Array, where: Any, saved: tuple[Any, ...], order: int) -> Array:
    """Return `part` of a pull, of which no derivative of this order is known at these places."""
    if must_hold(where):
        for one in saved[1:]:
            if isinstance(one, Tensor):
                part = part + undefined(np.broadcast_to(one, part.shape), where, order)
    return part


# How a cotangent moves with its node


def _limit(ct: Tensor, node: Node, out: Array, zero: Any, *, kink: bool) -> tuple[Any, ...]:
    """Return the limit of ``ct / out`` where `zero`, 0 elsewhere, and where that is known.

    At a kink it is dct/dout whatever ct is; the third array says where another kink moves ct.
    """
    if ct.dtype.kind == "c" and node.dtype.kind == "f":
        ct = np.real(ct)
    try:
        slope = _along(ct.node, node, zero)
        moves = _moves(ct.node, node, zero)
        alone = _moves_alone(ct.node, node, zero, unwrap(slope), moves)
        crossed = kink and zero & ~_moves_alone(
            ct.node, node, zero, unwrap(slope), _jumps(node, zero, moves)
        )
        further = unwrap(_along(slope.node, node, zero)) if slope.node else 0
    except TinygradError:  # residuals are freed, or a user's function has no derivative
        return np.zeros(zero.shape, node.dtype), np.zeros_like(zero), np.zeros_like(zero)
    # an infinite one times 0 would be NaN when the walk that follows comes to it
    found = zero & np.isfinite(unwrap(slope)) & np.isfinite(further)
    known = found & alone
    if not kink:
        # a deviation may be a rounding error, of which ct then is a multiple
        most = 0 if out is None else 1.001 * np.abs(unwrap(slope) * unwrap(out))
        found = known = known & (np.abs(unwrap(ct)) <= most)
    return np.where(found, slope if np.any(found) else 0, 0), known, zero & crossed


class Unwatched:
    """A watch that looks at nothing."""

    def __bool__(self) -> bool:
        return False

    def walk(self) -> None:
        """Return what looks at the values of one walk: nothing."""


def _pushed(to: list[Any], moves: dict[Node, Any], *, record: bool = False) -> dict[Node, Any]:
    """Push to these nodes; numbers that are not finite are here no fault of the user's."""
    with np.errstate(all="ignore"):
        block = Block(mode=True, watch=Unwatched())
        return within(block, push_forward, to, moves, record=record)


def _along(of: Any, by: Any, where: Any) -> Any:
    """Return, recorded, how the node `of` moves where `by` moves by 1 at these places."""
    moved = _pushed([of], {by: wrap(where.astype(by.dtype)[()])}, record=True)
    return moved.get(of, wrap(np.zeros(where.shape, by.dtype)[()]))


def _moves_alone(of: Any, out: Node, zero: Any, slope: Array, moves: dict[Node, Any]) -> Array:
    """Return where nothing moves the node `of` but that element of `out`, of this `slope`.

    Another one would spoil the quotient, and so would anything beside `out` that moves with it.
    """
    moved = _pushed([of], moves).get(of, 0)
    error = float(np.finfo(out.dtype).eps) ** 0.5
    return np.isclose(moved, (np.where(zero, moves[out], 0) * slope).astype(out.dtype), error, 0)


def normals(node: Node, rng: np.random.Generator) -> dict[Node, Any]:
    """Return a random tangent of every leaf that `node` depends on."""
    return {
        one: rng.normal(size=one.shape).astype(one.dtype)[()]
        for one in ancestors(node)
        if one.rule is LEAF
    }


def _moves(of: Any, out: Node, zero: Any) -> dict[Node, Any]:
    """Return tangents for a push to `of`: everything that `out` depends on moves at random.

    So does whatever else a convention would hold, and `out` where it is `zero`.
    """
    rng = np.random.default_rng(0)
    weights = rng.uniform(1, 2, zero.shape)
    moves = normals(out, rng)
    held = [node for node in ancestors(of) if node.rule.convention is not None]
    pushed = _pushed([out, *held], moves)
    moves[out] = np.where(zero, weights, pushed.get(out, 0)).astype(out.dtype)[()]
    for node in held:
        if node is not out and node in pushed and node.saved is not None:
            at = np.reshape(node.rule.convention.where(*retracked(node, node.saved)), node.shape)
            if np.any(at):
                jump = np.where(at, rng.uniform(1, 2, node.shape), pushed[node])
                moves[node] = jump.astype(node.dtype)[()]
    return moves


def _jumps(out: Node, zero: Any, moves: dict[Node, Any]) -> dict[Node, Any]:
    """Return what of these `moves` is held by a convention, all else standing still."""
    jumps = {out: np.where(zero, moves[out], 0).astype(out.dtype)[()]}
    for node, move in moves.items():
        if node is not out and node.rule is not LEAF and node.saved is not None:
            at = np.reshape(node.rule.convention.where(*retracked(node, node.saved)), node.shape)
            jumps[node] = np.where(at, move, 0).astype(node.dtype)[()]
    return jumps


# Zeros of which a derivative is not known


def undefined(x: Array, where: Any, order: int) -> Array:  # noqa: ARG001  # of the derivative
    """Return zeros whose derivative of this order is not known.

    Parameters
    ----------
    x : array or Tensor
    where : array of bool
        At which elements.  It broadcasts to `x`; what moves one element then leaves none known of
        those that share its entry.
    order : int
        The derivative of this order and those above it are NaN; of order 1 it is 0 along the
        direction 0, and of order 0, which is the first one too, even that is NaN when it is pulled,
        of order -1 also when it is pushed.
    """
    return np.zeros_like(x)[()]


def _undefined_pull(ct: Cotangent, _out: Array, x: Array, where: Any, order: int) -> Array:
    recorded = isinstance(ct, Tensor)
    if order > 1:
        return undefined(x, where, order - 1) if recorded else ct * 0
    moved = where if order <= 0 else where & _any(unwrap(ct) != 0, where.shape)
    part = np.where(np.broadcast_to(moved, ct.shape), np.nan, 0).astype(ct.dtype)[()]
    if not recorded:
        return part
    # what is not known here is not known above, where the derivative is by x and no more by ct
    return part + undefined(ct, where, 1) + undefined(x, moved, 1)


def _any(mask: Any, shape: tuple[int, ...]) -> Any:
    """Return whether any element of `mask` that shares an entry of an array of `shape` is true."""
    if not shape:
        return np.any(mask)
    return np.any(mask, axis=_shared(shape), keepdims=True)


def _shared(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(i for i, n in enumerate(shape) if n == 1)


undefined = general(
    undefined,
    _undefined_pull,
    push=lambda tangents, out, x, where, order: _undefined_pull(
        tangents[0], out, x, where, order or 1
    ),
    samples=(
        call((5,), np.zeros(5, bool), 1),
        call((2, 5), np.zeros((1, 5), bool), 3),
        call((0, 3), np.zeros((0, 3), bool), 1),
    ),
)
