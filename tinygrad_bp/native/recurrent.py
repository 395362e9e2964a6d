"""Recurrent networks along time, by products and machine code: what their rules run in a program.

One product makes of the inputs what they give to each step.  To that a step adds the last output
times U, and code does the rest of it (the rule's cell) for the single numbers of all samples.
Calls are bound to arrays once for each size; so these stay, and are taken again as soon as nobody
holds a result.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.memory import MOST
from tinygrad_bp.native.calls.bound import Bound
from tinygrad_bp.native.calls.code import Array, numbers
from tinygrad_bp.native.calls.products import Products
from tinygrad_bp.native.native import Native, build
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.from_function import traced
from tinygrad_bp.programs.program import Program
from tinygrad_bp.rules.sequences.recurrence import Run
from tinygrad_bp.transforms import vjp

STAND_INS = 97, 101  # so many numbers code is made with, which takes any number of them
KEPT = 8  # sequences whose memory waits for the next of their size


_free: deque[Steps] = deque(maxlen=KEPT)  # and no more bytes than `memory.MOST`


class Size(NamedTuple):
    """What decides about the arrays of a sequence: samples, steps, inputs, and units."""

    kind: type[Run]
    m: int
    steps: int
    k: int
    n: int
    dtype: np.dtype[Any]


class Steps:
    """The steps of one sequence at a time, with all its arrays.

    A state's parts are (parts, steps + 1, m, n), with the first state ahead; what a product makes
    for the blocks of a cell is (blocks, steps, m, n).  What is of one block or part, and of one
    step, lies together: for code it is a row of numbers.

    Parameters
    ----------
    size : Size
    """

    def __init__(self, size: Size) -> None:
        self.size = size
        kind, m, steps, k, n, dtype = size
        blocks, products = len(kind.order), Products()
        memory = products.memory(dtype)
        room = partial(_room, dtype=dtype)
        self._states, self._cts, self._d = (room(kind.parts, steps + 1, m, n) for _ in range(3))
        self._z, self._dz = (room(blocks, steps, m, n) for _ in range(2))
        self._x, self._dx = room(steps, m, k + 1), room(steps, m, k)
        self._x[..., -1] = 1
        self._matrix, self._gradient = room(n + k + 1, blocks * n), room(n + k + 1, blocks, n)
        self.nbytes = sum(one.nbytes for one in vars(self).values() if isinstance(one, np.ndarray))
        weights = self._matrix.reshape(-1, blocks, n).swapaxes(0, 1)
        U, W = weights[:, :n], weights[:, n:]
        put, add = (partial(products.placed, memory=memory, adds=one) for one in (False, True))
        whole = m * steps
        z, dz = (one.reshape(blocks, whole, n) for one in (self._z, self._dz))
        x, h = self._x.reshape(1, whole, k + 1), self._states[0, :-1].reshape(1, whole, n)
        self._enter = put(x, W, z)
        self._recur = [add(self._states[0, t], U, self._z[:, t]) for t in range(steps)]
        self._return = [add(self._dz[:, t], U.mT, self._d[0, t]) for t in range(steps)]
        self._leave = add(dz, W[:, :-1].mT, self._dx.reshape(whole, k))
        of_U, of_W = self._gradient[:n].swapaxes(0, 1), self._gradient[n:].swapaxes(0, 1)
        self._collect = [put(h.mT, dz, of_U), put(x.mT, dz, of_W)]
        cell, pull = (_at(kind, dtype, which, m * n) for which in (_cell, _pull))
        self._cells = [
            _bound(cell, [self._z[:, t], self._states[:, t]], [self._states[:, t + 1]])
            for t in range(steps)
        ]
        self._pulls = [
            _bound(
                pull,
                [self._z[:, t], self._states[:, t], self._d[:, t + 1], self._cts[:, t]],
                [self._dz[:, t], self._d[:, t]],
            )
            for t in range(steps)
        ]

    def run(self, counts: Any, arguments: Sequence[Array]) -> None:
        """Compute the states of all steps, from the arguments of the rule."""
        x, W, U, b, state, *more = arguments
        self._x[..., :-1] = x.swapaxes(0, 1)
        self._states[:, 0] = state
        self.size.kind.enter(self._matrix, W, U, b, *more)
        self._enter()
        for t, (recur, cell) in enumerate(zip(self._recur, self._cells, strict=True)):
            recur()
            cell()
            if counts is not None:
                np.copyto(self._states[:, t + 1], self._states[:, t], where=counts <= t)

    @property
    def states(self) -> Array:
        """The states after each step, (steps, parts, m, n)."""
        return self._states[:, 1:].swapaxes(0, 1)

    def pull(self, counts: Any, ct: Array, wanted: Sequence[int]) -> list[Array]:
        """Return the cotangents of the arguments in these places, from that of the states."""
        kind, _, steps, k, n, _ = self.size
        self._cts[:, 1:] = ct.swapaxes(0, 1)
        self._d[:, -1] = self._cts[:, -1]
        for t in range(steps - 1, -1, -1):
            if counts is not None:
                idle, d = counts <= t, self._d[:, t + 1]
                stays = np.where(idle, d, 0)
                np.copyto(d, 0, where=idle)
            self._pulls[t]()
            self._return[t]()
            if counts is not None:
                self._d[:, t] += stays
        for one in self._collect:
            one()
        dx = None
        if 0 in wanted:
            self._dx.fill(0)
            self._leave()
            dx = self._dx.swapaxes(0, 1).copy()
        matrix = self._gradient.reshape(n + k + 1, -1).copy()
        found = [dx, *kind.parts_of(matrix, n, self._d[:, 0].copy())]
        return [found[i] for i in wanted]


def _room(*shape: int, dtype: np.dtype[Any]) -> Array:
    """Return zeros that begin with a cache line."""
    found = numbers(math.prod(shape), dtype)[: math.prod(shape)].reshape(shape)
    found.fill(0)
    return found


class Held:
    """The memory of a sequence while somebody holds a result: as an array it is the states."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.__array_interface__ = steps.states.__array_interface__

    def pull(self, counts: Any, ct: Array, wanted: Sequence[int]) -> list[Array]:
        """Return what `Steps.pull` does."""
        return self.steps.pull(counts, ct, wanted)

    def __del__(self, free: deque[Steps] = _free, most: int = MOST) -> None:
        free.append(self.steps)
        while free and sum([one.nbytes for one in [*free]]) > most:
            free.popleft()


