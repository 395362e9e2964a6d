"""What may be asked of a library: an expression at a point, or one of a few short programs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from semantics_libraries import JAX, OURS, TORCH, Library, expression, written

import tinygrad_bp as tg
from tinygrad_bp import optim

Program = Callable[[Library], Any]
NOWHERE = "—"  # the library has no such function, or the question does not arise


@dataclass(frozen=True)
class Row:
    """One row of a table of the page: its first cell, and how to find the others."""

    question: str
    held: str
    programs: dict[str, Program]

    def answer(self, library: Library) -> Any:
        """Return what the library gives, an exception if it refuses, or `NOWHERE`."""
        program = self.programs.get(library.name)
        if program is None:
            return NOWHERE
        try:
            return program(library)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            return error


def gradient(
    code: str,
    *points: Any,
    held: str,
    torch: str | None,
    jax: str | None = "",
    ct: Any = None,
    value: bool = False,
    any_equal: Library | None = None,
) -> Row:
    """Describe an expression at points: its gradients, or its value.

    `code` is in NumPy's words; JAX is asked the same unless `jax` says otherwise, PyTorch what
    `torch` says.  None means that the library has no such function.  `any_equal` is the library
    that picks one of equal elements, and which depends on the processor.
    """
    arrays = [np.asarray(x, float) for x in points]
    codes = {OURS: code, TORCH: torch, JAX: code if jax == "" else jax}

    def program(own: str) -> Program:
        def run(library: Library) -> Any:
            f = expression(own, library.namespace, len(arrays))
            if value:
                return library.value(f, arrays)
            answer = library.gradients(f, arrays, ct)
            return up_to_equal(arrays, answer) if library is any_equal else answer

        return run

    shown = "value of " if value else ""
    against = f" against `{ct}`" if ct is not None else ""
    question = f"{shown}`{code}` at {', '.join(f'`{x}`' for x in points)}{against}"
    own = {library.name: program(one) for library, one in codes.items() if one is not None}
    return Row(question, held, own)


def up_to_equal(arrays: list[Any], gradients: list[Any]) -> str:
    """Write gradients in the one way that does not say which of equal elements has been picked."""
    for x, slope in zip(arrays, gradients, strict=True):
        for one in np.unique(x):
            slope[x == one] = -np.sort(-slope[x == one])
    return f"{written(gradients)}, or another of the equal"


def asked(question: str, program: Program, *libraries: Library, held: str) -> Row:
    """Describe a question in words, put to some libraries by the same program."""
    return Row(question, held, {one.name: program for one in libraries})


def loss(code: str, torch: str, y: Any, x: Any, *, held: str, value: bool = False) -> Row:
    """Describe a loss of predictions against targets `y`; JAX has none."""
    return gradient(
        code.replace("{y}", str(y)),
        x,
        torch=torch.replace("{y}", str(y)),
        jax=None,
        held=held,
        value=value,
    )


def complex_gradient(code: str, z: Any, torch: str, held: str) -> Row:
    """Describe a real function of one number, complex or real."""

    def run(library: Library) -> Any:
        own = torch if library is TORCH else code
        return library.gradients(expression(own, library.namespace, 1), [np.asarray(z)])

    return asked(f"`{code}` at `{z}`", run, OURS, TORCH, JAX, held=held)


# Programs


def untaken_root(library: Library) -> Any:
    code = "torch.where(x > 0, torch.sqrt(x), 0.0)"
    if library is not TORCH:
        code = "np.where(x > 0, np.sqrt(x), 0.0)"
    f = expression(code, library.namespace, 1)
    return library.gradients(f, [np.array([0.0, 4.0])])


def said_of_untaken_root(library: Library) -> Any:
    """Return what kinds of warning are given."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        untaken_root(library)
    return ", ".join(sorted({one.category.__name__ for one in caught})) or "nothing"


