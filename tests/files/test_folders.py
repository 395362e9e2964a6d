"""Folders that are replaced whole or not at all: killed and refused at every step."""

from __future__ import annotations

import errno
import os
import random
import signal
import sys

import pytest
from words import INPUT_OUTPUT

from tinygrad_bp.files import folders, leftovers
from tinygrad_bp.files.folders import drop_folder, folder_beside, put_folder, set_aside


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "model").write_text("old")
    return folder


def new_folder(target):
    folder = folder_beside(target)
    (folder / "model").write_text("new")
    return folder


def no_exchange(first, second):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


@pytest.mark.parametrize("exchange", [folders._exchange, no_exchange])
def test_the_new_folder_is_there_and_the_old_one_is_told(target, monkeypatch, exchange):
    monkeypatch.setattr(folders, "_exchange", exchange)
    old = put_folder(new_folder(target), target)
    assert (target / "model").read_text() == "new"
    assert (old / "model").read_text() == "old"
    assert {entry.name for entry in target.parent.iterdir()} == {"r", old.name}
    assert set_aside(target) is None


def test_where_nothing_stood_nothing_is_told(tmp_path):
    target = tmp_path / "a" / "r"
    assert put_folder(new_folder(target), target) is None
    assert (target / "model").read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="locks no files there")
def test_a_folder_of_a_killed_process_is_swept_and_one_that_is_written_is_not(target, monkeypatch):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, new_folder(target).name.encode())
        signal.pause()
    name = os.read(reader, 100).decode()
    parent = target.parent
    for alive in (True, False):
        if not alive:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        monkeypatch.setattr(leftovers, "_seen", set())  # as in another process
        mine = folder_beside(target)
        assert {one.name for one in parent.iterdir()} == {"r", mine.name, *[name] * alive}
        drop_folder(mine)
    assert list(parent.iterdir()) == [target]


@pytest.mark.skipif(sys.platform != "linux", reason="exchanges two names where the kernel does")
def test_kill_9_leaves_the_old_folder_or_the_new(target):
    generator = random.Random(1)
    spare = new_folder(target)
    for _ in range(20):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            while True:
                put_folder(spare, target)
                os.write(writer, b"x")
        os.close(writer)
        os.read(reader, generator.randint(1, 5))
        for _ in range(generator.randint(0, 20_000)):  # now the next exchange is under way
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        assert {(folder / "model").read_text() for folder in (target, spare)} == {"old", "new"}


def test_killed_between_two_renames_the_old_folder_is_found(target, monkeypatch):
    folder = new_folder(target)
    child = os.fork()
    if child == 0:
        rename, calls = folders.Path.rename, []

        def dies_at_the_second(self, name):
            calls.append(name)
            if len(calls) == 2:
                os._exit(9)
            return rename(self, name)

        monkeypatch.setattr(folders, "_exchange", no_exchange)
        monkeypatch.setattr(folders.Path, "rename", dies_at_the_second)
        put_folder(folder, target)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9
    assert not target.exists()
    old = set_aside(target)
    assert (old / "model").read_text() == "old"
    old.rename(target)
    assert set_aside(target) is None


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.EIO, INPUT_OUTPUT)])
def test_failure_of_a_rename_leaves_the_old_folder(target, monkeypatch, step, error):
    rename, calls = folders.Path.rename, []
    folder = new_folder(target)

    def fail(self, name):
        calls.append(name)
        if len(calls) == step:
            raise error
        return rename(self, name)

    monkeypatch.setattr(folders, "_exchange", no_exchange)
    monkeypatch.setattr(folders.Path, "rename", fail)
    with pytest.raises(error if error is KeyboardInterrupt else OSError):
        put_folder(folder, target)
    assert (target / "model").read_text() == "old"
    assert (folder / "model").read_text() == "new"


def test_an_exchange_that_fails_otherwise_is_an_error(target, monkeypatch):
    folder = new_folder(target)

    def fail(first, second):
        raise OSError(errno.EIO, INPUT_OUTPUT)

    monkeypatch.setattr(folders, "_exchange", fail)
    with pytest.raises(OSError, match=INPUT_OUTPUT):
        put_folder(folder, target)
    assert (target / "model").read_text() == "old"
