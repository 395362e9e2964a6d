"""Machine code and calls of NumPy's in turn, with arrays that stay.

In come the parts of a program, and arrays for its inputs and outputs.  What can be known beforehand
is: each value has its memory, functions of NumPy's write into it, views are made once, and code has
its table of addresses.  What is left of a call is a list of functions of nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_bp.native.calls.adding import ADD_AT, add_at
from tinygrad_bp.native.calls.code import Array, Call, Code, address, numbers
from tinygrad_bp.native.calls.products import Products
from tinygrad_bp.native.loops.schedule import VIEWS
from tinygrad_bp.programs.calling import INTO, called, named, run
from tinygrad_bp.programs.instructions import Instruction, Ref, Type, references, replaced

Part = tuple[Code | None, Sequence[Instruction]]
# What writes its result where it is told to, beside ufuncs.
WRITING = frozenset({"clip", "concatenate", "max", "mean", "min", "prod", "stack", "sum"})
# What such a function calls in the end, without the Python before it.
REDUCE: dict[str, Any] = {
    "max": np.maximum.reduce,
    "min": np.minimum.reduce,
    "prod": np.multiply.reduce,
    "sum": np.add.reduce,
}
SEEN = VIEWS | {"getitem"}  # what may give a view
BYTES = np.dtype(np.uint8)


class Pool:
    """Memory for what is between inputs and outputs; chains that share it run one at a time."""

    def __init__(self) -> None:
        self._all: list[Array] = []
        self._free: dict[int, list[Array]] = {}
        self._of_code: dict[int, Any] = {}
        self._of_products: dict[str, Any] = {}

    def begin(self) -> None:
        """Give all of it away anew: another chain needs the same."""
        self._free = {}
        for memory in reversed(self._all):
            self.release(memory)

    def take(self, size: int) -> Array:
        """Return so many bytes; of memory that is free, if some has that size."""
        free = self._free.get(size)
        if free:
            return free.pop()
        memory = numbers(size, BYTES)[:size]
        self._all.append(memory)
        return memory

    def release(self, memory: Array) -> None:
        """Take memory back."""
        self._free.setdefault(memory.nbytes, []).append(memory)

    def of_code(self, code: Code, rows: int) -> Any:
        """Return the memory that a kernel wants."""
        if id(code) not in self._of_code:
            self._of_code[id(code)] = code.memory(rows)
        return self._of_code[id(code)]

    def of_products(self, products: Products, dtype: np.dtype[Any]) -> Any:
        """Return the memory that products of a type want."""
        if dtype.char not in self._of_products:
            self._of_products[dtype.char] = products.memory(dtype)
        return self._of_products[dtype.char]


class Values:
    """The values of a program: those that stay where they are, and those that NumPy makes anew.

    Attributes
    ----------
    arrays : dict of str to array
        Of inputs, of views, and of what is written into them.
    fresh : dict of str to object
        What was made at this call.
    """

    def __init__(self, types: dict[str, Any], given: dict[str, Array]) -> None:
        self.types, self.arrays = types, dict(given)
        self.fresh: dict[str, Any] = {}

    def is_weak(self, name: str) -> bool:
        """Whether a value is Python's own number."""
        found = self.types[name]
        return isinstance(found, Type) and found.weak

    def filled(self, one: Instruction, value: Callable[[str], Any]) -> tuple[Any, dict[str, Any]]:
        """Return the operands and parameters of a call, with ``value(name)`` for values."""

        def new(ref: Ref) -> Any:
            return value(ref.name)

        return replaced(one.operands, new), {key: replaced(x, new) for key, x in one.parameters}

    def now(self, name: str) -> Any:
        """Return a value as NumPy takes it."""
        value = self.fresh[name] if name in self.fresh else self.arrays[name]
        return value.item() if self.is_weak(name) and isinstance(value, np.ndarray) else value

    # Steps

    def resolved(self, one: Instruction, function: Any, place: Array) -> None:
        """Call a function that writes into a place."""
        operands, parameters = self.filled(one, self.now)
        function(*operands, **parameters, out=place)

    def anew(self, one: Instruction) -> None:
        """Call a function that makes what it returns."""
        self.fresh[one.name] = run(one, {name: self.now(name) for name in one.refs})

    def filled_with(self, operand: Any, place: Array) -> None:
        """Copy an operand into a place."""
        place[...] = self.now(operand.name) if type(operand) is Ref else operand

    def written(self, one: Instruction, function: Any, place: Array) -> None:
        """Call a function that writes into its first argument, with a place as that."""
        (_, *rest), parameters = self.filled(one, self.now)
        function(place, *rest, **parameters)

    def entered(self, call: Call, late: Sequence[tuple[int, str]]) -> None:
        """Call code, some of whose arrays have no place of their own."""
        for k, name in late:
            found = self.types[name]
            value = np.ascontiguousarray(self.now(name), found.dtype).reshape(found.shape)
            # the table has its address alone; NumPy's calls take the value as it was
            self.fresh[f"{name}, in a row"] = value
            call.table[k] = address(value)
        call()

    def copied(self, name: str, place: Array) -> None:
        """Copy a value into a place."""
        place[...] = self.now(name)


