"""Values in memory, and a vector's worth of their rows in registers.

A `Home` says where a value lies and in which order; `Rows` loads and stores a column of so many
rows of it, through shuffles or gathers where columns lie side by side, masked where rows end.
"""

from __future__ import annotations

from typing import NamedTuple

from tinygrad_bp.native.llvm.ir import INTEGER, Block, Operand, Value

WOVEN = 8  # columns that lie side by side are told apart by shuffles, more of them one by one
KINDS = {"double": "real", "float": "real", "i8": "truth", "i64": "whole"}


class Home(NamedTuple):
    """Where a value lies.

    Element ``(a, row, b)`` of an array with `before` numbers a, and `after` numbers b, and so many
    columns a * after + b.  With `packed`, `width` rows of one column lie side by side instead.

    Attributes
    ----------
    base : Value
        The address.
    element : str
        What lies there: "double", "float", "i64", or "i8" for a truth.
    """

    base: Value
    element: str
    before: int = 1
    after: int = 1
    packed: bool = False

    @property
    def columns(self) -> int:
        """How many there are."""
        return self.before * self.after


class Rows:
    """As many rows as a vector has lanes, from one on.

    Parameters
    ----------
    block : Block
    first : i64 or int
        The first row.
    left : i64 or int
        How many there are from it on; masks keep what is beyond untouched.
    count : i64 or int
        How many there are in all.
    """

    def __init__(self, block: Block, first: Operand, left: Operand, count: Operand) -> None:
        self.block, self.first, self.left, self.count = block, first, left, count
        self.width = block.module.width
        self.full = not isinstance(left, Value) and left >= self.width
        self._masks: dict[tuple[str, int, int], Value] = {}
        self._woven: dict[tuple[str, int], list[Value]] = {}

    def mask(self, element: str, times: int = 1, before: int = 0) -> Value | None:
        """Return which of the lanes hold elements that are there; None if all do.

        Parameters
        ----------
        element : str
            The type of what is masked.
        times : int
            How many elements a row has.
        before : int
            How many of them lie before the vector.
        """
        if self.full:
            return None
        integer = INTEGER.get(element, "i64")
        key = (integer, times, before)
        if key not in self._masks:
            self._masks[key] = self._mask(integer, times, before)
        return self._masks[key]

    def _mask(self, integer: str, times: int, before: int) -> Value:
        block = self.block
        left = self.left if isinstance(self.left, Value) else block.constant(self.left, "i64")
        most = block.constant(self.width, "i64")
        left = block.select(block.compare("slt", left, most), left, most)
        if times > 1:
            left = block.sub(block.mul(left, times), before)
        if integer != "i64":
            left = block.cast("trunc", left, integer)
        return block.compare("slt", block.lanes(integer), left)

    def load(self, home: Home, column: int, *, woven: bool = True) -> Value:
        """Return a column of these rows; if `woven`, all columns beside it are loaded with it."""
        block = self.block
        if home.packed or home.after == 1:
            mask = None if home.packed else self.mask(home.element)
            at = block.at(home.base, self._place(home, column), home.element)
            found = block.load(at, home.element, vector=True, mask=mask)
        elif woven and home.after <= WOVEN:
            group, place = divmod(column, home.after)
            key = (home.base.name, group)
            if key not in self._woven:
                self._woven[key] = self._unwoven(home, group)
            found = self._woven[key][place]
        else:
            mask = self.mask(home.element) or block.all_lanes()
            found = block.gather(self._addresses(home, column), home.element, mask=mask)
        return block.convert(found, "i1") if home.element == "i8" else found

    def store(self, home: Home, column: int, value: Value) -> None:
        """Store a column of these rows."""
        block = self.block
        value = block.splat(block.convert(value, home.element))
        if home.packed or home.after == 1:
            at = block.at(home.base, self._place(home, column), home.element)
            block.store(value, at, mask=None if home.packed else self.mask(home.element))
            return
        mask = self.mask(home.element) or block.all_lanes()
        block.scatter(value, self._addresses(home, column), mask=mask)

    def _place(self, home: Home, column: int) -> Operand:
        """Return the number of the element where a column of these rows begins."""
        if home.packed:
            return self._plus(self._times(self.first, home.columns), column * self.width)
        start = self._times(self.count, column)
        return self._plus(self.first, start)

    def _times(self, x: Operand, k: int) -> Operand:
        if not isinstance(x, Value):
            return x * k
        return x if k == 1 else 0 if k == 0 else self.block.mul(x, k)

    def _plus(self, x: Operand, y: Operand) -> Operand:
        if not isinstance(x, Value) and not isinstance(y, Value):
            return x + y
        if not isinstance(y, Value) and y == 0:
            return x
        return self.block.add(x, y) if isinstance(x, Value) else self.block.add(y, x)

    def _group(self, home: Home, group: int) -> Operand:
        """Return the number of the element where a group of columns begins, in these rows."""
        row = self._plus(self.first, self._times(self.count, group))
        return self._times(row, home.after)

    def _unwoven(self, home: Home, group: int) -> list[Value]:
        """Return columns that lie side by side, from as many vectors as there are of them."""
        block, width, many = self.block, self.width, home.after
        start = block.at(home.base, self._group(home, group), home.element)
        parts = []
        for k in range(many):
            at = block.at(start, k * width, home.element) if k else start
            mask = self.mask(home.element, many, k * width)
            parts.append(block.load(at, home.element, vector=True, mask=mask))
        return [self._column(parts, column) for column in range(many)]

    def _column(self, parts: list[Value], column: int) -> Value:
        """Return every so many-th lane of vectors, from one on."""
        width, many = self.width, len(parts)
        places = [divmod(lane * many + column, width) for lane in range(width)]
        found = self.block.shuffle(
            parts[0], parts[1], [lane + width * (part == 1) for part, lane in places]
        )
        for k in range(2, many):
            lanes = [width + lane if part == k else own for own, (part, lane) in enumerate(places)]
            if any(part == k for part, _ in places):
                found = self.block.shuffle(found, parts[k], lanes)
        return found

    def _addresses(self, home: Home, column: int) -> Value:
        block = self.block
        group, place = divmod(column, home.after)
        start = block.at(home.base, self._plus(self._group(home, group), place), home.element)
        steps = ", ".join(f"i64 {lane * home.after}" for lane in range(self.width))
        return block.at(start, Value(f"<{steps}>", "i64", vector=True), home.element)
