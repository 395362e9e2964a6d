"""The result of a check that passed, and the report of one that did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.testing.comparison import Comparison
from tinygrad_bp.testing.errors import GradientMismatch
from tinygrad_bp.testing.finding import Finding
from tinygrad_bp.testing.hints import Pattern, hints, ratio_words
from tinygrad_bp.testing.oracles import STEP
from tinygrad_bp.testing.subject import Subject


@dataclass
class Report:
    """What a check compared.

    Attributes
    ----------
    name : str
        Of the function.
    order : int
        The highest order of derivatives that was compared.
    oracle : str
        ``"complex step"`` or ``"differences"``.
    directions : int or None
        How many random directions; None where every entry was compared.
    entries : int
        Number of all entries of all arguments.
    worst : float
        The largest relative difference from the oracle.
    oracle_error : float
        The oracle's own largest relative error.
    kinks : tuple of str
        Where there are kinks, in words: there any slope between those to both sides passes.
    domain : (float, float) or None
        The least and the largest element of the arguments; None if they have none.
    """

    name: str
    order: int = 1
    oracle: str = ""
    directions: int | None = None
    entries: int = 0
    worst: float = 0.0
    oracle_error: float = 0.0
    kinks: tuple[str, ...] = field(default=())
    domain: tuple[float, float] | None = None

    def __str__(self) -> str:
        how = (
            f"all {self.entries} entries"
            if self.directions is None
            else f"{self.directions} random directions in {self.entries} entries"
        )
        first = (
            f"{self.name}: gradients hold to order {self.order}{within(self.domain)}; {how}, by"
            f" {self.oracle}; worst relative error {self.worst:.1e}"
        )
        return "\n".join([first, *self.kinks])


def within(domain: tuple[float, float] | None) -> str:
    """Say where a check looked."""
    if domain is None:
        return ""
    low, high = (f"{one:.3g}" for one in domain)
    return f" at arguments of {low}" if low == high else f" at arguments from {low} to {high}"


@dataclass
class Context:
    """What a report says beside the numbers.

    Attributes
    ----------
    order : int
    where : str
        Empty, or that the point is not the one that the user gave.
    lengths : mapping of int to str
        Lengths of axes, and whose they are.
    reproduction : str
    """

    order: int
    where: str
    lengths: Mapping[int, str]
    reproduction: str


def mismatch(
    comparison: Comparison, context: Context, complete: Sequence[Finding] | None = None
) -> GradientMismatch:
    """Return the report of a comparison that found wrong entries."""
    wrong = complete or comparison.wrong
    worst = max(wrong, key=lambda one: one.excess)
    if not worst.direction.is_single:
        return _unlocated(comparison, worst, context)
    subject = comparison.subject
    patterns = _patterns(comparison)
    argument = worst.direction.argument
    label = subject.labels[argument]
    pattern = patterns[argument]
    others = {subject.labels[a]: p.expected for a, p in patterns.items() if a != argument}
    found = hints(pattern, context.lengths, others)
    index = tuple(int(i) for i in np.unravel_index(worst.direction.index, pattern.got.shape))
    expected, got = pattern.expected[index], pattern.got[index]
    step = worst.direction.parts[argument][index]
    ratio = got / expected if expected else None
    facts = [
        f"expected   {_number(expected)}{_interval(worst, abs(step))}",
        f"got        {_number(got)}{_ratio_text(ratio, context.lengths, found)}",
        f"where      {label} is {_number(pattern.x[index])} there",
        *(f"hint       {one}" for one in found),
        *_weights(comparison.weight),
        f"wrong      {_counts(patterns, subject)}",
        f"oracle     {_oracle(worst)}, own error {worst.error / abs(step):.0e}",
    ]
    what = "gradient" if context.order == 1 else f"derivative of order {context.order}"
    return GradientMismatch(
        _text(f"{subject.name}: the {what} is wrong in {label} at index {index}", facts, context),
        argument=label,
        index=index,
        expected=expected,
        got=got,
        ratio=ratio,
        hints=tuple(found),
        order=context.order,
        oracle=_oracle(worst),
        oracle_error=worst.error / abs(step),
        reproduction=context.reproduction,
    )


def broken(headline: str, context: Context, **facts: Any) -> GradientMismatch:
    """Return the report of what is no wrong number: a shape, a dtype, a changed array."""
    return GradientMismatch(
        _text(headline, [], context),
        order=context.order,
        reproduction=context.reproduction,
        **facts,
    )


def _unlocated(comparison: Comparison, worst: Finding, context: Context) -> GradientMismatch:
    facts = [
        f"expected   {_number(worst.expected)}{_interval(worst, 1.0)}",
        f"got        {_number(worst.got)}",
        f"wrong      {len(comparison.wrong)} of {len(comparison.directions)} random directions",
        f"oracle     {_oracle(worst)}, own error {worst.error:.0e}",
    ]
    headline = f"{comparison.subject.name}: the slope along a random direction is wrong"
    return GradientMismatch(
        _text(headline, facts, context),
        expected=worst.expected,
        got=worst.got,
        order=context.order,
        oracle=_oracle(worst),
        oracle_error=worst.error,
        reproduction=context.reproduction,
    )


def _text(headline: str, facts: list[str], context: Context) -> str:
    lines = [headline + context.where, *(f"  {fact}" for fact in facts)]
    if context.reproduction:
        first, _, _ = headline.partition("\n")  # once more, where a long output ends
        lines += ["", "To reproduce:", "", context.reproduction, "", first + context.where]
    return "\n".join(lines)


def _patterns(comparison: Comparison) -> dict[int, Pattern]:
    """Return what is known of the gradient of each argument."""
    wrong = {(f.direction.argument, f.direction.index) for f in comparison.wrong}
    patterns: dict[int, Pattern] = {}
    for j, one in enumerate(comparison.directions):
        if not one.is_single:
            continue
        a = one.argument
        x = comparison.subject.point[a]
        if a not in patterns:
            got = np.asarray(comparison.gradients[a])
            none = np.zeros(np.shape(x), bool)
            patterns[a] = Pattern(np.array(got), got, none, none.copy(), np.asarray(x))
        low, high, _ = comparison.interval(j)
        slope = comparison.got(one, comparison.gradients)
        step = one.parts[a].flat[one.index]
        p = patterns[a]
        p.known.flat[one.index] = True
        if (a, one.index) in wrong:
            p.wrong.flat[one.index] = True
            slope = min(max(slope, low), high) if not np.isnan(slope) else (low + high) / 2
        part = slope / abs(step)
        if np.iscomplexobj(x) and np.imag(step) != 0:
            p.expected.flat[one.index] = p.expected.flat[one.index].real - 1j * part
        elif np.iscomplexobj(x):
            p.expected.flat[one.index] = part + 1j * p.expected.flat[one.index].imag
        else:
            p.expected.flat[one.index] = part
    return patterns


def _counts(patterns: Mapping[int, Pattern], subject: Subject) -> str:
    parts = []
    for a, p in patterns.items():
        asked = int(p.known.sum())
        of = f"{asked}" if asked == p.known.size else f"the {asked} compared"
        parts.append(f"{int(p.wrong.sum())} of {of} entries of {subject.labels[a]}")
    return ", ".join(parts)


def _oracle(finding: Finding) -> str:
    first, last = finding.steps
    if first == STEP:
        return f"complex step, step {STEP:.0e}"
    return f"differences, steps {first:.0e} to {last:.0e} of the argument's size"


def _interval(finding: Finding, step: float) -> str:
    if finding.high - finding.low <= 2 * finding.error:
        return ""
    return f" (a kink: anything from {finding.low / step:.6g} to {finding.high / step:.6g})"


def _number(value: Any) -> str:
    return f"{value:.12g}"


def _weights(weight: Any) -> list[str]:
    """Say what the numbers are the gradient of, where the function gives no number."""
    if np.shape(weight) == () and weight == 1.0:
        return []
    return ["of         the sum of the result with random weights, its cotangent"]


def _ratio_text(ratio: Any, lengths: Mapping[int, str], said: Sequence[str]) -> str:
    if ratio is None or not np.isfinite(ratio) or abs(np.imag(ratio)) > 1e-9 * abs(ratio):
        return ""
    words = ratio_words(float(np.real(ratio)), lengths)
    return f"  ({words})" if words and words not in said else ""
