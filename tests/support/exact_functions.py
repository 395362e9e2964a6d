"""The slopes of elementwise functions in mpmath's arbitrary precision.

Closed forms, of more digits than cancel in them; numbers of mpmath neither over- nor underflow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mpmath import mp, mpf

Exact = Callable[..., Any]
DIGITS = 60
# What cancels as far as one argument is from another, at 1e±200 and more.
WIDE = 400
# Beside it the next term of a series is less than the digits that count.
CLOSE = mpf(10) ** -60


def wide(f: Exact) -> Exact:
    """Return `f` computed with as many digits as the span of float64 has."""

    def g(*args: Any) -> Any:
        with mp.workdps(WIDE):
            return +f(*args)

    return g


# Elementary functions


def _slope_of_exprel(x: Any) -> Any:
    """Return the slope of ``(exp(x) - 1) / x``."""
    return mp.hyp1f1(2, 3, x) / 2 if abs(x) < 1 else (mp.exp(x) * (x - 1) + 1) / x**2


def _share(x: Any, y: Any, base: Any = mp.e) -> Any:
    """Return the share of the first term in ``base**x + base**y``."""
    return 1 / (1 + mp.power(base, y - x))


def _won(x: Any, y: Any) -> Any:
    return mpf(1) if x > y else mpf(0) if x < y else mpf(1) / 2


def _trunc(x: Any) -> Any:
    return mp.floor(x) if x > 0 else mp.ceil(x)


def _sinc_slope(x: Any) -> Any:
    if abs(x) < CLOSE:
        return -(mp.pi**2) * x / 3
    y = mp.pi * x
    return (mp.cos(y) - mp.sin(y) / y) / x


def _length(*parts: Any) -> Any:
    return mp.sqrt(mp.fsum(one * one for one in parts))


def _omega(x: Any) -> Any:
    """Solve ``w + log(w) = x`` by Newton's steps for the logarithm of w."""
    u = x if x < 1 else mp.log(x)
    for _ in range(60):
        w = mp.exp(u)
        step = (w + u - x) / (w + 1)
        u -= step
        if abs(step) < CLOSE * (1 + abs(u)):
            break
    return mp.exp(u)


def _transform_slope(log: Any, lmbda: Any) -> Any:
    """Return the slope in lmbda of a Box-Cox transform, given the logarithm of its argument."""
    return log * log * _slope_of_exprel(lmbda * log)


def _inverse_transform(y: Any, lmbda: Any) -> Any:
    """Return the logarithm of what a Box-Cox transform makes y of."""
    return y if abs(lmbda * y) < CLOSE else mp.log1p(lmbda * y) / lmbda


def _inverse_slope(y: Any, lmbda: Any) -> Any:
    return mp.exp(_inverse_transform(y, lmbda)) / (1 + lmbda * y)


def _inverse_lambda_slope(y: Any, lmbda: Any) -> Any:
    log, t = _inverse_transform(y, lmbda), lmbda * y
    if abs(t) < CLOSE:
        return -mp.exp(log) * y * y / 2
    return mp.exp(log) * (y / (1 + t) - log) / lmbda


def _radius_less_delta(delta: Any, r: Any) -> Any:
    return r * r / (_length(delta, r) + delta)


with mp.workdps(WIDE):
    DEGREE = mp.pi / 180


def constant(c: Any) -> Exact:
    return lambda *_: mpf(c)


def _logistic(x: Any) -> Any:
    return 1 / (mp.exp(x / 2) + mp.exp(-x / 2)) ** 2


