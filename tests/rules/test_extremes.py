"""Gradients at extreme magnitudes, and beside poles, zeros and branch points.

Where the value is right, or infinite as it should be, the gradient is right or NaN: an intermediate
that over- or underflows never makes a finite number of it that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from exact_functions import DIGITS, VALUES
from exact_functions import SLOPES as ELEMENTARY
from extras import extra
from mpmath import libmp, mp, mpc, mpf

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE

extra("scipy.special")

from exact_special_functions import SLOPES  # noqa: E402  # needs SciPy

SLOPES = ELEMENTARY | SLOPES
RTOL = {"d": 1e-9, "f": 1e-4}
FEWEST = 12  # points that every sweep compares
ORDINARY = [1e-30, 1e-8, 1e-3, 0.3, 0.99, 1, 1.7, 3.3, 8, 25.7, 80.2, 700.1, 1e5 + 0.3, 1e12, 1e30]
SIZES = {
    "d": [5e-324, 1e-310, 1e-200, *ORDINARY, 1e155, 1e200, 1.6e308],
    "f": [1e-45, 1e-40, *ORDINARY, 1e20, 3e38],
}
FEW = {
    "d": [1e-310, 1e-200, 1e-30, 1e-8, 0.3, 1, 2.5, 30, 1e8, 1e30, 1e160, 1e200],
    "f": [1e-40, 1e-30, 1e-20, 1e-8, 0.3, 1, 2.5, 30, 1e8, 1e20, 1e30],
}
# What the rules have no derivative in
PARAMETERS: dict[str, Sequence[tuple[float, ...]]] = {
    **dict.fromkeys(("jv", "iv", "ive"), ((0.0,), (1.5,), (3.7,), (-2.0,))),
    **dict.fromkeys(("yv", "kv", "kve"), ((1.5,), (-2.3,))),
    **dict.fromkeys(("yn", "kn"), ((3,),)),
    "expn": ((0,), (1,), (5,)),
    "zeta": ((1.5,), (5.0,)),
    **dict.fromkeys(("gammainc", "gammaincc"), ((0.3,), (1.5,), (20.0,), (1e6,))),
    **dict.fromkeys(("gammaincinv", "gammainccinv"), ((0.3,), (1.5,), (20.0,))),
    **dict.fromkeys(("betainc", "betaincc"), ((0.3, 3.5), (1.0, 0.4), (50.0, 40.0))),
    **dict.fromkeys(("betaincinv", "betainccinv"), ((0.3, 3.5), (50.0, 40.0))),
    "hyp0f1": ((0.5,), (1.5,)),
    "hyp1f1": ((1.5, 2.5), (-2.5, 0.7)),
    "hyp2f1": ((0.5, 1.5, 2.5), (0.5, 0.3, 1.0)),
}
AWAY = [*(10.0**-k for k in (1, 2, 4, 6, 8, 10, 12, 14, 15, 16, 20, 30, 100, 200, 310)), 0.4]
# Poles, zeros and branch points of the functions and of their slopes
BESIDE: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(
        ("gamma", "gammaln", "psi", "rgamma"),
        (0, -1, -2, -10, -100, 1, 2, 1.4616321449683622, -0.504083008264455, 10.5, 100.5),
    ),
    "loggamma": (0, 1, 2, 1.4616321449683622, 10.5),
    "spence": (0, 1, 2),
    **dict.fromkeys(("erfinv", "arcsin", "arccos", "arctanh"), (0, 1, -1)),
    "erfcinv": (0, 1, 2),
    **dict.fromkeys(("logit", "ndtri"), (0, 0.5, 1)),
    "ndtri_exp": (0, -0.7, -40),
    **dict.fromkeys(("log1p", "special.log1p"), (-1, 0)),
    **dict.fromkeys(("expi", "exp1"), (0, 0.37250741078136663)),
    **dict.fromkeys(("k0", "k1", "y0", "y1", "k0e", "k1e", "i0e", "i1e"), (0,)),
    **dict.fromkeys(("j0", "j1"), (0, 2.404825557695773, 3.8317059702075125, 1.841183781340659)),
    "exprel": (0, 1, -1),
    "wrightomega": (0, -1, -30),
    "dawsn": (0, 0.92413887300459, 7, 10),
    **dict.fromkeys(("erf", "erfc", "erfcx", "ndtr", "log_ndtr"), (0, 5, -5, 26.5, 38)),
    "entr": (0, 0.36787944117144233, 1),
    **dict.fromkeys(("cosm1", "sindg", "cosdg", "tandg", "cotdg"), (0, 45, 90, 180, 360, -90)),
    "sinc": (0, 1, 2, 0.5, 1.4302966531),
    "arccosh": (1,),
    "tan": (0, float(np.pi / 2)),
    **dict.fromkeys(("log", "sqrt", "cbrt", "reciprocal", "arctan", "tanh", "sigmoid"), (0, 1)),
    **dict.fromkeys(("jv", "yv", "iv", "kv", "ive", "kve", "yn", "kn", "expn", "zeta"), (0,)),
    **dict.fromkeys(("gammainc", "gammaincc"), (0, 1, 20)),
    **dict.fromkeys(("hyp0f1", "hyp1f1"), (0, 1, -10)),
    "hyp2f1": (0, 1, 0.5),
    **{f"{name}inv": (0, 0.5, 1) for name in ("gammainc", "gammaincc", "betainc", "betaincc")},
    **dict.fromkeys(("betainc", "betaincc"), (0, 0.5, 1)),
}
PAIRS: dict[str, tuple[list[float], list[float]]] = {
    **dict.fromkeys(
        ("beta", "betaln", "poch"),
        ([1e-100, 0.5, 2.5, 1e8, 1e100, -0.5],) * 2,
    ),
    "xlog1py": ([1e-300, 1, -2.5, 1e200], [s * x - 1 for x in AWAY for s in (-1, 1)]),
    "powm1": ([1e-300, 0.5, 0.9999999, 1, 3, 1e300, -2], [1e-300, 1e-10, 0.3, 1, 2, -1.5, -3]),
    **dict.fromkeys(
        ("boxcox", "boxcox1p", "inv_boxcox", "inv_boxcox1p"),
        (
            [1e-310, 1e-30, 0.5, 0.9999999, 1, 1.5, 30, 1e30, 1e300, -1e-20, -0.5, -1e3],
            [0, *(s * x for x in (1e-300, 1e-16, 1e-5, 0.5, 2, 30, 1e200) for s in (1, -1))],
        ),
    ),
}
SLOW = ("beta", "betaln", "poch")  # in mpmath
# Elsewhere infinite by definition; or, of an inverse, known no more than its rounded argument is
DEFINED: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("rel_entr", "kl_div"), lambda x, y: (x > 0) & (y > 0)),
    **dict.fromkeys(("huber", "pseudo_huber"), lambda delta, _r: delta > 0),
    **dict.fromkeys(("inv_boxcox", "inv_boxcox1p"), lambda y, lmbda: np.abs(1 + lmbda * y) > 1e-3),
}
# of larger arguments SciPy knows no digit, and neighbouring floats are periods apart
for name in ("j0", "j1", "y0", "y1", "jv", "yv", "yn"):
    DEFINED[name] = lambda *args: np.abs(args[-1]) < 1e12
DEFINED["zeta"] = lambda _s, q: (q > 0) | (q != np.floor(q))  # poles
DEFINED["hyp1f1"] = lambda _a, _b, x: np.abs(x) < 1e3  # mpmath's series is as long as x is large
# Left to the test of the tails: 1 less what is nearly 1
TAILS: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x: x > 3,
    "expit": lambda x: x > 3,
    "tanh": lambda x: np.abs(x) > 2,
}
# Infinite already where only ``x**(y - 1)`` is, which is y times less than the slope
EARLY = ("power", "float_power", "powm1")
UNANSWERED = (
    ValueError,
    ZeroDivisionError,
    OverflowError,
    libmp.NoConvergence,
    NotImplementedError,
)


def points(name: str, dtype: str) -> Iterator[tuple[float, ...]]:
    """Yield arguments, of the order that the function takes them in."""
    arity = len(TABLE[name].pulls)
    if name in PARAMETERS or arity == 1:
        signed = [s * x for x in SIZES[dtype] for s in (1, -1)]
        near = [p + s * x for p in BESIDE.get(name, ()) for x in AWAY for s in (1, -1)]
        last = [(x,) for x in (*signed, *near)]
        yield from (p + x for p in PARAMETERS.get(name, [()]) for x in last)
        return
    signed = [s * x for x in FEW[dtype] for s in (1, -1)]
    if name not in SLOW:
        yield from product(signed, signed)
    yield from product(*PAIRS.get(name, ((), ())))


def arguments(name: str, dtype: str, stride: int) -> list[Any]:
    """Return the arguments as arrays; only orders that SciPy wants whole are no floats."""
    with np.errstate(over="ignore", under="ignore"):
        arrays = [
            np.array(one, int if isinstance(one[0], int) and name in PARAMETERS else dtype)
            for one in zip(*list(dict.fromkeys(points(name, dtype)))[::stride], strict=True)
        ]
    with np.errstate(all="ignore"):
        return _kept(name, dtype, arrays)


def _kept(name: str, dtype: str, arrays: list[Any]) -> list[Any]:
    """Return the arguments that the test asks about."""
    keep = np.all([np.isfinite(x) for x in arrays], axis=0)
    if name in TAILS:
        keep &= ~TAILS[name](*arrays)
    if len(arrays) == 2 and name not in PARAMETERS:
        keep &= arrays[0] != 0  # conventions have tests of their own
    if name in DEFINED:
        keep &= DEFINED[name](*arrays)
    if name in EARLY:  # of a larger exponent y - 1 is not known, and so no sign
        keep &= (arrays[0] > 0) | (np.abs(arrays[1]) < 0.1 / np.finfo(dtype).eps)
    return [x[keep] for x in arrays]


def number(x: Any) -> Any:
    return int(x) if isinstance(x, np.integer) else mpf(float(x))


def exactly(f: Callable[..., Any], args: list[Any]) -> Any:
    """Return what `f` gives as a real number, None where it has none or takes too long."""
    try:
        found = f(*args)
    except UNANSWERED:
        return None
    if isinstance(found, mpc):
        found = found.real if found.imag == 0 else None
    return None if found is None or mp.isnan(found) else found


def agrees(got: Any, wanted: Any, rtol: float, slack: Any = 0) -> bool:
    """Whether a float is the exact number, which may be none of its range, as nearly as it can."""
    limits = np.finfo(got.dtype)
    if abs(wanted) > float(limits.max) * (1 - rtol):
        return bool(abs(got) > limits.max * 0.5 and (got > 0) == (wanted > 0))
    if np.isinf(got):
        return bool(slack > 0.1 * abs(wanted))
    least = 10_000 * mpf(float(limits.smallest_subnormal))
    return bool(abs(mpf(float(got)) - wanted) <= abs(wanted) * rtol + least + slack)


def moved(f: Callable[..., Any], args: list[Any], wanted: Any, eps: float) -> Any:
    """Return how far rounding of the arguments moves the slope: what no computation can better."""
    total = mpf(0)
    for k, x in enumerate(args):
        if not isinstance(x, int):
            near = exactly(f, [*args[:k], x * (1 + mpf(4 * eps)), *args[k + 1 :]])
            total += 0 if near is None else abs(near - wanted)
    return total


def found_wrong(name: str, dtype: str, stride: int) -> tuple[list[str], int]:
    """Return the points where a gradient is wrong, in words, and how many were looked at."""
    rule, rtol, eps = TABLE[name], RTOL[dtype], float(np.finfo(dtype).eps)
    arrays = arguments(name, dtype, stride)
    which = [i for i, pull in enumerate(rule.pulls) if pull is not None]
    given = [tg.tensor(x, requires_grad=i in which) for i, x in enumerate(arrays)]
    with np.errstate(all="ignore"):
        out = rule.function(*given)
        out.backward(np.ones(out.shape, dtype))
    wrong, compared = [], 0
    for k, value in enumerate(out.numpy()):
        args = [number(x[k]) for x in arrays]
        for i, slope in zip(which, SLOPES[name], strict=True):
            got = given[i].grad.numpy()[k]
            wanted = None if np.isnan(value) else exactly(slope, args)
            if wanted is None:
                continue
            compared += 1
            early = name in EARLY and np.isinf(got) and (got > 0) == (wanted > 0)
            if np.isnan(got) or early or agrees(got, wanted, rtol):
                continue
            right = exactly(VALUES[name], args) if name in VALUES else None
            if right is not None and not (np.isinf(value) or agrees(value, right, 10 * rtol)):
                continue  # the value is wrong already
            if not agrees(got, wanted, rtol, moved(slope, args, wanted, eps)):
                at = [float(x[k]) for x in arrays]
                wrong.append(f"{name}{at}, argument {i}: {got}, exactly {mp.nstr(wanted, 8)}")
    return wrong, compared


@pytest.mark.parametrize("stride", [13, pytest.param(1, marks=pytest.mark.deep)])  # mpmath is slow
@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("name", SLOPES)
def test_a_slope_is_right_or_nan(name: str, dtype: str, stride: int) -> None:
    with mp.workdps(DIGITS):
        wrong, compared = found_wrong(name, dtype, stride)
    assert not wrong, "\n".join(wrong)
    assert compared >= FEWEST / stride


# Each is as long as its argument is: its slopes are the same at every multiple of that.
LENGTHS: dict[str, Callable[[Any], Any]] = {
    "hypot": lambda x: np.hypot(x[0], x[1]),
    "norm -1": lambda x: np.linalg.norm(x, -1),
    "norm -2": lambda x: np.linalg.norm(x, -2),
    "norm -0.5": lambda x: np.linalg.norm(x, -0.5),
    "abs of complex": lambda x: np.abs(x[0] + 1j * x[1]),
}
MULTIPLES = {
    "d": [1e-307, 1e-160, 1e155, 1.5e308],
    "f": [1e-37, 1e-20, 1e19, 3e38],
    "e": [1e4, 6e4],
}
RATIOS = np.array([1.0, -0.75])


@pytest.mark.parametrize(("dtype", "size"), [(k, s) for k, v in MULTIPLES.items() for s in v])
@pytest.mark.parametrize("name", LENGTHS)
def test_a_length_has_its_slopes_at_every_size(name: str, dtype: str, size: float) -> None:
    if "complex" in name and dtype == "e":
        pytest.skip("NumPy has no complex numbers of this size")
    f, eps = LENGTHS[name], float(np.finfo(dtype).eps)
    wanted = tg.grad(f)(RATIOS)
    with np.errstate(all="ignore"):
        got = tg.grad(f)((RATIOS * size).astype(dtype))
    np.testing.assert_allclose(got[np.isfinite(got)], wanted[np.isfinite(got)], rtol=300 * eps)
    assert not np.isinf(got).any()
    assert np.isfinite(got).all() or not np.isfinite(f((RATIOS * size).astype(dtype)))


def test_an_angle_of_a_length_that_overflows_has_its_slopes() -> None:
    x = np.array([6e4, 3e4], "e")
    got = tg.grad(lambda x: np.arctan2(x[0], x[1]))(x)
    np.testing.assert_allclose(got, np.array([3e4, -6e4]) / (6e4**2 + 3e4**2), rtol=0.01)
