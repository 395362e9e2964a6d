"""The scalar level: the same computation with each element for a node."""

from __future__ import annotations

import re

import numpy as np
import pytest
from deeper import explored
from hypothesis import strategies as st
from view_samples import network, network_loss, network_view, ones

import tinygrad_bp as tg
from tinygrad_bp.errors import GraphError
from tinygrad_bp.view import GraphTooLargeError
from tinygrad_bp.view.picture import labels

SCALAR = {
    "add": np.add,
    "multiply": np.multiply,
    "subtract": np.subtract,
    "negative": np.negative,
}


def recomputed(view):
    """Compute every node again from its sources, as far as its operation is known here."""
    sources = {node.id: [] for node in view.nodes}
    for edge in view.edges:
        sources[edge.target].append(view.nodes[edge.source].value[0])
    for node in view.nodes:
        values = sources[node.id]
        if not values:
            continue
        if node.op in ("add", "sum"):
            yield node, sum(values)
        elif node.op == "multiply":
            yield node, np.prod(values)
        elif node.op == "sigmoid":
            yield node, 1 / (1 + np.exp(-values[0]))
        elif node.op in ("tanh", "sin", "exp", "negative"):
            yield node, getattr(np, node.op)(values[0])
        elif node.op == "mean":
            yield node, np.mean(values)


def gradients_add_up(view):
    """Whether each node's gradient is the sum of what its uses send back."""
    parts = {}
    for edge in view.edges:
        if edge.contribution is not None:
            parts.setdefault(edge.source, []).append(edge.contribution[0])
    for node in view.nodes:
        if node.id in parts and node.cotangent is not None:
            yield node, sum(parts[node.id])


def elements(view, name):
    return {
        tuple(map(int, re.findall(r"\d+", node.name.removeprefix(name)))): node
        for node in view.nodes
        if node.name and re.fullmatch(rf"{re.escape(name)}\[[\d,]*\]", node.name)
    }


def test_values_and_gradients_of_all_samples_are_the_tensors():
    loss, parameters, data = network_loss()
    view = tg.graph(loss, parameters=parameters, data=data, level="scalar", sample=None)
    assert view.level == "scalar"
    assert view.notes == ()
    assert all(node.shape == () for node in view.nodes)
    for name, parameter in parameters.items():
        gradient = tg.gradients(loss, parameter).numpy()
        found = elements(view, name)
        assert len(found) == parameter.size
        for index, node in found.items():
            assert node.value == (parameter.detach().numpy()[index],)
            assert node.cotangent == (gradient[index],)
    checked = list(recomputed(view))
    assert len(checked) > 200
    assert all(np.isclose(node.value[0], value, rtol=1e-12) for node, value in checked)
    added = list(gradients_add_up(view))
    assert len(added) > 100
    assert all(np.isclose(node.cotangent[0], total, rtol=1e-10) for node, total in added)


def test_one_sample_is_the_default():
    view = network_view(level="scalar")
    assert view.notes == (
        "sample 0 of 4 is drawn; a number that is taken over all of them says so",
    )
    assert set(elements(view, "X")) == {(0, 0), (0, 1)}
    assert set(elements(view, "y")) == {(0, 0)}
    assert len(elements(view, "hidden2.W")) == 25
    other = network_view(level="scalar", sample=2)
    assert set(elements(other, "X")) == {(2, 0), (2, 1)}
    assert len(view.nodes) == len(other.nodes) == 116
    assert all(np.isclose(n.value[0], v, rtol=1e-12) for n, v in recomputed(view))


