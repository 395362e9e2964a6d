"""Run a function again in the backward pass instead of keeping what its pulls would read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.containers import Rebuild, flatten
from tinygrad_bp.engine.modes import is_recording, recorded
from tinygrad_bp.engine.nodes import Leaf, Node, Variable, ancestors, inside_from, node_of, tick
from tinygrad_bp.engine.pickling import ByName
from tinygrad_bp.engine.push import push_forward
from tinygrad_bp.engine.readouts import judge, watched
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.engine.tensor import Tensor, unwrap, wrap
from tinygrad_bp.engine.walk import pull_back
from tinygrad_bp.errors import GraphError
from tinygrad_bp.transforms.calls import added_up, as_tensor, found_or_zeros, require_function
from tinygrad_bp.transforms.joint import joint_rule, record

Function = TypeVar("Function", bound=Callable[..., Any])


@answers
def checkpoint(f: Function) -> Function:
    """Return `f`, of which the graph keeps the arguments only and not what happens inside.

    A backward pass runs `f` again to learn what its pulls read, which takes the time of one more
    forward pass.  On a chain of n steps, a checkpoint around every √n of them leaves about 2√n
    values in memory instead of n (Chen et al. 2016, "Training deep nets with sublinear memory
    cost"); checkpoints inside of checkpoints leave fewer still.

    Parameters
    ----------
    f : callable
        Takes and returns anything; tracked are the Tensors among its results and arguments, also
        inside of dicts, lists and tuples, and the tracked Tensors that it reads from around it
        (the parameters of a layer).  It must do the same when it runs again: random numbers are to
        be drawn outside and passed in, and arrays that it reads from around it must not change.
        Arrays among its arguments are copied.

    Returns
    -------
    callable
        Of the same signature.  Under `no_grad` it is `f` itself.

    Raises
    ------
    GraphError
        In the backward pass, if `f` gave another result when it ran again, or a Tensor that it
        reads has changed.  In the forward pass, if a leaf that `f` makes outlives it: its gradient
        would be lost.

    Notes
    -----
    Derivatives of any order, and forward mode, go through.  What is recorded to be differentiated
    again keeps all of it.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> y = tg.checkpoint(lambda x: np.sin(x) ** 2)(x)
    >>> y.backward()
    >>> round(x.grad.item(), 6), round(np.sin(4.0), 6)
    (-0.756802, np.float64(-0.756802))
    """
    require_function("checkpoint", f)

    @functools.wraps(f)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if not is_recording():
            return f(*args, **kwargs)
        return _first_run(f, args, kwargs)

    return checkpointed  # type: ignore[return-value]  # same signature


def _rule() -> Any:
    return RULE


RULE = joint_rule("checkpoint", checkpoint, (_rule, ()))


def _first_run(f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run `f`, and record it as one node if its result depends on anything that is tracked."""
    floor = tick()
    flat, build = flatten((list(args), dict(kwargs)))
    places = [i for i, one in enumerate(flat) if isinstance(one, Tensor) and one.node is not None]
    parents: list[Any] = [flat[i]._node for i in places]
    values: list[Any] = [flat[i]._value for i in places]
    constants = [None if i in places else _snapshot(one) for i, one in enumerate(flat)]
    variables = [Variable(one.shape, one.dtype) for one in values]
    mixed = list(flat)
    for i, value, variable in zip(places, values, variables, strict=True):
        mixed[i] = wrap(value, variable)
    result, reads_out = watched(_run, f, build(mixed), variables, floor)
    if reads_out and variables:
        judge("checkpoint", reads_out, result, variables)
    outputs, rebuild = flatten(result)
    ends = [i for i, one in enumerate(outputs) if isinstance(one, Tensor) and one.node is not None]
    if not ends:
        return result
    reads = _read_outside([outputs[i].node for i in ends], floor)
    segment = _Segment(f, build, tuple(places), tuple(constants), tuple(ends), reads)
    outs = [outputs[i]._value for i in ends]
    found = record(RULE, segment, [*parents, *reads], [*values, *reads], outs)
    for i, one in zip(ends, found, strict=True):
        outputs[i] = one
    return rebuild(outputs)


def _run(f: Callable[..., Any], arguments: Any, variables: Iterable[Variable], floor: int) -> Any:
    """Call `f`; what is older than `floor` is around it."""
    before = inside_from.get()
    try:
        inside_from.set(floor)
        return recorded(f, *arguments[0], **arguments[1])
    finally:
        inside_from.set(before)
        for one in variables:
            one.open = False


def _snapshot(value: Array) -> Array:
    """Return an argument as it is now: an array may change, and so may a Tensor (``x[i] = v``)."""
    if isinstance(value, Tensor):
        return wrap(value._value)
    return value.copy() if isinstance(value, np.ndarray) else value


def _read_outside(roots: Sequence[Node], floor: int) -> dict[Node, Any]:
    """Return the nodes older than `floor` that `roots` read, with the values they had, if kept."""
    found: dict[Node, Any] = {root: None for root in roots if root.index < floor}
    for node in ancestors(*roots, floor=floor):
        if node.index < floor:
            continue
        if type(node) is Leaf and node.account() is not None:
            raise GraphError(
                f"checkpoint: the function makes a leaf of shape {node.shape} that outlives it; its"
                " gradient would be lost when the function runs again; make the leaf outside"
            )
        for i, parent in enumerate(node.parents, 1):
            if parent is not None and parent.index < floor:
                kept = node.saved[i] if node.saved is not None else None
                value = None if isinstance(kept, Node) else kept
                found[parent] = value if found.get(parent) is None else found[parent]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """One call of a checkpointed function, to be run again.

    Attributes
    ----------
    f : callable
    build : callable
        Makes ``[args, kwargs]`` of all values in them.
    places : tuple of int
        Which of these values are tracked.
    constants : tuple
        The values, None at `places`.
    ends : tuple of int
        Which of the values in the result are tracked.
    reads : dict of Node to array or None
        What the function reads from around it, in the order of the node's further parents.
    """

    f: Callable[..., Any]
    build: Rebuild
    places: tuple[int, ...]
    constants: tuple[Any, ...]
    ends: tuple[int, ...]
    reads: dict[Node, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        f = ByName(self.f, "a checkpoint")
        return _Segment, (f, self.build, self.places, self.constants, self.ends, self.reads)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Segment:
        f, constants = deepcopy((self.f, self.constants), memo)  # of a method, its object
        reads = {deepcopy(node, memo): value for node, value in self.reads.items()}
        return replace(self, f=f, constants=constants, reads=reads)

    def pull(self, cts: list[Any], outs: list[Any], args: list[Any]) -> list[Any]:
        """Pull cotangents back through the function, run again."""
        starts, roots, record = self.again(outs, args)
        seeds = added_up(zip(roots, cts, strict=True))
        found = recorded(pull_back, seeds, targets=starts, record=record, free=not record)
        return [_filled(found, node, one, record) for node, one in zip(starts, args, strict=True)]

    def push(self, ts: list[Any], outs: list[Any], args: list[Any]) -> list[Any]:
        """Push tangents through the function, run again."""
        starts, roots, record = self.again(outs, args)
        moves = {node: t for node, t in zip(starts, ts, strict=True) if t is not None}
        found = recorded(push_forward, roots, moves, record=record)
        return [found.get(root) for root in roots]

    def again(self, outs: list[Any], args: list[Any]) -> tuple[list[Any], list[Node], bool]:
        """Run the function; return where its graph begins and ends, and whether it is recorded.

        What it reads from around it is cut off: the walk over this graph shall end there, and the
        walk that asked for it goes on.  To be differentiated again, each beginning is a copy of the
        argument at its place in the outer graph.
        """
        record = any(isinstance(one, Tensor) for one in (*args, *outs))
        floor = tick()
        nodes: list[Any] = [one._node if isinstance(one, Tensor) else one for one in args]
        variables = [Variable(one.shape, one.dtype) for one in nodes]  # of nodes, or of arrays
        starts: list[Any] = [_copied(node) for node in nodes] if record else variables
        count = len(self.places)
        mixed = [_snapshot(one) if isinstance(one, Tensor) else one for one in self.constants]
        for i, one, variable in zip(self.places, args[:count], variables[:count], strict=True):
            mixed[i] = wrap(unwrap(one), variable)
        result, _ = watched(_run, self.f, self.build(mixed), variables, floor)
        outputs, _ = flatten(result)
        roots = self._checked(outputs, outs, floor)
        swap: dict[Node, Node] = dict(zip(self.reads, starts[count:], strict=True))
        if record:
            swap.update(zip(variables, starts, strict=True))
        inside = [node for node in ancestors(*roots, floor=floor) if node.index >= floor]
        _redirect(inside, swap)
        return starts, [swap.get(root, root) for root in roots], record

    def _checked(self, outputs: list[Any], outs: list[Any], floor: int) -> list[Node]:
        """Return the nodes of the results, if they are what they were before."""
        ends = [
            i for i, one in enumerate(outputs) if isinstance(one, Tensor) and one.node is not None
        ]
        values = [outputs[i]._value for i in ends]
        if tuple(ends) != self.ends or not all(map(_agree, map(unwrap, outs), values)):
            raise GraphError(
                f"checkpoint: {_name(self.f)} gave another result when it ran again for a"
                " derivative; draw random numbers outside and pass them in, and do not change what"
                " it reads"
            )
        roots: list[Node] = [outputs[i].node for i in ends]
        reads = _read_outside(roots, floor)
        for node in reads | self.reads:
            value, known = reads.get(node), self.reads.get(node)
            changed = value is not known and value is not None and known is not None
            if changed or node not in reads or node not in self.reads:
                raise GraphError(
                    f"checkpoint: a Tensor of shape {node.shape} that {_name(self.f)} reads has"
                    " changed since the forward pass, or the graph is a copy whose function reads"
                    " another's; run the backward pass before changing it, or make it an argument"
                )
        return roots


def _copied(node: Node) -> Node:
    """Return a new node for the same value: the walk may end there."""
    return node_of(TABLE["positive"], (node,), (None, None), node.shape, node.dtype)


def _redirect(nodes: Iterable[Node], swap: Mapping[Node, Node]) -> None:
    """Put the nodes in `swap` in place of others, as parents of `nodes`."""
    for node in nodes:
        if isinstance(node, Leaf) or swap.keys().isdisjoint(node.parents):
            continue
        if node.more is not None:
            node.more = tuple([swap.get(one, one) if one else None for one in node.more])
        else:
            node.left = swap.get(node.left, node.left) if node.left else None
            node.right = swap.get(node.right, node.right) if node.right else None
        if node.saved is not None:  # a parent stands there for a value that no pull reads
            node.saved = tuple(
                [swap.get(one, one) if isinstance(one, Node) else one for one in node.saved]
            )


def _filled(found: Mapping[Node, Any], node: Node, value: Array, recorded: bool) -> Array:
    ct = found_or_zeros(found, node, value)
    return as_tensor(ct) if recorded else ct


def _agree(before: Any, again: Any) -> bool:
    """Whether two results are the same but for rounding; of other arrays than NumPy's, the shape.

    Rounding may differ where a library adds in another order.
    """
    if (before.shape, before.dtype) != (again.shape, again.dtype):
        return False
    if not isinstance(again, (np.ndarray, np.generic)) or _equal(before, again):
        return True
    close = float(np.finfo(again.dtype).eps) ** 0.5
    return np.allclose(before, again, close, close, equal_nan=True)


def _equal(before: Any, again: Any) -> bool:
    return np.array_equal(before, again, equal_nan=True)


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__qualname__", None) or repr(f)
