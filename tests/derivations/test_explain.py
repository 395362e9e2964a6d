"""What an explanation says, of networks that one can derive by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from formula_reader import computed, require_all
from leaves import leaf

import tinygrad_bp as tg
from tinygrad_bp.errors import GraphError, ProgramError
from tinygrad_bp.formulas.boxes import text

SIZES = {"W1": (2, 5), "b1": (5,), "W2": (5, 5), "b2": (5,), "W3": (5, 1), "b3": (1,)}


def network(m: int = 4) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return the loss of a 2-5-5-1 network, its parameters, and all its values by name."""
    rng = np.random.default_rng(m)
    X = rng.normal(size=(m, 2))
    y = (X[:, :1] * X[:, 1:] < 0) * 1.0
    p = {k: tg.tensor(rng.normal(size=s), requires_grad=True) for k, s in SIZES.items()}
    z1 = X @ p["W1"] + p["b1"]
    a1 = tg.sigmoid(z1)
    z2 = a1 @ p["W2"] + p["b2"]
    a2 = tg.sigmoid(z2)
    z3 = a2 @ p["W3"] + p["b3"]
    loss = tg.nn.bce_with_logits(z3, y)
    names = {"X": X, "y": y, **p, "z1": z1, "a1": a1, "z2": z2, "a2": a2, "z3": z3, "loss": loss}
    return loss, p, names


def lines(found: tg.Explanation) -> dict[str, str]:
    """Return the right side of each equation of the walk back, with its shapes, by the left."""
    return {
        text(one.equation.left): f"{text(one.equation.right)}   {one.equation.shapes}"
        for step in found.derivation.steps
        for one in step.reasons
    }


def test_the_derivation_of_a_network_is_the_one_of_a_textbook() -> None:
    loss, _, names = network()
    found = tg.explain(loss, names=names)
    assert lines(found) == {
        "dz3": "dloss · (σ(z3) − y) / 4   m×1",
        "db3": "sum(dz3, axis=0)   1",
        "da2": "dz3 · W3ᵀ   (m×1)(1×5) = m×5",
        "dW3": "a2ᵀ · dz3   (5×m)(m×1) = 5×1",
        "dz2": "da2 ⊙ a2 ⊙ (1 − a2)   m×5",
        "db2": "sum(dz2, axis=0)   5",
        "da1": "dz2 · W2ᵀ   (m×5)(5×5) = m×5",
        "dW2": "a1ᵀ · dz2   (5×m)(m×5) = 5×5",
        "dz1": "da1 ⊙ a1 ⊙ (1 − a1)   m×5",
        "db1": "sum(dz1, axis=0)   5",
        "dW1": "Xᵀ · dz1   (2×m)(m×5) = 2×5",
    }
    forward = [f"{text(one.left)} = {text(one.right)}" for one in found.derivation.forward]
    assert forward[:3] == ["z1 = X · W1 + b1", "a1 = σ(z1)", "z2 = a1 · W2 + b2"]
    assert require_all(found) > len(forward)
    assert "m = 4" in str(found)


def test_the_source_equals_the_engine_to_thirteen_digits() -> None:
    loss, p, names = network(50)
    found = tg.explain(loss, names=names)
    assert max(found.check().values()) < 1e-13
    scope: dict[str, Any] = {}
    exec(found.numpy(), scope)  # noqa: S102  # what is handed out
    values = [getattr(names[k], "_value", names[k]) for k in ("X", "y", *SIZES)]
    value, *gradients = scope["loss_and_gradients"](*values)
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=1e-13)
    for one, gradient in zip(p.values(), gradients, strict=True):
        np.testing.assert_allclose(gradient, one.grad.numpy(), rtol=1e-13, atol=1e-16)
    for line in ("    z1 = X @ W1 + b1 ", "    d_W3 = a2.T @ d_z3 ", "    # backward"):
        assert f"\n{line}" in found.numpy()


