"""Losses: values against closed forms computed with 500 digits, gradients, shapes, dtypes."""

from __future__ import annotations

import linecache
import math
import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest
from deeper import explored
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.errors import DataError, DTypeError, ShapeError
from tinygrad_bp.rules import losses

EPS = 2.0**-52
DENORMAL = Decimal("5e-324")  # the spacing of the smallest numbers


def digits(function):
    """Run with 500 digits, of which exp(-1000) beside 1 needs 435; return a Decimal."""

    def computed(*args):
        with localcontext() as context:
            context.prec = 500
            return function(*map(Decimal, args))

    return computed


@digits
def exact_bce(z, y):
    return (1 + z.exp()).ln() - y * z


@digits
def exact_sigmoid(z):
    return 1 / (1 + (-z).exp())


@digits
def exact_probability_loss(p, y):
    return -(y * p.ln() + (1 - y) * (1 - p).ln())


@digits
def exact_cross_entropy(chosen, *logits):
    return sum(z.exp() for z in logits).ln() - chosen


def loss_and_slopes(loss, prediction, target, **options):
    x = tg.tensor(prediction, requires_grad=True)
    value = loss(x, target, **options)
    np.sum(value).backward()
    return value.detach().numpy(), x.grad.numpy()


# Binary cross entropy of logits

LOGITS = [-1000.0, -745.0, -40.0, -1.0, -1e-9, 0.0, 1e-300, 0.5, 2.0, 36.7, 710.0, 1000.0]
TARGETS = [0.0, 1.0, 0.1, 0.9, 0.5]  # the last three: smoothed labels


@pytest.mark.parametrize("y", TARGETS)
@pytest.mark.parametrize("z", LOGITS)
def test_bce_with_logits_has_the_value_and_slope_of_its_formula(z, y):
    values, slopes = loss_and_slopes(nn.bce_with_logits, [z], np.array([y]), reduction="none")
    wanted, slope = exact_bce(z, y), exact_sigmoid(z) - Decimal(y)
    # both are differences: of numbers as large as y z, and as sigmoid(z) and y
    error = abs(Decimal(values.item()) - wanted)
    assert error <= Decimal(3 * EPS) * max(wanted, abs(Decimal(y * z))) + DENORMAL
    scale = max(exact_sigmoid(z), Decimal(y))
    assert abs(Decimal(slopes.item()) - slope) <= Decimal(3 * EPS) * scale + DENORMAL


EXACT = [
    (0.0, 0.0, math.log(2), 0.5),
    (0.0, 1.0, math.log(2), -0.5),
    (1000.0, 1.0, 0.0, 0.0),
    (1000.0, 0.0, 1000.0, 1.0),
    (-1000.0, 1.0, 1000.0, -1.0),
    (-1000.0, 0.0, 0.0, 0.0),
]


@pytest.mark.parametrize("char", "efd")
@pytest.mark.parametrize(("z", "y", "value", "slope"), EXACT)
def test_bce_with_logits_is_exact_at_0_and_far_out(char, z, y, value, slope):
    x, target = np.array([[z]], char), np.array([[y]], char)
    got, slopes = loss_and_slopes(nn.bce_with_logits, x, target)
    assert got == np.array(value, char)
    assert slopes == slope
    assert got.dtype.char == slopes.dtype.char == char


@given(
    st.floats(min_value=-1e300, max_value=1e300, allow_subnormal=True),
    st.sampled_from([0.0, 1.0]),
)
def test_every_finite_logit_has_a_finite_loss_and_a_slope_that_points_home(z, y):
    value, slopes = loss_and_slopes(nn.bce_with_logits, [z], np.array([y]))
    assert 0 <= value < math.inf
    assert (slopes.item() <= 0) if y else (slopes.item() >= 0)
    assert abs(slopes.item()) <= 1
    if (z > 0) != bool(y):  # on the wrong side: at least half of the full slope
        assert abs(slopes.item()) >= 0.5


# Binary cross entropy of probabilities

PROBABILITIES = [1e-300, 1e-10, 0.1, 0.5, 0.75, 1 - 2.0**-40]


