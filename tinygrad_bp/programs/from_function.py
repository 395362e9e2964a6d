"""`program`: the program of a function, from one run of it on Symbols."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.failures import failure_of
from tinygrad_bp.engine.tensor import Tensor, is_foreign, operand, tensor
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.instructions import Operand, Ref, Type, renewed, replaced
from tinygrad_bp.programs.naming import identifier, names
from tinygrad_bp.programs.program import Program
from tinygrad_bp.programs.trace import Trace
from tinygrad_bp.programs.watch import Watch


@answers
def program(f: Callable[..., Any], *args: Any) -> Program:
    """Write down what a function does with arrays, as a program.

    The function is run once, on arrays without values.  Everything in it is written down: what it
    computes, and the derivatives that it takes.

    Parameters
    ----------
    f : callable
        Of arrays, Tensors, numbers, and nested dicts, lists and tuples of them; and so are its
        results.  `tg.grad(f)` and the other transforms are such functions.  The parameters of a
        `tg.nn.Module` among the arguments are arguments too, under the names of its `state`.
    *args
        What to call it with; of arrays and floats the shapes and dtypes count.  Anything else (an
        int, a bool, a string, a module) is a part of the program, and so are arrays that the
        function does not get as arguments: as they are now.

    Returns
    -------
    Program

    Raises
    ------
    TraceError
        If the function reads a value (``if x > 0``, ``float(x)``), or calls what gives a shape that
        depends on values.  The message says where, and what to write instead.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> def energy(x):
    ...     return np.sum(np.tanh(x) ** 2)
    >>> p = tg.program(tg.grad(energy), np.zeros(3))
    >>> print(p.numpy())
    import numpy as np
    ...
    """
    return traced(f, *args).simplified()


def traced(f: Callable[..., Any], *args: Any, named: bool = True) -> Program:
    """Return the program of a function as it was written down, before any pass.

    Names of the user's variables are looked for if it is to be `named`.
    """
    trace = Trace(named=named)
    watch = Watch(trace)
    parameters = parameters_of(f, len(args))
    with closing(trace), watch.watched():
        arguments = [
            _argument(trace, one, (name,)) for name, one in zip(parameters, args, strict=True)
        ]
        outputs = _output(trace, f(*arguments))
    return finished(trace, watch, name_of(f), parameters, outputs)


def finished(
    trace: Trace, watch: Watch, name: str, parameters: tuple[str, ...], outputs: Operand
) -> Program:
    """Return the program that a trace has written down, with names for its values.

    Parameters
    ----------
    trace : Trace
    watch : Watch
        What watched it.
    name : str
        Of the program.
    parameters : tuple of str
    outputs : nested tuples, lists and dicts
        Values as the operands that `Trace.operand` gives for them.

    Returns
    -------
    Program
    """
    if trace.bare:
        return Program(name, parameters, tuple(trace.inputs), tuple(trace.instructions), outputs)
    found = names(trace, watch, parameters)

    def renamed(ref: Ref) -> Ref:
        return Ref(found[ref.name])

    return Program(
        name,
        parameters,
        tuple(replace(one, name=found[one.name]) for one in trace.inputs),
        tuple([renewed(one, renamed, name=found[one.name]) for one in trace.instructions]),
        replaced(outputs, renamed),
        wholes=tuple(one.renamed(found) for one in watch.wholes.values()),
    )


@contextmanager
def closing(trace: Trace) -> Iterator[None]:
    """Close a trace at the end, and raise what was refused in it whatever NumPy has made of that.

    Raises
    ------
    TraceError
        If something was refused within it.
    """
    try:
        yield
    except Exception as error:
        refusal = _refusal_in(error)
        if refusal is None:
            raise
        raise refusal from error
    finally:
        trace.close()


def _refusal_in(error: BaseException | None) -> TraceError | None:
    """Return what was refused, of which NumPy may have made another error, with who asked."""
    while error is not None and not isinstance(error, TraceError):
        error = error.__cause__
    failure = None if error is None else failure_of(error)
    if error is None or failure is None:
        return error
    if failure.operation in str(error).partition(", at ")[0]:
        return error
    return TraceError(f"{failure.operation}: {error}")


def name_of(f: Any) -> str:
    """Return what a function is called; the gradient of ``loss``, ``grad_loss``."""
    name = getattr(f, "__name__", type(f).__name__)
    code = getattr(f, "__code__", None)
    if code is not None and hasattr(f, "__wrapped__"):
        outer = code.co_qualname.partition(".")[0].strip("_")
        return f"{outer}_{name_of(f.__wrapped__)}"
    return "program" if name == "<lambda>" else identifier(name)


def parameters_of(f: Any, count: int) -> tuple[str, ...]:
    """Return the names of the first parameters of a function."""
    try:
        given = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a ufunc says nothing
        return tuple(f"x{k}" for k in range(count))
    found = [identifier(one.name) for one in given if one.kind <= one.POSITIONAL_OR_KEYWORD]
    more = next((identifier(one.name) for one in given if one.kind is one.VAR_POSITIONAL), "x")
    found += [f"{more}{k}" for k in range(len(found), count)]
    return tuple(found[:count])


def _argument(trace: Trace, value: Any, path: tuple[Any, ...]) -> Any:
    """Return an argument with Symbols for its arrays."""
    if isinstance(value, dict):
        return {key: _argument(trace, one, (*path, key)) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [_argument(trace, one, (*path, k)) for k, one in enumerate(value)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if hasattr(value, "named_parameters"):
        return _module(trace, value, path)
    return symbolic(trace, value, path)


def symbolic(trace: Trace, value: Any, path: tuple[Any, ...]) -> Any:
    """Return a Symbol for an array or a float, in a Tensor if that is one; others as they are."""
    raw = value._value if type(value) is Tensor else value
    if is_foreign(raw):
        raise TraceError(f"program: {type(raw).__name__} is no array of NumPy's")
    if not isinstance(raw, (np.ndarray, np.generic, float, complex)):
        return value
    array = np.asarray(raw if type(raw) in (float, complex) else operand(raw))
    if array.dtype.kind not in "biufc":
        return value
    label = value.name if type(value) is Tensor else None
    name = label or (path[-1] if isinstance(path[-1], str) else None)
    weak = type(raw) in (float, complex)
    symbol = trace.input(name, Type(array.dtype.newbyteorder("="), array.shape, weak), path)
    if type(value) is not Tensor:
        return symbol
    return tensor(symbol, requires_grad=value.requires_grad, name=label)


def _module(trace: Trace, module: Any, path: tuple[Any, ...]) -> Any:
    """Return a module with Symbols in its parameters, for as long as the trace lasts."""
    for name, parameter in module.named_parameters():
        value = np.asarray(parameter._value)
        trace.lend(parameter)
        kind = Type(value.dtype, value.shape)
        parameter._value = trace.input(parameter.name or name, kind, (*path, name))
    return module


def _output(trace: Trace, value: Any) -> Any:
    """Return what a function returned, with values by their names."""
    if isinstance(value, dict):
        return {key: _output(trace, one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [_output(trace, one) for one in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return trace.operand(value._value if type(value) is Tensor else value)
