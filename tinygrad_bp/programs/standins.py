"""The shape and dtype of a result, which NumPy itself tells: it is asked with arrays that stand in.

A ufunc says by which dtypes it computes.  Any other function is called three times, with different
numbers: where these decide on the shape or the dtype, no program can be written.  Moves and sums
are called once, with arrays that take no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import count
from typing import Any

import numpy as np

from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.calling import PLAIN, called, named
from tinygrad_bp.programs.instructions import (
    Operand,
    Ref,
    Type,
    Types,
    is_number,
    references,
    replaced,
    several,
)

SHORT = 64  # an axis that is longer is shortened where nothing but its length is asked for
MANY = 4096  # types of results that are kept
KEPT = 64  # stand-ins that are kept, three arrays each


def result_type(
    op: str,
    operands: tuple[Operand, ...],
    parameters: Mapping[str, Operand],
    types: Mapping[str, Types],
    arrays: Mapping[str, Any],
) -> Types:
    """Return the type of what a function gives.

    Parameters
    ----------
    op, operands, parameters
        As in an instruction.
    types : mapping of str to type
        Of what it reads.
    arrays : mapping of str to array
        Those values that are constants.

    Raises
    ------
    TraceError
        If that depends on values.
    """
    if op == "part":
        return types[operands[0].name][operands[1]]  # type: ignore[return-value]  # of several
    given = _given(op, operands, parameters, types)
    if given is None:
        return _agreed(op, operands, parameters, types, arrays)
    return _of_ufunc(op, given)


def loop(
    op: str,
    operands: tuple[Operand, ...],
    parameters: Mapping[str, Operand],
    types: Mapping[str, Types],
) -> tuple[np.dtype[Any], ...] | None:
    """Return the dtypes in which a ufunc computes; None for any other call."""
    given = _given(op, operands, parameters, types)
    return None if given is None else _dtypes(op, given)


def _given(
    op: str,
    operands: tuple[Operand, ...],
    parameters: Mapping[str, Operand],
    types: Mapping[str, Types],
) -> tuple[Type, ...] | None:
    """Return what a ufunc is given, if that is all that its result depends on; None otherwise."""
    if parameters or len(operands) != _count(op):
        return None
    if not all(type(one) is Ref or is_number(one) for one in operands):
        return None
    return tuple([_type(one, types) for one in operands])


@cache
def _count(op: str) -> int:
    """Return how many operands a ufunc has; -1 of any other call."""
    function: Any = named(op.removeprefix("into."))
    known = isinstance(function, np.ufunc) and function.__name__ == op.rpartition(".")[2]
    return function.nin if known else -1


def _dtypes(op: str, given: tuple[Type, ...]) -> tuple[np.dtype[Any], ...]:
    function: Any = named(op.removeprefix("into."))
    found: tuple[np.dtype[Any], ...] = function.resolve_dtypes(
        (*map(_asked, given), *[None] * function.nout)
    )
    return found


def _type(operand: Operand, types: Mapping[str, Types]) -> Type:
    """Return the type of a value or of a number."""
    if type(operand) is Ref:
        found = types[operand.name]
        if not isinstance(found, Type):
            raise TypeError(f"{operand.name} is several arrays")
        return found
    return Type(np.result_type(operand), (), not isinstance(operand, np.generic))


@lru_cache(MANY)
def _of_ufunc(op: str, given: tuple[Type, ...]) -> Types:
    function: Any = named(op)
    dtypes = _dtypes(op, given)[function.nin :]
    if function.signature is None:
        shape = np.broadcast_shapes(*[one.shape for one in given])
        return several([Type(dtype, shape) for dtype in dtypes])
    # lengths alone matter, and equal ones stay equal
    numbers = count(SHORT + 1)
    long: dict[int, int] = {n: next(numbers) for one in given for n in one.shape if n > SHORT}
    back = {short: n for n, short in long.items()}
    results = function(*[np.zeros([long.get(n, n) for n in one.shape]) for one in given])
    results = results if isinstance(results, tuple) else (results,)
    shapes = [tuple([back.get(int(n), int(n)) for n in np.shape(one)]) for one in results]
    return several([Type(dtype, shape) for dtype, shape in zip(dtypes, shapes, strict=True)])


def _asked(one: Type) -> Any:
    """Return what a ufunc is asked with: a dtype, or the type of Python's number."""
    if not one.weak:
        return one.dtype
    return {"b": np.dtype(bool), "i": int, "f": float}.get(one.dtype.kind, complex)


