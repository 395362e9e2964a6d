"""Pictures of graphs as data: kinds, names, ids, values, cotangents, scopes, JSON, failures."""

from __future__ import annotations

import dataclasses
import gc
import json
import pickle
import re
import sys
import threading
import weakref
from contextlib import suppress

import numpy as np
import pytest
from deeper import explored
from hypothesis import strategies as st
from together import together
from view_samples import HOSTILE, network, network_loss, network_view, ones, programs, run_program

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import kept_leaves
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.errors import GraphError, ShapeError
from tinygrad_bp.nn import LSTM, Conv1d, Embedding, LayerNorm, Linear, Module, Sequential
from tinygrad_bp.optim import SGD
from tinygrad_bp.rules.reductions.normalizing import normalized
from tinygrad_bp.view import EdgeView, GraphView
from tinygrad_bp.view.picture import labels
from tinygrad_bp.view.reading import words


def by_name(view):
    return {node.name: node for node in view.nodes if node.name}


def ops(view):
    return [node.op for node in view.nodes]


# Nodes and edges


def test_nodes_of_the_network_have_names_shapes_and_kinds():
    view = network_view()
    assert [(n.kind, n.name, n.shape) for n in view.nodes if n.kind != "op"] == [
        ("parameter", "hidden1.W", (2, 5)),
        ("parameter", "hidden1.b", (5,)),
        ("parameter", "hidden2.W", (5, 5)),
        ("parameter", "hidden2.b", (5,)),
        ("parameter", "output.W", (5, 1)),
        ("parameter", "output.b", (1,)),
        ("data", "X", (4, 2)),
        ("data", "y", (4, 1)),
        ("output", "loss", ()),
    ]
    assert [(n.op, n.shape) for n in view.nodes if n.kind == "op"] == [
        ("affine", (4, 5)),
        ("sigmoid", (4, 5)),
        ("affine", (4, 5)),
        ("sigmoid", (4, 5)),
        ("affine", (4, 1)),
    ]
    assert {node.dtype for node in view.nodes} == {"float64"}


def test_a_tracked_tensor_can_be_data_and_an_untracked_array_needs_no_name():
    X, y = ones((3,)), np.arange(3.0)
    view = tg.graph(np.sum(X * y), data={"inputs": X})
    assert [(n.kind, n.name) for n in view.nodes[:2]] == [("data", "inputs"), ("data", None)]
    assert view.nodes[1].value == (0.0, 1.0, 2.0)


def test_the_name_that_the_caller_gives_wins():
    w, frozen, X = ones((2, 2), "W"), tg.tensor(np.full((2, 2), 3.0), name="F"), np.ones((1, 2))
    view = tg.graph(
        np.sum(X @ w @ frozen),
        parameters={"hidden.W": w, "hidden.F": frozen},
        data={"X": tg.tensor(X, name="inputs")},
    )
    assert {(n.kind, n.name) for n in view.nodes if n.name} == {
        ("data", "X"), ("parameter", "hidden.W"), ("parameter", "hidden.F"),
    }  # fmt: skip


SEQUENCE = np.arange(24.0).reshape(4, 3, 2) % 17
PARTS = {
    "one": (lambda w: w * SEQUENCE[1], "X[1]"),
    "a column": (lambda w: w[:, 0] * SEQUENCE[:, 2, 1].reshape(4, 1)[:3, 0], None),
    "along another axis": (lambda w: w[:, 0] + SEQUENCE[:, 2].sum(1)[:3], None),
    "a step of time": (lambda w: np.sum(w) * SEQUENCE[:, 2], "X[:, 2]"),
    "some rows": (lambda w: np.sum(w) * SEQUENCE[1:3], "X[1:3]"),
    "some columns": (lambda w: np.sum(w) * SEQUENCE[:, 1:], "X[:, 1:3]"),
    "one column, kept": (lambda w: np.sum(w) * SEQUENCE[:, :, 1:], "X[:, :, 1:2]"),
    "turned": (lambda w: np.sum(w) * SEQUENCE.T, "X.T"),
    "in pairs": (lambda w: np.sum(w) * SEQUENCE[:, None, :, None], "X[:, newaxis, :, newaxis, :]"),
    "in another order": (lambda w: np.sum(w) * SEQUENCE.reshape(3, 4, 2), None),
    "not kept": (lambda w: w[0, 0] - LARGE, "large"),
    "two that are alike": (lambda w: np.sum(w) * np.zeros(2), None),
}


@pytest.mark.parametrize(("function", "name"), PARTS.values(), ids=PARTS)
def test_a_part_of_the_data_is_called_by_its_index(function, name):
    w = ones((3, 2), "w")  # held: by its value what was not kept is found
    loss = np.sum(function(w))
    given = {"X": SEQUENCE, "large": LARGE, "Z": np.zeros((3, 2))}
    found = [node for node in tg.graph(loss, data=given).nodes if node.kind == "data"]
    assert [node.name for node in found] == [name]
    assert all(node.note == "" for node in found)


def test_data_that_stand_in_an_index_go_by_their_name():
    ids = np.array([0, 2, 1, 1, 2, 0, 1])
    rows = ones((3, 2), "w")[ids]
    loss = tg.nn.cross_entropy(rows, ids % 2)
    view = tg.graph(loss, data={"ids": ids, "labels": ids % 2})
    details = [node.detail for node in view.nodes if node.detail]
    assert details == ["[ids]", "labels, mean"]


def test_a_tensor_that_tracks_nothing_keeps_its_name():
    w = ones((2,), "w")
    X, y = tg.tensor([1.0, 2.0], name="X"), tg.tensor([3.0, 4.0])
    y.name = "<y>"
    view = tg.graph(np.sum(X * w - y * w))
    assert [n.name for n in view.nodes if n.kind == "data"] == ["X", "<y>"]
    named = tg.graph(np.sum(X * w), data={"rows": X})
    assert [n.name for n in named.nodes if n.kind == "data"] == ["rows"]
    X.name = None
    assert [n.name for n in tg.graph(np.sum(X * w)).nodes if n.kind == "data"] == [None]


def test_one_array_that_is_used_twice_is_one_constant():
    x, c = ones((2,), "x"), tg.tensor([1.0, 2.0])
    view = tg.graph(np.sum(x * c + x / c))
    assert [node.kind for node in view.nodes].count("data") == 1