def test_a_source_that_gives_another_gradient_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, _, names = network()
    found = tg.explain(loss, names=names)
    wrong = found._rerun.source.replace("d_W3 = a2.T @ d_z3", "d_W3 = a2.T @ d_z3 * 1.001")
    object.__setattr__(found._rerun, "source", wrong)
    with pytest.raises(ProgramError, match="another dW3"):
        found.check()


def test_the_names_are_those_of_the_callers_variables() -> None:
    weight = tg.tensor([[1.0, 2.0]], requires_grad=True)
    given = {"rates": tg.tensor([3.0, 0.5], requires_grad=True)}
    product = weight * given["rates"]
    total = np.sum(product)
    assert lines(tg.explain(total)) == {
        "dproduct": "broadcast_to(dtotal, (1, 2))   1×2",
        "dweight": "dproduct ⊙ rates   1×2",
        "drates": "sum(dproduct ⊙ weight, axis=0)   2",
    }


def test_layers_with_the_same_names_are_numbered() -> None:
    net = tg.nn.Sequential(tg.nn.Linear(2, 3, rng=0), tg.nn.Sigmoid(), tg.nn.Linear(3, 1, rng=1))
    found = tg.explain(np.mean(net(np.ones((4, 2)))), names={})
    assert {"dW1", "dW2", "db1", "db2"} <= {*lines(found)}


def test_the_parts_of_a_value_that_is_used_twice_add_up() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    total = np.sum(x * np.sin(x))
    found = tg.explain(total)
    told = lines(found)
    assert told["dx"] == "dx⁽¹⁾ + dx⁽²⁾   2"
    assert {told["dx⁽¹⁾"], told["dx⁽²⁾"]} == {"dv2 ⊙ v1   2", "dv1 ⊙ cos(x)   2"}
    assert "x was used twice" in str(found)
    parts = found.values["dx⁽¹⁾"] + found.values["dx⁽²⁾"]
    np.testing.assert_allclose(parts, np.sin([1, 2]) + [1, 2] * np.cos([1, 2]), rtol=1e-14)


def by_hand(z: Any, y: Any) -> Any:
    p = tg.sigmoid(z)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "logits": tg.nn.bce_with_logits,
    "probabilities": lambda z, y: tg.nn.binary_cross_entropy(tg.sigmoid(z), y),
    "by hand": by_hand,
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_sigmoid_cancels_in_cross_entropy(loss: Callable[[Any, Any], Any]) -> None:
    z = tg.tensor([[0.3], [-1.0], [2.0]], requires_grad=True, name="z")
    y = np.array([[1.0], [0.0], [1.0]])
    found = tg.explain(loss(z, y), names={"y": y})
    (remark,) = [one for step in found.derivation.steps for one in step.remarks]
    np.testing.assert_allclose(
        computed(text(remark.equation.right), found.values), found.values["dz"], rtol=1e-12
    )
    assert text(remark.equation.right).endswith("− y) / 3")


def test_reasons_of_products_are_those_of_products_alone() -> None:
    A = tg.tensor([[2.0, 1.0], [0.5, 3.0]], requires_grad=True)
    found = tg.explain(np.sum(np.linalg.inv(A) @ A))
    told = {text(r.equation.left): r.why for s in found.derivation.steps for r in s.reasons}
    assert told["dA⁽²⁾"] == ()
    assert "transposed to lead back" in told["dv1"][0]
    assert "transposed so that its rows meet" in told["dA⁽¹⁾"][0]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_softmax_cancels_in_cross_entropy(reduction: str) -> None:
    z = tg.tensor([[0.3, 1.0, -2.0], [0.5, 0.1, 0.2]], requires_grad=True)
    found = tg.explain(tg.nn.cross_entropy(z, np.array([2, 0]), reduction=reduction))
    ((remark,),) = [step.remarks for step in found.derivation.steps]
    told = text(remark.equation.right)
    assert re.fullmatch(r"\(?softmax\(z, axis=1\) − c\d+\)?( / 2)?", told)
    assert ("/ 2" in told) == (reduction == "mean")
    assert require_all(found) == 5


