"""The course of a check: the arguments, a point close by, forward mode, and higher orders."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import ShapeError, UnsupportedFunctionError
from tinygrad_bp.testing.analytic import is_analytic
from tinygrad_bp.testing.comparison import TINY, Comparison
from tinygrad_bp.testing.directions import (
    Direction,
    direction,
    random_directions,
    single_directions,
)
from tinygrad_bp.testing.engine import gradient_of
from tinygrad_bp.testing.errors import UncheckableError, UncheckablePointError
from tinygrad_bp.testing.pushes import wrong_tangent
from tinygrad_bp.testing.report import Context, Report, broken, mismatch
from tinygrad_bp.testing.search import located
from tinygrad_bp.testing.subject import Flat, Pull, Signature, Subject, advised
from tinygrad_bp.testing.tally import TALLY

FULL = 64  # so many entries are compared one by one
RANDOM = 8  # random directions where there are more
LATER = 3  # random directions for a second order, and at a point close by
DEEP = 8  # times as many of all of them with --grad-deep
NEAR = 0.05  # how far away the point close by is, of each element's size
SCALE = -0.5  # of a second cotangent; a power of two scales without rounding
EXACTLY = 1e-12


class Examination:
    """The comparisons of one check, and its report.

    Parameters
    ----------
    call : Signature
    reproduce : callable
        Writes the script for a report, given the arguments.
    directions : int or None
        As the user gave it.
    seed : int
    """

    def __init__(
        self,
        call: Signature,
        reproduce: Callable[[Sequence[Any]], str],
        directions: int | None,
        seed: int,
    ) -> None:
        self.call = call
        self.reproduce = reproduce
        self.rng = np.random.default_rng(seed)
        self.times = DEEP if TALLY.deep else 1
        self.entries = sum(np.size(x) * (1 + np.iscomplexobj(x)) for x in call.point)
        if directions is not None and directions < 1:
            raise ValueError(f"directions is 1 or more, got {directions}")
        self.random: int | None = directions
        if directions is None and self.entries > FULL * self.times:
            self.random = RANDOM * self.times
        self.report = Report(
            call.name, directions=self.random, entries=self.entries, domain=extent(call.point)
        )
        self.nearby: Subject | None = None  # where it is compared, if not at the arguments

    @contextmanager
    def course(self) -> Iterator[None]:
        """Let the function's warnings pass in silence, and make no exit of its own the process's.

        Raises
        ------
        UncheckableError
            In place of SystemExit, which would end a failing check with success.
        UncheckablePointError
            In place of NumPy's error for a matrix that has no inverse, no roots and so on.
        """
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # points outside of the function's domain are tried
                yield
        except SystemExit as stop:
            raise UncheckableError(f"{self.call.name} called sys.exit({stop.code!r})") from stop
        except np.linalg.LinAlgError as error:
            raise UncheckablePointError(
                f"{self.call.name}: no derivative at the arguments: LinAlgError: {error}"
            ) from error

    def run(self, subject: Subject, order: int, modes: Sequence[str]) -> Report:
        """Compare everything, to the given order."""
        analytic = is_analytic(subject.values, subject.point, self.rng)
        self.report.oracle = "complex step" if analytic else "differences"
        weight = self._cotangent(subject)
        directions = (
            single_directions(subject.point)
            if self.random is None
            else random_directions(subject.point, self.random, self.rng)
        )
        pushes = subject.jvp is not None and "jvp" in modes
        try:
            first = self._compare(subject, weight, directions, 1, analytic=analytic, pushes=pushes)
        except UncheckablePointError:
            self._compare_nearby(subject, weight)  # what cannot be told here may be wrong there
            raise
        self.report.kinks = _kinks(first)
        near = self._compare_nearby(subject, weight)
        if order > 1 and not first.kinks:
            try:
                self._higher(subject, weight, order, pushes=pushes)
            except UncheckablePointError:  # the second may be infinite where the first is not
                if near is None:
                    raise
                self._higher(near, weight, order, pushes=pushes, where=NEARBY)
        elif order > 1 and near is not None:
            self._higher(near, weight, order, pushes=pushes, where=NEARBY)
        return self.report

    def _compare_nearby(self, subject: Subject, weight: Any) -> Subject | None:
        """Compare at a point close by; return the subject there, None if it cannot be compared."""
        near = self._near(subject)
        if near is None:
            return None
        few = random_directions(near.point, LATER * self.times, self.rng)
        analytic = is_analytic(near.values, near.point, self.rng)
        try:
            self._compare(near, weight, few, 1, analytic=analytic, where=NEARBY)
        except UncheckablePointError:  # the user did not ask for this point
            return None
        return near

    def _higher(
        self, base: Subject, weight: Any, order: int, *, pushes: bool, where: str = ""
    ) -> None:
        """Compare the derivatives of order 2 and above, each as the gradient of the one before."""
        for k in range(2, order + 1):
            smooth = k == 2 and self._is_analytic_around(base)
            base = gradient_of(base, weight, analytic=smooth, rng=self.rng)
            few = random_directions(base.point, LATER * self.times, self.rng)
            weight = np.float64(1.0)
            self._compare(base, weight, few, k, pushes=pushes, where=where)
            self.report.order = max(self.report.order, k)

    def _is_analytic_around(self, subject: Subject) -> bool:
        """Tell whether slopes by complex steps may be differentiated once more.

        At one point a function may have the right one by chance: ``pinv(a) @ b`` where b is in the
        range of a.
        """
        near = self._near(subject)
        return near is not None and all(
            is_analytic(subject.values, one.point, self.rng) for one in (subject, near)
        )

    def passed(self, report: Report) -> Report:
        """Add a check that found nothing wrong to the tally."""
        TALLY.functions.add(report.name)
        TALLY.checks += 1
        TALLY.worst = max(TALLY.worst, report.worst)
        if report.domain is not None:
            TALLY.low = min(TALLY.low, report.domain[0])
            TALLY.high = max(TALLY.high, report.domain[1])
        TALLY.kinks += len(report.kinks)
        return report

    def refuse(self, headline: str, order: int = 1, **facts: Any) -> NoReturn:
        """Raise the report of what is no wrong number.

        Raises
        ------
        GradientMismatch
        """
        TALLY.functions.add(self.call.name)
        raise broken(headline, self._context(order, ""), **facts)

    def _cotangent(self, subject: Subject) -> Any:
        """Return 1 for a number, something random for an array."""
        value = subject.result(subject.point)
        if value.shape == () and value.dtype.kind == "f":
            return np.float64(1.0)
        like = np.ones(value.shape, np.result_type(value.dtype, np.float64))
        return direction(like, self.rng)[()]

    def _context(self, order: int, where: str) -> Context:
        return Context(order, where, self._lengths(), self.reproduce(self._arguments()))

    def _arguments(self) -> Sequence[Any]:
        """Return the arguments that are compared now."""
        call = self.call
        if self.nearby is None or call.parameters:
            return call.args
        flat = zip(self.nearby.point, call.narrow, strict=False)  # then the cotangent, if any
        return call.arguments([x.astype(dtype)[()] for x, dtype in flat])

    def _compare(
        self,
        subject: Subject,
        weight: Any,
        directions: list[Direction],
        order: int,
        *,
        analytic: bool = False,
        pushes: bool = False,
        where: str = "",
    ) -> Comparison:
        self.nearby = subject if where else None
        pull = self._pull(subject, weight, order)
        comparison = Comparison(subject, weight, directions, analytic, order=order)
        if directions and not directions[0].is_single:
            comparison.thorough = 1  # its entries are looked at next
        comparison.run(pull)
        if comparison.wrong and not directions[0].is_single:
            comparison = located(comparison, pull, self.rng)
        comparison.require_proof()
        if comparison.wrong:
            TALLY.functions.add(self.call.name)
            raise mismatch(comparison, self._context(order, where))
        if pushes:
            self._push(comparison, order, where)
        if order == 1 or not where:
            self.report.worst = max(self.report.worst, comparison.worst)
            self.report.oracle_error = max(self.report.oracle_error, comparison.oracle_error)
        return comparison

    def _pull(self, subject: Subject, weight: Any, order: int) -> Pull:
        """Return the pull at the point, after what can be said of it without an oracle."""
        try:
            pull = subject.vjp(subject.point)
            first = pull(weight)
            half, again = pull(SCALE * weight), pull(weight)
        except UnsupportedFunctionError as error:
            raise advised(error) from None
        except ShapeError as error:
            self.refuse(f"{subject.name}: a cotangent of the wrong shape: {error}", order)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            self.refuse(f"{subject.name}: its pull changes an array in place: {error}", order)
        for label, a, b, c in zip(subject.labels, first, half, again, strict=True):
            size = EXACTLY * np.max(np.abs(a), initial=0.0) + TINY
            if not np.all(np.isfinite(a)):
                continue  # the comparison says which
            if not np.all(np.abs(a - c) <= size):
                self.refuse(
                    f"{subject.name}: the gradient of {label} differs the second time", order
                )
            if not np.all(np.abs(SCALE * a - b) <= size):
                self.refuse(
                    f"{subject.name}: the gradient of {label} is not linear in the cotangent:"
                    f" {SCALE:g} times the cotangent does not give {SCALE:g} times the gradient",
                    order,
                )
        return pull

    def _push(self, comparison: Comparison, order: int, where: str) -> None:
        miss = wrong_tangent(comparison, self.rng)
        if miss is None:
            return
        what = "tangent" if order == 1 else f"tangent of order {order}"
        self.refuse(
            f"{comparison.subject.name}: the {what} of the result is wrong at index {miss.index}"
            f" (forward mode, along {miss.along}){where}\n"
            f"  expected   {miss.expected:.12g}\n  got        {miss.got:.12g}",
            order,
            mode="jvp",
            index=miss.index,
            expected=miss.expected,
            got=miss.got,
            ratio=miss.got / miss.expected if miss.expected else None,
            oracle_error=miss.error,
            oracle=self.report.oracle,
        )

    def _near(self, subject: Subject) -> Subject | None:
        """Return the subject at a point close by; None if it refuses all that are tried."""
        step = [NEAR * direction(x, self.rng) for x in subject.point]
        own = [NEAR * self.rng.uniform(0.3, 1.0, np.shape(x)) * x for x in subject.point]
        for away in (step, [-d for d in step], own, [np.abs(d) for d in step]):
            point: Flat = [x + d for x, d in zip(subject.point, away, strict=True)]
            if subject.is_finite(point):
                return replace(subject, point=point)
        return None

    def _lengths(self) -> dict[int, str]:
        """Return the lengths that a mean may have divided by: of arguments, and of what f reads."""
        arrays = dict(zip(self.call.labels, self.call.point, strict=True))
        arrays |= {
            f"argument {i}": one
            for i, one in enumerate(self.call.args)
            if i not in self.call.positions
        }
        try:
            free = inspect.getclosurevars(self.call.f)
            read = {**free.globals, **free.nonlocals}
            arrays |= {repr(k): v for k, v in read.items() if isinstance(v, (np.ndarray, Tensor))}
        except (TypeError, ValueError):
            pass
        lengths: dict[int, str] = {}
        for label, one in arrays.items():
            for axis, length in enumerate(getattr(one, "shape", ())):
                lengths.setdefault(int(length), f"the length of axis {axis} of {label}")
        for label, one in arrays.items():
            lengths.setdefault(int(getattr(one, "size", 0)), f"the size of {label}")
        return lengths


def extent(point: Flat) -> tuple[float, float] | None:
    """Return the least and the largest element of arrays, and of parts of complex ones."""
    parts = np.concatenate([np.ravel(x).view(np.float64) for x in point])
    return (float(np.min(parts)), float(np.max(parts))) if parts.size else None


def _kinks(comparison: Comparison) -> tuple[str, ...]:
    """Say where there are kinks at the arguments."""
    found = [comparison.directions[j] for j in comparison.kinks]
    if found and not found[0].is_single:
        return (f"kinks along {len(found)} of {len(comparison.directions)} random directions",)
    return tuple(f"kink at {comparison.place(one)}" for one in found)


NEARBY = " (at a point close to the arguments)"