def test_names_of_arguments_come_from_the_rule():
    x, y = ones((2, 2), "x"), ones((2, 2), "y")
    named = {edge.position: edge.argument for edge in tg.graph(tg.affine(x, y, ones((2,)))).edges}
    assert named == {0: "x", 1: "W", 2: "b"}
    assert [edge.argument for edge in tg.graph(np.concatenate([x, y])).edges] == [None, None]
    assert [edge.argument for edge in tg.graph(np.arctan2(x, y)).edges] == ["y", "x"]


def test_settings_of_an_operation_are_told():
    x = ones((2, 3))
    assert tg.graph(np.sum(x, axis=1, keepdims=True)).nodes[-1].detail == "axis=1, keepdims=True"
    assert tg.graph(np.tanh(x)).nodes[-1].detail == ""


@explored(24, 240, program=programs)
def test_ids_are_a_topological_order_and_the_same_each_time(program):
    view = tg.graph(run_program(program))
    assert [node.id for node in view.nodes] == list(range(len(view.nodes)))
    assert all(edge.source < edge.target for edge in view.edges)
    assert view.nodes[-1].kind == "output"
    assert sum(node.kind == "output" for node in view.nodes) == 1
    # every node but the last is used: nothing beside the way to the output is drawn
    assert {edge.source for edge in view.edges} == set(range(len(view.nodes) - 1))
    places = [(edge.target, edge.position) for edge in view.edges]
    assert places == sorted(places)
    assert tg.graph(run_program(program)) == view


def test_several_results_are_one_picture():
    x = ones((2,), "x")
    view = tg.graph({"a": np.sin(x), "b": [np.cos(x), x]})
    assert [n.op for n in view.nodes if n.kind == "output"] == ["sin", "cos"]
    assert len(view.nodes) == 3


def test_same_tensor_twice_is_two_edges():
    x = ones((1,), name="x")
    edges = [dataclasses.replace(edge, contribution=None) for edge in tg.graph(x * x).edges]
    assert edges == [EdgeView(0, 1, 0, "x"), EdgeView(0, 1, 1, "y")]


def test_a_leaf_alone_is_a_picture():
    view = tg.graph(ones((3,), "x"))
    assert [(n.op, n.name, n.shape, n.kind) for n in view.nodes] == [("leaf", "x", (3,), "leaf")]
    assert view.nodes[0].value == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    "make",
    [lambda: tg.tensor(1.0), lambda: ones().detach(), lambda: 1.0, lambda: np.ones(2)],
    ids=["untracked", "detached", "float", "array"],
)
def test_nothing_tracked_is_nothing_to_draw(make):
    with pytest.raises(GraphError, match="nothing is tracked, so there is no graph to show"):
        tg.graph(make())


@pytest.mark.parametrize("wrong", [{"level": "atom"}, {"phase": "sideways"}])
def test_unknown_options_are_refused(wrong):
    with pytest.raises(ValueError, match="expected level"):
        tg.graph(ones(), **wrong)


def test_a_picture_does_not_keep_the_graph_alive():
    out = np.sin(ones())
    node = weakref.ref(out.node)
    view = tg.graph(out)
    gc.disable()
    try:
        del out
        assert node() is None
    finally:
        gc.enable()
    assert len(view.nodes) == 2


def test_parameters_are_called_as_in_the_modules_of_the_caller():
    first, second = tg.nn.Linear(2, 3, rng=0), tg.nn.Sequential(tg.nn.Linear(3, 1, rng=1))
    second.layers[0].b.name = "mine"
    out = np.sum(second(np.tanh(first(np.ones((4, 2))))))
    found = {one.name for one in tg.graph(out).nodes if one.kind == "parameter"}
    assert found == {"W", "b", "layers.0.W"}
    assert {one.name for one in tg.graph(out, parameters={}).nodes} >= {"W (1)", "W (2)", "mine"}
    other = tg.nn.Linear(3, 1, rng=1)
    out = np.sum(other(first(np.ones((4, 2)))))
    found = {one.name for one in tg.graph(out).nodes if one.kind == "parameter"}
    assert found == {"first.W", "first.b", "other.W", "other.b"}
    layers, heads = [tg.nn.Linear(2, 2, rng=k) for k in range(2)], {"mean": tg.nn.Linear(2, 1)}
    hidden = np.ones((4, 2))
    for layer in layers:  # a name of the last alone
        hidden = np.tanh(layer(hidden))
    found = {one.name for one in tg.graph(np.sum(heads["mean"](hidden))).nodes if one.name}
    kept = ["layers.0", "layers.1", "heads.mean"]
    assert found == {f"{layer}.{name}" for layer in kept for name in "Wb"}


# Values and cotangents


def test_every_value_of_the_network_is_known_and_right():
    model = network()
    loss, parameters, data = network_loss()
    view = tg.graph(loss, parameters=parameters, data=data)
    z1 = data["X"] @ model[0].W.detach().numpy() + model[0].b.detach().numpy()
    assert np.allclose(view.nodes[7].value, z1.ravel(), rtol=1e-14)
    assert view.nodes[-1].value == (loss.item(),)
    # all but the bias and what comes of it is in the residuals; the bias is asked of its Tensor
    assert all(node.value is not None for node in view.nodes)
    for name, parameter in parameters.items():
        assert by_name(view)[name].value == tuple(parameter.detach().numpy().ravel())


def test_cotangents_are_what_gradients_gives():
    loss, parameters, data = network_loss()
    view = tg.graph(loss, parameters=parameters, data=data)
    for name, parameter in parameters.items():
        gradient = tg.gradients(loss, parameter).numpy()
        assert by_name(view)[name].cotangent == tuple(gradient.ravel().tolist())
    assert view.nodes[-1].cotangent == (1.0,)
    assert all(parameter.grad is None for parameter in parameters.values())  # a walk of its own


@explored(16, 160, program=programs)
def test_contributions_add_up_to_the_cotangent(program):
    view = tg.graph(np.sum(run_program(program)))
    for node in view.nodes:
        parts = [edge.contribution for edge in view.edges if edge.source == node.id]
        if len(parts) > 1 and node.cotangent is not None:
            assert np.allclose(np.sum(parts, axis=0), node.cotangent, rtol=1e-12)


