"""Files that are written whole or not at all: killed, interrupted, and on a full disk."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from words import ABSENT, DISK_FULL, FILE_TOO_LARGE, NAME_TOO_LONG, NO_FOLDER

from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.files import atomic, atomic_write_text, read_model, write_model

ARRAYS = {"layers.0.weight": np.arange(10.0).reshape(2, 5), "empty": np.zeros((0, 3))}
METADATA = {"kind": "2-5-5-1"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


KILLED = """
import os, signal, sys, random
import numpy as np
from tinygrad_bp.files import leftovers, read_model, write_model

path, rounds = sys.argv[1], int(sys.argv[2])
sizes = (2_000, 60_000)

def save(step):
    array = np.full(sizes[step % 2], float(step))
    write_model(path, {"a": array, "b": array[:7]}, {"step": str(step)})

save(0)
generator = random.Random(1)
for round in range(rounds):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        for step in range(round * 1000 + 1, round * 1000 + 1000):
            save(step)
            os.write(writer, b"x")
        os._exit(1)
    os.close(writer)
    for _ in range(generator.randint(1, 5)):
        os.read(reader, 1)
    for _ in range(generator.randint(0, 20_000)):  # now the next one is somewhere under way
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)
    arrays, metadata = read_model(path)
    step = int(metadata["step"])
    assert round * 1000 < step, step
    assert arrays["a"].shape == (sizes[step % 2],)
    assert (arrays["a"] == step).all() and (arrays["b"] == step).all()
assert len(os.listdir(os.path.dirname(path))) > 1  # some were killed while they wrote
leftovers._seen.clear()  # as in another process
save(0)
assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
"""

TOGETHER = """
import os, sys
from tinygrad_bp.files import atomic_write_bytes, leftovers

path, rounds = sys.argv[1], int(sys.argv[2])
children = []
for writer in b"abc":
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for _ in range(rounds):
                leftovers._seen.clear()  # each looks for leftovers while the others write
                atomic_write_bytes(path, bytes([writer]) * 1000, durable=False)
            code = 0
        finally:
            os._exit(code)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
content = open(path, "rb").read()
assert len(content) == 1000 and len(set(content)) == 1
assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
"""

FULL = """
import errno, os, resource, signal, sys
sys.dont_write_bytecode = True  # what is cut off would be kept
import numpy as np
from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.files import read_model, write_model

path = sys.argv[1]
write_model(path, {"a": np.ones(5)}, {})
before = open(path, "rb").read()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for size in (600, 600_000):
    try:
        write_model(path, {"a": np.zeros(size)}, {})
    except ModelFileError as error:
        assert isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EFBIG
        print(error)
    else:
        raise SystemExit("written past the limit")
    assert open(path, "rb").read() == before
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
"""


def run_script(script: str, *arguments: object, limit: float = 600) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_kill_9_while_saving_leaves_the_old_file_or_the_new(path):
    run_script(KILLED, path, 15)


@pytest.mark.skipif(sys.platform == "win32", reason="locks no files there")
def test_writers_at_once_take_no_file_of_each_other(path):
    run_script(TOGETHER, path, 300)


@pytest.mark.skipif(sys.platform == "win32", reason="locks no files there")
def test_only_files_that_a_writer_left_are_swept(tmp_path, path):
    """Not what has another name, nor what is no file of our own."""
    kept = {".tinygrad_bp-a", "other.tmp", ".tinygrad_bp-link.tmp", ".tinygrad_bp-folder.tmp"}
    for name in (".tinygrad_bp-a", "other.tmp", ".tinygrad_bp-dead.tmp"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".tinygrad_bp-folder.tmp").mkdir()
    (tmp_path / ".tinygrad_bp-link.tmp").symlink_to(tmp_path / "other.tmp")
    write_model(path, {}, {})
    assert {entry.name for entry in tmp_path.iterdir()} == kept | {path.name}


@pytest.mark.deep
def test_kill_9_a_thousand_times(path):
    run_script(KILLED, path, 1000, limit=900)


def test_disk_full_leaves_the_old_file_and_nothing_else(path):
    lines = run_script(FULL, path).splitlines()
    assert (
        lines
        == [f"{path}: cannot write the file: {FILE_TOO_LARGE}; what was there before is intact"] * 2
    )


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, DISK_FULL)])
def test_failure_at_any_step_leaves_the_old_file_and_nothing_else(path, monkeypatch, step, error):
    write_model(path, ARRAYS, METADATA)
    before = path.read_bytes()

    def fail(*arguments, **options):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(*((os, step) if step == "fsync" else (atomic.Path, step)), fail)
        expected = KeyboardInterrupt if error is KeyboardInterrupt else ModelFileError
        with pytest.raises(expected) as caught:
            write_model(path, {}, {})
    if expected is ModelFileError:
        assert f"{DISK_FULL}; what was there before is intact" in str(caught.value)
        assert isinstance(caught.value.__cause__, OSError)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_data_is_synced_before_the_rename_and_the_folder_after_it(path, monkeypatch):
    events = []
    sync, replace = os.fsync, atomic.Path.replace

    def record_sync(descriptor):
        mode = os.fstat(descriptor)
        events.append("folder" if stat.S_ISDIR(mode.st_mode) else f"file of {mode.st_size}")
        sync(descriptor)

    def record_replace(self, target):
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(atomic.Path, "replace", record_replace)
    atomic_write_text(path, "∂x\r\n")
    assert events == ["file of 6", "rename", "folder"]
    assert path.read_bytes() == "∂x\r\n".encode()


def test_permissions_are_kept_and_links_followed(tmp_path, path):
    path.write_bytes(b"old")
    path.chmod(0o640)
    (tmp_path / "sub").mkdir()
    link = tmp_path / "sub" / "link"
    link.symlink_to(path)
    write_model(link, ARRAYS, METADATA)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    np.testing.assert_array_equal(read_model(link)[0]["layers.0.weight"], ARRAYS["layers.0.weight"])
    assert list((tmp_path / "sub").iterdir()) == [link]


def test_new_file_has_the_usual_permissions(tmp_path, path):
    (tmp_path / "plain").touch()
    write_model(path, {}, {})
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_places_that_cannot_be_written(tmp_path, path):
    os.mkfifo(tmp_path / "pipe")
    path.write_bytes(b"old")
    for name, part in [
        (".", "not a regular file"),
        ("pipe", "not a regular file"),
        ("/dev/null", "not a regular file"),
        ("absent/model", ABSENT),
        ("model.safetensors/x", NO_FOLDER),
        ("x" * 300, NAME_TOO_LONG),
        ("a\0b", "not the path of a model file"),
    ]:
        with pytest.raises(ModelFileError) as caught:
            write_model(tmp_path / name, {}, {})
        assert part in str(caught.value), name
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.safetensors", "pipe"]
    assert path.read_bytes() == b"old"