@pytest.mark.parametrize("y", TARGETS)
@pytest.mark.parametrize("p", PROBABILITIES)
def test_binary_cross_entropy_has_the_value_and_slope_of_its_formula(p, y):
    value, slopes = loss_and_slopes(nn.binary_cross_entropy, [p], np.array([y]))
    assert float(value) == pytest.approx(float(exact_probability_loss(p, y)), rel=4 * EPS)
    with localcontext() as context:
        context.prec = 60
        q, t = Decimal(p), Decimal(y)
        slope = (1 - t) / (1 - q) - t / q
    scale = float(t / q + (1 - t) / (1 - q))  # of what is subtracted
    assert slopes.item() == pytest.approx(float(slope), abs=4 * EPS * scale)


@pytest.mark.parametrize("char", "fd")
@pytest.mark.parametrize(("p", "y"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_certain_probabilities_cost_nothing_if_right_and_pull_back_hard_if_wrong(char, p, y):
    value, slopes = loss_and_slopes(
        nn.binary_cross_entropy, np.array([p], char), np.array([y], char)
    )
    tiny = float(np.finfo(char).tiny)
    if p == y:
        assert value == 0
        assert slopes.item() == (-1.0 if y else 1.0)
    else:
        assert value == pytest.approx(-math.log(tiny), rel=1e-6)
        assert abs(slopes.item()) == pytest.approx(1 / tiny, rel=1e-6)
        assert slopes.item() < 0 if y else slopes.item() > 0


# Mean squared error and cross entropy


def test_mse_has_the_value_and_slope_of_its_formula():
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=(2, 3, 4))
    value, slopes = loss_and_slopes(nn.mse, p, t)
    exact = math.fsum((a - b) ** 2 for a, b in zip(p.flat, t.flat, strict=True)) / 12
    assert float(value) == pytest.approx(exact, rel=8 * EPS)
    np.testing.assert_allclose(slopes, 2 * (p - t) / 12, rtol=4 * EPS)
    assert nn.mse(p, p) == 0


ROWS = [
    [0.0, 0.0],
    [1.0, -2.0, 0.5],
    [1000.0, 0.0],
    [-1000.0, 1000.0],
    [3.0],
    [700.0, 709.0, 710.0],
]


@pytest.mark.parametrize(("row", "label"), [(row, i) for row in ROWS for i in range(len(row))])
def test_cross_entropy_has_the_value_and_slope_of_its_formula(row, label):
    value, slopes = loss_and_slopes(nn.cross_entropy, [row], np.array([label]))
    wanted = exact_cross_entropy(row[label], *row)
    # the logits are shifted by their maximum: exact here, or rounded once in the sum
    assert float(value) == pytest.approx(float(wanted), rel=4 * EPS, abs=4 * EPS)
    shares = [math.exp(z - max(row)) for z in row]
    one_hot = np.eye(len(row))[label]
    # log-probabilities as large as 10 round by 10 ulp before they are exponentiated
    np.testing.assert_allclose(slopes[0], np.divide(shares, sum(shares)) - one_hot, atol=16 * EPS)


def test_two_class_cross_entropy_is_bce_of_the_difference_of_the_logits():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(20, 2)) * 5, rng.integers(0, 2, 20)
    two = nn.cross_entropy(logits, labels)
    one = nn.bce_with_logits(logits[:, 1] - logits[:, 0], labels.astype(float))
    assert float(two) == pytest.approx(float(one), rel=1e-14)


# The fused losses are what they are fused from

COMPOSED = {
    "bce_with_logits": (
        nn.bce_with_logits,
        lambda z, y: -(y * np.log(tg.sigmoid(z)) + (1 - y) * np.log(tg.sigmoid(-z))),
        lambda rng: (rng.normal(size=(6, 2)) * 3, rng.random((6, 2))),
    ),
    "binary_cross_entropy": (
        nn.binary_cross_entropy,
        lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)),
        lambda rng: (0.05 + 0.9 * rng.random((6, 2)), rng.random((6, 2))),
    ),
    "cross_entropy": (
        nn.cross_entropy,
        lambda z, labels: -np.log(tg.softmax(z))[np.arange(len(labels)), labels],
        lambda rng: (rng.normal(size=(6, 4)) * 3, rng.integers(0, 4, 6)),
    ),
    "mse": (
        nn.mse,
        lambda p, t: (p - t) ** 2,
        lambda rng: (rng.normal(size=(6, 2)), rng.normal(size=(6, 2))),
    ),
}
REDUCE = {"none": lambda x: x, "sum": np.sum, "mean": np.mean}


