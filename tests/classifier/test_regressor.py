"""The network for a number: what it learns, and what it refuses."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from tinygrad_bp.classifier import NotFittedError, SigmoidRegressor
from tinygrad_bp.errors import DataError

X = np.random.default_rng(0).normal(size=(90, 2))
Y = 50.0 + 7.0 * np.sin(2.0 * X[:, 0]) + 3.0 * X[:, 1]


def quick(**changes):
    return SigmoidRegressor(**{"max_epochs": 150, "restarts": 0, "random_state": 0, **changes})


def test_without_hidden_layers_it_is_least_squares():
    fitted = quick(hidden=(), validation_fraction=0, max_epochs=1500).fit(X, Y)
    A = np.hstack([X, np.ones((90, 1))])
    wanted = A @ np.linalg.lstsq(A, Y, rcond=None)[0]
    np.testing.assert_allclose(fitted.predict(X), wanted, rtol=1e-6)


def test_it_learns_and_scores_by_the_variance_explained():
    fitted = quick(max_epochs=800).fit(X, Y)
    error = np.mean((fitted.predict(X) - Y) ** 2)
    assert fitted.score(X, Y) == pytest.approx(1.0 - error / np.var(Y))
    assert fitted.score(X, Y) > 0.95
    assert len(fitted.loss_curve_) == len(fitted.validation_curve_) == fitted.n_iter_


def test_the_loss_is_in_squared_deviations():
    fitted = quick(validation_fraction=0).fit(X, Y)
    error = np.mean((fitted.predict(X) - Y) ** 2)
    assert min(fitted.loss_curve_) == pytest.approx(error / np.var(Y), rel=1e-9)


@pytest.mark.parametrize("factor", [1e-200, 1e150])
def test_the_unit_of_the_target_does_not_matter(factor):
    power = 2.0 ** round(math.log2(factor))
    plain, scaled = quick().fit(X, Y), quick().fit(X, Y * power)
    np.testing.assert_allclose(scaled.predict(X), plain.predict(X) * power, rtol=1e-12)


def test_a_seed_fixes_the_bits_and_a_pickle_predicts_the_same():
    first, second = (quick().fit(X, Y) for _ in range(2))
    copy = pickle.loads(pickle.dumps(first))
    assert first.predict(X).tobytes() == second.predict(X).tobytes() == copy.predict(X).tobytes()


def test_a_constant_is_predicted():
    fitted = quick().fit(X, np.full(90, 3.0))
    np.testing.assert_allclose(fitted.predict(X), 3.0, atol=0.05)
    assert SigmoidRegressor.score(fitted, X[:1], [7.0]) == 0.0


def test_of_too_few_rows_none_is_held_out_and_that_is_said():
    with pytest.warns(UserWarning, match="fit: 9 rows, are too few"):
        fitted = quick().fit(X[:9], Y[:9])
    assert fitted.validation_curve_ == []


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (Y[:3], "one number for each row"),
        (Y[:, None], "y.ravel"),
        (["a"] * 90, "real numbers"),
        (np.where(np.arange(90) == 3, np.nan, Y), "NaN"),
        (Y * 1j, "complex128"),
        (np.ma.masked_less(Y, 50), "mask"),
    ],
)
def test_targets_that_cannot_be_used_are_named(y, words):
    with pytest.raises(DataError, match=words):
        quick().fit(X, y)


def test_nothing_is_predicted_before_fit():
    with pytest.raises(NotFittedError):
        quick().predict(X)
    with pytest.raises(DataError, match="one number for each"):
        quick(max_epochs=1).fit(X, Y).score(X, Y[:3])


def test_an_interrupt_keeps_the_best_weights_so_far():
    def stop(epoch, *_):
        if epoch == 20:
            raise KeyboardInterrupt

    model = quick()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, on_epoch=stop)
    assert model.n_iter_ == 20
    assert np.isfinite(model.predict(X)).all()