def test_a_parameter_that_was_stepped_since_is_not_shown_with_its_new_value():
    w, b = ones((2,), "w"), ones((2,), "b")
    loss = np.sum(np.tanh(w * [1.0, 2.0] + b))
    before = tg.graph(loss)
    loss.backward()
    SGD([w, b], lr=0.1).step()
    after = tg.graph(loss)
    assert by_name(before)["b"].value == (1.0, 1.0)
    assert by_name(after)["b"].value is None
    assert by_name(after)["b"].note == "has changed since"
    assert "no finite differences of w, b: the value has changed since" in after.notes
    shown = by_name(tg.graph(np.sum(w * b)))["w"]  # of a step of its own
    assert shown.value == tuple(w.numpy().tolist())
    assert after.nodes[-1].value == before.nodes[-1].value


LARGE = np.linspace(0.0, 1.0, 2000)  # more than a graph keeps of what no derivative reads
STEPPED = {
    "read by pulls": (lambda w, b: np.sum(w * b), True),
    "not read": (lambda w, b: np.sum(np.tanh(w * [1.0, 2.0]) + b), True),
    "freed": (lambda w, b: np.sum(np.tanh(w * b)), False),
    "beside what was not kept": (lambda w, b: np.sum(w * w) + np.sum(b[0] - LARGE), True),
    "held by a fused record": (
        lambda w, b: np.sum(np.square(normalized(DATA[:2, :2], w, b))),
        True,
    ),
}


@pytest.mark.parametrize(("function", "retain"), STEPPED.values(), ids=STEPPED)
def test_after_a_step_a_leaf_is_as_it_was_or_says_why_not(function, retain):
    w, b = ones((2,), "w"), ones((2,), "b")
    loss = function(w, b)
    before = tg.graph(loss).nodes
    loss.backward(retain_graph=retain)
    SGD([w, b], lr=0.1).step()
    for node in tg.graph(loss).nodes:
        assert node.value in (None, before[node.id].value)
        assert not retain or node.pulls == before[node.id].pulls
        if node.kind == "leaf" and node.value is None:
            assert node.note in ("has changed since", "may have changed since")


def test_a_copy_of_a_graph_shows_the_same_values():
    loss, parameters, _ = network_loss()
    twin, *_ = pickle.loads(pickle.dumps((loss, parameters)))
    assert [n.value for n in tg.graph(twin).nodes] == [n.value for n in tg.graph(loss).nodes]


def test_freed_residuals_leave_a_picture_without_cotangents():
    x = ones((2,), "x")
    loss = np.sum(np.sin(x))
    loss.backward(retain_graph=False)
    view = tg.graph(loss)
    assert ops(view) == ["leaf", "sin", "sum"]
    assert view.nodes[0].cotangent is None
    assert "no cotangents" in view.notes[0]


def test_a_vector_has_cotangents_once_one_is_given():
    out = np.sin(ones((2,), "x"))
    assert "the result is no scalar" in tg.graph(out).notes[0]
    view = tg.graph(out, cotangent=np.array([1.0, 10.0]))
    assert np.allclose(view.nodes[0].cotangent, np.cos(1.0) * np.array([1.0, 10.0]))


def test_statistics_leave_out_what_is_not_finite():
    x = tg.tensor([1.0, 3.0, np.inf, np.nan], requires_grad=True)
    found = tg.graph(x).nodes[0].statistics
    assert (found.low, found.high, found.mean, found.deviation) == (1.0, 3.0, 2.0, 1.0)
    assert found.not_finite == 2


def test_large_values_are_told_by_their_statistics_alone():
    node = tg.graph(ones((100, 100))).nodes[0]
    assert node.value is None
    assert node.statistics.mean == 1.0


def test_checks_compare_gradients_with_differences_of_the_recorded_computation():
    view = network_view()
    assert [view.nodes[check.node].name for check in view.checks] == [
        "hidden1.W",
        "hidden1.b",
        "hidden2.W",
        "hidden2.b",
        "output.W",
        "output.b",
    ]
    assert all(check.error < 1e-9 for check in view.checks)


def test_a_check_finds_a_wrong_rule(monkeypatch):
    monkeypatch.setattr(TABLE["square"], "pulls", (lambda ct, _out, x: ct * 3 * x,))
    (check,) = tg.graph(np.sum(np.square(tg.tensor([1.0, 2.0], requires_grad=True)))).checks
    assert check.error == pytest.approx(2.0)  # 3x beside 2x, at x = 2
    assert np.allclose(check.differences, [2.0, 4.0])


CONSTANTS = {
    "difference": (lambda w: np.sum((1 - w) * w), ["1", "w", "subtract", "multiply", "sum"]),
    "sum": (lambda w: np.sum(np.sqrt(w + 1e-5)), ["w", "1e-05", "add", "sqrt", "sum"]),
    "array": (lambda w: np.sum(np.square(w - np.arange(2.0))),
              ["w", "data", "subtract", "square", "sum"]),
    "list": (lambda w: np.sum(np.square([1.0, 2.0] - w)),
             ["w", "data", "subtract", "square", "sum"]),
    "bias": (lambda w: np.sum(tg.affine(np.ones((3, 2)), w[:, None], [0.5])),
             ["data", "w", "getitem", "data", "affine", "sum"]),
    "pieces": (lambda w: np.sum(np.square(np.concatenate([w, np.ones(3)]))),
               ["w", "data", "concatenate[2]", "square", "sum"]),
    "choice": (lambda w: np.sum(np.square(np.where([True, False], w, 3.0))),
               ["data", "w", "3", "where", "square", "sum"]),
}  # fmt: skip


def shown_as(node):
    kinds = {"constant": lambda: labels.number_text(node.value[0])}
    return node.name or kinds.get(node.kind, lambda: node.op)()


@pytest.mark.parametrize(("function", "shown"), CONSTANTS.values(), ids=CONSTANTS)
def test_constants_are_operands_and_gradients_are_checked_with_them(function, shown):
    w = tg.tensor([0.25, 3.0], requires_grad=True, name="w")
    view = tg.graph(function(w))
    assert sorted(map(shown_as, view.nodes)) == sorted(shown)
    (check,) = view.checks
    assert check.error < 1e-8
    assert view.notes == ()
    uses = [sum(edge.target == node.id for edge in view.edges) for node in view.nodes]
    pulls = [len(TABLE[n.op].pulls) if n.op in TABLE else 0 for n in view.nodes]
    assert all(used >= count for used, count in zip(uses, pulls, strict=True))