def test_where_nothing_cancels_nothing_is_said() -> None:
    z = tg.tensor([[0.3], [-1.0], [2.0]], requires_grad=True)
    y = np.array([[1.0], [0.0], [1.0]])
    found = tg.explain(np.mean((tg.sigmoid(z) - y) ** 2))
    assert not any(step.remarks for step in found.derivation.steps)


def test_guards_are_left_out_only_where_nothing_is_guarded() -> None:
    z = tg.tensor([1.0, -2.0, 0.5], requires_grad=True)
    assert lines(tg.explain(np.sum(np.maximum(z, 0.0))))["dz"] == "dv1 ⊙ (z > 0)   3"
    tied = tg.tensor([1.0, 0.0, 0.5], requires_grad=True)
    found = tg.explain(np.sum(np.maximum(tied, 0.0)))
    assert "tied == 0" in lines(found)["dtied"]
    assert require_all(found)


# One element


@pytest.mark.parametrize("element", ["W3[2,0]", "W1[1, 4]", "b2[-1]", "z1[3,0]", "a1[0,0]"])
def test_the_terms_and_the_paths_of_an_element_add_up(element: str) -> None:
    loss, _, names = network()
    one = tg.explain(loss, element=element, names=names).derivation.element
    assert one is not None
    assert sum(term.product for term in one.terms) == pytest.approx(one.gradient, rel=1e-12)
    assert one.path_sum == pytest.approx(one.gradient, rel=1e-12)
    assert one.difference == pytest.approx(one.gradient, rel=1e-5, abs=1e-9)


def test_the_terms_of_a_weight_are_its_samples() -> None:
    loss, _, names = network()
    one = tg.explain(loss, element="W3[2,0]", names=names).derivation.element
    assert one is not None
    assert [term.sample for term in one.terms] == [0, 1, 2, 3]
    np.testing.assert_allclose([t.slope for t in one.terms], names["a2"].numpy()[:, 2])
    assert [term.through for term in one.terms] == [f"z3[{i},0]" for i in range(4)]


def test_every_path_of_a_small_network_is_there() -> None:
    """By all the ways through it, multiplied out."""
    loss, _, names = network(1)
    one = tg.explain(loss, element="W1[0,1]", names=names).derivation.element
    assert one is not None
    assert one.path_count == len(one.paths) == 5
    own = {k: v.numpy() for k, v in names.items() if isinstance(v, tg.Tensor)}
    slope = own["a1"] * (1 - own["a1"]), own["a2"] * (1 - own["a2"])
    error = float((1 / (1 + np.exp(-own["z3"])) - names["y"])[0, 0])
    wanted = [
        names["X"][0, 0] * slope[0][0, 1] * own["W2"][1, k] * slope[1][0, k] * own["W3"][k, 0]
        for k in range(5)
    ]
    found = sorted(path.product for path in one.paths)
    np.testing.assert_allclose(found, sorted(error * np.array(wanted)), rtol=1e-12)
    for path in one.paths:
        assert path.product == pytest.approx(np.prod(path.factors), rel=1e-12)


def test_of_many_terms_and_paths_those_that_carry_most_are_shown() -> None:
    loss, _, names = network(60)
    one = tg.explain(loss, element="W1[0,0]", names=names).derivation.element
    assert one is not None
    assert (one.path_count, len(one.paths), len(one.terms), one.more_terms) == (300, 6, 12, 48)
    total = sum(term.product for term in one.terms) + one.rest
    assert total == pytest.approx(one.gradient, rel=1e-12)
    sizes = [abs(path.product) for path in one.paths]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_paths_of_a_narrow_dtype_add_up_as_well_as_it_rounds(dtype: str) -> None:
    x = tg.tensor(np.array([1, 2, 3], dtype), requires_grad=True, name="x")
    one = tg.explain(np.mean(np.exp(x) * x), element="x[1]").derivation.element
    assert one is not None
    assert one.notes == ()


