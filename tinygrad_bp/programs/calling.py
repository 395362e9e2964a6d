"""Functions by the names that programs call them by, and what calls them: the interpreter."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_bp.errors import ProgramError
from tinygrad_bp.programs.instructions import Instruction, Operand, Ref, replaced
from tinygrad_bp.rules.indexing.adding import BASIC, add_at, is_unique
from tinygrad_bp.rules.indexing.indexing import elements

INTO = "into."  # before the name of a function that writes into its first argument
# Where functions are looked for that do not say where they are.
LIBRARIES = ("numpy", "scipy", "_operator")
SPACES = (
    "numpy",
    "numpy.linalg",
    "numpy.fft",
    "numpy.emath",
    "scipy.special",
    "scipy.special._ufuncs",
)


def _astype(x: Any, dtype: Any) -> Any:
    return np.asarray(x).astype(dtype)[()]


def _power(x: Any, y: Any) -> Any:
    found = x**y
    if type(found) is complex and complex not in (type(x), type(y)):
        raise ProgramError(f"{x} ** {y} is complex, and a program has taken it for a real number")
    return found


def _add_at(array: Any, index: Any, values: Any) -> None:
    """Do what ``np.add.at`` does: the same sums in the same order, of whole rows far quicker."""
    index = index if isinstance(index, tuple) else (index,)
    parts = all(isinstance(one, (np.ndarray, *BASIC)) for one in index)
    if parts and is_unique(index):
        array[index] += values
    elif parts and array.flags.c_contiguous:
        add_at(array, index, values)
    else:
        np.add.at(array, index, values)


def _getitem(x: Any, index: Any) -> Any:
    return elements(x, index) if type(index) is tuple else x[index]


OWN: dict[str, Callable[..., Any]] = {
    "add.at": _add_at,
    "getitem": _getitem,
    "setitem": operator.setitem,
    "astype": _astype,
    "part": operator.getitem,
    "constant": np.asarray,
    "operator.pow": _power,  # of numbers of Python's
}


_NAMES: dict[Callable[..., Any], str] = {}


@cache
def named(op: str) -> Callable[..., Any]:
    """Return the function that programs call `op`."""
    if op in OWN:
        return OWN[op]
    path = op.split(".")
    home: Any = operator if path[0] == "operator" else np
    if home is operator:
        path = path[1:]
    elif path[0] == "scipy":
        home, path = import_module(".".join(path[:2])), path[2:]
    function: Callable[..., Any] = operator.attrgetter(".".join(path))(home)
    owner = getattr(function, "__self__", function)  # of add.reduce, add
    module = str(getattr(owner, "__module__", None) or getattr(owner, "__name__", ""))
    if not isinstance(owner, np.ufunc) and module.partition(".")[0] not in LIBRARIES:
        raise AttributeError(f"{op} is no function of NumPy's or SciPy's")
    return function


def name_of(function: Any) -> str | None:
    """Return the name by which programs call a function; None if it is not NumPy's or SciPy's."""
    if function in _NAMES:
        return _NAMES[function]
    module = getattr(function, "__module__", None) or ""
    for space in (module, *SPACES):
        if space.partition(".")[0] not in ("numpy", "scipy"):
            continue
        prefix = "" if space == "numpy" else f"{space.removeprefix('numpy.')}."
        op = f"{prefix}{function.__name__}"
        try:
            if named(op) is function:
                _NAMES[function] = op  # a library's, which stays
                return op
        except (AttributeError, ImportError):
            continue
    return None


def called(op: str, operands: Operand, parameters: Mapping[str, Operand]) -> Any:
    """Return what a function gives, or the copy that it has written into."""
    if not op.startswith(INTO):
        return named(op)(*operands, **parameters)
    target = np.array(operands[0])
    named(op.removeprefix(INTO))(target, *operands[1:], **parameters)
    return target


def run(instruction: Instruction, values: Mapping[str, Any]) -> Any:
    """Return the value of an instruction, from those before it."""

    def value(ref: Ref) -> Any:
        return values[ref.name]

    operands = replaced(instruction.operands, value)
    parameters = {key: replaced(one, value) for key, one in instruction.parameters}
    return called(instruction.op, operands, parameters)


# What a compiler makes loops of, beside NumPy's ufuncs: moves, creation, and the plain reductions.
PLAIN = frozenset(
    (  # noqa: SIM905  # one line for many words
        "all any argmax argmin array astype broadcast_to clip concatenate constant diagonal"
        " expand_dims flip full getitem into.setitem max mean min moveaxis ones part prod ravel"
        " repeat reshape roll squeeze stack sum swapaxes take transpose where zeros"
    ).split()
)


def is_opaque(op: str) -> bool:
    """Whether a program knows no more of a function than what NumPy calls it."""
    return op not in PLAIN and not isinstance(getattr(np, op, None), np.ufunc)


@contextmanager
def quiet() -> Iterator[None]:
    """Compute without warnings: whatever there was to say was said when it was recorded."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