def debugged_untaken_root(library: Library) -> Any:
    if library is OURS:
        mode = tg.debug()
    elif library is TORCH:
        mode = library.torch.autograd.detect_anomaly()
    else:
        mode = library.jax.debug_nans(True)  # noqa: FBT003  # it takes no keyword
    with mode:
        return untaken_root(library)


def integer_leaf(library: Library) -> Any:
    x = np.array([1, 2])
    return library.gradient(lambda x: x.sum(), [x]) if library is JAX else library.leaf(x)


def dtype_beside_double(library: Library) -> Any:
    w = library.constant(np.array([1.0, 2.0]))
    x = np.array([1.0, 2.0], np.float32)
    return library.gradients(lambda x: x * w, [x])[0].dtype.name


def training_step(library: Library) -> Any:
    """Return the dtypes of loss, gradient and weight of a step on float32 data."""
    X, w = np.ones((4, 2), np.float32), np.full(2, 0.5, np.float32)
    if library is JAX:
        loss, slope = library.jax.value_and_grad(lambda w: ((X @ w) ** 2).mean())(w)
        return ", ".join(map(str, (loss.dtype, slope.dtype, (w - 0.1 * slope).dtype)))
    x = library.leaf(w)
    loss = ((library.constant(X) @ x) ** 2).mean()
    loss.backward()
    sgd = optim.SGD([x], 0.1) if library is OURS else library.torch.optim.SGD([x], 0.1)
    sgd.step()
    return ", ".join(str(one.dtype).removeprefix("torch.") for one in (loss, x.grad, x))


def two_calls(library: Library) -> Any:
    x = library.leaf(np.array([1.0, 2.0]))
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    return library.plain(x.grad)


def second_call(library: Library) -> Any:
    x = library.leaf(np.array([1.0, 2.0]))
    loss = (x * x).sum()
    loss.backward()
    loss.backward()
    return library.plain(x.grad)


def no_cotangent(library: Library) -> Any:
    x = np.array([1.0, 2.0])
    if library is JAX:
        return library.gradient(lambda x: x * x, [x])
    leaf = library.leaf(x)
    return (leaf * leaf).backward()


def other_cotangent(library: Library) -> Any:
    return library.gradients(lambda x: x * x, [np.array([1.0, 2.0])], np.ones((2, 1)))


def not_reached(library: Library) -> Any:
    x, other = library.leaf(np.array([1.0, 2.0])), library.leaf(np.array([3.0]))
    (x * x).sum().backward()
    return other.grad


def not_reached_by_function(library: Library) -> Any:
    return library.gradient(lambda x, y: (y * y).sum(), [np.ones(2), np.ones(2)])


def changed_array(library: Library) -> Any:
    """Multiply by an array, change it, then walk back."""
    memory = np.zeros(64)
    start = (-memory.ctypes.data % 64) // 8  # JAX reads arrays that are so aligned where they are
    a = memory[start : start + 2]
    a[:] = [2.0, 3.0]
    x = library.leaf(np.ones(2))
    if library is JAX:
        _, pull = library.jax.vjp(lambda x: (x * a).sum(), x)
        a[:] = 9.0
        return library.plain(pull(1.0)[0])
    loss = (x * (library.torch.from_numpy(a) if library is TORCH else a)).sum()
    a[:] = 9.0
    loss.backward()
    return library.plain(x.grad)


def written_view(library: Library) -> Any:
    """Write into a row of what is summed."""

    def loss(x: Any) -> Any:
        y = x * 2.0
        y[0][0] = 7.0
        return y.sum()

    return library.gradients(loss, [np.ones((2, 2))])


def changed_value(library: Library) -> Any:
    """Add in place to what the derivative of exp reads."""
    exp = library.torch.exp if library is TORCH else library.namespace["np"].exp

    def loss(x: Any) -> Any:
        y = exp(x)
        total = y.sum()
        y += 1.0
        return total

    return library.gradients(loss, [np.zeros(2)])
