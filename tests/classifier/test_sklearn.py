"""The classifier among scikit-learn's own tools."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import data

try:
    from sklearn.base import clone, is_classifier
    from sklearn.exceptions import NotFittedError
    from sklearn.metrics import get_scorer
    from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler
    from sklearn.utils.estimator_checks import parametrize_with_checks

    from tinygrad_bp.sklearn import SigmoidClassifier, SigmoidRegressor
except ModuleNotFoundError:
    extra("sklearn")

MOONS = data.moons(120, seed=0)


def quick(**changes):
    return SigmoidClassifier(**{"max_epochs": 60, "restarts": 0, "random_state": 0, **changes})


@pytest.mark.filterwarnings("ignore:fit. .* too few to hold:UserWarning")
@parametrize_with_checks(
    [SigmoidClassifier(max_epochs=60, restarts=0), SigmoidRegressor(max_epochs=150, restarts=0)]
)
def test_it_passes_every_check_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.deep
@parametrize_with_checks([SigmoidClassifier(), SigmoidClassifier(hidden=()), SigmoidRegressor()])
def test_it_passes_every_check_with_the_default_settings(estimator, check):
    check(estimator)


def test_it_is_the_same_model_to_the_bit():
    ours = quick().fit(MOONS.X, MOONS.y)
    plain = tg.SigmoidClassifier(**ours.get_params()).fit(MOONS.X, MOONS.y)
    assert ours.loss_curve_ == plain.loss_curve_
    for name in ("predict", "predict_proba", "decision_function"):
        got, wanted = getattr(ours, name)(MOONS.X), getattr(plain, name)(MOONS.X)
        assert got.tobytes() == wanted.tobytes()
    assert ours.score(MOONS.X, MOONS.y) == plain.score(MOONS.X, MOONS.y)


def test_its_parameters_are_those_of_the_plain_classifier():
    assert SigmoidClassifier().get_params() == vars(tg.SigmoidClassifier())
    model = quick().set_params(hidden=(3,), learning_rate=0.1)
    assert (model.hidden, model.learning_rate) == ((3,), 0.1)
    with pytest.raises(ValueError, match="depth"):
        model.set_params(depth=2)
    assert repr(model).startswith("SigmoidClassifier(hidden=(3,), learning_rate=0.1")
    assert "SigmoidClassifier" in model._repr_html_()


def test_it_is_a_classifier_of_any_number_of_classes():
    assert is_classifier(quick())
    fitted = quick().fit(MOONS.X, np.arange(120) % 3)
    assert fitted.predict_proba(MOONS.X).shape == (120, 3)
    with pytest.raises(ValueError, match="continuous"):
        quick().fit(MOONS.X, MOONS.X[:, 0])


def test_a_clone_is_not_fitted():
    fitted = quick(hidden=(4,)).fit(MOONS.X, MOONS.y)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(MOONS.X)


def test_a_setting_out_of_its_range_is_named_at_fit():
    with pytest.raises(ValueError, match="SigmoidClassifier: patience=0; expected an integer"):
        quick(patience=0).fit(MOONS.X, MOONS.y)


def test_it_works_as_the_end_of_a_pipeline():
    steps = StandardScaler(), PolynomialFeatures(2), quick(hidden=(), max_epochs=300)
    circles = data.circles(200, seed=0)
    pipeline = make_pipeline(*steps).fit(circles.X, circles.y)
    assert pipeline.score(circles.X, circles.y) > 0.95
    assert pipeline[-1].n_features_in_ == 6
    assert pipeline[-1].scale_[0] == 1.0  # the constant column of the polynomial


def test_a_search_over_its_settings_finds_the_one_that_learns():
    grid = {"hidden": [(), (5, 5)], "learning_rate": [1e-6, 0.05]}
    circles = data.circles(200, seed=0)
    search = GridSearchCV(quick(max_epochs=300), grid, cv=2, error_score="raise")
    search.fit(circles.X, circles.y)
    assert search.best_params_ == {"hidden": (5, 5), "learning_rate": 0.05}
    assert search.best_score_ > 0.9


def test_cross_validation_and_scorers_take_it():
    model = quick(max_epochs=200)
    scores = cross_val_score(model, MOONS.X, MOONS.y, cv=3, error_score="raise")
    assert scores.shape == (3,)
    assert scores.mean() > 0.8
    for scoring in ("roc_auc", "neg_log_loss", "neg_brier_score"):
        assert np.isfinite(cross_val_score(model, MOONS.X, MOONS.y, cv=2, scoring=scoring)).all()
    proba = cross_val_predict(model, MOONS.X, MOONS.y, cv=2, method="predict_proba")
    assert proba.shape == (120, 2)


def test_the_log_loss_scorer_agrees_with_the_loss_curve():
    model = quick(validation_fraction=0).fit(MOONS.X, MOONS.y)
    log_loss = -get_scorer("neg_log_loss")(model, MOONS.X, MOONS.y)
    assert log_loss == pytest.approx(min(model.loss_curve_), rel=1e-12)


def test_score_takes_sample_weights():
    model = quick().fit(MOONS.X, MOONS.y)
    right = (model.predict(MOONS.X) == MOONS.y).astype(float)
    assert 0 < right.sum() < 120
    assert model.score(MOONS.X, MOONS.y, sample_weight=right) == 1.0


def test_a_pickle_predicts_the_same():
    model = quick().fit(MOONS.X, MOONS.y)
    copy = pickle.loads(pickle.dumps(model))  # our own
    assert copy.predict_proba(MOONS.X).tobytes() == model.predict_proba(MOONS.X).tobytes()
    assert copy.get_params() == model.get_params()


def test_epochs_are_reported():
    epochs = []
    model = quick().fit(MOONS.X, MOONS.y, on_epoch=lambda *news: epochs.append(news))
    assert [news[1] for news in epochs] == model.loss_curve_
    assert all(news[3] is model for news in epochs)
