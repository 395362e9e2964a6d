"""Whole Jacobians and Hessians, and the product of a Hessian with a vector."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.modes import recorded
from tinygrad_bp.engine.nodes import Node, ancestors
from tinygrad_bp.engine.push import push_forward
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import Tensor, is_foreign, unwrap, wrap
from tinygrad_bp.engine.walk import conform, pull_back, seed
from tinygrad_bp.transforms.calls import (
    Call,
    added_up,
    as_tensor,
    chosen,
    found_or_zeros,
    positions_of,
    require_function,
    require_result,
    require_scalar,
    walked,
)
from tinygrad_bp.transforms.forward import arguments_of

JacobianMode = Literal["auto", "forward", "reverse"]
Blocks = list[list[Any]]  # by output, then by input


@answers
def jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, *, mode: JacobianMode = "auto"
) -> Callable[..., Any]:
    """Return a function that gives all partial derivatives of `f`.

    Parameters
    ----------
    f : callable
        Returns an array, or a nested container of arrays.
    argnums : int or sequence of int, default 0
        Which positional arguments to differentiate by; each an array, a Tensor, a float, or a nest
        of them.
    mode : {"auto", "forward", "reverse"}
        One push for each element of the inputs, one pull for each element of the outputs, or
        whichever is fewer.

    Returns
    -------
    callable
        For one output and one input an array of shape ``output.shape + input.shape`` and the
        input's dtype.  In general the structure of the outputs, with for each output the structure
        of the argument (a tuple of them for several `argnums`).

    Raises
    ------
    ValueError
        For another `mode`.
    DTypeError
        When called, if an argument to differentiate holds integers.

    Notes
    -----
    f runs once, then the graph is walked once for each row or column: time grows with the smaller
    of the two sizes, and beside the graph only the result and one row are in memory.  Rows are not
    batched.

    Complex numbers follow `grad`: for a real output and a complex input z = x + iy the entry is
    ∂f/∂x - i ∂f/∂y; for a complex output and a real input it is the complex derivative; where both
    are complex, f must be analytic, and the entry is df/dz.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    >>> J = tg.jacobian(lambda p: {"y": p["W"] @ p["x"]})({"W": np.ones((2, 3)), "x": np.ones(3)})
    >>> J["y"]["W"].shape, J["y"]["x"].shape
    ((2, 2, 3), (2, 3))
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"jacobian: mode is 'auto', 'forward' or 'reverse', got {mode!r}")
    return _jacobian("jacobian", f, argnums, mode)


@answers
def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that gives all second partial derivatives of `f`.

    Parameters
    ----------
    f : callable
        Usually returns a scalar.
    argnums : int or sequence of int, default 0
        Which positional arguments to differentiate by; as in `jacobian`.

    Returns
    -------
    callable
        For a scalar f of one array an array of shape ``input.shape + input.shape``.  In general the
        structure of the outputs, then that of the argument, then that of the argument again.

    Notes
    -----
    Forward over reverse: the gradient is recorded once and pushed forward once for each element of
    the inputs.  For the product with a vector use `hvp`, which needs one push.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    # Under another transform reverse over reverse: what lies above a first derivative that is 0 by
    # convention, recorded pulls know, but no recorded pushes.
    gradient = _jacobian("hessian", f, argnums, "reverse")
    return _jacobian("hessian", gradient, argnums, "outermost")


