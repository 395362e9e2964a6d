"""Addresses, loads and stores: of scalars, of rows of lanes, and of lanes here and there."""

from __future__ import annotations

from tinygrad_bp.native.llvm.values import SIZE, SUFFIX, Operand, Value, Writer


class Memory(Writer):
    """Values to and from memory."""

    def at(self, base: Value, index: Operand, element: str | None = None) -> Value:
        """Return the address of an element from a base; a vector if either is one."""
        element = element or self.module.real
        i = index if isinstance(index, Value) else self.constant(index, "i64")
        vector = base.vector or i.vector
        text = f"getelementptr {element}, {self.spell(base)} {base.name}, {self.spell(i)} {i.name}"
        return self.emit(text, "ptr", vector=vector)

    def local(self, element: str | None = None, count: int = 1) -> Value:
        """Return the address of memory of the function's own, on a cache line's boundary."""
        name = self.fresh("local")
        element = element or self.module.real
        self.entry.append(f"  {name} = alloca [{count} x {element}], align 64")
        return Value(name, "ptr")

    def load(
        self,
        address: Value,
        element: str | None = None,
        *,
        vector: bool = False,
        align: int = 0,
        mask: Value | None = None,
    ) -> Value:
        """Load a scalar, or `width` elements in a row; zeros where the mask does not hold."""
        element = element or self.module.real
        lanes, align = self.type_of(element, vector=vector), align or SIZE[element]
        if mask is None:
            text = f"load {lanes}, ptr {address.name}, align {align}"
            return self.emit(text, element, vector=vector)
        held = self.type_of("i1", vector=True)
        name = f"llvm.masked.load.{self._lanes(element)}.p0"
        sign = self.module.declare(name, lanes, "ptr", "i32", held, lanes)
        rest = f"i32 {align}, {held} {mask.name}, {lanes} zeroinitializer"
        return self.emit(f"call {lanes} {sign}(ptr {address.name}, {rest})", element, vector=True)

    def store(
        self, value: Value, address: Value, *, align: int = 0, mask: Value | None = None
    ) -> None:
        """Store a scalar or a vector; nothing where the mask does not hold."""
        lanes, align = self.spell(value), align or SIZE[value.type]
        if mask is None:
            self.line(f"store {lanes} {value.name}, ptr {address.name}, align {align}")
            return
        held = self.type_of("i1", vector=True)
        name = f"llvm.masked.store.{self._lanes(value.type)}.p0"
        sign = self.module.declare(name, "void", lanes, "ptr", "i32", held)
        rest = f"ptr {address.name}, i32 {align}, {held} {mask.name}"
        self.line(f"call void {sign}({lanes} {value.name}, {rest})")

    def prefetch(self, address: Value) -> None:
        """Have the cache line of an address brought near, which is soon written to."""
        sign = self.module.declare("llvm.prefetch.p0", "void", "ptr", "i32", "i32", "i32")
        self.line(f"call void {sign}(ptr {address.name}, i32 1, i32 3, i32 1)")

    def gather(self, addresses: Value, element: str | None = None, *, mask: Value) -> Value:
        """Load each lane from an address of its own; zeros where the mask does not hold."""
        element = element or self.module.real
        lanes, held = self.type_of(element, vector=True), self.type_of("i1", vector=True)
        pointers = self.type_of("ptr", vector=True)
        name = f"llvm.masked.gather.{self._lanes(element)}.v{self.module.width}p0"
        sign = self.module.declare(name, lanes, pointers, "i32", held, lanes)
        rest = f"i32 {SIZE[element]}, {held} {mask.name}, {lanes} zeroinitializer"
        text = f"call {lanes} {sign}({pointers} {addresses.name}, {rest})"
        return self.emit(text, element, vector=True)

    def scatter(self, value: Value, addresses: Value, *, mask: Value) -> None:
        """Store each lane at an address of its own; nothing where the mask does not hold."""
        lanes, held = self.spell(value), self.type_of("i1", vector=True)
        pointers = self.type_of("ptr", vector=True)
        name = f"llvm.masked.scatter.{self._lanes(value.type)}.v{self.module.width}p0"
        sign = self.module.declare(name, "void", lanes, pointers, "i32", held)
        rest = f"i32 {SIZE[value.type]}, {held} {mask.name}"
        self.line(f"call void {sign}({lanes} {value.name}, {pointers} {addresses.name}, {rest})")

    def _lanes(self, element: str) -> str:
        return f"v{self.module.width}{SUFFIX.get(element, element)}"
