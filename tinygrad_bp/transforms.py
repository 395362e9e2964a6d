"""What users call to differentiate: Tensors by `backward` and `gradients`, functions by `grad`.

The functional transforms take arrays, Tensors and nested containers of them and give the same back.
They nest: where the result depends on a Tensor tracked outside, it is a tracked Tensor itself, so
nothing is detached silently.
"""

from __future__ import annotations

import functools
import operator
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.containers import flatten
from tinygrad_bp.errors import DTypeError, GraphError
from tinygrad_bp.graph import Leaf, Node, Variable, ancestors, enable_grad, is_recording
from tinygrad_bp.tensor import SCALARS, Tensor, method, private_copy, unwrap, wrap
from tinygrad_bp.walk import pull_back, seed

_accumulating = threading.Lock()  # two threads that add into one leaf lose nothing


def backward(
    self: Tensor,
    cotangent: Any = None,
    *,
    retain_graph: bool = True,
    create_graph: bool = False,
) -> None:
    """Add the gradient of this Tensor into `.grad` of every leaf it depends on.

    Parameters
    ----------
    cotangent : array or Tensor of this shape, optional
        What to begin with; 1 for a scalar, required for anything else.
    retain_graph : bool, default True
        False frees the residuals as the walk passes, which saves memory; the graph cannot be walked
        again.
    create_graph : bool, default False
        Record the walk itself, so that the gradients can be differentiated again.

    Raises
    ------
    GraphError
        If nothing is tracked, the cotangent is missing or has another shape, or the residuals were
        freed.
    """
    start = seed(self, cotangent, "backward")
    if create_graph:
        start = _tensor(start)
    root: Any = self._node  # not None: seed would have raised
    found = pull_back({root: start}, record=create_graph, free=not retain_graph)
    with _accumulating:
        for leaf, ct in found.items():
            account = leaf.account()  # type: ignore[attr-defined]  # without targets, leaves only
            if account is None:  # no Tensor of this leaf is left to ask for it
                continue
            if ct.dtype is not leaf.dtype:
                ct = conform(ct, leaf)
            prior = account.grad
            if create_graph:
                account.grad = _tensor(ct) if prior is None else prior + ct
            else:
                account.grad = wrap(ct if prior is None else prior._value + ct)


method("backward", backward)


def conform(ct: Any, node: Node) -> Any:
    """Return `ct` in the node's dtype; a real node gets the real part."""
    if ct.dtype == node.dtype:
        return ct
    if ct.dtype.kind == "c" and node.dtype.kind == "f":
        ct = np.real(ct)
    return ct.astype(node.dtype)


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else wrap(value)


def gradients(
    outputs: Any,
    inputs: Any,
    cotangents: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool = True,
) -> Any:
    """Return the gradients of recorded Tensors in any Tensors of their graph, leaves or interior.

    Parameters
    ----------
    outputs : Tensor, or nested container of Tensors
        Where to begin.  The gradients of several add up.
    inputs : Tensor, or nested container of Tensors
        Tracked Tensors; what no output depends on gets zeros.
    cotangents : array or Tensor of the output's shape, or container like `outputs`, optional
        1 for scalars, required for anything else.
    create_graph : bool, default False
        Record the walk, so that the result can be differentiated again.
    retain_graph : bool, default True
        False frees the residuals as the walk passes.

    Returns
    -------
    Tensor, or container like `inputs`

    Raises
    ------
    GraphError
        If an input, or every output, tracks nothing, or a cotangent does not fit.

    Examples
    --------
    >>> import tinygrad_bp as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> tg.gradients(y * y, [x, y])
    [Tensor(108.), Tensor(18.)]
    >>> tg.gradients([x, y], x, [10.0, 1.0])
    Tensor(16.)
    """
    wanted, rebuild = flatten(inputs)
    nodes = []
    for one in wanted:
        if not isinstance(one, Tensor) or one._node is None:
            raise GraphError("gradients: an input tracks nothing; make it with requires_grad=True")
        nodes.append(one._node)
    roots, _ = flatten(outputs)
    found = pull_back(
        _seeds("gradients", roots, cotangents, record=create_graph),
        targets=nodes,
        record=create_graph,
        free=not retain_graph,
    )
    return rebuild([_tensor(_found(found, node)) for node in nodes])