def test_a_hook_on_the_way_is_said() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    out = np.sum(tg.hook(x, lambda ct: 3.0 * ct))
    one = tg.explain(out, element="x[0]").derivation.element
    assert one is not None
    assert (one.gradient, one.path_sum) == (3.0, 1.0)
    assert "do not add up" in " ".join(one.notes)


# A user's own rules


@tg.differentiable(vjp=lambda ct, out, x, y: (ct * y, np.minimum(ct, 2.0) * x))
def times(x: Any, y: Any) -> Any:
    return x * y


@tg.differentiable(vjp=lambda cts, _out, x: 2 * cts[0] * x + cts[1])
def both(x: Any) -> Any:
    return x * x, x + 1


def test_a_rule_of_the_users_own_is_explained_by_its_code() -> None:
    x, y = (tg.tensor([1.0, k], requires_grad=True) for k in (2.0, 3.0))
    product = times(x, y)
    total = np.sum(product)
    found = tg.explain(total)
    assert lines(found)["dx"] == "dproduct ⊙ y   2"
    assert lines(found)["dy"] == "minimum(dproduct, 2) ⊙ x   2"
    assert require_all(found)
    assert max(found.check().values()) == 0


def test_a_function_with_several_results_is_one_line() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    square, more = both(x)
    total = np.sum(square) + np.sum(more)
    found = tg.explain(total)
    assert lines(found)["dx"] == "2 · dsquare ⊙ x + dmore   2"
    assert [step.of for step in found.derivation.steps] == ["total", "square, more"]
    assert max(found.check().values()) == 0


# Large graphs


def test_layers_that_repeat_are_shown_once() -> None:
    layers = [one for k in range(20) for one in (tg.nn.Linear(3, 3, rng=k), tg.nn.Sigmoid())]
    loss = np.mean(tg.nn.Sequential(*layers)(np.ones((4, 3))) ** 2)
    found = tg.explain(loss, names={"loss": loss})
    assert len(found.derivation.steps) == len(found.derivation.forward) == 4
    assert [step.times for step in found.derivation.steps] == [1, 1, 20, 20]
    assert "The next 2 lines repeat 20 times; shown is the last time." in str(found)
    assert "This and the next step come 20 times" in str(found)
    assert require_all(found) > 10
    assert len(found.check()) == 41


def test_a_weight_of_every_step_gets_one_sum() -> None:
    W = tg.tensor(0.3 * np.eye(3), requires_grad=True)
    state = tg.tensor(np.ones((2, 3)))
    for _ in range(60):
        state = np.tanh(state @ W + 0.1)
    total = np.sum(state)
    found = tg.explain(total, names={"W": W, "total": total})
    assert lines(found)["dW"].startswith("dW⁽¹⁾ + dW⁽²⁾ + … + dW⁽⁶⁰⁾ ")
    assert require_all(found) > 5


def test_large_values_are_told_by_their_statistics() -> None:
    x = tg.tensor(np.linspace(-1.0, 1.0, 41), requires_grad=True)
    told = str(tg.explain(np.sum(x * np.linspace(0.0, 2.0, 41))))
    assert "Its elements are from 0 to 2, mean 1 ± 0.5916." in told


# What may be asked


def test_the_gradients_asked_for_are_derived_and_no_others() -> None:
    loss, p, names = network()
    for wrt in ("W3", p["W3"], ["W3"]):
        found = tg.explain(loss, wrt=wrt, names=names)
        assert [*lines(found)] == ["dz3", "dW3"]
        assert found.check().keys() == {"loss", "dW3"}
    assert {"dW3", "da2"} <= {*lines(tg.explain(loss, wrt=["a2", "W3"], names=names))}


def test_single_precision_is_checked_to_its_own_digits() -> None:
    x = tg.tensor(np.linspace(0.1, 1.0, 50, dtype=np.float32), requires_grad=True)
    total = np.sum(np.log(x) * x)
    found = tg.explain(total)
    assert max(found.check().values()) < 1e-6
    assert require_all(found, 1e-6)


