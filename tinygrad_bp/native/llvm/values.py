"""Values and lines of LLVM's intermediate language, and the module that functions make up."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple, Self

INTEGER = {"double": "i64", "float": "i32"}  # the integer of a real type's size
SIZE = {
    "double": 8,
    "float": 4,
    "i64": 8,
    "i32": 4,
    "ptr": 8,
    "i128": 16,
    "i8": 1,
    "i1": 1,
}  # bytes in memory
SUFFIX = {"double": "f64", "float": "f32"}  # of the names of intrinsics
ATTRIBUTES = (
    'attributes #0 = { nounwind "no-trapping-math"="true" '
    '"prefer-vector-width"="512" "min-legal-vector-width"="512" }'
)


class Value(NamedTuple):
    """A name of LLVM's, or a constant, of an element type; `vector` says whether it has lanes."""

    name: str
    type: str
    vector: bool = False

    @property
    def constant(self) -> bool:
        """Whether it is a number in the text, and not the name of a result."""
        return self.name[0] != "%"


Operand = Value | float | int | bool  # numbers are constants


class Module:
    """What the functions of one text share: declarations, subroutines, and the instruction set.

    Parameters
    ----------
    real : str
        The type of a number that no operand decides: "double" or "float".
    width : int
        Lanes of a vector: a power of two.
    features : frozenset of str
        Instructions that may be named outright where they give the bits of the plain way.
    """

    def __init__(
        self, real: str = "double", width: int = 8, features: frozenset[str] = frozenset()
    ) -> None:
        if real not in INTEGER or width < 1 or width & (width - 1):
            raise ValueError(f"a module of vectors of {width} x {real}: expected a power of two")
        self.real, self.width, self.features = real, width, features
        self.declarations: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self.globals: list[str] = []

    def declare(self, name: str, returns: str, *arguments: str) -> str:
        """Declare a function or an intrinsic once, and return its name with the sign for it."""
        if name not in self.declarations:
            self.declarations[name] = f"declare {returns} @{name}({', '.join(arguments)})"
        return f"@{name}"

    def define(
        self,
        name: str,
        parameters: Sequence[Value],
        block: Writer,
        returns: Value | None = None,
        linkage: str = "",
    ) -> str:
        """Make a function of a block's lines; pointers among the parameters do not overlap.

        The block ends in the return of `returns` (nothing, if None), which this writes.
        """
        spell = block.spell
        listed = ", ".join(
            f"{spell(p)}{' noalias' if p.type == 'ptr' else ''} {p.name}" for p in parameters
        )
        result = "void" if returns is None else spell(returns)
        last = "  ret void" if returns is None else f"  ret {result} {returns.name}"
        head = f"define {linkage}{' ' if linkage else ''}{result} @{name}({listed}) #0 {{"
        lines = [head, "entry:", *block.entry, *block.lines, last, "}"]
        self.functions[name] = "\n".join(lines)
        return f"@{name}"

    def text(self) -> str:
        """Return the whole text."""
        parts = [*self.globals, *self.declarations.values(), *self.functions.values(), ATTRIBUTES]
        return "\n".join(parts) + "\n"


class Writer:
    """Lines of a function, in the order in which they are asked for."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.lines: list[str] = []
        self.entry: list[str] = []  # before all lines: memory of the function's own
        self.here = "entry"  # the label above the line to come
        self._count = iter(range(1 << 62))
        self._splats: dict[str, str] = {}

    def fork(self) -> Self:
        """Return an empty block of the same function: its lines are to be put in between."""
        other = type(self)(self.module)
        other.entry, other._count = self.entry, self._count
        return other

    # Text

    def spell(self, value: Value) -> str:
        """Return the type of a value as LLVM spells it."""
        return self.type_of(value.type, vector=value.vector)

    def type_of(self, element: str, *, vector: bool) -> str:
        """Return an element type, or a vector of it, as LLVM spells it."""
        return f"<{self.module.width} x {element}>" if vector else element

    def fresh(self, prefix: str = "v") -> str:
        """Return a name, with its sign, that the function does not have yet."""
        return f"%{prefix}.{next(self._count)}"

    def line(self, text: str) -> None:
        """Write a line that has no value."""
        self.lines.append("  " + text)

    def emit(self, text: str, element: str, *, vector: bool = False) -> Value:
        """Write a line that has a value of this element type."""
        name = f"%v.{next(self._count)}"
        self.lines.append(f"  {name} = {text}")
        return Value(name, element, vector)

    # Operands

    def constant(self, number: float, element: str | None = None) -> Value:
        """Return a number as a scalar constant; the element type of the module if none is told."""
        element = element or self.module.real
        if element in INTEGER:
            return Value(_hexadecimal(float(number), element), element)
        if element == "i1":
            return Value("true" if number else "false", element)
        return Value(str(int(number)), element)

    def splat(self, value: Operand, element: str | None = None) -> Value:
        """Return a value as a vector: all lanes the same, if it was a scalar."""
        if not isinstance(value, Value):
            value = self.constant(value, element)
        if value.vector:
            return value
        if value.constant:
            return Value(f"splat ({value.type} {value.name})", value.type, vector=True)
        known = self._splats.get(value.name)
        if known is None:
            lanes = self.type_of(value.type, vector=True)
            put = self.emit(
                f"insertelement {lanes} poison, {value.type} {value.name}, i64 0", value.type
            )
            zeros = f"<{self.module.width} x i32> zeroinitializer"
            known = self.emit(
                f"shufflevector {lanes} {put.name}, {lanes} poison, {zeros}", value.type
            ).name
            self._splats[value.name] = known
        return Value(known, value.type, vector=True)

    def lane(self, value: Value, index: int) -> Value:
        """Return one lane as a scalar."""
        return self.emit(
            f"extractelement {self.spell(value)} {value.name}, i64 {index}", value.type
        )

    def meet(self, *operands: Operand) -> list[Value]:
        """Return operands of one element type as values that are all scalars or all vectors."""
        element = next((x.type for x in operands if isinstance(x, Value)), self.module.real)
        values = [x if isinstance(x, Value) else self.constant(x, element) for x in operands]
        if any(x.vector for x in values):
            return [x if x.vector else self.splat(x) for x in values]
        return values


def _hexadecimal(number: float, element: str) -> str:
    """Return the number as LLVM writes it: the bits of a double, also for a float."""
    if element == "float":
        (number,) = struct.unpack("<f", struct.pack("<f", number))
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