def test_a_large_constant_that_nothing_reads_is_drawn_and_said_not_to_be_kept():
    w = tg.tensor(np.ones(5000), requires_grad=True, name="w")
    view = tg.graph(np.sum(w[:2]) + np.sum(w - np.arange(5000.0)))
    (unknown,) = (node for node in view.nodes if node.note)
    assert (unknown.kind, unknown.note, unknown.value) == ("constant", "was not kept", None)
    assert "constant  was not kept" in view.to_text()
    assert view.checks == ()
    assert view.notes == ("no finite differences of w: 70,000 operations are more than 20,000",)


UNCHECKED = {
    "few digits": (1, np.float32, np.sum, "float32 has too few digits"),
    "complex": (1, complex, lambda w: np.sum(np.real(w)), "it is complex"),
    "not kept": (
        1, float, lambda w: np.sum(np.square(w - np.arange(2000.0))),
        "subtract cannot be computed again",
    ),
    "too long": (6000, float, np.sum, "24,000 operations are more than 20,000"),
    "too wide": (
        100, float, lambda w: np.sum(np.cumsum(np.outer(w, np.ones(900)))),
        "the operations compute more than 20,000,000 elements",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("size", "dtype", "function", "reason"), UNCHECKED.values(), ids=UNCHECKED)
def test_a_check_that_was_not_made_is_said_with_the_reason(size, dtype, function, reason):
    w = tg.tensor(np.ones(size, dtype), requires_grad=True, name="w")
    view = tg.graph(function(w))
    assert view.notes == (f"no finite differences of w: {reason}",)
    assert view.checks == ()


def test_what_is_computed_with_a_leaf_that_has_changed_is_not_checked():
    v, w, b = ones((2,), "v"), ones((2,), "w"), ones((2,), "b")
    loss = np.sum(np.tanh(v * w + b))
    loss.backward()
    SGD([b], lr=0.1).step()
    assert tg.graph(loss).notes == (
        "no finite differences of v, w: the value of a leaf beside it has changed since",
        "no finite differences of b: the value has changed since",
    )


def test_of_many_that_are_not_checked_some_are_named():
    leaves = [ones((2000,), f"w{i}") for i in range(5)]
    view = tg.graph(sum(map(np.sum, leaves)))
    assert view.notes[0].startswith("no finite differences of w0, w1, w2 and 2 more: ")


def test_a_result_that_is_no_scalar_is_checked_with_its_cotangent():
    x = tg.tensor([0.5, 2.0], requires_grad=True, name="x")
    (check,) = tg.graph(np.exp(x), cotangent=np.array([1.0, 10.0])).checks
    assert np.allclose(check.differences, np.exp([0.5, 2.0]) * [1.0, 10.0])
    assert check.error < 1e-7


OWN = {
    "custom": lambda x: tg.differentiable(lambda x: x**2, vjp=lambda ct, _out, x: ct * 2 * x)(x),
    "checkpoint": lambda x: tg.checkpoint(lambda x: np.sin(np.cos(x)))(x),
    "several": lambda x: sum(tg.differentiable(
        lambda x: (x + 1, x * 2), vjp=lambda cts, _outs, x: cts[0] + 2 * cts[1]
    )(x)),
}  # fmt: skip


def test_the_constants_of_a_users_own_function_are_told():
    @tg.differentiable(vjp=lambda ct, _out, _x, _low, high, **_: (ct * high, None, None))
    def bounded(x, low, high, *, table):
        return np.clip(x, low, high) + table[0]

    table = np.arange(3.0)
    out = np.sum(bounded(ones((2,), "x"), -1.5, 2.0, table=table))
    (node,) = (one for one in tg.graph(out, data={"T": table}).nodes if one.op == "bounded")
    assert node.detail == "high=2.0, table=T"  # low is not read, and so not kept


@pytest.mark.parametrize("function", OWN.values(), ids=OWN)
def test_functions_with_rules_of_their_own_are_drawn(function):
    x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    loss = np.sum(function(x))
    view = tg.graph(loss)
    assert np.allclose(view.nodes[0].cotangent, tg.gradients(loss, x).numpy())
    assert view.to_dot()
    assert tg.graph(loss, level="scalar").nodes


def test_the_words_and_formulas_come_from_the_rule():
    node = network_view().nodes[9]
    assert node.words.startswith("weights the inputs")
    assert (node.formula, node.tex) == ("{0} · {1} + {2}", "z = x W + b")
    assert node.pulls == ("{ct} · {1}ᵀ", "{0}ᵀ · {ct}", "sum({ct}, axis=0)")
    assert network_view().nodes[7].pulls[0] == ""  # the data track nothing
    other = tg.graph(np.arctan(ones())).nodes[-1]
    assert (other.words, other.formula) == ("arctan of each element", "arctan({0})")


@together
@pytest.mark.parametrize("rule", [*TABLE.values()], ids=lambda rule: rule.name)
def test_every_rule_has_words_and_formulas_for_its_own_arguments(rule):
    arguments = {f"{{{i}}}" for i in range(len(rule.pulls))}
    assert words.words_of(rule)
    assert words.tex_of(rule)
    assert set(re.findall(r"\{\w*\}", words.formula_of(rule))) <= arguments


def test_a_picture_of_other_arrays_computes_nothing():
    class Lazy:
        """A duck array that must not be computed."""

        shape, ndim, size, dtype = (3, float("nan")), 2, float("nan"), np.dtype(float)

        def __array_function__(self, *_):
            raise NotImplementedError

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return self

        def __array__(self, *_, **__):
            pytest.fail("computed")

    data = Lazy()
    w = ones((3, 1), "w")
    view = tg.graph(np.sin(w * data), data={"X": data})
    assert [(n.kind, n.shape) for n in view.nodes] == [
        ("leaf", (3, 1)),
        ("data", (3, -1)),
        ("op", (3, -1)),
        ("output", (3, -1)),
    ]
    assert view.notes == ("no values: a picture computes and fetches no test_graph_view Lazy",)
    assert "X  3×?" in view.to_text()
    with pytest.raises(GraphError, match="compute a few rows as a NumPy array first"):
        tg.graph(np.sin(w * data), level="scalar")


# Scopes


class Block(Module):
    def __init__(self, rng):
        self.inner = Linear(3, 3, rng=rng)
        self.more = [Linear(3, 3, rng=rng)]

    def forward(self, x):
        return self.more[0](np.tanh(self.inner(x)))


def test_modules_are_scopes_inside_a_scope():
    block = Block(np.random.default_rng(0))
    with tg.scope("encoder"):
        out = np.sum(block(np.ones((2, 3))))
    scopes = [node.scope for node in tg.graph(out).nodes if node.op in ("affine", "tanh", "sum")]
    assert scopes == [
        ("encoder", "Block", "inner"),
        ("encoder", "Block"),
        ("encoder", "Block", "more.0"),
        ("encoder",),
    ]


def test_a_layer_with_a_name_is_called_so():
    with tg.scope("net"):
        out = np.sum(network()(np.ones((1, 2))))
    assert [node.scope[-1] for node in tg.graph(out).nodes if node.op == "affine"] == [
        "hidden1",
        "hidden2",
        "output",
    ]


def test_outside_a_scope_the_names_of_parameters_tell_the_layer():
    scopes = {node.op: node.scope for node in network_view().nodes}
    assert scopes["affine"] == ("output",)
    assert scopes["sigmoid"] == ()
    assert by_name(network_view())["hidden1.W"].scope == ("hidden1",)


def test_what_joins_two_calls_of_a_layer_is_no_part_of_it():
    w, u = ones((3, 2), "layer.W"), ones((4, 2), "layer.U")
    x, h = np.ones((5, 3)), np.ones((5, 4))
    calls = tg.graph(np.sum(x @ w - 2 * x @ w))
    assert [node.scope for node in calls.nodes if node.op == "subtract"] == [()]
    one_call = tg.graph(np.sum(x @ w - h @ u))
    assert [node.scope for node in one_call.nodes if node.op == "subtract"] == [("layer",)]


def test_what_a_layer_is_given_may_go_past_some_of_it():
    w, g = ones((3, 3), "block.W"), ones((3,), "block.g")
    x = np.tanh(np.ones((2, 3)) @ ones((3, 3), "before.W"))
    out = np.sum(np.tanh(x + x @ w) * g)
    view = tg.graph(out)
    scopes = {node.op: node.scope for node in view.nodes if node.op in ("add", "multiply")}
    assert scopes == {"add": ("block",), "multiply": ("block",)}
    beside = tg.graph(np.sum(np.tanh(x[::-1] + x @ w) * g))  # it was not given that
    assert [node.scope for node in beside.nodes if node.op == "add"] == [()]


def test_a_leaf_of_another_name_is_drawn_beside_the_folded_layer():
    t, w = ones((2, 3), "t"), ones((3, 3), "layer.W")
    small = tg.graph(np.sum((t @ w + 1.0) @ ones((3, 1), "next.W"))).folded(0)
    assert {"t", "layer", "next"} <= by_name(small).keys()
    assert "layer.W" not in by_name(small)


def test_a_leaf_belongs_where_all_its_users_do():
    x = ones((2,), "x")
    with tg.scope("both"):
        with tg.scope("a"):
            left = np.sin(x)
        with tg.scope("b"):
            right = np.cos(x)
        out = left + right
    assert by_name(tg.graph(out))["x"].scope == ("both",)


def test_a_scope_that_is_entered_again_has_a_number():
    x = ones((2,), "x")
    for _ in range(2):
        with tg.scope("step"):
            x = np.sin(x)
    assert [node.scope for node in tg.graph(x).nodes[1:]] == [("step",), ("step (2)",)]


def test_a_scope_decorates_and_is_left_by_an_exception():
    @tg.scope("twice")
    def double(x):
        return x + x

    with pytest.raises(KeyError), tg.scope("left"):
        raise KeyError
    out = double(ones((), "x"))
    assert tg.graph(np.sin(out)).nodes[1].scope == ("twice",)
    assert tg.graph(np.sin(out)).nodes[2].scope == ()


def test_a_generator_is_no_scope():
    with pytest.raises(TypeError, match=r"use 'with tg.scope\('a'\):' inside it"):

        @tg.scope("a")
        def f():
            yield


def test_scopes_of_another_thread_are_not_seen():
    x, started, done = ones((2,), "x"), threading.Event(), threading.Event()

    @tg.scope("theirs")
    def theirs():
        started.set()
        done.wait()

    thread = threading.Thread(target=theirs)
    thread.start()
    started.wait()
    with tg.scope("ours"):
        out = np.sin(x)
    done.set()
    thread.join()
    assert tg.graph(np.cos(out)).nodes[1].scope == ("ours",)
    assert tg.graph(np.cos(out)).nodes[2].scope == ()


def test_an_open_scope_counts():
    with tg.scope("open"):
        out = np.sin(ones())
        assert tg.graph(out).nodes[-1].scope == ("open",)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_scope_needs_a_name(name):
    with pytest.raises(TypeError, match="scope: expected a name"):
        tg.scope(name)


def test_a_module_called_outside_a_scope_notes_nothing(monkeypatch):
    from tinygrad_bp.engine import scopes

    monkeypatch.setattr(scopes, "inside", lambda *_: pytest.fail("noted"))
    network()(np.ones((1, 2)))


# JSON


@explored(24, 240, program=programs, name=HOSTILE)
def test_json_goes_out_and_comes_back(program, name):
    out = np.sum(run_program(program))
    out.name = name
    view = tg.graph(out)
    text = view.to_json()
    assert text.isascii()
    found = json.loads(text)
    assert found == view.to_dict()
    assert (found["format"], found["version"]) == ("tinygrad_bp.graph", 2)
    assert GraphView.from_dict(found) == view


def test_json_has_numbers_that_json_lacks_as_texts():
    z = tg.tensor([1 + 2j, complex("inf")], requires_grad=True, name="z")
    x = tg.tensor([np.inf, -np.inf], requires_grad=True, name="x")
    view = tg.graph([np.real(z), x * 1.0])
    found = json.loads(view.to_json(), parse_constant=lambda text: pytest.fail(text))
    values = {node["name"]: node["value"] for node in found["nodes"]}
    assert values["x"] == ["inf", "-inf"]
    assert by_name(GraphView.from_dict(found))["z"].value == by_name(view)["z"].value


def test_another_version_is_refused():
    found = tg.graph(ones()).to_dict()
    with pytest.raises(ValueError, match="of version 2"):
        GraphView.from_dict({**found, "version": 1})


def test_a_chain_of_20_000_nodes_needs_no_recursion():
    limit = sys.getrecursionlimit()
    out = ones(name="x")
    for _ in range(20_000):
        out = np.sin(out)
    view = tg.graph(out)
    assert len(view.nodes) == 20_001
    assert len(view.to_dict()["edges"]) == 20_000
    assert [node.count for node in view.folded().nodes] == [1, 19_999, 1]
    assert view.to_dot().count("sin") == 2
    assert sys.getrecursionlimit() == limit


# The walk back


def test_the_backward_phase_has_a_cotangent_for_every_node_in_the_order_of_the_walk():
    view = network_view(phase="backward")
    assert {node.kind for node in view.nodes} == {"cotangent"}
    assert [node.name for node in view.nodes][:3] == [
        "∂loss/∂loss",
        "∂loss/∂affine 11",
        "∂loss/∂sigmoid 10",
    ]
    assert all(edge.source < edge.target for edge in view.edges)
    forward = {node.name: node.cotangent for node in network_view().nodes if node.name}
    for node in view.nodes:
        name = node.name.removeprefix("∂loss/∂")
        if name in forward:
            assert node.value == forward[name]


def test_both_phases_show_what_the_pulls_read():
    view = network_view(phase="both")
    assert {node.phase for node in view.nodes} == {"forward", "backward"}
    names = {node.id: node.name or f"{node.op} {node.id}" for node in view.nodes}
    read = {
        (names[e.source], names[e.target])
        for e in view.edges
        if view.nodes[e.source].phase != view.nodes[e.target].phase
    }
    assert ("X", "∂loss/∂hidden1.W") in read
    assert ("hidden2.W", "∂loss/∂sigmoid 8") in read
    assert ("sigmoid 8", "∂loss/∂affine 7") in read
    assert not any(target == "∂loss/∂hidden1.b" for _, target in read)


def test_gradients_with_a_graph_of_their_own_can_be_drawn():
    x = ones((2,), "x")
    gradient = tg.gradients(np.sum(np.sin(x)), x, create_graph=True)
    assert "cos" in ops(tg.graph(gradient))


# A computation that ends in an exception


def caught(function, *args):
    try:
        function(*args)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is drawn
        return error
    pytest.fail("did not raise")


FAILURES = {
    "method": (lambda x, w: np.tanh(x) @ w, "matmul", ["tanh", "leaf"]),
    "ufunc": (lambda x, w: np.exp(x) + w, "add", ["exp", "leaf"]),
    "nary": (lambda x, w: np.concatenate([np.sin(x), w[0]]), "concatenate[2]", ["sin", "getitem"]),
    "ternary": (lambda x, w: tg.affine(x, w, np.sin(x)), "affine", ["leaf", "leaf", "sin"]),
    "no rule": (lambda x, _w: np.savetxt("x", np.cos(x)), "savetxt", ["constant", "cos"]),
    "keyword": (lambda x, w: np.add(np.sin(x), w, where=True), "add", ["sin", "leaf"]),
    "out": (
        lambda x, _w: np.add(np.ones(2), np.sin(x), out=np.ones(2)),
        "add",
        ["data", "sin"],
    ),
    "overflow": (lambda x, _w: np.exp(np.square(x) * 1e6), "exp", ["multiply"]),
}


@pytest.mark.parametrize(("function", "op", "operands"), FAILURES.values(), ids=FAILURES)
def test_the_failing_operation_is_marked(function, op, operands):
    with np.errstate(over="raise"):
        view = tg.graph(caught(function, ones((3, 2), "x"), ones((5, 4), "w")))
    (failed,) = (node for node in view.nodes if node.kind == "failed")
    assert failed.op == op
    assert failed is view.nodes[-1]
    sources = [view.nodes[edge.source].op for edge in view.edges if edge.target == failed.id]
    assert sources == operands
    kinds = {"ShapeError", "UnsupportedFunctionError", "FloatingPointError"}
    assert failed.note.split(":")[0] in kinds
    assert "raised" in view.notes[-1]
    assert view.to_text()
    assert view.to_svg(engine="own")


def test_an_operand_that_tracks_nothing_is_shown_too():
    view = tg.graph(caught(lambda x: np.sin(x) @ np.ones((7, 7)), ones((2, 2), "x")))
    assert [(n.kind, n.shape) for n in view.nodes] == [
        ("leaf", (2, 2)),
        ("op", (2, 2)),
        ("data", (7, 7)),
        ("failed", ()),
    ]


def test_an_exception_of_the_user_shows_what_was_there():
    def f(x):
        y = np.sin(x)
        raise RuntimeError(f"after {y.shape}")

    view = tg.graph(caught(f, ones((2,), "x")))
    assert [node.op for node in view.nodes] == ["leaf", "sin", "raised"]
    assert view.nodes[-1].note == "RuntimeError: after (2,)"


class Refusing:
    def __array__(self, *_args, **_kwargs):
        raise RuntimeError

    def __repr__(self):
        return "no array"


def broken(x, _data):
    raise KeyError(x.shape)


OPERANDS = {
    "list": (lambda x: x @ [[1.0, 2.0]], [("data", None, (1, 2))]),
    "NumPy scalar": (lambda x: x @ np.float32(2), [("constant", None, ())]),
    "text": (lambda x: x + "a", [("constant", "'a'", ())]),
    "ragged": (lambda x: x * [[1.0], [2.0, 3.0]], [("constant", "[[1.0], [2.0, 3.0]]", ())]),
    "data": (lambda x: x @ DATA, [("data", "X", (7, 7))]),
    "frozen": (lambda x: x @ FROZEN, [("parameter", "hidden.W", (5, 5))]),
    "named": (lambda x: x + tg.tensor(np.ones(9), name="mean"), [("data", "mean", (9,))]),
    "refuses to be an array": (lambda x: x + Refusing(), [("constant", "no array", ())]),
    "loss": (lambda x: tg.nn.bce_with_logits(x, DATA), [("data", "X", (7, 7))]),
    "labels": (lambda x: tg.nn.cross_entropy(x, np.array([0, 9])), [("data", None, (2,))]),
    "conversion": (lambda x: float(x), []),
    "own": (lambda x: tg.differentiable(broken, vjp=None)(x, DATA), [("data", "X", (7, 7))]),
    "by name": (
        lambda x: np.add(x, 1.5, where=DATA[:2, :3] > 0),
        [("constant", None, ()), ("data", None, (2, 3))],
    ),
    "kernel of a layer": (
        lambda x: Conv1d(2, 4, 1, name="conv")(x),
        [("leaf", "conv.W", (4, 2, 1))],
    ),
    "several": (lambda x: tg.affine(x, DATA, 1.5), [("data", "X", (7, 7)), ("constant", None, ())]),
}
DATA, FROZEN = np.ones((7, 7)), tg.tensor(np.ones((5, 5)), name="W")


@pytest.mark.parametrize(("function", "others"), OPERANDS.values(), ids=OPERANDS)
def test_a_failed_operation_is_drawn_with_its_real_operands(function, others):
    error = caught(function, ones((2, 3), "x"))
    view = tg.graph(error, data={"X": DATA}, parameters={"hidden.W": FROZEN})
    edges = [edge for edge in view.edges if edge.target == view.nodes[-1].id]
    sources = [view.nodes[edge.source] for edge in edges]
    assert sources[0].name == "x"
    assert [(one.kind, one.name, one.shape) for one in sources[1:]] == others
    assert [edge.position for edge in edges] == list(range(len(edges)))
    named = view.nodes[-1].op not in ("cross_entropy", "float", "broken")  # whose rules have none
    assert not named or all(edge.argument for edge in edges)
    assert "raised" not in view.nodes[-1].op


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: tg.vmap(np.add)(x, DATA), "vmap"),
        (lambda x: x.backward(), "backward"),
        (lambda x: LayerNorm(5)(x), "LayerNorm"),
    ],
)
def test_what_refuses_its_arguments_goes_by_its_own_name(function, name):
    assert ops(tg.graph(caught(function, ones((2, 3), "x"))))[-1] == name


