"""The composed losses, and weights: formulas written out, differences, refusals, PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.errors import DataError, ShapeError
from tinygrad_bp.testing import check_grads

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(4, 3)) * 2
Y = RNG.integers(0, 2, (4, 3)) * 1.0
T = RNG.normal(size=(4, 3))
COUNTS = RNG.integers(0, 5, (4, 3))
P = RNG.dirichlet(np.ones(3), 4) * [[1.0]] * 4
P[0] = [1.0, 0.0, 0.0]
LABELS = np.array([2, 0, 1, 2])
CLASS_WEIGHTS = np.array([0.5, 2.0, 1.0])
POS_WEIGHT = np.array([3.0, 1.0, 0.5])


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def surprise(z: Any, labels: Any) -> Any:
    """Return -log softmax of each row at each class."""
    return np.log(np.sum(np.exp(z), axis=1, keepdims=True)) - z


def each(formula: Callable[[float, float], float]) -> Callable[[Any, Any], Any]:
    return np.vectorize(formula, otypes=[float])


def smoothed(z: Any, labels: Any) -> Any:
    costs = surprise(z, labels)
    return np.array(
        [0.8 * row[k] + 0.2 * math.fsum(row) / 3 for row, k in zip(costs, labels, strict=True)]
    )


@dataclass(frozen=True)
class LossCase:
    """A loss, what it is called with, each single loss written out, and PyTorch's name for it."""

    name: str
    loss: Any
    prediction: Any
    target: Any
    formula: Callable[[Any, Any], Any]
    theirs: Callable[[Any, Any, Any], Any]
    options: dict[str, Any]

    def __call__(self, prediction: Any, target: Any = None, **more: Any) -> Any:
        target = self.target if target is None else target
        return self.loss(prediction, target, **self.options, **more)

    def __repr__(self) -> str:
        return self.name


def case(
    name: str, prediction: Any, target: Any, formula: Any, theirs: Any, **options: Any
) -> LossCase:
    loss = getattr(nn, name.partition(" ")[0])
    return LossCase(name, loss, prediction, target, formula, theirs, options)


def functional(name: str, **options: Any) -> Callable[..., Any]:
    def theirs(torch: Any, z: Any, y: Any) -> Any:
        given = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        return getattr(torch.nn.functional, name)(z, y, reduction="none", **given)

    return theirs


def focal_by_pytorch(torch: Any, z: Any, y: Any) -> Any:
    p = torch.sigmoid(z)
    own = p * y + (1 - p) * (1 - y)
    costs = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    return (0.25 * y + 0.75 * (1 - y)) * costs * (1 - own) ** 2


CASES = [
    case("huber", Z, T, each(lambda p, t: (p - t) ** 2 / 2 if abs(p - t) < 1 else abs(p - t) - 0.5),
         functional("huber_loss")),
    case("huber narrow", Z, T,
         each(lambda p, t: (p - t) ** 2 / 2 if abs(p - t) < 0.5 else 0.5 * (abs(p - t) - 0.25)),
         functional("huber_loss", delta=0.5), delta=0.5),
    case("hinge", Z, 2 * Y - 1, each(lambda s, y: max(0.0, 1 - y * s)),
         lambda torch, s, y: torch.clamp(1 - y * s, min=0)),
    case("kl_divergence", np.log((P[::-1] + 0.1) / 5), P,
         lambda q, p: np.sum([
             [b * (math.log(b) - a) if b else 0.0 for a, b in zip(x, y, strict=True)]
             for x, y in zip(q, p, strict=True)
         ], axis=1),
         lambda torch, q, p: torch.nn.functional.kl_div(q, p, reduction="none").sum(-1)),
    case("poisson", Z, COUNTS, each(lambda z, n: math.exp(z) - n * z),
         functional("poisson_nll_loss")),
    case("focal", Z, Y,
         each(lambda z, y: -((1 - sigmoid(z if y else -z)) ** 2) * math.log(sigmoid(z if y else -z))
              * (0.25 if y else 0.75)),
         focal_by_pytorch, alpha=0.25),
    case("bce_with_logits pos", Z, Y,
         lambda z, y: -(POS_WEIGHT * y * np.log(each(lambda a, _: sigmoid(a))(z, y))
                        + (1 - y) * np.log(each(lambda a, _: sigmoid(-a))(z, y))),
         functional("binary_cross_entropy_with_logits", pos_weight=POS_WEIGHT),
         pos_weight=POS_WEIGHT),
    case("cross_entropy smoothed", Z, LABELS, smoothed,
         functional("cross_entropy", label_smoothing=0.2), label_smoothing=0.2),
    case("mse", Z, T, each(lambda p, t: (p - t) ** 2), functional("mse_loss")),
    case("bce_with_logits", Z, Y, each(lambda z, y: -math.log(sigmoid(z if y else -z))),
         functional("binary_cross_entropy_with_logits")),
    case("binary_cross_entropy", np.abs(Z) / 9 + 0.05, Y,
         each(lambda p, y: -math.log(p if y else 1 - p)), functional("binary_cross_entropy")),
    case("cross_entropy", Z, LABELS,
         lambda z, labels: surprise(z, labels)[np.arange(4), labels], functional("cross_entropy")),
]  # fmt: skip
every = pytest.mark.parametrize("one", CASES, ids=repr)


