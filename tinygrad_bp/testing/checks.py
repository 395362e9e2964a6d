"""`check_grads` and `check_vjp`: one function, its gradients, and an oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.testing.by_hand import by_hand
from tinygrad_bp.testing.engine import recorded, symmetric_arguments
from tinygrad_bp.testing.examination import Examination
from tinygrad_bp.testing.report import Report
from tinygrad_bp.testing.reproduction import script
from tinygrad_bp.testing.single_precision import check_single_precision
from tinygrad_bp.testing.subject import plain_caller, signature

MODES = ("vjp", "jvp")


@answers
def check_grads(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    modes: Sequence[str] = MODES,
    argnums: int | Sequence[int] | None = None,
    directions: int | None = None,
    seed: int = 0,
) -> Report:
    """Compare the derivatives that the engine gives with those that an oracle finds without it.

    Parameters
    ----------
    f : callable
        Takes arrays (or nested lists, tuples and dicts of arrays) and returns one array or number.
        A `tg.nn.Module` is checked in all its parameters as well, a `tg.differentiable` function by
        the rule it was given.
    *args
        Where to check: floating arrays, numbers or Tensors.  float32 is checked in float64, and its
        own gradients are then compared with those.
    order : int, default 2
        The highest order of derivatives.
    modes : sequence of {"vjp", "jvp"}, default both
        Reverse mode, and forward mode beside it.
    argnums : int or sequence of int, optional
        The arguments to differentiate by; all unless given.
    directions : int, optional
        Compare along so many random directions.  By default every entry is compared where there are
        64 at most, and 8 random directions where there are more.
    seed : int, default 0
        Of the random directions and cotangents.

    Returns
    -------
    Report
        What was compared, how exactly it agrees, and the kinks that were met.

    Raises
    ------
    GradientMismatch
        With the argument, the index, both values, what the pattern looks like, and a script that
        reproduces it.
    UncheckableError
        If there is nothing to compare: arguments that are not floating, no result or several, a
        random function, one that raises or is not finite at the arguments, or one whose rounding
        hides its slope.

    Notes
    -----
    The oracle is the complex step where f is analytic and takes complex numbers, and extrapolated
    differences elsewhere.  Where the slopes to both sides differ, any gradient between them passes.
    The gradients are compared at the arguments and at a point close by.  The second order is
    compared along random directions, and by the cotangent as well.

    `numpy.linalg.eigh`, `eigvalsh` and `cholesky` read one triangle of a matrix.  An argument that
    has to be symmetric for theirs to be, as itself or as in ``cholesky(a + np.eye(n))``, moves in
    symmetric directions alone: of these is its gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp.testing import check_grads
    >>> report = check_grads(lambda x, w: np.tanh(x @ w), np.ones((3, 2)), np.array([0.5, -1.0]))
    >>> report.oracle, report.entries, report.worst < 1e-10
    ('complex step', 8, True)
    """
    unknown = [one for one in modes if one not in MODES]
    if unknown or "vjp" not in modes or order < 1:
        what = "modes are 'vjp', alone or beside 'jvp'" if order >= 1 else "order is 1 or more"
        if unknown:
            what += f"; got {unknown[0]!r}"
        raise ValueError(f"check_grads: {what}")
    call = signature(f, args, argnums)

    def reproduce(given: Sequence[Any]) -> str:
        options = [f"order={order}"] * (order != 2) + [f"modes={tuple(modes)}"] * (
            tuple(modes) != MODES
        )
        options += [f"argnums={argnums}"] * (argnums is not None)
        options += [f"directions={directions}"] * (directions is not None)
        options += [f"seed={seed}"] * (seed != 0)
        return script("check_grads", {"f": f}, given, ", ".join(options))

    examination = Examination(call, reproduce, directions, seed)
    with examination.course():
        plain = plain_caller(call, examination.refuse)
        call.symmetric = symmetric_arguments(call)
        report = examination.run(recorded(call, plain), order, modes)
        check_single_precision(call, examination)
    return examination.passed(report)


@answers
def check_vjp(
    f: Callable[..., Any],
    df: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    directions: int | None = None,
    seed: int = 0,
) -> Report:
    """Compare a gradient that was written by hand, or found by another library, with an oracle.

    Parameters
    ----------
    f : callable
        Takes arrays and returns one array or number.
    df : callable
        The gradient: ``df(*args)`` for an f that gives a number.  If df takes one argument more
        than f is given, that is the cotangent of the result, and comes first: ``df(ct, *args)``; it
        has to where f gives an array.  Returns the gradients of all arguments to differentiate by:
        a tuple of them, or the only one by itself, nested as the arguments are.
    *args
        Where to check.
    argnums, directions, seed
        As in `check_grads`.

    Returns
    -------
    Report

    Raises
    ------
    GradientMismatch
        Also for a gradient of another shape than its argument or another dtype, for one that is not
        the same the second time, and for arguments that were changed in place.
    UncheckableError
        As in `check_grads`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp.testing import GradientMismatch, check_vjp
    >>> def loss(w, b):
    ...     return np.mean((w + b) ** 2)
    >>> def gradients(w, b):
    ...     d = 2 * (w + b)  # forgets to divide by m
    ...     return d, d.sum(axis=0)
    >>> try:
    ...     check_vjp(loss, gradients, np.ones((5, 1)), np.ones(1))
    ... except GradientMismatch as error:
    ...     print(error.hints[0])
    missing 1/m: 5 times too large, m = the length of axis 0 of argument 0 'w'
    """
    call = signature(f, args, argnums)

    def reproduce(given: Sequence[Any]) -> str:
        options = [f"argnums={argnums}"] * (argnums is not None)
        options += [f"directions={directions}"] * (directions is not None)
        options += [f"seed={seed}"] * (seed != 0)
        return script("check_vjp", {"f": f, "df": df}, given, ", ".join(options))

    examination = Examination(call, reproduce, directions, seed)
    with examination.course():
        plain = plain_caller(call, examination.refuse)
        report = examination.run(by_hand(call, plain, df, examination), 1, ("vjp",))
    return examination.passed(report)
