"""Arithmetic, comparisons, bits and conversions, line by line.

In come values (registers of LLVM's, or Python's numbers); each method adds a line to the block and
returns the value that it makes.
"""

from __future__ import annotations

from tinygrad_bp.native.llvm.values import INTEGER, SIZE, SUFFIX, Operand, Value, Writer

_FLOATING = {"add": "fadd", "sub": "fsub", "mul": "fmul"}


class Arithmetic(Writer):
    """Values of values; each method writes the lines of one operation."""

    def binary(self, op: str, a: Operand, b: Operand) -> Value:
        """Write an instruction of two operands by the name that LLVM has for it."""
        x, y = self.meet(a, b)
        return self.emit(f"{op} {self.spell(x)} {x.name}, {y.name}", x.type, vector=x.vector)

    def _arithmetic(self, op: str, a: Operand, b: Operand) -> Value:
        x, y = self.meet(a, b)
        op = _FLOATING[op] if x.type in INTEGER else op
        return self.emit(f"{op} {self.spell(x)} {x.name}, {y.name}", x.type, vector=x.vector)

    def add(self, a: Operand, b: Operand) -> Value:
        return self._arithmetic("add", a, b)

    def sub(self, a: Operand, b: Operand) -> Value:
        return self._arithmetic("sub", a, b)

    def mul(self, a: Operand, b: Operand) -> Value:
        return self._arithmetic("mul", a, b)

    def div(self, a: Operand, b: Operand) -> Value:
        """Divide reals, correctly rounded."""
        return self.binary("fdiv", a, b)

    def neg(self, a: Operand) -> Value:
        """Change the sign: of zero too, if real."""
        (x,) = self.meet(a)
        if x.type not in INTEGER:
            return self.sub(0, x)
        return self.emit(f"fneg {self.spell(x)} {x.name}", x.type, vector=x.vector)

    def intrinsic(self, name: str, *operands: Operand) -> Value:
        """Call an intrinsic whose operands and result are of one real type."""
        values = self.meet(*operands)
        x = values[0]
        spelled = self.spell(x)
        lanes = f"v{self.module.width}" if x.vector else ""
        full = f"llvm.{name}.{lanes}{SUFFIX[x.type]}"
        sign = self.module.declare(full, spelled, *[spelled] * len(values))
        listed = ", ".join(f"{spelled} {v.name}" for v in values)
        return self.emit(f"call {spelled} {sign}({listed})", x.type, vector=x.vector)

    def fma(self, a: Operand, b: Operand, c: Operand) -> Value:
        """Return a * b + c, rounded once."""
        return self.intrinsic("fma", a, b, c)

    def sqrt(self, a: Operand) -> Value:
        return self.intrinsic("sqrt", a)

    def abs(self, a: Operand) -> Value:
        return self.intrinsic("fabs", a)

    def copysign(self, a: Operand, sign: Operand) -> Value:
        return self.intrinsic("copysign", a, sign)

    def floor(self, a: Operand) -> Value:
        return self.intrinsic("floor", a)

    def ceil(self, a: Operand) -> Value:
        return self.intrinsic("ceil", a)

    def trunc(self, a: Operand) -> Value:
        return self.intrinsic("trunc", a)

    def rint(self, a: Operand) -> Value:
        """Round to the nearest whole number, halves to even."""
        return self.intrinsic("roundeven", a)

    def maximum(self, a: Operand, b: Operand) -> Value:
        """Return the greater, NaN where either is; of equal ones the first."""
        return self._extreme("ogt", a, b)

    def minimum(self, a: Operand, b: Operand) -> Value:
        """Return the smaller, NaN where either is; of equal ones the first."""
        return self._extreme("olt", a, b)

    def _extreme(self, order: str, a: Operand, b: Operand) -> Value:
        x, y = self.meet(a, b)
        if x.type not in INTEGER:
            return self.select(self.compare("s" + order[1:], y, x), y, x)
        # This select is one instruction of x86, whose result is x if either is NaN.
        one = self.select(self.compare(order, y, x), y, x)
        return self.select(self.compare("uno", y, y), y, one)

    # Bits, comparisons, conversions

    def bit_and(self, a: Operand, b: Operand) -> Value:
        return self.binary("and", a, b)

    def bit_or(self, a: Operand, b: Operand) -> Value:
        return self.binary("or", a, b)

    def bit_xor(self, a: Operand, b: Operand) -> Value:
        return self.binary("xor", a, b)

    def bit_not(self, a: Value) -> Value:
        return self.binary("xor", a, 1 if a.type == "i1" else -1)

    def shift_left(self, a: Value, count: Operand) -> Value:
        return self.binary("shl", a, count)

    def shift_right(self, a: Value, count: Operand, *, signed: bool = False) -> Value:
        return self.binary("ashr" if signed else "lshr", a, count)

    def compare(self, order: str, a: Operand, b: Operand) -> Value:
        """Compare by an order of LLVM's: "oeq", "une", "olt", "uno" of reals, "eq", "slt", ..."""
        x, y = self.meet(a, b)
        op = "fcmp" if x.type in INTEGER else "icmp"
        return self.emit(f"{op} {order} {self.spell(x)} {x.name}, {y.name}", "i1", vector=x.vector)

    def select(self, condition: Value, a: Operand, b: Operand) -> Value:
        """Return `a` where the condition holds, else `b`."""
        x, y = self.meet(a, b)
        if condition.vector or x.vector:
            condition, x, y = self.splat(condition), self.splat(x), self.splat(y)
        t = self.spell(x)
        text = f"select {self.spell(condition)} {condition.name}, {t} {x.name}, {t} {y.name}"
        return self.emit(text, x.type, vector=x.vector)

    def bits(self, a: Operand) -> Value:
        """Return the bits of a real as an integer of its size."""
        (x,) = self.meet(a)
        return self.cast("bitcast", x, INTEGER[x.type])

    def real_of(self, bits: Value) -> Value:
        """Return the real that has these bits."""
        return self.cast("bitcast", bits, "double" if bits.type == "i64" else "float")

    def cast(self, op: str, a: Value, element: str) -> Value:
        """Change the element type by an instruction of LLVM's."""
        to = self.type_of(element, vector=a.vector)
        return self.emit(f"{op} {self.spell(a)} {a.name} to {to}", element, vector=a.vector)

    def convert(self, a: Value, element: str) -> Value:
        """Convert to another element type as NumPy does; to an integer only what it holds."""
        if a.type == element:
            return a
        if element == "i1":
            return self.compare("une" if a.type in INTEGER else "ne", a, 0)
        if a.type in INTEGER:
            if element in INTEGER:
                return self.cast("fptrunc" if element == "float" else "fpext", a, element)
            return self.cast("fptosi", a, element)
        if element in INTEGER:
            return self.cast("uitofp" if a.type == "i1" else "sitofp", a, element)
        if a.type == "i1":
            return self.cast("zext", a, element)
        return self.cast("trunc" if SIZE[element] < SIZE[a.type] else "sext", a, element)