@pytest.mark.parametrize("reduction", REDUCE)
@pytest.mark.parametrize(("loss", "plain", "draw"), COMPOSED.values(), ids=COMPOSED)
def test_a_fused_loss_equals_its_composition_in_value_and_gradient(loss, plain, draw, reduction):
    prediction, target = draw(np.random.default_rng(5))
    got, slopes = loss_and_slopes(loss, prediction, target, reduction=reduction)
    wanted, plain_slopes = loss_and_slopes(
        lambda x, t: REDUCE[reduction](plain(x, t)), prediction, target
    )
    np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(slopes, plain_slopes, rtol=1e-12, atol=1e-15)
    assert got.shape == wanted.shape


LOSSES = {name: (loss, draw) for name, (loss, _, draw) in COMPOSED.items()}


@pytest.mark.parametrize(("loss", "draw"), LOSSES.values(), ids=LOSSES)
def test_the_mean_is_the_default_and_the_sum_is_that_of_the_single_losses(loss, draw):
    prediction, target = draw(np.random.default_rng(6))
    each = loss(prediction, target, reduction="none")
    assert float(loss(prediction, target)) == float(loss(prediction, target, reduction="mean"))
    assert float(loss(prediction, target)) == pytest.approx(math.fsum(each.flat) / each.size)
    total = loss(prediction, target, reduction="sum")
    assert float(total) == pytest.approx(math.fsum(each.flat), rel=1e-14)
    for bad in ("average", None, "Mean"):
        with pytest.raises(ValueError, match="reduction: expected one of mean, sum, none"):
            loss(prediction, target, reduction=bad)