LAYERS = {
    "in a chain": (
        lambda x: Sequential(Linear(3, 6), LayerNorm(8), Linear(8, 1))(x),
        "LayerNorm",
        [("affine", (2, 6)), ("leaf", (8,)), ("leaf", (8,))],
    ),
    "of layers": (
        lambda x: LSTM(5, 4)(x),
        "LSTM",
        [("leaf", (2, 3)), ("leaf", (5, 16)), ("leaf", (4, 16)), ("leaf", (16,))],
    ),
    "of plain numbers": (
        lambda _x: Embedding(10, 4)(np.array([[1, 2, 30]])),
        "Embedding",
        [("data", (1, 3)), ("leaf", (10, 4))],
    ),
}


@pytest.mark.parametrize(("function", "name", "operands"), LAYERS.values(), ids=LAYERS)
def test_a_layer_that_refuses_is_drawn_with_its_own_parameters(function, name, operands):
    view = tg.graph(caught(function, ones((2, 3), "x")))
    assert view.nodes[-1].op == name
    sources = [view.nodes[edge.source] for edge in view.edges if edge.target == view.nodes[-1].id]
    assert [(one.op, one.shape) for one in sources] == operands
    names = [edge.argument for edge in view.edges if edge.target == view.nodes[-1].id]
    assert names[0] == ("symbols" if name == "Embedding" else "x")
    short = [one.rpartition(".")[2] for one in names[1:]]  # cell.W is called W by itself
    assert short == [one.name.split(" ")[0] for one in sources[1:]]
    assert f"<h1>What {name}#{len(view.nodes) - 1} was given when it failed</h1>" in view.to_html()


