"""The questions: a small program each, whose outcome is the words of a cell."""

from __future__ import annotations

import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from engines import Library


class UnfitError(Exception):
    """What a question asks for is not there."""


# The questions: each returns the words of a cell


def numpy_functions(library: Library) -> str:
    """NumPy's own functions, called on the values that the library tracks."""
    right = total = 0
    for function, arguments, arrays, options in numpy_calls():
        total += 1
        right += _is_right(library, function, arguments, arrays, options)
    return f"{right} of {total}"


def numpy_calls() -> Iterator[tuple[Any, Callable[..., Any], list[np.ndarray], dict[str, Any]]]:
    """Yield a call of each function of NumPy that has a derivative, with real arrays."""
    from tinygrad_bp.engine.rule import COMPOSED, TABLE
    from tinygrad_bp.rules import fill_table
    from tinygrad_bp.testing.samples import Form, default_samples, is_numpys

    fill_table()
    rng = np.random.default_rng(0)
    seen = []
    for row in (*TABLE.values(), *COMPOSED.values()):
        function = row.function
        trial = row.trial
        if (
            not is_numpys(function)
            or function in seen
            or trial.elsewhere
            or trial.symmetric is True
        ):
            continue
        samples = trial.samples or (default_samples(row) if hasattr(row, "pulls") else ())
        for sample in samples:
            form = Form(row, sample)
            if not form.places or any(0 in shape for shape in form.shapes):
                continue
            arrays = []
            for k, shape in enumerate(form.shapes):
                low, high = (max(min(bound, 3.0), -3.0) for bound in trial.interval(k))
                arrays.append(rng.uniform(0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high, shape))
            if _slopes(function, form.arguments, arrays, dict(sample.kwargs)) is not None:
                seen.append(function)
                yield function, form.arguments, arrays, dict(sample.kwargs)
                break


def _outputs(out: Any) -> list[Any]:
    return list(out) if isinstance(out, (tuple, list)) else [out]