@pytest.mark.parametrize("options", [{"level": "scalar"}, {"focus": "output.W"}, {"focus": "11"}])
def test_of_one_sample_all_numbers_are_its_own_or_say_over_how_many_they_are_taken(options):
    def of_others(scale):
        loss, parameters, data = network_loss()
        other = np.where(np.arange(4)[:, None] == 2, 1.0, scale)
        model = network()
        loss = tg.nn.bce_with_logits(model(data["X"] * other), data["y"])
        parameters = {one.name: one for one in model.parameters()}
        data = {"X": data["X"] * other, "y": data["y"]}
        return tg.graph(loss, parameters=parameters, data=data, sample=2, **options)

    view, moved = of_others(1.0), of_others(1.7)
    over = 0
    for node, other in zip(view.nodes, moved.nodes, strict=True):
        if node.shape:  # whole arrays are of all samples, as their shape says
            continue
        for field, count in (("value", node.value_of), ("cotangent", node.cotangent_of)):
            own, others = getattr(node, field), getattr(other, field)
            changed = own is not None and not np.allclose(own, others, rtol=1e-12)
            assert not changed or count == 4
            over += changed
    assert over > 0
    text = "\n".join(line for node in view.nodes for line in labels.lines(node, view.level))
    assert "(sum over 4 samples)" in text or view.level == "tensor"
    assert "(of 4 samples)" in text or view.level == "tensor"
    assert "(sum over 4 samples)" in view.to_html()


def scaled(count, width, others):
    """Return data of which all rows but no. 2 are multiplied."""
    data = np.random.default_rng(2).normal(size=(count, width))
    return data * np.where(np.arange(count)[:, None] == 2, 1.0, others)


MODELS = {
    "square": (5, 5, lambda X, W: np.mean(np.tanh(X @ W) ** 2)),
    "transposed": (5, 5, lambda X, W: np.sum(np.tanh(X @ W).T ** 3)),
    "covariance": (5, 5, lambda X, W: np.mean(np.tanh(X @ W).T @ np.tanh(X @ W))),
    "reversed": (5, 3, lambda X, W: np.sum((X @ W)[::-1] ** 2)),
    "reshaped": (4, 2, lambda X, W: np.sum((X @ W).reshape(2, 4) ** 3)),
    "weight decay": (5, 3, lambda X, W: np.mean((X @ W) ** 2) + 0.1 * np.sum(W**2)),
    "a vector along the other axis": (
        5, 5, lambda X, W: np.mean(np.tanh(X @ W) + np.mean(X @ W, axis=1)),
    ),
    "largest": (5, 3, lambda X, W: np.max(np.tanh(X @ W))),
}  # fmt: skip


@pytest.mark.parametrize(("count", "width", "function"), MODELS.values(), ids=MODELS)
def test_what_the_other_samples_change_says_that_it_is_of_all(count, width, function):
    def drawn(others):
        weights = np.random.default_rng(1).normal(size=(width, width))
        W = tg.tensor(weights, requires_grad=True, name="W")
        X = scaled(count, width, others)
        loss = function(X, W)
        return tg.graph(loss, parameters={"W": W}, data={"X": X}, level="scalar", sample=2)

    view, moved = drawn(1.0), drawn(1.7)
    assert "sample 2 of" in view.notes[-1]
    changed = 0
    for node, other in zip(view.nodes, moved.nodes, strict=True):
        for field, of in (("value", node.value_of), ("cotangent", node.cotangent_of)):
            own, others = getattr(node, field), getattr(other, field)
            if own is not None and not np.allclose(own, others, rtol=1e-12):
                assert of == count, (node.name or node.op, field)
                changed += 1
    assert changed
    assert set(elements(view, "X")) <= {(2, j) for j in range(width)}


def test_a_sample_that_no_data_have_is_refused():
    with pytest.raises(GraphError, match="no data have a row for each sample"):
        tg.graph(np.sum(np.sin(ones((3,), "x"))), level="scalar", sample=1)
    W, X = ones((5, 5), "W"), scaled(5, 5, 1.0)
    with pytest.raises(GraphError, match="no data have a row for each sample"):
        tg.graph(np.mean(W @ X), data={"X": X}, level="scalar", sample=2)  # a column each


def test_a_sample_out_of_range_is_refused():
    with pytest.raises(GraphError, match="the data have 4 rows"):
        network_view(level="scalar", sample=4)


def test_micrograd_draws_the_same():
    a, b = ones((), "a"), tg.tensor(-3.0, requires_grad=True, name="b")
    view = tg.graph(np.tanh(a * b + a), level="scalar")
    assert [node.op for node in view.nodes] == ["leaf", "leaf", "multiply", "add", "tanh"]
    slope = 1 - np.tanh(-2.0) ** 2
    assert view.nodes[0].cotangent == pytest.approx((slope * -2,))
    assert "grad" in view.to_text()