class Chain:
    """A program whose parts run in turn, on the same arrays at each call.

    Parameters
    ----------
    types : dict of str to Type
        Of its values.
    parts : sequence of (Code or None, sequence of Instruction)
        What runs in turn: code, or instructions of NumPy's.
    rows : int
        The length of the batch.
    given, places : dict of str to array
        The inputs, and where outputs go.
    pool : Pool
        For what is in between.
    products : Products
    """

    def __init__(
        self,
        types: dict[str, Any],
        parts: Sequence[Part],
        rows: int,
        given: dict[str, Array],
        places: dict[str, Array],
        pool: Pool,
        products: Products,
    ) -> None:
        self.rows, self._types, self._pool, self._products = rows, types, pool, products
        self._values = Values(types, given)  # has no reference to this: nothing here is a cycle
        self._arrays = self._values.arrays
        self._steps: list[Callable[[], Any]] = []
        self._owned: dict[str, Array] = {}  # the pool's memory
        units = list(_units(parts))
        self._ends = _ends(units, places)
        self._overlaid = self._overlays(units, given, places)
        self._places = places | self._overlaid
        pool.begin()
        for k, (code, one) in enumerate(units):
            if code is None:
                self._numpys(one[0], k)
            else:
                self._codes(code)
            self._release(self._ends.get(k, []))
        for name, place in places.items():
            if self._arrays.get(name) is not place:
                self._steps.append(partial(self._values.copied, name, place))

    def __call__(self) -> None:
        """Run a step."""
        try:
            for step in self._steps:
                step()
        finally:
            self._values.fresh.clear()  # a view of the state would count as its holder

    # Memory

    def _overlays(
        self, units: Sequence[Any], given: dict[str, Array], places: dict[str, Array]
    ) -> dict[str, Array]:
        """Return the values that lie where code overwrites them with an output."""
        found = {}
        for k, (code, _) in enumerate(units):
            for output, name in code.kernel.over.items() if code else ():
                if output in places and name not in given and name in self._ends.get(k, []):
                    found[name] = places[output]
        return found

    def _place(self, name: str) -> Array:
        """Return the memory of a value."""
        array = self._places.get(name)
        if array is None:
            self._owned[name] = self._pool.take(self._size(name))
            array = self._shaped(name, self._owned[name])
        self._arrays[name] = array
        return array

    def _size(self, name: str) -> int:
        """Return how many bytes a value has."""
        found = self._types[name]
        return int(np.prod(found.shape, dtype=int)) * int(found.dtype.itemsize)

    def _shaped(self, name: str, memory: Array) -> Array:
        """Return memory as an array of a value's type."""
        kind = self._types[name]
        found: Array = memory.view(kind.dtype).reshape(kind.shape)
        return found

    def _release(self, names: Iterable[str]) -> None:
        """Take back the memory of what is not read any more."""
        for name in names:
            if name in self._owned:
                self._pool.release(self._owned.pop(name))

    # Steps

    def _numpys(self, one: Instruction, k: int) -> None:
        """Add a call of NumPy's."""
        function = _writing(one)
        if one.op.startswith(INTO) and isinstance(one.type, Type):
            self._written(one, k)
            return
        if not one.refs and isinstance(one.type, Type):
            self._arrays[one.name] = np.asarray(run(one, {}))  # always the same
            return
        if function is None:
            if one.op not in SEEN or not self._is_seen(one):
                self._steps.append(partial(self._values.anew, one))
            return
        late = [name for name in one.refs if name not in self._arrays or self._values.is_weak(name)]
        operands, parameters = self._values.filled(one, self._arrays.get)
        if isinstance(function, np.ufunc) and function.signature is None:
            ended = self._ends.get(k, [])  # an element may be written over once it is read
            self._release([x for x in ended if x in one.refs and self._types[x] == one.type])
        place = self._place(one.name)
        own = function is np.matmul and not parameters and not late
        if own and self._products.fits(*operands):
            memory = self._pool.of_products(self._products, place.dtype)
            x, y = operands
            self._steps.append(self._products.fixed(x, y, place, memory))
        elif late:
            self._steps.append(partial(self._values.resolved, one, function, place))
        else:
            self._steps.append(partial(function, *operands, **parameters, out=place))

    def _written(self, one: Instruction, k: int) -> None:
        """Add a call that writes into a copy of a value; into itself, if nobody reads it after."""
        first, *rest = one.operands
        target = first.name if type(first) is Ref else ""
        op = one.op.removeprefix(INTO)
        function = add_at if op == ADD_AT else named(op)
        others = [self._arrays.get(name) for name in references(rest)]
        if (
            target in self._owned
            and target in self._ends.get(k, [])
            and one.name not in self._places
            and not any(x is None or np.may_share_memory(x, self._arrays[target]) for x in others)
        ):
            self._owned[one.name] = self._owned.pop(target)
            place = self._arrays[one.name] = self._arrays[target]
        else:
            place = self._place(one.name)
            self._steps.append(partial(self._values.filled_with, first, place))
        self._steps.append(partial(self._values.written, one, function, place))

    def _is_seen(self, one: Instruction) -> bool:
        """Make a view of what stays, and say whether there is one."""
        if len(one.refs) != 1 or one.refs[0] not in self._arrays:
            return False
        operands, parameters = self._values.filled(one, self._arrays.get)
        found = called(one.op, operands, parameters)
        base = self._arrays[one.refs[0]]
        if type(found) is not np.ndarray or not np.may_share_memory(found, base):
            return False
        self._arrays[one.name] = found
        return True

    def _codes(self, code: Code) -> None:
        """Add a call of code."""
        late, arrays, copies = [], [], []
        for k, name in enumerate(code.kernel.inputs):
            array = self._arrays.get(name)
            if array is None:
                late.append((k, name))
                array = np.empty(0)  # the address is not known yet
            elif not self._is_read(name, array):
                copies.append(self._pool.take(self._size(name)))
                place = self._shaped(name, copies[-1])
                self._steps.append(partial(np.copyto, place, array, casting="unsafe"))
                array = place
            arrays.append(array)
        arrays += [self._place(name) for name in code.kernel.outputs]
        call = Call(code, self.rows, arrays, self._pool.of_code(code, self.rows))
        self._steps.append(partial(self._values.entered, call, late) if late else call)
        for memory in copies:
            self._pool.release(memory)

    def _is_read(self, name: str, array: Array) -> bool:
        """Whether code can read an array as it is."""
        return array.flags.c_contiguous and bool(array.dtype == self._types[name].dtype)