def test_leaves_of_a_failure_go_by_the_names_of_the_callers_modules():
    net = Sequential(Linear(3, 6), LayerNorm(8))
    view = tg.graph(caught(net, np.ones((2, 3))))
    assert {"layers.0.W", "layers.0.b", "layers.1.g", "layers.1.b"} <= by_name(view).keys()


def pull_fails(_ct, _out, _x):
    raise ZeroDivisionError


def test_a_pull_that_fails_is_drawn_with_what_it_was_given():
    x = ones((2, 3), "x")
    own = tg.differentiable(np.sinh, vjp=pull_fails)
    loss = np.sum(own(x * 2.0) * 3.0)
    for run in (loss.backward, lambda: tg.gradients(loss, x)):
        view = tg.graph(caught(run))
        assert ops(view)[-1] == "pull of sinh"
        sources = [
            view.nodes[edge.source] for edge in view.edges if edge.target == len(view.nodes) - 1
        ]
        assert [(one.op, one.kind) for one in sources] == [
            ("sinh", "op"),
            ("cotangent", "cotangent"),
        ]
        assert sources[1].value == (3.0,) * 6
        assert labels.edge_labels(view)[-2:] == ["out", "ct"]
        assert "sum" in ops(view)  # the whole graph is there


def test_a_mask_of_what_failed_is_told_from_its_operands():
    view = tg.graph(caught(lambda x: np.add(x, x * 2.0, where=DATA[:2, :3] > 0), ones((2, 3))))
    assert labels.edge_labels(view)[-3:] == ["x", "y", "where"]


