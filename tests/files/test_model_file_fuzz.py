"""Model files that are spoiled at random: read exactly as they say, or refused."""

from __future__ import annotations

import json
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.files import read_model, write_model

ARRAYS = {
    "layers.0.weight": np.arange(10.0).reshape(2, 5),
    "layers.0.bias": np.array([-0.0, 5e-324, 1.7976931348623157e308]),
    "scale": np.array(0.1, dtype=np.float32),
    "half": np.array([[[65504.0]]], dtype=np.float16),
    "empty": np.zeros((0, 3)),
}
METADATA = {"kind": "2-5-5-1", "seed": "7", "mean ü": "∂\n\0"}


def raw_file(header: object, buffer: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + buffer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all examples of a property: a fresh one each takes longer than the test."""
    return tmp_path_factory.mktemp("model")


def read_or_refuse(path, content: bytes) -> bool:
    """Refuse a mutated file, or read exactly what its bytes say: never crash, hang or mix up."""
    path.write_bytes(content)
    try:
        arrays, _ = read_model(path)
    except ModelFileError:
        return False
    length = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:length])
    header.pop("__metadata__", None)
    assert list(arrays) == list(header)
    for name, array in arrays.items():
        begin, end = header[name]["data_offsets"]
        assert list(array.shape) == header[name]["shape"]
        assert array.tobytes() == content[length + begin : length + end]
        assert np.isfinite(array).all()
    return True


def mutate(part: bytes, generator: random.Random) -> bytes:
    data = bytearray(part)
    place = generator.randrange(len(data) + 1)
    stretch = slice(place, place + generator.choice((1, 1, 2, 8, 40)))
    kind = generator.randrange(7)
    if kind == 0:
        data[place : place + 1] = bytes((generator.randrange(256),))
    elif kind == 1:
        data[place:place] = generator.randbytes(generator.choice((1, 2, 8)))
    elif kind == 2:
        del data[stretch]
    elif kind == 3 and generator.random() < 0.2:
        del data[place:]
    elif kind == 4:
        data[place:place] = data[stretch]
    elif kind == 5:
        data[place : place + 1] = generator.choice((b"0", b"9", b"-", b"[", b"}", b'"', b"\\"))
    else:
        digits = [at for at, byte in enumerate(data) if byte in b"0123456789"]
        if digits:
            data[generator.choice(digits)] = generator.choice(b"0123456789")
    return bytes(data)


def mutate_file(content: bytes, generator: random.Random) -> bytes:
    """Spoil a file as a whole, or one of its parts, with a length that still fits the header."""
    if generator.random() < 0.2:
        return mutate(content, generator)
    end = 8 + int.from_bytes(content[:8], "little")
    header, buffer = content[8:end], content[end:]
    for _ in range(generator.choice((1, 1, 1, 2, 5))):
        if generator.random() < 0.8:
            header = mutate(header, generator)
        else:
            buffer = mutate(buffer, generator)
    return raw_file(header, buffer)


@pytest.mark.parametrize("rounds", [1000, pytest.param(100_000, marks=pytest.mark.deep)])
def test_mutated_files(path, rounds):
    write_model(path, ARRAYS, METADATA)
    original = path.read_bytes()
    generator = random.Random(20_240)
    accepted = 0
    tracemalloc.start()
    try:
        for _ in range(rounds):
            accepted += read_or_refuse(path, mutate_file(original, generator))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # a changed name or number is lawful: the fuzzing gets that far
    assert accepted > rounds // 40
    assert peak < 8 << 20


def test_every_truncation_and_every_single_extra_byte_is_refused(path):
    write_model(path, {"a": np.zeros(2)}, {"k": "v"})
    content = path.read_bytes()
    for wrong in [*(content[:size] for size in range(len(content))), content + b"\0"]:
        path.write_bytes(wrong)
        with pytest.raises(ModelFileError):
            read_model(path)


small = st.integers(-2, 40) | st.sampled_from([2**31, 2**63, 2**64])
json_values = st.recursive(
    st.none() | st.booleans() | small | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F64", "F32", "F16", "BF16"]) | json_values,
        "shape": st.lists(small, max_size=3) | json_values,
        "data_offsets": st.lists(small, max_size=3) | json_values,
    }
)


@settings(max_examples=150)
@given(
    header=st.dictionaries(
        st.sampled_from(["a", "b", "__metadata__"]) | st.text(max_size=5), entries | json_values
    )
    | json_values,
    size=st.integers(0, 64),
)
def test_random_headers(folder, header, size):
    read_or_refuse(folder / "m", raw_file(header, bytes(size)))
