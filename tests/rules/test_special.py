"""SciPy's special functions: what the generic tests of every row cannot see.

Published values are Abramowitz & Stegun's (1964), cited as A&S with the number of the equation or
table.
"""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from extras import extra
from oracles import same

import tinygrad_bp as tg
from tinygrad_bp.engine.dispatch import UFUNCS
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.errors import TrackedTensorError, UnsupportedFunctionError

special = extra("scipy.special")
CANCELS = 1.0  # where the derivatives of erfcx change their method


def derivative(f: Callable[..., Any], order: int) -> Callable[..., Any]:
    for _ in range(order):
        f = tg.grad(f)
    return f


def run(code: str) -> str:
    """Run `code` in a fresh interpreter and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Published values

EULER, ZETA_3, ZETA_5 = 0.5772156649015329, 1.2020569031595943, 1.0369277551433699  # A&S 23.2
PUBLISHED = {
    "6.3.2": (special.gammaln, 1.0, 1, -EULER),
    "6.3.19, the minimum of gamma": (special.gamma, 1.4616321449683623, 1, 0.0),
    "6.4.2, n=1": (special.digamma, 1.0, 1, math.pi**2 / 6),
    "6.4.2, n=2": (special.digamma, 1.0, 2, -2 * ZETA_3),
    "6.4.2, n=3": (special.digamma, 1.0, 3, math.pi**4 / 15),
    "6.4.2, n=4": (special.gammaln, 1.0, 5, -24 * ZETA_5),
    "6.4.4": (special.digamma, 0.5, 1, math.pi**2 / 2),
    "6.1.34, 1/gamma at 0": (special.rgamma, 0.0, 1, 1.0),
    "6.1.34, twice": (special.rgamma, 0.0, 2, 2 * EULER),
    "6.1.34, three times": (special.rgamma, 0.0, 3, 6 * -0.6558780715202539),
    "7.1.17, the maximum of dawsn": (special.dawsn, 0.9241388730045918, 1, 0.0),
    "7.2.2, erfcx at 0": (special.erfcx, 0.0, 2, 2.0),
    "9.5, a maximum of j1": (special.j1, 1.841183781340659, 1, 0.0),
    "9.5, a zero of j0'": (special.j0, 3.8317059702075123, 1, 0.0),
    "9.1.10, j1 at 0": (special.j1, 0.0, 3, -3 / 8),
    "9.6.10, i1 at 0": (special.i1, 0.0, 3, 3 / 8),
    "9.6.10, i0 at 0": (special.i0, 0.0, 4, 3 / 8),
    "26.2.1": (special.ndtr, 0.0, 1, 0.3989422804014327),
    "27.7.2, the dilogarithm at 1": (special.spence, 1.0, 4, 3 / 2),
    "5.1.11, expn(2)": (lambda x: special.expn(2, x), 1.0, 1, -0.21938393439552026),
}


@pytest.mark.parametrize(("f", "x", "order", "wanted"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_derivatives(f: Any, x: float, order: int, wanted: float) -> None:
    np.testing.assert_allclose(derivative(f, order)(x), wanted, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("n", range(1, 7))
def test_polygamma_recurrence(n: int) -> None:
    """A&S 6.4.6."""
    psi = derivative(special.digamma, n)
    for x in (0.3, 1.0, 7.5):
        step = (-1) ** n * math.factorial(n) / x ** (n + 1)
        np.testing.assert_allclose(psi(x + 1) - psi(x), step, rtol=1e-12)


# Numerical stability


def hazard_tail(x: float) -> float:
    """Return density / tail - x of the normal distribution by its continued fraction, A&S 26.2.14.

    The terms are all positive.
    """
    tail = 0.0
    for k in range(1000, 0, -1):
        tail = k / (x + tail)
    return tail


@pytest.mark.parametrize("x", [3.0, 10.0, 50.0, 1e3, 1e6, 1e150])
def test_log_ndtr_far_to_the_left(x: float) -> None:
    tail = hazard_tail(x)
    np.testing.assert_allclose(derivative(special.log_ndtr, 1)(-x), x + tail, rtol=4e-15)
    np.testing.assert_allclose(derivative(special.log_ndtr, 2)(-x), -(x + tail) * tail, rtol=4e-15)
    np.testing.assert_allclose(
        derivative(special.ndtri_exp, 1)(special.log_ndtr(-3.0)),
        1 / (3.0 + hazard_tail(3.0)),
        rtol=1e-13,
    )


def test_log_ndtr_far_to_the_right() -> None:
    assert derivative(special.log_ndtr, 1)(50.0) == 0.0
    assert derivative(special.log_ndtr, 2)(50.0) == 0.0


@pytest.mark.parametrize("n", range(1, 6))
def test_derivatives_of_erfcx(n: int) -> None:
    f = derivative(special.erfcx, n)
    for x in (1e8, 1e20):  # A&S 7.1.23, the first term
        leading = (-1) ** n * math.factorial(n) / (math.sqrt(math.pi) * x ** (n + 1))
        np.testing.assert_allclose(f(x), leading, rtol=1e-14)
    # two methods meet there
    np.testing.assert_allclose(f(np.nextafter(CANCELS, 2.0)), f(CANCELS), rtol=1e-14)
    for x in (-3.0, 0.7, 1.3, 6.0):  # A&S 7.1.20's differential equation, differentiated
        higher, lower = derivative(special.erfcx, n + 1), derivative(special.erfcx, n - 1)
        rest = higher(x) - 2 * x * f(x) - 2 * n * lower(x)
        assert abs(rest) <= 1e-14 * (abs(x * f(x)) + n * abs(lower(x)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logistic_functions_saturate_silently(dtype: Any) -> None:
    x = np.array([-1000, 1000], dtype)
    for f, value, slope in (
        (special.expit, [0, 1], [0, 0]),
        (special.log_expit, [-1000, 0], [1, 0]),
    ):
        leaf = tg.tensor(x, requires_grad=True)
        out = f(leaf)
        out.backward(np.ones(2, dtype))
        same(out.numpy(), np.array(value, dtype))
        same(leaf.grad.numpy(), np.array(slope, dtype))


def test_logit_near_its_ends() -> None:
    near = 2.0**-53
    same(tg.grad(special.logit)(1 - near), np.float64(1 / (near * (1 - near))))
    same(tg.grad(special.logit)(1e-300), np.float64(1e300))


@pytest.mark.parametrize("x", [-700.0, -1e-9, 0.0, 1e-9, 1e-3, 700.0])
def test_exprel_near_0(x: float) -> None:
    """The derivative is the integral of s exp(s x) over [0, 1]."""
    if abs(x) > 1:
        wanted = (math.exp(x) * (x - 1) + 1) / x**2
    else:
        s, weights = np.polynomial.legendre.leggauss(20)
        wanted = np.sum(weights * (s + 1) * np.exp((s + 1) / 2 * x)) / 4
    np.testing.assert_allclose(tg.grad(special.exprel)(x), wanted, rtol=1e-14)


@pytest.mark.parametrize("lmbda", [0.0, 1e-12, -1e-5, 0.5])
@pytest.mark.parametrize("transform", ["boxcox", "boxcox1p"])
def test_box_cox_at_small_lambda(transform: str, lmbda: float) -> None:
    """The series L^2/2 + lmbda L^3/3 + lmbda^2 L^4/8 + ... of the derivative in lmbda."""
    f, inverse = getattr(special, transform), getattr(special, f"inv_{transform}")
    x = 1.7
    log = math.log(x) if transform == "boxcox" else math.log1p(x)
    series = sum(lmbda**k * log ** (k + 2) / ((k + 2) * math.factorial(k)) for k in range(30))
    np.testing.assert_allclose(tg.grad(f, 1)(x, lmbda), series, rtol=1e-14)
    y = float(f(x, lmbda))
    by_x, back = tg.grad(f, 0)(x, lmbda), tg.grad(inverse, (0, 1))(y, lmbda)
    np.testing.assert_allclose(back, (1 / by_x, -series / by_x), rtol=1e-13)


# Corners

CORNERS = {
    "xlogy(0, 0)": (special.xlogy, (0.0, 0.0), (0.0, 0.0)),
    "xlogy(0, 2)": (special.xlogy, (0.0, 2.0), (math.log(2), 0.0)),
    "xlog1py(0, -1)": (special.xlog1py, (0.0, -1.0), (0.0, 0.0)),
    "xlog1py(0, 1)": (special.xlog1py, (0.0, 1.0), (math.log(2), 0.0)),
    "rel_entr(0, 0)": (special.rel_entr, (0.0, 0.0), (0.0, 0.0)),
    "rel_entr(2, 2)": (special.rel_entr, (2.0, 2.0), (1.0, -1.0)),
    "kl_div(0, 0)": (special.kl_div, (0.0, 0.0), (0.0, 1.0)),
    "kl_div(2, 2)": (special.kl_div, (2.0, 2.0), (0.0, 0.0)),
    "huber inside": (special.huber, (1.0, -0.5), (0.0, -0.5)),
    "huber on the edge": (special.huber, (1.0, -1.0), (0.0, -1.0)),
    "huber outside": (special.huber, (1.0, -3.0), (2.0, -1.0)),
    "pseudo_huber(0, 0)": (special.pseudo_huber, (0.0, 0.0), (0.0, 0.0)),
    "pseudo_huber(0, 2)": (special.pseudo_huber, (0.0, 2.0), (2.0, 0.0)),
    "pseudo_huber, tiny residual": (special.pseudo_huber, (1.0, 1e-5), (2.5e-21, 1e-5)),
    "powm1(0, 0)": (special.powm1, (0.0, 0.0), (0.0, 0.0)),
    "rgamma(-3)": (special.rgamma, (-3.0,), (-6.0,)),
    "i0e(0)": (special.i0e, (0.0,), (0.0,)),
    "i1e(0)": (special.i1e, (0.0,), (0.5,)),
    "wrightomega(1)": (special.wrightomega, (1.0,), (0.5,)),
}


@pytest.mark.parametrize(("f", "at", "wanted"), CORNERS.values(), ids=CORNERS)
def test_corners(f: Any, at: tuple[float, ...], wanted: tuple[float, ...]) -> None:
    found = tg.grad(f, tuple(range(len(at))))(*at)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("f", "wanted"),
    [(special.entr, np.inf), (lambda x: special.rel_entr(x, 1.0), -np.inf)],
    ids=["entr", "rel_entr"],
)
def test_an_entropy_at_0_has_an_infinite_slope(f: Any, wanted: float) -> None:
    """NumPy warns, as of every logarithm of 0."""
    with np.errstate(divide="ignore"):
        assert tg.grad(f)(0.0) == wanted
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        tg.grad(f)(0.0)


@pytest.mark.parametrize("f", [special.xlogy, special.rel_entr, special.kl_div])
def test_corners_do_not_spoil_their_neighbours(f: Any) -> None:
    """Also in the second order, where an untaken branch would give NaN."""
    x, y = np.array([0.0, 0.5]), np.array([0.0, 0.25])
    hessian = tg.hessian(lambda y: np.sum(f(x, y)))(y)
    alone = tg.grad(tg.grad(lambda y: f(0.5, y)))(0.25)
    same(hessian, np.diag([0.0, alone]))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_expn_of_low_order(n: int) -> None:
    """E_0 is exp(-x) / x, and each derivative is the order below."""
    closed = derivative(lambda x: np.exp(-x) / x, 2 - n)
    found = derivative(lambda x: special.expn(n, x), 2)
    wanted = closed(0.7) if n < 2 else np.exp(-0.7) / 0.7
    np.testing.assert_allclose(found(0.7), (-1) ** n * wanted, rtol=1e-13)
    x = np.full(3, 0.7)
    mixed = tg.grad(lambda x: np.sum(special.expn(np.array([0, 1, n]), x)))(x)
    same(mixed[2], tg.grad(lambda x: special.expn(n, x))(0.7))


# Parameters

PARAMETRIC = sorted(
    name for name, rule in TABLE.items() if None in rule.pulls and "special" in rule.family
)


@pytest.mark.parametrize("name", PARAMETRIC)
def test_a_tracked_parameter_is_refused_by_name(name: str) -> None:
    rule = TABLE[name]
    for i in range(len(rule.pulls) - 1):
        args: list[Any] = [1] * len(rule.pulls)
        args[i] = tg.tensor(1.0, requires_grad=True)
        with pytest.raises(
            TrackedTensorError, match=rf"{name}: has no derivative rule in \w; .*detach"
        ):
            rule.function(*args)
        args[i] = args[i].detach()
        args[-1] = tg.tensor(0.5, requires_grad=True)
        assert rule.function(*args).requires_grad


def test_parametric_rows_are_found() -> None:
    assert {"jv", "kn", "gammainc", "betainc", "zeta", "expn", "hyp2f1"} <= set(PARAMETRIC)


@pytest.mark.parametrize("name", ["gamma", "gammaln", "rgamma", "digamma"])
def test_slopes_of_the_gamma_family_beside_its_poles(name: str) -> None:
    mp = pytest.importorskip("mpmath")
    exact = {
        "gamma": lambda x: mp.gamma(x) * mp.psi(0, x),
        "gammaln": lambda x: mp.psi(0, x),
        "rgamma": lambda x: -mp.rgamma(x) * mp.psi(0, x),
        "digamma": lambda x: mp.psi(1, x),
    }[name]
    x = np.add.outer([0.0, -1.0, -2.0, -9.0], [1e-3, 1e-8, 1e-12, -1e-5, -1e-10]).ravel()
    got = tg.grad(lambda x: np.sum(getattr(special, name)(x)))(x)
    with mp.workdps(40):
        wanted = [float(exact(mp.mpf(one))) for one in x.tolist()]
    np.testing.assert_allclose(got, wanted, rtol=1e-13)


def test_both_slopes_of_poch_beside_its_poles() -> None:
    mp = pytest.importorskip("mpmath")
    at = [(1e-10, -2.0), (1e-30, 0.5), (1e-10, 1e-12), (-2.5, 3.0), (-1.0 + 1e-9, -4.0)]
    at += [(-3.0 - 1e-12, -1.0), (0.5, -0.9), (-0.3, 0.6), (7.0, -20.5)]
    z, m = np.array(at).T
    got = tg.grad(lambda z, m: np.sum(special.poch(z, m)), (0, 1))(z, m)
    with mp.workdps(60):
        pairs = [(mp.mpf(a), mp.mpf(b)) for a, b in at]
        outs = [mp.gamma(a + b) / mp.gamma(a) for a, b in pairs]
        ends = [mp.psi(0, a + b) for a, b in pairs]
        wanted = [
            [
                float(out * (end - mp.psi(0, a)))
                for (a, _), out, end in zip(pairs, outs, ends, strict=True)
            ],
            [float(out * end) for out, end in zip(outs, ends, strict=True)],
        ]
    np.testing.assert_allclose(got, wanted, rtol=1e-11)


def test_poch_of_a_whole_number_is_a_polynomial_at_its_poles() -> None:
    slopes = tg.grad(lambda z: np.sum(special.poch(z, [1.0, 2.0, 3.0])))(np.full(3, -3.0))
    np.testing.assert_allclose(slopes, [1.0, -5.0, 11.0], rtol=1e-14)


@pytest.mark.parametrize("name", ["ive", "kve"])
def test_scaled_bessel_functions_of_high_order(name: str) -> None:
    mp = pytest.importorskip("mpmath")
    orders = [2.5, 14.1, 50.0, 200.0, 300.0]
    for v in orders:
        x = np.array([max(v * v * share, 51.0) for share in (0.1, 0.1251, 0.3, 0.99, 1.01, 4.0)])
        got = tg.grad(lambda x, v=v: np.sum(getattr(special, name)(v, x)))(x)
        with mp.workdps(60):
            f, sign = (mp.besseli, 1) if name == "ive" else (mp.besselk, -1)
            wanted = [
                float(sign * ((f(v - 1, y) + f(v + 1, y)) / 2 - f(v, y)) * mp.exp(-sign * y))
                for y in map(mp.mpf, x.tolist())
            ]
        np.testing.assert_allclose(got, wanted, rtol=1e-10)  # the recurrence loses v * v / 8


SIDES = [(1e8, 1.0), (1.0, 1e8), (3e8, -4e-8), (-1e155, 1e147), (1e-8, 1.0), (1.0, -1.0)]


@pytest.mark.parametrize("name", ["hypot", "pseudo_huber"])
def test_second_derivatives_of_a_long_and_a_short_side(name: str) -> None:
    f = np.hypot if name == "hypot" else special.pseudo_huber
    for x, y in SIDES:
        x = abs(x) if name == "pseudo_huber" else x  # its delta
        found = tg.hessian(lambda v: f(v[0], v[1]))(np.array([x, y]))
        unit = math.hypot(x, y)
        a, b = x / unit, y / unit
        wanted = {
            "hypot": [[b * b / unit, -a * b / unit], [-a * b / unit, a * a / unit]],
            "pseudo_huber": [[None, b**3], [b**3, a**3]],
        }[name]
        for i, j in ((0, 1), (1, 0), (1, 1), *([(0, 0)] if name == "hypot" else [])):
            np.testing.assert_allclose(found[i, j], wanted[i][j], rtol=1e-14)


@pytest.mark.parametrize("x", [1e-300, -1e-150, 1e-30, -1e-8, 1e-4, 0.3, -0.7, 1 - 1e-9])
def test_second_derivatives_of_inverse_functions(x: float) -> None:
    rest = (1 - x) * (1 + x)
    for f, wanted in (
        (np.arcsin, x / rest**1.5),
        (np.arccos, -x / rest**1.5),
        (np.arctanh, 2 * x / rest**2),
    ):
        assert tg.grad(tg.grad(f))(x) == pytest.approx(wanted, rel=1e-13, abs=0), f


def test_an_integer_order_and_an_order_array() -> None:
    x = np.array([0.5, 1.5])
    for order in (2, 2.0, np.array([2, 2]), np.array([2.0]), np.int8(2)):
        same(
            tg.grad(lambda x, order=order: np.sum(special.jv(order, x)))(x),
            (special.jv(1, x) - special.jv(3, x)) / 2,
        )


def test_a_changed_parameter_does_not_reach_the_graph() -> None:
    a, x = np.array([0.5, 2.0]), tg.tensor([0.4, 0.6], requires_grad=True)
    out = special.gammainc(a, x)
    a[...] = 9.0
    out.backward(np.ones(2))
    same(
        x.grad.numpy(),
        tg.grad(lambda x: np.sum(special.gammainc(np.array([0.5, 2.0]), x)))(x.numpy()),
    )


@pytest.mark.parametrize("name", ["jv", "zeta", "gammainc", "betainc"])
def test_a_narrow_parameter_costs_no_digits(name: str) -> None:
    """SciPy computes with float64 where the argument is; so do the rules: 0.1f - 1 rounds."""
    f = getattr(special, name)
    narrow = [np.float32(3.1)] * (len(TABLE[name].pulls) - 1)
    wide = [float(one) for one in narrow]
    same(
        derivative(lambda x: f(*narrow, x), 2)(0.7),
        derivative(lambda x: f(*wide, x), 2)(0.7),
    )


def test_a_wrong_number_of_arguments() -> None:
    x = tg.tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match="jv"):
        special.jv(1, x, x, x)


# What has no row


@pytest.mark.parametrize("name", ["sici", "airy", "ellipj", "owens_t", "mathieu_a"])
def test_other_ufuncs_are_refused_by_name(name: str) -> None:
    f = getattr(special, name)
    with pytest.raises(
        UnsupportedFunctionError, match=rf"scipy\.special\.{name} has no derivative"
    ):
        f(*[tg.tensor(0.5, requires_grad=True)] * f.nin)


def test_an_unknown_ufunc_of_nobody_is_refused() -> None:
    mine = np.frompyfunc(lambda x: x, 1, 1)
    with pytest.raises(UnsupportedFunctionError, match="has no derivative"):
        mine(tg.tensor(0.5, requires_grad=True))


def test_keywords_are_refused() -> None:
    x = tg.tensor([0.5], requires_grad=True)
    with pytest.raises(UnsupportedFunctionError, match=r"scipy\.special\.expit: out="):
        special.expit(x, out=np.empty(1))


@pytest.mark.parametrize(
    ("f", "ours"),
    [
        (special.logsumexp, tg.logsumexp),
        (lambda x: special.softmax(x, axis=-1), tg.softmax),
        (lambda x: special.log_softmax(x, axis=-1), tg.log_softmax),
    ],
    ids=["logsumexp", "softmax", "log_softmax"],
)
def test_functions_that_scipy_wrote_in_python_are_refused(f: Any, ours: Any) -> None:
    """They ask for `numpy.asarray`, which no protocol overrides; the error names what to use."""
    x = np.array([0.5, 1.5])
    with pytest.raises(TrackedTensorError, match=r"use tg\.|took a Tensor"):
        f(tg.tensor(x, requires_grad=True))
    same(ours(x), f(x))


def test_softplus_works_by_logaddexp() -> None:
    if not hasattr(special, "softplus"):
        pytest.skip("this SciPy has no softplus")
    same(tg.grad(special.softplus)(0.3), special.expit(0.3))


def test_flat_functions_give_plain_values() -> None:
    x = tg.tensor([-0.5, 2.6], requires_grad=True)
    for f in (special.gammasgn, special.round):
        found = f(x)
        assert type(found) is np.ndarray
        same(found, f(x.numpy()))


# Loading


def test_scipy_is_imported_by_nobody_else() -> None:
    run(
        "import sys, numpy as np, tinygrad_bp as tg\n"
        "x = tg.tensor([2.0, 3.0], requires_grad=True)\n"
        "np.linalg.norm(x).backward()\n"  # loads the families put off
        "try: np.frompyfunc(abs, 1, 1)(x)\n"
        "except TypeError: pass\n"
        "assert 'scipy' not in sys.modules\n"
        "import scipy.special as special\n"  # only now
        "special.jv(1, x).backward(np.ones(2))\n"
    )


def test_the_core_works_without_scipy() -> None:
    run(
        "import sys\n"
        "sys.modules['scipy'] = sys.modules['scipy.special'] = None\n"
        "import numpy as np, tinygrad_bp as tg\n"
        "assert tg.grad(lambda x: np.linalg.norm(np.sin(x)))(np.ones(2)).shape == (2,)\n"
        "x = tg.tensor([2.0], requires_grad=True)\n"
        "try: np.frompyfunc(abs, 1, 1)(x)\n"
        "except tg.errors.UnsupportedFunctionError: print('refused')\n"
    )


def test_another_thread_may_load_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look into the table and the loading: nothing is left to load, and it is there."""
    monkeypatch.delitem(UFUNCS, special.erf)

    def loaded_by_another() -> bool:
        UFUNCS[special.erf] = lambda _x: "found"
        return False

    monkeypatch.setattr("tinygrad_bp.engine.rule.on_unknown", [loaded_by_another])
    assert special.erf(tg.tensor(1.0)) == "found"


def test_methods_of_ufuncs_load_too() -> None:
    run(
        "import numpy as np, scipy.special as special, tinygrad_bp as tg\n"
        "x = tg.tensor([2.0, 3.0], requires_grad=True)\n"
        "assert special.beta.outer(x, np.ones(3)).shape == (2, 3)\n"
    )


def test_a_pickled_graph_finds_its_rows_in_another_process() -> None:
    x = tg.tensor([0.4, 0.6], requires_grad=True)
    loss = np.sum(special.erf(special.jv(1, x)) * special.exp2(x))
    code = (
        "import pickle, sys\n"
        f"x, loss = pickle.loads({pickle.dumps((x, loss))!r})\n"
        "loss.backward()\n"
        "print(x.grad.numpy().tolist())\n"
    )
    loss.backward()
    assert run(code).strip() == str(x.grad.numpy().tolist())
