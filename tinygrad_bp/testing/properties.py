"""`gradients_hold`: a function becomes a test of its gradients."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.rule import REAL
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.testing.checks import MODES, check_grads
from tinygrad_bp.testing.comparison import TINY
from tinygrad_bp.testing.directions import direction, sizes
from tinygrad_bp.testing.errors import GradientMismatch, UncheckableError, UncheckablePointError
from tinygrad_bp.testing.examination import Examination
from tinygrad_bp.testing.kinks import HIDDEN
from tinygrad_bp.testing.oracles import pairing
from tinygrad_bp.testing.reproduction import script
from tinygrad_bp.testing.subject import Signature, name_of, signature
from tinygrad_bp.testing.tally import TALLY
from tinygrad_bp.transforms import jvp, vjp

EXAMPLES = 20
DEEP = 10  # times as many with --grad-deep
PATIENCE = 100  # arguments that a function may refuse before it has accepted any
DOMAINS = (REAL, REAL, (-8.0, 8.0), (-100.0, 100.0))  # of arrays, unless one is given
# A rule may be wrong of large or small numbers alone: each has its share of the examples.
EXTREMES = ((-1e4, 1e4), (-1e-4, 1e-4))
SHARE = 0.2  # of the examples, for each of them
# Shapes that chance may leave out, where none is given: a rule may take one element for a number,
# and three axes for two.
SHAPES = ((1,), (2, 3, 2))
OF_EACH_SHAPE = 2  # examples: of what is drawn the first is zeros
LONGEST = 4  # axis that a name stands for
ROUNDING = 1e-7  # of sums that hold the same terms in another order; a wrong rule is far off


@answers
def gradients_hold(
    *shapes: Any,
    domain: tuple[float, float] | None = None,
    kinks: Sequence[float] = (),
    order: int = 2,
    modes: Sequence[str] = MODES,
    examples: int = EXAMPLES,
) -> Callable[[Callable[..., Any]], Callable[[], None]]:
    """Make a pytest test of a function: its gradients hold, whatever it is given.

    Parameters
    ----------
    *shapes : tuple of int and str, or Hypothesis strategy
        One for each argument.  A name stands for any length from 0 to 4, the same wherever it
        occurs; a strategy draws the argument itself.  Without any, the arguments that have no
        default are arrays that broadcast against each other.
    domain : (float, float), optional
        The least and the largest element.  Without it many arrays are drawn from (-2, 2), others
        as far as (-10,000, 10,000) or as close as (-0.0001, 0.0001).
    kinks : sequence of float
        Points that the elements keep away from.  A check finds kinks by itself; this is for
        functions that jump.
    order : int, default 2
        The highest order of derivatives.
    modes : sequence of {"vjp", "jvp"}, default both
        Reverse and forward mode.
    examples : int, default 20
        How many arguments are drawn.

    Returns
    -------
    callable
        A decorator.  What it returns takes no arguments, and raises what `check_grads` does, for
        gradients that are not linear in the cotangent or whose two modes disagree as well.  The
        function itself is its attribute `gradients_of`.

    Notes
    -----
    What is drawn holds arrays with nothing in them, 0-d ones where shapes broadcast, and float32.
    Arguments that the function itself refuses, or where it is not finite, do not count; if it
    accepts none of the first hundred, that is an error.

    Examples
    --------
    >>> import tinygrad_bp as tg
    >>> from tinygrad_bp.testing import gradients_hold
    >>> @gradients_hold(("m", 3), (3, 2), (2,))
    ... def test_layer(x, W, b):
    ...     return tg.sigmoid(x @ W + b)
    >>> test_layer()
    """

    def decorate(f: Callable[..., Any]) -> Callable[[], None]:
        def test() -> None:
            drawn = domain is None and (not shapes or any(type(one) is tuple for one in shapes))
            every = [DOMAINS, *[(one,) for one in EXTREMES]] if drawn else [(domain or REAL,)]
            ways = [_arguments(f, shapes, one, kinks) for one in every]
            further = [] if shapes else [(one,) * _count(f) for one in SHAPES]
            shaped = [_arguments(f, one, every[0], kinks) for one in further]
            _run(f, ways, shaped, order, modes, examples)

        test.__name__ = test.__qualname__ = getattr(f, "__name__", "test_gradients")
        test.__module__ = getattr(f, "__module__", __name__)  # an older ufunc has none
        test.__doc__ = f.__doc__
        test.gradients_of = f  # type: ignore[attr-defined]
        return test

    return decorate


def _run(
    f: Callable[..., Any],
    ways: Sequence[Any],
    shaped: Sequence[Any],
    order: int,
    modes: Sequence[str],
    examples: int,
) -> None:
    """Check a function at arguments drawn in each of these ways, in the first of them mostly.

    Those of one shape are beside what `examples` counts.
    """
    import hypothesis

    given: Any = hypothesis.given  # its overloads know no strategy of Any
    done, refusals = 0, 0
    examples *= DEEP if TALLY.deep else 1
    few = max(1, round(SHARE * examples))
    how = hypothesis.settings(
        deadline=None,
        derandomize=not TALLY.deep,
        database=None,
        report_multiple_bugs=False,  # a mismatch, not a group of them
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )

    def hold(args: tuple[Any, ...]) -> None:
        nonlocal done, refusals
        try:
            holds(f, *args, order=order, modes=modes)
        except UncheckablePointError as refusal:
            refusals += 1
            if not done and refusals >= PATIENCE:
                raise _AcceptsNothing from refusal
            hypothesis.reject()
        done += 1

    def draw(arguments: Any, many: int) -> None:
        hypothesis.settings(how, max_examples=many)(given(arguments)(hold))()

    try:
        draw(ways[0], max(1, examples - few * (len(ways) - 1)))
        rest = [(one, few) for one in ways[1:]] + [(one, OF_EACH_SHAPE) for one in shaped]
        for one, many in rest:
            with suppress(hypothesis.errors.Unsatisfiable):  # it may be finite at no such numbers
                draw(one, many)
    except (hypothesis.errors.Unsatisfiable, _AcceptsNothing) as stop:
        if not done:
            why = f" ({stop.__cause__})" if stop.__cause__ else ""
            raise UncheckableError(
                f"{name_of(f)}: it accepts none of the arguments that were drawn, or is finite at"
                f" none; give shapes that fit, and domain={why}"
            ) from None
    except GradientMismatch as mismatch:
        vars(mismatch).pop("__notes__", None)  # Hypothesis calls the arguments by names of ours
        raise


class _AcceptsNothing(BaseException):
    """Ends the drawing; an Exception would be shrunk."""


def holds(f: Callable[..., Any], *args: Any, order: int = 2, modes: Sequence[str] = MODES) -> None:
    """Check one function at one point, in every respect that `gradients_hold` names.

    Raises
    ------
    GradientMismatch
    UncheckableError
    """
    check_grads(f, *args, order=order, modes=modes)
    call = signature(f, args, None)
    examination = Examination(
        call, lambda given: script("check_grads", {"f": f}, given, ""), None, 0
    )
    with examination.course():
        _check_maps(call, examination, modes)
        if all(np.asarray(one).dtype == np.float64 for one in args):
            narrow = [np.asarray(one).astype(np.float32)[()] for one in args]
            if _runs(f, narrow):
                check_grads(f, *narrow, order=1, modes=("vjp",))


def _check_maps(call: Signature, examination: Examination, modes: Sequence[str]) -> None:
    """Check that the pull is linear, and the transpose of the push."""
    rng = np.random.default_rng(1)
    value, pull = vjp(call, *call.point)
    like = np.asarray(unwrap(value), np.result_type(value, np.float64))
    u, v = (direction(np.ones_like(like), rng)[()] for _ in range(2))
    parts = [[np.asarray(unwrap(one)) for one in pull(ct)] for ct in (u, v, 3.0 * u - 0.5 * v)]
    hidden = HIDDEN * float(np.sum((np.abs(u) + np.abs(v)) * np.abs(like)))
    for label, x, a, b, c in zip(call.labels, call.point, *parts, strict=True):
        size = np.max(np.abs(a), initial=0.0) + np.max(np.abs(b), initial=0.0)
        off = np.abs(3.0 * a - 0.5 * b - c)
        allowed = ROUNDING * size + hidden / sizes(x) + TINY
        if np.all(np.isfinite(a)) and not np.all(off <= allowed):
            examination.refuse(
                f"{call.name}: the gradient of {label} is not linear in the cotangent"
            )
    if "jvp" not in modes:
        return
    tangents = [direction(x, rng)[()] for x in call.point]
    _, pushed = jvp(call, tuple(call.point), tuple(tangents))
    forth, back = pairing([u], [np.asarray(unwrap(pushed))]), pairing(parts[0], tangents)
    terms = pairing([np.abs(u)], [np.abs(np.asarray(unwrap(pushed)))])
    terms += pairing([np.abs(one) for one in parts[0]], [np.abs(t) for t in tangents])
    if np.isfinite(terms) and abs(np.real(forth - back)) > ROUNDING * terms + hidden + TINY:
        examination.refuse(
            f"{call.name}: reverse and forward mode disagree: <ct, push t> is {forth:.12g},"
            f" <pull ct, t> is {back:.12g}",
            mode="jvp",
        )


def _runs(f: Callable[..., Any], args: Sequence[Any]) -> bool:
    try:
        return bool(np.all(np.isfinite(unwrap(f(*args)))))
    except Exception:  # noqa: BLE001  # it may refuse float32 as it likes
        return False


def _arguments(
    f: Callable[..., Any],
    shapes: Sequence[Any],
    domains: Sequence[tuple[float, float]],
    kinks: Sequence[float],
) -> Any:
    """Return a strategy of the arguments, each from one of the domains."""
    from tinygrad_bp.testing import strategies  # which says so if Hypothesis is missing

    def drawn(shape: Any) -> Any:
        return st.sampled_from(domains).flatmap(
            lambda one: strategies.arrays(shape, domain=one, kinks=kinks)
        )

    from hypothesis import strategies as st

    if not shapes:
        return strategies.broadcastable(_count(f)).flatmap(
            lambda found: st.tuples(*[drawn(one) for one in found])
        )
    names = sorted({n for one in shapes if isinstance(one, tuple) for n in one if type(n) is str})

    def of_lengths(lengths: dict[str, int]) -> Any:
        found = []
        for one in shapes:
            if isinstance(one, st.SearchStrategy):
                found.append(one)
                continue
            shape = tuple(lengths[n] if isinstance(n, str) else n for n in one)
            found.append(drawn(shape))
        return st.tuples(*found)

    length = st.sampled_from((*range(1, LONGEST + 1), 0))  # shrinks to what holds something
    return st.fixed_dictionaries(dict.fromkeys(names, length)).flatmap(of_lengths)


def _count(f: Callable[..., Any]) -> int:
    """Return how many arguments a function needs; a ufunc has its inputs, whatever it takes.

    Raises
    ------
    UncheckableError
        If that cannot be told.
    """
    inner: Any = inspect.unwrap(f)
    if isinstance(inner, np.ufunc):  # of which older NumPy tells no signature
        return int(inner.nin)
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError) as error:
        raise UncheckableError(f"{name_of(f)}: give the shapes of its arguments: {error}") from None
    found = [one for one in parameters if one.kind not in {one.KEYWORD_ONLY, one.VAR_KEYWORD}]
    needed = [one for one in found if one.default is one.empty]
    return len(needed or found)
