"""Any module among scikit-learn's own tools."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from extras import extra

from tinygrad_bp import nn, optim

try:
    from sklearn.base import clone
    from sklearn.datasets import load_digits, load_iris
    from sklearn.exceptions import NotFittedError
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.estimator_checks import parametrize_with_checks

    from tinygrad_bp.sklearn import NetworkClassifier, NetworkRegressor
except ModuleNotFoundError:
    extra("sklearn")

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
TARGETS = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2] / 10], axis=1)


def quick(kind=NetworkClassifier, **changes):
    return kind(**{"epochs": 40, "random_state": 0, "learning_rate": 0.02, **changes})


@parametrize_with_checks(
    [
        NetworkClassifier(epochs=60, batch_size=None, learning_rate=0.05),
        NetworkRegressor(epochs=100, batch_size=None, learning_rate=0.05),
    ]
)
def test_it_passes_every_check_of_scikit_learn(estimator, check):
    check(estimator)


def test_classes_are_any_labels():
    model = quick().fit(X, NAMES)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.score(X, NAMES) > 0.95
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(X)).all()
    assert len(model.loss_curve_) == model.n_iter_ == 40


def test_a_seed_fixes_the_bits():
    first, second = (quick().fit(X, Y).predict_proba(X) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(
            nn.Linear(4, 8, rng=0), nn.ReLU(), nn.Dropout(0.1, rng=0), nn.Linear(8, 3, rng=0)
        ),
        lambda features, classes, rng: nn.Linear(features, classes, rng=rng),
    ],
    ids=["module", "builder"],
)
def test_any_module_is_taken_and_left_as_it_is(module):
    before = module.state() if isinstance(module, nn.Module) else {}
    model = quick(module=module).fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert not any(part.training for _, part in model.network_.named_modules())
    for name, array in before.items():
        np.testing.assert_array_equal(module.state()[name], array)


def test_images_go_through_convolutions():
    images, digits = load_digits(return_X_y=True)
    images = images.reshape(-1, 1, 8, 8)[:300] / 16
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0, dtype=np.float32), nn.ReLU(), nn.Flatten(),
        nn.Linear(144, 10, rng=0, dtype=np.float32),
    )  # fmt: skip
    model = quick(module=net, dtype=np.float32, epochs=5).fit(images, digits[:300])
    assert model.score(images, digits[:300]) > 0.8
    assert model.network_.layers[0].W.dtype == np.float32


def test_partial_fit_is_an_epoch_and_goes_on():
    whole = quick(epochs=3).fit(X, Y)
    parts = quick()
    for _ in range(3):
        parts.partial_fit(X, Y, classes=[0, 1, 2])
    assert parts.predict_proba(X).tobytes() == whole.predict_proba(X).tobytes()
    assert parts.n_iter_ == 3
    few = quick().partial_fit(X[:60], Y[:60], classes=[0, 1, 2]).partial_fit(X[90:], Y[90:])
    assert few.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match="none of the classes"):
        few.partial_fit(X, Y + 1)
    halves = quick(NetworkRegressor)
    halves.partial_fit(X, TARGETS).partial_fit(X, TARGETS)
    two = quick(NetworkRegressor, epochs=2).fit(X, TARGETS)
    assert halves.predict(X).tobytes() == two.predict(X).tobytes()


def test_patience_stops_it_and_keeps_the_best():
    model = quick(patience=3, epochs=500, learning_rate=0.1).fit(X, Y)
    assert model.n_iter_ < 500
    assert "validation_loss" in model.history_


def test_class_weights_move_the_boundary():
    plain, heavy = quick().fit(X, Y), quick(class_weight={1: 50.0}).fit(X, Y)
    assert (heavy.predict(X) == 1).sum() > (plain.predict(X) == 1).sum()
    assert heavy.predict(X)[Y == 1].tolist() == [1] * 50
    rare = np.flatnonzero((Y == 0) | (np.arange(150) % 10 == 0))
    assert quick(class_weight="balanced").fit(X[rare], Y[rare]).score(X, Y) > 0.8


@pytest.mark.parametrize("target", [TARGETS, TARGETS[:, 0]], ids=["two", "one"])
def test_a_regressor_has_the_shape_of_its_targets(target):
    model = quick(NetworkRegressor, epochs=150).fit(X, target)
    assert model.predict(X).shape == target.shape
    assert model.score(X, target) > 0.8


def test_a_regressor_takes_another_loss_and_optimizer():
    kind = partial(optim.SGD, momentum=0.9)
    model = quick(NetworkRegressor, loss=nn.huber, optimizer=kind, module=nn.Linear(4, 2, rng=0))
    assert model.fit(X, TARGETS).history_["loss"][-1] < model.history_["loss"][0]


def test_it_works_in_pipelines_and_searches():
    pipeline = make_pipeline(StandardScaler(), quick())
    assert cross_val_score(pipeline, X, NAMES, cv=3, error_score="raise").mean() > 0.9
    grid = {"networkclassifier__learning_rate": [1e-7, 0.02]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, NAMES)
    assert search.best_params_ == {"networkclassifier__learning_rate": 0.02}


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
def test_a_pickle_predicts_the_same_and_a_clone_is_not_fitted(kind):
    model = quick(kind, module=nn.Linear(4, 3 if kind is NetworkClassifier else 1, rng=0))
    model.fit(X, Y)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.predict(X).tobytes() == model.predict(X).tobytes()
    assert (
        copy.partial_fit(X, Y).predict(X).tobytes() == model.partial_fit(X, Y).predict(X).tobytes()
    )
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


def test_a_module_that_does_not_fit_the_classes_is_said():
    with pytest.raises(ValueError, match="class"):
        quick(module=nn.Linear(4, 2, rng=0)).fit(X, Y)
    with pytest.raises(ValueError, match="2 classes"):
        quick().fit(X, 0 * Y)


@pytest.mark.parametrize("module", [nn.Linear, "mlp", 3])
def test_what_makes_no_module_is_refused(module):
    with pytest.raises(TypeError, match=r"module=.*; expected a tg.nn.Module, or a function"):
        quick(module=module).fit(X, Y)


@pytest.mark.parametrize("epochs", ["3", 0, 2.5])
def test_epochs_are_a_number(epochs):
    with pytest.raises(ValueError, match=r"NetworkRegressor: epochs=.*; expected an integer"):
        quick(NetworkRegressor, epochs=epochs).fit(X, TARGETS)
