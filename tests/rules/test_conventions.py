"""Every row of the rule table keeps the engine's conventions.

Layouts, dtypes, forward mode, residuals, mutation.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from oracles import EXACT, same
from sampling import CASES, Case, cases, directions, each, like, tracked
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.memory import LARGE
from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.engine.recording import SMALL
from tinygrad_bp.engine.rule import TABLE, JointPulls, Rule, call
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.testing.oracles import pairing
from tinygrad_bp.testing.samples import is_numpys, plain

LARGE_CASES = [
    Case(rule, call(*[(LARGE // 100 + 1, 100)] * len(rule.pulls)))
    for rule in TABLE.values()
    if rule.kind == "elementwise" and None not in rule.pulls and not rule.trial.samples
]
LAYOUTS = ("fortran", "negative", "strided", "readonly", "broadcast")


# Shapes, layouts, dtypes


def laid_out(x: Any, how: str) -> Any:
    """Return an array equal to `x` with another layout, where it can have that."""
    if not np.ndim(x):
        return np.array(x)
    if how == "fortran":
        return np.asfortranarray(x)
    if how == "negative":
        reverse = (slice(None, None, -1),) * x.ndim
        return np.ascontiguousarray(x[reverse])[reverse]
    if how == "strided":
        wide = np.full([2 * n for n in x.shape], np.nan, x.dtype)
        inner = wide[(slice(None, None, 2),) * x.ndim]
        inner[...] = x
        return inner
    if how == "broadcast":  # a stride of 0, which nobody may write through
        return np.broadcast_to(x, (2, *x.shape))[1]
    same_values = x.copy()
    same_values.flags.writeable = False
    return same_values


@each(CASES, few=3)
def test_layout_does_not_matter(one: Case) -> None:
    arrays = one.arrays
    weight = like(one(*arrays))
    value, pull = tg.vjp(one, *arrays)
    wanted = pull(weight)
    for how in LAYOUTS:
        there = [laid_out(x, how) for x in arrays]
        value_there, pull_there = tg.vjp(one, *there)
        same(value_there, value)
        for part, w in zip(pull_there(laid_out(weight, how)), wanted, strict=True):
            same(part, w)
        # Raw arrays of this layout as operands, one argument tracked at a time.
        for i, w in enumerate(wanted if len(arrays) > 1 else ()):
            mixed: list[Any] = list(there)
            mixed[i] = leaf = tg.tensor(arrays[i], requires_grad=True)
            one(*mixed).backward(laid_out(weight, how))
            same(leaf.grad.numpy(), w)


@each(CASES, few=3)
def test_views_inside_the_graph(one: Case) -> None:
    """Interior values of other layouts: transposed, reversed, every second element."""
    arrays = one.arrays
    weight = like(one(*arrays))
    _, pull = tg.vjp(one, *arrays)
    wanted = pull(weight)

    def reversed_twice(x: Any) -> Any:
        return x[(slice(None, None, -1),) * np.ndim(x)] if np.ndim(x) else x

    leaves = tracked([reversed_twice(x) for x in arrays])
    one(*map(reversed_twice, leaves)).backward(weight)
    for leaf, w in zip(leaves, wanted, strict=True):
        same(reversed_twice(leaf.grad.numpy()), w)

    leaves = tracked([np.transpose(x) for x in arrays])
    one(*map(np.transpose, leaves)).backward(weight)
    for leaf, w in zip(leaves, wanted, strict=True):
        same(leaf.grad.numpy().T, w)

    leaves = tracked([np.repeat(x, 2, axis=-1) if np.ndim(x) else x for x in arrays])
    one(*(x[..., ::2] if x.ndim else x for x in leaves)).backward(weight)
    for leaf, w in zip(leaves, wanted, strict=True):
        part = leaf.grad.numpy()
        same(part[..., ::2] if part.ndim else part, w)
        if part.ndim:
            assert not np.any(part[..., 1::2])


@each(CASES)
def test_float32_stays_float32(one: Case) -> None:
    arrays = one.arrays
    narrow = [np.float32(x) for x in arrays]
    wanted = one.run(plain(one.rule), narrow)
    leaves = tracked(narrow)
    value = one(*leaves)
    assert value.dtype == wanted.dtype
    if plain(one.rule) is one.rule.forward and not is_numpys(one.rule.function):
        assert value.dtype in (np.float32, np.complex64)  # nothing else says so
    assert value.dtype == np.asarray(one(*narrow)).dtype
    weight = like(wanted)
    node = value.node
    for pull, parent in zip(node.rule.pulls, node.parents, strict=True):
        if parent is not None and value.dtype in (np.float32, np.complex64):
            assert pull(weight.astype(value.dtype)[()], *node.saved).dtype == parent.dtype
    value.backward(weight.astype(value.dtype))
    reference, pull = tg.vjp(one, *[x.astype(np.float64) for x in narrow])
    np.testing.assert_allclose(value.numpy(), reference, rtol=EXACT["f"], atol=EXACT["f"])
    for leaf, w in zip(leaves, pull(weight.astype(value.dtype)), strict=True):
        assert leaf.grad.dtype == np.float32
        # divisions by numbers near the edges of the domains magnify the rounding of the values
        np.testing.assert_allclose(leaf.grad.numpy(), w, rtol=10 * EXACT["f"], atol=10 * EXACT["f"])


@each(CASES)
def test_walk_keeps_shape_and_dtype_of_each_argument(one: Case) -> None:
    """Mixed dtypes, leaves and interior nodes: a gradient has its value's shape and dtype."""
    for narrow in range(max(1, len(one.places))):
        arrays = [np.float32(x) if i == narrow else x for i, x in enumerate(one.arrays)]
        leaves = tracked(arrays)
        interior = [+leaf for leaf in leaves]
        value = one(*interior)
        assert value.node is not None
        assert (value.node.shape, value.node.dtype) == (value.shape, value.dtype)
        grads = tg.gradients(value, [*leaves, *interior], np.ones(value.shape))
        for grad, x in zip(grads, [*arrays, *arrays], strict=True):
            assert (grad.shape, grad.dtype) == (np.shape(x), x.dtype)
        again = tg.gradients(value, [*leaves, *interior], np.ones(value.shape), create_graph=True)
        for grad, first in zip(again, grads, strict=True):
            assert (grad.shape, grad.dtype) == (first.shape, first.dtype)
            same(grad.detach().numpy(), first.numpy())


