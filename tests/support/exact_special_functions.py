"""SciPy's special functions in mpmath's arbitrary precision, also the values: SciPy's may be wrong.

Slopes stand for the arguments that have one: the last alone, or all.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from exact_functions import DEGREE, DIGITS, VALUES, Exact, wide
from mpmath import mp, mpf
from scipy import special

SLOPES: dict[str, tuple[Exact, ...]] = {}


def _of_order(function: Exact, signs: tuple[int, int]) -> Exact:
    """Return the slope by the neighbours in order: half their sum with these signs."""
    return lambda n, x: (signs[0] * function(n - 1, x) + signs[1] * function(n + 1, x)) / 2


FAR = mpf(10) ** 6  # from here on the first term of an expansion in 1/x^2 counts alone


def _scaled(f: Exact, sign: int) -> Exact:
    """Return `f`, of an order, times ``exp(-|x|)`` or ``exp(x)``; with the digits that takes."""

    def g(n: Any, x: Any) -> Any:
        with mp.workdps(DIGITS + max(0, int(2 * mp.log10(abs(x))))):
            return f(n, x) * mp.exp(-abs(x) if sign > 0 else x)

    return g


def _add(name: str, value: Exact, *slopes: Exact) -> None:
    VALUES[name] = value
    SLOPES[name] = slopes


def _bessel() -> None:
    slope_of_i, slope_of_k = _of_order(mp.besseli, (1, 1)), _of_order(mp.besselk, (-1, -1))
    families = {
        "j{}": (mp.besselj, _of_order(mp.besselj, (1, -1))),
        "y{}": (mp.bessely, _of_order(mp.bessely, (1, -1))),
        "i{}": (mp.besseli, slope_of_i),
        "k{}": (mp.besselk, slope_of_k),
        "i{}e": (
            _scaled(mp.besseli, 1),
            _scaled(lambda n, x: slope_of_i(n, x) - mp.sign(x) * mp.besseli(n, x), 1),
        ),
        "k{}e": (
            _scaled(mp.besselk, -1),
            _scaled(lambda n, x: slope_of_k(n, x) + mp.besselk(n, x), -1),
        ),
    }
    for name, (value, slope) in families.items():
        for order in (0, 1):
            _add(name.format(order), partial(value, order), partial(slope, order))
        _add(name.format("v"), value, slope)
    for name, same in {"yn": "yv", "kn": "kv", "special.i0": "i0"}.items():
        _add(name, VALUES[same], *SLOPES[same])


_bessel()


for _name, _value in {"sindg": mp.sin, "cosdg": mp.cos, "tandg": mp.tan, "cotdg": mp.cot}.items():
    VALUES[_name] = lambda x, f=_value: f(DEGREE * x)


def _normal(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _normal_density(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _error_slope(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def _scaled_error(x: Any) -> Any:
    return mp.exp(x * x) * mp.erfc(x)


def _dawson(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


_add("erf", mp.erf, _error_slope)
_add("erfc", mp.erfc, lambda x: -_error_slope(x))
_add("erfi", mp.erfi, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(x * x))


def _scaled_error_slope(x: Any) -> Any:
    if x < -FAR:
        return 4 * x * mp.exp(x * x)
    return 2 * x * _scaled_error(x) - 2 / mp.sqrt(mp.pi) if x < FAR else -1 / mp.sqrt(mp.pi) / x**2


def _dawson_slope(x: Any) -> Any:
    return 1 - 2 * x * _dawson(x) if abs(x) < FAR else -1 / (2 * x * x)


_add("erfcx", _scaled_error, wide(_scaled_error_slope))
_add("dawsn", _dawson, wide(_dawson_slope))
_add("erfinv", mp.erfinv, lambda x: 1 / _error_slope(mp.erfinv(x)))
_add("ndtr", _normal, _normal_density)
_add(
    "log_ndtr",
    wide(lambda x: mp.log(_normal(x))),
    wide(lambda x: _normal_density(x) / _normal(x)),
)


def _add_inverse(name: str, value: Exact, slope: Exact) -> None:
    """Add the inverse of a function in its last argument, by Newton's steps from SciPy's value."""
    root = getattr(special, name)

    def inverse(*args: Any) -> Any:
        *shape, y = args
        x = mpf(float(root(*map(float, args))))
        for _ in range(12):
            step = (value(*shape, x) - y) / slope(*shape, x)
            step = mp.sign(step) * min(abs(step), abs(x) / 2)
            x -= step
            if abs(step) < abs(x) * mpf(10) ** -40:
                break
        return x

    _add(name, inverse, lambda *args: 1 / slope(*args[:-1], inverse(*args)))


_add_inverse("erfcinv", mp.erfc, lambda x: -_error_slope(x))
_add_inverse("ndtri", _normal, _normal_density)
_add_inverse("ndtri_exp", VALUES["log_ndtr"], *SLOPES["log_ndtr"])


def _log_gamma(x: Any) -> Any:
    return mp.log(abs(mp.gamma(x)))


def _rise(a: Any, b: Any) -> Any:
    return mp.digamma(a + b) - mp.digamma(a)


def _slope_of_reciprocal_gamma(x: Any) -> Any:
    if x == mp.floor(x) and x <= 0:
        return (-1) ** int(-x) * mp.factorial(-x)
    return -mp.digamma(x) * mp.rgamma(x)


_add("gamma", mp.gamma, lambda x: mp.gamma(x) * mp.digamma(x))
_add("gammaln", _log_gamma, mp.digamma)
_add("loggamma", _log_gamma, mp.digamma)
_add("rgamma", mp.rgamma, _slope_of_reciprocal_gamma)
_add("psi", mp.digamma, lambda x: mp.polygamma(1, x))
_add("zeta", mp.zeta, lambda s, q: -s * mp.zeta(s + 1, q))
_add(
    "poch",
    wide(mp.rf),
    wide(lambda a, b: mp.rf(a, b) * _rise(a, b)),
    wide(lambda a, b: mp.rf(a, b) * mp.digamma(a + b)),
)
_add(
    "beta",
    wide(mp.beta),
    wide(lambda a, b: -mp.beta(a, b) * _rise(a, b)),
    wide(lambda a, b: -mp.beta(a, b) * _rise(b, a)),
)
_add(
    "betaln",
    wide(lambda a, b: _log_gamma(a) + _log_gamma(b) - _log_gamma(a + b)),
    wide(lambda a, b: -_rise(a, b)),
    wide(lambda a, b: -_rise(b, a)),
)
_add("expi", mp.ei, lambda x: mp.exp(x) / x)
_add("exp1", mp.e1, lambda x: -mp.exp(-x) / x)
_add("expn", mp.expint, lambda n, x: -mp.expint(n - 1, x))
_add(
    "spence",
    lambda x: mp.re(mp.polylog(2, 1 - x)),
    lambda x: mp.log(x) / (1 - x) if x != 1 else mpf(-1),
)
_add("hyp0f1", mp.hyp0f1, lambda b, x: mp.hyp0f1(b + 1, x) / b)
_add("hyp1f1", mp.hyp1f1, lambda a, b, x: mp.hyp1f1(a + 1, b + 1, x) * a / b)
_add("hyp2f1", mp.hyp2f1, lambda a, b, c, x: mp.hyp2f1(a + 1, b + 1, c + 1, x) * a * b / c)


def _gamma_density(a: Any, x: Any) -> Any:
    return x ** (a - 1) * mp.exp(-x) / mp.gamma(a)


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b)


def _add_distribution(name: str, value: Exact, slope: Exact) -> None:
    _add(name, value, slope)
    _add_inverse(f"{name}inv", value, slope)


_add_distribution("gammainc", lambda a, x: mp.gammainc(a, 0, x, regularized=True), _gamma_density)
_add_distribution(
    "gammaincc",
    lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True),
    lambda a, x: -_gamma_density(a, x),
)
_add_distribution(
    "betainc", lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True), _beta_density
)
_add_distribution(
    "betaincc",
    lambda a, b, x: mp.betainc(a, b, x, 1, regularized=True),
    lambda a, b, x: -_beta_density(a, b, x),
)