def held(kind: type[Run], arguments: Sequence[Array]) -> Held:
    """Return memory for a sequence of these arguments, which nobody else has.

    Parameters
    ----------
    kind : type of Run
        Of network.
    arguments : sequence of array
        Of the rule, all of one dtype.
    """
    (m, steps, k), n = arguments[0].shape, len(arguments[2])
    size = Size(kind, m, steps, k, n, arguments[0].dtype)
    for one in [*_free]:
        if one.size == size:
            try:
                _free.remove(one)
            except ValueError:  # another thread has it
                continue
            return Held(one)
    return Held(Steps(size))


# The code of a cell: forward, and back.


def _cell(kind: type[Run]) -> tuple[Callable[..., Any], int]:
    """Return the cell as a function of its blocks and the parts of a state, and how many."""
    return kind.cell, len(kind.order) + kind.parts


def _pull(kind: type[Run]) -> tuple[Callable[..., Any], int]:
    """Return its pull: of that, the cotangents of the new state, and those the old one has."""
    blocks, parts = len(kind.order), kind.parts

    def pull(*given: Any) -> list[Any]:
        read, cts, before = given[: -2 * parts], given[-2 * parts : -parts], given[-parts:]
        found = vjp(kind.cell, *read)[1](tuple(cts))
        return [*found[:blocks], *map(np.add, found[blocks:], before)]

    return pull, blocks + 3 * parts


Part = Callable[[type[Run]], tuple[Callable[..., Any], int]]


@cache
def _family(kind: Any, dtype: np.dtype[Any], part: Part) -> tuple[Family, Native]:
    first, second = (_trace(kind, dtype, part, count) for count in STAND_INS)
    family = Family.of_two(first, second, STAND_INS)
    return family, build(family)


def _trace(kind: type[Run], dtype: np.dtype[Any], part: Part, count: int) -> Program:
    function, many = part(kind)
    return traced(function, *[np.zeros(count, dtype)] * many, named=False)


def _at(kind: Any, dtype: np.dtype[Any], part: Part, count: int) -> Bound:
    """Return the code of a part of a cell, for so many numbers at once."""
    family, native = _family(kind, dtype, part)
    program, _ = family.at(_trace(kind, dtype, part, count))
    return native.at(program, count)


def _bound(code: Bound, read: Sequence[Array], written: Sequence[Array]) -> Callable[[], None]:
    """Return a call of code with the blocks and parts in arrays."""
    inputs, outputs = ([x.reshape(-1) for one in given for x in one] for given in (read, written))
    found = code.fixed(inputs, outputs)
    assert found is not None  # noqa: S101  # no output is there twice
    return found