@pytest.mark.parametrize(("loss", "draw"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("char", "efd")
def test_the_dtype_of_the_prediction_is_that_of_loss_and_gradient(loss, draw, char):
    prediction, target = draw(np.random.default_rng(7))
    target = target if target.dtype.kind == "i" else target.astype(char)
    value, slopes = loss_and_slopes(loss, prediction.astype(char), target)
    wanted, exact = loss_and_slopes(
        loss, prediction, target.astype(float) if target.dtype.kind == "f" else target
    )
    assert value.dtype.char == slopes.dtype.char == char
    tolerance = 16 * float(np.finfo(char).eps)
    np.testing.assert_allclose(value, wanted, rtol=tolerance)
    np.testing.assert_allclose(slopes, exact, rtol=8 * tolerance, atol=tolerance / 10)


@pytest.mark.parametrize("name", ["bce_with_logits", "binary_cross_entropy", "mse"])
def test_many_float16_losses_are_added_in_float32(name):
    loss = COMPOSED[name][0]
    prediction, target = np.full(20_000, 0.75, "e"), np.zeros(20_000, "e")
    single = float(loss(prediction[:1], target[:1]))
    # adding 20000 of them in float16 would stop at about 2048 times the first
    assert float(loss(prediction, target)) == pytest.approx(single, rel=2e-3)
    total = float(loss(prediction, target, reduction="sum"))
    assert total == pytest.approx(20_000 * single, rel=2e-3)


@pytest.mark.parametrize("name", ["bce_with_logits", "binary_cross_entropy", "mse"])
@pytest.mark.parametrize(
    ("first", "second"),
    [((4, 1), (4,)), ((4,), (4, 1)), ((4,), ()), ((2, 3), (3, 2)), ((0,), (1,))],
)
def test_shapes_that_would_broadcast_are_refused(name, first, second):
    prediction = tg.tensor(np.full(first, 0.5), requires_grad=True)
    for given_target in (np.ones(second), tg.tensor(np.ones(second))):
        with pytest.raises(ShapeError) as caught:
            COMPOSED[name][0](prediction, given_target)
        assert str(caught.value).startswith(f"{name}: ")
        assert str(first) in str(caught.value)
        assert str(second) in str(caught.value)


REFUSED_LABELS = [
    (
        np.ones((2, 3)),
        np.zeros((2, 1), int),
        ShapeError,
        r"\(2, 3\) and \(2, 1\); write labels\[\.\.\., 0\]$",
    ),
    (
        np.ones((2, 3)),
        np.eye(3, dtype=int)[:2],
        ShapeError,
        r"numbers by labels.argmax\(axis=-1\)$",
    ),
    (np.ones((2, 3)), np.zeros(3, int), ShapeError, r"\(2, 3\) and \(3,\)"),
    (np.ones(3), np.zeros(3, int), ShapeError, r"\(3,\)"),
    (np.ones((2, 3)), np.array([0, 3]), ShapeError, "labels run from 0 to 3, classes from 0 to 2"),
    (np.ones((2, 3)), np.array([-1, 0]), ShapeError, "labels run from -1"),
    (
        np.ones((2, 3)),
        np.array([0.0, 1.0]),
        DTypeError,
        r"class numbers.*; .*labels.astype\(int\)$",
    ),
]


@pytest.mark.parametrize(("logits", "labels", "error", "match"), REFUSED_LABELS)
def test_cross_entropy_refuses_labels_that_are_no_class_numbers(logits, labels, error, match):
    with pytest.raises(error, match=match):
        nn.cross_entropy(tg.tensor(logits, requires_grad=True), labels)


def test_targets_may_be_tracked_too():
    z, y = tg.tensor([0.3, -1.0], requires_grad=True), tg.tensor([0.2, 0.9], requires_grad=True)
    nn.bce_with_logits(z, y, reduction="sum").backward()
    np.testing.assert_allclose(y.grad.numpy(), [-0.3, 1.0], rtol=1e-15)  # the loss has - y z


# Labels of no class, and a second sigmoid

BINARY = [nn.bce_with_logits, nn.binary_cross_entropy]


@pytest.mark.parametrize("loss", BINARY, ids=["logits", "probabilities"])
@pytest.mark.parametrize("wrap", [lambda y: y, tg.tensor], ids=["array", "Tensor"])
@pytest.mark.parametrize("reduction", REDUCE)
@explored(25, data=st.data())
def test_labels_outside_0_and_1_are_refused(loss, wrap, reduction, data):
    char = data.draw(st.sampled_from("efdiq"))
    good = st.integers(0, 1) if char in "iq" else st.floats(0, 1, width=16)
    labels = np.array(data.draw(st.lists(good, min_size=1, max_size=5))).astype(char)
    z = tg.tensor(np.full(labels.shape, 0.5), requires_grad=True)
    loss(z, wrap(labels), reduction=reduction)
    wrong = [-1, 2, 7] if char in "iq" else [-0.5, 1.5, 2, np.inf, np.nan]
    bad = labels.copy()
    bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.sampled_from(wrong))
    for _ in range(2):  # the second time it is no news
        with pytest.raises(DataError, match=r"targets (run from|hold NaN).*from 0 to 1"):
            loss(z, wrap(bad), reduction=reduction)


@pytest.mark.parametrize("loss", BINARY, ids=["logits", "probabilities"])
@pytest.mark.parametrize("reduction", REDUCE)
def test_predictions_in_the_place_of_targets_are_refused(loss, reduction):
    outputs = tg.tensor([0.5, -0.5], requires_grad=True) * 3
    for labels in (np.array([0.0, 1.0]), tg.tensor([0.0, 1.0])):
        with pytest.raises(DataError, match="the predictions come first, then the targets"):
            loss(labels, outputs, reduction=reduction)
    loss(outputs / 3 + 0.5, outputs, reduction=reduction)  # both are the user's to differentiate


@pytest.mark.parametrize("scalar", [1.5, -1, np.float64(2.0), np.nan])
@pytest.mark.parametrize("loss", BINARY, ids=["logits", "probabilities"])
def test_a_single_label_is_checked_too(loss, scalar):
    with pytest.raises(DataError, match="expected probabilities of class 1"):
        loss(tg.tensor(0.5, requires_grad=True), scalar)


@pytest.mark.parametrize("label", [9.0, np.nan])
@pytest.mark.parametrize("char", "efd")
def test_a_label_that_is_written_later_is_noticed_by_the_loss(label, char):
    z, y = tg.tensor(np.ones(3, char), requires_grad=True), np.ones(3, char)
    nn.bce_with_logits(z, y)
    y[1] = label
    with pytest.raises(DataError, match="targets"):
        nn.bce_with_logits(z, y)


def test_labels_that_stay_are_looked_at_once(monkeypatch):
    looks = []
    monkeypatch.setattr(losses, "require_probabilities", lambda *args: looks.append(args))
    z, array = tg.tensor(np.ones(3), requires_grad=True), np.ones(3)
    for y in (array, tg.tensor(array)):
        looks.clear()
        for _ in range(5):
            nn.bce_with_logits(z, y)
        assert len(looks) == 1


ENDS = {
    "itself": lambda s: s,
    "reshape": lambda s: s.reshape(-1, 1).ravel(),
    "column": lambda s: s[:, None][:, 0],
    "cast": lambda s: s.astype(np.float32),
}


SIGMOIDS = {
    "sigmoid": tg.sigmoid,
    "expit": special.expit,
    "written out": lambda z: 1 / (1 + np.exp(-z)),
    "power": lambda z: np.reciprocal(np.exp(-z) + 1.0),
    "share": lambda z: np.exp(z) / (1.0 + np.exp(z)),
}
NO_SIGMOIDS = {
    "leaf": lambda z: z.reshape(3, 1).ravel(),
    "quotient": lambda z: z / 3.0,
    "rational": lambda z: 1 / (1 + z),
    "two": lambda z: 1 / (2 + np.exp(-z)),
    "ratio": lambda z: z / (1 + np.exp(-z)),  # silu
}


@pytest.mark.parametrize("inner", NO_SIGMOIDS.values(), ids=NO_SIGMOIDS)
def test_what_is_no_sigmoid_is_not_warned_of(inner):
    nn.bce_with_logits(inner(tg.tensor(np.ones(3), requires_grad=True)), np.ones(3))


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("inner", SIGMOIDS.values(), ids=SIGMOIDS)
def test_a_second_sigmoid_is_warned_of_once_with_the_users_line(inner, end):
    w = tg.tensor(np.ones(3), requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            nn.bce_with_logits(end(inner(w * 2.0)), np.ones(3))
    (warning,) = caught
    assert warning.filename == __file__
    assert "come from a sigmoid" in str(warning.message)
    assert "nn.bce_with_logits(end(" in linecache.getline(__file__, warning.lineno)


def test_a_second_softmax_is_warned_of_once_with_the_users_line():
    w = tg.tensor(np.ones((2, 3)), requires_grad=True)
    labels = np.array([0, 1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            nn.cross_entropy(nn.Softmax()(w * 2.0).reshape(2, 3), labels)
        nn.cross_entropy(tg.log_softmax(w), labels)  # the same as of w
        nn.cross_entropy(np.exp(w), labels)
    (warning,) = caught
    assert warning.filename == __file__
    assert "come from a softmax" in str(warning.message)


def test_logits_that_are_none_are_not_warned_of():
    w = tg.tensor(np.ones(3), requires_grad=True)
    for z in (w, tg.sigmoid(w) * 2.0, (w * 2.0).reshape(3), np.tanh(w)[:]):
        nn.bce_with_logits(z, np.ones(3))


PLAIN = {
    "bce_with_logits": (0.7, 0.5),
    "binary_cross_entropy": (0.7, 0.5),
    "mse": (0.7, 0.5),
    "huber": (0.7, 0.5),
    "hinge": (0.7, 1.0),
    "poisson": (0.7, 1.0),
    "focal": (0.7, 1.0),
    "cross_entropy": ([[0.1, 0.2]], [0]),
    "kl_divergence": ([[-0.4, -0.9]], [[0.5, 0.5]]),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_numbers_and_lists_are_arrays(name):
    loss = getattr(tg.nn, name, None) or getattr(tg.nn.losses, name)
    logits, target = PLAIN[name]
    wanted = loss(np.array(logits), np.array(target))
    assert loss(logits, target) == wanted
    nested = ([logits], [target]) if np.ndim(logits) == 0 else (logits, target)
    assert loss(*nested) == wanted