def test_a_failure_can_be_drawn_once_its_traceback_is_gone():
    error = caught(lambda x: np.sin(x) @ np.ones(3), ones((2,), "x"))
    error.__traceback__ = error.__cause__.__traceback__ = None
    assert ops(tg.graph(error)) == ["leaf", "sin", "data", "matmul"]


def test_an_exception_without_tensors_is_refused():
    with pytest.raises(GraphError, match="no tracked Tensor is in the traceback"):
        tg.graph(caught(lambda: 1 / 0))


@explored(8, 80, st.integers(0, 4), st.integers(1, 6))
def test_whatever_was_recorded_before_the_failure_is_in_the_picture(depth, width):
    x = ones((width,), "x")

    def f():
        y = x
        for _ in range(depth):
            y = np.sin(y)
        return y @ np.ones(width + 1)

    view = tg.graph(caught(f))
    assert ops(view).count("sin") == depth


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ((slice(1, None), slice(None, None, 2)), "[1:, ::2]"),
        (1, "[1]"),
        ((..., None, slice(0, 1)), "[..., newaxis, 0:1]"),
        (np.array([0, 1, 1]), "[[0, 1, 1]]"),
        (np.zeros(9, int), "[array of (9,)]"),
    ],
)
def test_an_index_reads_as_it_is_written(index, text):
    view = tg.graph(np.sum(ones((2, 3))[index]))
    assert [node.detail for node in view.nodes if node.op == "getitem"] == [text]


