"""Samples as the classifier takes them: checked, and standardised."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.errors import DataError

# A standardised input counts as at most this far out: every product with a weight stays finite.
FAR = 1e100
# A spread below it counts as none: dividing by half of it must not overflow for every input.
LEAST_SPREAD = 1e-300


def features(caller: str, X: Any) -> Any:
    """Return samples as an array of float64.

    Parameters
    ----------
    caller : str
        Who asks, for the message.
    X : array_like of finite real numbers, shape (m, n_features)

    Raises
    ------
    DataError
        Naming what is wrong: the dtype, the shape, or the first value that is not finite.
    """
    numbers = _numbers(caller, X)
    if numbers.ndim != 2 or not numbers.shape[1]:
        raise DataError(
            f"{caller}: X has shape {numbers.shape}, expected (m, n_features); for one feature"
            " pass X.reshape(-1, 1), for one sample X.reshape(1, -1)"
        )
    finite = np.isfinite(numbers)
    if not finite.all():
        (row, column), *more = np.argwhere(~finite).tolist()
        raise DataError(
            f"{caller}: X[{row}, {column}] is {numbers[row, column]}, and {len(more)} more are NaN"
            " or infinite; drop or fill these rows first"
        )
    return numbers


def refuse_mask(caller: str, what: str, given: Any) -> None:
    """Raise for what has a mask: the values under it would count like the others.

    Raises
    ------
    DataError
        If `given` is a masked array, or a list with one in it.
    """
    if _is_masked(given):
        raise DataError(
            f"{caller}: {what} is a masked array, and the values under the mask would count; leave"
            " out these rows, or pass .filled(value)"
        )


def _is_masked(given: Any) -> bool:
    if isinstance(given, (list, tuple)):
        return any(map(_is_masked, given))
    return isinstance(given, np.ma.MaskedArray)


def _numbers(caller: str, X: Any) -> Any:
    refuse_mask(caller, "X", X)
    try:
        given = np.asarray(X)
        text = given.dtype.kind == "O" and any(isinstance(v, (str, bytes)) for v in given.flat)
        if given.dtype.kind in "biufO" and not text:
            with np.errstate(over="ignore"):  # a long double may become infinite, and is named
                return given.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{caller}: X is not a table of real numbers: {error}") from error
    kind = "text" if text else given.dtype
    raise DataError(
        f"{caller}: X holds {kind}; expected real numbers: leave out or encode the other columns"
    )


def class_codes(y: Any, rows: int) -> tuple[Any, Any]:
    """Return the labels in order, and for each row the number of its label.

    Parameters
    ----------
    y : array_like, shape (rows,)
        Two different labels or more, that can be sorted.

    Returns
    -------
    classes : ndarray, shape (k,)
    codes : ndarray of int, shape (rows,)

    Raises
    ------
    DataError
        If there is not one label a row, a label is missing or masked, or there is but one class.
    """
    labels = _of_rows(y, rows, "label")
    if np.any(labels != labels):
        raise DataError("fit: y has NaN among the labels; drop the rows without a label first")
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise DataError(f"fit: the labels in y cannot be sorted: {error}") from error
    if len(classes) < 2:
        shown = "".join(f": {label!r}" for label in classes.tolist())
        noun = "class" if len(classes) == 1 else "classes"
        raise DataError(f"fit: expected 2 classes or more in y, got {len(classes)} {noun}{shown}")
    return classes, codes


def numbers(y: Any, rows: int) -> Any:
    """Return targets as an array of float64.

    Parameters
    ----------
    y : array_like of finite real numbers, shape (rows,)

    Raises
    ------
    DataError
        If there is not one finite number a row, or there is no row.
    """
    given = _of_rows(y, rows, "number")
    if given.dtype.kind not in "biuf":
        raise DataError(f"fit: y holds {given.dtype}; expected real numbers")
    found = given.astype(float)
    if not len(found) or not np.isfinite(found).all():
        raise DataError("fit: y has no rows, or NaN or infinity in it; drop these rows first")
    return found


def _of_rows(y: Any, rows: int, what: str) -> Any:
    refuse_mask("fit", "y", y)
    given = np.asarray(y)
    if given.shape != (rows,):
        raise DataError(
            f"fit: y has shape {given.shape}, expected ({rows},), one {what} for each row of X;"
            f" for a column of {what}s pass y.ravel()"
        )
    return given


def mean_and_scale(X: Any) -> tuple[Any, Any]:
    """Return the mean and the standard deviation of each column; the latter is 1 for a constant.

    Parameters
    ----------
    X : ndarray of float64, shape (m, n_features)
        Any finite values: nothing here overflows.
    """
    low, high = X.min(axis=0), X.max(axis=0)
    # powers of two near the largest element: dividing by them is exact, the squares stay small
    unit = np.ldexp(1.0, np.frexp(np.maximum(-low, high))[1] - 1)
    with np.errstate(over="ignore"):  # rounding may pass the bounds, and then infinity; not after
        mean = np.clip((X / unit).mean(axis=0) * unit, low, high)
        spread = np.minimum((X / unit).std(axis=0) * unit, 0.5 * high - 0.5 * low)
    return mean, np.where(spread > LEAST_SPREAD, spread, 1.0)


def standardized(X: Any, mean: Any, scale: Any) -> Any:
    """Return ``(X - mean) / scale``, held within 1e100 of 0; no finite X overflows."""
    with np.errstate(over="ignore"):  # what overflows is clipped
        # halves: the difference of two finite numbers may be infinite, that of their halves is not
        return np.clip((0.5 * X - 0.5 * mean) / (0.5 * scale), -FAR, FAR)