def _weights(place: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.cos(1 + place + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def _slopes(
    function: Any, arguments: Callable[..., Any], arrays: list[np.ndarray], options: dict[str, Any]
) -> list[np.ndarray] | None:
    """Return the gradients by differences, extrapolated once; None if they are not to be had."""

    def scalar(values: list[np.ndarray]) -> float:
        outs = _outputs(function(*arguments(values), **options))
        if not all(isinstance(out, (np.ndarray, np.float64)) for out in outs):
            raise UnfitError
        if any(out.dtype != np.float64 for out in outs):
            raise UnfitError
        return float(
            sum(np.sum(np.asarray(o) * _weights(k, np.shape(o))) for k, o in enumerate(outs))
        )

    def difference(k: int, at: tuple[int, ...], step: float) -> float:
        ends = []
        for sign in (1, -1):
            moved = [one.copy() for one in arrays]
            moved[k][at] += sign * step
            ends.append(scalar(moved))
        return (ends[0] - ends[1]) / (2 * step)

    try:
        found = []
        for k, array in enumerate(arrays):
            slopes = np.empty(array.shape)
            for at in np.ndindex(array.shape):
                wide, narrow = (difference(k, at, step) for step in (2e-4, 1e-4))
                slopes[at] = (4 * narrow - wide) / 3
            found.append(slopes)
    except (UnfitError, TypeError, ValueError, np.linalg.LinAlgError):
        return None
    return found if all(np.all(np.isfinite(one)) for one in found) else None


def _is_right(
    library: Library,
    function: Any,
    arguments: Callable[..., Any],
    arrays: list[np.ndarray],
    options: dict[str, Any],
) -> bool:
    shapes = [np.shape(o) for o in _outputs(function(*arguments(arrays), **options))]

    def scalar(*values: Any) -> Any:
        outs = _outputs(function(*arguments(values), **options))
        parts = [
            library.total(out, _weights(k, shape))
            for k, (out, shape) in enumerate(zip(outs, shapes, strict=True))
        ]
        return sum(parts[1:], parts[0])

    want = _slopes(function, arguments, arrays, options)
    assert want is not None
    try:
        got = library.gradients(scalar, *arrays)
        return all(
            np.allclose(np.asarray(g, dtype=float), w, rtol=1e-5, atol=1e-7)
            for g, w in zip(got, want, strict=True)
        )
    except Exception:  # noqa: BLE001  # whatever it raises, the gradient is not there
        return False


def third_derivative(library: Library) -> str:
    """The derivative of the derivative of the derivative of x**4 at 0.5, which is 12."""
    try:
        found = library.derivative(lambda x: x * x * x * x, 3)(0.5)
    except (TypeError, AttributeError, RuntimeError) as error:
        return f"no: {type(error).__name__}"
    return "yes" if abs(found - 12) < 1e-9 else f"wrong: {found:g}"


def overwritten(library: Library) -> str:
    """Data that is overwritten after the forward pass; the gradient is [1, 2], the data it saw."""
    data = np.array([1.0, 2.0])

    def loss(w: Any) -> Any:
        out = library.total(w * library.constant(data), np.ones(2))
        data[:] = 100.0
        return out

    try:
        (found,) = library.gradients(loss, np.array([3.0, 4.0]))
    except (ValueError, RuntimeError):
        return "refused"
    return "right" if np.allclose(np.asarray(found, float), [1, 2]) else "wrong, silently"


def labels(library: Library) -> str:
    """Labels of shape (m,) against outputs of shape (m, 1), in a binary cross entropy."""
    y = np.array([0.0, 1.0, 1.0])
    z = np.array([[0.5], [-0.25], [2.0]])
    loss = library.bce.__func__  # type: ignore[attr-defined]
    try:
        library.gradients(lambda z: loss(library, z, y), z)
    except NotImplementedError as error:
        return f"— ({error})"
    except Exception as error:  # noqa: BLE001  # each library has its own
        return "refused" if "shape" in str(error).lower() or "size" in str(error) else "fails"
    return "wrong, silently"  # broadcast to (m, m)


def deep(library: Library) -> str:
    """A chain of 100,000 operations there and back; its gradient is 1.00001 ** 100,000."""

    def chain(x: Any) -> Any:
        for _ in range(100_000):
            x = x * 1.00001
        return x

    try:
        (found,) = library.gradients(chain, np.array(1.0))
    except RecursionError:
        return "no: RecursionError"
    return "yes" if np.isclose(float(found), 1.00001**100_000) else f"wrong: {found}"


def nan(library: Library) -> str:
    """The square root of -1 in a loss: does a mode for it name the line?"""

    def loss(x: Any) -> Any:
        y = x**0.5  # the line
        return library.total(y, np.ones(2))

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            library.watched(loss, np.array([4.0, -1.0]))
    except Exception as error:  # noqa: BLE001  # each library has its own
        text = str(error) + "".join(traceback.format_exception(error))
        return "yes" if "x**0.5" in text else "no"
    return "no"


def drawn(library: Library) -> str:
    """A drawing of the graph, with the values in it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            text = library.drawn(Path(folder))
    except NotImplementedError as error:
        return f"no ({error})"
    values = any(value in text for value in ("0.358", "0.36"))  # tanh(0.375)
    return "yes" if values else "the operations, without values"


def written_out(library: Library) -> str:
    """The backward pass as a module of plain NumPy, run and compared."""
    try:
        source = library.written_out()
    except NotImplementedError as error:
        return f"no ({error})"
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102  # what the library wrote
    functions = [f for f in names.values() if callable(f) and hasattr(f, "__code__")]
    slope = float(functions[-1](0.75))
    assert abs(slope - 0.5 / np.cosh(0.375) ** 2) < 1e-12
    return "yes"


QUESTIONS: dict[str, tuple[str, Callable[[Library], str]]] = {
    "functions": (
        "functions of NumPy, called as NumPy's own, that give the right gradient",
        numpy_functions,
    ),
    "third": ("derivatives of derivatives, three deep", third_derivative),
    "overwritten": ("data overwritten between forward and backward", overwritten),
    "labels": ("labels `(m,)` against outputs `(m, 1)` in a loss", labels),
    "deep": ("a chain of 100,000 operations", deep),
    "nan": ("names the line that made a NaN", nan),
    "drawn": ("draws the graph with its values into a file", drawn),
    "written": ("writes the backward pass out as plain NumPy", written_out),
}