def characters(rule: Rule) -> Iterator[str]:
    """Yield the dtypes, each by its character, that NumPy lets `rule` be called with."""
    for char in "efdgFDG":
        if isinstance(rule.function, np.ufunc):
            loops = [loop.partition("->")[0] for loop in rule.function.types]
            if char * rule.function.nin not in loops:
                continue
        yield char


@together
@pytest.mark.parametrize("shape", [(), (2, 3), (1, 3)])
@pytest.mark.parametrize(
    ("name", "char"),
    [(rule.name, char) for rule in TABLE.values() if rule.alike for char in characters(rule)],
)
def test_what_is_said_to_be_alike_is(name: str, char: str, shape: tuple[int, ...]) -> None:
    """The recorder takes shape and dtype from the arguments, without asking the result."""
    rule = TABLE[name]
    one = Case(rule, call(*[shape] * len(rule.pulls)))
    value = one(*tracked([x.astype(char) for x in one.arrays]))
    assert (value.node.shape, value.node.dtype) == (value._value.shape, value._value.dtype)


def test_nearly_all_ufuncs_are_alike() -> None:
    """Else the recorders would ask each array again, without anything else to see it by."""
    others = {
        name
        for name, rule in TABLE.items()
        if rule.kind == "elementwise" and isinstance(rule.function, np.ufunc) and not rule.alike
    }
    assert {one for one in others if hasattr(np, one)} == {"absolute", "float_power"}


@each(CASES)
def test_every_pull_gives_its_arguments_shape(one: Case) -> None:
    """Only `broadcasts` allows a part of the result's shape, which the walk sums away."""
    value = one(*tracked(one.arrays))
    node = value.node
    assert node is not None
    for pull, parent in zip(node.rule.pulls, node.parents, strict=True):
        if parent is None:
            continue
        part = pull(like(value.numpy())[()], *node.saved)
        if node.rule.broadcasts:
            assert np.broadcast_shapes(np.shape(part), parent.shape) == np.shape(part)
        else:
            assert np.shape(part) == parent.shape


