"""The cache: whatever is on the disk, it gives the right code or none, and raises nothing."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest
from extras import extra

from tinygrad_bp.native.llvm import cache, machine

extra("llvmlite")

ANSWER = "define i64 @answer(i64 %x) {{\n  %y = add i64 %x, {}\n  ret i64 %y\n}}\n"
DATA = bytes(range(256)) * 5


@pytest.fixture(autouse=True)
def where(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    return folder


def answer(number=42):
    code = cache.compiled(ANSWER.format(number), ["answer"])
    return code.function("answer", ctypes.c_int64, ctypes.c_int64)(0)


def only_entry(folder):
    (entry,) = folder.iterdir()
    return entry


def test_made_once_and_found_then(where, monkeypatch):
    assert answer() == 42
    monkeypatch.setattr(cache, "compile_object", None)
    assert answer() == 42
    assert only_entry(where).stat().st_size < 4096
    if os.name != "nt":
        assert where.stat().st_mode & 0o777 == 0o700


def test_each_part_of_a_key_counts():
    other = machine.host()._replace(features="+fma")
    keys = [
        cache.key("a"),
        cache.key("b"),
        cache.key("a", ""),
        cache.key("", "a"),
        cache.key("a", target=other),
    ]
    assert len(set(keys)) == len(keys)
    assert cache.key("a") == keys[0]


@pytest.mark.parametrize("name", ["__version__", "versions", "_sources"])
def test_code_of_another_version_is_not_found(name, monkeypatch):
    before = cache.key("a")
    changed = "0" if name == "__version__" else lambda: ("0",) if name == "versions" else "0"
    monkeypatch.setattr(cache, name, changed)
    assert cache.key("a") != before


def test_what_the_early_key_depends_on(tmp_path, monkeypatch):
    before = cache.early_key("a", "b")
    if before is None:
        pytest.skip("nothing is told of the processor here")
    others = [cache.early_key(*parts) for parts in (("b", "a"), ("ab",), ("a", "b", ""))]
    monkeypatch.setattr(cache, "_stamps", cache._stamps.__wrapped__)  # not remembered
    assert cache.early_key("a", "b") == before
    source = tmp_path / "one.py"
    source.write_text("1")
    files = cache._files
    monkeypatch.setattr(cache, "_files", lambda where: [*files(where), *files(tmp_path)])
    others.append(cache.early_key("a", "b"))
    source.write_text("22")
    others.append(cache.early_key("a", "b"))
    os.utime(source, ns=(0, 0))
    others.append(cache.early_key("a", "b"))
    monkeypatch.setattr(cache, "__version__", "another")
    others.append(cache.early_key("a", "b"))
    assert len({before, *others}) == 1 + len(others)


def test_a_flipped_bit_anywhere_is_seen(where):
    key = cache.key("a")
    cache.keep(key, DATA)
    whole = only_entry(where).read_bytes()
    generator = np.random.default_rng(0)
    places = [*range(64), *generator.integers(0, len(whole), 200)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(generator.integers(8))
        only_entry(where).write_bytes(damaged)
        assert cache.load(key) is None
    only_entry(where).write_bytes(whole)
    assert cache.load(key) == DATA


def test_a_cut_or_longer_file_is_seen(where):
    key = cache.key("a")
    cache.keep(key, DATA)
    whole = only_entry(where).read_bytes()
    for content in [b"", whole + b"\0", whole * 2, *(whole[:n] for n in range(0, len(whole), 37))]:
        only_entry(where).write_bytes(content)
        assert cache.load(key) is None


def test_an_entry_under_another_name_is_seen(where):
    first, second = cache.key("a"), cache.key("b")
    cache.keep(first, DATA)
    entry = only_entry(where)
    entry.rename(entry.with_name(entry.name.replace(first, second)))
    assert cache.load(second) is None


def test_a_damaged_entry_is_made_anew(where):
    assert answer() == 42
    entry = only_entry(where)
    whole = entry.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:60] + bytes(len(whole) - 60)):
        entry.write_bytes(content)
        assert answer() == 42
        assert entry.read_bytes() == whole


@pytest.mark.parametrize("said", ["", "off"])
def test_it_can_be_switched_off(said, monkeypatch, where):
    monkeypatch.setenv(cache.VARIABLE, said)
    assert cache.folder() is None
    assert answer() == 42
    cache.keep(cache.key("a"), DATA)
    assert cache.load(cache.key("a")) is None
    assert not where.exists()


@pytest.mark.parametrize("said", ["/dev/null/x", "\0", "/proc/no/such", "a" * 5000])
def test_a_folder_that_cannot_be_costs_nothing_but_time(said, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: cache.Path(said))
    assert answer() == 42
    assert cache.load(cache.key("a")) is None


def test_a_file_in_its_place(where):
    where.write_text("mine")
    assert answer() == 42
    assert where.read_text() == "mine"


def test_a_folder_in_the_place_of_an_entry(where):
    name = cache.key(ANSWER.format(1))
    (where / f"{name}.native").mkdir(parents=True)
    assert answer(1) == 1


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_folder_that_others_can_write_is_not_used(where):
    cache.keep(cache.key("a"), DATA)
    for mode in (0o720, 0o702, 0o777):
        where.chmod(mode)
        assert cache.load(cache.key("a")) is None
        cache.keep(cache.key("b"), DATA)
    where.chmod(0o755)
    assert cache.load(cache.key("a")) == DATA
    only_entry(where)


@pytest.mark.skipif(os.name == "nt", reason="owners of POSIX")
def test_a_folder_of_somebody_else_is_not_used(monkeypatch):
    cache.keep(cache.key("a"), DATA)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert cache.load(cache.key("a")) is None


@pytest.mark.parametrize("step", ["open", "replace", "stat", "mkdir"])
def test_a_disk_that_refuses(step, monkeypatch, where):
    def refused(*args, **options):
        raise PermissionError(13, "refused")

    monkeypatch.setattr(cache.Path, step, refused)
    assert answer() == 42
    monkeypatch.undo()
    assert not where.exists() or not list(where.iterdir())


def test_without_a_home_there_is_none(monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    for name in (cache.VARIABLE, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cache.Path, "home", homeless)
    assert cache.folder() is None
    assert answer() == 42


def test_the_oldest_go_beyond_the_limit(where, monkeypatch):
    monkeypatch.setattr(cache, "LIMIT", 5 * len(DATA))
    keys = [cache.key(str(k)) for k in range(8)]
    for age, key in enumerate(keys):
        cache.keep(key, DATA)
        os.utime(where / f"{key}.native", (age, age))
    (where / ".tinygrad_bp-dead.tmp").write_bytes(DATA)  # of a killed process
    os.utime(where / ".tinygrad_bp-dead.tmp", (0, 0))
    (where / "mine").write_bytes(DATA * 99)
    cache.keep(cache.key("last"), DATA)
    found = [key for key in keys if cache.load(key)]
    assert found == keys[-3:]
    assert cache.load(cache.key("last")) == DATA
    assert (where / "mine").exists()
    assert not (where / ".tinygrad_bp-dead.tmp").exists()


def test_all_entries_are_looked_at_now_and_then(monkeypatch):
    looks = []
    monkeypatch.setattr(cache, "_prune", looks.append)
    monkeypatch.setattr(cache, "LIMIT", 100 * len(DATA))
    for k in range(100):
        cache.keep(str(k), DATA)
    assert cache.LOOKS / 2 < len(looks) < 2 * cache.LOOKS


PROCESS = """
import ctypes, sys
from tinygrad_bp.native.llvm import cache
for round in range(15):
    for number in range(3):
        code = cache.compiled(sys.argv[1].format(number), ["answer"])
        assert code.function("answer", ctypes.c_int64, ctypes.c_int64)(0) == number
        for entry in cache.folder().iterdir():
            entry.unlink(missing_ok=True)
"""


def test_two_processes_at_once():
    children = [subprocess.Popen([sys.executable, "-c", PROCESS, ANSWER]) for _ in range(2)]
    assert [child.wait(timeout=300) for child in children] == [0, 0]
