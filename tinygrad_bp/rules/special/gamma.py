"""The gamma function and its kin: factorials, beta, incomplete gamma and beta, polygamma, zeta."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from tinygrad_bp.engine.constructors import elementwise, flat
from tinygrad_bp.engine.rule import POSITIVE, call
from tinygrad_bp.rules.special.parameters import at, parametric

INSIDE = (0.1, 0.9)


class _Ufunc:
    """Tells, when it is given to a function of SciPy, which ufunc that function calls."""

    def __array_ufunc__(self, ufunc: Any, _call: str, *_inputs: Any, **_kwargs: Any) -> Any:
        return ufunc


def _raw_polygamma(x: Any, n: int) -> Any:
    # not special.polygamma, which is no ufunc and makes float64 of float32
    return special.zeta(n + 1, x) * ((-1) ** (n + 1) * math.factorial(n))


def polygamma(x: Any, n: int) -> Any:
    """Compute the n-th derivative of ``scipy.special.digamma``, n at least 1.

    Abramowitz & Stegun (1964), 6.4.10.
    """
    return _raw_polygamma(x, n)


polygamma = elementwise(
    polygamma,
    lambda ct, _out, x, n: ct * polygamma(x, n + 1),
    forward=_raw_polygamma,
    bind=lambda x, n: ((x,), (n,)),
    domain=POSITIVE,
    analytic=False,
    samples=(call((3,), 1), call((2, 3), 2), call((), 1), call((0, 3), 1)),
)
elementwise(
    special.digamma, lambda ct, _out, x: ct * polygamma(x, 1), domain=POSITIVE, analytic=False
)
# In s there is no closed form.
parametric(
    special.zeta(2.0, _Ufunc()),
    "s",
    lambda ct, _out, s, q: ct * -s * special.zeta(s + 1, q),
    name="zeta",
    domain=POSITIVE,
    analytic=False,
    samples=at(2.5),
)

elementwise(special.gamma, lambda ct, out, x: ct * out * special.digamma(x), domain=POSITIVE)
elementwise(
    special.gammaln, lambda ct, _out, x: ct * special.digamma(x), domain=POSITIVE, analytic=False
)
elementwise(special.loggamma, lambda ct, _out, x: ct * special.digamma(x), domain=POSITIVE)


def _rgamma_slope(out: Any, x: Any) -> Any:
    """Return the derivative of 1 / gamma(x), left of 1/2 by reflection: finite at the poles."""
    left = np.real(x) < 0.5
    mirrored = np.where(left, 1 - x, 1)
    angle = np.where(left, np.pi * x, 0)
    reflected = special.gamma(mirrored) * (
        np.cos(angle) - np.sin(angle) * special.digamma(mirrored) * (1 / np.pi)
    )
    return np.where(left, reflected, -out * special.digamma(np.where(left, 1, x)))


elementwise(
    special.rgamma,
    lambda ct, out, x: ct * _rgamma_slope(out, x),
    domain=(-2.5, 3.0),
    analytic=False,
    takes_complex=True,
)
elementwise(
    special.poch,
    lambda ct, out, z, m: ct * out * (special.digamma(z + m) - special.digamma(z)),
    lambda ct, out, z, m: ct * out * special.digamma(z + m),
    domain=POSITIVE,
    analytic=False,
)
elementwise(
    special.beta,
    lambda ct, out, a, b: ct * out * (special.digamma(a) - special.digamma(a + b)),
    lambda ct, out, a, b: ct * out * (special.digamma(b) - special.digamma(a + b)),
    domain=POSITIVE,
    analytic=False,
    commutes=True,
)
elementwise(
    special.betaln,
    lambda ct, _out, a, b: ct * (special.digamma(a) - special.digamma(a + b)),
    lambda ct, _out, a, b: ct * (special.digamma(b) - special.digamma(a + b)),
    domain=POSITIVE,
    analytic=False,
    commutes=True,
)


def _gamma_density(a: Any, x: Any) -> Any:
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    log = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x)
    return np.exp(log - special.betaln(a, b))


def _incomplete(function: Any, parameters: str, pull: Any, domain: tuple[float, float]) -> None:
    """Add a distribution function, or its inverse; the derivatives in a and b are no formulas."""
    samples = at(*(1.5, 2.5)[: len(parameters.split())])
    parametric(function, parameters, pull, domain=domain, analytic=False, samples=samples)


_incomplete(special.gammainc, "a", lambda ct, _out, a, x: ct * _gamma_density(a, x), POSITIVE)
_incomplete(special.gammaincc, "a", lambda ct, _out, a, x: -ct * _gamma_density(a, x), POSITIVE)
_incomplete(special.gammaincinv, "a", lambda ct, out, a, _y: ct / _gamma_density(a, out), INSIDE)
_incomplete(special.gammainccinv, "a", lambda ct, out, a, _y: -ct / _gamma_density(a, out), INSIDE)
_incomplete(special.betainc, "a b", lambda ct, _out, a, b, x: ct * _beta_density(a, b, x), INSIDE)
_incomplete(special.betaincc, "a b", lambda ct, _out, a, b, x: -ct * _beta_density(a, b, x), INSIDE)
_incomplete(
    special.betaincinv, "a b", lambda ct, out, a, b, _y: ct / _beta_density(a, b, out), INSIDE
)
_incomplete(
    special.betainccinv, "a b", lambda ct, out, a, b, _y: -ct / _beta_density(a, b, out), INSIDE
)

flat(special.gammasgn)