def test_settings_without_names_are_left_out():
    view = tg.graph(np.sum(np.concatenate([ones((2,)), ones((2,))])))
    assert all(node.detail == "" for node in view.nodes)


@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble, np.float16, np.complex64])
def test_numbers_of_any_width_are_plain(dtype):
    x = tg.tensor(np.array([0.5, 2]), dtype=dtype, requires_grad=True, name="x")
    for level in ("tensor", "scalar"):
        view = tg.graph(np.sum(x * x), level=level)
        assert GraphView.from_dict(json.loads(view.to_json())) == view
        assert {type(one) for node in view.nodes for one in node.value} <= {float, complex}


def test_sums_of_complex_products_are_traced():
    x = tg.tensor([[1 + 2j, 0.5], [3.0, -1j]], requires_grad=True, name="x")
    (node,) = (one for one in tg.graph(np.sum(np.real(x @ x))).nodes if one.op == "matmul")
    assert node.links[1] == (((0, 1), (1, 3)), ())


def test_focus_takes_an_id_too():
    out = np.sum(np.sin(ones((2,))))
    assert tg.graph(out, focus=0) == tg.graph(out, focus="0")


def test_a_parameter_that_is_an_array_is_refused():
    with pytest.raises(TypeError, match=r"parameters\['W'\] is a ndarray, no Tensor"):
        tg.graph(np.sum(ones((2,))), parameters={"W": np.ones(2)})


@pytest.mark.parametrize("options", [{"level": "scalar"}, {"focus": "x"}])
@pytest.mark.parametrize("phase", ["backward", "both"])
def test_a_phase_that_would_not_be_drawn_is_refused(options, phase):
    with pytest.raises(ValueError, match="is drawn at the tensor level, without focus"):
        tg.graph(np.sum(ones((2,), "x")), phase=phase, **options)


@pytest.mark.parametrize("options", [{"level": "scalar"}, {"focus": "x"}, {"phase": "both"}])
def test_options_that_say_nothing_of_an_exception_are_refused(options):
    with pytest.raises(ShapeError) as caught:
        np.tanh(ones((2, 3), "x")) @ np.ones((2, 3))
    with pytest.raises(ValueError, match="of an exception the forward phase"):
        tg.graph(caught.value, **options)


def test_leaves_that_are_called_alike_have_a_number_to_tell_them_apart():
    weights = [tg.tensor(np.eye(2) * k, requires_grad=True, name="W") for k in (1.0, 2.0, 3.0)]
    h = np.ones((2, 2))
    for one in weights:
        h = np.tanh(h @ one)
    view = tg.graph(np.sum(h))
    found = {node.name: node.value for node in view.nodes if node.op == "leaf"}
    assert found == {f"W ({k})": (k, 0.0, 0.0, k) for k in (1, 2, 3)}
    assert {node.name for node in tg.graph(np.sum(h), focus="W (2)[0,0]").nodes} > {"W (2)[0,0]"}
    assert {node.name for node in tg.graph(np.sum(h), focus="W").nodes} > {"W (3)[0,0]"}
    named = tg.graph(np.sum(h), parameters=dict(zip("abc", weights, strict=True)))
    assert [node.name for node in named.nodes if node.kind == "parameter"] == ["a", "b", "c"]


def weight(name, *shape):
    return tg.tensor(np.full(shape, 0.1), requires_grad=True, name=name)


def scopes_by_op(out):
    found = {}
    for node in tg.graph(out).nodes:
        found.setdefault(node.op, set()).add("/".join(node.scope))
    return found


def test_what_joins_two_values_of_a_layer_belongs_to_it():
    kernel, bias = weight("conv.W", 2, 3), weight("conv.b", 2)
    out = np.zeros((4, 2)) @ kernel + np.sum(bias)
    assert scopes_by_op(np.exp(out) * 2)["add"] == {"conv"}
    assert scopes_by_op(out * np.cos(weight("top", 3)))["multiply"] == {""}


def test_what_stands_between_operations_of_a_layer_belongs_to_it():
    W1, W2, V = weight("net.W1", 3, 3), weight("net.W2", 3, 3), weight("head.V", 3, 1)
    found = scopes_by_op(np.exp(np.sin(np.tanh(np.ones((2, 3)) @ W1) * 2) @ W2) @ V)
    assert found["tanh"] == found["sin"] == found["multiply"] == {"net"}
    assert found["exp"] == {""}  # on its way from one layer to another


def test_the_last_of_a_chain_belongs_where_the_others_do():
    Wx, Wh, V = weight("rnn.Wx", 3, 3), weight("rnn.Wh", 3, 3), weight("head.V", 3, 1)
    h = np.zeros((2, 3))
    for _ in range(3):
        h = np.tanh(np.ones((2, 3)) @ Wx + h @ Wh)
    assert scopes_by_op(np.sum(h @ V))["tanh"] == {"rnn"}


def test_what_a_scope_holds_is_said_by_the_scope_alone():
    W1, W2 = weight("net.W1", 3, 3), weight("net.W2", 3, 3)
    h = np.ones((2, 3)) @ W1
    with tg.scope("between"):
        h = np.tanh(h)
    assert scopes_by_op(np.sum(h @ W2))["tanh"] == {"between"}


def test_leaves_are_kept_for_pictures_as_long_as_that_is_asked_for():
    def loss():
        return np.sum(np.ones((2, 3)) @ weight("W", 3, 1))

    def is_known():
        return next(node for node in tg.graph(made).nodes if node.name == "W").value is not None

    made = loss()
    assert not is_known()
    with kept_leaves(), kept_leaves():
        made = loss()
        assert is_known()
    assert not is_known()
    with suppress(KeyError), kept_leaves():
        _ = {}["nothing"]
    made = loss()
    assert not is_known()