@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("order", ["C", "F"])
@each(LARGE_CASES)
def test_large_arrays_give_what_their_rows_give(one: Case, order: Any, dtype: str) -> None:
    """Large results come from reused buffers, and small ones are computed in another way."""
    arrays = [np.asarray(x, dtype, order) for x in one.arrays]
    weight = np.asarray(like(arrays[0]), dtype, order)
    value, pull = tg.vjp(one, *arrays)
    grads = pull(weight)
    for i in (0, 57):
        part, pull = tg.vjp(one, *[x[i : i + 1] for x in arrays])
        few = {"rtol": 100 * np.finfo(dtype).eps, "atol": 10 * np.finfo(dtype).eps}
        np.testing.assert_allclose(value[i : i + 1], part, **few)
        for grad, expected in zip(grads, pull(weight[i : i + 1]), strict=True):
            np.testing.assert_allclose(grad[i : i + 1], expected, **few)


def test_a_large_tanh_carries_an_infinite_cotangent_on() -> None:
    _, pull = tg.vjp(np.tanh, np.full(LARGE, 0.5))
    assert np.all(pull(np.full(LARGE, np.inf))[0] == np.inf)


@each([one for one in CASES if not np.ndim(one(*one.arrays))])
def test_a_value_of_no_dimensions_is_a_numpy_scalar(one: Case) -> None:
    """It cannot be changed, and rules that write into their own results ask for arrays."""
    for arrays in (one.arrays, [np.float32(x) for x in one.arrays]):
        assert isinstance(one(*tracked(arrays))._value, np.generic)


# Forward mode, from the same rules


def replay(node: Node, known: dict[Node, Any]) -> tuple[list[Any], tuple[Any, ...]]:
    """Return the raw arguments and the parameters with which `node` was made."""
    count = len(node.rule.pulls)
    assert node.saved is not None
    saved = node.saved[1 : 1 + count]
    params = node.saved[1 + count :]
    arguments = []
    for parent, kept in zip(node.parents, saved, strict=True):
        if parent is None:
            # an untracked argument that no pull reads; the linear forward sees its tangent, 0
            arguments.append(np.float64(0.0) if kept is None else kept)
        elif parent in known:
            arguments.append(known[parent])
        else:  # a part of a composition, like the diagonal that einsum takes
            inner, inner_params = replay(parent, known)
            arguments.append(parent.rule.forward(*inner, *inner_params))
    return arguments, params


def pushed(node: Node, known: dict[Node, Any], tangents: dict[Node, Any]) -> Any:
    """Return the tangent of `node` by the convention of its rule's kind, on raw arrays."""
    rule = node.rule
    if node in tangents:
        return tangents[node]
    arguments, params = replay(node, known)
    out = rule.forward(*arguments, *params)
    ts = [None if p is None else pushed(p, known, tangents) for p in node.parents]
    if rule.kind == "general":
        assert rule.push is not None
        return rule.push(tuple(ts), out, *arguments, *params)
    if rule.kind == "linear":
        filled = [np.zeros_like(x) if t is None else t for t, x in zip(ts, arguments, strict=True)]
        return rule.forward(*filled, *params)
    parts = []
    for i, t in enumerate(ts):
        if t is None:
            continue
        if rule.kind == "elementwise":
            parts.append(rule.pulls[i](t, out, *arguments, *params))
        else:
            parts.append(rule.forward(*arguments[:i], t, *arguments[i + 1 :], *params))
    return sum(parts[1:], parts[0])


@each(CASES)
def test_push_is_the_transpose_of_the_pull(one: Case) -> None:
    arrays = one.arrays
    leaves = tracked(arrays)
    value = one(*leaves)
    weight, tangents = like(value.numpy()), directions(arrays)
    nodes = [leaf.node for leaf in leaves]
    pushed_tangent = pushed(
        value.node, dict(zip(nodes, arrays, strict=True)), dict(zip(nodes, tangents, strict=True))
    )
    assert np.broadcast_shapes(np.shape(pushed_tangent), value.shape) == value.shape
    value.backward(weight)
    left = np.real(np.sum(weight * pushed_tangent))
    right = pairing([leaf.grad.numpy() for leaf in leaves], tangents)
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