SLOPES: dict[str, tuple[Exact, ...]] = {
    "logistic_slope": (lambda _ct, s: s * (1 - s), lambda ct, s: ct * (1 - 2 * s)),
    "tanh_slope": (lambda _ct, t: 1 - t * t, lambda ct, t: -2 * ct * t),
    "sigmoid": (_logistic,),
    "expit": (_logistic,),
    "log_expit": (lambda x: 1 / (1 + mp.exp(x)),),
    "logit": (lambda x: 1 / x / (1 - x),),
    "softplus": (lambda x: 1 / (1 + mp.exp(-x)),),
    "relu": (lambda x: mpf(x > 0),),
    "add": (constant(1), constant(1)),
    "subtract": (constant(1), constant(-1)),
    "multiply": (lambda _x, y: y, lambda x, _y: x),
    "divide": (lambda _x, y: 1 / y, lambda x, y: -x / y / y),
    "negative": (constant(-1),),
    "positive": (constant(1),),
    "power": (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * mp.log(x)),
    "square": (lambda x: 2 * x,),
    "reciprocal": (lambda x: -1 / x**2,),
    "sqrt": (lambda x: 1 / mp.sqrt(x) / 2,),
    "cbrt": (lambda x: 1 / mp.cbrt(abs(x)) ** 2 / 3,),
    "absolute": (mp.sign,),
    "copysign": (lambda x, y: mpf(1 if (x < 0) == (y < 0) else -1), constant(0)),
    "remainder": (constant(1), wide(lambda x, y: -mp.floor(x / y))),
    "fmod": (constant(1), wide(lambda x, y: -_trunc(x / y))),
    "fraction": (constant(1),),
    "radians": (constant(DEGREE),),
    "degrees": (constant(1 / DEGREE),),
    "conjugate": (constant(1),),
    "exp": (mp.exp,),
    "exp2": (lambda x: mpf(2) ** x * mp.log(2),),
    "exp10": (lambda x: mpf(10) ** x * mp.log(10),),
    "exprel": (_slope_of_exprel,),
    "log": (lambda x: 1 / x,),
    "log2": (lambda x: 1 / x / mp.log(2),),
    "log10": (lambda x: 1 / x / mp.log(10),),
    "log1p": (lambda x: 1 / (1 + x),),
    "sin": (mp.cos,),
    "cos": (lambda x: -mp.sin(x),),
    "tan": (lambda x: 1 / mp.cos(x) ** 2,),
    "sindg": (lambda x: DEGREE * mp.cos(DEGREE * x),),
    "cosdg": (lambda x: -DEGREE * mp.sin(DEGREE * x),),
    "tandg": (lambda x: DEGREE / mp.cos(DEGREE * x) ** 2,),
    "cotdg": (lambda x: -DEGREE / mp.sin(DEGREE * x) ** 2,),
    "arcsin": (lambda x: 1 / mp.sqrt(1 - x * x),),
    "arccos": (lambda x: -1 / mp.sqrt(1 - x * x),),
    "arctan": (lambda x: 1 / (1 + x * x),),
    "sinh": (mp.cosh,),
    "cosh": (mp.sinh,),
    "tanh": (lambda x: 1 / mp.cosh(x) ** 2,),
    "arcsinh": (lambda x: 1 / mp.sqrt(1 + x * x),),
    "arccosh": (lambda x: 1 / mp.sqrt(x * x - 1),),
    "arctanh": (lambda x: 1 / (1 - x * x),),
    "hypot": (
        lambda x, y: x / _length(x, y),
        lambda x, y: y / _length(x, y),
    ),
    "arctan2": (lambda y, x: x / (x * x + y * y), lambda y, x: -y / (x * x + y * y)),
    "logaddexp": (_share, lambda x, y: _share(y, x)),
    "logaddexp2": (partial(_share, base=2), lambda x, y: _share(y, x, 2)),
    "maximum": (_won, lambda x, y: _won(y, x)),
    "minimum": (lambda x, y: _won(y, x), _won),
    "sinc": (wide(_sinc_slope),),
    "wrightomega": (lambda x: 1 / (1 + 1 / _omega(x)),),
    "xlogy": (lambda _x, y: mp.log(y), lambda x, y: x / y),
    "xlog1py": (lambda _x, y: mp.log1p(y), lambda x, y: x / (1 + y)),
    "entr": (lambda x: -mp.log(x) - 1,),
    "rel_entr": (lambda x, y: mp.log(x / y) + 1, lambda x, y: -x / y),
    "kl_div": (lambda x, y: mp.log(x / y), lambda x, y: (y - x) / y),
    "boxcox": (
        lambda x, lmbda: x ** (lmbda - 1),
        lambda x, lmbda: _transform_slope(mp.log(x), lmbda),
    ),
    "boxcox1p": (
        lambda x, lmbda: mp.exp((lmbda - 1) * mp.log1p(x)),
        lambda x, lmbda: _transform_slope(mp.log1p(x), lmbda),
    ),
    "inv_boxcox": (_inverse_slope, wide(_inverse_lambda_slope)),
    "huber": (
        lambda delta, r: max(abs(r) - delta, mpf(0)),
        lambda delta, r: r if abs(r) <= delta else delta * mp.sign(r),
    ),
    "pseudo_huber": (
        lambda delta, r: _radius_less_delta(delta, r) ** 2 / _length(delta, r),
        lambda delta, r: delta * r / _length(delta, r),
    ),
}
for _name, _same in {
    "float_power": "power",
    "powm1": "power",
    "fabs": "absolute",
    "deg2rad": "radians",
    "rad2deg": "degrees",
    "expm1": "exp",
    "cosm1": "cos",
    "fmax": "maximum",
    "fmin": "minimum",
    "inv_boxcox1p": "inv_boxcox",
    "special.exp2": "exp2",
    "special.expm1": "exp",
    "special.log1p": "log1p",
    "special.cbrt": "cbrt",
}.items():
    SLOPES[_name] = SLOPES[_same]
# Values, where NumPy's and SciPy's own may be wrong
VALUES: dict[str, Exact] = {"sinc": lambda x: mp.sin(mp.pi * x) / (mp.pi * x)}