def _seeds(name: str, roots: Sequence[Any], cotangents: Any, *, record: bool) -> dict[Node, Any]:
    """Return the cotangents to begin with: Tensors if `record`, else raw arrays.

    A root that tracks nothing has none; if that is so of all, `seed` says what is wrong.
    """
    cts = [None] * len(roots) if cotangents is None else flatten(cotangents)[0]
    if len(cts) != len(roots):
        raise GraphError(f"{name}: {len(cts)} cotangents for {len(roots)} results")
    some = any(isinstance(root, Tensor) and root._node is not None for root in roots)
    seeds: dict[Node, Any] = {}
    for root, ct in zip(roots, cts, strict=True):
        if some and not (isinstance(root, Tensor) and root._node is not None):
            continue
        start = seed(root, ct, name)
        start = _tensor(start) if record else unwrap(start)
        node = root._node
        seeds[node] = seeds[node] + start if node in seeds else start
    return seeds


def _found(found: dict[Node, Any], node: Node) -> Any:
    ct = found.get(node)
    return np.zeros(node.shape, node.dtype)[()] if ct is None else conform(ct, node)


class _Call:
    """One call of a function on fresh variables: values, graph, and how to build the answers."""

    def __init__(self, name: str, primals: Sequence[Any]) -> None:
        self.name = name
        self.flat, self.rebuild = flatten(list(primals))
        self.variables = [_variable(name, one) for one in self.flat]
        self.nodes: list[Any] = [one._node for one in self.variables]
        self.arguments = self.rebuild(self.variables)

    def run(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `f`, recording; from its return on, nothing outside can ask for the variables."""
        try:
            with enable_grad():
                return f(*args, **kwargs)
        finally:
            for node in self.nodes:
                if type(node) is Variable:
                    node.open = False

    def pull(self, seeds: dict[Node, Any], *, free: bool) -> Any:
        """Return the cotangents of the primals: arrays, or Tensors if something outside asks."""
        outside = is_recording() and _depends_outside(seeds, self.nodes)
        if outside:
            seeds = {node: _tensor(ct) for node, ct in seeds.items()}
        with enable_grad():
            found = pull_back(seeds, targets=self.nodes, record=outside, free=free and not outside)
        seeds.clear()
        answers = []
        for node, primal in zip(self.nodes, self.flat, strict=True):
            ct = _found(found, node)
            found.pop(node, None)
            if outside or isinstance(primal, Tensor):
                answers.append(_tensor(ct))
            else:
                answers.append(ct if _exclusive(ct) else np.array(ct)[()])  # type: ignore[arg-type]
        return self.rebuild(answers)

    def value(self, result: Any) -> Any:
        """Return what the function gave, as an array unless it depends on Tensors from outside."""
        if not isinstance(result, Tensor):
            return result
        if (
            result.node is not None
            and is_recording()
            and _depends_outside([result.node], self.nodes)
        ):
            return result
        value = result._value
        if any(isinstance(one, Tensor) for one in self.flat):
            return wrap(value)
        return np.array(value)[()]


def _variable(name: str, primal: Any) -> Tensor:
    """Return a fresh variable with the value of `primal`, and in its graph if that is tracked."""
    if isinstance(primal, Tensor) and primal.node is not None:
        with enable_grad():
            variable: Tensor = +primal
            return variable
    value = primal._value if isinstance(primal, Tensor) else private_copy(primal)
    if value.dtype.kind not in "fc":
        hint = " (write 2.0, not 2)" if type(primal) in SCALARS else "; use .astype(float)"
        raise DTypeError(f"{name}: cannot differentiate with respect to {value.dtype} values{hint}")
    return wrap(value, Variable(value.shape, value.dtype))


def _depends_outside(roots: Iterable[Node], nodes: Sequence[Node]) -> bool:
    """Whether `roots` depend on tracked values other than through `nodes`' own values."""
    own = set(nodes)
    floor = min((node.index for node in nodes), default=-1)
    older: list[Node] = []
    for node in ancestors(*roots, floor=floor):
        if type(node) is Leaf and node not in own:
            return True
        older += [one for one in node.parents if one is not None and one.index < floor]
    return _live(older)


def _live(nodes: Iterable[Node]) -> bool:
    """Whether `nodes` depend on anything that someone may still differentiate by."""
    rest = list(nodes)
    seen = set(rest)
    while rest:
        node = rest.pop()
        if type(node) is Leaf or (type(node) is Variable and node.open):
            return True
        fresh = [one for one in node.parents if one is not None and one not in seen]
        seen.update(fresh)
        rest += fresh
    return False


def _exclusive(ct: Any) -> bool:
    """Whether only the caller refers to `ct`, so that it may be handed out without a copy."""
    if isinstance(ct, np.generic):
        return True
    return (
        type(ct) is np.ndarray
        and ct.base is None
        and ct.flags.writeable
        and sys.getrefcount(ct) <= OWN_REFERENCES
    )


# The name in `pull`, the parameter of `_exclusive`, and getrefcount's own argument.
OWN_REFERENCES = 3


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that gives f's value and its gradient.

    Parameters
    ----------
    f : callable
        Returns a scalar.
    argnums : int or sequence of int, default 0
        Which positional arguments to differentiate; each an array, a Tensor, a float, or a nest of
        them.

    Returns
    -------
    callable
        ``(value, gradient)``; the gradient has the structure of the argument, a tuple of them for
        several.

    Raises
    ------
    GraphError
        When called, if f's result is no scalar.
    DTypeError
        When called, if an argument to differentiate holds integers.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.value_and_grad(lambda w: np.sum(w * w))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    several = isinstance(argnums, Sequence)
    positions = tuple(argnums) if isinstance(argnums, Sequence) else (operator.index(argnums),)

    @functools.wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _Call("grad", [args[i] for i in positions])
        arguments = list(args)
        for i, one in zip(positions, call.arguments, strict=True):
            arguments[i] = one
        result = call.run(f, *arguments, **kwargs)
        if np.shape(result) != ():
            raise GraphError(
                f"grad: the function returned shape {np.shape(result)}, a scalar is needed;"
                " reduce it, for instance"
                " with numpy.sum, or use tg.vjp with a cotangent"
            )
        value = call.value(result)
        node = result.node if isinstance(result, Tensor) else None
        seeds = {} if node is None else {node: result.dtype.type(1)}
        del result, arguments
        grads = call.pull(seeds, free=True)
        return value, (tuple(grads) if several else grads[0])

    return differentiated


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that gives the gradient of `f`; see `value_and_grad`.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.grad(np.sin)(0.0)
    np.float64(1.0)
    >>> tg.grad(tg.grad(np.sin))(np.pi / 2)
    np.float64(-1.0)
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return differentiated


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Compute ``f(*primals)`` and the map that pulls a cotangent of the result back to the primals.

    Parameters
    ----------
    f : callable
        Returns an array, or a nested container of arrays.
    *primals
        Arrays, Tensors, floats, or nests of them.

    Returns
    -------
    value
        What f returned.
    pull : callable
        Takes a cotangent of the shape and structure of the value; gives one cotangent for each
        primal.  It can be called again.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> value, pull = tg.vjp(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    call = _Call("vjp", primals)
    result = call.run(f, *call.arguments)
    outputs, rebuild = flatten(result)
    value = rebuild([call.value(one) for one in outputs])

    def pull(cotangent: Any) -> tuple[Any, ...]:
        cts, _ = flatten(cotangent)
        tracked = any(isinstance(ct, Tensor) and ct.requires_grad for ct in cts)
        if not any(isinstance(one, Tensor) and one.requires_grad for one in outputs):
            return tuple(call.pull({}, free=False))
        seeds = _seeds("vjp", outputs, cotangent, record=tracked)
        if not tracked:
            return tuple(call.pull(seeds, free=False))
        found = pull_back(seeds, targets=call.nodes, record=True)
        return tuple(call.rebuild([_tensor(_found(found, node)) for node in call.nodes]))

    return value, pull