def test_what_is_no_scalar_is_summed() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    layer = np.tanh(x)
    found = tg.explain(layer, element="x[1]")
    assert "the sum of layer" in str(found)
    np.testing.assert_allclose(found.values["dx"], 1 - np.tanh([1.0, 2.0]) ** 2)
    assert require_all(found) == 4
    assert max(found.check().values()) < 1e-15


x0 = tg.tensor([[1.0, 2.0]], requires_grad=True, name="x0")
FAULTS: dict[str, tuple[Callable[[], Any], str]] = {
    "an array": (lambda: tg.explain(np.ones(3)), "expected a Tensor with a graph, got ndarray"),
    "untracked": (lambda: tg.explain(tg.tensor(1.0)), "tracks nothing; .*requires_grad=True"),
    "wrt of another": (
        lambda: tg.explain(np.sum(x0), wrt=tg.tensor([1.0], requires_grad=True, name="q")),
        "wrt: the Tensor 'q' is not in the graph",
    ),
    "wrt unknown": (lambda: tg.explain(np.sum(x0), wrt="W9"), "wrt='W9': there is no 'W9'.*x0"),
    "wrt a number": (lambda: tg.explain(np.sum(x0), wrt=3), "wrt: 3 is not in the graph"),
    "wrt data": (
        lambda: tg.explain(np.sum(x0 * np.ones(2)), wrt="k", names={"k": np.ones(2)}),
        "'k' tracks nothing",
    ),
    "no element": (lambda: tg.explain(np.sum(x0), element="x0"), "no element; .*'W3\\[2,0\\]'"),
    "outside": (lambda: tg.explain(np.sum(x0), element="x0[0,2]"), "shape \\(1, 2\\).*its 2 axes"),
    "one index": (lambda: tg.explain(np.sum(x0), element="x0[0]"), "shape \\(1, 2\\)"),
    "no index": (lambda: tg.explain(np.sum(x0), element="x0[a]"), "is no element"),
    "unknown name": (lambda: tg.explain(np.sum(x0), element="w[0]"), "there is no 'w'"),
    "an object": (lambda: tg.explain(np.sum(x0), element=3), "element=3 is no element"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("ask", "told"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_explained_is_refused(ask: Callable[[], Any], told: str) -> None:
    with pytest.raises(GraphError, match=f"explain: .*{told}"):
        ask()


def test_an_array_that_no_derivative_reads_is_found_in_a_variable() -> None:
    x = tg.tensor(np.ones(2000), requires_grad=True)
    other, given = np.ones(2000), np.arange(2000.0)
    squares = np.sum((x - given) ** 2)
    found = tg.explain(squares)
    assert text(found.derivation.forward[0].right) == "x − given"
    assert max(found.check().values()) < 1e-13
    total = np.sum(x + given)
    assert "given" in tg.explain(total).numpy()
    assert max(tg.explain(total).check().values()) < 1e-13
    changed = given.copy()
    given += 1.0
    assert "changed" in tg.explain(squares).numpy()
    del changed, other


def test_an_array_that_nothing_keeps_is_named_by_the_error() -> None:
    x = tg.tensor(np.ones(2000), requires_grad=True, name="x")
    total = np.sum(x + np.arange(2000.0))
    found = tg.explain(total, names={})
    with pytest.raises(GraphError, match="value of c1 is not known"):
        found.numpy()
    assert re.search(r"dv1 = broadcast_to\(dv2, \(2000,\)\)", str(found))


def test_a_number_needs_no_index() -> None:
    w = leaf(0.5, name="w")
    named, indexed = (tg.explain(np.tanh(w * 2), element=text) for text in ("w", "w[]"))
    assert str(named).partition("Forward")[2] == str(indexed).partition("Forward")[2]
    assert "w" in str(named)


def test_a_gradient_that_is_rounding_alone_is_no_other_one() -> None:
    """That of the bias of the keys, which a softmax does not see: its terms cancel."""
    rng = np.random.default_rng(0)
    block = tg.nn.TransformerBlock(8, 2, rng=0)
    found = tg.explain(np.mean(block(rng.normal(size=(2, 5, 8))) ** 2)).check()
    assert max(found.values()) < 1e-12