def test_every_loss_is_in_the_table() -> None:
    assert {one.loss for one in CASES} == {
        getattr(nn, name) for name in nn.__all__ if name.islower() and name != "load_torch"
    }


@every
def test_each_single_loss_is_its_formula_and_the_rest_are_their_sums(one: LossCase) -> None:
    wanted = one.formula(one.prediction, one.target)
    singles = one(one.prediction, reduction="none")
    np.testing.assert_allclose(singles, wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(one(one.prediction, reduction="sum"), math.fsum(wanted.flat))
    np.testing.assert_allclose(one(one.prediction), math.fsum(wanted.flat) / wanted.size)
    with pytest.raises(ValueError, match="reduction: expected one of mean, sum, none"):
        one(one.prediction, reduction="average")


@every
def test_weights_count_samples(one: LossCase) -> None:
    """A weight of 2 is the sample twice; of 0, not there."""
    singles = one(one.prediction, reduction="none")
    weights = np.random.default_rng(1).integers(0, 3, singles.shape) * 1.0
    total = math.fsum((singles * weights).flat)
    x = tg.tensor(one.prediction, requires_grad=True)
    np.testing.assert_allclose(
        one(x, weights=weights, reduction="none").detach().numpy(), singles * weights
    )
    np.testing.assert_allclose(one(x, weights=weights, reduction="sum").item(), total)
    np.testing.assert_allclose(one(x, weights=weights).item(), total / weights.sum())
    np.testing.assert_allclose(one(x, weights=np.full(singles.shape, 7.0)).item(), singles.mean())


@every
def test_derivatives_of_two_orders(one: LossCase) -> None:
    weights = np.random.default_rng(2).random(one(one.prediction, reduction="none").shape)
    check_grads(lambda x: one(x), one.prediction, order=2)
    check_grads(lambda x: one(x, weights=weights), one.prediction, order=2)


@every
def test_the_dtype_of_the_prediction_is_that_of_the_loss(one: LossCase) -> None:
    x = tg.tensor(one.prediction, dtype=np.float32, requires_grad=True)
    target = one.target.astype(np.float32) if one.target.dtype.kind == "f" else one.target
    loss = one(x, target)
    loss.backward()
    assert loss.dtype == x.grad.dtype == np.float32


@every
def test_shapes_that_would_broadcast_are_refused(one: LossCase) -> None:
    shape = np.shape(one(one.prediction, reduction="none"))
    for wrong in ((*shape, 1), (1,) * len(shape), ()):
        with pytest.raises(ShapeError, match=one.loss.__name__):
            one(one.prediction, weights=np.ones(wrong))
    with pytest.raises(ShapeError):
        one(one.prediction, one.target[:1])


@every
@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan])
def test_weights_that_weigh_nothing_are_refused(one: LossCase, value: float) -> None:
    shape = np.shape(one(one.prediction, reduction="none"))
    with pytest.raises(DataError, match="expected weights of 0 or more, not all of them 0"):
        one(one.prediction, weights=np.full(shape, value))


@pytest.mark.parametrize("z", [-700.0, 700.0])
@pytest.mark.parametrize(
    "one", [one for one in CASES if one.name != "binary_cross_entropy"], ids=repr
)
def test_far_predictions_have_finite_losses_and_slopes(one: LossCase, z: float) -> None:
    if one.name == "kl_divergence":
        z = -abs(z)  # the logarithm of a probability
    x = tg.tensor(np.full(one.prediction.shape, z), requires_grad=True)
    loss = one(x)
    loss.backward()
    assert np.isfinite(loss.item())
    assert np.all(np.isfinite(x.grad.numpy()))


