"""Model files: the safetensors format, written whole or not at all, and read with suspicion.

A file is eight bytes of little-endian header length, a JSON header, and the raw arrays one after
the other. The reader accepts exactly what it expects, and checks every size against the size of
the file before it allocates. It never runs anything: there is no pickle here.

Source: the format's specification, https://github.com/huggingface/safetensors (section "Format").
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.files.atomic import atomic_write_bytes

FilePath = str | os.PathLike[str]
Expected = Mapping[str, tuple[Sequence[int], DTypeLike]]

FILE_LIMIT = 1 << 30  # bytes; a gigabyte of parameters is far beyond what NumPy trains
HEADER_LIMIT = 1 << 20  # bytes; room for about 10,000 arrays
NESTING_LIMIT = 3  # header, entry, shape: the format has no deeper value
RANK_LIMIT = 32  # axes; every NumPy can hold that many
NAME_LENGTH = 200  # characters of the name of an array or a metadata key
METADATA_LENGTH = 1 << 19  # characters of a metadata value: the names of a wide table fit
SHOWN_LENGTH = 60  # characters of a value from a file in a message

_METADATA = "__metadata__"
_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BOOL": np.dtype("?"),
    **{f"I{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_ENTRY_KEYS = {"dtype", "shape", "data_offsets"}
_LENGTH_BYTES = 8
_ALIGNMENT = 8  # the header is padded so that the first array starts on a multiple of this
# The closing quote is optional: one that is never closed is then passed over once, in linear time.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[{\]}]")


@dataclass(frozen=True)
class _Entry:
    """Where one array lies in the buffer, and what it is."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int

    @property
    def end(self) -> int:
        return self.begin + math.prod(self.shape) * self.dtype.itemsize


def encode_model(
    path: FilePath,
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
    *,
    finite: bool = True,
) -> bytes:
    """Return the bytes of a model file; the same input gives the same bytes.

    Parameters
    ----------
    path : str or path-like
        What the file will be called, for messages.
    arrays, metadata, finite
        As `write_model` takes them.

    Raises
    ------
    ModelFileError
        If the reader would not accept the file.
    """
    header: dict[str, object] = {}
    if metadata:
        header[_METADATA] = _check_metadata(path, dict(metadata))
    parts, offset = [b"", b""], 0
    for name, value in arrays.items():
        _check_name(path, name)
        array = np.asarray(value)
        dtype = array.dtype.newbyteorder("<")
        if dtype not in _CODES:
            known = "booleans, integers, or real floating-point numbers of up to 64 bits"
            raise _fault(path, f"array {_shown(name)} has dtype {array.dtype}", known)
        if finite:
            _check_finite(path, name, array)
        parts.append(array.astype(dtype, order="C", copy=False).tobytes())
        end = offset + len(parts[-1])
        entry = {"dtype": _CODES[dtype], "shape": array.shape, "data_offsets": [offset, end]}
        header[name] = entry
        offset = end
    parts[1] = _encode_header(path, header)
    parts[0] = len(parts[1]).to_bytes(_LENGTH_BYTES, "little")
    if offset + len(parts[1]) + _LENGTH_BYTES > FILE_LIMIT:
        raise _fault(path, f"{offset} bytes of arrays", f"at most {FILE_LIMIT} bytes in all")
    _parse_header(path, parts[1], offset)  # never write what could not be read back
    return b"".join(parts)