def test_a_constant_that_no_derivative_reads_is_drawn_and_what_comes_of_it_is_known():
    x = tg.tensor([0.5, 2.0], requires_grad=True, name="x")
    out = np.sum(np.tanh(x * 3.0 + 1.0))
    view = tg.graph(out, level="scalar")
    assert [node.value for node in view.nodes if node.op == "add"] == [(2.5,), (7.0,)]
    assert sum(node.value == (1.0,) and node.kind == "constant" for node in view.nodes) == 1
    gradient = tg.gradients(out, x).numpy()
    assert [elements(view, "x")[i,].cotangent for i in range(2)] == [(g,) for g in gradient]
    assert all(np.isclose(n.cotangent[0], t, rtol=1e-12) for n, t in gradients_add_up(view))


FUNCTIONS = {
    "sum": np.sum,
    "mean": np.mean,
    "rows": lambda x: np.sum(x, axis=0)[1],
    "matmul": lambda x: np.sum(x @ x.T),
    "square of itself": lambda x: np.sum(x * x),
    "outer": lambda x: np.sum(np.outer(x[0], x[1])),
    "einsum": lambda x: np.einsum("ij,kj->", x, x),
    "broadcast": lambda x: np.sum(x * x[0] + x[:, :1]),
    "transpose": lambda x: np.sum(np.tanh(x.T)[2]),
    "reshape": lambda x: np.sum(np.exp(np.reshape(x, (3, 2)))[0]),
    "stack": lambda x: np.sum(np.concatenate([x, np.sin(x)])[::2]),
    "max": np.max,
    "softmax": lambda x: tg.softmax(x)[0, 0],
    "norm": np.linalg.norm,
    "cumsum": lambda x: np.cumsum(x)[3],
    "scaled": lambda x: np.sum(2.0 * x - x / 4.0),
    "constants": lambda x: np.sum(np.array([[1.0, 2.0, 3.0]]) * x @ np.ones((3, 2))),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_any_function_has_a_scalar_level(function):
    x = tg.tensor(np.random.default_rng(0).normal(size=(2, 3)), requires_grad=True, name="x")
    out = function(x)
    view = tg.graph(out, level="scalar", sample=None)
    assert all(edge.source < edge.target for edge in view.edges)
    gradient = tg.gradients(out, x).numpy()
    for index, node in elements(view, "x").items():
        assert node.cotangent == (gradient[index],)
    missing = set(np.ndindex(2, 3)) - set(elements(view, "x"))
    assert all(gradient[index] == 0 for index in missing)
    assert all(np.isclose(node.value[0], v, rtol=1e-12) for node, v in recomputed(view))
    assert all(np.isclose(n.cotangent[0], t, rtol=1e-10) for n, t in gradients_add_up(view))


@explored(10, 100, st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))
def test_a_matrix_product_is_sums_of_products(n, k, m):
    x, y = ones((n, k), "x"), ones((k, m), "y")
    view = tg.graph(np.sum(x @ y), level="scalar")
    assert sum(node.op == "multiply" for node in view.nodes) == n * k * m
    assert sum(node.op == "add" for node in view.nodes) == (n * m if k > 1 else 0)


# Focus


PASSED = {
    "reshape": (lambda z: z.reshape(2, 1), False),
    "real": (np.real, True),
    "cast": (lambda z: np.abs(z).astype(np.float16), True),
}


@pytest.mark.parametrize(("function", "drawn"), PASSED.values(), ids=PASSED)
def test_what_changes_an_element_is_drawn(function, drawn, request):
    z = tg.tensor([1.0 + 2j, 0.1 - 3j], requires_grad=True, name="z")
    view = tg.graph(np.sum(function(z)), level="scalar", cotangent=1.0)
    assert (request.node.callspec.id in {node.op for node in view.nodes}) is drawn
    sums = [(node, total) for node, total in recomputed(view) if node.op == "sum"]
    assert sums
    for node, total in sums:
        assert np.allclose(node.value, total, rtol=1e-3)  # half precision


