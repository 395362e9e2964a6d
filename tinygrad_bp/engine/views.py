"""Tensors that stand for a view of another: what is written into them would be lost.

What an index, a transpose or a reshape gives looks, in NumPy, into the array that it came from, and
a write goes through to it.  The value of a Tensor is its own.  So such a result remembers which
Tensor it stands for a view of, and refuses to be written into while that one lives.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from opcode import opmap
from types import FrameType
from typing import Any
from weakref import ref

from tinygrad_bp.engine.rule import Recorder
from tinygrad_bp.engine.tensor import Tensor, method, wrap
from tinygrad_bp.errors import ViewError

Link = tuple[Any, Any]  # a weak reference to the owner, and the owner's own link or None

# Steps of the interpreter: those that store an item, and those that only prepare for it.
STORES = {opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in opmap}
BETWEEN = {opmap[name] for name in ("CACHE", "SWAP", "EXTENDED_ARG", "NOP") if name in opmap}


references: Callable[[object], int] = getattr(sys, "getrefcount", lambda _: 0)


def look_into(view: Any, owner: Any) -> Any:
    """Note that `view`, which was just made, stands for a view of `owner`; return it."""
    if type(owner) is Tensor:
        view._looks_into = _link(owner)
    return view


def _link(owner: Tensor) -> Link:
    further = owner._looks_into
    while further is not None and further[0]() is None:  # x = x[1:] piles nothing up
        further = further[1]
    return ref(owner), further


def look_away(made: Any) -> Any:
    """Note that what was made of views is a copy in NumPy; return it."""
    if type(made) is Tensor:
        made._looks_into = None
    return made


def viewing(record: Recorder, views: bool | Callable[..., bool]) -> Recorder:
    """Return the recorder of a rule whose result stands for a view where `views` says so.

    A number has no views in NumPy, and here it stands for an array without dimensions as well.
    """
    asked = views if callable(views) else None

    def record_view(x: Any, *params: Any) -> Any:
        result = record(x, *params)
        if type(x) is Tensor and (asked is None or asked(result._value, *params)) and x._value.ndim:
            result._looks_into = (ref(x), None) if x._looks_into is None else _link(x)
        return result

    return record_view


def owner_of(view: Tensor) -> Tensor | None:
    """Return the living Tensor that `view` stands for a view of, or None; of several the first."""
    owner = None
    link = view._looks_into
    while link is not None:
        living = link[0]()
        owner = owner if living is None else living
        link = link[1]
    return owner


def refuse_lost_write(x: Tensor, what: str) -> None:
    """Raise if writing into `x` would be lost on another Tensor.

    Raises
    ------
    ViewError
        Naming what to write instead.
    """
    owner = owner_of(x)
    if owner is not None:
        name = f"{owner.name!r}, a" if owner.name else "a"
        raise ViewError(
            f"{what}: x stands for a view of {name} Tensor of shape {owner.shape}, which would not"
            " change: write into that one, in one index (y[0, 0] = v, not y[0][0] = v), or into"
            " x.copy()"
        )


def stores_item(frame: FrameType) -> bool:
    """Whether the next step in `frame` stores an item: it tells ``y[0] += v`` from ``x += v``."""
    code = frame.f_code.co_code
    place = frame.f_lasti + 2
    while place < len(code) and code[place] in BETWEEN:
        place += 2
    return place < len(code) and code[place] in STORES


def _count_references() -> int:
    """Return how many references an augmented operator sees of what nothing else holds."""
    found: list[int] = []

    class Item:
        def __iadd__(self, _other: object) -> Any:
            found.append(references(self))
            return self

    class Owner:
        def __getitem__(self, _index: int) -> Item:
            return Item()

        def __setitem__(self, _index: int, _value: Item) -> None:
            pass

    Owner()[0] += 1
    return found[0]


UNNAMED = _count_references()


def _iterate(self: Tensor) -> Iterator[Tensor]:
    link = (ref(self), self._looks_into)
    return _rows(wrap(self._value, self._node), link, range(len(self)))


def _rows(whole: Tensor, link: Any, places: range) -> Iterator[Tensor]:
    """Yield views of a Tensor that this loop does not keep alive: in one over ``a * b`` none is."""
    for i in places:
        owner = link[0]()
        if owner is not None:  # as it is by now
            whole._value, whole._node = owner._value, owner._node
        del owner
        row = whole[i]
        if row.shape:
            row._looks_into = link
        yield row


method("__iter__", _iterate)
