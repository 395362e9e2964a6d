"""One call of a function under a transform: its variables, its graph, and what is handed out."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.containers import flatten, flatten_like, places
from tinygrad_bp.engine.modes import is_recording, recorded, unasked
from tinygrad_bp.engine.nodes import Leaf, Node, Variable, ancestors, is_live
from tinygrad_bp.engine.push import push_forward
from tinygrad_bp.engine.readouts import judge, watched
from tinygrad_bp.engine.tensor import SCALARS, Tensor, is_foreign, private_copy, unwrap, wrap
from tinygrad_bp.engine.walk import conform, pull_back, seed
from tinygrad_bp.errors import DTypeError, GraphError, ShapeError


class Call:
    """One call of a function on fresh variables.

    Parameters
    ----------
    name : str
        Of the transform, for messages.
    primals : sequence
        The arguments to differentiate by: arrays, Tensors, floats, or nests of them.

    Attributes
    ----------
    flat : list
        The values in the primals.
    nodes : list of Node
        Where each of them stands in the graph of the call.
    floor : int
        Index of the oldest variable: what is older cannot depend on one.
    arguments : list
        The primals again, with Tensors for their values.
    """

    def __init__(self, name: str, primals: Sequence[Any]) -> None:
        self.name = name
        self.primals = tuple(primals)
        self.flat, self.rebuild = flatten(list(primals))
        variables = [_variable(name, one) for one in self.flat]
        self.nodes: list[Any] = [one._node for one in variables]
        self.floor = min([node.index for node in self.nodes], default=-1)
        self.arguments = self.rebuild(variables)

    def run(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `f`, recording; from its return on, nothing outside can ask for the variables."""
        self.open(on=True)
        try:
            result, reads = watched(recorded, f, *args, **kwargs)
        finally:
            self.open(on=False)
        if reads:
            judge(self.name, reads, result, self.nodes)
        return result

    def open(self, *, on: bool) -> None:
        """Say whether what depends on the variables may still be differentiated by them."""
        for node in self.nodes:
            if type(node) is Variable:
                node.open = on

    def run_at(
        self,
        f: Callable[..., Any],
        positions: Sequence[int],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Call `f` on `args`, with the variables at `positions`."""
        arguments = list(args)
        for i, one in zip(positions, self.arguments, strict=True):
            arguments[i] = one
        return self.run(f, *arguments, **kwargs)

    def outside(self, roots: Iterable[Node]) -> bool:
        """Whether someone outside may differentiate `roots` by what they depend on."""
        return is_recording() and reaches_outside(ancestors(*roots, floor=self.floor), self.floor)

    def pull(self, seeds: dict[Node, Any], *, free: bool) -> Any:
        """Return the cotangents of the primals: arrays, or Tensors if something outside asks."""
        outside = self.outside(seeds) or (is_recording() and any(map(_is_live, seeds.values())))
        convert = as_tensor if outside else unwrap
        seeds = {node: convert(ct) for node, ct in seeds.items()}
        free = free and not outside
        found = walked(pull_back, seeds, targets=self.nodes, record=outside, free=free)
        seeds.clear()
        answers = []
        for node, primal in zip(self.nodes, self.flat, strict=True):
            ct = found_or_zeros(found, node, primal)
            found.pop(node, None)
            if outside or isinstance(primal, Tensor):
                answers.append(as_tensor(ct))
            else:
                answers.append(ct if _exclusive(ct) else private_copy(ct))
        return self.rebuild(answers)

    def tangents(self, tangents: Sequence[Any]) -> dict[Node, Any]:
        """Return the tangent of each variable, in its shape and dtype; zeros have none.

        Raises
        ------
        ShapeError, DTypeError
            If one does not fit its primal.
        """
        flat = flatten_like(tangents, self.primals, f"{self.name}: the tangents", ShapeError)
        found: dict[Node, Any] = {}
        for node, t in zip(self.nodes, flat, strict=True):
            if t is not None:
                value = t._value if isinstance(t, Tensor) else private_copy(t)
                if value.shape != node.shape or (value.dtype.kind == "c" != node.dtype.kind):
                    raise self._misfit(node, value)
                found[node] = conform(t if isinstance(t, Tensor) else value, node)
        return found

    def _misfit(self, node: Node, value: Array) -> Exception:
        place = places(self.primals)[self.nodes.index(node)]
        where = f"{self.name}: the tangent of primal {place}"
        if value.shape != node.shape:
            return ShapeError(
                f"{where} has shape {value.shape}, the primal {node.shape}; they must agree"
            )
        return DTypeError(
            f"{where} is {value.dtype}, the primal {node.dtype}: a real number moves along the real"
            " axis; give the real and the imaginary part in two calls, or make the primal complex"
        )

    def push(self, outputs: Sequence[Any], tangents: dict[Node, Any]) -> list[Any]:
        """Return the tangents of `outputs`: arrays, or Tensors if something outside asks."""
        roots: list[Any] = [getattr(one, "node", None) for one in outputs]
        tracked = [root for root in roots if root is not None]
        order = ancestors(*tracked, floor=self.floor)
        outside = is_recording() and (
            reaches_outside(order, self.floor) or any(map(_is_live, tangents.values()))
        )
        convert = as_tensor if outside else unwrap
        tangents = {node: convert(t) for node, t in tangents.items()}
        found = walked(push_forward, tracked, tangents, record=outside, order=order)
        parts = [
            found[root] if root in found else _zero_tangent(one)
            for root, one in zip(roots, outputs, strict=True)
        ]
        tangents, found = {}, {}
        if outside or any(isinstance(one, Tensor) for one in self.flat):
            return [part if part is None else as_tensor(part) for part in parts]
        parts.reverse()
        answers = []
        while parts:
            part = parts.pop()  # so that the list does not count among its holders
            answers.append(part if part is None or _exclusive(part) else private_copy(part))
        return answers

    def values(self, results: Sequence[Any]) -> list[Any]:
        """Return what the function gave: arrays, but Tensors if they depend on outside ones."""
        roots = [one.node for one in results if isinstance(one, Tensor) and one.node is not None]
        if len(roots) > 1 and not self.outside(roots):  # one walk over the graph for all
            return [self._plain(one) for one in results]
        return [self.value(one) for one in results]

    def value(self, result: Any) -> Any:
        """Return one of the values that the function gave."""
        node = result.node if isinstance(result, Tensor) else None
        return result if node is not None and self.outside([node]) else self._plain(result)

    def _plain(self, result: Any) -> Any:
        """Return a value out of the graph: an array, or a Tensor if Tensors came in."""
        if not isinstance(result, Tensor):
            return result
        if any(isinstance(one, Tensor) for one in self.flat):
            return wrap(result._value)
        return private_copy(result._value)


def walked(walk: Callable[..., Any], *args: Any, record: bool, **options: Any) -> Any:
    """Walk for a transform, which has decided by itself whether to record."""
    before = unasked.get()
    try:
        unasked.set(not record and bool(is_recording()))
        return recorded(walk, *args, record=record, **options)
    finally:
        unasked.set(before)


def _variable(name: str, primal: Any) -> Tensor:
    """Return a fresh variable with the value of `primal`, and in its graph if that is tracked."""
    if isinstance(primal, Tensor) and primal.node is not None:
        variable: Tensor = recorded(operator.pos, primal)
        return variable
    value = primal._value if isinstance(primal, Tensor) else private_copy(primal)
    if value.dtype.kind not in "fc":
        hint = " (write 2.0, not 2)" if type(primal) in SCALARS else "; use .astype(float)"
        raise DTypeError(f"{name}: cannot differentiate with respect to {value.dtype} values{hint}")
    return wrap(value, Variable(value.shape, value.dtype))


def _zero_tangent(output: Any) -> Any:
    """Return zeros for an output that does not move; None for what is no number."""
    value = np.asarray(output)[()] if type(output) in SCALARS else unwrap(output)
    dtype = getattr(value, "dtype", None)
    if dtype is None or dtype.kind not in "biufc":
        return None
    if is_foreign(value):
        return np.zeros_like(value, dtype if dtype.kind in "fc" else float)
    return np.zeros(value.shape, dtype if dtype.kind in "fc" else float)[()]


def reaches_outside(order: Iterable[Node], floor: int) -> bool:
    """Whether a graph depends on what someone outside of a call may still differentiate by.

    Parameters
    ----------
    order : iterable of Node
        The graph of the call: nothing in it is older than the oldest of its variables.
    floor : int
        Index of that variable.
    """
    older: list[Node] = []
    for node in order:
        if type(node) is Leaf:
            return True
        for parent in node.more or (node.left, node.right):
            if parent is not None and parent.index < floor:
                older.append(parent)  # noqa: PERF401  # most nodes have none: no list for each
    return is_live(older)


def _is_live(tangent: Any) -> bool:
    """Whether a tangent or cotangent depends on what someone may still differentiate by."""
    node = getattr(tangent, "node", None)
    return node is not None and is_live([node])


def _exclusive(ct: Cotangent) -> bool:
    """Whether only the caller refers to `ct`, so that it may be handed out without a copy."""
    if isinstance(ct, np.generic):
        return True
    return (
        type(ct) is np.ndarray
        and ct.base is None
        and ct.flags.writeable
        and sys.getrefcount(ct) <= OWN_REFERENCES
    )


# The name in the caller, the parameter of `_exclusive`, and getrefcount's own argument.
OWN_REFERENCES = 3


def as_tensor(value: Array) -> Tensor:
    """Return `value` in a Tensor, if it is none already."""
    return value if isinstance(value, Tensor) else wrap(value)


def found_or_zeros(found: Mapping[Node, Any], node: Node, value: Array) -> Array:
    """Return the cotangent of `node` in its dtype; zeros where the walk did not reach it.

    `value` is what stands at the node: zeros are of its kind of array.
    """
    ct = found.get(node)
    if ct is not None:
        return ct if ct.dtype is node.dtype else conform(ct, node)
    value = unwrap(value)
    return np.zeros_like(value) if is_foreign(value) else np.zeros(node.shape, node.dtype)[()]


def seeds_of(name: str, outputs: Any, roots: Sequence[Any], cotangents: Any) -> dict[Node, Any]:
    """Return the cotangents to begin with, for `outputs` with the values `roots`.

    A root that tracks nothing has none; if that is so of all, `seed` says what is wrong.
    """
    cts: list[Any] = [None] * len(roots)
    if cotangents is not None:
        cts = flatten_like(cotangents, outputs, f"{name}: the cotangents", GraphError)
    if len(roots) == 1:  # the commonest case
        start = seed(roots[0], cts[0], name)
        return {roots[0]._node: start}
    tracked = [isinstance(root, Tensor) and root._node is not None for root in roots]
    some = any(tracked)
    return added_up(
        (root._node, seed(root, ct, name))
        for root, ct, is_tracked in zip(roots, cts, tracked, strict=True)
        if is_tracked or not some
    )


def added_up(seeds: Iterable[tuple[Node | None, Any]]) -> dict[Node, Any]:
    """Return what a walk begins with at each node: the sum of its seeds, of which None is zero."""
    found: dict[Node, Any] = {}
    for node, ct in seeds:
        if node is not None and ct is not None:
            found[node] = found[node] + ct if node in found else ct
    return found


def positions_of(argnums: int | Sequence[int]) -> tuple[int, ...]:
    """Return the positions of the arguments to differentiate by."""
    several = argnums if isinstance(argnums, Sequence) else (argnums,)
    try:
        return tuple(map(operator.index, several))
    except TypeError:
        raise TypeError(f"argnums={argnums!r}; expected an integer, or several") from None


def chosen(name: str, positions: Sequence[int], args: Sequence[Any]) -> list[Any]:
    """Return the arguments at these positions.

    Raises
    ------
    TypeError
        If there are not so many.
    """
    try:
        return [args[i] for i in positions]
    except IndexError:
        raise TypeError(
            f"{name}: argnums={max(positions, key=abs)}, and {len(args)} positional arguments are"
            " given; argnums counts these, from 0"
        ) from None


def require_function(name: str, f: Any) -> None:
    """Refuse what cannot be called.

    Raises
    ------
    TypeError
        With the spelling for a result that is there already.
    """
    if not callable(f):
        remedy = ""
        if isinstance(f, Tensor):
            remedy = "; of a result that is there already, tg.gradients(result, [x]) gives them"
        raise TypeError(f"{name}: expected a function, got {type(f).__name__}{remedy}")


def require_result(name: str, result: Any) -> Any:
    """Return the result of a function that has one.

    Raises
    ------
    GraphError
        If it is None: a derivative of 0 would hide a forgotten return.
    """
    if result is None:
        raise GraphError(f"{name}: the function returned None; does it lack a return?")
    return result


def require_scalar(name: str, result: Any, remedy: str) -> None:
    """Refuse a result that is no scalar.

    Raises
    ------
    GraphError
        Naming its kind or shape and the remedy.
    """
    require_result(name, result)
    if not (isinstance(result, SCALARS) or hasattr(result, "dtype")):
        raise GraphError(
            f"{name}: the function returned a {type(result).__name__}, a scalar is needed; return"
            f" the loss alone, or {remedy}"
        )
    if np.shape(result) != ():
        raise GraphError(
            f"{name}: the function returned shape {np.shape(result)}, a scalar is needed;"
            f" reduce it, for instance with numpy.sum, or {remedy}"
        )