def _units(parts: Sequence[Part]) -> Iterable[tuple[Code | None, Sequence[Instruction]]]:
    """Yield code, and single instructions."""
    for code, instructions in parts:
        if code is not None:
            yield code, instructions
        else:
            yield from ((None, [one]) for one in instructions)


def _ends(units: Sequence[Any], outputs: Iterable[str]) -> dict[int, list[str]]:
    """Return which values nobody reads any more after each unit."""
    bases: dict[str, frozenset[str]] = {}  # what a value may be a view of
    last: dict[str, float] = {}

    def read(name: str, k: float) -> None:
        last.update(dict.fromkeys((name, *bases.get(name, ())), k))

    for k, (code, instructions) in enumerate(units):
        names = code.kernel.inputs if code else instructions[0].refs
        if code is None and _writing(instructions[0]) is None and not _copies(instructions[0]):
            own = frozenset(names).union(*[bases.get(name, ()) for name in names])
            bases[instructions[0].name] = own
        for name in names:
            read(name, k)
    for name in outputs:
        read(name, np.inf)
    found: dict[int, list[str]] = {}
    for name, end in last.items():
        if end != np.inf:
            found.setdefault(int(end), []).append(name)
    return found


def _copies(one: Instruction) -> bool:
    """Whether an instruction writes into a copy of its first operand."""
    return one.op.startswith(INTO)


def _chosen(condition: Any, x: Any, y: Any, out: Array) -> None:
    """Write what ``np.where`` makes."""
    np.copyto(out, y)
    np.copyto(out, x, where=np.asarray(condition, bool))


def _writing(one: Instruction) -> Any:
    """Return the function of an instruction, if it can be told where to write its one result."""
    if not isinstance(one.type, Type) or one.type.weak:
        return None
    try:
        function = named(one.op)
    except (AttributeError, ImportError):  # `run` says so, when it is called
        return None
    if any(key in ("out", "where", "dtype") for key, _ in one.parameters):
        return None
    if one.op == "where" and len(one.operands) == 3 and not one.parameters:
        return _chosen
    if one.op in REDUCE and len(one.operands) == 1:
        keys = dict(one.parameters)
        return REDUCE[one.op] if "axis" in keys else partial(REDUCE[one.op], axis=None)
    is_ufunc = isinstance(function, np.ufunc) and function.nout == 1
    positional = len(one.operands) > getattr(function, "nin", len(one.operands))
    return function if (is_ufunc and not positional) or one.op in WRITING else None
