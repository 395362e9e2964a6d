"""Hypergeometric functions: differentiated in the argument, at fixed parameters."""

from __future__ import annotations

from scipy import special

from tinygrad_bp.rules.special.parameters import at, parametric

parametric(
    special.hyp0f1,
    "b",
    lambda ct, _out, b, x: ct * special.hyp0f1(b + 1, x) / b,
    analytic=False,
    takes_complex=True,
    samples=at(1.5),
)
parametric(
    special.hyp1f1,
    "a b",
    lambda ct, _out, a, b, x: ct * special.hyp1f1(a + 1, b + 1, x) * (a / b),
    samples=at(1.5, 2.5),
)
parametric(
    special.hyp2f1,
    "a b c",
    lambda ct, _out, a, b, c, x: ct * special.hyp2f1(a + 1, b + 1, c + 1, x) * (a * b / c),
    domain=(-0.9, 0.6),
    samples=at(0.5, 1.5, 2.5),
)