@answers
def hvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    mode: Literal["forward", "reverse"] = "forward",
) -> tuple[Any, ...]:
    """Compute the product of f's Hessian with a vector, without the Hessian.

    Parameters
    ----------
    f : callable
        Returns a scalar.
    primals : tuple or list
        The arguments of f: arrays, Tensors, floats, or nests of them.
    tangents : tuple or list
        The vector: nested like `primals`, each of its primal's shape.  None means zero.
    mode : {"forward", "reverse"}
        Whether the recorded gradient is pushed forward along the tangents, or its product with them
        is pulled back.  Both give the same, in about the same time.

    Returns
    -------
    tuple
        One entry for each primal, of its structure, shapes and dtypes.

    Raises
    ------
    GraphError
        If f's result is no scalar.
    ShapeError, DTypeError
        If primals and tangents do not fit; see `jvp`.

    Notes
    -----
    Pearlmutter (1994), "Fast exact multiplication by the Hessian": the time of two to three
    gradients, whatever the number of variables.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([  6., 120.]),)
    """
    if mode not in ("forward", "reverse"):
        raise ValueError(f"hvp: mode is 'forward' or 'reverse', got {mode!r}")
    require_function("hvp", f)
    call = Call("hvp", arguments_of("hvp", primals))
    vector = call.tangents(tangents)
    result = call.run(f, *call.arguments)
    require_scalar("hvp", result, "take tg.jvp of tg.jacobian")
    grads = _recorded_gradients(call, result)
    roots = [
        as_tensor(found_or_zeros(grads, node, primal))
        for node, primal in zip(call.nodes, call.flat, strict=True)
    ]
    del result, grads
    if mode == "forward":
        return tuple(call.rebuild(call.push(roots, vector)))
    moved = (vector.get(node) for node in call.nodes)
    seeds = added_up((root.node, t) for root, t in zip(roots, moved, strict=True))
    return tuple(call.pull(seeds, free=True))


def _recorded_gradients(call: Call, result: Any) -> dict[Node, Any]:
    """Return the gradients of a scalar by the variables of its call, as Tensors in their graph."""
    if not isinstance(result, Tensor) or result.node is None:
        return {}
    start = {result.node: wrap(seed(result, None, "hvp"))}
    call.open(on=True)  # a user's rule that runs now may ask a transform, which must not drop them
    try:
        return recorded(pull_back, start, targets=call.nodes, record=True)
    finally:
        call.open(on=False)


def _jacobian(
    name: str, f: Callable[..., Any], argnums: int | Sequence[int], mode: str
) -> Callable[..., Any]:
    require_function(name, f)
    positions = positions_of(argnums)

    @functools.wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = Call(name, chosen(name, positions, args))
        result = require_result(name, call.run_at(f, positions, args, kwargs))
        outputs, rebuild = flatten(result)
        del result
        blocks = _blocks(call, outputs, mode)
        trees = [call.rebuild(row) for row in blocks]
        return rebuild([tuple(t) if isinstance(argnums, Sequence) else t[0] for t in trees])

    return differentiated


def _blocks(call: Call, outputs: Sequence[Any], mode: str) -> Blocks:
    """Return the Jacobian of each output by each variable; None for an output that is no number."""
    roots = [one if isinstance(one, Tensor) else wrap(_array(one)) for one in outputs]
    numbers = [one for one in roots if one.dtype.kind in "biufc"]
    tracked = [one.node for one in roots if one.node is not None]
    outside = call.outside(tracked)
    if mode == "outermost":
        mode = "reverse" if outside else "forward"
    elif mode == "auto":
        pulls = sum(one.size * len(_units(one, call.nodes)) for one in numbers if one.node)
        pushes = sum(node.size * len(_units(node, numbers)) for node in call.nodes)
        mode = "forward" if pushes + outside <= pulls else "reverse"
    join = outside or any(is_foreign(unwrap(one)) for one in call.flat)
    by = _by_columns if mode == "forward" else _by_rows
    found = walked(by, numbers, call.nodes, record=outside, join=join)
    convert = outside or any(isinstance(one, Tensor) for one in call.flat)
    rows = iter([[(as_tensor if convert else unwrap)(block) for block in row] for row in found])
    return [next(rows) if one.dtype.kind in "biufc" else [None] * len(call.nodes) for one in roots]


def _by_rows(roots: Sequence[Tensor], nodes: Sequence[Node], *, record: bool, join: bool) -> Blocks:
    return [_rows(one, nodes, (record, join)) for one in roots]


def _by_columns(
    roots: Sequence[Tensor], nodes: Sequence[Node], *, record: bool, join: bool
) -> Blocks:
    tracked = [one.node for one in roots if one.node is not None]
    order = ancestors(*tracked, floor=min((node.index for node in nodes), default=0))
    columns = [_columns(node, roots, order, (record, join)) for node in nodes]
    return [[column[k] for column in columns] for k in range(len(roots))]


def _array(value: Array) -> Array:
    return value if is_foreign(value) else np.asarray(value)


