"""Text of LLVM's intermediate language, written value by value.

A `Value` is a scalar or a vector of `width` lanes.  Where both meet, the scalar is splatted; a
Python number is a constant of the type that it meets.  Nothing is ever contracted, reassociated or
approximated: a line means the same bits on every processor, but for the payload of NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tinygrad_bp.native.llvm.arithmetic import Arithmetic
from tinygrad_bp.native.llvm.memory import Memory
from tinygrad_bp.native.llvm.values import INTEGER, SIZE, Module, Operand, Value

__all__ = ["INTEGER", "SIZE", "Block", "Module", "Operand", "Value"]


class Block(Arithmetic, Memory):
    """Lines of a function, in the order in which they are asked for."""

    # Flow

    def label(self, name: str) -> None:
        """Begin a basic block; `name` is without its sign."""
        self.lines.append(f"{name}:")
        self.here = name
        self._splats.clear()  # one made on another way need not be there on this

    def jump(self, label: str) -> None:
        """End the basic block: go on at a label."""
        self.line(f"br label %{label}")

    def branch(self, condition: Value, yes: str, no: str) -> None:
        """End the basic block: go on at one of two labels."""
        self.line(f"br i1 {condition.name}, label %{yes}, label %{no}")

    def phi(self, like: Value, sources: Sequence[tuple[str, str]], name: str = "") -> Value:
        """Return what has come from before: pairs of a name, perhaps not yet written, and a label.

        It must stand directly below its label.
        """
        name = name or self.fresh("phi")
        listed = ", ".join(f"[{value}, %{label}]" for value, label in sources)
        self.lines.append(f"  {name} = phi {self.spell(like)} {listed}")
        return like._replace(name=name)

    @contextmanager
    def loop(self, stop: Operand, *, start: Operand = 0, step: int = 1) -> Iterator[Value]:
        """Repeat the lines of the ``with`` for an index below `stop`; not once if there is none.

        Values that an iteration hands on go through memory (`local`), or through `phi` by hand.
        """
        first, last = (
            x if isinstance(x, Value) else self.constant(x, "i64") for x in (start, stop)
        )
        tag = self.fresh("loop")[1:]
        before, body, after = f"{tag}.before", f"{tag}.body", f"{tag}.after"
        some = self.compare("slt", first, last)
        self.jump(before)
        self.label(before)
        self.branch(some, body, after)
        self.label(body)
        at = len(self.lines)  # the end of the body, which the index comes from, is not known yet
        index = Value(f"%{tag}", "i64")
        yield index
        following = self.add(index, step)
        more = self.compare("slt", following, last)
        sources = f"[{first.name}, %{before}], [{following.name}, %{self.here}]"
        self.lines.insert(at, f"  {index.name} = phi i64 {sources}")
        self.branch(more, body, after)
        self.label(after)

    def subroutine(
        self, name: str, body: Callable[..., Value], *operands: Operand, key: str = ""
    ) -> Value:
        """Call a function of the module that is written, by `body`, when it is first asked for."""
        values = self.meet(*operands)
        kind = f"{'v' if values[0].vector else 's'}{values[0].type}"
        full = f"tg.{name}{key}.{kind}"
        spelled = self.spell(values[0])
        if full not in self.module.functions:
            inner = Block(self.module)
            parameters = [v._replace(name=f"%x.{k}") for k, v in enumerate(values)]
            result = body(inner, *parameters)
            self.module.define(full, parameters, inner, result, "internal")
        listed = ", ".join(f"{spelled} {v.name}" for v in values)
        text = f"call {spelled} @{full}({listed})"
        return self.emit(text, values[0].type, vector=values[0].vector)

    def procedure(self, name: str, body: Callable[..., None], *operands: Value) -> None:
        """Call a function that gives nothing, as `subroutine` does; operands are scalars."""
        full = f"tg.{name}"
        if full not in self.module.functions:
            inner = Block(self.module)
            parameters = [v._replace(name=f"%x.{k}") for k, v in enumerate(operands)]
            body(inner, *parameters)
            self.module.define(full, parameters, inner, None, "internal")
        listed = ", ".join(f"{self.spell(v)} {v.name}" for v in operands)
        self.line(f"call void @{full}({listed})")

    # Lanes

    def lanes(self, element: str = "i64") -> Value:
        """Return the vector 0, 1, 2, ..."""
        listed = ", ".join(f"{element} {k}" for k in range(self.module.width))
        return Value(f"<{listed}>", element, vector=True)

    def tail(self, left: Value, element: str | None = None) -> Value:
        """Return the mask of the first `left` (an i64, not negative) lanes, of elements of a type.

        The type is that of the values to be masked: the mask is made at their size.
        """
        integer = INTEGER.get(element or self.module.real, "i64")
        if integer != "i64":  # the number of lanes in any case fits
            width = self.constant(self.module.width, "i64")
            left = self.select(self.compare("ult", left, width), left, width)
            left = self.cast("trunc", left, integer)
        return self.compare("ult", self.lanes(integer), left)

    def all_lanes(self) -> Value:
        """Return the mask that holds everywhere."""
        return Value("splat (i1 true)", "i1", vector=True)

    def any(self, mask: Value) -> Value:
        """Tell, as a scalar, whether a mask holds in any lane."""
        if not mask.vector:
            return mask
        integer = f"i{self.module.width}"
        bits = self.emit(f"bitcast {self.spell(mask)} {mask.name} to {integer}", integer)
        return self.emit(f"icmp ne {integer} {bits.name}, 0", "i1")

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Return lanes of `a` (numbers from 0) and of `b` (from `width`): as many as `width`."""
        chosen = f"<{len(lanes)} x i32> <" + ", ".join(f"i32 {k}" for k in lanes) + ">"
        spelled = self.spell(a)
        text = f"shufflevector {spelled} {a.name}, {spelled} {b.name}, {chosen}"
        return self.emit(text, a.type, vector=True)

    def across(self, op: str, a: Value) -> Value:
        """Reduce the lanes by a method of two operands ("add", "maximum", ...), in halves.

        The tree depends on the width alone.
        """
        combine = getattr(self, op)
        module, whole = self.module, self.module.width
        # Each half is a vector of its own.  Of a whole one, whose other lanes nobody wants, LLVM 22
        # takes the wrong lane for AVX-512 if the result is compared with two numbers.
        try:
            while module.width > 2:
                low, high = self._half(a, 0), self._half(a, 1)
                module.width //= 2
                a = combine(low, high)
            lanes = [self.lane(a, k) for k in range(module.width)]
        finally:
            module.width = whole
        return combine(*lanes) if len(lanes) > 1 else lanes[0]

    def _half(self, a: Value, which: int) -> Value:
        """Return the first or the second half of a vector, for a module of half the width."""
        half = self.module.width // 2
        chosen = ", ".join(f"i32 {which * half + k}" for k in range(half))
        spelled = self.spell(a)
        text = f"shufflevector {spelled} {a.name}, {spelled} poison, <{half} x i32> <{chosen}>"
        return self.emit(text, a.type, vector=True)