def test_focus_on_a_node_expands_it_among_whole_tensors():
    view = network_view(focus="11")
    assert view.level == "tensor"
    assert [node.shape for node in view.nodes if node.name == "hidden2.W"] == [(5, 5)]
    products = [node for node in view.nodes if node.op == "multiply"]
    assert len(products) == 5
    arguments = {
        (view.nodes[e.source].name, e.argument) for e in view.edges if e.target == products[2].id
    }
    assert ("output.W", "[2,0]") in arguments
    assert any(node.op == "add" and node.shape == () for node in view.nodes)
    assert view.nodes[-1].name == "loss"


def test_focus_on_a_parameter_shows_its_elements():
    view = network_view(focus="output.W")
    assert sorted(elements(view, "output.W")) == [(i, 0) for i in range(5)]


def test_focus_on_an_element_shows_what_depends_on_it():
    view = network_view(focus="hidden2.W[0,2]")
    assert view.level == "scalar"
    names = {node.name for node in view.nodes if node.name}
    assert {"hidden2.W[0,2]", "output.W[2,0]", "loss"} <= names
    assert "hidden1.W[0,0]" not in names
    assert len(view.nodes) < 15
    # a product is shown with both its factors
    product = next(node for node in view.nodes if node.op == "multiply")
    assert sum(edge.target == product.id for edge in view.edges) == 2


def test_focus_on_a_row_of_the_data_chooses_the_sample():
    view = network_view(focus="X[3,1]")
    assert view.notes[0].startswith("sample 3 of 4")


@pytest.mark.parametrize(
    ("focus", "part"),
    [
        ("hidden3.W", "'hidden3.W' is no node of this graph; by name there are: X, hidden1.W"),
        ("hidden2.W[5,0]", "'hidden2.W' has the shape (5, 5)"),
        ("hidden2.W[1]", "'hidden2.W' has the shape (5, 5)"),
        ("99", "0 to 13"),
    ],
)
def test_focus_on_nothing_is_refused(focus, part):
    with pytest.raises(GraphError) as caught:
        network_view(focus=focus)
    assert part in str(caught.value)


def test_a_name_with_brackets_is_a_name_first():
    x = ones((2,), "x[0]")
    view = tg.graph(np.sum(np.sin(x)), focus="x[0]")
    assert sorted(n.name for n in view.nodes if n.name) == ["x[0][0]", "x[0][1]"]


def test_too_many_elements_are_refused():
    x = ones((200, 200), "x")
    with pytest.raises(GraphTooLargeError, match="more than 20000 nodes"):
        tg.graph(np.sum(np.sin(x)), level="scalar", sample=None)


def test_links_tell_what_each_element_is_made_of():
    x, W = ones((2, 3), "x"), tg.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    node = tg.graph(x @ W).nodes[-1]
    assert node.links[3][0] == ((3, 1), (4, 3), (5, 5))  # row 1 of x, column 1 of W
    assert tg.graph(np.sin(x)).nodes[-1].links[4] == ((), ((0, 4, np.cos(1.0)),))
    assert tg.graph(np.sin(ones((30, 30)))).nodes[-1].links is None


PULLS = {
    "two": (lambda x, y: x - y, ("{ct}", "−{ct}")),
    "one": (lambda x, _: np.sin(x), ("{ct} · cos({0})",)),
    "a constant": (lambda x, _: np.array([3.0, 4.0]) - x, ("", "−{ct}")),
    "a condition": (
        lambda x, y: np.where(np.array([True, False]), x, y),
        ("", "where({0}, {ct}, 0)", "where({0}, 0, {ct})"),
    ),
    "a sum": (lambda x, y: np.sum(x * y), ("{ct}", "{ct}")),
    "slopes": (lambda x, _: np.prod(-x), ("{ct} · (−2)", "{ct} · (−1)")),
}


@pytest.mark.parametrize("case", PULLS)
def test_what_an_element_sends_back_is_said_in_numbers(case):
    function, pulls = PULLS[case]
    x, y = (tg.tensor([1.0, 2.0], requires_grad=True, name=name) for name in "xy")
    view = tg.graph(np.sum(function(x, y)), level="scalar")
    assert pulls in [node.pulls for node in view.nodes]