def _rows(root: Tensor, nodes: Sequence[Node], how: tuple[bool, bool]) -> list[Any]:
    """Return the Jacobian of one output by each variable: a pull for each element of the output.

    `how` says whether the walks are recorded, and whether their results are joined as Tensors.
    """
    outside, join = how
    pieces = [_Pieces(root.size, node.shape, _dtype(root, node), 0, join) for node in nodes]

    def pulled(seed: Any) -> list[Any]:
        seeds: dict[Any, Any] = {root.node: seed}
        found = pull_back(seeds, targets=nodes, record=outside)
        return [conform(found[node], node) if node in found else None for node in nodes]

    if root.node is not None:
        _fill(pieces, root, nodes, pulled, record=outside)
    return [
        piece.joined(root.shape + node.shape) for piece, node in zip(pieces, nodes, strict=True)
    ]


def _columns(
    node: Node, roots: Sequence[Tensor], order: Sequence[Node], how: tuple[bool, bool]
) -> list[Any]:
    """Return the Jacobian of each output by one variable: a push for each element of it."""
    outside, join = how
    pieces = [_Pieces(node.size, root.shape, _dtype(root, node), -1, join) for root in roots]
    tracked = [root.node for root in roots if root.node is not None]

    def pushed(tangent: Any) -> list[Any]:
        found = push_forward(tracked, {node: tangent}, record=outside, order=order)
        return [None if root.node is None else found.get(root.node) for root in roots]

    _fill(pieces, node, roots, pushed, record=outside)
    return [
        piece.joined(root.shape + node.shape) for piece, root in zip(pieces, roots, strict=True)
    ]


def _fill(
    pieces: Sequence[_Pieces],
    start: Any,
    ends: Sequence[Any],
    walk: Callable[[Any], list[Any]],
    *,
    record: bool,
) -> None:
    """Walk from one element of `start` after the other; `walk` gives a part for each of `ends`."""
    for k in range(start.size):
        walks = [walk(_one_hot(start, k, unit, record)) for unit in _units(start, ends)]
        for piece, end, *parts in zip(pieces, ends, *walks, strict=True):
            piece.put(k, [part for part in parts if part is not None], end)


def _units(start: Any, ends: Iterable[Any]) -> tuple[complex, ...]:
    """Return the units by which an element moves: 1, and i where it is complex and an end is real.

    The derivative then has two parts, and a real end shows one at a time.
    """
    both = start.dtype.kind == "c" and any(end.dtype.kind != "c" for end in ends)
    return (1, 1j) if both else (1,)


def _one_hot(like: Any, k: int, unit: complex, record: bool) -> Any:
    """Return zeros with `unit` at the k-th element."""
    hot = np.zeros(like.size, like.dtype)
    hot[k] = unit
    hot = hot.reshape(like.shape)[()]
    return wrap(hot) if record else hot


def _dtype(root: Any, node: Any) -> Any:
    """Return the dtype of a derivative: the input's, complex if the output is."""
    if root.dtype.kind == "c" and node.dtype.kind == "f":
        return np.result_type(node.dtype, np.complex64)
    return node.dtype


class _Pieces:
    """Rows or columns of a Jacobian: one array filled in place, or Tensors to join.

    Joined are those that are recorded, and arrays of other libraries.
    """

    def __init__(self, count: int, shape: Shape, dtype: Any, axis: int, join: bool) -> None:
        self.axis = axis
        self.dtype = dtype
        self.apart: list[Any] = []
        if join and count:
            self.whole = None
            self.zeros = wrap(np.zeros(shape, dtype)[()])
        else:
            self.whole = np.zeros((count, *shape) if axis == 0 else (*shape, count), dtype)

    def put(self, k: int, parts: Sequence[Any], end: Any) -> None:
        """Place the k-th: of the parts that its units gave, a real end needs both."""
        piece = parts[0] if parts else None
        if len(parts) == 2 and end.dtype.kind != "c":
            piece = parts[0] - parts[1] * 1j
        if self.whole is None:
            piece = self.zeros if piece is None else as_tensor(piece)
            self.apart.append(piece if piece.dtype == self.dtype else piece.astype(self.dtype))
        elif piece is not None:
            self.whole[k if self.axis == 0 else (..., k)] = piece

    def joined(self, shape: Shape) -> Any:
        """Return the block, in the shape of the output and then of the input."""
        whole = np.stack(self.apart, self.axis) if self.whole is None else self.whole
        return np.reshape(whole, shape)[()]
