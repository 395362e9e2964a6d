"""Model files: exact round trips, and refusal of everything else."""

from __future__ import annotations

import errno
import json
import os
import tracemalloc

import numpy as np
import pytest
from extras import extra
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from words import ABSENT, FORBIDDEN, NO_FOLDER

from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.files import model_file, read_model, write_model

ARRAYS = {
    "layers.0.weight": np.arange(10.0).reshape(2, 5),
    "layers.0.bias": np.array([-0.0, 5e-324, 1.7976931348623157e308]),
    "scale": np.array(0.1, dtype=np.float32),
    "half": np.array([[[65504.0]]], dtype=np.float16),
    "empty": np.zeros((0, 3)),
    "mask": np.array([True, False]),
    **{f"whole_{k}": np.array([np.iinfo(k).min, np.iinfo(k).max], k) for k in "bhiqBHIQ"},
}
METADATA = {"kind": "2-5-5-1", "seed": "7", "mean ü": "∂\n\0"}


def assert_same_arrays(actual, expected):
    assert list(actual) == list(expected)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype.newbyteorder("=")
        assert actual[name].dtype.isnative
        assert actual[name].shape == array.shape
        assert actual[name].flags.c_contiguous
        assert actual[name].flags.writeable
        assert actual[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


def raw_file(header: object, buffer: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + buffer


def entry(shape=(2,), dtype="F64", offsets=(0, 16), **more) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all examples of a property: a fresh one each takes longer than the test."""
    return tmp_path_factory.mktemp("model")


def test_round_trip(path):
    write_model(path, ARRAYS, METADATA)
    arrays, metadata = read_model(path)
    assert_same_arrays(arrays, ARRAYS)
    assert metadata == METADATA
    first = path.read_bytes()
    write_model(path, arrays, metadata)
    assert path.read_bytes() == first
    assert len(first) % 2 == 0
    header_length = int.from_bytes(first[:8], "little")
    assert (8 + header_length) % 8 == 0


names = st.from_regex(r"[A-Za-z0-9_]{1,9}(\.[A-Za-z0-9_]{1,9}){0,2}", fullmatch=True)
floats = st.sampled_from(["<f8", ">f8", "<f4", ">f4", "<f2", ">f2"]).flatmap(
    lambda code: hnp.arrays(
        np.dtype(code),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)


@settings(max_examples=60)
@given(
    arrays=st.dictionaries(names, floats, max_size=4),
    metadata=st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=3),
)
def test_any_lawful_model_comes_back(folder, arrays, metadata):
    path = folder / "m"
    write_model(path, arrays, metadata)
    actual = read_model(path, expected={n: (a.shape, a.dtype) for n, a in arrays.items()})
    assert_same_arrays(actual[0], arrays)
    assert actual[1] == metadata


def test_any_memory_layout_is_written(path):
    base = np.arange(24.0).reshape(2, 3, 4)
    read_only = base.copy()
    read_only.flags.writeable = False
    arrays = {
        "t": base.T,
        "f": np.asfortranarray(base),
        "back": base[::-1, :, ::-2],
        "r": read_only,
    }
    write_model(path, arrays, {})
    for name, array in read_model(path)[0].items():
        np.testing.assert_array_equal(array, arrays[name], strict=True)


@pytest.mark.oracle
def test_safetensors_agrees(path):
    theirs = extra("safetensors.numpy")
    safetensors = extra("safetensors")
    write_model(path, ARRAYS, METADATA)
    loaded = theirs.load_file(path)
    assert loaded.keys() == ARRAYS.keys()
    assert_same_arrays({name: loaded[name].copy() for name in ARRAYS}, ARRAYS)
    with safetensors.safe_open(path, "np") as file:
        assert file.metadata() == METADATA
    theirs.save_file(ARRAYS, path, METADATA)
    arrays, metadata = read_model(path)
    assert_same_arrays({name: arrays[name] for name in ARRAYS}, ARRAYS)
    assert metadata == METADATA


BAD_FILES = {
    "empty": (b"", "0 bytes"),
    "short": (b"\1\0\0", "3 bytes"),
    "no header": (raw_file(b""), "a header that starts with ''"),
    "header beyond the file": (raw_file(b"{}", length=3), "a header of 3 bytes"),
    "header of 2**63": (raw_file(b"{}", length=2**63), "a header of 9223372036854775808 bytes"),
    "pickle": (b"\x80\x04\x95\x05\0\0\0\0\0\0\0\x8c\x01a\x94.", "a header of"),
    "not utf-8": (raw_file(b'{"\xff":1}'), "not UTF-8"),
    "bom": (raw_file(b"\xef\xbb\xbf{}"), "a header that starts with '\\ufeff'"),
    "not an object": (raw_file([]), "a header that starts with '['"),
    "blank first": (raw_file(b" {}"), "a header that starts with ' '"),
    "not json": (raw_file(b"{'a':1}"), "not JSON"),
    "two documents": (raw_file(b"{}{}"), "not JSON: Extra data"),
    "deep list": (raw_file(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "deeper nesting"),
    "deep object": (raw_file(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "deeper nesting"),
    "endless quote": (raw_file(b'{"' + b'\\"' * 500_000), "not JSON"),
    "huge integer": (raw_file(b'{"a":' + b"9" * 5000 + b"}"), "not JSON"),
    "duplicate": (raw_file(b'{"a":1,"a":2}'), "the key 'a' twice"),
    "duplicate inside": (raw_file(b'{"a":{"dtype":"F64","dtype":"F64"}}'), "the key 'dtype' twice"),
    "entry no object": (raw_file({"a": 1}), "array 'a' is 1"),
    "key missing": (raw_file({"a": {"dtype": "F64", "shape": []}}), "array 'a' is {"),
    "key unknown": (raw_file({"a": entry(more=1)}, bytes(16)), "array 'a' is {"),
    "dtype unknown": (raw_file({"a": entry(dtype="F8")}, bytes(16)), "has dtype 'F8'"),
    "no boolean": (raw_file({"a": entry((1,), "BOOL", (0, 1))}, b"\2"), "bytes above 1"),
    "dtype no text": (raw_file({"a": entry(dtype=["F64"])}, bytes(16)), "has dtype ['F64']"),
    "shape no list": (raw_file({"a": entry(shape=2)}, bytes(16)), "has shape 2"),
    "shape negative": (raw_file({"a": entry(shape=(-1, -2))}, bytes(16)), "has shape [-1, -2]"),
    "shape bool": (raw_file({"a": entry(shape=(True, 2))}, bytes(16)), "has shape [True, 2]"),
    "shape float": (raw_file({"a": entry(shape=(2.0,))}, bytes(16)), "has shape [2.0]"),
    "shape nan": (raw_file(b'{"a":{"dtype":"F64","shape":[NaN],"data_offsets":[0,8]}}'), "[nan]"),
    "shape overflow": (raw_file({"a": entry(shape=(2**31, 2**31, 4), offsets=(0, 0))}), "shape"),
    "shape wraps": (
        raw_file({"a": entry(shape=(2**30,) * 32, offsets=(0, 0))}),
        "at most 1073741824",
    ),
    "shape hides": (raw_file({"a": entry(shape=(0, 2**30, 2**30), offsets=(0, 0))}), "at most"),
    "shape long": (raw_file({"a": entry(shape=(1,) * 33, offsets=(0, 8))}, bytes(8)), "up to 32"),
    "offsets short": (
        raw_file({"a": entry(offsets=(0, 8))}, bytes(8)),
        "offsets [0, 8]; expected [0, 16]",
    ),
    "offsets three": (
        raw_file({"a": entry(offsets=(0, 16, 16))}, bytes(16)),
        "offsets [0, 16, 16]",
    ),
    "offsets float": (raw_file({"a": entry(offsets=(0, 16.0))}, bytes(16)), "offsets [0, 16.0]"),
    "offsets bool": (raw_file({"a": entry(offsets=(False, 16))}, bytes(16)), "offsets [False, 16]"),
    "offsets with a gap": (raw_file({"a": entry(offsets=(8, 24))}, bytes(24)), "offsets [8, 24]"),
    "offsets shared": (raw_file({"a": entry(), "b": entry()}, bytes(16)), "array 'b' has offsets"),
    "offsets out of order": (
        raw_file({"a": entry(offsets=(16, 32)), "b": entry()}, bytes(32)),
        "array 'a' has offsets",
    ),
    "buffer short": (
        raw_file({"a": entry()}, bytes(15)),
        "array 'a' ends at byte 16; expected at most 15",
    ),
    "buffer long": (raw_file({"a": entry()}, bytes(17)), "arrays of 16 bytes in a buffer of 17"),
    "claims a gigabyte": (
        raw_file({"a": entry(shape=(2**27,), offsets=(0, 2**30))}, bytes(8)),
        "ends at byte 1073741824; expected at most 8",
    ),
    "nan": (raw_file({"a": entry()}, np.array([1, np.nan]).tobytes()), "array 'a' has 1 NaN"),
    "inf": (raw_file({"a": entry()}, np.array([-np.inf, np.inf]).tobytes()), "array 'a' has 2 NaN"),
    "metadata no object": (raw_file({"__metadata__": []}), "__metadata__ is []"),
    "metadata no text": (raw_file({"__metadata__": {"a": 1}}), "metadata 'a' is 1"),
    "metadata nested": (raw_file({"__metadata__": {"a": {}}}), "metadata 'a' is {}"),
    "metadata long": (raw_file({"__metadata__": {"a": "x" * 600_000}}), "a value of 600000"),
    "metadata long key": (raw_file({"__metadata__": {"k" * 201: ""}}), "a key of 201"),
    "metadata surrogate": (raw_file({"__metadata__": {"a": "\ud800"}}), "half a character"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_refused(path, case):
    content, part = BAD_FILES[case]
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError) as caught:
            read_model(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert part in message
    assert "; expected " in message
    assert len(message) < 1000
    assert peak < 32 << 20


BAD_NAMES = [
    "../../x",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "..",
    ".a",
    "a.",
    "a..b",
    "",
    "a b",
    "a\n",
    "a\0",
    "C:x",
    "x" * 201,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_that_is_no_word_is_refused(path, name):
    path.write_bytes(raw_file({name: entry()}, bytes(16)))
    with pytest.raises(ModelFileError, match="the array name"):
        read_model(path)
    path.unlink()
    with pytest.raises(ModelFileError, match="the array name"):
        write_model(path, {name: np.zeros(2)}, {})
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("arrays", "metadata", "part"),
    [
        ({"a": np.zeros(2, dtype=complex)}, {}, "array 'a' has dtype complex128"),
        ({"a": np.array([None])}, {}, "array 'a' has dtype object"),
        ({"a": np.zeros(2, dtype=np.longdouble)}, {}, "array 'a' has dtype"),
        ({"a": np.array([np.nan])}, {}, "array 'a' has 1 NaN"),
        ({"__metadata__": np.zeros(2)}, {}, "the array name '__metadata__'"),
        ({1: np.zeros(2)}, {}, "the array name 1"),
        ({}, {"a": 1}, "metadata 'a' is 1"),
        ({}, {"a": "\udcff"}, "half a character"),
        ({}, {"a": "x" * 600_000}, "a value of 600000"),
        ({}, {f"k{i}": "x" * 60_000 for i in range(20)}, "a header of 120"),
        ({"a": np.broadcast_to(np.float16(0), (1,) * 33)}, {}, "up to 32 sizes"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(path, arrays, metadata, part):
    write_model(path, ARRAYS, METADATA)
    before = path.read_bytes()
    with pytest.raises(ModelFileError) as caught:
        write_model(path, arrays, metadata)
    assert part in str(caught.value)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_expected_demands_exactly_those(path):
    write_model(path, {"w": np.zeros((2, 5)), "b": np.zeros(5)}, {})
    exact = {"b": ((5,), np.float64), "w": ([2, 5], "float64")}
    assert list(read_model(path, expected=exact)[0]) == ["w", "b"]
    for expected, part in [
        ({"w": ((2, 5), "f8")}, "['b'] too many"),
        (exact | {"c": ((), "f8")}, "['c'] missing"),
        (exact | {"w": ((5, 2), "f8")}, "'w' is float64 (2, 5); expected float64 (5, 2)"),
        (exact | {"w": ((2, 5), "f4")}, "'w' is float64 (2, 5); expected float32 (2, 5)"),
        ({}, "['b', 'w'] too many"),
    ]:
        with pytest.raises(ModelFileError) as caught:
            read_model(path, expected=expected)
        assert part in str(caught.value)


def test_things_that_are_no_model_file(tmp_path, path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with path.open("wb") as file:
        file.truncate(model_file.FILE_LIMIT + 1)  # sparse: takes no room
    for name, part in [
        ("absent", ABSENT),
        (".", "not a regular file"),
        ("pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("loop", "symbolic link"),
        ("model.safetensors/x", NO_FOLDER),
        ("model.safetensors", "1073741825 bytes; expected at most"),
        ("a\0b", "not the path of a model file"),
    ]:
        with pytest.raises(ModelFileError) as caught:
            read_model(tmp_path / name)
        assert part in str(caught.value), name


def test_unreadable_file(path, monkeypatch):
    write_model(path, ARRAYS, METADATA)

    def forbidden(*arguments):  # root may read everything, so the refusal is put on
        raise PermissionError(errno.EACCES, FORBIDDEN)

    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(ModelFileError, match=f"cannot read the model file: {FORBIDDEN}"):
        read_model(path)


@pytest.mark.parametrize("name", ["β", "größe.σ_2", "層.0.重み", "x·y", "e\u0301"])
def test_whatever_python_takes_for_an_attribute_can_be_saved(path, name):
    write_model(path, {name: np.ones(2)}, {})
    assert read_model(path)[0].keys() == {name}


@pytest.mark.parametrize("name", ["", ".", "a..b", "a b", "a-b", "a/b", "β.", "\ud800", "🐧"])
def test_other_names_of_arrays_are_refused(path, name):
    with pytest.raises(ModelFileError, match="array name"):
        write_model(path, {name: np.ones(2)}, {})
