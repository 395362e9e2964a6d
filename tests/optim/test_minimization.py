"""`minimize`: known minima, by every method of SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.errors import DTypeError, ShapeError
from tinygrad_bp.optim import minimization, minimize

optimize = extra("scipy.optimize")

METHODS = [
    *("Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA"),
    *("SLSQP", "trust-constr", "dogleg", "trust-ncg", "trust-krylov", "trust-exact"),
]
if not hasattr(optimize._minimize, "_minimize_cobyqa"):  # SciPy before 1.14
    METHODS.remove("COBYQA")
ROUGH = {"COBYLA": 0.2, "Powell": 1e-3, "Nelder-Mead": 1e-3, "TNC": 1e-2, "SLSQP": 1e-3}


def rosenbrock(p):
    return np.sum(100.0 * (p[1:] - p[:-1] ** 2) ** 2 + (1.0 - p[:-1]) ** 2)


def bowl(p):
    """Is convex everywhere, as dogleg wants it."""
    return np.sum(np.cosh(p - np.array([1.0, -0.5])) + (p[0] + 2.0 * p[1]) ** 2)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_minimum(method):
    loss, wanted = (bowl, [1.0, -0.5]) if method == "dogleg" else (rosenbrock, [1.0, 1.0])
    found = minimize(loss, np.array([0.8, 0.5]), method)
    np.testing.assert_allclose(found.x, wanted, atol=ROUGH.get(method, 1e-4))
    assert found.fun == pytest.approx(float(loss(found.x)))
    assert found.evaluations > 1
    assert found.result.x.tolist() == found.x.tolist()


@pytest.mark.parametrize("n", [2, 10])
def test_rosenbrocks_minimum_is_scipys_with_its_own_derivatives(n):
    start = np.linspace(-1.0, 1.0, n)
    ours = minimize(rosenbrock, start, "Newton-CG", tol=1e-10)
    theirs = optimize.minimize(
        optimize.rosen, start, method="Newton-CG", tol=1e-10,
        jac=optimize.rosen_der, hessp=optimize.rosen_hess_prod,
    )  # fmt: skip
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-7)
    assert (ours.steps, ours.evaluations) == (theirs.nit, theirs.nfev)


def test_products_with_the_hessian_are_scipys():
    problem = minimization._Problem(rosenbrock, np.zeros(5))
    x, v = np.random.default_rng(0).normal(size=(2, 5))
    np.testing.assert_allclose(
        problem.hessian_product(x, v), optimize.rosen_hess_prod(x, v), rtol=1e-12
    )
    np.testing.assert_allclose(problem.hessian(x), optimize.rosen_hess(x), rtol=1e-12, atol=1e-10)


def test_parameters_keep_their_nesting_and_dtypes():
    start = {"a": np.zeros(2, np.float32), "b": [1.0, (np.ones((2, 1)),)]}

    def loss(p):
        first = np.sum((p["a"].astype(float) - 3.0) ** 2)
        return first + p["b"][0] ** 2 + np.sum((p["b"][1][0] + 1.0) ** 2)

    seen = []
    found = minimize(loss, start, "BFGS", callback=seen.append)
    assert found.success
    assert found.x["a"].dtype == np.float32
    np.testing.assert_allclose(found.x["a"], 3.0, atol=1e-3)
    np.testing.assert_allclose(found.x["b"][0], 0.0, atol=1e-4)
    np.testing.assert_allclose(found.x["b"][1][0], [[-1.0], [-1.0]], atol=1e-4)
    assert found.gradient["b"][1][0].shape == (2, 1)
    assert start["a"].tolist() == [0.0, 0.0]
    assert len(seen) == found.steps
    assert seen[-1].keys() == start.keys()


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        ((0.5, None), {"a": [2.0, 2.0], "b": 0.5}),
        ((None, {"a": np.array([1.0, 5.0]), "b": None}), {"a": [1.0, 2.0], "b": -1.0}),
        (({"a": 3.0, "b": -0.5}, 9.0), {"a": [3.0, 3.0], "b": -0.5}),
    ],
)
@pytest.mark.parametrize("method", ["L-BFGS-B", "TNC", "SLSQP", "trust-constr"])
def test_bounds_hold(bounds, wanted, method):
    found = minimize(
        lambda p: np.sum((p["a"] - 2.0) ** 2) + (p["b"] + 1.0) ** 2,
        {"a": np.ones(2) * 4.0, "b": 4.0},
        method,
        bounds=bounds,
    )
    for key, value in wanted.items():
        np.testing.assert_allclose(found.x[key], value, atol=2e-2)


def test_a_module_is_moved_to_the_minimum_of_least_squares():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
    net, losses = nn.Linear(3, 1, rng=0), []

    def loss(net):
        return nn.mse(net(X), y)

    found = minimize(loss, net, "trust-ncg", callback=lambda net: losses.append(loss(net).item()))
    assert losses == sorted(losses, reverse=True)
    wanted, *_ = np.linalg.lstsq(np.hstack([X, np.ones((30, 1))]), y, rcond=None)
    assert found.x is net
    np.testing.assert_allclose(net.W.detach().numpy(), wanted[:3], atol=1e-5)
    np.testing.assert_allclose(net.b.detach().numpy(), wanted[3], atol=1e-5)
    assert found.fun == nn.mse(net(X), y).item()


def test_what_is_linear_has_a_hessian_of_zeros():
    problem = minimization._Problem(lambda p: 3.0 * p["a"] + 2.0 * p["b"], {"a": 1.0, "b": 2.0})
    assert problem.hessian(problem.start).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: minimize(np.sum, np.array([1, 2])), DTypeError, "int"),
        (lambda: minimize(lambda p: p, np.ones(2)), ShapeError, "one number"),
        (lambda: minimize(lambda _: 1.0, np.ones(2)), ShapeError, "depends"),
        (lambda: minimize(np.sum, np.ones(2), bounds=3), ShapeError, "pair"),
        (lambda: minimize(np.sum, np.ones(2), bounds=(np.ones(3), None)), ShapeError, "fit"),
    ],
)
def test_refusals(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_gradients_are_on_inside_of_no_grad():
    with tg.no_grad():
        assert minimize(bowl, np.zeros(2)).success
