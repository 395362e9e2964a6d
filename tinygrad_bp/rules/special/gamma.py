"""The gamma function and its kin: factorials, beta, incomplete gamma and beta, zeta."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import elementwise, flat
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.rules.special.densities import beta_density, gamma_density
from tinygrad_bp.rules.special.digamma import (
    digamma,
    digamma_of_sum,
    plain_difference,
    sine_and_cosine,
    times_difference,
)
from tinygrad_bp.rules.special.parameters import at, parametric
from tinygrad_bp.rules.special.ufuncs import special

INSIDE = (0.1, 0.9)


class _Ufunc:
    """Tells, when it is given to a function of SciPy, which ufunc that function calls."""

    def __array_ufunc__(self, ufunc: Any, _call: str, *_inputs: Any, **_kwargs: Any) -> Any:
        return ufunc


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

elementwise(special.gamma, lambda ct, out, x: ct * out * digamma(x), domain=POSITIVE)
elementwise(special.gammaln, lambda ct, _out, x: ct * digamma(x), domain=POSITIVE, analytic=False)
elementwise(special.loggamma, lambda ct, _out, x: ct * special.digamma(x), domain=POSITIVE)


def _rgamma_slope(out: Array, x: Array) -> Array:
    """Return the derivative of 1 / gamma(x), left of 1/2 by reflection: finite at the poles."""
    left = np.real(x) < 0.5
    mirrored = np.where(left, 1 - x, 1)
    sine, cosine = sine_and_cosine(np.where(left, x, 0))
    reflected = special.gamma(mirrored) * (cosine - sine * special.digamma(mirrored) * (1 / np.pi))
    return np.where(left, reflected, -out * special.digamma(np.where(left, 1, x)))


elementwise(
    special.rgamma,
    lambda ct, out, x: ct * _rgamma_slope(out, x),
    domain=(-2.5, 3.0),
    analytic=False,
    takes_complex=True,
)


def _poch_slope(ct: Cotangent, out: Array, z: Array, m: Array) -> Array:
    """Return the slope in z, which is less than `out` by the order of z: finite where that is not.

    The factor before the last is then taken out of the product.
    """
    over = np.isinf(out)
    lower = special.poch(np.where(over, z, 1), np.where(over, m - 1, 1))
    return np.where(
        over,
        times_difference(ct * (z + m - 1), z, m) * lower,
        times_difference(ct * np.where(over, 1, out), z, m),
    )


elementwise(
    special.poch,
    lambda ct, out, z, m: _poch_slope(ct, out, z, m),
    lambda ct, out, z, m: ct * out * digamma_of_sum(z, m),
    textbook=(
        lambda ct, out, z, m: ct * out * plain_difference(z, m),
        lambda ct, out, z, m: ct * out * special.digamma(z + m),
    ),
    domain=POSITIVE,
    analytic=False,
)
elementwise(
    special.beta,
    lambda ct, out, a, b: times_difference(-ct * out, a, b),
    lambda ct, out, a, b: times_difference(-ct * out, b, a),
    textbook=(
        lambda ct, out, a, b: -ct * out * plain_difference(a, b),
        lambda ct, out, a, b: -ct * out * plain_difference(b, a),
    ),
    domain=POSITIVE,
    analytic=False,
    commutes=True,
)
elementwise(
    special.betaln,
    lambda ct, _out, a, b: times_difference(-ct, a, b),
    lambda ct, _out, a, b: times_difference(-ct, b, a),
    textbook=(
        lambda ct, _out, a, b: -ct * plain_difference(a, b),
        lambda ct, _out, a, b: -ct * plain_difference(b, a),
    ),
    domain=POSITIVE,
    analytic=False,
    commutes=True,
)


def _known(out: Array, y: Array) -> Array:
    """Return the inverse `out`, NaN where it has underflowed: the density is then not known."""
    return np.where((out == 0) & (y != 0) & (y != 1), np.nan, out)


def _rest(inverse: Any, a: Array, b: Array, y: Array) -> Array:
    """Return how far an inverse is from 1; SciPy loses it in single precision."""
    return inverse(b, a, y.astype(np.float64)).astype(y.dtype)


def _incomplete(function: Any, parameters: str, pull: Any, domain: tuple[float, float]) -> None:
    """Add a distribution function, or its inverse; the derivatives in a and b are no formulas."""
    samples = at(*(1.5, 2.5)[: len(parameters.split())])
    parametric(function, parameters, pull, domain=domain, analytic=False, samples=samples)


_incomplete(special.gammainc, "a", lambda ct, _out, a, x: ct * gamma_density(a, x), POSITIVE)
_incomplete(special.gammaincc, "a", lambda ct, _out, a, x: -ct * gamma_density(a, x), POSITIVE)
_incomplete(
    special.gammaincinv, "a", lambda ct, out, a, y: ct / gamma_density(a, _known(out, y)), INSIDE
)
_incomplete(
    special.gammainccinv, "a", lambda ct, out, a, y: -ct / gamma_density(a, _known(out, y)), INSIDE
)
_incomplete(
    special.betainc, "a b", lambda ct, _out, a, b, x: ct * beta_density(a, b, x, 1 - x), INSIDE
)
_incomplete(
    special.betaincc, "a b", lambda ct, _out, a, b, x: -ct * beta_density(a, b, x, 1 - x), INSIDE
)
# The distance of out from 1 is an inverse too, and exact where out has rounded.
_incomplete(
    special.betaincinv,
    "a b",
    lambda ct, out, a, b, y: (
        ct / beta_density(a, b, _known(out, y), _rest(special.betainccinv, a, b, y))
    ),
    INSIDE,
)
_incomplete(
    special.betainccinv,
    "a b",
    lambda ct, out, a, b, y: (
        -ct / beta_density(a, b, _known(out, y), _rest(special.betaincinv, a, b, y))
    ),
    INSIDE,
)

flat(special.gammasgn)