@each([one for one in cases(where=lambda rule: rule.kind == "general") if len(one.places) > 1])
def test_push_takes_none_for_a_zero_tangent(one: Case) -> None:
    arrays = one.arrays
    leaves = tracked(arrays)
    value = one(*leaves)
    assert value.node is not None
    tangents = directions(arrays)
    arguments, params = replay(
        value.node, {leaf.node: x for leaf, x in zip(leaves, arrays, strict=True)}
    )
    out = value.numpy()[()]
    full = one.rule.push(tuple(tangents), out, *arguments, *params)
    parts = [
        one.rule.push(
            tuple(t if k == i else None for k, t in enumerate(tangents)), out, *arguments, *params
        )
        for i in range(len(tangents))
    ]
    np.testing.assert_allclose(sum(parts), full, rtol=1e-12, atol=1e-12)


# Residuals


@each(CASES)
def test_only_what_a_pull_reads_is_kept(one: Case) -> None:
    """Tracks each subset of the arguments: what no needed pull names is not in `Node.saved`."""
    arrays = one.arrays
    for mask in product([False, True], repeat=len(arrays)):
        if not any(mask):
            continue
        mixed = [tg.tensor(x, requires_grad=on) for x, on in zip(arrays, mask, strict=True)]
        out = one(*mixed)
        node = out.node
        assert node is not None
        rule = node.rule
        needed = list(needed_pulls(rule, node))
        flags = [reads(rule, i) for i in needed]
        if rule.convention is not None:  # what it names is read by every recorded pull
            names = rule.convention.where.__code__.co_varnames[: 1 + len(rule.pulls)]
            flags.append([not name.startswith("_") for name in names])
        read = [any(each) for each in zip(*flags, strict=True)]
        assert node.saved is not None
        assert (node.saved[0] is not None) == read[0]
        for kept, parent, needs in zip(node.saved[1:], node.parents, read[1:], strict=False):
            if needs and rule.sparing is not None and rule.sparing(unwrap(mixed[0]))[1]:
                assert kept is None
            elif needs:
                assert kept is not None
                assert not isinstance(kept, Node)
            elif parent is None:  # a constant, which pictures show if it is small
                assert kept is None or np.size(kept) <= SMALL
            else:  # the parent has shape and dtype, and no array
                assert kept is None or kept is parent


def needed_pulls(rule: Rule, node: Node) -> Iterator[int]:
    return (
        i
        for i, parent in enumerate(node.parents)
        if parent is not None and rule.pulls[i] is not None
    )


def reads(rule: Rule, i: int) -> list[bool]:
    """Return whether pull `i` reads out and each argument, from the names in its own signature."""
    if rule.reads is not None:
        return rule.reads(i)
    joint = isinstance(rule.pulls, JointPulls)
    code: Any = (rule.pulls.together if joint else rule.pulls[i]).__code__  # type: ignore[union-attr]  # as asked
    count = 1 + len(rule.pulls)
    names = code.co_varnames[1 + joint : min(1 + joint + count, code.co_argcount)]
    rest = [True] * (count - len(names))  # ``*arguments``
    return [*(not name.startswith("_") for name in names), *rest]


@each(CASES)
def test_linear_rules_keep_no_arrays(one: Case) -> None:
    node = one(*tracked(one.arrays)).node
    assert node is not None
    if node.rule.kind == "linear":
        kept = node.saved[: 1 + len(node.rule.pulls)]
        assert not any(isinstance(value, (np.ndarray, np.generic)) for value in kept)


# Mutation


@each(CASES, few=3)
def test_mutation_of_raw_operands_does_not_reach_the_gradient(one: Case) -> None:
    arrays = [np.array(x) for x in one.arrays]
    weight = like(one(*arrays))
    _, pull = tg.vjp(one, *arrays)
    wanted = pull(weight)
    for i, w in enumerate(wanted):
        mixed: list[Any] = [x.copy() for x in arrays]
        mine = [x for k, x in enumerate(mixed) if k != i]
        mixed[i] = source = arrays[i].copy()
        leaf = tg.tensor(source, requires_grad=True)
        mixed[i] = leaf
        value = one(*mixed)
        before = value.numpy().copy()
        for x in (*mine, source):
            x[...] = 0.123
        same(value.numpy(), before)
        value.backward(weight)
        same(leaf.grad.numpy(), w)