def test_class_weights_are_the_weights_of_the_samples_of_a_class() -> None:
    found = nn.cross_entropy(Z, LABELS, class_weights=CLASS_WEIGHTS)
    np.testing.assert_allclose(found, nn.cross_entropy(Z, LABELS, weights=CLASS_WEIGHTS[LABELS]))
    both = nn.cross_entropy(Z, LABELS, weights=[1, 2, 3, 4], class_weights=CLASS_WEIGHTS)
    product = CLASS_WEIGHTS[LABELS] * [1, 2, 3, 4]
    np.testing.assert_allclose(both, nn.cross_entropy(Z, LABELS, weights=product))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "options", [{}, {"weights": np.arange(6.0)}, {"label_smoothing": 0.1, "class_weights": [1, 2]}]
)
def test_every_place_of_a_sequence_has_its_label(reduction: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(2, 3, 2)), rng.integers(0, 2, (2, 3))
    rows = nn.cross_entropy(logits.reshape(6, 2), labels.ravel(), reduction, **options)
    if "weights" in options:
        options = {"weights": options["weights"].reshape(2, 3)}

    def loss(z: Any) -> Any:
        return nn.cross_entropy(z, labels, reduction, **options)

    assert loss(logits).shape == ((2, 3) if reduction == "none" else ())
    np.testing.assert_array_equal(np.ravel(loss(logits)), np.ravel(rows))
    tg.testing.check_grads(loss, logits)
    with pytest.raises(ShapeError, match=r"got \(2, 3, 2\) and \(6,\)"):
        nn.cross_entropy(logits, labels.ravel())
    with pytest.raises(ShapeError, match="weights have shape"):
        nn.cross_entropy(logits, labels, weights=np.ones(6))


def test_a_focal_loss_without_focus_is_the_cross_entropy() -> None:
    np.testing.assert_allclose(nn.focal(Z, Y, gamma=0), nn.bce_with_logits(Z, Y))


REFUSED: list[tuple[Any, Any, str]] = [
    (lambda: nn.huber(Z, T, delta=0), ValueError, "huber: delta=0; expected a finite number above"),
    (lambda: nn.hinge(Z, Y), DataError, "hinge: expected labels -1 and 1"),
    (lambda: nn.focal(Z, 2 * Y - 1), DataError, "focal: expected labels 0 and 1"),
    (lambda: nn.focal(Z, Y, gamma=-1), ValueError, "focal: gamma=-1"),
    (lambda: nn.focal(Z, Y, alpha=2), ValueError, "focal: alpha=2"),
    (lambda: nn.poisson(Z, -COUNTS - 1), DataError, "poisson: counts are 0 or more"),
    (lambda: nn.kl_divergence(np.log(P + 1), P - 2), DataError, "targets are probabilities"),
    (lambda: nn.kl_divergence(P, P), DataError, "holds logarithms of probabilities"),
    (lambda: nn.binary_cross_entropy(3 * Z, Y), DataError, "for logits call bce_with_logits"),
    (lambda: nn.kl_divergence(1.0, 1.0), ShapeError, r"expected \(..., classes\)"),
    (lambda: nn.bce_with_logits(Z, Y, pos_weight=np.ones(2)), ShapeError, "pos_weight"),
    (lambda: nn.bce_with_logits(Z, Y + 1, pos_weight=2.0), DataError, "targets run from 1 to 2"),
    (lambda: nn.cross_entropy(Z, LABELS, label_smoothing=1), ValueError, "label_smoothing=1"),
    (lambda: nn.cross_entropy(Z, LABELS, class_weights=[1.0]), ShapeError, r"\(1,\), losses \(3,"),
]


@pytest.mark.parametrize(("call", "error", "match"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_does_not_fit_is_named(call: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.oracle
@every
def test_values_and_gradients_are_pytorchs(one: LossCase) -> None:
    torch = extra("torch")
    x = tg.tensor(one.prediction, requires_grad=True)
    z = torch.tensor(one.prediction, requires_grad=True)
    singles, wanted = one(x, reduction="none"), one.theirs(torch, z, torch.tensor(one.target))
    np.testing.assert_allclose(singles.detach().numpy(), wanted.detach().numpy(), atol=1e-10)
    singles.sum().backward()
    wanted.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), atol=1e-10)


@pytest.mark.oracle
def test_class_weights_with_smoothing_are_pytorchs() -> None:
    torch = extra("torch")
    options = {"label_smoothing": 0.3}
    found = nn.cross_entropy(Z, LABELS, class_weights=CLASS_WEIGHTS, **options)
    wanted = torch.nn.functional.cross_entropy(
        torch.tensor(Z), torch.tensor(LABELS), weight=torch.tensor(CLASS_WEIGHTS), **options
    )
    np.testing.assert_allclose(found, wanted.item(), atol=1e-10)
