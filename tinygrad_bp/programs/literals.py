"""Operands as Python writes them, and read again."""

from __future__ import annotations

import ast
import keyword
import math
from typing import Any

import numpy as np

from tinygrad_bp.programs.instructions import Operand, Ref, Type, Types

DTYPES = {np.dtype(char).name: np.dtype(char) for char in "?bhilqBHILQefdgFDG"}
NUMBERS = {"inf": math.inf, "nan": math.nan}
WEAK = {
    "float": Type(np.dtype(float), (), weak=True),
    "complex": Type(np.dtype(complex), (), weak=True),
}
# No value may be called so: programs and their sources use these words themselves.
RESERVED = frozenset(
    {
        *DTYPES,
        *NUMBERS,
        *WEAK,
        *keyword.kwlist,
        *keyword.softkwlist,
        "np",
        "scipy",
        "slice",
        "tuple",
    }
)


def written(x: Operand, space: str = "") -> str:
    """Return an operand as Python; `space` stands before NumPy's names."""
    if type(x) is Ref:
        return x.name
    if isinstance(x, np.ndarray):
        return written(x.tolist(), space)
    if isinstance(x, np.generic):
        return f"{space}{x.dtype.name}({written(x.item(), space)})"
    if isinstance(x, np.dtype):
        return f"{space}{x.name}"
    if isinstance(x, dict):
        return f"{{{', '.join(f'{key!r}: {written(one, space)}' for key, one in x.items())}}}"
    if isinstance(x, list):
        return f"[{', '.join(written(one, space) for one in x)}]"
    if isinstance(x, tuple):
        parts = ", ".join(written(one, space) for one in x)
        return f"({parts},)" if len(x) == 1 else f"({parts})"
    if isinstance(x, slice):
        return f"slice({x.start}, {x.stop}, {x.step})"
    if isinstance(x, complex):
        return f"complex({written(x.real, space)}, {written(x.imag, space)})"
    if isinstance(x, float) and not math.isfinite(x):
        return f"{'-' if x < 0 else ''}{space}{'nan' if x != x else 'inf'}"
    return "..." if x is Ellipsis else repr(x)


def subscript(index: Operand, space: str = "") -> str:
    """Return what stands between the brackets of ``x[index]``."""
    if not isinstance(index, tuple) or not index:
        return _between(index, space)
    parts = ", ".join(_between(one, space) for one in index)
    return f"{parts}," if len(index) == 1 else parts


def _between(one: Operand, space: str) -> str:
    if not isinstance(one, slice):
        return written(one, space)
    ends = ["" if end is None else str(end) for end in (one.start, one.stop, one.step)]
    return ":".join(ends if ends[2] else ends[:2])


def type_written(types: Types) -> str:
    """Return a type as an annotation."""
    if isinstance(types, Type):
        return str(types)
    return f"tuple[{', '.join(map(str, types))}]" if types else "tuple"


def read(node: Any) -> Operand:  # one line a form
    """Return the operand that a part of Python's syntax tree writes.

    Raises
    ------
    ValueError
        If it writes none.
    """
    match node:
        case None:
            return None
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return DTYPES.get(name, NUMBERS.get(name, Ref(name)))
        case ast.UnaryOp(op=ast.USub(), operand=one):
            return -read(one)
        case ast.List(elts=parts):
            return [read(one) for one in parts]
        case ast.Tuple(elts=parts):
            return tuple(read(one) for one in parts)
        case ast.Dict(keys=keys, values=values):
            return {read(key): read(one) for key, one in zip(keys, values, strict=True)}
        case ast.Slice(lower=start, upper=stop, step=step):
            return slice(read(start), read(stop), read(step))
        case ast.Call(func=ast.Name(id="slice"), args=ends):
            return slice(*map(read, ends))
        case ast.Call(func=ast.Name(id="complex"), args=[real, imaginary]):
            return complex(read(real), read(imaginary))
        case ast.Call(func=ast.Name(id=name), args=[one]) if name in DTYPES:
            return DTYPES[name].type(read(one))
    raise ValueError(f"line {node.lineno}: this is no operand: {ast.unparse(node)}")


def type_read(node: Any) -> Types:
    """Return the type that an annotation writes."""
    match node:
        case ast.Name(id=name) if name in WEAK:
            return WEAK[name]
        case ast.Name(id=name) if name in DTYPES:
            return Type(DTYPES[name], ())
        case ast.Name(id="tuple"):
            return ()
        case ast.Subscript(value=ast.Name(id="tuple"), slice=parts):
            several = parts.elts if isinstance(parts, ast.Tuple) else [parts]
            return tuple(type_read(one) for one in several)  # type: ignore[misc]  # each is one
        case ast.Subscript(value=ast.Name(id=name), slice=sides) if name in DTYPES:
            shape = read(sides)
            return Type(DTYPES[name], shape if isinstance(shape, tuple) else (shape,))
    raise ValueError(f"line {node.lineno}: this is no type: {ast.unparse(node)}")