def _agreed(
    op: str,
    operands: tuple[Operand, ...],
    parameters: Mapping[str, Operand],
    types: Mapping[str, Any],
    arrays: Mapping[str, Any],
) -> Types:
    found: list[Types] = []
    failure: Exception | None = None
    names = {*references((operands, *parameters.values()))} - arrays.keys()
    # of moves and plain reductions integers may decide, floats do not
    by_floats = op not in PLAIN or (op == "where" and len(operands) == 1)
    decide = {name for name in names if by_floats or types[name].dtype.kind in "biu"}
    for k in range(3 if decide else 1):

        def numbers(ref: Ref, k: int = k) -> Any:
            if ref.name in arrays:
                return arrays[ref.name]
            one = types[ref.name]
            return standin(one, k) if ref.name in decide else _repeated(one)

        given = replaced(operands, numbers)
        keywords = {key: replaced(one, numbers) for key, one in parameters.items()}
        try:
            with np.errstate(all="ignore"):
                result = called(op, given, keywords)
            weak = op.startswith("operator.") and type(result) in (float, complex)
            found.append(Type(np.result_type(result), (), weak) if weak else _types_of(op, result))
        except TraceError:
            raise
        except Exception as error:  # noqa: BLE001  # of any kind: these numbers may be no good to it
            failure = error.with_traceback(None)  # which holds this frame, and closes a cycle
    if not found and failure is not None:
        raise failure
    if any(one != found[0] for one in found):
        kinds = " or ".join(dict.fromkeys(map(_told, found)))
        raise TraceError(f"{op}: whether it gives {kinds} depends on values")
    return found[0]


def _told(types: Types) -> str:
    return str(types) if isinstance(types, Type) else ", ".join(map(str, types))


def _types_of(op: str, result: Any) -> Types:
    if isinstance(result, (tuple, list)):
        parts = [one for part in result for one in _each(op, part)]
        make: Any = getattr(type(result), "_make", tuple)  # a named tuple stays one
        return make(parts)  # type: ignore[no-any-return]  # of a list or a tuple
    (only,) = _each(op, result)
    return only


def _each(op: str, result: Any) -> Iterator[Type]:
    if not isinstance(result, (np.ndarray, np.generic)) or result.dtype.kind not in "biufc":
        raise TraceError(f"{op}: it gives {type(result).__name__}, no array, and depends on values")
    yield Type(result.dtype, result.shape)


def standin(one: Types, k: int) -> Any:
    """Return the k-th of the three that stand in for a value of a type."""
    if not isinstance(one, Type):
        return tuple(standin(part, k) for part in one)
    return _numbers(one, k)


def _repeated(one: Any) -> Any:
    """Return one number as an array of a type, which takes no memory."""
    return 0.5 if one.weak else np.broadcast_to(one.dtype.type(0.5), one.shape)[()]


def forget() -> None:
    """Let go of the arrays that stood in."""
    _numbers.cache_clear()


@lru_cache(KEPT)
def _numbers(one: Type, k: int) -> Any:
    """Return the k-th array of a type: generic positive numbers, negative ones, zeros.

    Square matrices are far from singular, and integers are good for an index.
    """
    if one.dtype.kind == "b":
        value = np.full(one.shape, k == 0)
    elif one.dtype.kind in "iu":
        value = np.full(one.shape, int(k == 1), one.dtype)
    elif k == 2:
        value = np.zeros(one.shape, one.dtype)
    else:
        value = np.random.default_rng(k).uniform(0.4, 0.9, one.shape)
        if len(one.shape) > 1 and one.shape[-1] == one.shape[-2]:
            turned = np.tril(value) if k else 0  # the second has complex eigenvalues
            value = value - 2 * turned + value.shape[-1] * np.eye(one.shape[-1])
        value = np.asarray(value if k == 0 else -value).astype(one.dtype)
    if one.weak:
        return complex(value) if one.dtype.kind == "c" else float(value)
    value.flags.writeable = False
    return value[()]
