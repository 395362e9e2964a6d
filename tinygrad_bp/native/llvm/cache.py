"""Object code kept on disk from one process to the next.

One file an entry, in a folder that only its owner can write, under a name that is the digest of
everything the code depends on.  It is used if the digest inside of it is that of its content: a
file that is cut, flipped, or another's is as good as none.  What cannot be read or written costs
time and nothing else.

``TINYGRAD_BP_CACHE`` in the environment names the folder; empty, or ``off``, there is no cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tinygrad_bp.files.atomic import atomic_write_bytes
from tinygrad_bp.files.folders import private_folder
from tinygrad_bp.files.leftovers import TEMPORARY_PREFIX
from tinygrad_bp.native.llvm.machine import Code, Target, compile_object, host, versions
from tinygrad_bp.version import __version__

VARIABLE = "TINYGRAD_BP_CACHE"
LIMIT = 1 << 26  # bytes of all entries together: about 4,000 training steps
LOOKS = 16  # at all entries, while so many are kept as the limit admits
_CHANGING = ("cpu MHz", "bogomips", "processor", "apicid", "initial apicid", "core id")
_HEAD = b"tinygrad_bp native 1\n"
_DIGEST = 32  # bytes of SHA-256
_SUFFIX = ".native"


def folder() -> Path | None:
    """Return the folder of the entries, which need not be there; None if there is to be none."""
    said = os.environ.get(VARIABLE)
    if said is not None:
        return None if said in ("", "off") else Path(said)
    with contextlib.suppress(RuntimeError):  # no home
        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(base) / "tinygrad_bp" / "native"
    return None


def key(*parts: str, target: Target | None = None) -> str:
    """Return the name of what depends on these texts, this machine, and all versions."""
    target = target or host()
    fixed = (__version__, _sources(), *versions(), target.triple, target.cpu, target.features)
    digest = hashlib.sha256()
    for part in (*fixed, *parts):
        data = part.encode()
        digest.update(f"{len(data)}\n".encode() + data)  # the length: no two lists are alike
    return digest.hexdigest()


def early_key(*parts: str) -> str | None:
    """Return the name of what depends on these texts, found without LLVM, whose import takes time.

    It tells this package's text from another by the sizes and times of its files, as Python does
    with its own compiled files, and LLVM and the processor by what the system says of them.  None
    if they are not told.
    """
    fixed = _stamps()
    if fixed is None:
        return None
    digest = hashlib.sha256(b"early\n")
    for part in (*fixed, *parts):
        data = part.encode()
        digest.update(f"{len(data)}\n".encode() + data)
    return digest.hexdigest()


def name_of(text: str) -> str:
    """Return the name of the code of a text; LLVM is asked for it only where it must be."""
    return early_key(text) or key(text)


@cache
def _stamps() -> tuple[str, ...] | None:
    try:
        with Path("/proc/cpuinfo").open() as file:
            first = file.read(1 << 13).partition("\n\n")[0]  # of the first processor
        llvm = importlib.util.find_spec("llvmlite")
        if llvm is None or llvm.origin is None:
            return None
        native = Path(__file__).parents[1]
        within = sorted(one.parent for one in native.glob("*/__init__.py"))
        folders = [native.parent / "compiling", native.parent / "programs", native, *within]
        stamps = [one for where in (*folders, Path(llvm.origin).parent) for one in _files(where)]
    except (OSError, ValueError):
        return None
    told = [line for line in first.splitlines() if not line.startswith(_CHANGING)]
    return __version__, sys.version, np.__version__, *told, *stamps


def _files(where: Path) -> list[str]:
    """Return what tells the sources in a folder from others."""
    with os.scandir(where) as entries:
        found = [(one.path, one.stat()) for one in entries if one.name.endswith(".py")]
    return sorted(f"{path} {one.st_size} {one.st_mtime_ns}" for path, one in found)


def load(name: str) -> bytes | None:
    """Return what was kept under a key, or None if there is nothing whole."""
    where = folder()
    if where is None:
        return None
    try:
        if not private_folder(where, make=False):
            return None
        content = (where / f"{name}{_SUFFIX}").read_bytes()
    except (OSError, ValueError):  # ValueError: a path that cannot be one
        return None
    start = len(_HEAD) + _DIGEST
    data = content[start:]
    whole = content[:start] == _HEAD + _seal(name, data)
    return data if whole else None


def keep(name: str, data: bytes) -> None:
    """Keep data under a key, where that can be done, and drop the oldest well beyond `LIMIT`."""
    where = folder()
    if where is None:
        return
    with contextlib.suppress(OSError, ValueError):
        if private_folder(where, make=True):
            seal = _seal(name, data)
            content = _HEAD + seal + data
            atomic_write_bytes(where / f"{name}{_SUFFIX}", content, durable=False)
            if _due(seal, len(content)):
                _prune(where)


def compiled(text: str, names: Sequence[str]) -> Code:
    """Return the code of a text, from the disk if it has been made before.

    Raises
    ------
    NativeUnavailable
        As `machine.host`.
    """
    name = name_of(text)
    data = load(name)
    if data is None:
        data = compile_object(text)
        keep(name, data)
    return Code(data, names)


def _seal(name: str, data: bytes) -> bytes:
    """Return the digest of an entry: with its key, lest one be renamed to another."""
    return hashlib.sha256(name.encode() + data).digest()


@cache
def _sources() -> str:
    """Return the digest of this package's own text: an edited one writes other code."""
    digest = hashlib.sha256()
    with contextlib.suppress(OSError):  # in an archive the version has to do
        for path in sorted(Path(__file__).parents[1].rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _due(seal: bytes, size: int) -> bool:
    """Whether an entry is one after which all are looked at, which takes longer the more there are.

    Its digest draws the lot: processes that keep one entry each look as seldom as one that keeps
    many, and nothing has to be counted.
    """
    return int.from_bytes(seal[:4], "big") * LIMIT < (LOOKS * size) << 32


def _prune(where: Path) -> None:
    """Remove the oldest entries, and what killed processes have left, beyond the limit."""
    entries = []
    for path in where.iterdir():
        if path.suffix == _SUFFIX or path.name.startswith(TEMPORARY_PREFIX):
            with contextlib.suppress(FileNotFoundError):  # another process prunes too
                status = path.stat()
                entries.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= LIMIT:
            return
        path.unlink(missing_ok=True)
        total -= size
