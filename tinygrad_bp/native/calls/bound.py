"""Programs bound to the length of a batch: what is called.

In come a program, its parts (kernels that can be called, and instructions of NumPy's) and, at each
call, arrays in any order in memory; out come arrays.  `Bound` also makes calls with arrays that
stay, and repeats steps inside of machine code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_bp.engine.memory import empty
from tinygrad_bp.native.calls.chained import Chain, Pool
from tinygrad_bp.native.calls.code import Array, Call, Code
from tinygrad_bp.native.calls.products import Products
from tinygrad_bp.programs.calling import run
from tinygrad_bp.programs.instructions import Instruction, Type, references, replaced
from tinygrad_bp.programs.program import Program

PAUSE = 0.05  # seconds of native code, about, between two looks for an interrupt


class Bound:
    """A program that is called with batches of one length.

    Parameters
    ----------
    program : Program
        Of that length.
    parts : sequence of (Code or None, list of str)
        What runs in turn: code, or instructions of NumPy's.
    rows : int
        The length.
    carry : sequence of (int, int)
        Positions of outputs, and of the inputs that they are in the next step.
    threads : int, optional
        As of `Products`.
    """

    def __init__(
        self,
        program: Program,
        parts: Sequence[tuple[Code | None, Sequence[str]]],
        rows: int,
        carry: Sequence[tuple[int, int]] = (),
        threads: int | None = None,
    ) -> None:
        self.program, self.rows, self.carry = program, rows, tuple(carry)
        makers = {one.name: one for one in program.instructions}
        self._parts = [(code, [makers[name] for name in names]) for code, names in parts]
        self._types: dict[str, Any] = program.types
        self._inputs = [one.name for one in program.inputs]
        self._outputs = list(references(program.outputs))
        code = self._whole
        self._pool: Callable[[], Pool | None] = lambda: None
        self._plan = None if code is None else self._planned(code)
        self._products = Products(threads)

    def __call__(self, inputs: Sequence[Any], out: Sequence[Array] | None = None) -> list[Array]:
        """Return the outputs for these inputs.

        Parameters
        ----------
        inputs : sequence of array
            Of the program's inputs' types, in their order.
        out : sequence of array, optional
            Where the outputs go: contiguous, no two of them and no input in the same place.
        """
        if self._plan is not None and out is None:
            return self._at_once(self._plan, inputs)
        values = dict(zip(self._inputs, inputs, strict=True))
        places = {} if out is None else dict(zip(self._outputs, out, strict=True))
        for code, instructions in self._parts:
            if code is None:
                self._by_numpy(instructions, values)
            else:
                arrays, results = self._arrays(code, values, places)
                code.run(self.rows, arrays)
                values.update(results)
        return self._results(values, out)

    @property
    def whole(self) -> Code | None:
        """The one piece of code that does it all in one call, if it does."""
        code = self._whole
        return None if code is None or code.is_shared(self.rows) else code

    @property
    def _whole(self) -> Code | None:
        """The one piece of code that does it all, if it does."""
        if len(self._parts) != 1 or self._parts[0][0] is None:
            return None
        code = self._parts[0][0]
        return code if set(self._outputs) <= set(code.kernel.outputs) else None

    @property
    def hands_on(self) -> bool:
        """Whether one piece of code does it all, and hands on what one step gives to the next."""
        return self.whole is not None and self._carried_by(self.whole)

    def _planned(self, code: Code) -> tuple[Any, ...]:
        """Return what a call needs to know where code does it all."""
        types = [self._types[name] for name in code.kernel.outputs]
        return (
            code,
            [(self._inputs.index(name), self._types[name].dtype) for name in code.kernel.inputs],
            [(found.shape, found.dtype) for found in types],
            [code.kernel.outputs.index(name) for name in self._outputs],
        )

    def _at_once(self, plan: tuple[Any, ...], inputs: Sequence[Any]) -> list[Array]:
        """Return the outputs where code does it all: this is called at every step."""
        code, wanted, made, order = plan
        arrays = []
        for k, dtype in wanted:
            x = inputs[k]
            if type(x) is not np.ndarray or x.dtype is not dtype or not x.flags.c_contiguous:
                x = self._array(self._inputs[k], x)
            arrays.append(x)
        results = [empty(shape, dtype) for shape, dtype in made]
        code.run(self.rows, arrays + results)
        return [results[k] for k in order]

    def fixed(self, inputs: Sequence[Array], out: Sequence[Array]) -> Callable[[], None] | None:
        """Return a call with arrays that stay; None if an output is there twice.

        Such calls share the memory between inputs and outputs: they run one at a time.

        Parameters
        ----------
        inputs, out : sequence of array
            As in a call.  Arrays that are not contiguous, or of another type, are refused.

        Raises
        ------
        ValueError
            If an array cannot be used as it is.
        """
        code = self._whole
        if len(set(self._outputs)) < len(self._outputs):
            return None
        values = dict(zip(self._inputs, inputs, strict=True))
        places = dict(zip(self._outputs, out, strict=True))
        for name, array in (values | places).items():
            if not self._fits(name, array):
                raise ValueError(
                    f"{self.program.name}: {name} is {self._types[name]}; expected a contiguous"
                    f" array of that type, got {getattr(array, 'dtype', type(array).__name__)}"
                    f" of shape {np.shape(array)}"
                )
        if code is None:
            pool = self._pool() or Pool()
            self._pool = ref(pool)  # the memory of calls that are gone is free
            return Chain(self._types, self._parts, self.rows, values, places, pool, self._products)
        return Call(code, self.rows, self._arrays(code, values, places)[0])

    def repeat(self, n: int, inputs: Sequence[Any]) -> list[Array]:
        """Return the outputs of the last of n steps, each of which takes what the one before gave.

        Parameters
        ----------
        n : int
            At least 1.
        inputs : sequence of array
            Of the first step; they stay as they are.

        Raises
        ------
        KeyboardInterrupt
            Between two steps.
        """
        code = self._whole
        if code is None or not self._carried_by(code):
            return self._repeat_calls(n, inputs)
        values = dict(zip(self._inputs, inputs, strict=True))
        pairs = [(self._outputs[given], self._inputs[taken]) for given, taken in self.carry]
        for _, taken in pairs:
            if taken in code.kernel.inputs:
                values[taken] = np.array(values[taken], order="C")
        arrays, results = self._arrays(code, values, {})
        read, made = code.kernel.inputs, code.kernel.outputs
        entries = [
            (given, len(read) + made.index(given), read.index(taken))
            for given, taken in pairs
            if taken in read
        ]
        self._repeat_code(code, n, arrays, [places for _, *places in entries])
        results |= {given: arrays[taken] for given, _, taken in entries}
        return self._results(values | results, None)

    def _repeat_code(self, code: Code, n: int, arrays: list[Array], swapped: list[Any]) -> None:
        """Run n steps, not too many at once: an interrupt is seen between two calls.

        What is carried is in the places of the inputs after it.
        """
        some, memory = 1, code.memory(self.rows)
        while n:
            begun, steps = time.perf_counter(), min(some, n)
            code.run(self.rows, arrays, steps, memory)
            n -= steps
            if steps % 2:  # code lets arrays change places between its own steps alone
                for given, taken in swapped:
                    arrays[given], arrays[taken] = arrays[taken], arrays[given]
            if time.perf_counter() - begun < PAUSE and not code.is_shared(self.rows):
                some *= 2

    def _repeat_calls(self, n: int, inputs: Sequence[Any]) -> list[Array]:
        inputs = list(inputs)
        for _ in range(n - 1):
            results = self(inputs)
            for given, taken in self.carry:
                inputs[taken] = results[given]
        return self(inputs)

    def _carried_by(self, code: Code) -> bool:
        """Whether code can hand on what is carried: each value once."""
        given = [self._outputs[k] for k, _ in self.carry]
        return len({*given}) == len(given) and {*given} <= {*code.kernel.outputs}

    def _by_numpy(self, instructions: Sequence[Instruction], values: dict[str, Any]) -> None:
        """Compute as the interpreter does, in which Python's numbers are Python's."""
        for one in instructions:
            for name in one.refs:
                found = self._types[name]
                if isinstance(found, Type) and found.weak and isinstance(values[name], np.ndarray):
                    values[name] = values[name].item()
            if one.op == "matmul" and not one.parameters:
                x, y = replaced(one.operands, lambda ref: values[ref.name])
                values[one.name] = self._products(x, y)
            else:
                values[one.name] = run(one, values)

    def _arrays(
        self, code: Code, values: dict[str, Any], places: dict[str, Array]
    ) -> tuple[list[Array], dict[str, Array]]:
        """Return the arrays of a call, and those among them that it writes into."""
        inputs = [self._array(name, values[name]) for name in code.kernel.inputs]
        results = {}
        for name in code.kernel.outputs:
            found = places.get(name) if places else None
            if found is None or not found.flags.c_contiguous:
                found = empty(self._types[name].shape, self._types[name].dtype)
            results[name] = found
        return [*inputs, *results.values()], results

    def _array(self, name: str, value: Any) -> Array:
        """Return a value as code reads it."""
        found = self._types[name]
        if type(value) is np.ndarray and value.dtype is found.dtype and value.flags.c_contiguous:
            return value
        return np.ascontiguousarray(value, found.dtype).reshape(found.shape)

    def _fits(self, name: str, array: Any) -> bool:
        found = self._types[name]
        return (
            isinstance(array, np.ndarray)
            and array.flags.c_contiguous
            and (array.dtype, array.shape) == (found.dtype, found.shape)
        )

    def _results(self, values: dict[str, Any], out: Sequence[Array] | None) -> list[Array]:
        results = [np.asarray(values[name]) for name in self._outputs]
        if out is None:
            return results
        for place, found in zip(out, results, strict=True):
            if place is not found:
                place[...] = found
        return list(out)
