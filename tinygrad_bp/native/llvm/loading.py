"""Object code put into this process without LLVM, the import of which takes longer than all else.

It reads what LLVM writes for x86-64 on Linux when code and data may lie anywhere: sections, and
addresses of 64 bits to be filled in.  Whatever else a file has is refused, and LLVM loads it.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import struct
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

ELF = b"\x7fELF\x02\x01\x01"  # of 64 bits, little end first
RELOCATABLE, X86_64 = 1, 62
SYMBOLS, RELOCATIONS, ZEROS, LINKS = 2, 4, 8, 9  # kinds of sections
LOADED, WRITTEN, RUN, LOCAL = 2, 1, 4, 0x400  # flags of sections; the last: of a thread
# Kinds of relocations: the address of a symbol and a number; the same, less the place it goes to.
ABSOLUTE, RELATIVE = 1, 24
UNDEFINED, RESERVED = 0, 0xFF00  # numbers of sections that are none
PAGE = mmap.PAGESIZE


class Unloadable(Exception):  # noqa: N818  # an answer, no fault
    """It is not the kind of object code that is read here."""


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    start: int
    size: int
    link: int
    info: int
    align: int
    entry: int


@cache
def is_here() -> bool:
    """Whether this is a machine that such code is for."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


class Image:
    """Object code in memory of its own, as long as this object is there.

    Parameters
    ----------
    data : bytes
    names : sequence of str
        The functions that must be in it.

    Raises
    ------
    Unloadable
        If it holds anything that is not known here, or lacks a function.
    """

    def __init__(self, data: bytes, names: Sequence[str]) -> None:
        if not is_here():
            raise Unloadable("not here")
        try:
            self._load(data)
        except (struct.error, IndexError, ValueError, ArithmeticError, OSError) as error:
            raise Unloadable(str(error)) from error
        missing = [name for name in names if name not in self._addresses]
        if missing:
            raise Unloadable(f"no {missing[0]}")

    def __getitem__(self, name: str) -> int:
        """Return the address of a function."""
        return self._addresses[name]

    def _load(self, data: bytes) -> None:
        head = struct.unpack_from("<16sHHIQQQIHHHHHH", data)
        if not head[0].startswith(ELF) or head[1:3] != (RELOCATABLE, X86_64):
            raise Unloadable("no relocatable object for x86-64")
        sections = [
            _Section(*struct.unpack_from("<IIQQQQIIQQ", data, head[6] + k * head[11]))
            for k in range(head[12])
        ]
        places, size = _placed(sections)
        self._memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        for k, place in places.items():
            one = sections[k]
            if one.kind != ZEROS:
                content = data[one.start : one.start + one.size]
                if len(content) != one.size:
                    raise Unloadable("cut")
                self._memory[place : place + one.size] = content
        symbols, self._addresses = self._symbols(data, sections, places)
        for one in sections:
            if one.kind == RELOCATIONS and one.info in places:
                self._fill(data, one, places[one.info], sections[one.info].size, symbols)
            elif one.kind == LINKS:
                raise Unloadable("relocations of another form")
        for k, place in places.items():
            _protect(self._base + place, sections[k])

    def _symbols(
        self, data: bytes, sections: list[_Section], places: dict[int, int]
    ) -> tuple[list[int | None], dict[str, int]]:
        """Return the addresses of all symbols, and those of the functions by their names."""
        (table,) = [one for one in sections if one.kind == SYMBOLS]
        names = sections[table.link]
        found: list[int | None] = []
        functions: dict[str, int] = {}
        for at in range(table.start, table.start + table.size, table.entry):
            name, info, _, home, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            start = names.start + name
            text = data[start : data.index(b"\0", start)].decode()
            address = None
            if home in places:
                address = self._base + places[home] + value
                if info >> 4:  # not of this file alone
                    functions[text] = address
            elif home == UNDEFINED and text:
                address = _of_process(text)
            found.append(address)
        return found, functions

    def _fill(
        self, data: bytes, one: _Section, place: int, size: int, symbols: list[int | None]
    ) -> None:
        """Fill in the addresses in a section."""
        for at in range(one.start, one.start + one.size, one.entry):
            offset, info, more = struct.unpack_from("<QQq", data, at)
            symbol, kind = symbols[info >> 32], info & 0xFFFFFFFF
            if kind not in (ABSOLUTE, RELATIVE) or symbol is None or offset + 8 > size:
                raise Unloadable(f"a relocation of the kind {kind}")
            word = symbol + more - (self._base + place + offset if kind == RELATIVE else 0)
            struct.pack_into("<Q", self._memory, place + offset, word % (1 << 64))


def _placed(sections: list[_Section]) -> tuple[dict[int, int], int]:
    """Return where the sections go that are loaded, each on pages of its own, and the size."""
    places, size = {}, 0
    for k, one in enumerate(sections):
        if one.flags & LOADED and one.size:
            if one.flags & (WRITTEN | LOCAL) or one.align > PAGE:
                raise Unloadable("data that change")
            places[k] = size
            size += -(-one.size // PAGE) * PAGE
    if not places:
        raise Unloadable("nothing in it")
    return places, size


def _protect(address: int, section: _Section) -> None:
    """Let nobody write into a section any more; code may be run, and nothing else."""
    flags = mmap.PROT_READ | (mmap.PROT_EXEC if section.flags & RUN else 0)
    if _process().mprotect(ctypes.c_void_p(address), ctypes.c_size_t(section.size), flags):
        raise Unloadable("the system lets nobody run it")


def _of_process(name: str) -> int | None:
    """Return the address of a function of the C library's or Python's."""
    for library in _libraries():
        found: Any = getattr(library, name, None)
        if found is not None:
            return ctypes.cast(found, ctypes.c_void_p).value
    return None


@cache
def _process() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _libraries() -> Iterator[Any]:
    yield _process()
    yield ctypes.CDLL("libm.so.6")