@answers
def write_model(
    path: FilePath,
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
    *,
    finite: bool = True,
) -> None:
    """Write named arrays and texts to a model file, by `encode_model`.

    Parameters
    ----------
    path : str or path-like
        Replaced whole or not at all, by `tinygrad_bp.files.atomic_write_bytes`.
    arrays : mapping of str to ndarray
        Booleans, integers, float64, float32 or float16, of any shape and memory layout. Names are
        words of letters, digits and underscores, joined by single dots.
    metadata : mapping of str to str
    finite : bool, default True
        Refuse NaN and infinity.

    Raises
    ------
    ModelFileError
        If the reader would not accept the file, or it cannot be written. The old file, if there
        is one, is intact.
    """
    content = encode_model(path, arrays, metadata, finite=finite)
    try:
        atomic_write_bytes(path, content)
    except ValueError as error:  # a NUL character in the path
        raise ModelFileError(f"{path!r}: not the path of a model file: {error}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelFileError(f"{os.fspath(path)}: {reason}") from error


@answers
def read_model(
    path: FilePath,
    *,
    expected: Expected | None = None,
    finite: bool = True,
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read a model file, and refuse it unless it is exactly what is expected.

    Parameters
    ----------
    path : str or path-like
    expected : mapping of str to (shape, dtype), optional
        Demand exactly these arrays.
    finite : bool, default True
        Refuse NaN and infinity.

    Returns
    -------
    arrays : dict of str to ndarray
        Booleans, integers, float64, float32 or float16, in the machine's byte order and C order,
        as they follow each other in the file.
    metadata : dict of str to str

    Raises
    ------
    ModelFileError
        If the file cannot be read, or anything in it is not as the format or ``expected`` demands.

    Notes
    -----
    Allocates no more than the size of the file, and no more than a few times `HEADER_LIMIT` before
    the header is known to be right.
    """
    try:
        with _open_regular(path) as file:
            return _read(path, file, expected, finite=finite)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelFileError(f"{os.fspath(path)}: cannot read the model file: {reason}") from error


def _open_regular(path: FilePath) -> BufferedReader:
    # O_NONBLOCK: opening a pipe would otherwise wait for a writer, perhaps forever
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except ValueError as error:  # a NUL character in the path
        raise ModelFileError(f"{path!r}: not the path of a model file: {error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _fault(path, "not a regular file", "a model file")
    return os.fdopen(descriptor, "rb")


def _read(
    path: FilePath, file: BufferedReader, expected: Expected | None, *, finite: bool
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    size = os.fstat(file.fileno()).st_size
    if size > FILE_LIMIT:
        raise _fault(path, f"{size} bytes", f"at most {FILE_LIMIT}")
    length_bytes = file.read(_LENGTH_BYTES)
    if len(length_bytes) < _LENGTH_BYTES:
        found = f"not a safetensors file: {len(length_bytes)} bytes"
        raise _fault(path, found, "8 bytes of header length first")
    length = int.from_bytes(length_bytes, "little")
    left = size - _LENGTH_BYTES
    if length > min(left, HEADER_LIMIT):
        limits = f"at most {HEADER_LIMIT}, and no more than the {left} that follow"
        raise _fault(path, f"not a safetensors file: a header of {length} bytes", limits)
    header = file.read(length)
    if len(header) < length:
        raise _fault(path, "the file became shorter while it was read", "a file at rest")
    entries, metadata = _parse_header(path, header, left - length)
    if expected is not None:
        _check_expected(path, entries, expected)
    arrays = {entry.name: _read_array(path, file, entry) for entry in entries}
    if finite:
        for name, array in arrays.items():
            _check_finite(path, name, array)
    if file.read(1):
        raise _fault(path, "the file became longer while it was read", "a file at rest")
    return arrays, metadata


def _read_array(path: FilePath, file: BufferedReader, entry: _Entry) -> NDArray[Any]:
    array = np.empty(entry.shape, dtype=entry.dtype)
    if file.readinto(array.reshape(-1).view(np.uint8).data) < array.nbytes:
        raise _fault(path, "the file became shorter while it was read", "a file at rest")
    if array.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise _fault(path, f"array {_shown(entry.name)} has bytes above 1", "booleans")
    return array.astype(entry.dtype.newbyteorder("="), copy=False)


def _encode_header(path: FilePath, header: Mapping[str, object]) -> bytes:
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    padding = -(len(text) + _LENGTH_BYTES) % _ALIGNMENT
    if len(text) + padding > HEADER_LIMIT:
        raise _fault(path, f"a header of {len(text)} bytes", f"at most {HEADER_LIMIT}")
    return text + b" " * padding


def _parse_header(path: FilePath, header: bytes, span: int) -> tuple[list[_Entry], dict[str, str]]:
    """Turn the header into entries that cover the ``span`` bytes after it exactly."""
    fields = _decode_json(path, header)
    metadata = _check_metadata(path, fields.pop(_METADATA, {}))
    entries: list[_Entry] = []
    offset = 0
    for name, value in fields.items():
        entries.append(_parse_entry(path, name, value, offset))
        offset = entries[-1].end
        if offset > span:
            raise _fault(path, f"array {_shown(name)} ends at byte {offset}", f"at most {span}")
    if offset != span:
        raise _fault(path, f"arrays of {offset} bytes in a buffer of {span}", "no byte left over")
    return entries, metadata


def _decode_json(path: FilePath, header: bytes) -> dict[str, object]:
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"not a safetensors file: a header that is not UTF-8 ({error.reason})"
        raise _fault(path, found, "JSON") from error
    if not text.startswith("{"):
        found = f"not a safetensors file: a header that starts with {_shown(text[:1])}"
        raise _fault(path, found, "a JSON object: '{'")
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > NESTING_LIMIT:  # the JSON parser is recursive: do not let it see this
            raise _fault(path, "a header with deeper nesting", f"at most {NESTING_LIMIT} levels")

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) < len(pairs):
            repeated = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise _fault(path, f"the key {_shown(repeated)} twice in the header", "unique keys")
        return members

    try:
        fields: dict[str, object] = json.loads(text, object_pairs_hook=unique)
    except ModelFileError:
        raise
    except ValueError as error:  # bad JSON, or an integer of thousands of digits
        raise _fault(path, f"a header that is not JSON: {error}", "JSON") from error
    return fields


def _check_metadata(path: FilePath, metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict):
        raise _fault(path, f"__metadata__ is {_shown(metadata)}", "an object of texts")
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise _fault(path, f"metadata {_shown(key)} is {_shown(value)}", "texts")
        if len(key) > NAME_LENGTH or len(value) > METADATA_LENGTH:
            limits = f"at most {NAME_LENGTH} and {METADATA_LENGTH}"
            sizes = f"a key of {len(key)} and a value of {len(value)} characters"
            raise _fault(path, f"metadata {_shown(key)}: {sizes}", limits)
        try:
            (key + value).encode("utf-8")
        except UnicodeEncodeError as error:
            raise _fault(path, f"metadata {_shown(key)} has half a character", "UTF-8") from error
    return metadata


def _check_name(path: FilePath, name: object) -> None:
    # what an attribute may be called, and the numbers of a list
    sound = (
        isinstance(name, str)
        and len(name) <= NAME_LENGTH
        and all(f"_{part}".isidentifier() and part for part in name.split("."))
    )
    if not sound or name == _METADATA:
        words = f"words of letters, digits and _ joined by dots, {NAME_LENGTH} characters in all"
        raise _fault(path, f"the array name {_shown(name)}", words)


def _parse_entry(path: FilePath, name: str, value: object, begin: int) -> _Entry:
    _check_name(path, name)
    what = f"array {_shown(name)}"
    if not isinstance(value, dict) or value.keys() != _ENTRY_KEYS:
        raise _fault(path, f"{what} is {_shown(value)}", f"the keys {sorted(_ENTRY_KEYS)} alone")
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(code, str) or code not in _DTYPES:
        raise _fault(path, f"{what} has dtype {_shown(code)}", f"one of {', '.join(_DTYPES)}")
    if not _are_sizes(shape) or len(shape) > RANK_LIMIT:
        raise _fault(path, f"{what} has shape {_shown(shape)}", f"up to {RANK_LIMIT} sizes")
    dtype = _DTYPES[code]
    # An axis of length 0 must not hide lengths whose product overflows inside NumPy.
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize > FILE_LIMIT:
        raise _fault(path, f"{what} has shape {_shown(shape)}", f"at most {FILE_LIMIT} bytes")
    entry = _Entry(name, dtype, tuple(shape), begin)
    if not _are_sizes(offsets) or offsets != [begin, entry.end]:
        raise _fault(path, f"{what} has offsets {_shown(offsets)}", f"{[begin, entry.end]}")
    return entry


def _are_sizes(value: object) -> bool:
    # type() is int: a JSON true is an int to isinstance
    return isinstance(value, list) and all(
        type(size) is int and 0 <= size <= FILE_LIMIT for size in value
    )


def _check_finite(path: FilePath, name: str, array: NDArray[Any]) -> None:
    if not np.isfinite(array).all():
        count = array.size - np.count_nonzero(np.isfinite(array))
        raise _fault(
            path, f"array {_shown(name)} has {count} NaN or infinite values", "finite ones"
        )


def _check_expected(
    path: FilePath,
    entries: Sequence[_Entry],
    expected: Expected,
) -> None:
    names = {entry.name for entry in entries}
    if names != expected.keys():
        missing, extra = sorted(expected.keys() - names), sorted(names - expected.keys())
        found = f"arrays {_shown(missing)} missing, {_shown(extra)} too many"
        raise _fault(path, found, f"exactly the {len(expected)} arrays of this model")
    for entry in entries:
        shape, dtype = expected[entry.name]
        if entry.shape != tuple(shape) or entry.dtype != np.dtype(dtype).newbyteorder("<"):
            raise _fault(
                path,
                f"array {_shown(entry.name)} is {entry.dtype.name} {entry.shape}",
                f"{np.dtype(dtype).name} {tuple(shape)}",
            )


def _fault(path: FilePath, found: str, expected: str) -> ModelFileError:
    return ModelFileError(f"{os.fspath(path)}: {found}; expected {expected}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}..."
